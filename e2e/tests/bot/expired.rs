//! What is over is said to be: bills, questions, offers, buttons.

use e2e::people::{buttons, said};
use e2e::raw::{Raw, of};
use proto_events::Producer;
use serde_json::{Value, json};

use crate::chat::{Chat, data};
use crate::{ADMIN, count, stage};

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
        ada.forges(&menu, &stars);
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
    ada.forges(&owl, &mixed);
    ada.wait("that it has worked already", before, |m| said(m, "уже сработала"));
    assert_eq!(stage.count_of(ada.person, "GenerationRequested"), 3);
    stage.judge_bot_requests();
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
    ada.forges(&hello, &data(&sure, "📣"));
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
