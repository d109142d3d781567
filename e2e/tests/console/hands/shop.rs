//! The shop by hand: prices written, compared, carried over and published; the bot's words and the pictures above them.

use std::cell::RefCell;

use e2e::people::{Person, buttons};
use e2e::raw::Raw;
use e2e::{Role, Stage};
use image::ImageFormat;
use proto_events::AccountId;
use proto_events::catalog::Catalog;
use serde_json::{Value, json};

use super::hand::{Act, Hand, by_hand, counted};
use crate::desk::PASSWORD;
use crate::pictures::{changes, drawn, is_photo, is_text, until_greeted};
use crate::texts::answered;

pub const ACTS: &[Act] = &[
    ("/catalog/draft/begin", ""),
    ("/catalog/draft/end", "draft-ended"),
    ("/catalog/draft", "draft-saved"),
    ("/catalog/draft/json", "draft-saved"),
    ("/catalog/draft/carry", "draft-carried"),
    ("/catalog/publish", "published"),
    ("/texts/{key}/look", ""),
    ("/texts/{key}/put", "text-put"),
    ("/texts/{key}/take-back", "text-taken-back"),
    ("/texts/{key}/picture/look", ""),
    ("/texts/{key}/picture/put", "picture-put"),
    ("/texts/{key}/picture/take-back", "picture-taken-back"),
];

const ADA: Person = Person(7_401);

fn in_force(stage: &Stage) -> (i64, Value) {
    let sql = "SELECT payload::json->'version' #>> '{}', (payload::json->'catalog')::text FROM events \
               WHERE type = 'CatalogPublished' ORDER BY position DESC LIMIT 1";
    let (version, catalog): (String, String) = stage.sql(sqlx::query_as(sql).fetch_one(&stage.pool));
    (version.parse().unwrap(), serde_json::from_str(&catalog).unwrap())
}

/// The first price of the menu.
fn offers(stage: &Stage, price: &str) {
    // The bot asks for prices once a second at most.
    stage.until(&format!("{price} at the bot"), || {
        let asked = stage.write(ADA, "/topup");
        let menu = stage.wait_for(ADA, "the packages", |m| m["message_id"].as_i64() > Some(asked));
        buttons(&menu).iter().any(|(label, _)| label.contains(price)).then_some(())
    });
}

/// A draft is begun and thrown away, begun again, written in both ways, overtaken, and published.
fn prices(hand: &Hand<'_>, raw: &Raw) {
    let stage = hand.stage;
    let (typed, at_the_bot, welcome) =
        if hand.lang == "ru" { ("99,50", "99,50", 7) } else { ("98.50", "98,50", 8) };
    hand.goes("/catalog");
    hand.shot("catalog");
    hand.goes("/catalog/draft");
    hand.fills("/catalog/draft/begin", &[]);
    hand.fills("/catalog/draft/end", &[("sure", "on")]);
    hand.says("удалён", "is deleted");
    hand.goes("/catalog/draft");
    hand.fills("/catalog/draft/begin", &[]);
    hand.fills("/catalog/draft", &[("packages.0.price", typed), ("models.1.kinds.0", "15")]);
    hand.says("Черновик сохранён", "The draft is saved");
    hand.shot("draft-saved");
    hand.goes("/catalog/draft/json");
    let whole = hand.page.eval("document.querySelector('main [name=json]').value");
    let before = in_force(stage).1["bonuses"]["welcome"].to_string();
    let whole = whole
        .as_str()
        .unwrap()
        .replace(&format!("\"welcome\": {before}"), &format!("\"welcome\": {welcome}"));
    hand.fills("/catalog/draft/json", &[("json", &whole)]);
    hand.says("Черновик сохранён", "The draft is saved");

    // Somebody else publishes meanwhile.
    let (version, _) = in_force(stage);
    let mut other = Catalog::default_catalog().unwrap();
    other.bonuses.referral_daily_max = if hand.lang == "ru" { 3 } else { 4 };
    let body = json!({"version": version + 1, "catalog": other});
    raw.operator("catalog_publish", &format!("catalog:{version}"), json!({"id": AccountId::CATALOG}), body);
    hand.goes("/catalog/draft");
    hand.fills("/catalog/draft/carry", &[]);
    hand.says("перенесён", "is carried over");
    hand.shot("carried");
    hand.goes("/catalog/compare?to=draft");
    hand.page.sees("main td", if hand.lang == "ru" { "99.50" } else { "98.50" });
    hand.shot("compared");
    hand.goes("/catalog/draft");
    hand.fills(
        "/catalog/publish",
        &[("reason", hand.word("весенние цены", "spring prices")), ("sure", "on")],
    );
    hand.says("Опубликовано", "Published");
    hand.shot("published");
    let (now, catalog) = in_force(stage);
    assert_eq!((now, &catalog["bonuses"]["welcome"]), (version + 2, &json!(welcome)));
    let acts = "SELECT count(*) FROM events WHERE type = 'CatalogPublished' AND actor = 'operator:admin' \
                AND payload LIKE '%' || $1 || '%'";
    assert_eq!(counted(stage, acts, hand.word("весенние цены", "spring prices")), 1);
    offers(stage, at_the_bot);
}

