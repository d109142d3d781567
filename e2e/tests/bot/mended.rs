//! What must not come back: each of these was wrong once.

use e2e::Stage;
use e2e::people::{Person, buttons, is_picture, said};
use e2e::raw::{Raw, of};
use proto_events::Producer;
use serde_json::{Value, json};

use crate::ADMIN;
use crate::chat::Chat;

fn stage() -> Stage {
    Stage::whole_with(&[("ADMIN_TELEGRAM_ID", &ADMIN.to_string())]).unwrap()
}

/// What the button with these words sends.
fn data(message: &Value, words: &str) -> String {
    let found = buttons(message).into_iter().find(|(label, _)| label.contains(words));
    found.unwrap_or_else(|| panic!("no button {words}: {message}")).1
}

/// Presses a button that the message has no more.
fn presses_anew(chat: &Chat<'_>, message: &Value, data: &str) {
    let body = json!({"message_id": message["message_id"], "data": data, "force": true});
    let (status, answer) = chat.stage.post(&format!("/people/{}/taps", chat.person.0), &body);
    assert!(status < 300, "{answer}");
}

fn count(stage: &Stage, event_type: &str) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = $1";
    stage.sql(sqlx::query_scalar(sql).bind(event_type).fetch_one(&stage.pool))
}

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
    presses_anew(&admin, &paused, &send);
    let told = |m: &Value, state: &str| said(m, "out of date") && said(m, state);
    stage.until("that it is told", || admin.now(&paused).filter(|m| told(m, "Paused")));
    assert_eq!((count(&stage, "BroadcastStarted"), count(&stage, "BroadcastPaused")), (1, 1));
    admin.turns(&paused, "▶️", |m| said(m, "Sending…") || said(m, "Finished"));
    stage.until("its end", || (count(&stage, "BroadcastFinished") == 1).then_some(()));
    for old in [&pause, &resume] {
        presses_anew(&admin, &paused, old);
        stage.until("that it is told", || admin.now(&paused).filter(|m| told(m, "Finished")));
    }
    assert_eq!((count(&stage, "BroadcastStarted"), count(&stage, "BroadcastPaused")), (2, 1));
    stage.judge_bot_requests();
    stage.assert_verified();
}

#[test]
fn of_a_result_it_is_told_what_is_true_of_it() {
    let stage = stage();
    let ada = Chat::new(&stage, 8211, "ru");
    ada.says("/start", |_| true);
    ada.tops_up();
    // Telegram takes no picture for a while.
    stage.fault("telegram", "sendPhoto", json!({"drop": "before"}), 1_000);
    ada.write("нарисуй сову");
    let page = stage.until("that it is made", || {
        let page = ada.says("/history", |m| said(m, "сову"));
        buttons(&page).iter().any(|(label, _)| label == "1").then_some(page)
    });
    let before = ada.last();
    ada.taps(&page, "1");
    ada.wait("that it is on its way", before, |m| said(m, "уже отправляется"));
    stage.heal();
    let made = ada.picture_after(0);
    stage.until("that it is delivered", || {
        (stage.count_of(ada.person, "GenerationDelivered") == 1).then_some(())
    });
    for (button, page) in [("1", &page), ("📎", &made)] {
        // Now not, and then again.
        let call = if button == "1" { "sendPhoto" } else { "sendDocument" };
        stage.fault("telegram", call, json!({"drop": "before"}), 1);
        let before = ada.last();
        ada.taps(page, button);
        ada.wait("that it is for later", before, |m| said(m, "через минуту"));
        stage.heal();
        let before = ada.last();
        ada.taps(page, button);
        ada.wait("the result", before, is_picture);
    }
    // Telegram has it no more.
    for call in ["sendPhoto", "sendDocument"] {
        let gone =
            json!({"status": 400, "description": "Bad Request: wrong file identifier/HTTP URL specified"});
        stage.fault("telegram", call, gone, 1);
    }
    let before = ada.last();
    ada.taps(&page, "1");
    ada.wait("that it is gone", before, |m| said(m, "прислать уже нельзя"));
    stage.assert_verified();
}

