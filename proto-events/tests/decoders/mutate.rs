//! Valid input with something done to it, as a bug, an old client or an enemy would send it.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// What is done, and where: the place is an index into all places of the value.
#[derive(Debug, Clone)]
pub struct Change {
    place: Index,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Drop,
    Add,
    Replace(Value),
}

/// Values that belong nowhere, or only just.
fn odd() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!((1i64 << 53) - 1),
        json!(1i64 << 53),
        json!(1_000_000_000),
        json!(1_000_000_001),
        json!(1_000_000_000_001i64),
        json!(""),
        json!("\0"),
        json!("a\0b"),
        json!("123"),
        json!("x".repeat(5_000)),
        json!("\u{202e}\u{feff}é"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"id": {"telegram": 1}}),
    ])
}

pub fn change() -> impl Strategy<Value = Change> {
    let what = prop_oneof![1 => Just(What::Drop), 1 => Just(What::Add), 4 => odd().prop_map(What::Replace)];
    (any::<Index>(), what).prop_map(|(place, what)| Change { place, what })
}

impl Change {
    pub fn apply(&self, value: &mut Value) {
        let all = places(value);
        let place = &all[self.place.index(all.len())];
        match &self.what {
            What::Replace(with) => *value.pointer_mut(place).unwrap() = with.clone(),
            What::Add => {
                if let Some(object) = value.pointer_mut(place).and_then(Value::as_object_mut) {
                    object.insert("surplus".to_owned(), json!(1));
                }
            }
            What::Drop => {
                let (parent, name) = place.rsplit_once('/').unwrap_or_default();
                if let Some(object) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
                    object.remove(name);
                }
            }
        }
    }
}

/// JSON pointers to everything in it; no key here needs escaping.
fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| walk(field, &format!("{at}/{name}"), all));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| walk(item, &format!("{at}/{i}"), all));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(value, "", &mut all);
    all
}
