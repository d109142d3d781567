//! What was found, as a table for people and as one object for scripts.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::append::AtSize;
use super::bot::{Bot, Memory};
use super::console::Console;
use super::generator::Generator;
use super::notices::Notices;
use super::peers::Peers;
use super::read::Read;
use super::rebuild::Live;
use super::stats::short;

#[derive(Debug, Default, Serialize)]
pub struct Findings {
    pub append: Vec<AtSize>,
    pub peers: Option<Peers>,
    pub read: Option<Read>,
    pub live: Option<Live>,
    pub notices: Option<Notices>,
    pub generator: Option<Generator>,
    pub bot: Option<Bot>,
    pub bot_memory: Option<Memory>,
    pub console: Option<Console>,
}

impl Findings {
    /// At most 80 columns.
    pub fn table(&self) -> String {
        let mut out = String::new();
        // Writing to a String can't fail.
        for at in &self.append {
            let _ = at_size(&mut out, at);
        }
        if let [empty, big] = self.append.as_slice() {
            let _ = kept(&mut out, empty, big);
        }
        if let Some(peers) = &self.peers {
            let _ = peers.print(&mut out);
        }
        if let Some(read) = &self.read {
            let _ = read.print(&mut out);
        }
        if let Some(live) = &self.live {
            let _ = live.print(&mut out);
        }
        if let Some(notices) = &self.notices {
            let _ = notices.print(&mut out);
        }
        if let Some(generator) = &self.generator {
            let _ = generator.print(&mut out);
        }
        if let Some(bot) = &self.bot {
            let _ = bot.print(&mut out);
        }
        if let Some(console) = &self.console {
            let _ = console.print(&mut out);
        }
        if let Some(memory) = &self.bot_memory {
            let _ = memory.print(&mut out);
        }
        out
    }

    /// # Errors
    /// Never in practice: it is plain JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        let mut whole = json!({});
        if let Some(first) = self.append.first() {
            let commands: Vec<_> = self.append.iter().flat_map(|at| &at.commands).collect();
            let logs: Vec<Value> = self.append.iter().map(AtSize::ceilings).collect();
            whole["append"] =
                json!({"ceiling_events_s": first.ceiling_events_s, "ceilings": logs, "commands": commands});
        }
        if let Some(peers) = &self.peers {
            whole["peers"] = serde_json::to_value(&peers.all)?;
        }
        if let Some(read) = &self.read {
            read.add_to(&mut whole);
        }
        if let Some(live) = &self.live {
            whole["replay_live"] = serde_json::to_value(live)?;
        }
        if let Some(notices) = &self.notices {
            whole["notices"] = serde_json::to_value(notices)?;
        }
        if let Some(generator) = &self.generator {
            whole["generator"] = serde_json::to_value(generator)?;
        }
        if let Some(bot) = &self.bot {
            whole["bot"] = serde_json::to_value(bot)?;
        }
        if let Some(memory) = &self.bot_memory {
            whole["bot_memory"] = serde_json::to_value(memory)?;
        }
        if let Some(console) = &self.console {
            whole["console"] = serde_json::to_value(console)?;
        }
        serde_json::to_string(&whole)
    }
}

fn at_size(out: &mut String, at: &AtSize) -> std::fmt::Result {
    writeln!(out, "\nA log of {} events, on which the ledger starts in {:.1} s", at.log_events, at.start_s)?;
    writeln!(
        out,
        "  ceiling, 1 connection × 1 000 events with keys and side rows  {}/s ({} to {})",
        short(at.ceiling_events_s),
        short(at.ceiling_min),
        short(at.ceiling_max)
    )?;
    writeln!(
        out,
        "  the same events alone  {}/s;  a single one, durable  {:.2} ms;  Postgres {:.0} µs/event",
        short(at.events_alone_s),
        at.single_ms,
        at.ceiling_cpu_us
    )?;
    for whole in [false, true] {
        let what = if whole { "whole" } else { "write path" };
        writeln!(
            out,
            "  {what:<11}{:>9}{:>10}{:>9}{:>9}  of ceiling       cpu µs",
            "cmd/s", "events/s", "p50 ms", "p99 ms"
        )?;
        for line in at.commands.iter().filter(|line| line.whole == whole) {
            let cpu: Vec<String> = line.cpu_us.iter().map(|us| format!("{us:.0}")).collect();
            writeln!(
                out,
                "  {:>11}{:>9}{:>10}{:>9.2}{:>9.2}  {:.2} ({:.2}-{:.2}) {}",
                line.in_flight,
                short(line.commands_s),
                short(line.events_s),
                line.p50_ms,
                line.p99_ms,
                line.of_ceiling,
                line.of_ceiling_min,
                line.of_ceiling_max,
                cpu.join("/")
            )?;
        }
    }
    writeln!(out, "  cpu µs: processor time of an event in ledger/postgres/nats/load")?;
    let round_trip = at.nats.first().map_or(0.0, |(_, _, p50)| *p50);
    let one = at.commands.iter().find(|line| line.in_flight == 1 && !line.whole);
    let ratio = one.map_or(0.0, |line| line.p50_ms / (round_trip + at.single_ms));
    writeln!(
        out,
        "  at 1 in flight p50 is {ratio:.2} × (NATS {round_trip:.2} ms + insert {:.2} ms)",
        at.single_ms
    )?;
    let trips: Vec<String> = at.nats.iter().map(|(n, rate, _)| format!("{n}: {}", short(*rate))).collect();
    writeln!(out, "  NATS round trips/s  {}", trips.join("  "))
}

fn kept(out: &mut String, empty: &AtSize, big: &AtSize) -> std::fmt::Result {
    writeln!(out, "\nKept of the rate from the empty to the big log")?;
    for whole in [false, true] {
        let of = |at: &AtSize, n| {
            at.commands.iter().find(|l| l.whole == whole && l.in_flight == n).map(|l| l.events_s)
        };
        let shares =
            super::append::IN_FLIGHT.into_iter().filter_map(|n| Some((n, of(big, n)? / of(empty, n)?)));
        let shares: Vec<String> = shares.map(|(n, share)| format!("{n}: {:.0} %", share * 100.0)).collect();
        writeln!(out, "  {:<11}{}", if whole { "whole" } else { "write path" }, shares.join("  "))?;
    }
    Ok(())
}