#[test]
fn a_dead_bill_is_said_to_be_one() {
    let stage = stage();
    let ada = Chat::new(&stage, 8221, "ru");
    ada.says("/start", |_| true);
    for (dead, words) in [("paid", "уже оплачен"), ("canceled", "больше не действует")]
    {
        let menu = ada.says("/topup", |m| !buttons(m).is_empty());
        let stars = data(&menu, "⭐");
        ada.taps(&menu, "⭐");
        let bill =
            ada.wait("the invoice", menu["message_id"].as_i64().unwrap(), |m| m["invoice"].is_object());
        if dead == "paid" {
            let body = json!({"message_id": bill["message_id"]});
            let (status, paid) = stage.post(&format!("/people/{}/payments", ada.person.0), &body);
            assert_eq!(status, 200, "{paid}");
            ada.wait("the receipt", 0, |m| said(m, "Платёж получен"));
        } else {
            let sql = "SELECT payment, account_id::text FROM open_payments";
            let (payment, account): (String, String) = stage.sql(sqlx::query_as(sql).fetch_one(&stage.pool));
            let body = json!({"payment": payment, "rail": "stars", "party": "merchant", "reason": "by_hand"});
            let raw = Raw::new(&stage);
            raw.done(Producer::Telegram, "payment_cancel", &format!("cancel:{payment}"), of(account), body);
        }
        let before = ada.last();
        presses_anew(&ada, &menu, &stars);
        let told = ada.wait("that it is a dead one", before, |m| said(m, words));
        assert!(buttons(&told).iter().any(|(label, _)| label.contains("⭐")), "packages: {told}");
    }
    // The same button for something else is no purchase, and says nothing of prices.
    ada.tops_up();
    let after = ada.write("нарисуй сову");
    let owl = ada.picture_after(after);
    let after = ada.write("нарисуй кота");
    let cat = ada.picture_after(after);
    let (again, other) = (data(&owl, "🔄"), data(&cat, "🔄"));
    ada.taps(&owl, "🔄");
    ada.picture_after(cat["message_id"].as_i64().unwrap());
    let nonce = again.split(':').nth(1).unwrap();
    let mixed = format!("a:{nonce}:{}", other.rsplit(':').next().unwrap());
    let before = ada.last();
    presses_anew(&ada, &owl, &mixed);
    ada.wait("that it has worked already", before, |m| said(m, "уже сработала"));
    assert_eq!(stage.count_of(ada.person, "GenerationRequested"), 3);
    stage.judge_bot_requests();
    stage.assert_verified();
}

#[test]
fn an_album_for_people_is_passed_on_whole() {
    let stage = stage();
    let (admin, ada) = (Chat::new(&stage, ADMIN, "ru"), Chat::new(&stage, 8231, "ru"));
    admin.says("/start", |_| true);
    ada.says("/start", |_| true);
    ada.says("/support", |_| true);
    let after = admin.last();
    ada.shows(&[10, 60, 110], Some("Вот что вышло"));
    let photos = || {
        let all = stage.bot_said(admin.person).into_iter();
        let photos = all.filter(|m| m["message_id"].as_i64() > Some(after) && is_picture(m));
        photos.collect::<Vec<_>>()
    };
    let passed = stage.until("all of it", || Some(photos()).filter(|all| all.len() == 3));
    assert!(passed.iter().any(|m| said(m, "Вот что вышло")), "{passed:?}");
    admin.replies(&passed[2], "Спасибо, разберёмся");
    ada.wait("the answer", 0, |m| said(m, "разберёмся"));
    // What comes after it is the bot's again, another album too.
    let before = ada.shows(&[20, 70], None);
    ada.wait("that they are kept", before, |m| said(m, "2 фото"));
    let sent = stage.bot_said(ada.person).iter().filter(|m| said(m, "✅ Передали")).count();
    assert_eq!((sent, photos().len()), (1, 3), "told once; nothing more is passed on");
    stage.judge_bot_requests();
    stage.assert_verified();
}

