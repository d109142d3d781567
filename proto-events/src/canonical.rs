//! Canonical JSON after RFC 8785 for what this project writes: objects with ASCII keys, integers
//! below 2^53, no floats. With those bounds serde_json's own output (sorted keys, shortest
//! escapes) is the canonical form, so this module checks the bounds and writes.

use serde::Serialize;
use serde_json::Value;

use crate::amounts::INTEGER_MAX;

#[derive(Debug, thiserror::Error)]
pub enum NotCanonical {
    #[error("the value can't be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("{0} is not an integer within ±2^53")]
    Number(serde_json::Number),
    #[error("the key {0:?} is not plain ASCII")]
    Key(String),
}

/// # Errors
/// A float, an integer beyond 2^53 or a key outside ASCII.
pub fn to_canonical_json(value: &impl Serialize) -> Result<String, NotCanonical> {
    canonical(&serde_json::to_value(value)?)
}

/// The same of what is a JSON value already.
///
/// # Errors
/// As [`to_canonical_json`].
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    check(value)?;
    // Not `to_string`, which takes the way through `fmt` and twice as long.
    Ok(serde_json::to_string(value)?)
}

fn check(value: &Value) -> Result<(), NotCanonical> {
    match value {
        Value::Number(n) => match n.as_i64() {
            Some(i) if (-INTEGER_MAX..=INTEGER_MAX).contains(&i) => Ok(()),
            _ => Err(NotCanonical::Number(n.clone())),
        },
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            if !key.is_ascii() {
                return Err(NotCanonical::Key(key.clone()));
            }
            check(value)
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_strings_escaped_as_rfc_8785_asks() {
        let value = json!({"b": 1, "a": "\u{1}\t\n\"\\/é€", "A": [true, null, -5]});
        assert_eq!(
            to_canonical_json(&value).unwrap(),
            "{\"A\":[true,null,-5],\"a\":\"\\u0001\\t\\n\\\"\\\\/é€\",\"b\":1}"
        );
    }

    #[test]
    fn floats_huge_integers_and_odd_keys_are_refused() {
        for bad in [json!(1.0), json!(1u64 << 53), json!(u64::MAX), json!({"ключ": 1}), json!([[{"a": 0.5}]])]
        {
            assert!(to_canonical_json(&bad).is_err(), "{bad} was taken");
        }
    }
}
