//! Amounts, times and texts are held to the bounds that their schemas name, wherever they stand.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use proto_events::Event;
use proto_events::commands::{Command, Operation};
use serde_json::{Value, json};

use crate::{schemas, valid};

/// A field with bounds: where it is, and values just outside of them.
fn outside(schema: &Value, defs: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    if let Some(name) = schema["$ref"].as_str() {
        return outside(&defs[name.rsplit('/').next().unwrap()], defs, at, found);
    }
    for arm in ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten() {
        outside(arm, defs, at, found);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        outside(field, defs, &format!("{at}/{name}"), found);
    }
    if schema["items"].is_object() {
        outside(&schema["items"], defs, &format!("{at}/0"), found);
    }
    let is = |kind: &str| schema["type"] == kind || schema["type"].as_array().is_some_and(|t| t[0] == kind);
    if is("integer") && schema["maximum"].is_i64() {
        let (low, high) = valid::bounds(schema);
        found.extend([low - 1, high + 1, i64::MIN, i64::MAX].map(|n| (at.to_owned(), json!(n))));
        found.push((at.to_owned(), json!(0.5)));
    }
    if is("string") && schema["maxLength"].is_u64() {
        let max = usize::try_from(schema["maxLength"].as_u64().unwrap()).unwrap();
        found.extend([json!("x".repeat(max + 1)), json!("a\0b")].map(|text| (at.to_owned(), text)));
    }
}

/// Each bound of each field, one at a time: how many, and which were not held.
fn walk(kind: &str, refuses: impl Fn(&str, &Value) -> Option<String>) -> (usize, Vec<String>) {
    let mut runner = TestRunner::deterministic();
    let (mut tried, mut not_held) = (0, Vec::new());
    for (name, schema) in schemas(kind) {
        let mut found = Vec::new();
        outside(&schema, &schema["$defs"], "", &mut found);
        for (at, bad) in found {
            // A value that has the field; optional ones are there sooner or later.
            let all = valid::of(&schema, &schema["$defs"]);
            let base = (0..400).find_map(|_| {
                let value = all.new_tree(&mut runner).unwrap().current();
                value.pointer(&at).is_some_and(|v| v.is_string() == bad.is_string()).then_some(value)
            });
            let Some(mut value) = base else {
                not_held.push(format!("{name}{at} never came up"));
                continue;
            };
            *value.pointer_mut(&at).unwrap() = bad.clone();
            tried += 1;
            match refuses(&name, &value) {
                None => not_held.push(format!("{name}{at} takes {bad}")),
                Some(words) if words.len() < 8 => not_held.push(format!("{name}{at} refuses without words")),
                Some(_) => {}
            }
        }
    }
    (tried, not_held)
}

#[test]
fn commands_hold_every_bound_of_their_schemas() {
    let (tried, not_held) = walk("command", |verb, body| {
        Command::decode(verb, body.clone()).unwrap().err().map(|error| error.to_string())
    });
    assert_eq!(not_held, Vec::<String>::new());
    assert!(tried > 200, "only {tried}");
}

#[test]
fn operations_hold_every_bound_of_their_schemas() {
    let (tried, not_held) = walk("operation", |verb, body| {
        Operation::decode(verb, body.clone()).unwrap().err().map(|error| error.to_string())
    });
    assert_eq!(not_held, Vec::<String>::new());
    assert!(tried > 20, "only {tried}");
}

#[test]
fn events_hold_every_bound_of_their_schemas() {
    // One schema for all of them: an event is chosen by its arm.
    let schema = &schemas("event")[0].1;
    let mut runner = TestRunner::deterministic();
    let mut tried = 0;
    for arm in schema["oneOf"].as_array().unwrap() {
        let (name, payload) = (&arm["properties"]["type"]["const"], &arm["properties"]["payload"]);
        let mut found = Vec::new();
        outside(payload, &schema["$defs"], "", &mut found);
        for (at, bad) in found {
            let all = valid::of(payload, &schema["$defs"]);
            let fits = |v: &Value| v.pointer(&at).is_some_and(|v| v.is_string() == bad.is_string());
            let base = (0..400).map(|_| all.new_tree(&mut runner).unwrap().current()).find(fits);
            let mut value = base.unwrap_or_else(|| panic!("{name}{at} never came up"));
            *value.pointer_mut(&at).unwrap() = bad.clone();
            let read = Event::decode(name.as_str().unwrap(), 1, &value.to_string());
            assert!(read.is_err(), "{name}{at} takes {bad}");
            tried += 1;
        }
    }
    assert!(tried > 200, "only {tried}");
}
