//! What `cargo xtask bench` measures: the ledger against ceilings of the same machine in the same minute.

pub mod append;
pub mod bot;
pub mod ceiling;
pub mod console;
pub mod cpu;
pub mod findings;
pub mod generator;
pub mod in_process;
pub mod load;
pub mod notices;
pub mod peers;
pub mod read;
pub mod rebuild;
pub mod stand;
pub mod stats;

use anyhow::Result;

use crate::bulk::Size;
use append::Effort;
pub use findings::Findings;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Commands over NATS against the ceilings
    Append,
    /// The same work done as others do it
    Peers,
    /// Projections rebuilt from the log
    Replay,
    /// The same while commands come: --replay-10m
    Live,
    /// The log verified
    Verify,
    /// Notifications of YooKassa to their commit
    Notices,
    /// Jobs of the generator: --generator
    Generator,
    /// The bot with 1 000 people: --bot
    Bot,
    /// Pages of the console on a big log: --console
    Console,
}

#[derive(Debug)]
pub struct Options {
    pub quick: bool,
    /// All if empty.
    pub only: Vec<Part>,
    /// No events: the empty log alone.
    pub big: Size,
    /// Commands are not measured on the big one.
    pub empty_alone: bool,
    /// Commands in flight; all of [`append::IN_FLIGHT`] if empty.
    pub in_flight: Vec<usize>,
    /// Of the bot's memory, and nothing else.
    pub minutes: Option<u32>,
}

/// # Errors
/// A server does not start, or something that is measured fails.
pub fn run(options: &Options, say: &dyn Fn(&str)) -> Result<Findings> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let mut findings = Findings::default();
    if wanted(Part::Append) {
        let empty = Size { events: 0, accounts: 0 };
        let big = (options.big.events > 0 && !options.empty_alone).then_some(options.big);
        for size in [Some(empty), big].into_iter().flatten() {
            findings.append.push(append::measure(size, effort, &options.in_flight, say)?);
        }
    }
    if wanted(Part::Peers) {
        findings.peers = peers::measure(options.quick, say)?;
    }
    if wanted(Part::Replay) || wanted(Part::Verify) {
        findings.read = Some(read::measure(options.big, wanted(Part::Replay), wanted(Part::Verify), say)?);
    }
    if wanted(Part::Notices) {
        findings.notices = Some(notices::measure(options.quick, say)?);
    }
    // Only when asked for: it has little to do with the ledger.
    if options.only.contains(&Part::Generator) {
        findings.generator = Some(generator::measure(options.quick, say)?);
    }
    if options.only.contains(&Part::Bot) {
        let lasting = std::time::Duration::from_secs(if options.quick { 10 } else { 60 });
        match options.minutes {
            Some(minutes) => findings.bot_memory = Some(bot::measure_memory(minutes, say)?),
            None => findings.bot = Some(bot::measure(lasting, say)?),
        }
    }
    // Only when asked for: the logs that these are worth on take long to make.
    if options.only.contains(&Part::Console) {
        let each = if options.quick { 50 } else { 200 };
        findings.console = Some(console::measure(options.big, each, say)?);
    }
    if options.only.contains(&Part::Live) {
        findings.live = Some(rebuild::measure(options.big, say)?);
    }
    Ok(findings)
}
