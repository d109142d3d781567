//! Every vendor request as it was received, for tests and people: secrets masked, big bodies
//! summarised by size and SHA-256.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    blobs::sha256_hex,
    calendar::rfc3339,
    clock::wall_ms,
    vendor::{Call, Vendor},
};

/// Enough for a long test; older ones are dropped and counted.
const KEPT_MAX: usize = 20_000;
/// Longer strings are shown by their size and hash.
const STRING_CHARS_MAX: usize = 4_200;
/// Headers worth keeping; the rest say nothing about the caller's promises.
const HEADERS: [&str; 7] = [
    "content-type",
    "content-length",
    "user-agent",
    "idempotence-key",
    "x-forwarded-for",
    "authorization",
    "x-goog-api-key",
];
/// Fields whose values are secrets.
const SECRETS: [&str; 3] = ["secret_token", "provider_token", "key"];

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Arrival {
    pub(crate) id: u64,
    pub(crate) vendor: Vendor,
    pub(crate) call: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Map<String, Value>,
    pub(crate) body: Value,
    pub(crate) at: String,
    /// Of the answer; null while it is open, and for a line that was cut.
    pub(crate) status: Option<u16>,
    pub(crate) finished_at: Option<String>,
    pub(crate) fault: Option<String>,
}

#[derive(Default)]
pub(crate) struct Arrivals(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    next: u64,
    ring: VecDeque<Arrival>,
    /// Gets each one as a line of JSON once it is answered.
    file: Option<File>,
}

impl Arrivals {
    /// Arrivals that are also appended to a new file in this folder.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        fs::create_dir_all(folder)?;
        let file = File::create_new(folder.join(format!("{}.jsonl", uuid::Uuid::new_v4())))?;
        Ok(Self(Mutex::new(Inner { file: Some(file), ..Inner::default() })))
    }

    pub(crate) fn begin(&self, vendor: Vendor, name: &str, call: &Call) -> u64 {
        let mut arrival = Arrival {
            id: 0,
            vendor,
            call: name.to_owned(),
            method: call.method.to_string(),
            path: masked_path(call),
            headers: headers(call),
            body: body(call),
            at: rfc3339(wall_ms()),
            status: None,
            finished_at: None,
            fault: None,
        };
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.next += 1;
        arrival.id = inner.next;
        inner.ring.push_back(arrival);
        if inner.ring.len() > KEPT_MAX {
            inner.ring.pop_front();
        }
        inner.next
    }

    pub(crate) fn end(&self, id: u64, status: Option<u16>, fault: Option<String>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = inner.ring.front().map(|arrival| arrival.id) else { return };
        let Some(at) = id.checked_sub(first).and_then(|at| usize::try_from(at).ok()) else { return };
        if let Some(arrival) = inner.ring.get_mut(at) {
            arrival.status = status;
            arrival.finished_at = Some(rfc3339(wall_ms()));
            arrival.fault = fault;
            let line = inner.file.is_some().then(|| serde_json::to_string(&inner.ring[at]));
            if let (Some(Ok(line)), Some(file)) = (line, &mut inner.file)
                && let Err(error) = writeln!(file, "{line}")
            {
                tracing::error!(%error, "an arrival could not be written down");
            }
        }
    }

    /// Those that match, oldest first: `vendor`, `call` (any case), `after` an id, the newest `limit`.
    pub(crate) fn list(
        &self,
        vendor: Option<Vendor>,
        call: Option<&str>,
        after: u64,
        limit: usize,
    ) -> (u64, Vec<Arrival>) {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Arrival> = inner
            .ring
            .iter()
            .rev()
            .take_while(|arrival| arrival.id > after)
            .filter(|arrival| vendor.is_none_or(|vendor| vendor == arrival.vendor))
            .filter(|arrival| call.is_none_or(|call| call.eq_ignore_ascii_case(&arrival.call)))
            .take(limit)
            .cloned()
            .collect();
        found.reverse();
        (inner.next, found)
    }
}

/// The path without the bot's token and without a key in the query.
fn masked_path(call: &Call) -> String {
    let path = call.uri.path();
    let path = match path.find("/bot").map(|at| at + 4) {
        Some(start) => {
            let end = path[start..].find('/').map_or(path.len(), |at| start + at);
            let id = path[start..end].split([':', '%']).next().unwrap_or_default();
            format!("{}{}:***{}", &path[..start], id, &path[end..])
        }
        None => path.to_owned(),
    };
    let shown: Vec<String> = call
        .query()
        .into_iter()
        .map(|(name, value)| {
            let value = if SECRETS.contains(&name.as_str()) { "***".to_owned() } else { value };
            format!("{name}={value}")
        })
        .collect();
    if shown.is_empty() { path } else { format!("{path}?{}", shown.join("&")) }
}

fn headers(call: &Call) -> Map<String, Value> {
    HEADERS
        .iter()
        .filter_map(|name| {
            let value = call.header(name)?;
            let value = match *name {
                "authorization" => format!("{} ***", value.split(' ').next().unwrap_or_default()),
                "x-goog-api-key" => "***".to_owned(),
                _ => value.to_owned(),
            };
            Some(((*name).to_owned(), Value::String(value)))
        })
        .collect()
}

fn body(call: &Call) -> Value {
    if call.body.is_empty() {
        return Value::Null;
    }
    let content_type = call.header("content-type").unwrap_or_default();
    if content_type.starts_with("multipart/") {
        // The stand-in reads the parts; here their size is enough to tell repeats apart.
        return multipart_summary(call, content_type);
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let text = String::from_utf8_lossy(&call.body);
        let fields = crate::vendor::pairs(&text).into_iter().map(|(name, value)| {
            let value = masked(&name, Value::String(value));
            (name, value)
        });
        return Value::Object(fields.collect());
    }
    match serde_json::from_slice::<Value>(&call.body) {
        Ok(value) => summary(value),
        Err(_) => summary(Value::String(String::from_utf8_lossy(&call.body).into_owned())),
    }
}

/// The parts' fields, with file bytes shown by their size and hash.
fn multipart_summary(call: &Call, content_type: &str) -> Value {
    let Some(boundary) = content_type.split("boundary=").nth(1) else { return sized(&call.body) };
    let mark = format!("--{}", boundary.trim_matches('"'));
    let mut fields = Map::new();
    for part in split(&call.body, mark.as_bytes()) {
        let Some(gap) = find(part, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&part[..gap]);
        let content = part[gap + 4..].strip_suffix(b"\r\n").unwrap_or(&part[gap + 4..]);
        let Some(name) = quoted(&head, " name=\"") else { continue };
        let value = match quoted(&head, "filename=\"") {
            Some(file) => {
                let mut value = sized(content);
                value["filename"] = Value::String(file);
                value
            }
            None => masked(&name, Value::String(String::from_utf8_lossy(content).into_owned())),
        };
        fields.insert(name, value);
    }
    Value::Object(fields)
}

fn quoted(head: &str, before: &str) -> Option<String> {
    Some(head.split(before).nth(1)?.split('"').next()?.to_owned())
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, mark) {
        parts.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    parts
}

fn sized(bytes: &[u8]) -> Value {
    json!({"sha256": sha256_hex(bytes), "size": bytes.len()})
}

fn masked(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) if SECRETS.contains(&name) && !text.is_empty() => json!("***"),
        value => summary(value),
    }
}

fn summary(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > STRING_CHARS_MAX && text.chars().count() > STRING_CHARS_MAX => {
            sized(text.as_bytes())
        }
        Value::Array(items) => items.into_iter().map(summary).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let value = masked(&name, value);
                (name, value)
            })
            .collect(),
        other => other,
    }
}