fn words(hand: &Hand<'_>) {
    let (stage, own) =
        (hand.stage, hand.word("<b>Ahoy</b>, { $available }", "<i>Land ho</i>: { $available }"));
    let (form, english) = ("/texts/welcome-back/put", "[name=language][value=en]");
    let said = hand.word("Ahoy", "Land ho");
    hand.goes("/texts?words=welcome-back");
    hand.shot("texts");
    hand.presses("main a[href='/texts/welcome-back']");
    let fields = [("text", own), ("reason", "more of the sea")];
    hand.fills_by(form, english, "button[formaction]", &fields);
    hand.page.sees("main .telegram", said);
    hand.shot("text-looked-at");
    let puts =
        || counted(stage, "SELECT count(*) FROM events WHERE payload LIKE '%' || $1 || '%'", "content_put");
    let before = puts();
    // What was looked at is still typed.
    hand.fills_by(form, english, "button:not([formaction])", &[]);
    hand.says("Сохранено", "Saved");
    hand.shot("text-put");
    answered(stage, ADA, "en", said);
    hand.fills_by("/texts/welcome-back/take-back", english, "button", &[("reason", "enough of the sea")]);
    hand.says("Вернули встроенный", "built-in text is back");
    answered(stage, ADA, "en", "Welcome back");
    assert_eq!(puts(), before + 2);
}

/// A picture is brought from a folder, looked at, put above the greeting, and taken back.
fn picture(hand: &Hand<'_>, user: &mut i64) {
    let (stage, english) = (hand.stage, "[name=language][value=en]");
    let file = stage.dir().join(format!("picture-{}.png", hand.lang));
    let hue = if hand.lang == "ru" { 40 } else { 200 };
    std::fs::write(&file, drawn(640, 360, hue, ImageFormat::Png)).unwrap();
    let before = changes(stage);
    hand.goes("/texts/welcome");
    let brought = [("file", file.to_str().unwrap())];
    hand.fills_by("/texts/welcome/picture/look", english, "button", &brought);
    hand.page.until("the picture", || hand.page.eval("eyes.drawn('.pictured img')") == 1);
    hand.page.eval("document.querySelector('.pictured').scrollIntoView()");
    hand.shot("picture-looked-at");
    hand.fills_by("/texts/welcome/picture/put", english, "button", &[("reason", "a nicer welcome")]);
    hand.says("Картинка стоит", "The picture is there");
    hand.shot("picture-put");
    until_greeted(stage, user, "en", "the picture above the greeting", |m| is_photo(m, "Hi"));
    hand.fills_by("/texts/welcome/picture/take-back", english, "button", &[("reason", "enough of it")]);
    hand.says("Картинка убрана", "The picture is taken back");
    until_greeted(stage, user, "en", "words alone", is_text);
    assert_eq!(changes(stage), before + 2);
}

#[test]
fn prices_words_and_pictures_are_changed_by_hand() {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)])]).unwrap();
    stage.until("the first administrator and the bot's texts", || {
        let sql = "SELECT (SELECT count(*) FROM staff) = 1 AND (SELECT count(*) FROM builtin_texts) > 150";
        stage.sql::<bool>(sqlx::query_scalar(sql).fetch_one(&stage.pool)).then_some(())
    });
    let raw = Raw::new(&stage);
    answered(&stage, ADA, "en", "Welcome back");
    let user = RefCell::new(7_410);
    by_hand(&stage, "console-hands-shop", ACTS, |hand| {
        hand.is_admin();
        prices(hand, &raw);
        words(hand);
        picture(hand, &mut user.borrow_mut());
    });
    stage.assert_verified();
}
