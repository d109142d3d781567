//! How one can pay, and the address for receipts, as a person sees it in the chat.

use e2e::Role;
use e2e::booth::{Booth, NEVER, RUBLES};
use e2e::people::{Person, buttons, link, said};
use serde_json::{Value, json};

fn labels(message: &Value) -> Vec<String> {
    buttons(message).into_iter().map(|(label, _)| label).collect()
}

fn created(booth: &Booth) -> Vec<Value> {
    let arrivals = booth.stage.get("/arrivals?vendor=yookassa&call=create_payment&limit=100");
    arrivals["arrivals"].as_array().unwrap().iter().map(|call| call["body"].clone()).collect()
}

#[test]
fn a_method_is_chosen_in_the_chat_and_two_taps_are_one_payment() {
    let mut booth =
        Booth::open(&[NEVER, ("TOPUP_METHODS", "sbp,bank_card,page"), ("TOPUP_STARS", "off")]).unwrap();
    booth.stage.start(Role::Payments, &[]).unwrap();
    let ada = Person(8501);
    booth.meet(ada);
    let menu = booth.choose(ada, RUBLES);
    assert_eq!(buttons(&menu).len(), 3, "Stars are off: {menu}");
    let here = |m: &Value| m["message_id"] == menu["message_id"];
    let ways = booth.stage.wait_for(ada, "the ways", |m| here(m) && said(m, "How would you like to pay?"));
    assert_eq!(labels(&ways), ["⚡ SBP", "💳 Bank card", "🌐 All ways at YooKassa", "‹ Back"]);
    booth.tap(ada, &ways, "Back");
    let again = booth.stage.wait_for(ada, "the packages again", |m| here(m) && said(m, "Choose a package"));
    booth.tap(ada, &again, RUBLES);
    let ways = booth.stage.wait_for(ada, "the ways again", |m| here(m) && said(m, "How would you like"));
    let (_, sbp) = buttons(&ways).into_iter().find(|(label, _)| label.contains("SBP")).unwrap();
    for _ in 0..2 {
        let body = json!({"message_id": ways["message_id"], "data": sbp, "force": true});
        assert!(booth.stage.post(&format!("/people/{}/taps", ada.0), &body).0 < 300);
    }
    let bill = booth.stage.wait_for(ada, "the link", |m| here(m) && link(m).is_some());
    assert_eq!(labels(&bill), ["Pay 100\u{a0}₽", "Another package or way to pay"]);
    assert_eq!(booth.stage.count_of(ada, "PaymentOpened"), 1);
    let made = created(&booth);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0]["payment_method_data"]["type"], "sbp", "{made:?}");
    booth.stage.pay(link(&bill).unwrap().rsplit('/').next().unwrap());
    booth.until_told(ada, "Payment received");
    booth.assert_at_rest();
}

#[test]
fn an_address_is_asked_for_once_where_receipts_are_given() {
    let receipts = [("YOOKASSA_RECEIPTS", "on"), ("YOOKASSA_VAT_CODE", "1")];
    let mut booth = Booth::open(&[&[NEVER], &receipts[..]].concat()).unwrap();
    booth.stage.start(Role::Payments, &receipts).unwrap();
    let ada = Person(8502);
    booth.meet(ada);
    // Stars have no receipt.
    booth.stars_bill(ada);
    assert_eq!(booth.told(ada, "Which e-mail"), 0);

    booth.choose(ada, RUBLES);
    let answer = |words: &str| {
        let question = booth.until_told(ada, "Which e-mail");
        let body = json!({"text": words, "language_code": "en", "reply_to": question["message_id"]});
        let (status, sent) = booth.stage.post(&format!("/people/{}/messages", ada.0), &body);
        assert_eq!(status, 200, "{sent}");
    };
    answer("ada at example dot org");
    booth.until_told(ada, "doesn't look like an e-mail");
    booth.stage.until("the question again", || (booth.told(ada, "Which e-mail") == 2).then_some(()));
    answer("ada@example.org");
    booth.until_told(ada, "The receipt goes to ada@example.org");
    // The payment goes on in the way that was chosen.
    let bill = booth.stage.wait_for(ada, "the link", |m| link(m).is_some());
    assert_eq!(created(&booth)[0]["receipt"]["customer"]["email"], "ada@example.org");
    booth.stage.pay(link(&bill).unwrap().rsplit('/').next().unwrap());
    booth.until_told(ada, "Payment received");

    // The next time it is known, and can be changed.
    let menu = booth.choose(ada, RUBLES);
    let here = |m: &Value| m["message_id"] == menu["message_id"];
    let ways = booth.stage.wait_for(ada, "the ways", |m| here(m) && said(m, "ada@example.org"));
    booth.tap(ada, &ways, "Another e-mail");
    booth.stage.until("the question", || (booth.told(ada, "Which e-mail") == 3).then_some(()));
    answer("a.lovelace@example.org");
    let ways = booth.until_told(ada, "The receipt goes to a.lovelace@example.org");
    assert!(said(&ways, "100 credits for 100\u{a0}₽"), "{ways}");
    booth.assert_at_rest();
}

#[test]
fn an_address_is_understood_without_a_reply_and_its_mistake_is_named() {
    let receipts = [("YOOKASSA_RECEIPTS", "on"), ("YOOKASSA_VAT_CODE", "1"), ("TOPUP_METHODS", "sbp,page")];
    let mut booth = Booth::open(&[&[NEVER], &receipts[..]].concat()).unwrap();
    booth.stage.start(Role::Payments, &receipts[..2]).unwrap();
    let ada = Person(8504);
    booth.meet(ada);
    booth.stage.write(ada, "ada@example");
    booth.until_told(ada, "doesn't look like an e-mail");
    let menu = booth.choose(ada, RUBLES);
    let here = |m: &Value| m["message_id"] == menu["message_id"];
    let ways = booth.stage.wait_for(ada, "the ways", |m| here(m) && said(m, "How would you like to pay"));
    booth.tap(ada, &ways, "SBP");
    let asked = |m: &Value| said(m, "Which e-mail") && said(m, "SBP");
    let question = booth.stage.wait_for(ada, "the question with the way", asked);
    let body = json!({"text": "ada@example.org", "language_code": "en", "reply_to": question["message_id"]});
    assert_eq!(booth.stage.post(&format!("/people/{}/messages", ada.0), &body).0, 200);
    booth.until_told(ada, "The receipt goes to ada@example.org");
    booth.stage.wait_for(ada, "the link", |m| link(m).is_some());
    let made = created(&booth);
    assert_eq!((made.len(), &made[0]["payment_method_data"]["type"]), (1, &json!("sbp")), "{made:?}");
    // Known now: words with an @ are talk again.
    booth.stage.write(ada, "ada@example");
    booth.until_told(ada, "Thinking…");
}

#[test]
fn who_asks_about_payments_is_told_where_to_write() {
    let booth = Booth::open(&[NEVER, ("SUPPORT_CONTACT", "@plantain_help")]).unwrap();
    let ada = Person(8503);
    booth.meet(ada);
    booth.stage.write(ada, "/paysupport");
    assert!(said(&booth.until_told(ada, "Questions about payments"), "@plantain_help"));
    booth.stage.write(ada, "/terms");
    booth.until_told(ada, "You buy credits");
    let chat = booth.stage.get(&format!("/people/{}/chat", ada.0));
    let commands = chat["commands"].to_string();
    assert!(commands.contains("paysupport") && commands.contains("terms"), "{commands}");
}
