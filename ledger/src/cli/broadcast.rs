//! `ledger broadcast`: words to many.
//!
//! Written down first, with its recipients, who are counted and shown before anybody agrees to send it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use proto_events::commands::{
    BroadcastDraft, BroadcastFinish, BroadcastPause, BroadcastStart, Command, Segment,
};
use proto_events::queries::{BroadcastDrafted, BroadcastState, BroadcastView};
use proto_events::{AccountId, CommandId, Text};
use secrecy::ExposeSecret as _;
use service::config::Env;
use sqlx::PgPool;

use super::content::{self, Parts};
use super::money::agreed;
use super::operator::{self, Manner};
use super::out::{self, say, tell};
use super::table::{left, right, rule};
use crate::books::moscow::date_time;
use crate::books::words::{count, word};
use crate::queries::broadcast_view;
use crate::{config, store};

/// Of all that were written down.
const SHOWN_MAX: i64 = 100;
/// Between two looks at one that is being sent.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub enum Broadcast {
    /// Write one down and count its recipients; sends nothing.
    Draft(Draft),
    /// Send it, or go on with a paused one.
    Start(One),
    /// Stop sending it; `start` goes on.
    Pause(Ended),
    /// End it; whoever is left is not told.
    Finish(One),
    /// All that were written down, the newest first.
    List {
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// One, with its words and how far it is.
    Show {
        id: String,
        /// Look on until it is finished.
        #[arg(long)]
        follow: bool,
        /// Print one JSON object.
        #[arg(long, conflicts_with = "follow")]
        json: bool,
    },
}

#[derive(Args)]
pub struct Draft {
    /// everybody, payers, never-paid, language:ru,
    /// active:30 or quiet:30 (asked for something, or
    /// nothing, in the last 30 days)
    #[arg(long, value_name = "WHOM", verbatim_doc_comment)]
    to: String,
    /// Telegram's HTML; - reads the standard input.
    text: Option<String>,
    /// The text is in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
    /// What to call it; replaces a draft of this name.
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    parts: Parts,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct One {
    id: String,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Args)]
pub struct Ended {
    id: String,
    /// Why; stays in the log, so it must name nobody.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    manner: Manner,
}

pub async fn run(what: Broadcast) -> anyhow::Result<ExitCode> {
    if let Broadcast::Draft(wish) = &what {
        return draft(wish).await;
    }
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    match what {
        Broadcast::Draft(_) => Ok(ExitCode::SUCCESS),
        Broadcast::Start(wish) => start(&pool, &wish).await,
        Broadcast::Pause(wish) => pause(&pool, &wish).await,
        Broadcast::Finish(wish) => finish(&pool, &wish).await,
        Broadcast::List { json } => list(&pool, json).await,
        Broadcast::Show { id, follow, json } => show(&pool, &id, follow, json).await,
    }
}

