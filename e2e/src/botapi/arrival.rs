//! A request as the sandbox wrote it down, and its fields as the method's parameters.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::NO_METHODS;

#[derive(Debug, Clone, Deserialize)]
pub struct Arrival {
    pub id: u64,
    pub vendor: String,
    pub call: String,
    #[serde(default)]
    pub headers: Map<String, Value>,
    #[serde(default)]
    pub body: Value,
    pub status: Option<u16>,
}

/// Parameters that are a file, or say which.
const FILES: [&str; 9] =
    ["photo", "document", "audio", "video", "animation", "voice", "video_note", "sticker", "thumbnail"];

/// Parameters that are no strings: a form holds them as JSON.
const JSON_IN_FORMS: [&str; 25] = [
    "allow_sending_without_reply",
    "allowed_updates",
    "can_stop",
    "caption_entities",
    "chat_id",
    "commands",
    "disable_content_type_detection",
    "disable_notification",
    "draft_id",
    "drop_pending_updates",
    "entities",
    "from_chat_id",
    "has_spoiler",
    "limit",
    "link_preview_options",
    "max_connections",
    "media",
    "message_id",
    "message_ids",
    "offset",
    "protect_content",
    "reply_markup",
    "reply_parameters",
    "show_caption_above_media",
    "timeout",
];

/// The fields, and what was wrong with them already.
type Fields = (Map<String, Value>, Vec<String>);

impl Arrival {
    pub fn is_call(&self) -> bool {
        self.vendor == "telegram" && !NO_METHODS.contains(&self.call.as_str())
    }

    /// The parameters as JSON would say them.
    pub(super) fn fields(&self) -> Result<Fields, String> {
        let body = match &self.body {
            Value::Null => Map::new(),
            Value::Object(fields) => fields.clone(),
            _ => return Err("the body holds no fields".to_owned()),
        };
        let body = body.into_iter().map(|(name, value)| (name, whole(value))).collect();
        if self.is_json() { Ok((body, Vec::new())) } else { form(body) }
    }

    pub(super) fn is_json(&self) -> bool {
        let kind = self.headers.get("content-type").and_then(Value::as_str).unwrap_or_default();
        kind.starts_with("application/json") || self.body.is_null()
    }
}

/// What stands for a text of which the sandbox has kept its hash: how long it may be is the sandbox's to judge.
const CUT: &str = "…";

/// The value with a text wherever a long one's hash was kept.
fn whole(value: Value) -> Value {
    match value {
        value if is_summary(&value) && value.get("filename").is_none() => json!(CUT),
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) if !is_summary(&json!(fields)) => {
            fields.into_iter().map(|(name, value)| (name, whole(value))).collect()
        }
        other => other,
    }
}

fn is_summary(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| fields.contains_key("sha256") && fields.contains_key("size"))
}

/// Fields of a form: strings, JSON in strings, files.
fn form(body: Map<String, Value>) -> Result<Fields, String> {
    let mut fields = Map::new();
    let mut files = BTreeSet::new();
    for (name, value) in body {
        if is_summary(&value) {
            // A file is where it is used, or beside, to be referred to.
            if FILES.contains(&name.as_str()) {
                fields.insert(name.clone(), json!(format!("attach://{name}")));
            }
            files.insert(name);
        } else if JSON_IN_FORMS.contains(&name.as_str()) {
            let text = value.as_str().unwrap_or_default();
            // A chat may be named by a word.
            let read = serde_json::from_str(text);
            let read = read.or_else(|error| if name == "chat_id" { Ok(value.clone()) } else { Err(error) });
            fields.insert(name.clone(), read.map_err(|error| format!(".{name} is no JSON: {error}"))?);
        } else {
            fields.insert(name, value);
        }
    }
    let mut named = BTreeSet::new();
    references(&Value::Object(fields.clone()), &mut named);
    let lacking = named.difference(&files).map(|name| format!("attach://{name} refers to no file"));
    let unused = files.difference(&named).map(|name| format!("the file {name} is not referred to"));
    let wrong = lacking.chain(unused).collect();
    Ok((fields, wrong))
}

/// The names in `attach://…`, wherever they stand.
fn references(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => named.extend(text.strip_prefix("attach://").map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| references(item, named)),
        Value::Object(fields) => fields.values().for_each(|field| references(field, named)),
        _ => {}
    }
}

/// All arrivals in the files of a SANDBOX_ARRIVALS_DIR.
pub fn read_folder(folder: &Path) -> Result<Vec<Arrival>> {
    let cannot = || format!("cannot read arrivals from {}", folder.display());
    let mut arrivals = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let file = entry.with_context(cannot)?.path();
        if file.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(&file).with_context(cannot)?;
        // The last line of a sandbox that was killed may be half.
        arrivals.extend(text.lines().filter_map(|line| serde_json::from_str::<Arrival>(line).ok()));
    }
    Ok(arrivals)
}
