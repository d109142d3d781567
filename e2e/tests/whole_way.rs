//! The whole system as people use it: chat, top-up, picture. Judged by the vendors' books.

use e2e::people::{Person, said};
use e2e::{Role, Stage};
use serde_json::json;
use sha2::{Digest as _, Sha256};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn a_person_starts_tops_up_and_gets_the_very_picture_that_was_made() {
    let stage = Stage::whole().unwrap();
    let ada = Person(7001);
    stage.arrive_with_credits(ada);
    stage.write(ada, "/prompt a fox reading under a plantain leaf");
    let picture = stage.wait_for_picture(ada);
    assert!(said(&picture, "10") && said(&picture, "95"), "spent and left: {picture}");
    let calls = stage.gemini_calls("a fox reading under a plantain leaf");
    assert_eq!(calls.len(), 1);
    let sent = stage.picture_bytes(&picture);
    assert_eq!(calls[0]["picture"]["sha256"], hex(&Sha256::digest(&sent)), "another picture was delivered");
    assert_eq!(stage.paid().len(), 1);
    stage.until("the delivery to be confirmed", || {
        (stage.count_of(ada, "GenerationDelivered") == 1).then_some(())
    });
    assert_eq!(stage.balance_of(ada), (95, 0, 0));
    stage.write(ada, "/balance");
    stage.wait_for(ada, "the balance", |m| said(m, "95"));
    stage.assert_verified();
}

#[test]
fn a_picture_that_fails_costs_nothing_and_says_so() {
    let stage = Stage::whole().unwrap();
    let ada = Person(7002);
    stage.arrive_with_credits(ada);
    for (n, fault) in
        [json!("prompt_blocked"), json!("no_image"), json!("not_a_picture"), json!("text_instead")]
            .into_iter()
            .enumerate()
    {
        // As often as a patient worker would try again.
        stage.fault("gemini", "generateContent", fault.clone(), 20);
        stage.write(ada, &format!("/prompt failing picture number {n}"));
        stage.until("the failure to be told", || {
            (stage.count_of(ada, "GenerationFailed") == i64::try_from(n).unwrap() + 1).then_some(())
        });
        stage.heal();
        assert_eq!(stage.balance_of(ada), (105, 0, 0), "after {fault}");
    }
    stage.until("all four to be told", || {
        let told = stage
            .bot_said(ada)
            .iter()
            .filter(|m| said(m, "10 credits") && (said(m, "eturned") || said(m, "back")))
            .count();
        (told >= 4).then_some(())
    });
    assert_eq!(stage.pictures(ada), 0);
    stage.assert_verified();
}

#[test]
fn an_overloaded_vendor_is_tried_again_and_charged_for_once() {
    let stage = Stage::whole().unwrap();
    let ada = Person(7003);
    stage.arrive_with_credits(ada);
    stage.fault("gemini", "generateContent", json!({"status": 503}), 2);
    stage.write(ada, "/prompt an owl that waits");
    stage.wait_for_picture(ada);
    stage.until("the delivery to be confirmed", || {
        (stage.count_of(ada, "GenerationDelivered") == 1).then_some(())
    });
    assert_eq!(stage.balance_of(ada), (95, 0, 0));
    assert_eq!(stage.count_of(ada, "GenerationStarted"), 3);
    assert_eq!(stage.gemini_calls("an owl that waits").iter().filter(|c| c["billed"] == true).count(), 1);
    stage.assert_verified();
}

