//! What verification is measured by.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

/// How long bare SHA-256 takes on all cores for as many messages of as many bytes as a log has: the floor
/// of any verification of it.
pub fn bare_sha256(events: u64, bytes: u64) -> Duration {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let events = events.max(1);
    let length = usize::try_from(bytes / events).unwrap_or(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut message = vec![0x5a; length.max(32)];
                for _ in 0..events / cores as u64 {
                    // Each depends on the one before, as in a chain, so that none is left out.
                    let hash = Sha256::digest(&message);
                    message[..32].copy_from_slice(&hash);
                }
                std::hint::black_box(&message);
            });
        }
    });
    begun.elapsed()
}
