//! `cargo xtask demo`: a person writes to the bot, tops up, asks for a picture and gets it; then the
//! ledger, the vendors' books and the file are asked whether it really was so.
//!
//! Nothing is taken on trust: events and sums come from psql, the vendors' side from the sandbox' `/books`,
//! the picture from `/files`, the log from `ledger verify`.

mod evidence;
mod person;
mod picture;
mod tell;
mod way;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use self::{
    evidence::{Balance, Event},
    person::{Line, Person},
    picture::Picture,
};
use crate::{
    machine::paths,
    up::{layout::Layout, state::State},
};

#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// Only the result, as one JSON object in the last line
    #[arg(long)]
    json: bool,
}

/// What the demo found, in the order of the last line's keys.
#[derive(Debug, Serialize)]
struct Report {
    prompt: String,
    transcript: Vec<Line>,
    events: Vec<Event>,
    balance: Balance,
    picture: Picture,
    vendor_books_agree: bool,
    log_verified: bool,
    seconds: f64,
}

pub fn demo(args: &DemoArgs) -> Result<()> {
    let begun = Instant::now();
    let layout = Layout::open()?;
    let state = State::running(&layout)?;
    let state = state.context("nothing is running; start it with `cargo xtask up` (or `up --detach`)")?;
    refuse_real_vendors(&state)?;
    let prompt = draw_prompt()?;
    let person = Person::new(state.ports.sandbox, draw_person()?, !args.json);
    let mut stage = way::Stage { layout: &layout, person };
    let way = way::walk(&mut stage, &prompt)?;
    let mut problems = Vec::new();

    let ledger = evidence::Ledger::open(&layout, &state)?;
    let rows = ledger.events_when_delivered(stage.person.id())?;
    let balance = evidence::balance(&rows);
    let books = evidence::books(state.ports.sandbox, &rows, &way, &prompt);
    problems.extend(books.iter().map(|problem| format!("the vendors' books do not agree: {problem}")));
    let verified = ledger.verify();
    problems.extend(verified.as_ref().err().map(|error| format!("the log is not verified: {error:#}")));
    problems.extend(evidence::expectations(&rows));

    if !args.json {
        tell::account(&rows, &balance);
        tell::proofs(&way.picture, &books, &verified);
    }
    let who = stage.person.id();
    let report = Report {
        prompt,
        transcript: stage.person.into_transcript(),
        events: rows.iter().map(evidence::Row::event).collect(),
        balance,
        picture: way.picture,
        vendor_books_agree: books.is_empty(),
        log_verified: verified.is_ok(),
        seconds: (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
    };
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("\nIt took {:.1} s. This person again:", report.seconds);
        println!("  cargo xtask ledger statement telegram:{who}");
    }
    if !problems.is_empty() {
        bail!("the demo found what should not be:\n  - {}", problems.join("\n  - "));
    }
    Ok(())
}

fn refuse_real_vendors(state: &State) -> Result<()> {
    let sandboxed = state.sandboxed;
    let real =
        [("Telegram", sandboxed.telegram), ("YooKassa", sandboxed.yookassa), ("Gemini", sandboxed.gemini)];
    let real: Vec<&str> = real.into_iter().filter(|(_, is)| !is).map(|(name, _)| name).collect();
    if !real.is_empty() {
        bail!(
            "the demo plays through the sandbox, but {} is the real one here; \
             start the system without its key to play it",
            real.join(", ")
        );
    }
    Ok(())
}

/// A person nobody has met: a number as Telegram gives them today.
fn draw_person() -> Result<i64> {
    Ok(5_000_000_000 + i64::from_str_radix(&paths::random_hex(3)?, 16)?)
}

/// A picture nobody has asked for.
fn draw_prompt() -> Result<String> {
    const WHAT: [&str; 8] =
        ["lighthouse", "teapot", "fox", "orchard", "sailing boat", "night train", "greenhouse", "whale"];
    const HOW: [&str; 8] = ["copper", "paper", "frosted", "mossy", "velvet", "glass", "sunlit", "woven"];
    const WHERE: [&str; 8] = [
        "above the clouds",
        "in a tide pool",
        "under a violet sky",
        "on a chessboard",
        "in the first snow",
        "by an old mill",
        "among sunflowers",
        "at the edge of a map",
    ];
    let random = u64::from_str_radix(&paths::random_hex(7)?, 16)?;
    let pick =
        |words: [&'static str; 8], shift: u32| words[usize::try_from(random >> shift & 7).unwrap_or(0)];
    Ok(format!("a {} {} {}, number {}", pick(HOW, 0), pick(WHAT, 3), pick(WHERE, 6), random >> 9 & 0xff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_and_people_are_new_each_time() {
        assert_ne!(draw_prompt().unwrap(), draw_prompt().unwrap());
        assert!(draw_person().unwrap() >= 5_000_000_000);
    }
}
