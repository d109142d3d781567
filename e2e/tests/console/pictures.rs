//! Pictures above the bot's texts at the console: brought, looked at, put, sent by the bot, replaced, taken back.

use std::io::Cursor;

use e2e::people::{Person, buttons, said};
use e2e::{Role, Stage};
use image::{ImageFormat, Rgb, RgbImage};
use proto_events::media::sha256_hex;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::{Answer, PASSWORD, Seat, hires};

/// Of these sides, another for each hue.
pub fn drawn(width: u32, height: u32, hue: u8, format: ImageFormat) -> Vec<u8> {
    let (w, h) = (width.max(1), height.max(1));
    let shade = |n: u32, of: u32| u8::try_from(n * 255 / of).unwrap_or(u8::MAX);
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([hue, shade(x, w), shade(y, h)]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// All services, with the bot's texts told.
pub fn open() -> Stage {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)])]).unwrap();
    stage.until("the first administrator and the bot's texts", || {
        let sql = "SELECT (SELECT count(*) FROM staff) = 1 AND (SELECT count(*) FROM builtin_texts) > 150";
        stage.sql::<bool>(sqlx::query_scalar(sql).fetch_one(&stage.pool)).then_some(())
    });
    stage
}

fn looks(seat: &Seat<'_>, language: &str, seen: &str, name: &str, bytes: &[u8]) -> Answer {
    let form = [("language", language), ("seen", seen)];
    seat.uploads("/texts/welcome/picture/look", &form, name, bytes)
}

/// The form below a picture that was looked at, filled in; to be pressed as often as one likes.
fn form<'a>(looked: &'a Answer, language: &'a str, reason: &'a str) -> [(&'static str, String); 5] {
    let (_, form) = looked.text.split_once("/picture/put").expect("a form that puts it");
    let hidden = |name: &str| {
        let (_, value) = form.split_once(&format!("name=\"{name}\" value=\"")).expect("its field");
        value.split('"').next().unwrap_or_default().to_owned()
    };
    let [once, seen, sha256] = ["once", "seen", "sha256"].map(hidden);
    [
        ("once", once),
        ("language", language.to_owned()),
        ("seen", seen),
        ("sha256", sha256),
        ("reason", reason.to_owned()),
    ]
}

fn sends(seat: &Seat<'_>, deed: &str, form: &[(&'static str, String)]) -> Answer {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    seat.posts(&format!("/texts/welcome/picture/{deed}"), &form)
}

/// Above the welcome.
pub fn puts(seat: &Seat<'_>, language: &str, seen: &str, bytes: &[u8]) -> Answer {
    let looked = looks(seat, language, seen, "p", bytes);
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    sends(seat, "put", &form(&looked, language, "a nicer welcome"))
}

/// Above a text that has none.
pub fn puts_above(seat: &Seat<'_>, key: &str, language: &str, bytes: &[u8]) {
    let path = |deed: &str| format!("/texts/{key}/picture/{deed}");
    let looked = seat.uploads(&path("look"), &[("language", language), ("seen", "")], "p", bytes);
    let form = form(&looked, language, "a nicer one");
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let put = seat.posts(&path("put"), &form);
    assert_eq!(put.to, format!("/texts/{key}?done=picture-put"), "{}", put.text);
}

fn takes_back(seat: &Seat<'_>, language: &str, seen: &str) -> Answer {
    let once = uuid::Uuid::new_v4().simple().to_string();
    let form = [
        ("once", once),
        ("language", language.to_owned()),
        ("seen", seen.to_owned()),
        ("reason", "enough".to_owned()),
    ];
    sends(seat, "take-back", &form)
}

pub fn changes(stage: &Stage) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = 'PictureChanged'";
    stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
}

