//! The log in Postgres, read by several connections of one snapshot while the ledger goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::accounts;
use super::anchors::{self, Anchor, Anchors, What};
use super::chunk::{self, Chunk, Found};
use super::finding::{Findings, Kind};
use super::folded::{self, Comparison};
use super::merge::{Merge, STORED_LEVELS, Start};
use super::report::Report;
use super::{CHUNK, VerifyError};
use crate::log::{COLUMNS, Hash, Row, hex};
use crate::proofs::merkle::Size;
use crate::proofs::{PublicKey, tree};
use crate::store::{self, Head};

/// Chunks that wait for the one before them, for each reader: what memory is bounded by.
const AHEAD: usize = 3;
/// Rows behind the head that are looked at.
const BEHIND_MAX: i64 = 1_000;

#[derive(Debug, Default)]
pub struct Options {
    /// The first position; the whole log from 1, with projections.
    pub from: Option<i64>,
    /// The last position.
    pub to: Option<i64>,
    /// Only the log, its tree and its checkpoints.
    pub log_only: bool,
    /// Readers at once; 0: one more than there are cores.
    pub jobs: usize,
    /// Accounts whose states are in memory at once; 0: 20 000, each of some kB.
    pub accounts_kept: usize,
    /// Who may have signed checkpoints; empty: nobody is asked.
    pub keys: Vec<PublicKey>,
    /// Checkpoints from outside the database: where from, and the notes.
    pub outside: Vec<(String, Vec<String>)>,
}

impl Options {
    /// Readers at once; the pool needs two more connections.
    pub fn readers(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        if self.jobs == 0 { cores + 1 } else { self.jobs }
    }
}

/// Verifies the whole log as of now. `progress` is told (done, of).
///
/// # Errors
/// Only what keeps it from looking; what it finds is in the report.
pub async fn verify(pool: &PgPool, progress: impl FnMut(i64, i64)) -> Result<Report, VerifyError> {
    verify_with(pool, &Options::default(), progress).await
}

/// # Errors
/// Only what keeps it from looking; what it finds is in the report.
pub async fn verify_with(
    pool: &PgPool,
    options: &Options,
    mut progress: impl FnMut(i64, i64),
) -> Result<Report, VerifyError> {
    let begun = Instant::now();
    let mut tx = store::begin(pool).await?;
    own_snapshot(&mut tx).await?;
    let snapshot: String = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut *tx).await?;
    let head = store::head(&mut *tx).await?;
    let (from, to) = (options.from.unwrap_or(1), options.to.unwrap_or(head.position));
    let whole = from == 1 && to == head.position;
    if from < 1 || from > to + i64::from(whole) || to > head.position {
        return Err(VerifyError::Range { from, to, head: head.position });
    }
    let mut findings = Findings::default();
    let anchors = anchors(&mut tx, options, from, &mut findings).await?;
    let mut merge = Merge::new(start(&mut tx, from).await?, anchors);
    merge.findings.extend(findings);
    let (mut compared, mut snapshots) = (Vec::new(), 0);
    if whole && !options.log_only {
        compared = folded::all(&mut tx).await?;
    }
    let projections = compared.len();
    if whole
        && !options.log_only
        && let Some((accounts, count)) = accounts::begin(&mut tx, options.accounts_kept).await?
    {
        compared.push(Comparison::Accounts(Box::new(accounts)));
        snapshots = count;
    }

    let reading = Reading { pool: pool.clone(), snapshot, from, to };
    let mut chunks = reading.start(options.readers());
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    while let Some((index, chunk, permit)) = chunks.receiver.recv().await {
        waiting.insert(index, (chunk, permit));
        while let Some((mut chunk, _permit)) = waiting.remove(&next) {
            merge.take(&mut chunk);
            for comparison in &mut compared {
                comparison.take(&mut tx, &chunk.entries).await?;
            }
            next += 1;
            progress(merge.position - from + 1, to - from + 1);
        }
    }
    while let Some(reader) = chunks.readers.join_next().await {
        reader??;
    }
    if whole {
        at_the_end(&mut tx, &mut merge, head).await?;
        stored_nodes(&mut tx, &mut merge).await?;
    } else if merge.position < to {
        merge.gap(to + 1);
    }
    merge.finish(What::Log, to);
    for comparison in &mut compared {
        comparison.compare(&mut tx, &mut merge.findings).await?;
    }
    tx.rollback().await?;
    Ok(Report {
        signatures_checked: !options.keys.is_empty(),
        projections,
        snapshots,
        seconds: begun.elapsed().as_secs_f64(),
        ..Report::new(from, merge)
    })
}

/// A transaction that sees one state and may take its time. It writes temporary tables only.
async fn own_snapshot(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *tx).await?;
    store::take_time(tx).await
}

/// A transaction that sees what the first one does, and changes nothing.
async fn same_snapshot(tx: &mut PgConnection, snapshot: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
    sqlx::query(AssertSqlSafe(format!("SET TRANSACTION SNAPSHOT '{snapshot}'"))).execute(&mut *tx).await?;
    store::take_time(tx).await
}

/// The checkpoints that the rows must agree with.
async fn anchors(
    tx: &mut PgConnection,
    options: &Options,
    from: i64,
    findings: &mut Findings,
) -> Result<Anchors, sqlx::Error> {
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT note FROM checkpoints ORDER BY size").fetch_all(tx).await?;
    let notes = |notes: &[String]| notes.to_vec();
    let mut all: Vec<Anchor> = Vec::new();
    for (place, notes) in [("the database".to_owned(), stored)]
        .into_iter()
        .chain(options.outside.iter().map(|(place, n)| (place.clone(), notes(n))))
    {
        all.extend(anchors::open(&place, notes.iter().map(String::as_str), &options.keys, findings));
    }
    let mut anchors = Anchors::new(all, findings);
    anchors.keep(from - 1, options.to);
    Ok(anchors)
}

