//! Wrong copies of what was judged: a judge that lets one of them pass judges nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Arrival, judge};

/// Wrong copies of one method's requests.
#[derive(Debug, Default, PartialEq)]
pub struct Planted {
    pub made: usize,
    /// Those that were not found.
    pub missed: Vec<String>,
}

const STRANGE: &str = "planted_field";

/// For a good request of each method: an unknown field, in each object of it too, and a wrong type of each field.
pub fn plant(arrivals: &[Arrival]) -> BTreeMap<String, Planted> {
    let mut planted: BTreeMap<String, Planted> = BTreeMap::new();
    // The fullest request shows most.
    let mut fullest: BTreeMap<&str, &Arrival> = BTreeMap::new();
    for arrival in arrivals.iter().filter(|arrival| arrival.is_call() && judge(arrival).is_empty()) {
        let kept = fullest.entry(&arrival.call).or_insert(arrival);
        if size(arrival) > size(kept) {
            *kept = arrival;
        }
    }
    for (method, arrival) in fullest {
        let of = planted.entry(method.to_owned()).or_default();
        for (name, body) in wrong_copies(arrival) {
            of.made += 1;
            if judge(&Arrival { body, ..arrival.clone() }).is_empty() {
                of.missed.push(name);
            }
        }
    }
    planted
}

fn size(arrival: &Arrival) -> usize {
    arrival.body.to_string().len()
}

fn wrong_copies(arrival: &Arrival) -> Vec<(String, Value)> {
    let fields = arrival.body.as_object().cloned().unwrap_or_default();
    let mut copies = Vec::new();
    let mut copy = |name: String, change: &dyn Fn(&mut Map<String, Value>)| {
        let mut fields = fields.clone();
        change(&mut fields);
        copies.push((name, Value::Object(fields)));
    };
    copy("an unknown field".to_owned(), &|fields| {
        fields.insert(STRANGE.to_owned(), json!("x"));
    });
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        if value.get("sha256").is_some() {
            // A file: gone, and what refers to it refers to nothing; or there is one nobody asked for.
            copy(format!("another name for the file {name}"), &|fields| {
                let file = fields.remove(name).unwrap_or_default();
                fields.insert(format!("{STRANGE}_file"), file);
            });
            continue;
        }
        copy(format!("a wrong type of {name}"), &|fields| {
            fields.insert(name.clone(), wrong_type(value));
        });
        // In a form, objects are JSON in a string.
        let text = value.as_str().filter(|_| !arrival.is_json());
        let parsed = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let inside = parsed.as_ref().unwrap_or(value);
        for at in objects(inside) {
            let mut bent = inside.clone();
            let Some(object) = bent.pointer_mut(&at).and_then(Value::as_object_mut) else { continue };
            object.insert(STRANGE.to_owned(), json!(1));
            let bent = if parsed.is_some() { json!(bent.to_string()) } else { bent };
            copy(format!("an unknown field in {name}{at}"), &|fields| {
                fields.insert(name.clone(), bent.clone());
            });
        }
    }
    copies
}

/// Nothing of the Bot API's is a list of a list of a number, nor is a list a number.
fn wrong_type(value: &Value) -> Value {
    if value.is_array() { json!(7) } else { json!([[7]]) }
}

/// The pointers of all objects in a value.
fn objects(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.push(at.to_owned());
                fields.iter().for_each(|(name, field)| walk(field, &format!("{at}/{name}"), found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, item)| walk(item, &format!("{at}/{n}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}
