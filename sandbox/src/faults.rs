//! Faults on demand: each waits for its call, fires a given number of times, and is counted.
//! The set, with examples, is in README.md.

mod effect;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

pub(crate) use self::effect::{Cut, Drop, Effect, Format};
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
