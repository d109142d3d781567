//! Every decoder of the wire, against what its schema allows, that with something done to it, and
//! plain noise: nothing panics, what is accepted reads back as it was, what is refused says why.
//!
//! `PROPTEST_CASES` says how many; a failing case is shrunk and printed.

mod bounds;
mod mutate;
mod small;
mod valid;

use std::sync::LazyLock;

use proptest::prelude::*;
use proto_events::commands::{Command, Operation};
use proto_events::envelope::{CommandAnswer, PublishedEvent, Query, QueryAnswer};
use proto_events::{CommandEnvelope, Event};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// (kind, name) and schema: `("command", "topup_open")`, `("event", "event")`.
static SCHEMAS: LazyLock<Vec<(String, String, Value)>> = LazyLock::new(|| {
    let all = proto_events::schema::all().into_iter();
    all.map(|(name, schema)| {
        let (kind, name) = name.split_once('.').unwrap();
        (kind.to_owned(), name.to_owned(), schema.to_value())
    })
    .collect()
});

fn schemas(kind: &str) -> Vec<(String, Value)> {
    SCHEMAS
        .iter()
        .filter(|(k, ..)| k == kind)
        .map(|(_, name, schema)| (name.clone(), schema.clone()))
        .collect()
}

/// The name and a value of one schema of this kind.
fn one_of(kind: &str) -> impl Strategy<Value = (String, Value)> + use<> {
    let all = schemas(kind);
    let arms = all.into_iter().map(|(name, schema)| {
        let defs = schema["$defs"].clone();
        valid::of(&schema, &defs).prop_map(move |value| (name.clone(), value)).boxed()
    });
    prop::strategy::Union::new(arms.collect::<Vec<_>>())
}

fn changes() -> impl Strategy<Value = Vec<mutate::Change>> {
    prop::collection::vec(mutate::change(), 1..4)
}

/// A value that is written reads back as the same one.
fn reads_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let written = serde_json::to_string(value).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(again, *value, "{written}");
}

fn says_why(error: &serde_json::Error) {
    let words = error.to_string();
    assert!(words.len() > 8, "a refusal without words: {words:?}");
    assert!(words.len() < 6_000, "a refusal as long as a book");
}

fn command(verb: &str, body: Value) -> bool {
    match Command::decode(verb, body.clone()).expect("a verb of the wire") {
        Err(error) => {
            says_why(&error);
            false
        }
        Ok(command) => {
            assert_eq!(command.verb(), verb);
            let written = command.body().unwrap();
            assert_eq!(Command::decode(verb, written).unwrap().unwrap(), command);
            // What is digested must be canonical.
            proto_events::canonical::to_canonical_json(&command.meaning()).expect("canonical");
            true
        }
    }
}

fn operation(verb: &str, body: Value) -> bool {
    match Operation::decode(verb, body).expect("a verb of the wire") {
        Err(error) => {
            says_why(&error);
            false
        }
        Ok(operation) => {
            let written = operation.body().unwrap();
            assert_eq!(Operation::decode(verb, written).unwrap().unwrap(), operation);
            true
        }
    }
}

fn event(event_type: &str, payload: &str) -> bool {
    match Event::decode(event_type, 1, payload) {
        Err(error) => {
            assert!(error.to_string().contains(event_type), "{error}");
            false
        }
        Ok(event) => {
            let stored = event.payload().expect("what was read is canonical");
            assert_eq!(Event::decode(event_type, 1, &stored).unwrap(), event);
            assert_eq!(event.payload().unwrap(), stored);
            assert_eq!(event.payload_value().unwrap().to_string(), stored);
            true
        }
    }
}

fn envelope(name: &str, value: &Value) -> bool {
    fn read<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &Value) -> bool {
        let read = serde_json::from_value::<T>(value.clone());
        read.as_ref().err().into_iter().for_each(says_why);
        read.as_ref().ok().into_iter().for_each(reads_back);
        read.is_ok()
    }
    match name {
        "command_envelope" => read::<CommandEnvelope>(value),
        "query" => read::<Query>(value),
        "command_answer" => read::<CommandAnswer>(value),
        "query_answer" => read::<QueryAnswer>(value),
        "published_event" => {
            let published = serde_json::from_value::<PublishedEvent>(value.clone());
            // An event of another version is told by name.
            let _ = published.map(|p| p.event().map_err(|e| e.to_string()));
            read::<PublishedEvent>(value)
        }
        other => panic!("no test reads {other}"),
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_command_its_schema_allows_is_taken((verb, body) in one_of("command")) {
        prop_assert!(command(&verb, body));
    }

    #[test]
    fn a_changed_command_is_refused_with_words_or_reads_back((verb, mut body) in one_of("command"), changes in changes()) {
        changes.iter().for_each(|change| change.apply(&mut body));
        command(&verb, body);
    }

    #[test]
    fn an_operation_its_schema_allows_is_taken((verb, body) in one_of("operation"), changes in changes()) {
        prop_assert!(operation(&verb, body.clone()));
        let mut changed = body;
        changes.iter().for_each(|change| change.apply(&mut changed));
        operation(&verb, changed);
    }

    #[test]
    fn an_event_its_schema_allows_reads_back((_, value) in one_of("event"), changes in changes()) {
        let (name, mut payload) = (value["type"].as_str().unwrap().to_owned(), value["payload"].clone());
        prop_assert!(event(&name, &payload.to_string()));
        let newer = Event::decode(&name, 2, &payload.to_string());
        assert!(matches!(newer, Err(proto_events::events::BadEvent::NewerSchema { .. })));
        changes.iter().for_each(|change| change.apply(&mut payload));
        event(&name, &payload.to_string());
    }

    #[test]
    fn an_envelope_its_schema_allows_reads_back((name, mut value) in one_of("envelope"), changes in changes()) {
        prop_assert!(envelope(&name, &value));
        changes.iter().for_each(|change| change.apply(&mut value));
        envelope(&name, &value);
    }

    #[test]
    fn noise_is_refused_without_a_panic(noise in any::<String>(), name in prop::sample::select(Event::TYPES.to_vec())) {
        event(name, &noise);
        assert!(Event::decode(&noise, 1, "{}").is_err());
        for verb in Command::VERBS {
            command(verb, json!(noise));
        }
        assert!(Command::decode(&noise, json!({})).is_none());
        assert!(Operation::decode(&noise, json!({})).is_none());
    }
}

/// Every type of event is in its schema, and so was tried above; so is every verb.
#[test]
fn every_event_and_every_verb_has_a_schema() {
    let schema = &schemas("event")[0].1;
    let of = |arm: &Value| arm["properties"]["type"]["const"].as_str().unwrap().to_owned();
    let mut types: Vec<_> = schema["oneOf"].as_array().unwrap().iter().map(of).collect();
    types.sort_unstable();
    let mut known: Vec<_> = Event::TYPES.iter().map(ToString::to_string).collect();
    known.sort_unstable();
    assert_eq!(types, known);
    for (kind, verbs) in [("command", Command::VERBS), ("operation", Operation::VERBS)] {
        let mut names: Vec<_> = schemas(kind).into_iter().map(|(name, _)| name).collect();
        let mut verbs: Vec<_> = verbs.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        verbs.sort_unstable();
        assert_eq!(names, verbs);
    }
}
