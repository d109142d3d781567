//! The description of the API (OpenAPI 3.1), made of the types that are read and answered.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{Problem, path_of};
use crate::console::door::{Door, Need};
use crate::console::view::Read;

const PATH: &str = "/api/v1/openapi.json";

/// One view.
#[derive(Clone)]
pub(in crate::console) struct Operation {
    path: &'static str,
    need: Need,
    about: &'static str,
    schemas: fn(&mut SchemaGenerator) -> (Schema, Schema),
    /// Of an answer.
    media: &'static str,
}

impl Operation {
    pub(in crate::console) fn of<R: Read>() -> Self {
        let media = "application/json";
        Self { path: R::PATH, need: R::NEED, about: R::ABOUT, schemas: schemas::<R::Asked, R::Shown>, media }
    }

    /// What answers with lines, each of this type.
    pub(in crate::console) fn lines<Asked: JsonSchema, Line: JsonSchema>(
        path: &'static str,
        need: Need,
        about: &'static str,
    ) -> Self {
        Self { path, need, about, schemas: schemas::<Asked, Line>, media: "application/x-ndjson" }
    }

    fn describe(&self, generator: &mut SchemaGenerator) -> Value {
        let (asked, shown) = (self.schemas)(generator);
        json!({
            "summary": self.about,
            "operationId": self.name(),
            "description": self.who(),
            "parameters": self.parameters(&asked),
            "responses": responses(self.media, &shown),
        })
    }

    fn name(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let words: Vec<&str> = words.collect();
        if words.is_empty() { "overview".to_owned() } else { words.join("_") }
    }

    fn who(&self) -> String {
        let (Need::One(roles) | Need::Proven(roles)) = self.need else { return "For every role.".to_owned() };
        let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        format!("For {}.", roles.join(" and "))
    }

    fn parameters(&self, asked: &Schema) -> Vec<Value> {
        let fields = asked.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let parameter = |(name, mut schema): (String, Value)| {
            let in_path = self.path.contains(&format!("{{{name}}}"));
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let place = if in_path { "path" } else { "query" };
            let mut parameter = json!({"name": name, "in": place, "required": in_path, "schema": schema});
            if let Some(about) = about {
                parameter["description"] = about;
            }
            parameter
        };
        fields.into_iter().map(parameter).collect()
    }
}

/// What is asked for is taken apart into parameters, so it is no type of its own.
fn schemas<Asked: JsonSchema, Shown: JsonSchema>(of: &mut SchemaGenerator) -> (Schema, Schema) {
    (Asked::json_schema(of), of.subschema_for::<Shown>())
}

fn responses(media: &str, shown: &Schema) -> Value {
    let problem = |about: &str| {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        json!({"description": about, "content": {"application/problem+json": {"schema": schema}}})
    };
    let mut all = Map::new();
    let found = json!({"description": "What was found", "content": {media: {"schema": shown}}});
    all.insert("200".to_owned(), found);
    for (status, about) in [
        (StatusCode::UNAUTHORIZED, "Neither a token nor a session"),
        (StatusCode::FORBIDDEN, "Not for this role"),
        (StatusCode::NOT_FOUND, "There is no such thing"),
        (StatusCode::CONFLICT, "There will be, and is not yet"),
        (StatusCode::UNPROCESSABLE_ENTITY, "What was asked for is not fit"),
        (StatusCode::TOO_MANY_REQUESTS, "Too often"),
        (StatusCode::INTERNAL_SERVER_ERROR, "It is there and can't be read"),
        (StatusCode::SERVICE_UNAVAILABLE, "The database can't be reached"),
    ] {
        all.insert(status.as_str().to_owned(), problem(about));
    }
    all.into()
}

/// The description itself, after all that it describes.
pub(in crate::console) fn rooms(door: &mut Door) {
    let document: Arc<Value> = document(door.operations()).into();
    door.get(PATH, Need::SignedIn, move || async move { Json(document) });
}

fn document(operations: &[Operation]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    generator.subschema_for::<Problem>();
    let mut paths = Map::new();
    for operation in operations {
        let described = json!({"get": operation.describe(&mut generator)});
        paths.insert(path_of(operation.path), described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Plantain's console",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the console's pages show. Amounts are integers: credits, or minor units of a currency. \
                Times are microseconds since 1970-01-01 UTC. Lists go downwards from the newest; `next` of an answer is \
                where to go on.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}
