//! Results that are asked for again.

use e2e::people::{buttons, is_picture, said};
use serde_json::{Value, json};

use crate::chat::Chat;
use crate::stage;

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
