//! Pre-checkout: what can't be paid is refused, in words, before any money is taken.

use std::time::Instant;

use e2e::Role;
use e2e::booth::{Booth, NEVER};
use e2e::people::{Person, said};
use serde_json::{Value, json};

fn refused(booth: &Booth, person: Person, invoice: &Value, words: &str) {
    let (status, answer) = booth.pay(person, invoice);
    assert_eq!(status, 402, "{answer}");
    assert!(answer["error"].as_str().is_some_and(|why| why.contains(words)), "{words}: {answer}");
}

fn charges(booth: &Booth) -> usize {
    booth.stage.books()["telegram"]["charges"].as_array().map_or(0, Vec::len)
}

#[test]
fn what_is_paid_or_somebody_elses_or_of_another_price_is_refused() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let [ada, bob] = [Person(8101), Person(8102)];
    for person in [ada, bob] {
        booth.meet(person);
    }
    let bill = booth.stars_bill(ada);
    let payload = booth.payments(ada)[0].to_string();
    let copy = |person: Person, payload: &str, stars: i64| {
        booth.bot(
            "sendInvoice",
            &json!({"chat_id": person.0, "title": "x", "description": "x", "payload": payload, "currency": "XTR",
                "prices": [{"label": "x", "amount": stars}]}),
        )
    };
    // A copy with a Pay button, as of an invoice without a start parameter.
    refused(&booth, bob, &copy(bob, &payload, 75), "somebody else");
    refused(&booth, ada, &copy(ada, &payload, 1), "can't be paid");
    refused(&booth, ada, &copy(ada, "nonsense", 75), "can't be paid");
    // Ours forwards as a link.
    let body = json!({"message_id": bill["message_id"], "of": ada.0});
    let (status, answer) = booth.stage.post(&format!("/people/{}/payments", bob.0), &body);
    assert_eq!(status, 409, "{answer}");
    assert!(answer["error"].as_str().is_some_and(|why| why.contains("start=topup")), "{answer}");
    assert_eq!(charges(&booth), 0);
    assert_eq!(booth.pay(ada, &bill).0, 200);
    booth.until_count(ada, "PaymentSettled", 1);
    refused(&booth, ada, &bill, "paid already");
    refused(&booth, bob, &copy(bob, &payload, 75), "somebody else");
    assert_eq!(charges(&booth), 1);
    let body = json!({"reason": "spam"});
    let second = booth.stars_bill(ada);
    booth.raw.operator("account_ban", "ban:1", e2e::raw::person(ada.0), body);
    refused(&booth, ada, &second, "closed");
    booth.assert_at_rest();
}

#[test]
fn with_the_ledger_away_it_is_no_within_the_time_and_yes_when_it_is_back() {
    let mut booth = Booth::open(&[NEVER]).unwrap();
    let ada = Person(8103);
    booth.meet(ada);
    let bill = booth.stars_bill(ada);
    assert!(booth.stage.stop(Role::Ledger));
    // The chat has an update that can't be dealt with; the query does not wait for it.
    booth.stage.write(ada, "/balance");
    let asked = Instant::now();
    refused(&booth, ada, &bill, "in a minute");
    println!("answered within {:.1} s with the ledger away", asked.elapsed().as_secs_f64());
    assert_eq!(charges(&booth), 0);
    booth.stage.start(Role::Ledger, &[]).unwrap();
    assert_eq!(booth.pay(ada, &bill).0, 200);
    booth.until_count(ada, "PaymentSettled", 1);
    booth.assert_at_rest();
}

#[test]
fn an_answer_that_is_lost_is_given_again() {
    let booth = Booth::open(&[NEVER]).unwrap();
    let ada = Person(8104);
    booth.meet(ada);
    for fault in [
        json!(500),
        json!({"drop": "before"}),
        json!({"drop": "after"}),
        json!({"status": 500, "after_effect": true}),
    ] {
        booth.stage.fault("telegram", "answerPreCheckoutQuery", fault, 1);
        booth.buy_stars(ada);
    }
    assert_eq!(booth.stage.balance_of(ada), (405, 0, 0));
    booth.assert_at_rest();
}

#[test]
fn a_bill_past_its_time_can_not_be_paid_and_its_end_is_told_once() {
    let catalog = {
        let catalog = proto_events::catalog::Catalog::default_catalog().unwrap();
        let mut catalog = serde_json::to_value(catalog).unwrap();
        catalog["limits"]["payment_ms"] = 2_000.into();
        let file = std::env::temp_dir().join(format!("plantain-booth-{}.json", std::process::id()));
        std::fs::write(&file, catalog.to_string()).unwrap();
        file
    };
    let file = catalog.display().to_string();
    let booth = Booth::open_with(&[], &[("CATALOG_FILE", &file)], &[NEVER]).unwrap();
    let ada = Person(8105);
    booth.meet(ada);
    let bill = booth.stars_bill(ada);
    let expired = "SELECT count(*) FROM open_payments WHERE expires_at < extract(epoch FROM now()) * 1000000";
    booth.stage.until("its time to be over", || (booth.scalar(expired) == 1).then_some(()));
    refused(&booth, ada, &bill, "time is over");
    booth.until_count(ada, "PaymentCanceled", 1);
    let told = booth.until_told(ada, "wasn't paid in time");
    assert!(!e2e::people::buttons(&told).is_empty(), "{told}");
    assert!(booth.stage.bot_said(ada).iter().all(|m| !m["invoice"].is_object()), "the invoice is gone");
    // A restart tells nothing again.
    let mut booth = booth;
    booth.without_bot(|_| {});
    booth.stage.write(ada, "/balance");
    booth.until_told(ada, "You have 5 credits");
    let told = booth.stage.bot_said(ada).iter().filter(|m| said(m, "wasn't paid in time")).count();
    assert_eq!((told, charges(&booth)), (1, 0));
    booth.assert_at_rest();
    std::fs::remove_file(catalog).unwrap();
}
