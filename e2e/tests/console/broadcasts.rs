//! A broadcast from its first words to its end: composed, tried on one of us, sent to those who are meant.

use e2e::people::{Person, link, said};
use e2e::{Role, Stage};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::{Answer, PASSWORD, Seat, hires};

const TESTER: Person = Person(7_101);
const ADA: Person = Person(7_102);
const BOB: Person = Person(7_103);
const NEWS: &str = "<b>News</b>: a model that draws hands & feet";

/// Everything, with three people who have come.
fn open() -> Stage {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)])]).unwrap();
    for person in [TESTER, ADA, BOB] {
        stage.write(person, "/start");
        stage.wait_for(person, "the welcome", |_| true);
    }
    let speaks = "UPDATE profiles SET language = 'ru' FROM telegram_identities i \
                  WHERE i.account_id = profiles.account_id AND i.telegram_user_id = $1";
    stage.sql(sqlx::query(speaks).bind(BOB.0).execute(&stage.pool));
    stage
}

fn got(stage: &Stage, person: Person) -> Vec<Value> {
    stage.bot_said(person).into_iter().filter(|message| said(message, "draws hands")).collect()
}

/// Fields of a form over those that stand in it.
fn composed(seat: &Seat<'_>, of: &str, fields: &[(&str, &str)]) -> Answer {
    let page = seat.gets(of);
    let (once, drafted_at) = (page.hidden("once"), page.hidden("drafted_at"));
    let own = [("once", once.as_str()), ("drafted_at", drafted_at.as_str()), ("segment", "everybody")];
    let own = own.into_iter().filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
    seat.posts("/broadcasts/compose", &own.chain(fields.iter().copied()).collect::<Vec<_>>())
}

fn does(seat: &Seat<'_>, deed: &str, fields: &[(&str, &str)]) -> Answer {
    let page = seat.gets("/broadcasts").text;
    let form = page.split(&format!("action=\"/broadcasts/news/{deed}\"")).nth(1);
    let form = form.unwrap_or_else(|| panic!("{deed} is not offered: {page}")).to_owned();
    let form = Answer { text: form, ..seat.gets("/broadcasts") };
    let own = ["once", "recipients", "drafted_at"].map(|name| (name, form.hidden(name)));
    let all = own.iter().map(|(name, value)| (*name, value.as_str())).chain(fields.iter().copied());
    seat.posts(&format!("/broadcasts/news/{deed}"), &all.collect::<Vec<_>>())
}

fn one(seat: &Seat<'_>) -> Value {
    seat.reads("/broadcasts")["broadcasts"][0].clone()
}

