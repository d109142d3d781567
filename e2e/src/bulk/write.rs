//! A whole log into an empty, migrated database.
//!
//! Phases: the indexes of `events` are taken down → one thread decides and chains, one connection
//! writes, a batch ahead of each other → work is wound down and told → the indexes are made again →
//! vacuum, so that nothing is left for it to do while something is measured.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, Result};
use ledger::inbox::Names;
use ledger::sequencer::{Offline, Written};
use ledger::store::{self, Side};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use super::insert;
use super::script::Script;

/// Commands decided and written at a time: some 8 000 rows.
const BATCH_COMMANDS: usize = 5_400;
const OPEN_AT_ONCE: usize = 4_000;
/// The log's history is spread over so many days before now.
const DAYS: i64 = 30;
const DAY_US: i64 = 86_400_000_000;
/// First Telegram user id of a bulk log.
pub const FIRST_USER: i64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// At least so many events; a little more, since work is wound down.
    pub events: usize,
    pub accounts: usize,
}

/// Writes it; `progress` hears how many events there are.
///
/// # Errors
/// The database is not empty or not migrated, or the ledger's own rules refuse the script: a bug.
pub async fn write(url: &str, size: Size, mut progress: impl FnMut(usize)) -> Result<i64> {
    let pool = PgPoolOptions::new().max_connections(3).connect(url).await?;
    let offline = Offline::at_head(&pool).await?;
    let names = Names::new(store::service_key(&pool, ledger::inbox::NAMES_KEY).await?);
    let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(&pool).await?;
    let script = Script::new(offline, names, &format!("bulk:{}", now / 1_000_000), 1);
    let indexes = take_down_indexes(&pool).await?;
    let (sender, receiver) = sync_channel(2);
    let decider = std::thread::spawn(move || decide(script, size, now, &sender));
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("SET synchronous_commit = off").execute(&mut connection).await?;
    sqlx::raw_sql(store::BY_KEYS).execute(&mut connection).await?;
    let position = write_all(&mut connection, receiver, &mut progress).await?;
    decider.join().map_err(|_| anyhow::anyhow!("the deciding thread panicked"))??;
    for index in indexes {
        sqlx::query(AssertSqlSafe(index)).execute(&pool).await?;
    }
    // The adapters have done all of it: a relay begins at the end of this log.
    sqlx::query(
        "INSERT INTO consumers SELECT c, $1 FROM unnest(ARRAY['telegram', 'payments', 'generator']) c \
         ON CONFLICT (consumer) DO UPDATE SET done_through = excluded.done_through",
    )
    .bind(position)
    .execute(&pool)
    .await?;
    sqlx::query("VACUUM (FREEZE, ANALYZE)").execute(&pool).await?;
    Ok(position)
}

/// Runs on a thread of its own.
fn decide(mut script: Script, size: Size, now: i64, batches: &SyncSender<Written>) -> Result<()> {
    let begin = now - DAYS * DAY_US;
    let at = |done: usize| {
        let share = i64::try_from(done.min(size.events)).unwrap_or(0);
        begin + DAYS * DAY_US / i64::try_from(size.events.max(1)).unwrap_or(1) * share
    };
    let mut done = 0;
    let mut send = |written: Written| {
        done += written.rows.len();
        batches.send(written).context("the writer has stopped")?;
        anyhow::Ok(done)
    };
    let mut count = send(script.publish_catalog(at(0))?)?;
    for first in (0..size.accounts).step_by(OPEN_AT_ONCE) {
        let users = first..size.accounts.min(first + OPEN_AT_ONCE);
        let users = users.map(|n| FIRST_USER + i64::try_from(n).unwrap_or(0));
        count = send(script.open(users, at(count))?)?;
    }
    while count < size.events {
        count = send(script.commands(BATCH_COMMANDS.min(size.events - count + 1), at(count))?)?;
    }
    send(script.wind_down(at(count))?)?;
    Ok(())
}

async fn write_all(
    connection: &mut PgConnection,
    batches: Receiver<Written>,
    progress: &mut impl FnMut(usize),
) -> Result<i64> {
    let mut position = 0;
    // Blocks the thread while it waits: there is nothing else to do here.
    while let Ok(mut written) = batches.recv() {
        let Some(last) = written.rows.last().map(|row| row.position) else { continue };
        cancel_out(&mut written.side);
        let mut tx = connection.begin().await?;
        insert::events(&mut tx, &written.rows).await?;
        insert::keys(&mut tx, &written.keys).await?;
        insert::side(&mut tx, &written.side).await?;
        insert::head(&mut tx, &written.rows).await?;
        tx.commit().await?;
        position = last;
        progress(usize::try_from(position).unwrap_or(0));
    }
    Ok(position)
}

/// Work that is opened and closed in the same batch leaves no row: so none is written.
fn cancel_out(side: &mut Side) {
    let (inserts, changes) = (&mut side.inserts, &mut side.changes);
    let jobs = both(inserts.jobs.iter().map(|job| &job.generation), &changes.closed_jobs);
    inserts.jobs.retain(|job| !jobs.contains(&job.generation));
    changes.claims.retain(|claim| !jobs.contains(&claim.generation));
    changes.closed_jobs.retain(|id| !jobs.contains(id));
    let payments = both(inserts.payments.iter().map(|payment| &payment.payment), &changes.closed_payments);
    inserts.payments.retain(|payment| !payments.contains(&payment.payment));
    changes.closed_payments.retain(|id| !payments.contains(id));
    // They are told at once.
    inserts.deliveries.clear();
    changes.told.clear();
}

fn both<'a>(opened: impl Iterator<Item = &'a String>, closed: &[String]) -> HashSet<String> {
    let closed: HashSet<&String> = closed.iter().collect();
    opened.filter(|id| closed.contains(id)).cloned().collect()
}

/// Drops what makes inserts into `events` slow; answers the statements that make it again.
async fn take_down_indexes(pool: &PgPool) -> Result<Vec<String>> {
    let constraints: Vec<(String, String)> = sqlx::query_as(
        "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE conrelid = 'events'::regclass AND contype IN ('u', 'p')",
    )
    .fetch_all(pool)
    .await?;
    let mut again = Vec::new();
    for (name, definition) in constraints {
        sqlx::query(AssertSqlSafe(format!("ALTER TABLE events DROP CONSTRAINT {name}")))
            .execute(pool)
            .await?;
        again.push(format!("ALTER TABLE events ADD CONSTRAINT {name} {definition}"));
    }
    let indexes: Vec<(String, String)> =
        sqlx::query_as("SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = 'events'")
            .fetch_all(pool)
            .await?;
    for (name, definition) in indexes {
        sqlx::query(AssertSqlSafe(format!("DROP INDEX {name}"))).execute(pool).await?;
        again.push(definition);
    }
    Ok(again)
}