async fn draft(wish: &Draft) -> anyhow::Result<ExitCode> {
    let content = wish.parts.content(content::text(wish.text.as_deref(), wish.text_file.as_ref())?)?;
    let segment = segment(&wish.to)?;
    let name = wish.id.clone().unwrap_or_else(|| format!("b-{:08x}", uuid::Uuid::new_v4().as_fields().0));
    let broadcast = Text::new(name).context("--id is at most 64 characters")?;
    let command =
        BroadcastDraft { broadcast: broadcast.clone(), segment, content: content.clone(), instead_of: None };
    let ledger = operator::ledger().await?;
    let id = service::ledger::operation_id("broadcast_draft", &broadcast)?;
    let account = proto_events::envelope::AccountRef::Id(AccountId::OPERATIONS);
    let drafted: BroadcastDrafted = ledger.operate(id, account, command.into()).await?.result()?;
    if wish.json {
        say!("{}", serde_json::to_string(&drafted)?)?;
    } else {
        let people = count(drafted.recipients.into(), "recipient");
        out::text(format_args!("{}", content::paper(&content)))?;
        say!("Written down for {people}. To send it:\n  ledger broadcast start {broadcast}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn segment(text: &str) -> anyhow::Result<Segment> {
    text.parse().with_context(|| format!("--to {text:?}"))
}

async fn find(pool: &PgPool, id: &str) -> anyhow::Result<BroadcastView> {
    let found = store::broadcasts(pool, Some(id), 1).await?.into_iter().find_map(broadcast_view);
    found.with_context(|| format!("no broadcast is called {id:?}; `ledger broadcast list` shows them"))
}

fn left_of(view: &BroadcastView) -> u32 {
    view.recipients.saturating_sub(view.sent + view.failed + view.blocked)
}

async fn start(pool: &PgPool, wish: &One) -> anyhow::Result<ExitCode> {
    let view = find(pool, &wish.id).await?;
    if !matches!(view.state, BroadcastState::Draft | BroadcastState::Paused) {
        bail!("{} is {}: there is nothing to start", view.broadcast, word(&view.state));
    }
    if !wish.manner.json {
        out::text(format_args!("{}", paper(&view)))?;
    }
    let people = count(left_of(&view).into(), "recipient");
    let (broadcast, recipients) = (view.broadcast.clone(), view.recipients);
    let command = BroadcastStart { broadcast, recipients, drafted_at: Some(view.drafted_at) };
    decide(&wish.manner, "start", &format!("It is sent to {people} now."), command.into()).await
}

async fn pause(pool: &PgPool, wish: &Ended) -> anyhow::Result<ExitCode> {
    let view = find(pool, &wish.id).await?;
    let reason = Text::new(wish.reason.as_str()).context("--reason is at most 500 characters")?;
    let command = BroadcastPause { broadcast: view.broadcast.clone(), reason };
    // No harm: `start` goes on.
    let manner = Manner { yes: true, operator: wish.manner.operator.clone(), json: wish.manner.json };
    decide(&manner, "pause", "", command.into()).await
}

async fn finish(pool: &PgPool, wish: &One) -> anyhow::Result<ExitCode> {
    let view = find(pool, &wish.id).await?;
    if !wish.manner.json {
        out::text(format_args!("{}", paper(&view)))?;
    }
    let left = left_of(&view);
    let BroadcastView { broadcast, sent, failed, blocked, .. } = view;
    let people = count(left.into(), "recipient");
    let command = BroadcastFinish { broadcast, sent, failed, blocked };
    decide(&wish.manner, "finish", &format!("It ends for good; {people} will not be told."), command.into())
        .await
}

async fn decide(manner: &Manner, act: &str, what: &str, command: Command) -> anyhow::Result<ExitCode> {
    if !agreed(what, manner.yes, manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    let id = CommandId::new(format!("broadcast_{act}:{}", uuid::Uuid::new_v4().simple()))?;
    let who = operator::named(manner.operator.as_deref());
    let done = operator::act(&who, id, AccountId::OPERATIONS, command).await?;
    if manner.json {
        let types: Vec<&str> = done.events.iter().map(|event| event.r#type.as_str()).collect();
        say!("{}", serde_json::json!({"position": done.position, "events": types}))?;
    } else {
        say!("Done, at {}.", operator::places(&done))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(pool: &PgPool, json: bool) -> anyhow::Result<ExitCode> {
    let all: Vec<BroadcastView> =
        store::broadcasts(pool, None, SHOWN_MAX).await?.into_iter().filter_map(broadcast_view).collect();
    if json {
        say!("{}", serde_json::to_string(&all)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        say!("No broadcast was written down yet.")?;
        return Ok(ExitCode::SUCCESS);
    }
    out::text(format_args!("{}", table(&all)))?;
    Ok(ExitCode::SUCCESS)
}

fn table(all: &[BroadcastView]) -> String {
    let row = |cells: [&str; 7]| {
        let [id, state, when, people, sent, failed, blocked] = cells;
        let numbers = [people, sent, failed, blocked].map(|n| right(n, 8)).join("");
        format!("{} {} {}{numbers}\n", left(id, 18), left(state, 9), left(when, 16)).trim_end().to_owned()
            + "\n"
    };
    let mut out = row(["broadcast", "state", "written down", "people", "sent", "failed", "blocked"]);
    out += &rule();
    out.push('\n');
    for view in all {
        let numbers = [view.recipients, view.sent, view.failed, view.blocked].map(|n| n.to_string());
        let [people, sent, failed, blocked] = numbers.each_ref().map(String::as_str);
        let when = date_time(view.drafted_at.get());
        let state = word(&view.state);
        out +=
            &row([&view.broadcast, &state, when.get(..16).unwrap_or(&when), people, sent, failed, blocked]);
    }
    out
}

async fn show(pool: &PgPool, id: &str, follow: bool, json: bool) -> anyhow::Result<ExitCode> {
    let mut view = find(pool, id).await?;
    if json {
        say!("{}", serde_json::to_string(&view)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    out::text(format_args!("{}", paper(&view)))?;
    let mut said = String::new();
    while follow && view.state != BroadcastState::Finished {
        tokio::time::sleep(LOOK).await;
        view = find(pool, id).await?;
        let now = progress(&view);
        if now != said {
            tell!("{now}");
            said = now;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn progress(view: &BroadcastView) -> String {
    format!(
        "{}: {} of {} sent, {} failed, {} blocked, {} left",
        word(&view.state),
        view.sent,
        view.recipients,
        view.failed,
        view.blocked,
        left_of(view)
    )
}

fn paper(view: &BroadcastView) -> String {
    let to = match &view.segment {
        Segment::Everybody => "everybody".to_owned(),
        Segment::Language(language) => format!("who is spoken to in {language}"),
        Segment::Payers => "who has topped up".to_owned(),
        Segment::NeverPaid => "who has never topped up".to_owned(),
        Segment::Active { days } => format!("who asked for something in {}", count((*days).into(), "day")),
        Segment::Quiet { days } => format!("who asked for nothing in {}", count((*days).into(), "day")),
    };
    let mut out = format!("Broadcast {}, for {to}\n", view.broadcast);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "written down {}", date_time(view.drafted_at.get()));
    let _ = writeln!(out, "{}\n{}", progress(view), rule());
    out += &content::paper(&view.content);
    out
}

#[cfg(test)]
mod tests {
    use proto_events::commands::MessageContent;

    use super::*;

    #[test]
    fn broadcasts_fit_their_paper() {
        let view = BroadcastView {
            broadcast: Text::lossy(&"b".repeat(64)),
            state: BroadcastState::Finished,
            segment: Segment::Quiet { days: 365 },
            content: MessageContent {
                text: Some(Text::lossy(&"word ".repeat(100))),
                ..MessageContent::default()
            },
            recipients: 10_000_000,
            sent: 9_000_000,
            failed: 100_000,
            blocked: 900_000,
            drafted_at: 1_795_294_798_000_000_i64.try_into().unwrap(),
            changed: proto_events::Position::ZERO,
        };
        let text =
            table(std::slice::from_ref(&view)) + &paper(&view).lines().skip(1).collect::<Vec<_>>().join("\n");
        let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, Vec::<&str>::new());
        assert!(text.contains("9000000 of 10000000 sent") && text.contains("0 left"), "{text}");
    }

    #[test]
    fn whom_it_is_for_is_read_or_refused() {
        assert_eq!(segment("active:30").unwrap(), Segment::Active { days: 30 });
        assert_eq!(segment("language:ru").unwrap(), Segment::Language(Text::lossy("ru")));
        for bad in ["", "all", "active", "active:0", "quiet:x", "language:far-too-long"] {
            assert!(segment(bad).is_err(), "{bad:?} was taken");
        }
    }
}