/// What lies before a range: the hash of the row before it and the tree through it, as stored.
async fn start(tx: &mut PgConnection, from: i64) -> Result<Start, VerifyError> {
    let after = from - 1;
    if after == 0 {
        return Ok(Start::default());
    }
    let hash: Vec<u8> = sqlx::query_scalar("SELECT hash FROM events WHERE position = $1")
        .bind(after)
        .fetch_one(&mut *tx)
        .await?;
    let hash = Hash::try_from(hash.as_slice()).unwrap_or_default();
    let frontier = tree::frontier(tx, Size::try_from(after).unwrap_or(0)).await?;
    Ok(Start { after, hash, frontier })
}

/// The head says where the log ends; nothing lies behind it.
async fn at_the_end(tx: &mut PgConnection, merge: &mut Merge, head: Head) -> Result<(), VerifyError> {
    let sql =
        format!("SELECT {COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT {BEHIND_MAX}");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(head.position).fetch_all(&mut *tx).await?;
    let mut behind = chunk::check(rows.iter().map(|row| found(row, head.position)));
    let (position, hash) = (merge.position, merge.hash);
    if position < head.position {
        let what = format!("the log ends at {position}, but its head says {}", head.position);
        merge.findings.find(position + 1, Kind::TailMissing, what);
        // A row that was moved away may come from here.
        merge.note_missing(position + 1, head.position);
    } else if hash != head.hash {
        let what = format!("the head of the log says another hash: {}", hex(&head.hash));
        merge.findings.find(position, Kind::ChainBroken, what);
    }
    merge.behind_head(&mut behind);
    Ok(())
}

/// The stored nodes of the tree are those of the log: all of the largest size that was stored.
async fn stored_nodes(tx: &mut PgConnection, merge: &mut Merge) -> Result<(), VerifyError> {
    if !merge.is_in_line() {
        return Ok(());
    }
    for (level, nodes) in STORED_LEVELS.iter().zip(&merge.nodes) {
        let mut nodes = nodes.iter();
        let sql = "SELECT index, hash FROM tree_nodes WHERE level = $1 ORDER BY index";
        let mut stored = sqlx::query(sql).bind(i16::try_from(*level).unwrap_or(0)).fetch(&mut *tx);
        while let Some(row) = stored.try_next().await? {
            let (index, hash): (i64, &[u8]) = (row.try_get("index")?, row.try_get("hash")?);
            let wanted = nodes.next();
            let same = wanted.is_some_and(|(i, h)| i64::try_from(*i) == Ok(index) && h == hash);
            if !same {
                let what = format!("the stored tree differs at its node {level}/{index}");
                merge.findings.find(index.saturating_mul(1 << level) + 1, Kind::TreeChanged, what);
                break;
            }
        }
    }
    Ok(())
}

fn found(row: &PgRow, before: i64) -> Found {
    match Row::read(row) {
        Ok(row) => Found::Row(row),
        Err(error) => {
            let position = row.try_get("position").unwrap_or(before + 1);
            Found::Bad(position, error.in_full())
        }
    }
}

struct Reading {
    pool: PgPool,
    snapshot: String,
    from: i64,
    to: i64,
}

struct Chunks {
    readers: JoinSet<Result<(), VerifyError>>,
    receiver: mpsc::Receiver<(i64, Chunk, OwnedSemaphorePermit)>,
}

impl Reading {
    fn start(self, jobs: usize) -> Chunks {
        let (sender, receiver) = mpsc::channel(jobs);
        let (reading, next) = (Arc::new(self), Arc::new(AtomicI64::new(0)));
        let room = Arc::new(Semaphore::new(jobs * AHEAD));
        let mut readers = JoinSet::new();
        for _ in 0..jobs {
            let (reading, next, room) = (Arc::clone(&reading), Arc::clone(&next), Arc::clone(&room));
            readers.spawn(reading.read(next, room, sender.clone()));
        }
        Chunks { readers, receiver }
    }

    /// The positions of a chunk: the first of a range is shorter, so that the others begin blocks.
    fn range(&self, index: i64) -> Option<(i64, i64)> {
        let first = (self.from - 1) / CHUNK + index;
        let (begin, end) = ((first * CHUNK + 1).max(self.from), ((first + 1) * CHUNK).min(self.to));
        (begin <= end).then_some((begin, end))
    }

    async fn read(
        self: Arc<Self>,
        next: Arc<AtomicI64>,
        room: Arc<Semaphore>,
        sender: mpsc::Sender<(i64, Chunk, OwnedSemaphorePermit)>,
    ) -> Result<(), VerifyError> {
        let mut tx = store::begin(&self.pool).await?;
        same_snapshot(&mut tx, &self.snapshot).await?;
        let sql = format!("SELECT {COLUMNS} FROM events WHERE position BETWEEN $1 AND $2 ORDER BY position");
        loop {
            // The room first: whoever has some has the next index, so the merge never waits for ever.
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((begin, end)) = self.range(index) else { break };
            let mut rows = Vec::with_capacity(usize::try_from(end - begin + 1).unwrap_or(0));
            let mut stream = sqlx::query(AssertSqlSafe(sql.as_str())).bind(begin).bind(end).fetch(&mut *tx);
            while let Some(row) = stream.try_next().await? {
                let before = begin - 1 + i64::try_from(rows.len()).unwrap_or(0);
                rows.push(found(&row, before));
            }
            drop(stream);
            let chunk = tokio::task::spawn_blocking(move || chunk::check(rows)).await?;
            if sender.send((index, chunk, permit)).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}
