//! The bot's words at the console: looked at, put in the place of built-in ones, said by the bot, taken back.

use e2e::people::{Person, said};
use e2e::{Role, Stage};
use reqwest::StatusCode;
use serde_json::json;

use crate::desk::{Answer, PASSWORD, Seat, hires};

/// Texts that a bot has told of, where none runs.
pub fn knows(stage: &Stage) {
    let welcome = |hi: &str| {
        format!("👋 <b>{hi}</b>\n\n<blockquote>{{ $credits }}</blockquote> <tg-spoiler>x</tg-spoiler>")
    };
    for (key, language, text) in [
        ("welcome", "ru", welcome("Привет!")),
        ("welcome", "en", welcome("Hi!")),
        (
            "count-credits",
            "ru",
            "{ $n ->\n    [one] { $n } кредит\n   *[other] { $n } кредитов\n}".to_owned(),
        ),
        ("count-credits", "en", "{ $n ->\n    [one] { $n } credit\n   *[other] { $n } credits\n}".to_owned()),
    ] {
        let sql = "INSERT INTO builtin_texts (key, language, text, beside, known_at) \
                   VALUES ($1, $2, $3, CASE WHEN $1 = 'welcome' THEN ARRAY['count-credits'] END, 0)";
        stage.sql(sqlx::query(sql).bind(key).bind(language).bind(text).execute(&stage.pool));
    }
}

/// As the page has it now.
fn seen(seat: &Seat<'_>, language: &str) -> String {
    let shown = seat.reads("/texts/welcome-back")["languages"].as_array().unwrap().clone();
    shown.iter().find(|words| words["language"] == language).unwrap()["version"].to_string()
}

fn writes(seat: &Seat<'_>, deed: &str, language: &str, text: &str, reason: &str) -> Answer {
    writes_over(seat, deed, language, text, reason, &seen(seat, language))
}

fn writes_over(seat: &Seat<'_>, deed: &str, language: &str, text: &str, reason: &str, seen: &str) -> Answer {
    // Each its own form.
    let once = uuid::Uuid::new_v4().simple().to_string();
    let form =
        [("once", once.as_str()), ("language", language), ("text", text), ("reason", reason), ("seen", seen)];
    seat.posts(&format!("/texts/welcome-back/{deed}"), &form)
}

fn acts(stage: &Stage) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE payload LIKE '%content_put%'";
    stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
}

/// What the bot answers to somebody who comes again, in a language.
pub fn answered(stage: &Stage, person: Person, language: &str, words: &str) {
    stage.until(&format!("{words} in {language}"), || {
        let body = json!({"text": "/start", "language_code": language, "first_name": "Ada"});
        let (status, asked) = stage.post(&format!("/people/{}/messages", person.0), &body);
        assert_eq!(status, 200, "{asked}");
        let answer =
            stage.wait_for(person, "an answer", |m| m["message_id"].as_i64() > asked["message_id"].as_i64());
        said(&answer, words).then_some(())
    });
}

