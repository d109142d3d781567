//! The bot in groups: it speaks when it is spoken to, without buttons, tells nobody's balance there, and being thrown
//! out costs nobody anything.

use e2e::Stage;
use e2e::people::{Person, buttons, is_picture, said};
use serde_json::{Value, json};

const GROUP: i64 = -1_001_000_000_001;
const ADA: Person = Person(7501);
const BOB: Person = Person(7502);

/// Ada with 7 782 credits, a number that nobody says by chance; Bob, who never wrote in private.
fn meet(stage: &Stage) {
    stage.write(ADA, "/start");
    stage.wait_for(ADA, "the welcome", |_| true);
    stage.give(ADA, 7_777);
}

fn writes(stage: &Stage, person: Person, text: &str) -> i64 {
    stage.write_in(GROUP, person, text, &json!({}))
}

/// Waits for what the bot says below this message.
fn wait(stage: &Stage, what: &str, after: i64, accept: impl Fn(&Value) -> bool) -> Value {
    stage.until(what, || {
        let below = |m: &Value| m["message_id"].as_i64() > Some(after);
        stage.said_in(GROUP).into_iter().find(|m| below(m) && accept(m))
    })
}

/// A nonsense of a person's is no business of an operator's.
fn assert_calm(stage: &Stage) {
    assert_eq!(stage.log_lines("ERROR"), Vec::<String>::new());
}

#[test]
fn the_bot_speaks_when_it_is_spoken_to_and_tells_no_balance() {
    let stage = Stage::whole().unwrap();
    meet(&stage);
    let bobs = writes(&stage, BOB, "hello all");
    let before = stage.bot_said(ADA).len();
    let idle = [
        "how are you?",
        "/help",
        "/help@another_bot",
        "draw a cat",
        "/prompt a cat",
        "plantain_sandbox_bot draws",
        "ask @plantain_sandbox_bot2",
        "mail me@plantain_sandbox_bot.org",
    ];
    for text in idle {
        writes(&stage, ADA, text);
    }
    stage.write_in(GROUP, ADA, "draw that", &json!({"reply_to": bobs}));
    for kind in ["sticker", "voice", "poll", "unknown"] {
        stage.write_in(GROUP, ADA, "", &json!({"kind": kind}));
    }
    // What comes after in the same chat is dealt with after.
    let asked = writes(&stage, ADA, "/help@plantain_sandbox_bot");
    let help = wait(&stage, "help", asked, |m| said(m, "/prompt"));
    assert_eq!(stage.said_in(GROUP).len(), 1, "only what was meant for the bot is answered");

    let asked = writes(&stage, ADA, "@plantain_sandbox_bot, draw a lighthouse in a group");
    let made = wait(&stage, "the picture", asked, is_picture);
    assert_eq!(made["reply_to_message"]["message_id"], asked);
    assert_eq!(stage.gemini_calls("a lighthouse in a group").len(), 1);
    let asked =
        stage.write_in(GROUP, ADA, "what is a lighthouse for?", &json!({"reply_to": help["message_id"]}));
    wait(&stage, "the answer", asked, |m| said(m, "what is a lighthouse for?"));
    let made = made["message_id"].as_i64().unwrap();
    let asked = stage.write_in(GROUP, ADA, "make it red", &json!({"reply_to": made}));
    wait(&stage, "the change", asked, is_picture);
    // Bob has not enough, and nobody else learns what he has.
    let asked = writes(&stage, BOB, "@plantain_sandbox_bot draw two lighthouses");
    wait(&stage, "that it is not enough", asked, |m| said(m, "10"));

    stage.fault("gemini", "generateContent", json!("prompt_blocked"), 20);
    let asked = writes(&stage, ADA, "/prompt@plantain_sandbox_bot what may not be drawn");
    wait(&stage, "the refusal", asked, |m| said(m, "🚫"));
    stage.heal();

    let said_before = stage.said_in(GROUP).len();
    let personal =
        ["start", "balance", "topup", "settings", "refs", "history", "referral", "paysupport", "delete_me"];
    for command in personal {
        writes(&stage, ADA, &format!("/{command}@plantain_sandbox_bot"));
    }
    let asked = writes(&stage, ADA, "/help@plantain_sandbox_bot");
    wait(&stage, "help again", asked, |m| said(m, "/prompt"));
    stage.settle();
    let all = stage.said_in(GROUP);
    for message in &all {
        assert!(message["reply_markup"].is_null(), "buttons do nothing in groups: {message}");
        for number in ["777", "778", "776", "775", " 5 credits", "left"] {
            let words = [&message["text"], &message["caption"]];
            let told =
                words.iter().any(|words| words.as_str().is_some_and(|words| plain(words).contains(number)));
            assert!(!told, "a balance ({number}) is told in a group: {message}");
        }
    }
    assert_eq!(stage.bot_said(ADA).len(), before, "what was asked in a group is answered there");
    assert_eq!(stage.balance_of(ADA), (7_782 - 10 - 1 - 10, 0, 0));
    println!(
        "{} messages not meant for the bot, 0 answers; {} answers to the rest, {} of them to commands of one's own",
        idle.len() + 5,
        all.len(),
        all.len() - said_before - 1
    );
    assert_calm(&stage);
    stage.assert_verified();
}

