//! What Google answers, without its pictures and signatures (see [`super::skeleton`]).
//!
//! Own types, lenient as proto3 JSON is: camelCase and snake_case, nulls, unknown fields and unknown enum
//! values.

use proto_events::events::{Trouble, Usage};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{Failure, Metered};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Answer {
    #[serde(deserialize_with = "null_as_default")]
    candidates: Vec<Candidate>,
    #[serde(alias = "prompt_feedback")]
    prompt_feedback: Option<PromptFeedback>,
    #[serde(alias = "usage_metadata", deserialize_with = "odd_as_none")]
    usage_metadata: Option<UsageMetadata>,
    #[serde(alias = "model_version")]
    model_version: Option<String>,
    /// Imagen's.
    #[serde(deserialize_with = "null_as_default")]
    predictions: Vec<Prediction>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Candidate {
    #[serde(deserialize_with = "null_as_default")]
    content: Content,
    #[serde(alias = "finish_reason")]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    #[serde(deserialize_with = "null_as_default")]
    parts: Vec<Part>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Part {
    pub(super) text: Option<String>,
    #[serde(alias = "inline_data")]
    inline_data: Option<InlineData>,
    thought: Option<bool>,
    /// The number of its signature.
    #[serde(alias = "thought_signature")]
    thought_signature: Option<String>,
}

/// Its `mimeType` is not read: what the bytes are is seen in the bytes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct InlineData {
    /// The number of its picture.
    data: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Prediction {
    /// The number of its picture.
    #[serde(alias = "bytes_base64_encoded")]
    bytes_base64_encoded: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PromptFeedback {
    #[serde(alias = "block_reason")]
    block_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UsageMetadata {
    #[serde(alias = "prompt_token_count")]
    prompt_token_count: Option<u32>,
    #[serde(alias = "candidates_token_count")]
    candidates_token_count: Option<u32>,
    #[serde(alias = "thoughts_token_count")]
    thoughts_token_count: Option<u32>,
    #[serde(alias = "candidates_tokens_details")]
    candidates_tokens_details: Option<Vec<ModalityTokens>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ModalityTokens {
    modality: String,
    #[serde(alias = "token_count")]
    token_count: u32,
}

pub(super) fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

/// A count in a shape we don't know must not cost the picture it came with.
fn odd_as_none<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(d)?;
    Ok(serde_json::from_value(value).ok())
}

impl UsageMetadata {
    fn usage(&self) -> Usage {
        let details = self.candidates_tokens_details.iter().flatten();
        let image = details.filter(|d| d.modality.eq_ignore_ascii_case("IMAGE")).map(|d| d.token_count);
        let output = self.candidates_token_count.unwrap_or(0);
        Usage {
            prompt_tokens: self.prompt_token_count.unwrap_or(0),
            output_tokens: output,
            thought_tokens: self.thoughts_token_count.unwrap_or(0),
            image_tokens: image.fold(0, u32::saturating_add).min(output),
        }
    }
}

impl Part {
    pub(super) fn is_thought(&self) -> bool {
        self.thought == Some(true)
    }

    pub(super) fn picture(&self) -> Option<usize> {
        self.inline_data.as_ref()?.data.as_ref()?.parse().ok()
    }

    pub(super) fn signature(&self) -> Option<usize> {
        self.thought_signature.as_ref()?.parse().ok()
    }
}

impl Answer {
    /// # Errors
    /// It is cut, or no answer; either way Google has worked.
    pub(super) fn read(skeleton: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(skeleton).map_err(|error| {
            if error.is_eof() {
                Failure::later(Trouble::Truncated, "the answer ends in the middle").doubtful()
            } else {
                Failure::give_up(Trouble::VendorError, "the answer is not one we can read").doubtful()
            }
        })
    }

    pub(super) fn metered(&self) -> Metered {
        Metered {
            usage: self.usage_metadata.as_ref().map(UsageMetadata::usage),
            model_version: self.model_version.clone().filter(|name| !name.is_empty()),
        }
    }

    /// In the order in which they were said; there is one candidate, since no more are asked for.
    pub(super) fn parts(&self) -> impl DoubleEndedIterator<Item = &Part> {
        self.candidates.iter().flat_map(|candidate| &candidate.content.parts)
    }

    /// Pictures by their numbers: all that are not drafts. If all are, the last one, unless the model says
    /// that it came to nothing.
    pub(super) fn pictures(&self) -> Vec<usize> {
        let predicted =
            self.predictions.iter().filter_map(|one| one.bytes_base64_encoded.as_ref()?.parse().ok());
        let made = self.parts().filter(|part| !part.is_thought()).filter_map(Part::picture);
        let counted: Vec<usize> = predicted.chain(made).collect();
        if !counted.is_empty() || !matches!(self.finish_reason(), None | Some("STOP")) {
            return counted;
        }
        self.parts().rev().find_map(Part::picture).into_iter().collect()
    }

    /// What was said, thoughts aside.
    pub(super) fn text(&self) -> String {
        let spoken = self.parts().filter(|part| !part.is_thought());
        spoken.filter_map(|part| part.text.as_deref()).collect()
    }

    pub(super) fn finish_reason(&self) -> Option<&str> {
        self.candidates.first()?.finish_reason.as_deref()
    }

    pub(super) fn block_reason(&self) -> Option<&str> {
        self.prompt_feedback.as_ref()?.block_reason.as_deref()
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
