//! The small decoders: ids, subjects, canonical JSON.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;
use proto_events::amounts::INTEGER_MAX;
use proto_events::canonical::to_canonical_json;
use proto_events::envelope::TraceId;
use proto_events::{
    AccountId, CommandId, GenerationId, PaymentId, Producer, RefundId, ReservationId, Text, subjects,
};
use serde_json::Value;

use crate::config;

/// Text that is nearly an id.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[pgrf]-[0-9a-f]{31,33}-[0-9a-f]{15,17}",
        "[pgrfPG]?-?[0-9a-fA-F+-]{30,60}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[A-Za-z0-9:_. -]{0,130}",
    ]
}

/// Read and written it is the same text: no two texts name one thing.
fn reads_back<T: FromStr + Display>(text: &str)
where
    T::Err: Debug + Display,
{
    match text.parse::<T>() {
        Ok(id) => assert_eq!(id.to_string(), text),
        Err(error) => assert!(error.to_string().len() > 8 && error.to_string().len() < 1_000),
    }
}

fn json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![4 => "[ -~]{0,8}", 1 => any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Floats, integers that not every reader keeps, and keys whose order not every language agrees on.
fn has_no_canonical_form(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.as_i64().is_none_or(|n| n.abs() > INTEGER_MAX),
        Value::Array(items) => items.iter().any(has_no_canonical_form),
        Value::Object(fields) => fields.iter().any(|(key, v)| !key.is_ascii() || has_no_canonical_form(v)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_id_is_read_and_written_the_same_or_refused(text in nearly()) {
        reads_back::<PaymentId>(&text);
        reads_back::<GenerationId>(&text);
        reads_back::<ReservationId>(&text);
        reads_back::<RefundId>(&text);
        let kinds = [text.parse::<PaymentId>().is_ok(), text.parse::<GenerationId>().is_ok(),
            text.parse::<ReservationId>().is_ok(), text.parse::<RefundId>().is_ok()];
        prop_assert!(kinds.iter().filter(|kind| **kind).count() <= 1, "an id of two kinds");
        // A UUID has several spellings; they name one account.
        if let Ok(id) = text.parse::<AccountId>() {
            prop_assert_eq!(id.to_string().parse::<AccountId>().unwrap(), id);
            prop_assert!(id.bucket().is_ascii_hexdigit());
        }
        if let Ok(id) = CommandId::new(text.clone()) {
            prop_assert_eq!(id.as_str(), &text);
            let plain = |b: u8| b.is_ascii_alphanumeric() || b":_.-".contains(&b);
            prop_assert!((1..=120).contains(&text.len()) && text.bytes().all(plain));
        }
        if let Ok(id) = TraceId::try_from(text.clone()) {
            prop_assert_eq!(id.as_str().len(), 32);
        }
    }

    #[test]
    fn what_a_command_opens_carries_its_account(n in any::<u128>(), id in "[A-Za-z0-9:_.-]{1,120}") {
        let (account, command) = (AccountId(uuid::Uuid::from_u128(n)), CommandId::new(id).unwrap());
        for producer in Producer::ALL {
            let generation = GenerationId::derive(account, producer, &command);
            prop_assert_eq!(generation.account(), account);
            reads_back::<GenerationId>(&generation.to_string());
            prop_assert_ne!(ReservationId::of(generation), ReservationId::late(generation));
        }
    }

    #[test]
    fn a_subject_is_read_as_it_was_written_or_not_at_all(noise in any::<String>(), verb in "[a-z_]{1,30}") {
        if let Some((producer, name)) = subjects::parse(&noise) {
            prop_assert!([subjects::command(producer, name), subjects::query(producer, name)].contains(&noise));
        }
        for producer in Producer::ALL {
            let (command, longer) = (subjects::command(producer, &verb), subjects::query(producer, &verb) + ".x");
            prop_assert_eq!(subjects::parse(&command), Some((producer, verb.as_str())));
            prop_assert_eq!(subjects::parse(&longer), None);
        }
    }

    #[test]
    fn canonical_json_is_one_form_or_none(value in json()) {
        match to_canonical_json(&value) {
            Err(error) => prop_assert!(has_no_canonical_form(&value), "{value} is refused: {error}"),
            Ok(written) => {
                prop_assert!(!has_no_canonical_form(&value), "{value} is written");
                let back: Value = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(&back, &value);
                prop_assert_eq!(to_canonical_json(&back).unwrap(), written);
            }
        }
    }

    #[test]
    fn a_text_is_within_its_bound_and_without_nul(noise in any::<String>()) {
        match Text::<8>::new(noise.clone()) {
            Ok(text) => prop_assert_eq!(text.as_str(), &noise),
            Err(_) => prop_assert!(noise.contains('\0') || noise.chars().count() > 8),
        }
        let lossy = Text::<8>::lossy(&noise);
        prop_assert!(Text::<8>::new(lossy.as_str()).is_ok());
    }
}
