//! What comes from Telegram: the webhook or long polling, each update taken in the same way.

mod group;
mod media;
mod message;
mod met;
mod money;
mod once;
mod polling;
mod tap;
#[cfg(test)]
mod tests;
mod update;
mod us;
mod webhook;

pub use media::{Document, Other, Photo};
pub use message::{ChatKind, Message, Replied};
pub use money::{Checkout, Notice};
pub use once::Once;
pub use polling::poll;
pub use tap::Tap;
pub use update::{BadUpdate, Person, Update};
pub use us::Us;
pub use webhook::{BODY_BYTES_MAX, PATH, Secret, router};

use std::time::Duration;

/// How an update was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The work is committed at the ledger, or refused for good: Telegram may forget it.
    Done,
    /// The ledger could not be asked, or its answer is not known: Telegram is to send it again.
    Later,
}

/// Whoever deals with updates. The same update may come any number of times.
pub trait Intake: Clone + Send + Sync + 'static {
    fn take(&self, update: Update) -> impl Future<Output = Taken> + Send;
}

/// Until Telegram is to send again what could not be dealt with.
const RETRY_AFTER: Duration = Duration::from_secs(3);
