//! `ledger republish`: a fresh event stream from a position on.
//!
//! It only writes the wish down: the leader, which may be anywhere, deletes the stream and makes it
//! again, and its relay fills it. So it works beside a running leader, and before one runs.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::subjects::CONSUMERS;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use service::config::Env;
use sqlx::PgPool;

use super::out::{self, say, tell};
use crate::books::words::count;
use crate::{config, store};

/// A leader looks for wishes once a second; a take-over takes 5 s.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub struct Wish {
    /// Its first event; at most one behind the log's end.
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(1..))]
    from: i64,
    /// Show the consumers what they have done, too. They ask
    /// the ledger before they act: nothing is done twice
    #[arg(long, verbatim_doc_comment)]
    again: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object; needs --yes.
    #[arg(long)]
    json: bool,
}

/// What will be, or is.
#[derive(Debug, Serialize)]
struct Plan {
    from: i64,
    /// The end of the log.
    head: i64,
    /// Events that the stream will hold.
    events: i64,
    consumers: Vec<Seen>,
    /// The leader has made the stream.
    done: bool,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Seen {
    consumer: &'static str,
    done_through: i64,
    /// The position from which on it is shown events.
    shown_from: i64,
    /// Events in here, not done and not in the stream: left to the adapter's own sweep of the ledger.
    not_shown: Option<(i64, i64)>,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let mut plan = plan(&pool, &wish).await?;
    if !wish.json {
        print(&plan)?;
    }
    if !wish.yes && !agreed(wish.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    let request = store::ask_republish(&pool, wish.from, wish.again).await?;
    plan.done = wait_for_leader(&pool, request).await?;
    if wish.json {
        say!("{}", serde_json::to_string(&plan)?)?;
    } else if plan.done {
        say!("The stream is made again; the metric ledger_relay_lag tells when it is filled.")?;
    }
    if plan.done {
        return Ok(ExitCode::SUCCESS);
    }
    tell!("ledger: no leader has done it for {} s; one will as soon as it can", PATIENCE.as_secs());
    Ok(ExitCode::from(2))
}

async fn plan(pool: &PgPool, wish: &Wish) -> anyhow::Result<Plan> {
    let from = wish.from;
    let head = store::head(pool).await?.position;
    if from > head + 1 {
        bail!("the log ends at position {head}: --from can be at most {}", head + 1);
    }
    let done = store::done_through(pool).await?;
    let seen = |name: &'static str| {
        let through = done.iter().find(|(who, _)| who == name).map_or(0, |(_, at)| *at);
        seen(name, through, from, wish.again)
    };
    let consumers = CONSUMERS.iter().map(|(producer, _)| seen(producer.as_str())).collect();
    Ok(Plan { from, head, events: head + 1 - from, consumers, done: false })
}

fn seen(consumer: &'static str, done_through: i64, from: i64, again: bool) -> Seen {
    let shown_from = if again { from } else { from.max(done_through + 1) };
    let not_shown = (done_through + 1 < from).then_some((done_through + 1, from - 1));
    Seen { consumer, done_through, shown_from, not_shown }
}

fn print(plan: &Plan) -> anyhow::Result<()> {
    say!("The event stream is deleted and made again from position {} on:", plan.from)?;
    say!("{}, to the end of the log at {}.\n", count(plan.events, "event"), plan.head)?;
    say!("{:<12} {:>14}   is then shown", "consumer", "done through")?;
    for seen in &plan.consumers {
        say!("{:<12} {:>14}   from {} on", seen.consumer, seen.done_through, seen.shown_from)?;
        if let Some((first, last)) = seen.not_shown {
            say!("{:27}   NOT {first} to {last}: its sweep finds what is open", "")?;
        }
    }
    say!("\nConsumers know events by position and ask the ledger before they act.")
}

/// Asks on a terminal.
fn agreed(json: bool) -> anyhow::Result<bool> {
    if json || !std::io::stdin().is_terminal() {
        bail!("this deletes the event stream: say --yes if you mean it");
    }
    out::text(format_args!("Go on? [y/N] "))?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said)?;
    Ok(["y", "yes"].contains(&said.trim().to_lowercase().as_str()))
}

async fn wait_for_leader(pool: &PgPool, request: i64) -> anyhow::Result<bool> {
    let end = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < end {
        if store::is_republish_done(pool, request).await? {
            return Ok(true);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_goes_on_after_what_it_has_done_unless_it_is_to_see_it_again() {
        let shown = |through, from, again| {
            let seen = seen("telegram", through, from, again);
            (seen.shown_from, seen.not_shown)
        };
        assert_eq!(shown(50, 10, false), (51, None));
        assert_eq!(shown(50, 10, true), (10, None));
        assert_eq!(shown(50, 51, false), (51, None));
        assert_eq!(shown(50, 60, false), (60, Some((51, 59))));
    }
}
