//! What administrators do, and what they are told.

use e2e::people::{Person, buttons, said};
use e2e::raw::{Raw, of};
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::chat::{Chat, data};
use crate::{ADMIN, count, stage};

#[test]
fn an_old_button_starts_no_broadcast_that_was_paused() {
    let stage = stage();
    for user in [8201, 8202, ADMIN] {
        stage.write(Person(user), "/start");
        stage.wait_for(Person(user), "the welcome", |_| true);
    }
    let admin = Chat::new(&stage, ADMIN, "en");
    let news = json!({"message_id": admin.write("A new model draws hands!")});
    let after = admin.replies(&news, "/broadcast");
    let menu = admin.wait("the segments", after, |m| said(m, "Whom"));
    let sure = admin.turns(&menu, "Everybody", |m| said(m, "people"));
    let send = data(&sure, "📣");
    // The first copy takes long, so that it can be paused.
    stage.fault("telegram", "copyMessage", json!({"delay_ms": 8_000}), 1);
    let running = admin.turns(&sure, "📣", |m| said(m, "Sending…"));
    let pause = data(&running, "⏸");
    let paused = admin.turns(&running, "⏸", |m| said(m, "Paused"));
    // The button of the first state, pressed by a client that still shows it.
    let resume = data(&paused, "▶️");
    admin.forges(&paused, &send);
    let told = |m: &Value, state: &str| said(m, "out of date") && said(m, state);
    stage.until("that it is told", || admin.now(&paused).filter(|m| told(m, "Paused")));
    assert_eq!((count(&stage, "BroadcastStarted"), count(&stage, "BroadcastPaused")), (1, 1));
    admin.turns(&paused, "▶️", |m| said(m, "Sending…") || said(m, "Finished"));
    stage.until("its end", || (count(&stage, "BroadcastFinished") == 1).then_some(()));
    for old in [&pause, &resume] {
        admin.forges(&paused, old);
        stage.until("that it is told", || admin.now(&paused).filter(|m| told(m, "Finished")));
    }
    assert_eq!((count(&stage, "BroadcastStarted"), count(&stage, "BroadcastPaused")), (2, 1));
    stage.judge_bot_requests();
    stage.assert_verified();
}

