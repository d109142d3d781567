//! Gemini's own books: every generateContent call, its outcome and what it cost.

use std::{sync::Arc, time::UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::models::Model;
use crate::{
    calendar::rfc3339,
    clock::wall_ms,
    reply::{Edge, Watch},
    world::World,
};

const CALLS_MAX: usize = 50_000;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Gemini {
    pub(crate) calls: Vec<Call>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) dropped: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) method: String,
    /// As it was asked for.
    pub(crate) model: String,
    /// What answered and is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_version: Option<String>,
    pub(crate) prompt: String,
    /// Turns of the conversation that came before it.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) turns: u64,
    /// SHA-256 of the pictures sent along.
    pub(crate) references: Vec<String>,
    /// `open`, `picture`, `text`, `no_image`, `blocked`, `finished` (for a reason that is no STOP), `error`.
    pub(crate) outcome: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) status: Option<u16>,
    /// Whether the caller pays for it.
    pub(crate) billed: bool,
    pub(crate) usage: Value,
    pub(crate) cost_micro_usd: i64,
    /// The last one that was made.
    pub(crate) picture: Option<Value>,
    /// All of them, when there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pictures: Vec<Value>,
    /// The key's last characters, to tell keys apart.
    pub(crate) key: String,
    /// What bent it, as the arrivals show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
    pub(crate) at: String,
    /// When it was made, whether or not it ever arrives: from here on it is billed.
    pub(crate) finished_at: Option<String>,
    /// When the answer's edges were handed to the line, µs since 1970; the last one only of a whole answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_byte_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_byte_us: Option<u64>,
}

impl Call {
    /// A call that has just come in.
    pub(crate) fn begun(id: &str, method: &str, model: &str, key: &str) -> Self {
        Self {
            id: id.to_owned(),
            method: method.to_owned(),
            model: model.to_owned(),
            outcome: "open".to_owned(),
            key: last_four(key),
            at: rfc3339(wall_ms()),
            usage: json!({}),
            ..Self::default()
        }
    }

    /// Refused before anything was made.
    pub(crate) fn refused(mut self, prompt: String, status: u16) -> Self {
        self.prompt = prompt;
        self.outcome = "error".to_owned();
        self.status = Some(status);
        self.finished_at = Some(self.at.clone());
        self
    }
}

/// A name for a call and its answer.
pub(crate) fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..22].to_owned()
}

fn last_four(key: &str) -> String {
    key.char_indices().rev().nth(3).map_or(key, |(at, _)| &key[at..]).to_owned()
}

/// Writes into the books when the answer of this call goes out.
pub(crate) fn watch(world: &Arc<World>, id: String) -> Watch {
    let world = Arc::clone(world);
    Watch::new(move |edge| {
        let now_us = UNIX_EPOCH.elapsed().map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX));
        world.change(|state| {
            state.gemini.finish(&id, |call| match edge {
                Edge::First => call.first_byte_us = Some(now_us),
                Edge::Last => call.last_byte_us = Some(now_us),
            });
        });
    })
}

impl Gemini {
    pub(crate) fn add(&mut self, call: Call) {
        self.calls.push(call);
        if self.calls.len() > CALLS_MAX {
            self.calls.remove(0);
            self.dropped += 1;
        }
    }

    pub(crate) fn finish(&mut self, id: &str, finish: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.id == id) {
            finish(call);
        }
    }
}

/// Tokens by what they were.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) prompt_text: i64,
    pub(crate) prompt_image: i64,
    pub(crate) text: i64,
    pub(crate) image: i64,
    pub(crate) thoughts: i64,
}

impl Usage {
    /// `usageMetadata`.
    pub(crate) fn shown(&self) -> Value {
        let prompt = self.prompt_text + self.prompt_image;
        let candidates = self.text + self.image;
        let mut shown = json!({
            "promptTokenCount": prompt,
            "totalTokenCount": prompt + candidates + self.thoughts,
            "promptTokensDetails": details(&[("TEXT", self.prompt_text), ("IMAGE", self.prompt_image)]),
        });
        if candidates > 0 {
            shown["candidatesTokenCount"] = json!(candidates);
        }
        if self.image > 0 {
            shown["candidatesTokensDetails"] = details(&[("IMAGE", self.image)]);
        }
        if self.thoughts > 0 {
            shown["thoughtsTokenCount"] = json!(self.thoughts);
        }
        shown
    }

    /// Micro-dollars; thoughts are paid as text that comes out.
    pub(crate) fn cost_micro_usd(&self, model: &Model) -> i64 {
        let [text_in, text_out, image_out] = model.price;
        let milli = (self.prompt_text + self.prompt_image) * text_in
            + (self.text + self.thoughts) * text_out
            + self.image * image_out;
        (milli + 500) / 1000
    }
}

fn details(counts: &[(&str, i64)]) -> Value {
    counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(modality, count)| json!({"modality": modality, "tokenCount": count}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::models;

    #[test]
    fn the_recorded_call_costs_what_it_cost() {
        let model = models::find("gemini-3-pro-image").unwrap();
        let usage = Usage { prompt_text: 14, prompt_image: 0, text: 163, image: 1120, thoughts: 174 };
        assert_eq!(usage.cost_micro_usd(&model), 138_472);
        assert_eq!(usage.shown()["candidatesTokenCount"], 1283);
    }
}
