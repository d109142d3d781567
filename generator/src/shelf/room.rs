//! Memory for requests: pictures that go to the vendor wait in it, as base64, until the call has ended.
//!
//! Answers need no room of this kind, they pass in pieces. A request takes its room at once, before anything of
//! it is loaded, so that two can't wait for each other.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Of pictures and words. Google takes requests of 20 000 000 bytes: what stands between them has 77 KB.
pub const REQUEST_BYTES_MAX: usize = 19 << 20;
/// Unless configured otherwise: six of the largest requests, or a hundred with a photo or two each.
pub const REQUESTS_BYTES_MAX: usize = 6 * REQUEST_BYTES_MAX;
const UNIT: usize = 1 << 10;

pub(super) struct Room {
    units: Arc<Semaphore>,
    all: usize,
}

impl Room {
    /// The largest request always fits.
    pub(super) fn new(bytes: usize) -> Self {
        let all = bytes.max(REQUEST_BYTES_MAX).div_ceil(UNIT);
        Self { units: Arc::new(Semaphore::new(all)), all }
    }

    /// Waits for so much of it. `None` for nothing.
    pub(super) async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = bytes.div_ceil(UNIT).min(self.all);
        let units = u32::try_from(units).ok().filter(|units| *units > 0)?;
        // The semaphore is never closed.
        self.units.clone().acquire_many_owned(units).await.ok()
    }
}
