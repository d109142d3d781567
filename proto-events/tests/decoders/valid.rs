//! Values that a schema allows, from the schema itself: what is added to the wire is tried without
//! a line here.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A value of this schema. Panics at a form of schema that it does not know.
pub fn of(schema: &Value, defs: &Value) -> BoxedStrategy<Value> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return of(&defs[name], defs);
    }
    if let Some(one) = schema.get("const") {
        return Just(one.clone()).boxed();
    }
    if let Some(all) = schema["enum"].as_array() {
        return prop::sample::select(all.clone()).boxed();
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(all) = schema[key].as_array() {
            let arms: Vec<_> = all.iter().map(|arm| of(arm, defs)).collect();
            let chosen = prop::strategy::Union::new(arms).boxed();
            return with_properties(chosen, schema, defs);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").unwrap(),
        kind => kind,
    };
    match kind.as_str() {
        Some("object") => with_properties(Just(json!({})).boxed(), schema, defs),
        Some("array") => {
            prop::collection::vec(of(&schema["items"], defs), 0..3).prop_map(Value::from).boxed()
        }
        Some("integer") => integer(schema),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("string") => string(schema),
        Some("null") => Just(Value::Null).boxed(),
        // `true`: anything at all.
        None => Just(json!({"anything": 1})).boxed(),
        Some(other) => panic!("no values of type {other} here: {schema}"),
    }
}

fn with_properties(base: BoxedStrategy<Value>, schema: &Value, defs: &Value) -> BoxedStrategy<Value> {
    let Some(properties) = schema["properties"].as_object() else { return base };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut fields: Vec<BoxedStrategy<Option<(String, Value)>>> = Vec::new();
    for (name, field) in properties {
        let (name, needed) = (name.clone(), required.iter().any(|r| *r == json!(name)));
        let value = of(field, defs).prop_map(move |value| (name.clone(), value));
        fields.push(if needed { value.prop_map(Some).boxed() } else { prop::option::of(value).boxed() });
    }
    (base, fields)
        .prop_map(|(base, fields)| {
            let mut object: Map<String, Value> = base.as_object().cloned().unwrap_or_default();
            object.extend(fields.into_iter().flatten());
            Value::Object(object)
        })
        .boxed()
}

/// The bounds themselves, often.
fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let (low, high) = bounds(schema);
    prop_oneof![1 => Just(low), 1 => Just(high), 4 => low..=high].prop_map(Value::from).boxed()
}

/// Of an integer: as the schema says, else as its format does.
pub fn bounds(schema: &Value) -> (i64, i64) {
    let (low, high) = match schema["format"].as_str() {
        Some("uint8") => (0, i64::from(u8::MAX)),
        Some("uint16") => (0, i64::from(u16::MAX)),
        Some("uint32") => (0, i64::from(u32::MAX)),
        Some("int16") => (i64::from(i16::MIN), i64::from(i16::MAX)),
        _ => (-(1 << 53) + 1, (1 << 53) - 1),
    };
    (schema["minimum"].as_i64().unwrap_or(low), schema["maximum"].as_i64().unwrap_or(high))
}

fn string(schema: &Value) -> BoxedStrategy<Value> {
    if schema["format"] == "uuid" {
        return any::<u128>().prop_map(|n| json!(uuid::Uuid::from_u128(n))).boxed();
    }
    let max = usize::try_from(schema["maxLength"].as_u64().unwrap_or(20)).unwrap();
    match schema["pattern"].as_str() {
        Some(pattern) if pattern != "^[^\\u0000]*$" => {
            proptest::string::string_regex(pattern.trim_matches(['^', '$']))
                .unwrap()
                .prop_map(Value::from)
                .boxed()
        }
        _ => {
            let few =
                prop::collection::vec(any::<char>().prop_filter("no NUL", |c| *c != '\0'), 0..=max.min(12));
            let few = few.prop_map(|chars| chars.into_iter().collect::<String>());
            prop_oneof![8 => few, 1 => Just("é".repeat(max))].prop_map(Value::from).boxed()
        }
    }
}
