//! Gemini's own books: every generateContent call, its outcome and what it cost.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::models::Model;

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
    pub(crate) model: String,
    pub(crate) prompt: String,
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
    pub(crate) picture: Option<Value>,
    /// The key's last characters, to tell keys apart.
    pub(crate) key: String,
    pub(crate) at: String,
    pub(crate) finished_at: Option<String>,
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