/// Without the spaces that stand in numbers.
fn plain(words: &str) -> String {
    let mut plain = String::new();
    for c in words.chars() {
        let after_digit = plain.ends_with(|last: char| last.is_ascii_digit());
        if !(after_digit && matches!(c, '\u{a0}' | '\u{202f}' | ',')) {
            plain.push(if c == '\u{a0}' { ' ' } else { c });
        }
    }
    plain
}

#[test]
fn taps_in_a_group_do_nothing_and_leave_no_spinner() {
    let stage = Stage::whole().unwrap();
    meet(&stage);
    let asked = writes(&stage, ADA, "/help@plantain_sandbox_bot");
    let help = wait(&stage, "help", asked, |_| true)["message_id"].as_i64().unwrap();
    stage.write(ADA, "/start");
    let menu = stage.wait_for(ADA, "the menu", |m| !buttons(m).is_empty());
    let made = {
        stage.write(ADA, "/prompt a buoy");
        stage.wait_for_picture(ADA)
    };
    let data: Vec<String> = buttons(&menu).into_iter().chain(buttons(&made)).map(|(_, data)| data).collect();
    let (said_before, before) = (stage.said_in(GROUP).len(), stage.balance_of(ADA));
    let events = || -> i64 {
        let sql = "SELECT count(*) FROM events JOIN telegram_identities USING (account_id)";
        stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
    };
    stage.settle();
    let log = events();
    for person in [ADA, BOB] {
        for data in data.iter().map(String::as_str).chain(["l", "no:such:button", "", "rc"]) {
            stage.forge(person, help, data, &json!({"chat": GROUP}));
        }
        // Of a message that is gone.
        stage.forge(person, 4_000_000, "l", &json!({"chat": GROUP}));
    }
    // A message sent by way of the bot has no chat that it knows.
    for (n, message) in [json!({}), json!({"game_short_name": "chess"})].into_iter().enumerate() {
        let mut query = json!({"id": format!("77{n}"), "chat_instance": "1",
            "from": {"id": BOB.0, "is_bot": false, "first_name": "Bob"}, "inline_message_id": "AAA"});
        query.as_object_mut().unwrap().extend(message.as_object().unwrap().clone());
        assert_eq!(stage.tell_bot(&json!({"update_id": 9 + n, "callback_query": query})), 200);
    }
    let taps = stage.assert_taps_answered();
    stage.settle();
    assert_eq!(events(), log, "a tap in a group changes nothing");
    assert_eq!((stage.said_in(GROUP).len(), stage.balance_of(ADA)), (said_before, before));
    println!("{taps} taps in a group, all answered, {} events", events() - log);
    assert_calm(&stage);
    stage.assert_verified();
}

#[test]
fn a_group_that_throws_the_bot_out_costs_nobody_anything() {
    let stage = Stage::whole().unwrap();
    meet(&stage);
    writes(&stage, BOB, "hello all");
    stage.fault("gemini", "generateContent", json!({"hold_ms": 60_000}), 1);
    let asked = writes(&stage, ADA, "/prompt@plantain_sandbox_bot a boat nobody will see");
    wait(&stage, "the status", asked, |_| true);
    stage.until("the call", || (stage.gemini_calls("nobody will see").len() == 1).then_some(()));
    stage.until("Ada to be charged for a while", || (stage.balance_of(ADA).1 == 10).then_some(()));
    let (status, _) = stage_put(&stage, &json!({"by": BOB.0, "bot": "kicked"}));
    assert_eq!(status, 200);
    stage.heal();
    stage.until("that it could not be delivered", || {
        (stage.count_of(ADA, "DeliveryFailed") == 1).then_some(())
    });
    stage.settle();
    assert_eq!(stage.balance_of(ADA), (7_782, 0, 0), "the credits came back");
    let back = stage.bot_said(ADA);
    assert!(back.iter().any(|m| said(m, "10")), "she is told in private that they came back: {back:#?}");

    // In private all is as before.
    let asked = stage.write(ADA, "/prompt a boat for Ada alone");
    stage.wait_for(ADA, "the picture", |m| m["message_id"].as_i64() > Some(asked) && is_picture(m));
    let away = "SELECT count(*) FROM profiles WHERE away_since IS NOT NULL";
    let away: i64 = stage.sql(sqlx::query_scalar(away).fetch_one(&stage.pool));
    assert_eq!(away, 0, "nobody is out of reach in private");
    assert_eq!(stage.balance_of(ADA), (7_772, 0, 0));

    // Let in again, it speaks again.
    stage_put(&stage, &json!({"by": BOB.0, "bot": "member"}));
    let asked = writes(&stage, ADA, "/prompt@plantain_sandbox_bot a boat for all");
    wait(&stage, "the picture in the group", asked, is_picture);
    assert_calm(&stage);
    stage.assert_verified();
}

fn stage_put(stage: &Stage, body: &Value) -> (u16, Value) {
    let url = format!("{}/groups/{GROUP}", stage.url(e2e::Role::Sandbox));
    stage.rt.block_on(async {
        let answer = stage.http.put(url).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    })
}