#[test]
fn a_broadcast_is_composed_tried_on_one_of_us_and_sent_once_to_everybody_who_is_meant() {
    let stage = open();
    hires(&stage, "ops", "operator");
    let (admin, ops) = (Seat::signed_in(&stage, "admin", PASSWORD), Seat::signed_in(&stage, "ops", PASSWORD));
    // Who only runs it says nothing to people.
    assert_eq!(ops.gets("/broadcasts/compose").status, StatusCode::FORBIDDEN);
    assert_eq!(ops.posts("/broadcasts/compose", &[("deed", "draft")]).status, StatusCode::FORBIDDEN);
    assert!(!ops.gets("/broadcasts").text.contains("/broadcasts/compose"));
    // What Telegram would not take is told, and what was typed is still there.
    let unfit = composed(&admin, "/broadcasts/compose", &[("text", "<b>Half & <i>"), ("name", "news")]);
    assert_eq!(unfit.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unfit.text.contains("Тег i не закрыт") && unfit.text.contains("&lt;b&gt;Half &amp; &lt;i&gt;"));
    assert!(unfit.text.contains("name=\"name\" type=\"text\" value=\"news\""), "{}", unfit.text);
    let fields = [
        ("text", NEWS),
        ("name", "news"),
        ("segment", "language"),
        ("language", "ru"),
        ("label", "Try it"),
        ("url", "https://example.com/?a=1"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [fields.as_slice(), more].concat();
    let look = composed(&admin, "/broadcasts/compose", &with(&[("deed", "look")]));
    assert_eq!(look.status, StatusCode::OK, "{}", look.text);
    assert!(
        look.text.contains("<strong>News</strong>: a model that draws hands &amp; feet"),
        "{}",
        look.text
    );
    assert_eq!(admin.reads("/broadcasts")["broadcasts"], json!([]), "a look writes nothing down");
    let drafted = composed(&admin, "/broadcasts/compose", &with(&[("deed", "draft")]));
    assert_eq!(drafted.to, "/broadcasts?done=broadcast-draft", "{}", drafted.text);
    // Bob alone is spoken to in Russian.
    assert_eq!((&one(&admin)["recipients"], &one(&admin)["state"]), (&json!(1), &json!("draft")));
    // Another of the same name is not put in its place by mistake.
    let taken =
        composed(&admin, "/broadcasts/compose", &[("name", "news"), ("text", "other"), ("deed", "draft")]);
    assert!(
        taken.status == StatusCode::UNPROCESSABLE_ENTITY && taken.text.contains("уже есть"),
        "{}",
        taken.text
    );
    // It is changed on purpose, and pressed twice.
    let seen = admin.gets("/broadcasts?");
    let stale = (seen.hidden("once"), seen.hidden("recipients"), seen.hidden("drafted_at"));
    let page = admin.gets("/broadcasts/compose?of=news");
    assert!(
        page.text.contains("value=\"https://example.com/?a=1\"")
            && page.text.contains("&lt;b&gt;News&lt;/b&gt;")
    );
    let (once, at) = (page.hidden("once"), page.hidden("drafted_at"));
    let anew = [
        ("once", once.as_str()),
        ("drafted_at", &at),
        ("name", "news"),
        ("segment", "everybody"),
        ("text", NEWS),
        ("label", "Try it"),
        ("url", "https://example.com/?a=1"),
        ("deed", "draft"),
    ];
    for _ in 0..2 {
        let changed = admin.posts("/broadcasts/compose", &anew);
        assert_eq!(changed.to, "/broadcasts?done=broadcast-draft", "{}", changed.text);
    }
    assert_eq!(one(&admin)["recipients"], 3);
    // Whoever changes what is not there any more is told.
    let late = [
        ("once", once.as_str()),
        ("drafted_at", &at),
        ("name", "news"),
        ("segment", "everybody"),
        ("text", "mine"),
        ("deed", "draft"),
    ];
    let late = admin.posts("/broadcasts/compose", &late);
    assert!(late.status == StatusCode::UNPROCESSABLE_ENTITY && late.text.contains("изменил кто-то другой"));

    // Tried: one gets it, nobody else.
    let tester = TESTER.0.to_string();
    assert_eq!(ops.posts("/broadcasts/news/try", &[("once", &once)]).status, StatusCode::FORBIDDEN);
    let nobody = does(&admin, "try", &[("whom", "424242"), ("confirmed", "on")]);
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        nobody.text.contains("value=\"424242\"") && nobody.text.contains("<details open"),
        "{}",
        nobody.text
    );
    assert_eq!(
        does(&admin, "try", &[("whom", &tester)]).status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "not meant"
    );
    let form = nobody.text.split("action=\"/broadcasts/news/try\"").nth(1).unwrap().to_owned();
    let form = Answer { text: form, ..nobody };
    let (once, at) = (form.hidden("once"), form.hidden("drafted_at"));
    for _ in 0..2 {
        let form = [("once", once.as_str()), ("drafted_at", &at), ("whom", &tester), ("confirmed", "on")];
        assert_eq!(admin.posts("/broadcasts/news/try", &form).to, "/broadcasts?done=broadcast-try");
    }
    let trial = stage.until("the trial", || got(&stage, TESTER).first().cloned());
    assert_eq!(link(&trial).as_deref(), Some("https://example.com/?a=1"), "{trial}");
    assert_eq!(stage.count_of(TESTER, "MessageRequested"), 1, "pressed twice, sent once");
    assert!(got(&stage, ADA).is_empty() && got(&stage, BOB).is_empty());

    // What was seen before it was changed is not sent.
    let form =
        [("once", stale.0.as_str()), ("recipients", &stale.1), ("drafted_at", &stale.2), ("confirmed", "on")];
    let old = ops.posts("/broadcasts/news/start", &form);
    assert!(old.status == StatusCode::UNPROCESSABLE_ENTITY && old.text.contains("заново"), "{}", old.text);
    assert_eq!(does(&ops, "start", &[]).status, StatusCode::UNPROCESSABLE_ENTITY, "not meant");
    assert_eq!(does(&ops, "start", &[("confirmed", "on")]).to, "/broadcasts?done=broadcast-start");
    let started =
        composed(&admin, "/broadcasts/compose", &[("name", "news"), ("text", "x"), ("deed", "draft")]);
    assert!(started.text.contains("уже начата"), "{}", started.text);
    stage.until("its end", || (one(&admin)["state"] == "finished").then_some(()));
    assert_eq!((one(&admin)["sent"].as_i64(), one(&admin)["recipients"].as_i64()), (Some(3), Some(3)));
    for (person, copies) in [(TESTER, 2), (ADA, 1), (BOB, 1)] {
        assert_eq!(got(&stage, person).len(), copies, "{person:?}");
    }
    stage.judge_bot_requests();
    stage.assert_verified();
}
