//! Texts while they are written: how long the first words take from Gemini's line to whoever listens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use anyhow::Result;
use futures_util::StreamExt as _;
use proto_events::GenerationId;
use proto_events::subjects::live;
use serde::Serialize;
use serde_json::Value;

use super::floor::{Floor, WORDS};
use super::{Times, bare, times};

#[derive(Debug, Clone, Serialize)]
pub struct Words {
    pub in_flight: usize,
    pub count: usize,
    /// Jobs of which nothing was heard while they were written.
    pub silent: usize,
    /// From the first byte upstream to the first one published, ms; zeros if all were silent.
    pub first: Times,
    /// The same by a client that passes on what it reads.
    pub bare: Times,
}

pub fn measure(floor: &mut Floor, quick: bool, say: &dyn Fn(&str)) -> Result<Vec<Words>> {
    let count = if quick { 40 } else { 200 };
    let heard = Heard::listen(floor)?;
    floor.think(0)?;
    floor.stop_generator();
    say("texts by a bare client");
    let bare = bare::first_bytes(floor, &heard, count / 4)?;
    floor.start_generator()?;
    let mut all = Vec::new();
    for in_flight in [1, 16] {
        say(&format!("texts, {in_flight} in flight"));
        let jobs = floor.play(WORDS, &format!("words of {in_flight}:"), in_flight, count)?.jobs;
        let delays = delays(&jobs, &floor.calls(), &heard);
        all.push(Words { in_flight, count, silent: count - delays.len(), first: times(delays), bare });
    }
    Ok(all)
}

/// ms from each job's first byte upstream to its first piece; without those of which nothing was heard.
pub fn delays(
    jobs: &[(String, GenerationId)],
    calls: &HashMap<String, Vec<Value>>,
    heard: &Heard,
) -> Vec<f64> {
    let first = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
    let delay = |(prompt, generation): &(String, GenerationId)| {
        let sent = calls.get(prompt)?.first()?["first_byte_us"].as_u64()?;
        Some((*first.get(&live(*generation))? as f64 - sent as f64) / 1e3)
    };
    jobs.iter().filter_map(delay).collect()
}

/// When the first message of each subject came, µs since 1970.
#[derive(Default)]
pub struct Heard(Mutex<HashMap<String, u64>>);

impl Heard {
    fn listen(floor: &Floor) -> Result<Arc<Self>> {
        let client = floor.stage.client("media-telegram");
        let heard = Arc::new(Self::default());
        let mut pieces = floor.stage.rt.block_on(async {
            let pieces = client.subscribe("live.generation.*").await?;
            client.flush().await?;
            anyhow::Ok(pieces)
        })?;
        let hears = Arc::clone(&heard);
        floor.stage.rt.spawn(async move {
            // Holds the connection for as long as the floor is open.
            let _client = client;
            while let Some(piece) = pieces.next().await {
                let now = now_us();
                let mut first = hears.0.lock().unwrap_or_else(PoisonError::into_inner);
                first.entry(piece.subject.to_string()).or_insert(now);
            }
        });
        Ok(heard)
    }
}

fn now_us() -> u64 {
    UNIX_EPOCH.elapsed().map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX))
}
