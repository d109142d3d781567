//! `ledger replay`: projections made anew from the log, beside a running `serve`.
//!
//! It fills new tables itself and compares them with those that are read. What is read changes only by the
//! leader, which is asked in the registry and appends ProjectionSwapped.

mod say;

pub(super) use say::grouped;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use service::config::Env;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::out::{say, tell};
use crate::config;
use crate::projections::{
    self, BuildError, Canceled, Definition, Desk, Diff, Held, Instance, Kept, Rebuild, State, Way,
};

/// A leader looks for wishes four times a second; a take-over takes 5 s.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);
/// How often progress is printed: on a terminal, and else.
const BAR: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["name", "all"]))]
#[command(group = clap::ArgGroup::new("what").args(["swap", "diff_only", "back", "forward", "cancel"]))]
pub struct Wish {
    /// The projection; `ledger projections` lists them.
    name: Option<String>,
    /// All projections, in one pass over the log.
    #[arg(long)]
    all: bool,
    /// Read the new one from now on; the old is kept for --back.
    #[arg(long)]
    swap: bool,
    /// Only say what differs: keep nothing.
    #[arg(long)]
    diff_only: bool,
    /// Read the build before again, which a swap has kept. It
    /// is brought up to date, not rebuilt; said twice, it
    /// is refused
    #[arg(long, verbatim_doc_comment)]
    back: bool,
    /// After --back: read the newer build again, in the same way.
    #[arg(long)]
    forward: bool,
    /// Stop a rebuild, or drop one that was not swapped in.
    #[arg(long)]
    cancel: bool,
    /// Events a second at most; else it rests while the log grows.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(conflicts_with_all = ["back", "forward", "cancel"])]
    max_rate: Option<u32>,
    /// Do not ask before a swap.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object; what changes needs --yes then.
    #[arg(long)]
    json: bool,
    /// Say how far it is also where there is no terminal.
    #[arg(long, short)]
    verbose: bool,
}

/// What became of one projection.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    name: &'static str,
    /// The new instance, or the one that was kept.
    instance: Option<String>,
    /// What was read until it was swapped in.
    from: Option<String>,
    events: i64,
    seconds: f64,
    events_s: i64,
    /// Against the one that is read. None: it could not be compared.
    diff: Option<Diff>,
    swapped: bool,
    /// The ledger that was swapping it in is gone, and perhaps the log says it already: the next one ends it.
    left_to_next: bool,
    error: Option<String>,
}

