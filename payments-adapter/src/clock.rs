//! This machine's clock, in the wire's units.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proto_events::Micros;

pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).ok().and_then(|now| Micros::new(now).ok()).unwrap_or(Micros::MAX)
}

/// Zero for what lies ahead.
pub(crate) fn age(at: Micros) -> Duration {
    Duration::from_micros(u64::try_from(now().get() - at.get()).unwrap_or(0))
}