/// What the bot says first to somebody new who speaks this language.
fn greeted(stage: &Stage, user: &mut i64, language: &str) -> Value {
    *user += 1;
    let person = Person(*user);
    let body = json!({"text": "/start", "language_code": language, "first_name": "Ada"});
    let (status, asked) = stage.post(&format!("/people/{user}/messages"), &body);
    assert_eq!(status, 200, "{asked}");
    stage.wait_for(person, "a greeting", |m| m["message_id"].as_i64() > asked["message_id"].as_i64())
}

/// Greets somebody new until they are greeted so.
pub fn until_greeted(
    stage: &Stage,
    user: &mut i64,
    language: &str,
    what: &str,
    so: impl Fn(&Value) -> bool,
) -> Value {
    stage.until(what, || Some(greeted(stage, user, language)).filter(&so))
}

pub fn is_photo(message: &Value, words: &str) -> bool {
    message["photo"].is_array() && message["caption"].as_str().is_some_and(|caption| caption.contains(words))
}

pub fn is_text(message: &Value) -> bool {
    message["photo"].is_null() && message["text"].is_string()
}

/// Photos whose bytes went up to Telegram.
fn uploads(stage: &Stage) -> usize {
    let arrivals = stage.get("/arrivals?vendor=telegram&call=sendPhoto&limit=100");
    let all = arrivals["arrivals"].as_array().cloned().unwrap_or_default();
    all.iter().filter(|call| call["body"].to_string().contains("\"filename\"")).count()
}

