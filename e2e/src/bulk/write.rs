//! A whole log into an empty, migrated database.
//!
//! Phases: the indexes of `events` are taken down → one thread decides and chains, one connection
//! writes, a batch ahead of each other → work is wound down and told → the indexes are made again →
//! vacuum, so that nothing is left for it to do while something is measured.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, Result};
use ledger::inbox::Names;
use ledger::sequencer::{Offline, Written};
use ledger::store::{self, SideWrite};
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
        let (Some(first), Some(last)) = (written.rows.first(), written.rows.last()) else { continue };
        let (first, last) = (first.position, last.position);
        cancel_out(&mut written.side);
        let mut tx = connection.begin().await?;
        insert::events(&mut tx, &written.rows).await?;
        insert::keys(&mut tx, &written.keys).await?;
        insert::side(&mut tx, &written.side).await?;
        sqlx::query("UPDATE deliveries SET outcome = 'told' WHERE outcome IS NULL AND position >= $1")
            .bind(first)
            .execute(&mut *tx)
            .await?;
        insert::head(&mut tx, &written.rows).await?;
        tx.commit().await?;
        position = last;
        progress(usize::try_from(position).unwrap_or(0));
    }
    Ok(position)
}

/// Work that is opened and closed in the same batch leaves no row: so none is written.
fn cancel_out(side: &mut Vec<SideWrite>) {
    let mut opened = std::collections::HashSet::new();
    for write in side.iter() {
        match write {
            SideWrite::OpenReservation(row) => opened.insert(row.reservation.clone()),
            SideWrite::OpenPayment(row) => opened.insert(row.payment.clone()),
            SideWrite::Job(row) => opened.insert(row.generation.clone()),
            _ => false,
        };
    }
    let mut gone = std::collections::HashSet::new();
    for write in side.iter() {
        if let SideWrite::CloseReservation(id) | SideWrite::ClosePayment(id) | SideWrite::CloseJob(id) = write
            && opened.contains(id)
        {
            gone.insert(id.clone());
        }
    }
    side.retain(|write| match write {
        SideWrite::OpenReservation(row) => !gone.contains(&row.reservation),
        SideWrite::OpenPayment(row) => !gone.contains(&row.payment),
        SideWrite::Job(row) => !gone.contains(&row.generation),
        SideWrite::Claim(row) => !gone.contains(&row.generation),
        SideWrite::CloseReservation(id) | SideWrite::ClosePayment(id) | SideWrite::CloseJob(id) => {
            !gone.contains(id)
        }
        _ => true,
    });
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