impl Outcome {
    fn of(definition: &'static Definition) -> Self {
        let (instance, from, diff, error) = (None, None, None, None);
        let name = definition.name;
        let (swapped, left_to_next) = (false, false);
        Self {
            name,
            instance,
            from,
            events: 0,
            seconds: 0.0,
            events_s: 0,
            diff,
            swapped,
            left_to_next,
            error,
        }
    }
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool = projections::connect_patient(url.expose_secret())
        .await
        .context("can't reach Postgres by DATABASE_URL")?;
    #[cfg(feature = "crash-points")]
    service::crash::arm();
    let definitions = chosen(&wish)?;
    if (wish.swap || wish.way().is_some()) && !wish.yes && (wish.json || !std::io::stdin().is_terminal()) {
        bail!("what is read would change: say --yes where nobody can be asked");
    }
    if wish.cancel {
        return cancel(&pool, &definitions, wish.json).await;
    }
    let outcomes = match wish.way() {
        Some(way) => exchange(&pool, &definitions, way, wish.yes).await?,
        None => replay(&pool, &definitions, &wish).await?,
    };
    if wish.json {
        say!("{}", serde_json::json!({ "projections": outcomes }))?;
    } else {
        say::outcomes(&outcomes, &wish)?;
    }
    let wrong = |o: &Outcome| {
        o.error.is_some() || (!o.swapped && o.diff.as_ref().is_some_and(|diff| diff.count() > 0))
    };
    Ok(if outcomes.iter().any(wrong) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

impl Wish {
    /// Between what is read and what is kept.
    fn way(&self) -> Option<Way> {
        self.back.then_some(Way::Back).or(self.forward.then_some(Way::Forward))
    }
}

fn chosen(wish: &Wish) -> anyhow::Result<Vec<&'static Definition>> {
    let Some(name) = &wish.name else { return Ok(projections::ALL.to_vec()) };
    let definition = projections::find(name)
        .with_context(|| format!("there is no projection {name}: `ledger projections` lists them"))?;
    Ok(vec![definition])
}

async fn replay(
    pool: &PgPool,
    definitions: &[&'static Definition],
    wish: &Wish,
) -> anyhow::Result<Vec<Outcome>> {
    let stop = service::shutdown::token();
    let rebuild = Rebuild::begin(pool.clone(), definitions, wish.max_rate, stop.clone()).await?;
    let (desks, begun) = (rebuild.desks(), Instant::now());
    let bar = tokio::spawn(watch(desks, wish.verbose, wish.json, stop.clone()));
    let made = rebuild.run().await;
    let seconds = begun.elapsed().as_secs_f64();
    bar.abort();
    say::clear();
    let mut outcomes = Vec::new();
    for made in made {
        let mut outcome = Outcome { seconds, ..Outcome::of(made.definition) };
        match made.outcome {
            Ok(held) => {
                outcome.events = held.instance.position;
                outcome.events_s = (outcome.events as f64 / seconds.max(0.001)) as i64;
                outcome.instance = Some(held.instance.tables().name().to_owned());
                let done = finish(pool, made.definition, held, wish, &mut outcome, &stop).await;
                outcome.error = done.err().map(|error| format!("{error:#}"));
            }
            Err(error) => outcome.error = Some(error.to_string()),
        }
        outcomes.push(outcome);
    }
    if stop.is_cancelled() {
        bail!(canceled(&outcomes));
    }
    Ok(outcomes)
}

/// What is left though it was canceled.
fn canceled(outcomes: &[Outcome]) -> String {
    let names = |of: fn(&Outcome) -> bool| {
        outcomes.iter().filter(|o| of(o)).map(|o| o.name).collect::<Vec<_>>().join(", ")
    };
    let (swapped, left) = (names(|o| o.swapped), names(|o| o.left_to_next));
    if swapped.is_empty() && left.is_empty() {
        return "canceled; nothing was left behind".to_owned();
    }
    let mut said = "canceled; of others nothing was left behind".to_owned();
    for (what, names) in
        [("these are read anew", swapped), ("the next ledger that leads swaps these in", left)]
    {
        if !names.is_empty() {
            said += &format!("; {what}: {names}");
        }
    }
    said
}

/// Compares the new instance, and swaps it in, keeps it or drops it, as was wished.
async fn finish(
    pool: &PgPool,
    definition: &'static Definition,
    held: Held,
    wish: &Wish,
    outcome: &mut Outcome,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let instance = held.instance.clone();
    let compared = held.compare(definition, stop).await;
    if compared.is_err() || wish.diff_only {
        held.discard().await?;
        outcome.diff = compared?;
        return Ok(());
    }
    outcome.diff = compared?;
    let wanted = wish.swap
        && (wish.yes || say::agreed(&say::new(definition.name, outcome.diff.as_ref()), stop).await?);
    if stop.is_cancelled() {
        held.discard().await?;
        bail!(BuildError::Canceled);
    }
    if !wanted {
        return Ok(held.let_go().await?);
    }
    let live = projections::find_instance(pool, definition.name, State::Live).await?;
    outcome.from = live.map(|live| live.tables().name().to_owned());
    if !held.wish().await? {
        bail!(BuildError::Lost);
    }
    swapped(pool, &instance, stop, outcome).await
}

/// Waits until the leader has swapped it in.
async fn swapped(
    pool: &PgPool,
    wished: &Instance,
    stop: &CancellationToken,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let name = wished.tables().name().to_owned();
    let mut end = Instant::now() + PATIENCE;
    loop {
        let all = projections::instances(pool).await?;
        let now = all.into_iter().find(|i| i.name == wished.name && i.instance == wished.instance);
        let now = now.context("it was dropped by somebody else")?;
        match (now.state, &now.wish_refused, now.wished_at) {
            (State::Live, ..) => {
                outcome.swapped = true;
                return Ok(());
            }
            (_, Some(why), _) => bail!("not swapped: {why}"),
            (_, _, None) => bail!("not swapped: somebody else took the wish back"),
            _ => {}
        }
        if now.is_worked_on() {
            end = Instant::now() + PATIENCE;
        }
        let over = stop.is_cancelled() || Instant::now() > end;
        if over && projections::take_back_wish(pool, wished).await? {
            break;
        }
        if over && now.is_taken_up() && !now.is_worked_on() {
            outcome.left_to_next = true;
            bail!(
                "not swapped yet: the ledger that was swapping {name} in is gone; the next one that leads ends it"
            );
        }
        tokio::time::sleep(LOOK).await;
    }
    if !stop.is_cancelled() {
        let seconds = PATIENCE.as_secs();
        bail!(
            "not swapped: no ledger leads (none has answered for {seconds} s). {name} is kept: start `ledger serve`, \
             then replay again"
        );
    }
    if wished.state == State::Ready {
        projections::cancel(pool, &wished.name).await?;
    }
    bail!(BuildError::Canceled)
}

/// Exchanges what is read and what is kept.
async fn exchange(
    pool: &PgPool,
    definitions: &[&'static Definition],
    way: Way,
    yes: bool,
) -> anyhow::Result<Vec<Outcome>> {
    let stop = service::shutdown::token();
    let mut outcomes = Vec::new();
    for definition in definitions {
        let mut outcome = Outcome::of(definition);
        if !yes && !say::agreed(&say::kept(definition.name, way), &stop).await? {
            tell!("{}: nothing was changed", definition.name);
            continue;
        }
        let done = async {
            let (from, to) = match projections::wish_kept(pool, definition.name, way).await? {
                Kept::Wished { from, to } => (from, to),
                Kept::OtherWay { live, kept } => bail!(say::other_way(&live, &kept)),
                Kept::Nothing => bail!("nothing was changed: none is kept beside the one that is read"),
                Kept::Busy => bail!("nothing was changed: what is kept is being swapped in just now"),
            };
            outcome.from = Some(from.tables().name().to_owned());
            outcome.instance = Some(to.tables().name().to_owned());
            swapped(pool, &to, &stop, &mut outcome).await
        };
        outcome.error = done.await.err().map(|error| format!("{error:#}"));
        outcomes.push(outcome);
        if stop.is_cancelled() {
            break;
        }
    }
    Ok(outcomes)
}

async fn cancel(pool: &PgPool, definitions: &[&'static Definition], json: bool) -> anyhow::Result<ExitCode> {
    let mut found = std::collections::BTreeMap::new();
    for definition in definitions {
        found.insert(definition.name, projections::cancel(pool, definition.name).await?);
    }
    if json {
        say!("{}", serde_json::json!({ "canceled": found }))?;
    } else {
        say::canceled(&found)?;
    }
    let late = found.values().any(|what| matches!(what, Canceled::TooLate | Canceled::Asked));
    Ok(if late { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Says how far it is, on stderr.
async fn watch(desks: Vec<Arc<Desk>>, verbose: bool, json: bool, stop: CancellationToken) {
    let terminal = std::io::stderr().is_terminal() && !json;
    if !terminal && !verbose {
        return;
    }
    while !stop.is_cancelled() {
        tokio::time::sleep(if terminal { BAR } else { LINE }).await;
        let progress: Vec<_> = desks.iter().map(|desk| desk.progress()).collect();
        say::progress(&progress, terminal);
    }
}
