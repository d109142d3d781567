//! The bot: how soon it answers, how much at once, whether anything gets lost or comes twice, and its memory.
//!
//! Of an update: from the moment a person sends it until the first that they see of the answer, a message or the change of
//! one (that a button stops spinning is no answer). The ceiling of the same run is a bot that knows nobody and answers
//! everything with one message ([`bare`]). Aims: p99 under 300 ms at 300 updates/s, a burst of 20 × that without loss, no
//! growth of memory over ten minutes.

mod bare;
mod ear;
mod load;
mod person;
mod town;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde::Serialize;

use self::bare::Bare;
use self::load::Played;
use self::person::Person;
use self::town::{Town, WHO};
use super::stats::short;
use crate::dice::Dice;

const PEOPLE: usize = 1_000;
const PER_S: [u32; 2] = [100, 300];
/// As many as Telegram delivers at once.
const AT_ONCE: usize = 40;
/// Of 300 a second, 20 times.
const BURST_EACH: usize = 6;
/// Parts of a long run, between which memory is looked at.
const PARTS: u32 = 10;

#[derive(Debug, Clone, Serialize)]
pub struct Bot {
    pub people: usize,
    pub bare: Played,
    pub at_once: Played,
    pub arriving: Vec<(u32, Played)>,
    pub burst: Burst,
    /// MB resident: when it had answered everybody's first word, then after each part of the longest run.
    pub resident_mb: Vec<f64>,
    pub most_mb: f64,
}

/// Everybody at the same moment.
#[derive(Debug, Clone, Serialize)]
pub struct Burst {
    pub updates: usize,
    /// Until Telegram had taken all, and until the last was answered.
    pub sent_s: f64,
    pub answered_s: f64,
    pub lost: usize,
    pub doubled: usize,
}

/// `lasting`: of each rate; the last rate is measured in parts.
///
/// # Errors
/// A service does not start, or the measurement itself fails; what the bot loses is counted.
pub fn measure(lasting: Duration, say: &dyn Fn(&str)) -> Result<Bot> {
    let mut town = Town::open()?;
    let bare = Bare::start(&town)?;
    say("a bare bot");
    let mut few = town.people(AT_ONCE)?;
    let bare_played = load::at_once(&mut town, &mut few, lasting / 6)?;
    bare.stop(&town)?;
    town.start_bot()?;
    say(&format!("{PEOPLE} people say /start"));
    let mut people = town.people(PEOPLE)?;
    town.at_rest()?;
    let mut resident_mb = vec![town.resident("VmRSS")?];
    say(&format!("{AT_ONCE} people at once"));
    let at_once = load::at_once(&mut town, &mut people[..AT_ONCE], lasting / 6)?;
    let (mut dice, mut arriving) = (Dice::seeded(6), Vec::new());
    for per_s in PER_S {
        say(&format!("{per_s} updates a second for {} s", lasting.as_secs()));
        arriving.push((per_s, load::arriving(&mut town, &mut people, per_s, lasting, &mut dice)?));
        resident_mb.push(town.resident("VmRSS")?);
    }
    say(&format!("{} updates at once", PEOPLE * BURST_EACH));
    let burst = burst(&town, &mut people)?;
    resident_mb.push(town.resident("VmRSS")?);
    let most_mb = town.resident("VmHWM")?;
    for (asked, told) in [("GenerationRequested", "GenerationDelivered"), ("PaymentOpened", "PaymentSettled")]
    {
        let (asked_n, told_n) = (town.count(asked)?, town.count(told)?);
        ensure!(asked_n == told_n, "{asked_n} × {asked}, but {told_n} × {told}");
    }
    town.stage.assert_verified();
    Ok(Bot { people: PEOPLE, bare: bare_played, at_once, arriving, burst, resident_mb, most_mb })
}

/// One rate for so long, memory looked at ten times on the way; everything else is left out.
///
/// # Errors
/// As [`measure`].
pub fn measure_memory(minutes: u32, say: &dyn Fn(&str)) -> Result<Memory> {
    let mut town = Town::open()?;
    town.start_bot()?;
    say(&format!("{PEOPLE} people say /start"));
    let mut people = town.people(PEOPLE)?;
    let mut dice = Dice::seeded(6);
    let part = Duration::from_secs(60) * minutes / PARTS;
    let mut memory = Memory { minutes, per_s: PER_S[1], resident_mb: Vec::new(), lost: 0, doubled: 0 };
    for n in 1..=PARTS {
        let played = load::arriving(&mut town, &mut people, memory.per_s, part, &mut dice)?;
        memory.resident_mb.push(town.resident("VmRSS")?);
        memory.lost += played.lost;
        memory.doubled += played.doubled;
        say(&format!(
            "part {n} of {PARTS}: {:.0} MB, p99 {:.0} ms",
            town.resident("VmRSS")?,
            played.reply.p99
        ));
    }
    Ok(memory)
}

