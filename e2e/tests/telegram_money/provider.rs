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

/// Telegram's word on a payment does not come, and YooKassa's names nobody: after half an hour a person has it.
/// What Telegram would have said.
fn pay_unclaimed(booth: &Booth, ada: Person) -> Value {
    let bill = bill(booth, ada);
    booth.fault("webhook", json!("lost"), "successful_payment");
    let bend = json!({"vendor": "yookassa", "call": "get_payment", "times": "always",
        "fault": {"patch": {"captured_at": "2026-01-01T00:00:00.000Z"}}});
    assert!(booth.stage.post("/faults", &bend).0 < 300);
    let (status, paid) = booth.pay(ada, &bill);
    assert_eq!(status, 200, "{paid}");
    let stray = "SELECT count(*) FROM events WHERE type = 'PaymentQuarantined' AND account_id = \
                 '00000000-0000-8000-8000-000000000002'";
    booth.stage.until("it to be put aside", || (booth.scalar(stray) == 1).then_some(()));
    assert_eq!(cases(booth).len(), 1);
    assert_eq!(booth.stage.count_of(ada, "PaymentSettled"), 0);
    paid["message"]["successful_payment"].clone()
}

/// What is in quarantine, as `ledger cases` has it.
fn cases(booth: &Booth) -> Vec<Value> {
    let said = booth.stage.ledger_command(&["cases", "--json"]).unwrap();
    let cases: Value = serde_json::from_slice(&said.stdout).unwrap();
    cases["quarantined"].as_array().cloned().unwrap_or_default()
}

fn ledger(booth: &Booth, args: &[&str]) -> String {
    let done = booth.stage.ledger_command(args).unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn telegrams_word_that_comes_late_settles_what_was_nobodys_by_then() {
    let booth = open(&[]);
    let ada = Person(8431);
    booth.meet(ada);
    let paid = pay_unclaimed(&booth, ada);
    for _ in 0..2 {
        booth.notice(ada, &json!({"successful_payment": paid}));
    }
    booth.until_count(ada, "PaymentSettled", 1);
    booth.until_told(ada, "Payment received: 100\u{a0}₽");
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    assert_eq!(cases(&booth), Vec::<Value>::new(), "that ends it");
    let theirs = paid["provider_payment_charge_id"].as_str().unwrap();
    assert!(ledger(&booth, &["payment", theirs]).contains("PaymentSettled"));
    booth.stage.heal();
    booth.assert_at_rest();
}

#[test]
fn telegrams_word_that_comes_late_and_disagrees_gives_it_to_a_person_to_settle() {
    let booth = open(&[]);
    let ada = Person(8441);
    booth.meet(ada);
    let mut paid = pay_unclaimed(&booth, ada);
    paid["total_amount"] = 9_000.into();
    for _ in 0..2 {
        booth.notice(ada, &json!({"successful_payment": paid}));
    }
    booth.until_count(ada, "PaymentQuarantined", 1);
    let waiting = cases(&booth);
    assert_eq!(waiting.len(), 1, "one thing to decide: {waiting:?}");
    assert_eq!(waiting[0]["payment"], booth.payments(ada)[0].to_string());
    let theirs = paid["provider_payment_charge_id"].as_str().unwrap();
    let settle = ["quarantine", "settle", theirs, "--amount", "100.00", "--credits", "100", "--test"];
    ledger(&booth, &[&settle[..], &["--reason", "YooKassa shows 100", "--yes"]].concat());
    booth.until_count(ada, "PaymentSettled", 1);
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    assert_eq!(cases(&booth), Vec::<Value>::new());
    // Whoever still tells of it tells what is known.
    paid["total_amount"] = 10_000.into();
    booth.notice(ada, &json!({"successful_payment": paid}));
    assert_eq!(booth.stage.count_of(ada, "PaymentSettled"), 1);
    booth.stage.heal();
    booth.assert_at_rest();
}

#[test]
fn what_nobody_ever_claims_is_settled_once_its_payer_has_said_whose_it_is() {
    let booth = open(&[]);
    let ada = Person(8451);
    booth.meet(ada);
    let paid = pay_unclaimed(&booth, ada);
    let (theirs, ours) =
        (paid["provider_payment_charge_id"].as_str().unwrap(), booth.payments(ada)[0].to_string());
    let settle = ["quarantine", "settle", theirs, "--amount", "100.00", "--credits", "100", "--test"];
    let settle = [&settle[..], &["--reason", "she has shown its receipt", "--yes"]].concat();
    let refused = booth.stage.ledger_command(&settle).unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("claim it for the one it is"));
    let claim = ["quarantine", "claim", theirs, "--payment", &ours, "--yes"];
    let said = ledger(&booth, &claim);
    assert!(
        said.contains("100.00 RUB by telegram_yookassa: opened") && said.contains("It is that payment's"),
        "{said}"
    );
    assert!(!booth.stage.ledger_command(&claim).unwrap().status.success(), "it is claimed once");
    assert_eq!(cases(&booth).len(), 1);
    ledger(&booth, &settle);
    booth.until_count(ada, "PaymentSettled", 1);
    booth.until_told(ada, "Payment received: 100\u{a0}₽");
    // Telegram's word, a day late.
    booth.notice(ada, &json!({"successful_payment": paid}));
    assert_eq!(booth.stage.count_of(ada, "PaymentSettled"), 1);
    assert_eq!(booth.stage.balance_of(ada), (105, 0, 0));
    assert_eq!(cases(&booth), Vec::<Value>::new());
    booth.stage.heal();
    booth.assert_at_rest();
}