#[test]
fn a_picture_is_looked_at_put_sent_replaced_and_taken_back() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let [admin, fin] = ["admin", "fin"].map(|name| Seat::signed_in(&stage, name, PASSWORD));
    let (png, jpeg) = (drawn(640, 360, 40, ImageFormat::Png), drawn(500, 500, 200, ImageFormat::Jpeg));
    let (first, second) = (sha256_hex(&png), sha256_hex(&jpeg));
    let mut user = 7300;

    // Looked at, by whom the texts are for: shown above the words, and nothing is done.
    assert_eq!(looks(&fin, "ru", "", "p.png", &png).status, StatusCode::FORBIDDEN);
    let looked = looks(&admin, "ru", "", "words.txt", &png);
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    for shown in ["Так будет выглядеть", &format!("src=\"/pictures/{first}\""), "PNG, 640 × 360"]
    {
        assert!(looked.text.contains(shown), "{shown}: {}", looked.text);
    }
    assert_eq!(changes(&stage), 0);
    let address = format!("/pictures/{first}");
    assert_eq!(admin.bytes(&address), png);
    let answer = admin.gets(&address);
    let header = |name: &str| answer.headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-type"), header("x-content-type-options")),
        ("image/png".to_owned(), "nosniff".to_owned())
    );
    assert_eq!(fin.gets(&address).status, StatusCode::FORBIDDEN);
    assert_eq!(admin.gets(&format!("/pictures/{second}")).status, StatusCode::NOT_FOUND);

    // Put for a reason; a form is one act however often it is pressed.
    let unreasoned = sends(&admin, "put", &form(&looked, "ru", " "));
    assert_eq!(unreasoned.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unreasoned.text.contains(&format!("name=\"sha256\" value=\"{first}\"")), "{}", unreasoned.text);
    assert_eq!(sends(&fin, "put", &form(&looked, "ru", "r")).status, StatusCode::FORBIDDEN);
    assert_eq!(changes(&stage), 0);
    for _ in 0..2 {
        let done = sends(&admin, "put", &form(&looked, "ru", "more colour"));
        assert_eq!(done.to, "/texts/welcome?done=picture-put", "{}", done.text);
    }
    assert_eq!(changes(&stage), 1);
    let shown = admin.reads("/texts/welcome");
    let of = |language: &str| {
        let all = shown["languages"].as_array().unwrap();
        all.iter().find(|words| words["language"] == language).unwrap()["picture"].clone()
    };
    let kept = json!({"media_type": "png", "width": 640, "height": 360, "bytes": png.len()});
    assert_eq!((of("ru"), of("en")), (json!({"sha256": first, "kept": kept}), Value::Null));
    let listed = admin.gets("/texts?own=true").text;
    assert!(listed.contains("href=\"/texts/welcome\"") && listed.contains("картинка"), "{listed}");

    // The bot greets in Russian with it, in English without; its bytes go up once.
    let greeting = until_greeted(&stage, &mut user, "ru", "a photo", |m| is_photo(m, "Привет"));
    assert_eq!(stage.picture_bytes(&greeting), png, "the very picture");
    let again = greeted(&stage, &mut user, "ru");
    let person = Person(user);
    assert!(is_photo(&again, "Привет"), "{again}");
    assert_eq!(uploads(&stage), 1);
    let english = greeted(&stage, &mut user, "en");
    assert!(is_text(&english) && said(&english, "Hi"), "{english}");

    // What its buttons lead to stands below it, and is edited there.
    let data = |message: &Value, words: &str| {
        let found = buttons(message).into_iter().find(|(label, _)| label.contains(words));
        found.unwrap_or_else(|| panic!("no button {words}: {message}")).1
    };
    let photo = stage.wait_for(person, "the photo", |m| m["photo"].is_array());
    stage.tap(person, &photo, &data(&photo, "Помощь"));
    let help = stage.wait_for(person, "help", |m| said(m, "Что я умею"));
    assert!(help["message_id"].as_i64() > photo["message_id"].as_i64());
    stage.tap(person, &help, &data(&help, "Меню"));
    stage.until("the menu in its place", || {
        let there = stage.bot_said(person);
        let now = there.iter().find(|m| m["message_id"] == help["message_id"])?;
        said(now, "На балансе").then_some(())
    });
    let there = stage.bot_said(person);
    assert_eq!(there.len(), 2, "{there:?}");
    assert!(is_photo(&there[0], "Привет"), "{there:?}");

    // An old form writes over nothing unseen; seen, it may be replaced.
    let late = puts(&admin, "ru", "", &jpeg);
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    for kept in ["изменил кто-то другой", &format!("/pictures/{second}"), &format!("/pictures/{first}")]
    {
        assert!(late.text.contains(kept), "{kept}: {}", late.text);
    }
    assert!(
        late.text.contains(&format!("name=\"seen\" value=\"{first}\"")),
        "seen, it may be: {}",
        late.text
    );
    assert_eq!(takes_back(&admin, "ru", "").status, StatusCode::CONFLICT);
    assert_eq!(takes_back(&admin, "en", "").status, StatusCode::UNPROCESSABLE_ENTITY, "nothing stands there");
    assert_eq!(changes(&stage), 1);
    assert_eq!(puts(&admin, "ru", &first, &jpeg).to, "/texts/welcome?done=picture-put");
    until_greeted(&stage, &mut user, "ru", "the other photo", |m| {
        is_photo(m, "Привет") && stage.picture_bytes(m) == jpeg
    });
    assert_eq!(takes_back(&admin, "ru", &second).to, "/texts/welcome?done=picture-taken-back");
    until_greeted(&stage, &mut user, "ru", "words alone", |m| is_text(m) && said(m, "Привет"));
    assert_eq!(changes(&stage), 3);
    stage.until("all acts with their reasons", || {
        let acts = admin.reads("/acts")["acts"].to_string();
        ["more colour", "a nicer welcome", "enough", &first]
            .iter()
            .all(|told| acts.contains(told))
            .then_some(())
    });

    // What stands nowhere is gone after a day.
    let aged = "UPDATE shop_pictures SET at = at - 86400000000";
    let kept = || -> i64 {
        let sql = "SELECT count(*) FROM shop_pictures";
        stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
    };
    assert_eq!(kept(), 2);
    let now = || -> i64 { stage.sql(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)) };
    let prunes = || stage.sql(ledger::store::prune_pictures(&stage.pool, now() - 86_400_000_000));
    prunes();
    assert_eq!(kept(), 2, "a day is not over");
    assert_eq!(puts(&admin, "en", "", &png).to, "/texts/welcome?done=picture-put");
    stage.sql(sqlx::query(aged).execute(&stage.pool));
    prunes();
    assert_eq!(kept(), 1, "what stands somewhere stays");
    stage.assert_verified();
}