#[test]
fn a_draft_that_was_not_shown_is_not_sent() {
    let stage = stage();
    for user in [8231, 8232, ADMIN] {
        stage.write(Person(user), "/start");
        stage.wait_for(Person(user), "the welcome", |_| true);
    }
    let (admin, raw) = (Chat::new(&stage, ADMIN, "en"), Raw::new(&stage));
    let news = json!({"message_id": admin.write("A new model draws hands!")});
    let after = admin.replies(&news, "/broadcast");
    let menu = admin.wait("the segments", after, |m| said(m, "Whom"));
    let other = data(&menu, "Never paid");
    let sure = admin.turns(&menu, "Everybody", |m| said(m, "Everybody") && said(m, "people"));
    let send = data(&sure, "📣");
    let broadcast = send.split(':').nth(1).unwrap().to_owned();
    // Another segment, tapped in the same menu before it changed; and the button of the first, which is still on the screen.
    admin.forges(&sure, &other);
    let sure = stage.until("another draft", || admin.now(&sure).filter(|m| said(m, "Never paid")));
    let after = admin.last();
    admin.forges(&sure, &send);
    let told = |m: &Value, words: &str| said(m, "Nothing was sent") && said(m, words);
    stage.until("why", || admin.now(&sure).filter(|m| told(m, "anew") && buttons(m).is_empty()));
    let newer = admin.wait("the newer draft", after, |m| said(m, "Never paid"));
    assert_eq!(newer["reply_to_message"]["message_id"], news["message_id"], "below what it would send");
    // A button from before the upgrade: what stands is asked about once more.
    for old in [format!("qg:{broadcast}:0"), format!("qg:{broadcast}")] {
        let after = admin.last();
        admin.forges(&sure, &old);
        stage.until("that it is old", || admin.now(&sure).filter(|m| said(m, "out of date")));
        admin.wait("the draft of now", after, |m| said(m, "Never paid"));
    }
    // Changed at the console: what can't be shown here is not sent from here.
    let mut draft = json!({"broadcast": broadcast, "segment": "everybody", "content": {"text": "Another"}});
    let draws = |body: &Value| {
        let to = of(AccountId::OPERATIONS);
        let reply = raw.send(Producer::Console, "broadcast_draft", "draft", to, body.clone());
        assert_eq!(reply["status"], "done", "{reply}");
    };
    draws(&draft);
    let elsewhere = admin.turns(&newer, "📣", |m| told(m, "at the console"));
    assert!(buttons(&elsewhere).is_empty(), "{elsewhere}");
    // The copy again, for everybody: shown, and sent when its own button is tapped.
    draft["content"] = json!({"copy_of": {"chat": ADMIN, "message": news["message_id"]}});
    draws(&draft);
    let after = admin.last();
    admin.forges(&elsewhere, &data(&newer, "📣"));
    let last = admin.wait("what it is now", after, |m| said(m, "Everybody") && !buttons(m).is_empty());
    assert_eq!(count(&stage, "BroadcastStarted"), 0, "nothing was sent so far");
    admin.taps(&last, "📣");
    stage.until("its end", || (count(&stage, "BroadcastFinished") == 1).then_some(()));
    let copies = stage.bot_said(Person(8231)).iter().filter(|m| said(m, "draws hands")).count();
    assert_eq!((count(&stage, "BroadcastStarted"), copies), (1, 1));
    stage.judge_bot_requests();
    stage.assert_verified();
}

#[test]
fn administrators_are_told_once_of_what_they_must_know_at_night() {
    let stage = stage();
    let (admin, ada) = (Chat::new(&stage, ADMIN, "ru"), Chat::new(&stage, 8251, "ru"));
    admin.says("/start", |_| true);
    ada.says("/start", |_| true);
    ada.tops_up();
    let told = |words: &str| stage.bot_said(admin.person).iter().filter(|m| said(m, words)).count();
    let shut = "Бот не рисует и не отвечает";
    for time in 1..=2 {
        let always = json!({"vendor": "gemini", "fault": "bad_key", "times": "always"});
        assert!(stage.post("/faults", &always).0 < 300);
        ada.write("нарисуй сову");
        stage.until("that nothing is made", || (told(shut) == time).then_some(()));
        stage.heal();
        stage.until("that it works again", || (told("бот снова рисует") == time).then_some(()));
        assert_eq!(told(shut), time);
    }
    // Telegram takes pictures in no form: three are given up, and it is said once.
    for call in ["sendPhoto", "sendDocument"] {
        stage.fault("telegram", call, json!({"status": 400, "description": "Bad Request: unfit"}), 100);
    }
    for n in 1..=3 {
        ada.write("нарисуй кота");
        stage
            .until("it to be given up", || (stage.count_of(ada.person, "DeliveryFailed") == n).then_some(()));
    }
    stage.heal();
    stage.until("that it is told", || (told("я перестал пробовать") == 1).then_some(()));
    // A broadcast that nobody can get.
    stage.fault("telegram", "copyMessage", json!({"status": 400, "description": "Bad Request: unfit"}), 100);
    let news = json!({"message_id": admin.write("Новости")});
    let after = admin.replies(&news, "/broadcast");
    let menu = admin.wait("the segments", after, |m| said(m, "Кому"));
    let sure = admin.turns(&menu, "Все", |m| said(m, "человека"));
    admin.taps(&sure, "📣");
    stage.until("that it is told", || (told("Рассылка не уходит") == 1).then_some(()));
    assert_eq!((told(shut), told("я перестал пробовать")), (2, 1));
    stage.judge_bot_requests();
    stage.assert_verified();
}