/// What Telegram tells of money that a person has placed in another's account, by then.
const ANOTHERS: &str =
    "SELECT count(*) FROM notices WHERE event = 'successful_payment' AND outcome = 'anothers'";

/// Claims it for somebody else's bill in rubles; what it can't have paid is refused before.
fn claim_wrongly(booth: &Booth, theirs: &str, bob: Person) {
    booth.meet(bob);
    booth.stars_bill(bob);
    bill(booth, bob);
    let [stars, rubles] = [0, 1].map(|n| booth.payments(bob)[n].to_string());
    let refused = booth.stage.ledger_command(&["quarantine", "claim", theirs, "--payment", &stars, "--yes"]);
    let refused = refused.unwrap();
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(why.contains("that is paid to telegram, this came to yookassa"), "{why}");
    ledger(booth, &["quarantine", "claim", theirs, "--payment", &rubles, "--yes"]);
}

#[test]
fn money_that_was_settled_for_another_is_not_said_to_be_its_payers() {
    let booth = open(&[]);
    let (ada, bob) = (Person(8461), Person(8462));
    booth.meet(ada);
    let paid = pay_unclaimed(&booth, ada);
    let theirs = paid["provider_payment_charge_id"].as_str().unwrap();
    claim_wrongly(&booth, theirs, bob);
    let settle = ["quarantine", "settle", theirs, "--amount", "100.00", "--credits", "100", "--test"];
    ledger(&booth, &[&settle[..], &["--reason", "taken for another", "--yes"]].concat());
    booth.until_count(bob, "PaymentSettled", 1);
    booth.notice(ada, &json!({"successful_payment": paid}));
    booth.stage.until("Telegram's words", || (booth.scalar(ANOTHERS) == 1).then_some(()));
    assert_eq!((booth.stage.balance_of(ada), booth.stage.balance_of(bob)), ((5, 0, 0), (105, 0, 0)));
    assert_eq!(booth.pending(), 0, "it is not sent for ever");
    booth.stage.heal();
    booth.assert_at_rest();
}

#[test]
fn money_that_was_dismissed_for_another_is_its_payers_only_by_a_word_that_agrees() {
    let booth = open(&[]);
    let (ada, bob) = (Person(8471), Person(8472));
    booth.meet(ada);
    let mut paid = pay_unclaimed(&booth, ada);
    let theirs = paid["provider_payment_charge_id"].as_str().unwrap().to_owned();
    claim_wrongly(&booth, &theirs, bob);
    ledger(&booth, &["quarantine", "dismiss", &theirs, "--reason", "not theirs", "--yes"]);
    let ours = booth.payments(ada)[0].to_string();
    let claim = ["quarantine", "claim", &theirs, "--payment", &ours, "--yes"];
    assert!(!booth.stage.ledger_command(&claim).unwrap().status.success(), "once for all");
    paid["total_amount"] = 9_000.into();
    booth.notice(ada, &json!({"successful_payment": paid}));
    booth.stage.until("Telegram's words", || (booth.scalar(ANOTHERS) == 1).then_some(()));
    assert_eq!(booth.stage.count_of(ada, "PaymentQuarantined"), 0, "it has no place there");
    paid["total_amount"] = 10_000.into();
    booth.notice(ada, &json!({"successful_payment": paid}));
    booth.until_count(ada, "PaymentSettled", 1);
    assert_eq!((booth.stage.balance_of(ada), booth.stage.balance_of(bob)), ((105, 0, 0), (5, 0, 0)));
    booth.stage.heal();
    booth.assert_at_rest();
}
