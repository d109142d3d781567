//! The generator: jobs a second and what each costs over the vendor's own time, memory at its largest, how
//! soon words are passed on.
//!
//! Of a job: from its request's commit to its claim, and from the last byte of the answer (by the sandbox's
//! books) to the commit of its success. Both by clocks of this machine, µs since 1970. Ceilings of the same
//! run are in [`bare`]. Aims: each p99 under 50 ms, 64 answers of 4K in 512 MB, first words p99 under 10 ms.

mod bare;
mod floor;
mod jobs;
mod memory;
mod text;

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use self::floor::Floor;
pub use self::floor::rich;
pub use self::jobs::Jobs;
pub use self::memory::Memory;
pub use self::text::Words;
use super::stats::{percentile, short};

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Times {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

pub fn times(mut all: Vec<f64>) -> Times {
    all.sort_by(f64::total_cmp);
    Times { p50: percentile(&all, 0.5), p99: percentile(&all, 0.99), max: all.last().copied().unwrap_or(0.0) }
}

#[derive(Debug, Clone, Serialize)]
pub struct Generator {
    pub jobs: Vec<Jobs>,
    /// By hand, one after the other: a claim; the bytes into the store and the completion.
    pub bare_claim: Times,
    pub bare_settle: Times,
    pub memory: Memory,
    pub words: Vec<Words>,
}

/// # Errors
/// A service does not start, or a job does not end.
pub fn measure(quick: bool, say: &dyn Fn(&str)) -> Result<Generator> {
    let mut floor = Floor::open()?;
    let (jobs, (bare_claim, bare_settle)) = jobs::measure(&mut floor, quick, say)?;
    let words = text::measure(&mut floor, quick, say)?;
    let memory = memory::measure(&mut floor, say)?;
    Ok(Generator { jobs, bare_claim, bare_settle, memory, words })
}

impl Generator {
    /// # Errors
    /// Never: it writes to a String.
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\nThe generator: pictures of {:.2} MB; ms to the claim, ms from the answer to",
            self.mb()
        )?;
        writeln!(out, "its success, jobs/s beside bare calls of the same answers")?;
        let head = ["answers", "in flight", "jobs/s", "of bare", "claim p50", "p99", "settle p50", "p99"];
        let [a, b, c, d, e, f, g, h] = head;
        writeln!(out, "  {a:<9}{b:>10}{c:>8}{d:>9}{e:>11}{f:>8}{g:>12}{h:>8}")?;
        for line in &self.jobs {
            let load = line.arriving_s.map_or(line.in_flight.to_string(), |per_s| format!("{per_s}/s"));
            let answers = if line.latency_ms == 0 { "at once" } else { "in 2 s" };
            writeln!(
                out,
                "  {answers:<9}{load:>10}{:>8}{:>9.2}{:>11.1}{:>8.1}{:>12.1}{:>8.1}",
                short(line.jobs_s),
                line.of_bare,
                line.claim.p50,
                line.claim.p99,
                line.settle.p50,
                line.settle.p99
            )?;
        }
        let (claim, settle) = (self.bare_claim, self.bare_settle);
        let hand = ["by hand", "1", "", ""];
        let [a, b, c, d] = hand;
        writeln!(
            out,
            "  {a:<9}{b:>10}{c:>8}{d:>9}{:>11.1}{:>8.1}{:>12.1}{:>8.1}",
            claim.p50, claim.p99, settle.p50, settle.p99
        )?;
        if let Some(one) = self.jobs.iter().find(|line| line.in_flight == 1) {
            let (claim, settle) = (one.claim.p50 / claim.p50, one.settle.p50 / settle.p50);
            writeln!(out, "  at 1 in flight p50 is {claim:.1} and {settle:.1} × by hand")?;
        }
        if let Some(busiest) = self.jobs.iter().find(|line| line.in_flight > 1) {
            let of = floor::WHO.iter().zip(busiest.cpu_ms);
            let of: Vec<String> = of.map(|(who, ms)| format!("{who} {ms:.1}")).collect();
            writeln!(out, "  processor ms of a job, {} in flight: {}", busiest.in_flight, of.join(", "))?;
        }
        let failed: usize = self.jobs.iter().map(|line| line.failed).sum();
        if failed > 0 {
            writeln!(out, "  {failed} jobs FAILED")?;
        }
        self.memory.print(out)?;
        for words in &self.words {
            writeln!(
                out,
                "  first words, {:>2} in flight: p50 {:.1} ms, p99 {:.1} ms; passed on bare {:.1}, {:.1} ms{}",
                words.in_flight,
                words.first.p50,
                words.first.p99,
                words.bare.p50,
                words.bare.p99,
                if words.silent > 0 {
                    format!("; {} of {} SILENT", words.silent, words.count)
                } else {
                    String::new()
                }
            )?;
        }
        Ok(())
    }

    fn mb(&self) -> f64 {
        self.jobs.first().map_or(0.0, |line| line.picture_bytes as f64 / 1e6)
    }
}
