//! Noise at the door: whatever comes on a subject of the ledger is taken or refused, never a panic,
//! and a refusal says what was wrong.

use proptest::prelude::*;
use proto_events::authority::{COMMANDS, QUERIES};
use proto_events::{Producer, Refused, subjects};
use serde_json::{Value, json};

use super::{Asked, Names, decode_command, decode_query};

const CODES: [&str; 3] = ["invalid", "not_allowed", "unknown_verb"];

fn says_why(refused: &Refused) {
    assert!(CODES.contains(&refused.code.as_str()), "{refused:?}");
    assert!(refused.message.len() > 10, "a refusal without words: {refused:?}");
}

/// The subject of some verb by some producer, allowed or not, or no subject at all.
fn subject() -> impl Strategy<Value = String> {
    let verb = prop::sample::select(COMMANDS.iter().map(|(verb, _)| *verb).collect::<Vec<_>>());
    let query = prop::sample::select(QUERIES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let producer = || prop::sample::select(Producer::ALL.to_vec());
    prop_oneof![
        8 => (producer(), verb).prop_map(|(producer, verb)| subjects::command(producer, verb)),
        2 => (producer(), query).prop_map(|(producer, name)| subjects::query(producer, name)),
        1 => any::<String>(),
    ]
}

/// Fields that some verbs have, right and wrong.
fn body() -> impl Strategy<Value = Value> {
    let id = "[pgrf]-[0-9a-f]{32}-[0-9a-f]{16}".prop_map(Value::from);
    let odd = prop::sample::select(vec![
        json!(null),
        json!(-1),
        json!(0),
        json!(u64::MAX),
        json!(1.5),
        json!("\0"),
        json!("x".repeat(5_000)),
        json!([]),
        json!({}),
        json!({"amount": -1, "currency": "RUB"}),
        json!({"amount": 100, "currency": "XTR"}),
        json!({"chat": 1, "message": 1}),
    ]);
    let value = prop_oneof![
        2 => odd,
        1 => id,
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => Just(json!("yookassa")),
    ];
    let names = [
        "payment",
        "rail",
        "amount",
        "generation",
        "attempt",
        "reservation",
        "reason",
        "credits",
        "package",
        "context",
        "prompt",
        "kind",
        "references",
        "inviter",
        "lot",
        "refund",
        "surplus",
        "limit",
        "position",
    ];
    let field = (prop::sample::select(names.to_vec()), value);
    prop::collection::btree_map(field.0, field.1, 0..6).prop_map(|fields| json!(fields))
}

fn envelope() -> impl Strategy<Value = Value> {
    let account = prop::sample::select(vec![
        json!({"telegram": 1}),
        json!({"telegram": i64::MIN}),
        json!({"telegram": "1"}),
        json!({"id": "f3d0c9a2-5b1e-4c7d-9a60-1b2c3d4e5f60"}),
        json!({"id": ""}),
        json!({"telegram": 1, "id": "f3d0c9a2-5b1e-4c7d-9a60-1b2c3d4e5f60"}),
        json!(null),
    ]);
    let id = prop_oneof![4 => "[A-Za-z0-9:_.-]{1,120}", 1 => any::<String>()];
    (id, account, body(), any::<bool>()).prop_map(|(id, account, body, surplus)| {
        let mut envelope = json!({"id": id, "account": account, "body": body});
        if surplus {
            envelope["trace_id"] = json!("0".repeat(31));
        }
        envelope
    })
}

fn ask(subject: &str, payload: &[u8]) {
    match decode_command(&Names::new([7; 32]), subject, payload).asked {
        Err(refused) => says_why(&refused),
        Ok(Asked::Command(request)) => {
            let (producer, verb) = subjects::parse(subject).expect("a subject that was taken");
            assert_eq!((request.producer, request.command.verb()), (producer, verb));
        }
        Ok(Asked::Operation(request)) => {
            let (producer, verb) = subjects::parse(subject).expect("a subject that was taken");
            assert_eq!((request.producer, request.operation.verb()), (producer, verb));
        }
    }
    match decode_query(subject, payload).asked {
        Err(refused) => says_why(&refused),
        Ok(question) => assert!(QUERIES.iter().any(|(name, _)| *name == question.name)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_refused_with_words(subject in subject(), noise in prop::collection::vec(any::<u8>(), 0..400)) {
        ask(&subject, &noise);
    }

    #[test]
    fn nearly_a_command_is_taken_or_refused_with_words(subject in subject(), envelope in envelope()) {
        ask(&subject, envelope.to_string().as_bytes());
    }

    #[test]
    fn a_command_that_was_cut_or_overwritten_is_refused_with_words(
        envelope in envelope(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut payload = envelope.to_string().into_bytes();
        let at = at.index(payload.len());
        if cut { payload.truncate(at) } else { payload[at] = byte }
        ask("cmd.ledger.telegram.generation_request", &payload);
        ask("cmd.ledger.payments.payment_settle", &payload);
    }
}
