//! Each page in a real browser, wide and on a telephone, in both languages, light and dark.

use e2e::browser::{Browser, Screen};
use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of};
use e2e::{Role, Stage};
use image::ImageFormat;
use proto_events::events::MediaType;
use proto_events::{AccountId, GenerationId, Producer};
use serde_json::json;

use crate::catalog::{begins, saves};
use crate::desk::{PASSWORD, Seat, hires, open};
use crate::pictures::{drawn, puts};
use crate::requests::{made, painted};
use crate::texts::knows;

#[test]
fn pages_are_read_on_a_wide_screen_and_on_a_telephone() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let (ada, made) = somebody(&stage);
    knows(&stage);
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    puts(&admin, "ru", "", &drawn(640, 360, 90, ImageFormat::Png));
    begins(&admin);
    saves(&admin, &[("models.1.kinds.0", "15"), ("packages.0.price", "99.50"), ("packages.1.remove", "on")]);
    let browser = Browser::start("console").unwrap();
    for (screen, lang, theme) in [
        (Screen::Wide, "ru", "light"),
        (Screen::Wide, "en", "dark"),
        (Screen::Phone, "ru", "dark"),
        (Screen::Phone, "en", "light"),
    ] {
        let page = browser.open(screen).unwrap();
        page.prefer(theme);
        let url = stage.url(Role::Ledger);
        page.go(&format!("{url}/acts"));
        page.turns_by(&format!(".languages [value={lang}]"));
        let word = |ru: &'static str, en: &'static str| if lang == "ru" { ru } else { en };
        page.sees("h1", word("Войти", "Sign in"));
        let shot = |name: &str| {
            page.assert_fits(name);
            page.shot(&format!("{name}-{lang}-{theme}"));
        };
        shot("sign-in");
        page.click("[name=name]", "");
        page.types("admin");
        page.click("[name=password]", "");
        page.types("wrong horse battery");
        page.turns();
        page.sees(".bad", word("не подходят", "not right"));
        shot("wrong");
        page.click("[name=password]", "");
        page.types(PASSWORD);
        page.turns();
        page.sees("h1", word("Обзор", "Overview"));
        shot("home");
        for (path, name) in [
            ("/books", "books"),
            ("/revenue", "revenue"),
            ("/statement", "statement"),
            ("/payment", "payment"),
            ("/clearing", "clearing"),
            ("/debts", "debts"),
            ("/cases", "cases"),
            ("/reconciliation", "reconciliation"),
            ("/log", "log"),
            ("/log/3", "event"),
            ("/services", "services"),
            ("/projections", "projections"),
            ("/jobs", "jobs"),
            ("/broadcasts", "broadcasts"),
            ("/broadcasts/compose?of=news", "broadcast-change"),
            ("/dead-letters", "letters"),
            ("/projections/balances", "projection"),
            ("/acts", "acts"),
            ("/people", "people"),
            (&format!("/people/{ada}"), "person"),
            ("/requests", "requests"),
            (&format!("/requests/{made}"), "request"),
            ("/catalog", "catalog"),
            ("/catalog/draft", "draft"),
            ("/catalog/draft/json", "draft-json"),
            ("/catalog/compare?to=draft", "catalog-compare"),
            ("/catalog/versions", "catalog-versions"),
            ("/texts", "texts"),
            ("/texts/welcome", "text"),
            ("/me", "me"),
            ("/staff", "staff"),
            ("/nowhere", "nowhere"),
        ] {
            page.go(&format!("{url}{path}"));
            shot(name);
        }
        page.go(&format!("{url}/services"));
        page.eval("scrollTo(0, document.body.scrollHeight)");
        shot("services-below");
        page.go(&format!("{url}/people"));
        page.turns_by(".look button");
        page.sees("th", "Ada");
        shot("people-named");
        page.go(&format!("{url}/people/{ada}"));
        page.turns_by(".look button");
        page.sees("dd", "Ada");
        shot("person-seen");
        page.click(".deeds textarea", "");
        page.types("Hello");
        page.turns_by(".deeds form:nth-of-type(2) button");
        page.sees(".lead", word("сразу", "at once"));
        shot("person-confirm");
        page.go(&format!("{url}/dead-letters"));
        page.turns_by("main th a");
        page.sees("h1", "payment_settle");
        shot("letter");
        page.turns_by(".look button");
        page.sees("pre", "settle:faces");
        shot("letter-seen");
        page.go(&format!("{url}/dead-letters/events/telegram/3"));
        page.click(".acts summary", "");
        shot("stuck");
        page.go(&format!("{url}/broadcasts/compose"));
        page.click("main textarea", "");
        page.types("<b>News</b> for <i>all</i>");
        page.turns_by("main button[value=look]");
        page.sees(".telegram strong", "News");
        shot("broadcast-looked");
        page.go(&format!("{url}/broadcasts"));
        page.click(".acts summary", word("Попробовать", "Try"));
        shot("broadcast-try");
        page.go(&format!("{url}/requests/{made}"));
        page.turns_by(".look button");
        page.sees("img.made", "");
        stage.until("the picture", || {
            (page.eval("document.querySelector('img.made').naturalWidth") == 256).then_some(())
        });
        shot("request-seen");
    }
}

/// A person with a payment and a picture, and the picture's request.
fn somebody(stage: &Stage) -> (AccountId, GenerationId) {
    let deeds = Deeds::new(stage);
    let ada = stage.rt.block_on(deeds.start(42)).unwrap();
    let payment = stage.rt.block_on(deeds.topup(42, "n")).unwrap();
    stage.rt.block_on(deeds.register(payment)).unwrap();
    stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    let news = json!({
        "text": "<b>A new model</b>\nIt draws <i>hands</i>, and <tg-spoiler>feet</tg-spoiler>.",
        "button": {"label": "Try it", "url": "https://example.com/"},
    });
    let draft = json!({"broadcast": "news", "segment": {"active": {"days": 7}}, "content": news});
    let drafted =
        Raw::new(stage).send(Producer::Console, "broadcast_draft", "news", of(AccountId::OPERATIONS), draft);
    assert_eq!(drafted["status"], "done", "{drafted}");
    let body = json!({"payment": "p-1", "rail": "yookassa"});
    let code = Raw::new(stage).refused(Producer::Payments, "payment_settle", "settle:faces", of(ada), body);
    assert_eq!(code, "invalid");
    let body = json!({"consumer": "telegram", "position": 3, "tries": 15,
        "error": "refused: this generation is held by another (generation_held)"});
    Raw::new(stage).done(Producer::Telegram, "consumer_stuck", "stuck:3", of(AccountId::OPERATIONS), body);
    let picture = painted();
    let made = made(stage, &deeds, 42, 1, &[("0", MediaType::Png, &picture, true)]);
    stage.until("the request on its page", || {
        let sql = "SELECT min(position) >= (SELECT position FROM log_head) FROM projection_instances \
                   WHERE state = 'live'";
        let there: Option<bool> = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
        (there == Some(true)).then_some(())
    });
    (ada, made)
}
