//! Invoices in Telegram that are paid through YooKassa: one payment, though two services hear of it.

use e2e::Role;
use e2e::booth::{Booth, NEVER, RUBLES};
use e2e::people::{Person, buttons};
use serde_json::{Value, json};

const TOKEN: (&str, &str) = ("YOOKASSA_PROVIDER_TOKEN", "381764678:TEST:100500");
const RECEIPTS: [(&str, &str); 3] =
    [("YOOKASSA_RECEIPTS", "on"), ("YOOKASSA_VAT_CODE", "1"), ("YOOKASSA_TAX_SYSTEM_CODE", "2")];

fn open(more: &[(&'static str, &'static str)]) -> Booth {
    let mut booth = Booth::open(&[&[TOKEN, NEVER], more].concat()).unwrap();
    booth.stage.start(Role::Payments, &[&[("PAYMENTS_RECONCILE_SECONDS", "1")], more].concat()).unwrap();
    booth
}

fn bill(booth: &Booth, person: Person) -> Value {
    let menu = booth.choose(person, RUBLES);
    let ways = booth.stage.wait_for(person, "the ways to pay", |m| {
        m["message_id"] == menu["message_id"]
            && buttons(m).iter().any(|(label, _)| label.contains("in Telegram"))
    });
    booth.tap(person, &ways, "in Telegram");
    booth.invoice_after(person, menu["message_id"].as_i64().unwrap())
}

#[test]
fn a_payment_that_both_telegram_and_yookassa_tell_of_is_one() {
    let booth = open(&[]);
    let people = [Person(8401), Person(8402), Person(8403)];
    let faults = [
        Value::Null,
        json!({"vendor": "yookassa", "call": "notification", "fault": "lost"}),
        json!({"vendor": "telegram", "call": "webhook", "fault": {"late_ms": 2_000}, "match": "successful_payment"}),
    ];
    for (ada, fault) in people.into_iter().zip(faults) {
        booth.meet(ada);
        let bill = bill(&booth, ada);
        assert_eq!(
            (&bill["invoice"]["currency"], &bill["invoice"]["total_amount"]),
            (&json!("RUB"), &json!(10_000))
        );
        if !fault.is_null() {
            assert!(booth.stage.post("/faults", &fault).0 < 300);
        }
        let (status, paid) = booth.pay(ada, &bill);
        assert_eq!(status, 200, "{paid}");
        booth.until_count(ada, "PaymentSettled", 1);
        booth.until_told(ada, "Payment received: 100\u{a0}₽");
        assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    }
    let fees = "SELECT (SELECT count(*) FROM events WHERE type = 'PaymentFeeRecorded') \
                     + (SELECT count(*) FROM events WHERE type = 'PaymentSettled' AND strpos(payload, '\"net\"') > 0)";
    booth.stage.until("the fees", || (booth.scalar(fees) == 3).then_some(()));
    for ada in people {
        assert_eq!(booth.stage.count_of(ada, "PaymentSettled"), 1);
        assert_eq!(booth.stage.count_of(ada, "PaymentQuarantined"), 0);
        assert_eq!(booth.told(ada, "Payment received"), 1);
    }
    booth.assert_at_rest();
}

#[test]
fn a_receipt_goes_along_with_the_address_that_telegram_asks_for() {
    let booth = open(&RECEIPTS);
    let ada = Person(8411);
    booth.meet(ada);
    let bill = bill(&booth, ada);
    let arrivals = booth.stage.get("/arrivals?vendor=telegram&call=sendInvoice&limit=10");
    let sent = &arrivals["arrivals"][0]["body"];
    assert_eq!(
        (&sent["need_email"], &sent["send_email_to_provider"]),
        (&json!(true), &json!(true)),
        "{sent}"
    );
    let data: Value = serde_json::from_str(sent["provider_data"].as_str().unwrap()).unwrap();
    assert_eq!(data["receipt"]["items"][0]["amount"], json!({"value": "100.00", "currency": "RUB"}));
    let body = json!({"message_id": bill["message_id"], "email": "ada@example.org"});
    let (status, paid) = booth.stage.post(&format!("/people/{}/payments", ada.0), &body);
    assert_eq!(status, 200, "{paid}");
    booth.until_count(ada, "PaymentSettled", 1);
    booth.assert_at_rest();
}

#[test]
fn rubles_that_go_back_are_a_refund_of_yookassas_whatever_telegram_says_of_them() {
    let booth = open(&[]);
    let ada = Person(8421);
    booth.meet(ada);
    let bill = bill(&booth, ada);
    let (status, paid) = booth.pay(ada, &bill);
    assert_eq!(status, 200, "{paid}");
    booth.until_count(ada, "PaymentSettled", 1);
    let paid = &paid["message"]["successful_payment"];
    // Telegram's word has not the provider's id.
    let part = json!({"refunded_payment": {"currency": "RUB", "total_amount": 10_000,
        "invoice_payload": paid["invoice_payload"],
        "telegram_payment_charge_id": paid["telegram_payment_charge_id"]}});
    booth.notice(ada, &part);
    let kept = "SELECT count(*) FROM notices WHERE event = 'refunded_payment' AND outcome = 'at_the_provider' \
                AND payment IS NOT NULL";
    assert_eq!(booth.scalar(kept), 1);
    assert_eq!(booth.stage.count_of(ada, "RefundOpened"), 0, "nothing went back so far");
    let theirs = paid["provider_payment_charge_id"].as_str().unwrap();
    let (status, answer) = booth.stage.post(&format!("/checkout/{theirs}/refund"), &json!({}));
    assert_eq!(status, 200, "{answer}");
    booth.until_count(ada, "RefundSettled", 1);
    booth.notice(ada, &part);
    assert_eq!(booth.stage.balance_of(ada), (5, 0, 0));
    assert_eq!(booth.scalar("SELECT count(*) FROM events WHERE type = 'PaymentQuarantined'"), 0);
    booth.assert_at_rest();
}
