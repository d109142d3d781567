//! What a 200 holds: a picture, a text, or the reason why there is none.
//!
//! Own types, lenient as proto3 JSON is: camelCase and snake_case, nulls, unknown fields and unknown
//! enum values. The big strings (base64, signatures) are borrowed from the body or skipped.

use std::borrow::Cow;

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use proto_events::events::{GenerationKind, Trouble, Usage};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{Failure, Metered};
use crate::picture::{self, Made};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default, borrow, deserialize_with = "null_as_default")]
    candidates: Vec<Candidate<'a>>,
    #[serde(default, alias = "promptFeedback")]
    prompt_feedback: Option<PromptFeedback>,
    #[serde(default, alias = "usageMetadata", deserialize_with = "odd_as_none")]
    usage_metadata: Option<UsageMetadata>,
    #[serde(default, alias = "modelVersion")]
    model_version: Option<String>,
}

#[derive(Default, Deserialize)]
struct Candidate<'a> {
    #[serde(default, borrow, deserialize_with = "null_as_default")]
    content: Content<'a>,
    #[serde(default, alias = "finishReason")]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Content<'a> {
    #[serde(default, borrow, deserialize_with = "null_as_default")]
    parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(default)]
    text: Option<String>,
    #[serde(default, alias = "inlineData", borrow)]
    inline_data: Option<InlineData<'a>>,
    #[serde(default)]
    thought: Option<bool>,
}

/// Its `mimeType` is not read: what the bytes are is seen in the bytes.
#[derive(Deserialize)]
struct InlineData<'a> {
    #[serde(default, borrow)]
    data: Cow<'a, str>,
}

#[derive(Deserialize)]
struct PromptFeedback {
    #[serde(default, alias = "blockReason")]
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModalityTokens {
    #[serde(default)]
    modality: String,
    #[serde(default, alias = "token_count")]
    token_count: u32,
}

fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
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

/// Reads the body of a 200.
pub(super) fn read(kind: GenerationKind, body: &[u8]) -> (Result<Made, Failure>, Metered) {
    let answer: Answer<'_> = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(error) if error.is_eof() => {
            let failure = Failure::later(Trouble::Truncated, "the answer ends in the middle");
            return (Err(failure), Metered::default());
        }
        Err(_) => {
            let failure = Failure::give_up(Trouble::VendorError, "the answer is not one we can read");
            return (Err(failure), Metered::default());
        }
    };
    let metered = Metered {
        usage: answer.usage_metadata.as_ref().map(UsageMetadata::usage),
        model_version: answer.model_version.clone().filter(|name| !name.is_empty()),
    };
    let made = match kind {
        GenerationKind::Text => text(&answer),
        GenerationKind::Picture | GenerationKind::Edit => picture(&answer),
    };
    (made, metered)
}

fn picture(answer: &Answer<'_>) -> Result<Made, Failure> {
    let parts = || answer.candidates.iter().flat_map(|candidate| &candidate.content.parts);
    // The last one: drafts come before, and the final picture may be marked as a thought.
    let last = parts().filter_map(|part| part.inline_data.as_ref()).next_back();
    if let Some(inline) = last {
        let bytes =
            decode(&inline.data).ok_or_else(|| Failure::give_up(Trouble::NotAPicture, "not base64"))?;
        return picture::look(bytes).map_err(|why| Failure::give_up(Trouble::NotAPicture, why.to_string()));
    }
    let said = parts()
        .any(|part| part.thought != Some(true) && part.text.as_ref().is_some_and(|t| !t.trim().is_empty()));
    Err(nothing(answer, if said { Trouble::TextInstead } else { Trouble::NoPicture }))
}

fn text(answer: &Answer<'_>) -> Result<Made, Failure> {
    let parts =
        answer.candidates.first().map(|candidate| candidate.content.parts.as_slice()).unwrap_or_default();
    let spoken = parts.iter().filter(|part| part.thought != Some(true));
    let text: String = spoken.filter_map(|part| part.text.as_deref()).collect();
    if text.trim().is_empty() {
        return Err(nothing(answer, Trouble::VendorError));
    }
    Ok(Made::text(text))
}

/// Why nothing was made: what the vendor says, else `otherwise`.
fn nothing(answer: &Answer<'_>, otherwise: Trouble) -> Failure {
    let block = answer.prompt_feedback.as_ref().and_then(|feedback| feedback.block_reason.as_deref());
    if let Some(block) = block.filter(|block| *block != "BLOCK_REASON_UNSPECIFIED") {
        return Failure::give_up(Trouble::Policy, format!("block {}", code(block)));
    }
    let finish = answer.candidates.first().and_then(|candidate| candidate.finish_reason.as_deref());
    let trouble = match finish {
        Some(
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION",
        ) => Trouble::Policy,
        Some("LANGUAGE") => Trouble::InvalidRequest,
        Some("NO_IMAGE" | "IMAGE_OTHER") => Trouble::NoPicture,
        Some("MAX_TOKENS") if otherwise == Trouble::VendorError => Trouble::Truncated,
        // STOP, OTHER, none, and whatever Google thinks of next.
        _ => otherwise,
    };
    Failure::give_up(trouble, format!("finish {}", finish.map_or_else(|| "none".into(), code)))
}

fn code(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(60).collect()
}

fn decode(data: &str) -> Option<Vec<u8>> {
    let alphabet = if data.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(data).ok()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