#[derive(Debug, Clone, Serialize)]
pub struct Memory {
    pub minutes: u32,
    pub per_s: u32,
    /// Resident MB after each tenth.
    pub resident_mb: Vec<f64>,
    pub lost: usize,
    pub doubled: usize,
}

fn burst(town: &Town, people: &mut [Person]) -> Result<Burst> {
    let begun = Instant::now();
    let bursts = people.iter_mut().map(|person| async move {
        person.quiet();
        person.write_many(BURST_EACH).await?;
        anyhow::Ok(person)
    });
    let waiting = town.stage.rt.block_on(try_join_all(bursts))?;
    let sent_s = begun.elapsed().as_secs_f64();
    let answered = waiting.into_iter().map(|person| person.answered(BURST_EACH));
    let answered = town.stage.rt.block_on(futures_util::future::join_all(answered));
    let answered_s = begun.elapsed().as_secs_f64();
    let lost = answered.into_iter().sum();
    town.at_rest()?;
    town.ear.heard_all()?;
    Ok(Burst { updates: people.len() * BURST_EACH, sent_s, answered_s, lost, doubled: load::strays(people) })
}

impl Bot {
    /// # Errors
    /// Never: it writes to a String.
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\nThe bot, {} people: ms from an update to the first that is seen of its",
            self.people
        )?;
        writeln!(out, "answer")?;
        writeln!(
            out,
            "  {:<22}{:>10}{:>9}{:>8}{:>8}{:>8}{:>6}{:>6}",
            "", "updates/s", "of bare", "p50", "p99", "max", "lost", "twice"
        )?;
        line(out, &format!("bare, {AT_ONCE} at once"), &self.bare, None)?;
        line(out, &format!("commands, {AT_ONCE} at once"), &self.at_once, Some(&self.bare))?;
        for (per_s, played) in &self.arriving {
            line(out, &format!("all kinds, {per_s}/s"), played, None)?;
        }
        if let Some((per_s, played)) = self.arriving.last() {
            for (act, (count, times)) in &played.by_act {
                let what = format!("{act} × {}", short(*count as f64));
                writeln!(out, "    {what:<39}{:>8.0}{:>8.0}{:>8.0}", times.p50, times.p99, times.max)?;
            }
            let whole = played.whole.iter().map(|(act, t)| format!("{act} {:.0}, {:.0}", t.p50, t.p99));
            writeln!(out, "    to the end, p50, p99: {}", whole.collect::<Vec<_>>().join("; "))?;
            let of: Vec<String> =
                WHO.iter().zip(played.cpu_ms).map(|(who, ms)| format!("{who} {ms:.1}")).collect();
            writeln!(out, "  processor ms of an update at {per_s}/s:")?;
            writeln!(out, "    {}", of.join(", "))?;
            if played.crowded > 0 {
                writeln!(out, "  {} found everybody still waiting", played.crowded)?;
            }
        }
        let Burst { updates, sent_s, answered_s, lost, doubled } = &self.burst;
        writeln!(
            out,
            "  {} updates in {sent_s:.1} s: answered in {answered_s:.1} s, {:.0}/s, {lost} lost, {doubled} twice",
            short(*updates as f64),
            *updates as f64 / answered_s
        )?;
        let mb: Vec<String> = self.resident_mb.iter().map(|mb| format!("{mb:.0}")).collect();
        writeln!(out, "  MB resident {}; at the most {:.0}", mb.join(", "), self.most_mb)
    }
}

impl Memory {
    /// # Errors
    /// Never: it writes to a String.
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        let mb: Vec<String> = self.resident_mb.iter().map(|mb| format!("{mb:.0}")).collect();
        writeln!(out, "\nThe bot at {} updates/s for {} minutes", self.per_s, self.minutes)?;
        writeln!(out, "  MB resident after each tenth: {}", mb.join(" "))?;
        writeln!(out, "  {} lost, {} twice", self.lost, self.doubled)
    }
}

fn line(out: &mut String, what: &str, played: &Played, bare: Option<&Played>) -> std::fmt::Result {
    let of = bare.map_or(String::new(), |bare| format!("{:.2}", played.updates_s / bare.updates_s));
    writeln!(
        out,
        "  {what:<22}{:>10}{of:>9}{:>8.0}{:>8.0}{:>8.0}{:>6}{:>6}",
        short(played.updates_s),
        played.reply.p50,
        played.reply.p99,
        played.reply.max,
        played.lost,
        played.doubled
    )
}
