//! Faults on demand: each waits for its call, fires a given number of times, and is counted.
//! The set, with examples, is in README.md.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use crate::vendor::Vendor;

/// A script that adds faults in a loop is stopped here.
const WAITING_MAX: usize = 1000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the fault is not one of those in sandbox/README.md: {0}")]
    Unknown(String),
    #[error("`times` is a number from 1, or \"always\"")]
    Times,
    #[error("{0} faults are waiting already; DELETE /faults first")]
    TooMany(usize),
    #[error("`call` {call:?} is not a call of this vendor; known: {known}")]
    Call { call: String, known: String },
    #[error("status {0} is not an HTTP error")]
    Status(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Drop {
    Before,
    After,
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
    /// A stream that ends cleanly without a finishReason.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) no_finish: bool,

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
            "duplicate" => Self { duplicate: 1, ..none },
            "lost" => Self { lost: true, ..none },
            "reordered" => Self { reordered: true, ..none },
            upper if upper.len() > 2 && upper.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => {
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

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fault {
    pub(crate) id: u64,
    pub(crate) vendor: Vendor,
    pub(crate) call: String,
    pub(crate) fault: Effect,
    /// How many times it will still fire; null means always.
    pub(crate) left: Option<u64>,
    pub(crate) fired: u64,
    /// Only a call whose body holds this text.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub(crate) matching: Option<String>,
}

/// The body of `POST /faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    vendor: Vendor,
    call: Option<String>,
    fault: Value,
    times: Option<Value>,
    #[serde(rename = "match")]
    matching: Option<String>,
}

#[derive(Default)]
pub(crate) struct Faults {
    inner: Mutex<Inner>,
    cleared: Notify,
}

#[derive(Default)]
struct Inner {
    next: u64,
    list: Vec<Fault>,
}

impl Faults {
    pub(crate) fn add(&self, plan: Plan) -> Result<Fault, Error> {
        let effect = Effect::read(&plan.fault)?;
        let left = match &plan.times {
            None => Some(1),
            Some(Value::String(always)) if always == "always" => None,
            Some(times) => Some(times.as_u64().filter(|times| *times > 0).ok_or(Error::Times)?),
        };
        let call = known_call(plan.vendor, plan.call.as_deref().unwrap_or("*"))?;
        let mut inner = self.lock();
        if inner.list.len() >= WAITING_MAX {
            // Spent ones make room; calls they still hold go on.
            inner.list.retain(|fault| fault.left != Some(0));
        }
        if inner.list.len() >= WAITING_MAX {
            return Err(Error::TooMany(WAITING_MAX));
        }
        inner.next += 1;
        let fault = Fault {
            id: inner.next,
            vendor: plan.vendor,
            call,
            fault: effect,
            left,
            fired: 0,
            matching: plan.matching,
        };
        inner.list.push(fault.clone());
        Ok(fault)
    }

    /// The first waiting fault for this call, counted as fired.
    pub(crate) fn take(&self, vendor: Vendor, call: &str, body: &[u8]) -> Option<Effect> {
        let mut inner = self.lock();
        let fault = inner.list.iter_mut().find(|fault| {
            fault.vendor == vendor
                && fault.left != Some(0)
                && (fault.call == "*" && !is_outgoing(call) || fault.call.eq_ignore_ascii_case(call))
                && fault.matching.as_ref().is_none_or(|text| holds(body, text))
        })?;
        fault.left = fault.left.map(|left| left - 1);
        fault.fired += 1;
        Some(Effect { fault: fault.id, ..fault.fault.clone() })
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().list.clone()
    }

    /// Takes back those of one vendor, or all, and lets go of the calls they hold.
    pub(crate) fn clear(&self, vendor: Option<Vendor>) {
        self.lock().list.retain(|fault| vendor.is_some_and(|vendor| vendor != fault.vendor));
        self.cleared.notify_waiters();
    }

    /// Takes back one; false when it isn't there.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut inner = self.lock();
        let before = inner.list.len();
        inner.list.retain(|fault| fault.id != id);
        let removed = inner.list.len() < before;
        drop(inner);
        self.cleared.notify_waiters();
        removed
    }

    /// Waits until the fault was taken back.
    pub(crate) async fn taken_back(&self, id: u64) {
        loop {
            let cleared = self.cleared.notified();
            tokio::pin!(cleared);
            cleared.as_mut().enable();
            if !self.lock().list.iter().any(|fault| fault.id == id) {
                return;
            }
            cleared.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls the sandbox makes itself; `*` does not mean these.
fn is_outgoing(call: &str) -> bool {
    matches!(call, "notification" | "notification_answer" | "webhook")
}

/// The text as it is, or as JSON would escape it.
fn holds(body: &[u8], text: &str) -> bool {
    let body = String::from_utf8_lossy(body);
    let ascii: String = text.encode_utf16().fold(String::new(), |mut out, unit| {
        match char::from_u32(u32::from(unit)).filter(char::is_ascii) {
            Some(c) => out.push(c),
            None => out.push_str(&format!("\\u{unit:04x}")),
        }
        out
    });
    body.contains(text) || body.contains(&ascii)
}

const YOOKASSA: [&str; 14] = [
    "create_payment",
    "get_payment",
    "list_payments",
    "cancel_payment",
    "capture_payment",
    "create_refund",
    "get_refund",
    "list_refunds",
    "create_receipt",
    "get_receipt",
    "list_receipts",
    "me",
    "notification",
    "notification_answer",
];
const GEMINI: [&str; 5] = ["generateContent", "streamGenerateContent", "predict", "listModels", "getModel"];

fn known_call(vendor: Vendor, call: &str) -> Result<String, Error> {
    let known: &[&str] = match vendor {
        Vendor::Telegram => &crate::telegram::METHODS,
        Vendor::YooKassa => &YOOKASSA,
        Vendor::Gemini => &GEMINI,
    };
    if call == "*" {
        return Ok(call.to_owned());
    }
    match known.iter().find(|name| name.eq_ignore_ascii_case(call)) {
        Some(name) => Ok((*name).to_owned()),
        None => Err(Error::Call { call: call.to_owned(), known: known.join(", ") }),
    }
}
