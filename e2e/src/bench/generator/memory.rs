//! How much memory 64 answers of 4K at once take: each tens of MB of JSON.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;

use super::floor::{CONCURRENCY, Floor, HUGE};
use crate::Role;
use crate::bench::cpu;

/// All calls are open before the first one is answered.
const THINK_MS: u64 = 5_000;

#[derive(Debug, Clone, Serialize)]
pub struct Memory {
    pub answers: usize,
    pub failed: usize,
    /// Of each answer, about: its picture's base64 and two signatures.
    pub answer_bytes: u64,
    pub seconds: f64,
    /// Resident, before the first job and at the most (VmHWM).
    pub idle_mb: f64,
    pub most_mb: f64,
}

pub fn measure(floor: &mut Floor, say: &dyn Fn(&str)) -> Result<Memory> {
    say(&format!("{CONCURRENCY} answers of 4K at once"));
    floor.think(THINK_MS)?;
    let huge = json!({"vendor": "gemini", "fault": "huge_signature", "times": "always"});
    floor.stage.post("/faults", &huge);
    floor.start_generator()?;
    let idle_mb = resident(floor, "VmRSS")?;
    let played = floor.play(HUGE, "huge", CONCURRENCY, CONCURRENCY)?;
    let most_mb = resident(floor, "VmHWM")?;
    floor.stage.heal();
    let (recorded, calls) = (floor.recorded()?, floor.calls());
    let succeeded =
        |generation: &str| recorded.contains_key(&(generation.to_owned(), "GenerationSucceeded".to_owned()));
    let failed = played.jobs.iter().filter(|(_, generation)| !succeeded(&generation.to_string())).count();
    let picture = calls.get("huge 0.").and_then(|calls| calls[0]["picture"]["bytes"].as_u64()).unwrap_or(0);
    floor.clear_store()?;
    Ok(Memory {
        answers: CONCURRENCY,
        failed,
        answer_bytes: picture * 4 / 3 + 2_200_000,
        seconds: played.seconds,
        idle_mb,
        most_mb,
    })
}

fn resident(floor: &Floor, name: &str) -> Result<f64> {
    cpu::resident(floor.stage.pid(Role::Generator).context("the generator does not run")?, name)
}

impl Memory {
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "  {} answers of 4K at once, {:.0} MB each: {:.0} MB resident at the most ({:.0} idle), {:.0} s{}",
            self.answers,
            self.answer_bytes as f64 / 1e6,
            self.most_mb,
            self.idle_mb,
            self.seconds,
            if self.failed > 0 { format!("; {} FAILED", self.failed) } else { String::new() }
        )
    }
}