#[test]
fn what_is_written_is_looked_at_said_in_its_language_alone_and_taken_back() {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)])]).unwrap();
    stage.until("the first administrator and the bot's texts", || {
        let sql = "SELECT (SELECT count(*) FROM staff) = 1 AND (SELECT count(*) FROM builtin_texts) > 150";
        stage.sql::<bool>(sqlx::query_scalar(sql).fetch_one(&stage.pool)).then_some(())
    });
    hires(&stage, "fin", "finance");
    let [admin, fin] = ["admin", "fin"].map(|name| Seat::signed_in(&stage, name, PASSWORD));
    for path in ["/texts", "/texts/welcome-back"] {
        assert_eq!(fin.gets(path).status, StatusCode::FORBIDDEN, "{path}");
    }
    let (ada, ivan) = (Person(7201), Person(7202));
    answered(&stage, ada, "en", "Welcome back");
    answered(&stage, ivan, "ru", "возвращением");
    let page = admin.gets("/texts?words=welcome-back").text;
    assert!(
        page.contains("href=\"/texts/welcome-back\"") && !page.contains("href=\"/texts/help\""),
        "{page}"
    );

    // Looked at: as Telegram shows it, and nothing is done.
    let own = "<b>Ahoy</b>, <tg-spoiler>sailor</tg-spoiler> &lt;3\n\n{ $available }";
    let looked = writes(&admin, "look", "en", own, "");
    assert_eq!(looked.status, StatusCode::OK);
    for shown in [
        "<strong>Ahoy</strong>, <span class=\"spoiler\">sailor</span> &lt;3",
        "95 credits",
        "Так будет выглядеть",
    ] {
        assert!(looked.text.contains(shown), "{shown}: {}", looked.text);
    }
    assert_eq!(acts(&stage), 0);

    // What can't be said is refused with its place, and stays in the field.
    for (text, told) in [
        ("one\ntwo { $available", "Строка 2"),
        ("no balance", "$available"),
        ("{ $available } { $secret }", "$secret"),
        ("<script>alert(1)</script>{ $available }", "script"),
        ("<b>{ $available }", "b"),
    ] {
        let refused = writes(&admin, "put", "en", text, "r");
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(
            refused.text.contains("Не сохранено") && refused.text.contains(told),
            "{text}: {}",
            refused.text
        );
        assert!(!refused.text.contains("<script>alert"), "{}", refused.text);
        let first = text.lines().next().unwrap().replace('<', "&lt;").replace('>', "&gt;");
        assert!(refused.text.contains(&first), "{first}: {}", refused.text);
    }
    let refused = writes(&admin, "put", "en", own, " ");
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "a reason is given");
    assert_eq!(writes_over(&fin, "put", "en", own, "r", "0").status, StatusCode::FORBIDDEN);
    assert_eq!(acts(&stage), 0);

    // Said by the bot next, in its language alone; a form is one act.
    let once = admin.gets("/texts/welcome-back").hidden("once");
    let form = [
        ("once", once.as_str()),
        ("language", "en"),
        ("text", own),
        ("reason", "more of the sea"),
        ("seen", "0"),
    ];
    for _ in 0..2 {
        let done = admin.posts("/texts/welcome-back/put", &form);
        assert_eq!(done.to, "/texts/welcome-back?done=text-put", "{}", done.text);
    }
    assert_eq!(acts(&stage), 1);
    answered(&stage, ada, "en", "Ahoy");
    answered(&stage, ivan, "ru", "возвращением");
    let own_only = admin.gets("/texts?own=true").text;
    assert!(
        own_only.contains("welcome-back") && own_only.contains("Ahoy") && !own_only.contains("/texts/help")
    );

    // An older form writes over nothing unseen, and what was typed stays.
    let late = writes_over(&admin, "put", "en", "Late { $available }", "typed long ago", "0");
    assert_eq!(late.status, StatusCode::CONFLICT);
    for kept in ["изменил кто-то другой", "Late { $available }", "typed long ago", "Ahoy"] {
        assert!(late.text.contains(kept), "{kept}: {}", late.text);
    }
    assert!(
        late.text.contains(&format!("name=\"seen\" value=\"{}\"", seen(&admin, "en"))),
        "seen, it may be"
    );
    assert_eq!(writes_over(&admin, "take-back", "en", "", "r", "0").status, StatusCode::CONFLICT);
    assert_eq!(acts(&stage), 1);

    let back = writes(&admin, "take-back", "en", "", "enough of the sea");
    assert_eq!(back.to, "/texts/welcome-back?done=text-taken-back", "{}", back.text);
    answered(&stage, ada, "en", "Welcome back");
    stage.until("both acts with their reasons", || {
        let acts = admin.reads("/acts")["acts"].to_string();
        (acts.contains("more of the sea") && acts.contains("enough of the sea")).then_some(())
    });
    stage.assert_verified();
}
