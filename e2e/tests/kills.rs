//! Each service is killed while a Gemini call is open, a picture undelivered and a payment open,
//! then started again: the way completes, charged once and credited once, by the vendors' books.

use e2e::people::{Person, said};
use e2e::{Role, Stage};
use serde_json::json;

const ADA: Person = Person(8001);

/// A payment open, a picture made but not delivered, a paid call under way.
fn in_the_middle(stage: &Stage, round: usize) -> String {
    let checkout = stage.order(ADA);
    stage.fault("telegram", "sendPhoto", json!({"status": 502}), 10_000);
    stage.fault("telegram", "sendDocument", json!({"status": 502}), 10_000);
    stage.write(ADA, &format!("/prompt undelivered {round}."));
    stage.until("the picture to be made", || {
        (stage.count_of(ADA, "GenerationSucceeded") > i64::try_from(round).unwrap() * 2).then_some(())
    });
    let held = json!({"vendor": "gemini", "call": "generateContent", "fault": {"hold_ms": 4000}, "times": 1,
        "match": "held open"});
    stage.post("/faults", &held);
    stage.write(ADA, &format!("/prompt held open {round}."));
    stage.until("the call to be open", || {
        (!stage.gemini_calls(&format!("held open {round}.")).is_empty()).then_some(())
    });
    checkout
}

fn killed(role: Role) {
    let mut stage = Stage::whole().unwrap();
    stage.arrive_with_credits(ADA);
    let checkout = in_the_middle(&stage, 0);
    stage.kill9(role);
    stage.heal();
    stage.pay(&checkout);
    let catalog = stage.dir().join("catalog.json").display().to_string();
    stage.start(role, &[("CATALOG_FILE", &catalog)]).unwrap();

    stage.until("both deliveries", || (stage.count_of(ADA, "GenerationDelivered") == 2).then_some(()));
    let receipts = || stage.bot_said(ADA).iter().filter(|m| said(m, "Payment received")).count();
    stage.until("the second receipt", || (receipts() >= 2).then_some(()));
    assert_eq!(stage.count_of(ADA, "PaymentSettled"), 2);
    stage.until("the balance", || (stage.balance_of(ADA) == (185, 0, 0)).then_some(()));
    assert_eq!(stage.pictures(ADA), 2);
    assert_eq!(stage.paid().len(), 2);
    assert_eq!(stage.gemini_calls("undelivered 0.").len(), 1);
    let kills = usize::from(role == Role::Generator);
    assert!(
        stage.gemini_calls("held open 0.").len() <= 1 + kills,
        "{:#?}",
        stage.gemini_calls("held open 0.")
    );
    assert_eq!(receipts(), 2, "told twice");
    assert_eq!(stage.count_of(ADA, "GenerationSucceeded"), 2);
    stage.assert_verified();
}

#[test]
fn the_ledger_is_killed() {
    killed(Role::Ledger);
}

#[test]
fn the_telegram_adapter_is_killed() {
    killed(Role::Telegram);
}

#[test]
fn the_payments_adapter_is_killed() {
    killed(Role::Payments);
}

#[test]
fn the_generator_is_killed() {
    killed(Role::Generator);
}

/// The JetStream store is deleted at some moment; `PLANTAIN_ROUNDS` says how often (2 by default).
#[test]
fn the_jetstream_store_is_deleted_again_and_again() {
    let rounds: usize = std::env::var("PLANTAIN_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2);
    let mut stage = Stage::whole().unwrap();
    stage.arrive_with_credits(ADA);
    let (mut delivered, mut compensated) = (0, 0);
    for round in 0..rounds {
        let checkout = in_the_middle(&stage, round);
        // Some moment between now and the end of the open call.
        let moment =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos()
                % 3_000;
        std::thread::sleep(std::time::Duration::from_millis(moment.into()));
        stage.nats.wipe_store().unwrap();
        stage.heal();
        stage.pay(&checkout);
        let made = i64::try_from(round).unwrap() * 2 + 2;
        stage.until("everything of this round to end", || {
            delivered = stage.count_of(ADA, "GenerationDelivered");
            compensated = stage.count_of(ADA, "DeliveryFailed");
            let settled = stage.count_of(ADA, "PaymentSettled") == made / 2 + 1;
            (settled && delivered + compensated == made).then_some(())
        });
        let told = stage.bot_said(ADA);
        let count = |words: &str| i64::try_from(told.iter().filter(|m| said(m, words)).count()).unwrap();
        stage.until("the receipt", || {
            let said_now = stage.bot_said(ADA).iter().filter(|m| said(m, "Payment received")).count();
            (i64::try_from(said_now).unwrap() == made / 2 + 1).then_some(())
        });
        assert!(count("Payment received") <= made / 2 + 1, "a receipt was told twice");
        assert_eq!(i64::try_from(stage.pictures(ADA)).unwrap(), delivered, "a picture was sent twice");
        assert_eq!(stage.balance_of(ADA), (105 + 100 * (made / 2) - 10 * delivered, 0, 0));
        assert_eq!(stage.gemini_calls(&format!("undelivered {round}.")).len(), 1);
        assert_eq!(stage.gemini_calls(&format!("held open {round}.")).len(), 1);
    }
    println!("{rounds} wipes: {delivered} delivered, {compensated} compensated (bytes lost with the store)");
    stage.assert_verified();
}
