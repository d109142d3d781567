//! Money that goes back, is doubted, or is taken back.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of, person, types};
use proto_events::{AccountId, PaymentId, Producer};
use serde_json::{Value, json};

use crate::{balance, payer};

#[test]
fn a_refund_takes_credits_back_and_a_failed_one_returns_them() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = payer(&stage, &deeds, 1);
    let open = |kopecks: i64| {
        let amount = json!({"amount": kopecks, "currency": "RUB"});
        json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "asked for"})
    };
    let refuse = |id: &str, body| raw.refused(Producer::Console, "refund_open", id, of(account), body);
    assert_eq!(refuse("refund:0", open(10_001)), "refund_exceeds_payment");
    assert_eq!(refuse("refund:0", open(0)), "invalid");
    let reply = raw.send(Producer::Console, "refund_open", "refund:1", of(account), open(5_000));
    assert_eq!(reply["result"]["credits"], 50, "{reply}");
    assert_eq!(balance(&stage, &deeds, 1), (55, 0, 0));
    let refund = reply["result"]["refund"].clone();
    let settle = |refund: &Value, provider: &str| {
        let amount = json!({"amount": 5_000, "currency": "RUB"});
        json!({"refund": refund, "rail": "yookassa", "provider_refund_id": provider, "amount": amount})
    };
    let done =
        raw.done(Producer::Payments, "refund_settle", "refunded:1", of(account), settle(&refund, "r-1"));
    assert_eq!(done, ["RefundSettled"]);
    // The other half is charged back; the provider's id of the first refund is not taken for it.
    let back = raw.send(Producer::Payments, "refund_open", "chargeback:1", of(account), open(5_000));
    let second = back["result"]["refund"].clone();
    let taken = settle(&second, "r-1");
    assert_eq!(
        raw.refused(Producer::Payments, "refund_settle", "refunded:2", of(account), taken),
        "refund_id_taken"
    );
    assert_eq!(balance(&stage, &deeds, 1), (5, 0, 0));
    let fail = json!({"refund": second, "rail": "yookassa", "reason": "declined"});
    let done = raw.done(Producer::Payments, "refund_fail", "refund_failed:1", of(account), fail.clone());
    assert_eq!(done, ["RefundFailed", "CreditsGranted"]);
    assert_eq!(balance(&stage, &deeds, 1), (55, 0, 0));
    assert_eq!(
        raw.refused(Producer::Payments, "refund_fail", "refund_failed:2", of(account), fail),
        "refund_closed"
    );
    // Who may not, by producer and by rail.
    assert_eq!(
        raw.refused(Producer::Telegram, "refund_open", "refund:9", of(account), open(1)),
        "not_allowed"
    );
    stage.assert_verified();
}

#[test]
fn a_quarantined_payment_waits_for_a_person() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = stage.rt.block_on(async {
        let account = deeds.start(1).await.unwrap();
        (account, deeds.topup(1, "a").await.unwrap())
    });
    let seen = json!({"status": "succeeded", "amount": {"amount": 7_000, "currency": "RUB"}});
    let doubt = |payment: Option<PaymentId>, id: &str| {
        json!({"payment": payment, "rail": "yookassa", "provider_payment_id": id,
            "problems": ["amount_differs"], "seen": seen})
    };
    let mine = doubt(Some(payment), "y-1");
    let done = raw.done(Producer::Payments, "payment_quarantine", "quarantine:1", of(account), mine.clone());
    assert_eq!(done, ["PaymentQuarantined"]);
    let again = raw.refused(Producer::Payments, "payment_quarantine", "quarantine:2", of(account), mine);
    assert_eq!(again, "already_quarantined");
    // What names no payment of ours goes to the operations' stream, once.
    let operations = json!({"id": AccountId::OPERATIONS});
    let stray = doubt(None, "y-2");
    let done =
        raw.done(Producer::Payments, "payment_quarantine", "quarantine:3", operations.clone(), stray.clone());
    assert_eq!(done, ["PaymentQuarantined"]);
    assert_eq!(
        raw.refused(Producer::Payments, "payment_quarantine", "quarantine:4", operations.clone(), stray),
        "already_quarantined"
    );
    let resolve = |id: &str, verdict: Value| json!({"rail": "yookassa", "provider_payment_id": id, "verdict": verdict, "reason": "asked the shop"});
    let dismissed = resolve("y-2", json!("dismiss"));
    assert_eq!(
        raw.operator("quarantine_resolve", "resolve:1", operations, dismissed),
        ["QuarantineResolved"]
    );
    let amount = json!({"amount": 7_000, "currency": "RUB"});
    let settled = resolve("y-1", json!({"settle": {"amount": amount, "credits": 70, "test": false}}));
    let reply = raw.send(Producer::Console, "quarantine_resolve", "resolve:2", of(account), settled);
    assert_eq!(types(&reply), ["QuarantineResolved", "PaymentSettled", "CreditsGranted"]);
    assert_eq!(balance(&stage, &deeds, 1), (75, 0, 0));
    // The person is told of what they got, not of what they had asked for.
    let claim = json!({"position": reply["events"][1]["position"], "claimant": "t1"});
    let told = raw.send(Producer::Telegram, "delivery_claim", "claim:1", of(account), claim);
    let news = told["result"]["news"].to_string();
    assert!(news.contains("\"credits\":70") && news.contains("7000"), "{told}");
    // The provider's payment is taken now, whoever asks.
    let other = stage.rt.block_on(deeds.topup(1, "b")).unwrap();
    let stolen = stage.rt.block_on(deeds.settle_as(other, "y-1", rubles(100))).unwrap_err();
    assert_eq!(stolen.code(), Some("provider_id_taken"));
    stage.assert_verified();
}

