//! Who may send what, asked over NATS: every cell of producer × verb × rail.

use e2e::Stage;
use e2e::raw::{Raw, of};
use proto_events::authority::{COMMANDS, Rail};
use proto_events::{AccountId, CommandId, PaymentId, Producer, RefundId};
use serde_json::{Value, json};

/// Nobody sends as the ledger itself, not even the ledger: NATS refuses it, and its timers and follow-ups
/// ask without NATS. That row is walked at the door, in `ledger/src/inbox/decode.rs`.
const BY_NATS: [Producer; 4] =
    [Producer::Telegram, Producer::Payments, Producer::Generator, Producer::Console];

/// A body that decodes, for the verbs that are held to rails; nothing of it is there.
fn by_rail(verb: &str, account: AccountId, rail: Rail) -> Value {
    let id = CommandId::new("nothing").unwrap();
    let payment = PaymentId::derive(account, Producer::Telegram, &id);
    let refund = RefundId::derive(account, Producer::Telegram, &id);
    let amount = json!({"amount": 1, "currency": "RUB"});
    let provider = json!({"rail": rail, "provider_payment_id": "y-1"});
    let with = |more: Value| {
        let mut body = provider.clone();
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        body
    };
    match verb {
        "topup_open" => {
            json!({"package": "rub-100", "rail": rail, "context": {"chat": 1, "message": 1}})
        }
        "payment_register" => with(json!({"payment": payment})),
        "payment_settle" => with(json!({"payment": payment, "amount": amount, "test": false})),
        "payment_fee" => with(json!({"payment": payment, "net": amount})),
        "payment_cancel" => with(json!({"payment": payment, "party": "merchant", "reason": "expired"})),
        "payment_quarantine" => {
            let seen = json!({"status": "succeeded"});
            with(json!({"payment": payment, "problems": ["amount_differs"], "seen": seen}))
        }
        "quarantine_resolve" => with(json!({"verdict": "dismiss", "reason": "r"})),
        "refund_open" => json!({"payment": payment, "rail": rail, "amount": amount, "reason": "r"}),
        "refund_settle" => {
            json!({"refund": refund, "rail": rail, "provider_refund_id": "r-1", "amount": amount})
        }
        "refund_fail" => json!({"refund": refund, "rail": rail, "reason": "r"}),
        other => panic!("{other} has no rail"),
    }
}

/// Who may send it at all gets to its body, and by the right rail to what it is about.
#[test]
fn every_cell_of_the_table_is_held_at_the_door() {
    let stage = Stage::with_ledger().unwrap();
    let (raw, account) = (Raw::new(&stage), AccountId::random());
    let (mut allowed, mut refused) = (0, 0);
    for (verb, who) in COMMANDS {
        let is_by_rail = who.iter().any(|(_, rails)| !rails.is_empty());
        for producer in BY_NATS {
            let rails = who.iter().find(|(p, _)| *p == producer).map(|(_, rails)| *rails);
            let cells: Vec<(Value, bool)> = if is_by_rail {
                let may = |rail| rails.is_some_and(|rails| rails.contains(&rail));
                Rail::ALL.map(|rail| (by_rail(verb, account, rail), may(rail))).to_vec()
            } else {
                vec![(json!({"no such field": 1}), rails.is_some())]
            };
            for (body, may) in cells {
                let code = raw.refused(producer, verb, "cell:1", of(account), body.clone());
                // Past the door: the body is no good, or nobody has this account or this payment.
                let beyond = ["invalid", "account_not_found", "payment_not_found", "refund_not_found"];
                let through = beyond.contains(&code.as_str()) || code == "quarantine_not_found";
                let expected = if may { through } else { code == "not_allowed" };
                assert!(expected, "{producer} sends {verb} {body}: {code}, and may: {may}");
                if may { allowed += 1 } else { refused += 1 }
            }
        }
    }
    println!("{allowed} cells allowed, {refused} refused");
    assert_eq!(stage.rt.block_on(Stage::log(&stage.pool)).len(), 1, "only the catalog");
}