#[test]
fn what_is_no_picture_for_telegram_or_has_no_room_is_refused_with_what_is_wrong() {
    let stage = open();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let png = drawn(64, 64, 9, ImageFormat::Png);
    let narrow = drawn(1, 30, 9, ImageFormat::Png);
    let gif = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\0;".to_vec();
    for (name, bytes, told) in [
        ("hello.png", b"hello, I am a picture".to_vec(), "Это не PNG и не JPEG"),
        ("a.gif", gif, "Это не PNG и не JPEG"),
        ("large.png", vec![0x89; 6 << 20], "больше 5 МБ"),
        ("narrow.png", narrow, "1 × 30 слишком узкая"),
        ("torn.png", png[..png.len() - 20].to_vec(), "обрывается"),
        ("empty.png", Vec::new(), "не выбрана"),
    ] {
        let refused = looks(&admin, "ru", "", name, &bytes);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(refused.text.contains(told), "{name}: {}", refused.text);
        assert!(!refused.text.contains("picture/put"), "{name} can't be put");
    }
    // Larger than is taken at all; no form; a text that is not there, and one that is edited in place.
    let seen = [("language", "ru"), ("seen", "")];
    let unread = admin.posts("/texts/welcome/picture/look", &seen);
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nowhere = admin.uploads("/texts/nothing/picture/look", &seen, "p.png", &png);
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    let menu = admin.uploads("/texts/balance/picture/look", &seen, "p.png", &png);
    assert_eq!(menu.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(menu.text.contains("отдельным сообщением"), "{}", menu.text);
    assert!(!admin.gets("/texts/balance").text.contains("type=\"file\""));
    let kept = "SELECT count(*) FROM shop_pictures";
    let kept: i64 = stage.sql(sqlx::query_scalar(kept).fetch_one(&stage.pool));
    assert_eq!(kept, 0);

    // Words that leave no room for a picture; a picture that leaves none for words, of all that stand in its message.
    let says = |key: &str, text: &str| {
        let shown = admin.reads(&format!("/texts/{key}"))["languages"].as_array().unwrap().clone();
        let seen = shown.iter().find(|words| words["language"] == "ru").unwrap()["version"].to_string();
        let once = uuid::Uuid::new_v4().simple().to_string();
        let form =
            [("once", once.as_str()), ("language", "ru"), ("text", text), ("reason", "r"), ("seen", &seen)];
        admin.posts(&format!("/texts/{key}/put"), &form)
    };
    let long = format!("<b>{}</b> {{ $credits }}", "слово ".repeat(200));
    assert_eq!(says("welcome", &long).to, "/texts/welcome?done=text-put");
    let refused = looks(&admin, "ru", "", "p.png", &png);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("до 1024"), "{}", refused.text);
    assert_eq!(says("welcome", "Привет, { $credits }").to, "/texts/welcome?done=text-put");
    assert_eq!(puts(&admin, "ru", "", &png).to, "/texts/welcome?done=picture-put");
    for (key, text) in
        [("welcome", long.clone()), ("start-how", format!("{} {{ $answer }}", "я ".repeat(500)))]
    {
        let refused = says(key, &text);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{key}");
        assert!(
            refused.text.contains("до 1024") && refused.text.contains("«welcome»"),
            "{key}: {}",
            refused.text
        );
    }
    stage.assert_verified();
}

