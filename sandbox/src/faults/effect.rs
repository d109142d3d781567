//! What a fault does to its call.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;

/// Longer than any caller waits.
const NEVER_MS: u64 = 3_600_000;
/// Of `drip`: bytes, and ms between them.
const DRIP: (usize, u64) = (64, 20);
/// The delay that Google was seen to name.
const RETRY_SECONDS: f64 = 34.4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Drop {
    Before,
    After,
}

/// Where Gemini's answer breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cut {
    /// After the bytes of its pictures, before its JSON ends; in a stream, inside an event.
    Json,
    /// In the middle of its longest string: a picture's bytes.
    Base64,
    /// Between two events of a stream.
    Sse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Png,
    #[serde(alias = "jpg")]
    Jpeg,
}

/// What a fault does. All parts may be combined in one object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Effect {
    /// Wait before the effect.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) delay_ms: u64,
    /// Keep the call open after the effect.
    #[serde(skip_serializing_if = "is_default", alias = "hold")]
    pub(crate) hold_ms: u64,
    /// Answer with this status and the vendor's error body.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) status: Option<u16>,
    /// The status comes after the effect: the outcome is there, the caller does not know.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) after_effect: bool,
    /// Seconds, in the vendor's own place for it.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) retry_after: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) description: Option<String>,
    /// YooKassa's `code`, Gemini's `status` or reason.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) code: Option<String>,
    /// Gemini's 429: which quota, `minute` or `day`.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) quota: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) drop: Option<Drop>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) truncated: bool,
    /// A JSON merge patch (RFC 7396) of the answer, or of the notification.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) patch: Option<Value>,
    /// YooKassa's create_refund: `pending` or `canceled` instead of `succeeded`.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) refund_status: Option<String>,
    /// YooKassa's lists: without the rows of this last while.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) behind_ms: u64,
    /// The fault it belongs to; 0 before it is waiting.
    #[serde(skip)]
    pub(crate) fault: u64,

    // Gemini's answers.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) no_image: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) prompt_blocked: Option<String>,
    #[serde(skip_serializing_if = "is_default", alias = "finish_reason")]
    pub(crate) finish: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) empty: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) text_instead: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) huge_signature: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) not_a_picture: bool,
    /// The picture sits in a part with `thought: true`, after a draft.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) image_in_thought: bool,
    /// A stream that ends with a raw JSON error instead of `data:`.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) mid_stream_error: bool,
    /// An answer that ends cleanly without a finishReason.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) no_finish: bool,
    /// With `finish`: what was made until then comes along.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) partial: bool,
    /// So many pictures in one answer; 0 is one.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) pictures: u8,
    /// What the pictures are encoded as, whatever the model usually does.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) format: Option<Format>,
    /// A thought in words comes before the answer.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) thinking: bool,
    /// The model that answers and is billed: retired names are rerouted.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) model_version: Option<String>,
    /// Pictures with EXIF, GPS, XMP, a comment, and words after their end.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) metadata: bool,
    /// So many bytes after the picture's end.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) padding_bytes: usize,
    /// Where the answer breaks off.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) cut: Option<Cut>,
    /// With `cut`: it ends there as if it were whole.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) clean: bool,
    /// So many bytes at once, every `drip_ms`.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) drip_bytes: usize,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) drip_ms: u64,

    // Notifications and webhook deliveries.
    /// How many more times it is sent.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) duplicate: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) lost: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) late_ms: u64,
    /// Waits until the next one was sent.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) reordered: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Effect {
    /// Reads a string or an object.
    pub(crate) fn read(value: &Value) -> Result<Self, Error> {
        let effect = match value {
            Value::String(name) => Self::named(name)?,
            Value::Number(number) => {
                Self { status: number.as_u64().and_then(|n| u16::try_from(n).ok()), ..Self::default() }
            }
            Value::Object(_) => serde_json::from_value::<Self>(value.clone())
                .map_err(|error| Error::Unknown(error.to_string()))?,
            other => return Err(Error::Unknown(other.to_string())),
        };
        match effect.status {
            Some(status) if !(400..=599).contains(&status) => Err(Error::Status(status)),
            _ if !matches!(effect.refund_status.as_deref(), None | Some("pending" | "canceled")) => {
                Err(Error::Unknown("refund_status is pending or canceled".to_owned()))
            }
            _ if effect == Self::default() => Err(Error::Unknown("it does nothing".to_owned())),
            _ => Ok(effect),
        }
    }

    fn named(name: &str) -> Result<Self, Error> {
        let none = Self::default();
        if let Ok(status) = name.parse() {
            return Ok(Self { status: Some(status), ..none });
        }
        Ok(match name {
            "drop_before" => Self { drop: Some(Drop::Before), ..none },
            "drop_after" | "drop" => Self { drop: Some(Drop::After), ..none },
            "truncated" | "truncated_body" => Self { truncated: true, ..none },
            "no_image" => Self { no_image: true, ..none },
            "prompt_blocked" => Self { prompt_blocked: Some("PROHIBITED_CONTENT".to_owned()), ..none },
            "safety" => Self { finish: Some("SAFETY".to_owned()), ..none },
            "image_safety" => Self { finish: Some("IMAGE_SAFETY".to_owned()), ..none },
            "empty" | "empty_answer" => Self { empty: true, ..none },
            "text_instead" => {
                Self { text_instead: Some("I can only describe this picture.".to_owned()), ..none }
            }
            "huge_signature" => Self { huge_signature: true, ..none },
            "not_a_picture" => Self { not_a_picture: true, ..none },
            "image_in_thought" => Self { image_in_thought: true, ..none },
            "mid_stream_error" => Self { mid_stream_error: true, ..none },
            "no_finish" => Self { no_finish: true, ..none },
            "several" => Self { pictures: 3, ..none },
            "thinking" => Self { thinking: true, ..none },
            "metadata" => Self { metadata: true, ..none },
            "cut_json" => Self { cut: Some(Cut::Json), ..none },
            "cut_base64" => Self { cut: Some(Cut::Base64), ..none },
            "cut_sse" => Self { cut: Some(Cut::Sse), ..none },
            "drip" => Self { drip_bytes: DRIP.0, drip_ms: DRIP.1, ..none },
            "never_arrives" => Self { hold_ms: NEVER_MS, ..none },
            "quota_minute" => Self {
                status: Some(429),
                quota: Some("minute".to_owned()),
                retry_after: Some(RETRY_SECONDS),
                ..none
            },
            "quota_day" => Self { status: Some(429), quota: Some("day".to_owned()), ..none },
            "bad_key" => Self { status: Some(400), code: Some("API_KEY_INVALID".to_owned()), ..none },
            "region_blocked" => {
                Self { status: Some(400), code: Some("FAILED_PRECONDITION".to_owned()), ..none }
            }
            "duplicate" => Self { duplicate: 1, ..none },
            "lost" => Self { lost: true, ..none },
            "reordered" => Self { reordered: true, ..none },
            upper
                if upper.len() > 2
                    && upper.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') =>
            {
                Self { finish: Some(upper.to_owned()), ..none }
            }
            other => return Err(Error::Unknown(other.to_owned())),
        })
    }

    /// A short name for the arrivals; `None` when nothing is bent.
    pub(crate) fn name(&self) -> Option<String> {
        (self.fault != 0).then(|| serde_json::to_string(self).unwrap_or_default())
    }
}