#[test]
fn an_album_is_one_message_to_who_may_send_few() {
    let stage = Stage::whole_with(&[("TELEGRAM_BURST", "3"), ("TELEGRAM_PER_MINUTE", "1")]).unwrap();
    let ada = Chat::new(&stage, 8241, "ru");
    ada.says("/start", |_| true);
    let after = ada.shows(&[10, 60, 110, 160, 210], None);
    ada.wait("that all are kept", after, |m| said(m, "5 фото"));
    ada.says("/balance", |m| said(m, "На балансе"));
    let after = ada.write("/balance");
    ada.wait("that it is too fast", after, |m| said(m, "повторите"));
    // Taps count too, and are told so where they were made.
    let hello = stage.bot_said(ada.person)[0].clone();
    ada.taps(&hello, "Баланс");
    stage.until("the tap to be answered", || {
        let arrivals = stage.get("/arrivals?vendor=telegram&limit=1000").to_string();
        (arrivals.matches("повторите").count() >= 2).then_some(())
    });
    assert_eq!(
        ada.now(&hello).map(|now| now["text"].clone()),
        Some(hello["text"].clone()),
        "nothing was done"
    );
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

/// A file may take 50 MB: one person holds one thing at a time, whatever they ask for.
#[test]
fn a_file_waits_for_what_is_being_sent_to_the_same_person() {
    let stage = stage();
    let ada = Chat::new(&stage, 8261, "ru");
    ada.says("/start", |_| true);
    ada.tops_up();
    let after = ada.write("нарисуй сову");
    let made = ada.picture_after(after);
    let calls = |method: &str| {
        let arrivals = stage.get("/arrivals?vendor=telegram&limit=1000");
        let arrivals = arrivals["arrivals"].as_array().cloned().unwrap_or_default();
        let sent = |call: &Value| call["call"].as_str().unwrap_or_default().eq_ignore_ascii_case(method);
        arrivals.iter().filter(|call| sent(call)).count()
    };
    stage.fault("telegram", "sendPhoto", json!({"delay_ms": 25_000}), 1);
    let after = ada.write("нарисуй кота");
    stage.until("the second to be on its way", || (calls("sendPhoto") == 2).then_some(()));
    let before = ada.last();
    ada.taps(&made, "📎");
    ada.wait("that it is for later", before, |m| said(m, "через минуту"));
    assert_eq!(calls("sendDocument"), 0, "it was not begun");
    let cat = ada.picture_after(after);
    ada.taps(&made, "📎");
    ada.wait("the file", cat["message_id"].as_i64().unwrap(), is_picture);
    stage.assert_verified();
}

#[test]
fn questions_offers_and_buttons_are_over_when_they_are_over() {
    let stage = stage();
    let (admin, ada) = (Chat::new(&stage, ADMIN, "ru"), Chat::new(&stage, 8271, "ru"));
    admin.says("/start", |_| true);
    ada.says("/start", |_| true);
    // An offer is made once.
    let asked = ada.write("нарисуй дракона");
    ada.wait("that it is not enough", asked, |m| said(m, "Не хватает"));
    ada.tops_up();
    let offer = ada.wait("the offer", asked, |m| said(m, "Теперь хватает"));
    ada.taps(&offer, "✨");
    let made = ada.picture_after(asked);
    ada.tops_up();
    let offers = || stage.bot_said(ada.person).iter().filter(|m| said(m, "Теперь хватает")).count();
    // Each 🔄 is another picture, and gets a button of its own.
    let before = data(&made, "🔄");
    ada.taps(&made, "🔄");
    ada.picture_after(made["message_id"].as_i64().unwrap());
    let fresh = |m: &Value| buttons(m).iter().any(|(label, data)| label.contains("🔄") && *data != before);
    stage.until("another button", || ada.now(&made).filter(fresh));
    assert_eq!(offers(), 0, "it was taken away with its button, and does not come again");
    // A command is no answer, and what comes after it is none either.
    ada.says("/support", |m| said(m, "О чём речь"));
    ada.says("/balance", |m| said(m, "На балансе"));
    ada.says("Сколько будет дважды два?", |m| said(m, "осталось"));
    // Words for people that Telegram delivers twice are no talk, which would be charged.
    ada.says("/support", |m| said(m, "О чём речь"));
    let requests = stage.count_of(ada.person, "GenerationRequested");
    stage.fault("telegram", "webhook", json!({"duplicate": 3}), 1);
    ada.says("Где мой дракон?", |m| said(m, "✅ Передали"));
    ada.says("/balance", |m| said(m, "На балансе"));
    assert_eq!(stage.count_of(ada.person, "GenerationRequested"), requests);
    // Who is no administrator starts no broadcast, whatever their client sends.
    let news = json!({"message_id": admin.write("Новости")});
    let after = admin.replies(&news, "/broadcast");
    let menu = admin.wait("the segments", after, |m| said(m, "Кому"));
    let sure = admin.turns(&menu, "Все", |m| said(m, "человека"));
    let hello = ada.says("/start", |m| said(m, "С возвращением"));
    presses_anew(&ada, &hello, &data(&sure, "📣"));
    ada.turns(&hello, "Помощь", |m| said(m, "/prompt"));
    assert_eq!(count(&stage, "BroadcastStarted"), 0);
    // Who is banned may ask why, and nothing else.
    let after = ada.last();
    admin.says(&format!("/ban {} проверка", ada.person.0), |m| said(m, "⛔"));
    ada.wait("the ban", after, |m| said(m, "⛔"));
    ada.says("/balance", |m| said(m, "Ваш доступ закрыт"));
    ada.says("/support", |m| said(m, "О чём речь"));
    stage.assert_verified();
}