#[test]
fn nobody_is_left_without_words_because_of_a_picture() {
    let stage = open();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let png = drawn(1_200, 1_200, 77, ImageFormat::Png);
    let sha256 = sha256_hex(&png);
    let mut user = 7400;
    puts_above(&admin, "help", "ru", &drawn(1_200, 1_200, 78, ImageFormat::Png));
    // Of more than one answer.
    let large = [png.clone(), vec![0; 700_000]].concat();
    assert_eq!(puts(&admin, "en", "", &large).to, "/texts/welcome?done=picture-put");
    let greeting = until_greeted(&stage, &mut user, "en", "a photo", |m| is_photo(m, "Hi"));
    assert_eq!(stage.picture_bytes(&greeting), large, "in parts, and whole");

    // Other bytes than were put, and none at all.
    assert_eq!(puts(&admin, "ru", "", &png).to, "/texts/welcome?done=picture-put");
    let damaged =
        "UPDATE shop_pictures SET bytes = overlay(bytes placing '\\x00' from 100) WHERE sha256 = $1";
    stage.sql(sqlx::query(damaged).bind(&sha256).execute(&stage.pool));
    let failed =
        |why: &str| std::fs::read_to_string(stage.log_path(Role::Telegram)).unwrap().matches(why).count();
    until_greeted(&stage, &mut user, "ru", "a picture that is another", |m| {
        assert!(is_text(m) && said(m, "Привет"), "{m}");
        failed("another digest") > 0
    });
    let lost = "SET session_replication_role = replica; DELETE FROM shop_pictures WHERE media_type = 'png'; \
                SET session_replication_role = origin";
    stage.sql(sqlx::raw_sql(lost).execute(&stage.pool));
    // What failed is let be for some minutes: it is seen at another one, which the bot knows of.
    let asked = stage.write(Person(user), "/help");
    let help = stage.wait_for(Person(user), "help", |m| m["message_id"].as_i64() > Some(asked));
    assert!(is_text(&help) && said(&help, "Что я умею"), "{help}");
    assert!(failed("picture_not_found") > 0, "its picture is lost");
    let page = admin.gets("/texts/welcome");
    assert!(page.status == StatusCode::OK && page.text.contains("потерян"), "{}", page.text);
    assert_eq!(
        puts(&admin, "ru", &sha256, &drawn(300, 200, 5, ImageFormat::Png)).to,
        "/texts/welcome?done=picture-put"
    );
    until_greeted(&stage, &mut user, "ru", "another picture", |m| is_photo(m, "Привет"));

    // Telegram takes no photo.
    stage.fault(
        "telegram",
        "sendPhoto",
        json!({"status": 400, "description": "Bad Request: IMAGE_PROCESS_FAILED"}),
        1,
    );
    let refused = greeted(&stage, &mut user, "ru");
    assert!(is_text(&refused), "{refused}");

    // Words that grew by a way that does not look at pictures come after theirs.
    let long = format!("Добро пожаловать {{ $credits }} {}", "слово ".repeat(200));
    let set = stage.ledger_command(&["texts", "set", "welcome", "ru", &long, "--yes"]).unwrap();
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    let words =
        until_greeted(&stage, &mut user, "ru", "its words", |m| is_text(m) && said(m, "Добро пожаловать"));
    let photo = stage.wait_for(Person(user), "a photo without words", |m| m["photo"].is_array());
    assert!(photo["caption"].is_null() && buttons(&photo).is_empty(), "{photo}");
    assert!(photo["message_id"].as_i64() < words["message_id"].as_i64(), "the photo is first");
    assert!(said(&words, "Добро пожаловать") && !buttons(&words).is_empty(), "{words}");

    // Where none may stand any more, what stands is taken back all the same.
    stage.sql(sqlx::query("UPDATE builtin_texts SET beside = NULL").execute(&stage.pool));
    let page = admin.gets("/texts/welcome");
    assert!(page.text.contains("picture/take-back") && !page.text.contains("picture/look"), "{}", page.text);
    let stands = sha256_hex(&drawn(300, 200, 5, ImageFormat::Png));
    assert_eq!(takes_back(&admin, "ru", &stands).to, "/texts/welcome?done=picture-taken-back");
    stage.assert_verified();
}