#[test]
fn notifications_doubled_late_lost_or_forged_credit_exactly_what_was_paid() {
    let stage = Stage::whole().unwrap();
    let ada = Person(7004);
    stage.write(ada, "/start");
    stage.wait_for(ada, "the welcome", |_| true);

    let doubled = stage.order(ada);
    stage.fault("yookassa", "notification", json!({"duplicate": 5}), 1);
    stage.pay(&doubled);
    stage.wait_for(ada, "the first receipt", |m| said(m, "105"));

    let forged = stage.order(ada);
    let notification = json!({"type": "notification", "event": "payment.succeeded", "object": {
        "id": forged, "status": "succeeded", "paid": true, "amount": {"value": "100.00", "currency": "RUB"},
        "created_at": "2026-11-21T10:00:00.000Z", "metadata": {}, "test": true}});
    let hook = format!("{}/yookassa/webhook", stage.url(Role::Payments));
    let status = |body: serde_json::Value| {
        let sent = async { stage.http.post(&hook).json(&body).send().await };
        stage.rt.block_on(sent).expect("the adapter answers").status().as_u16()
    };
    status(notification.clone());
    let mut unknown = notification;
    unknown["object"]["id"] = json!("00000000-0000-0000-0000-000000000000");
    status(unknown);
    assert!((400..500).contains(&status(json!({"type": "nonsense"}))));
    assert_eq!(stage.balance_of(ada), (105, 0, 0), "a forged notification was believed");

    stage.fault("yookassa", "notification", json!("lost"), 10);
    stage.pay(&forged);
    stage.wait_for(ada, "the receipt without any notification", |m| said(m, "205"));
    stage.heal();
    assert_eq!(stage.paid().len(), 2);
    assert_eq!(stage.count_of(ada, "PaymentSettled"), 2);
    assert_eq!(stage.balance_of(ada), (205, 0, 0));
    stage.assert_verified();
}

#[test]
fn a_payment_whose_creation_is_in_doubt_is_one_payment() {
    let stage = Stage::whole().unwrap();
    let ada = Person(7005);
    stage.write(ada, "/start");
    stage.wait_for(ada, "the welcome", |_| true);
    stage.fault("yookassa", "create_payment", json!({"status": 500, "after_effect": true}), 1);
    stage.fault("yookassa", "create_payment", json!("drop_after"), 1);
    let checkout = stage.order(ada);
    stage.pay(&checkout);
    stage.wait_for(ada, "the receipt", |m| said(m, "105"));
    assert_eq!(stage.books()["yookassa"]["payments"].as_array().map(Vec::len), Some(1));
    stage.assert_verified();
}

#[test]
fn what_is_not_an_update_is_refused_and_the_bot_goes_on() {
    let mut stage = Stage::whole().unwrap();
    let hook = format!("{}/telegram/webhook", stage.url(Role::Telegram));
    let send = |secret: Option<&str>, body: Vec<u8>| {
        let mut request = stage.http.post(&hook).header("content-type", "application/json").body(body);
        if let Some(secret) = secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        stage.rt.block_on(async { request.send().await }).map_or(0, |r| r.status().as_u16())
    };
    let update = br#"{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":5,"type":"private"},"from":{"id":5,"is_bot":false,"first_name":"Eve"},"text":"/start"}}"#;
    let before = stage.rt.block_on(Stage::log(&stage.pool)).len();
    assert!(matches!(send(None, update.to_vec()), 401 | 403 | 404));
    assert!(matches!(send(Some("wrong"), update.to_vec()), 401 | 403 | 404));
    let secret = Some("a-webhook-secret");
    assert_eq!(send(secret, b"not json".to_vec()), 400);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(send(secret, deep.into_bytes()), 400);
    assert_eq!(send(secret, b"[1,2,3]".to_vec()), 400);
    assert!(matches!(send(secret, vec![b' '; 20_000_000]), 0 | 413));
    assert_eq!(stage.rt.block_on(Stage::log(&stage.pool)).len(), before, "bad input left a trace");

    let ada = Person(7006);
    stage.arrive_with_credits(ada);
    stage.write(ada, "/prompt a word with a \u{0} in it");
    stage.write(ada, &format!("/prompt {}", "long ".repeat(800)));
    stage.write(ada, "/nonsense");
    stage.write(ada, "/prompt a pear");
    stage.wait_for_picture(ada);
    for role in [Role::Ledger, Role::Telegram, Role::Payments, Role::Generator] {
        assert!(stage.is_running(role), "{role:?} died");
    }
    stage.assert_verified();
}
