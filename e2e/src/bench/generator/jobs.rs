//! Pictures, with Gemini answering at once and after two seconds.

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use super::floor::{Floor, PICTURE, Played};
use super::{Times, bare, times};
use crate::bench::stats::Spread;

#[derive(Debug, Clone, Serialize)]
pub struct Jobs {
    /// How long Gemini thinks.
    pub latency_ms: u64,
    /// At the most, or about so many where they arrive by themselves.
    pub in_flight: usize,
    /// Jobs asked for a second at moments of their own, whatever is under way. `None`: the next when one has ended.
    pub arriving_s: Option<u16>,
    pub count: usize,
    pub failed: usize,
    pub picture_bytes: u64,
    /// Median of the rounds.
    pub jobs_s: f64,
    pub jobs_s_min: f64,
    pub jobs_s_max: f64,
    /// Calls a second by a bare client, as many in flight.
    pub bare_s: f64,
    pub of_bare: f64,
    /// From the commit of the request to the commit of the claim.
    pub claim: Times,
    /// From the answer's last byte to the commit of the success.
    pub settle: Times,
    /// Processor milliseconds of a job, by [`WHO`](super::floor::WHO).
    pub cpu_ms: [f64; 5],
}

struct Level {
    latency_ms: u64,
    in_flight: usize,
    arriving_s: Option<u16>,
    count: usize,
}

fn levels(quick: bool) -> (usize, [Level; 7]) {
    let count = |quickly, fully| if quick { quickly } else { fully };
    let level = |latency_ms, in_flight, quickly, fully| Level {
        latency_ms,
        in_flight,
        arriving_s: None,
        count: count(quickly, fully),
    };
    let arriving = |per_s: u16| Level {
        latency_ms: 2_000,
        in_flight: 2 * usize::from(per_s),
        arriving_s: Some(per_s),
        count: count(8, 20) * usize::from(per_s),
    };
    let all = [
        level(0, 1, 50, 200),
        level(0, 8, 200, 400),
        level(0, 64, 300, 640),
        level(2_000, 8, 16, 40),
        level(2_000, 64, 128, 320),
        arriving(8),
        arriving(24),
    ];
    (if quick { 1 } else { 3 }, all)
}

/// Of each level; and by hand, a claim, and storing and completing.
pub fn measure(floor: &mut Floor, quick: bool, say: &dyn Fn(&str)) -> Result<(Vec<Jobs>, (Times, Times))> {
    let (rounds, levels) = levels(quick);
    let mut all = Vec::new();
    for level in levels {
        all.push(at(floor, &level, rounds, say)?);
    }
    say("claims and completions by hand");
    floor.stop_generator();
    let bytes = all.first().map_or(0, |line| line.picture_bytes);
    let by_hand = bare::commands(floor, if quick { 50 } else { 200 }, usize::try_from(bytes)?)?;
    floor.clear_store()?;
    Ok((all, by_hand))
}

fn at(floor: &mut Floor, level: &Level, rounds: usize, say: &dyn Fn(&str)) -> Result<Jobs> {
    let Level { latency_ms, in_flight, arriving_s, count } = *level;
    floor.think(latency_ms)?;
    let (mut rates, mut bares, mut seen, mut cpu_s) = (Vec::new(), Vec::new(), Seen::default(), [0.0; 5]);
    for round in 0..rounds {
        say(&format!("pictures in {latency_ms} ms, {in_flight} in flight, round {} of {rounds}", round + 1));
        floor.stop_generator();
        bares.push(bare::calls_s(floor, PICTURE, in_flight, count)?);
        floor.start_generator()?;
        // The first ones open connections.
        floor.play(
            PICTURE,
            &format!("warm {latency_ms} {in_flight} {arriving_s:?} {round}:"),
            in_flight,
            in_flight,
        )?;
        let tag = format!("picture {latency_ms} {in_flight} {arriving_s:?} {round}:");
        let before = floor.cpu();
        let played = match arriving_s {
            None => floor.play(PICTURE, &tag, in_flight, count)?,
            Some(per_s) => floor.arrive(PICTURE, &tag, per_s, count)?,
        };
        for (sum, (now, before)) in cpu_s.iter_mut().zip(floor.cpu().into_iter().zip(before)) {
            *sum += now - before;
        }
        rates.push(played.jobs.len() as f64 / played.seconds);
        seen.add(floor, &played)?;
        floor.clear_store()?;
    }
    let (rates, bare_s) = (Spread::of(rates), Spread::of(bares).median);
    Ok(Jobs {
        latency_ms,
        in_flight,
        arriving_s,
        count: count * rounds,
        failed: seen.failed,
        picture_bytes: seen.picture_bytes,
        jobs_s: rates.median,
        jobs_s_min: rates.min,
        jobs_s_max: rates.max,
        bare_s,
        of_bare: rates.median / bare_s,
        claim: times(seen.claims),
        settle: times(seen.settles),
        cpu_ms: cpu_s.map(|seconds| seconds * 1e3 / (count * rounds) as f64),
    })
}

/// ms of all jobs of a level.
#[derive(Default)]
struct Seen {
    claims: Vec<f64>,
    settles: Vec<f64>,
    failed: usize,
    picture_bytes: u64,
}

impl Seen {
    fn add(&mut self, floor: &Floor, played: &Played) -> Result<()> {
        let (recorded, calls) = (floor.recorded()?, floor.calls());
        for (prompt, generation) in &played.jobs {
            let at = |kind: &str| recorded.get(&(generation.to_string(), kind.to_owned())).copied();
            let requested = at("GenerationRequested").context("a job without a request")?;
            if let Some(started) = at("GenerationStarted") {
                self.claims.push((started - requested) as f64 / 1e3);
            }
            let call = calls.get(prompt).and_then(|calls| calls.last()).unwrap_or(&Value::Null);
            let last_byte = call["last_byte_us"].as_i64();
            match at("GenerationSucceeded").zip(last_byte) {
                Some((succeeded, last_byte)) => self.settles.push((succeeded - last_byte) as f64 / 1e3),
                None => self.failed += 1,
            }
            self.picture_bytes = call["picture"]["bytes"].as_u64().unwrap_or(self.picture_bytes);
        }
        Ok(())
    }
}