fn charged_back(raw: &Raw, account: AccountId, payment: PaymentId, id: &str) -> Value {
    let amount = json!({"amount": 10_000, "currency": "RUB"});
    let body = json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "chargeback"});
    let reply = raw.send(Producer::Payments, "refund_open", id, of(account), body);
    assert_eq!(reply["status"], "done", "{reply}");
    reply
}

#[test]
fn a_chargeback_of_what_was_spent_is_a_debt_that_the_next_topup_pays() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = payer(&stage, &deeds, 1);
    stage.rt.block_on(async {
        for message in 1..=2 {
            let made = deeds.request(1, message).await.unwrap();
            deeds.claim(made, 1).await.unwrap();
            deeds.complete(made, 1).await.unwrap();
        }
    });
    // 5 of the 20 that were spent were the welcome's.
    let back = charged_back(&raw, account, payment, "chargeback:yookassa:r-1");
    assert_eq!(types(&back), ["RefundOpened", "CreditsRevoked", "DebtIncurred"]);
    assert_eq!(back, charged_back(&raw, account, payment, "chargeback:yookassa:r-1"), "it came twice");
    assert_eq!(balance(&stage, &deeds, 1), (0, 0, 15));
    let asked = stage.rt.block_on(deeds.request(1, 3)).unwrap_err();
    assert_eq!(asked.code(), Some("insufficient_credits"));
    // What is given pays it, or it is forgiven; what is bought pays it.
    let give = json!({"credits": 2, "source": "compensation", "reason": "sorry"});
    assert_eq!(raw.operator("credits_grant", "grant:1", person(1), give), ["CreditsGranted", "DebtPaid"]);
    let forgive = |n: i64| json!({"credits": n, "reason": "goodwill"});
    let too_much = raw.refused(Producer::Console, "debt_forgive", "forgive:1", person(1), forgive(14));
    assert_eq!(too_much, "debt_smaller");
    assert_eq!(raw.operator("debt_forgive", "forgive:2", person(1), forgive(3)), ["DebtPaid"]);
    assert_eq!(balance(&stage, &deeds, 1), (0, 0, 10));
    let paid = stage.rt.block_on(async {
        let next = deeds.topup(1, "next").await.unwrap();
        deeds.settle(next, rubles(100)).await.unwrap()
    });
    let made: Vec<String> = paid.events.iter().map(|e| e.r#type.to_string()).collect();
    assert_eq!(made, ["PaymentSettled", "CreditsGranted", "DebtPaid"]);
    assert_eq!(balance(&stage, &deeds, 1), (90, 0, 0));
    stage.assert_verified();
}

#[test]
fn a_chargeback_takes_what_is_held_when_it_is_charged_or_comes_back() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let hold = |user: i64| {
        let (account, payment) = payer(&stage, &deeds, user);
        let job = stage.rt.block_on(deeds.request(user, 1)).unwrap();
        charged_back(&raw, account, payment, &format!("chargeback:yookassa:{user}"));
        assert_eq!(balance(&stage, &deeds, user), (0, 10, 0));
        stage.rt.block_on(deeds.claim(job, 1)).unwrap();
        job
    };
    let (charged, returned) = (hold(1), hold(2));
    stage.rt.block_on(async {
        deeds.complete(charged, 1).await.unwrap();
        deeds.fail(returned, 1).await.unwrap();
    });
    // Of the 10 that each had held, 5 were the welcome's.
    assert_eq!(balance(&stage, &deeds, 1), (0, 0, 5));
    assert_eq!(balance(&stage, &deeds, 2), (5, 0, 0));
    stage.assert_verified();
}

#[test]
fn only_the_last_try_closes_a_telling() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    let payment = stage.rt.block_on(deeds.topup(1, "a")).unwrap();
    let settled = stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    let position = settled.events[0].position;
    let send = |verb: &str, id: &str, body| raw.send(Producer::Telegram, verb, id, of(account), body);
    let claim = |who: &str| send("delivery_claim", who, json!({"position": position, "claimant": who}));
    let done = |attempt: u32| {
        let body = json!({"position": position, "attempt": attempt, "outcome": "refused"});
        send("delivery_done", "done", body)["result"]["closed"].clone()
    };
    assert_eq!(claim("t1")["result"]["attempt"], 1);
    // Its lease is over, and another one tells.
    stage.rt.block_on(sqlx::query("UPDATE deliveries SET lease_until = 0").execute(&stage.pool)).unwrap();
    assert_eq!(claim("t2")["result"]["attempt"], 2);
    assert_eq!(done(1), json!(false), "who lost the lease closed what another one tells");
    assert_eq!(claim("t2")["result"]["attempt"], 2, "it is still to be told");
    assert_eq!(done(2), json!(true));
    assert_eq!(claim("t3")["refusal"]["code"], "delivery_done");
}
