//! The keeper of checkpoints: follows the committed log, extends the Merkle tree, signs what it was.
//!
//! Phases: resume the tree from its stored nodes → make sure that the newest checkpoints of this
//! incarnation agree with it → for each run of new events: push leaves; when enough is new or enough time
//! is over, sign: nodes and checkpoint into the database in one transaction, then the folder, then NATS.
//! Cost: a leaf and about one node hash an event; at most one signature and one sync of the folder a second.
//!
//! Invariant: nothing is signed that contradicts what was signed before: the tree is that of the log, which
//! only grows, and where this lead begins it is compared with the checkpoints there are. A leader that was
//! replaced signs nothing: the epoch is looked at in the transaction that keeps the checkpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::connection::State;
use sqlx::{PgConnection, PgPool};

use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::config::ProofsConfig;
use super::merkle::{Frontier, Range, Size, leaf_hash};
use super::note::SecretKey;
use super::{remote, tree};
use crate::log::{BadRow, GENESIS, Hash};
use crate::store::{self, Head, answered};
use crate::tail::Tail;

/// Events taken at once.
const STEP_MAX: usize = 4_000;
/// Nodes that wait to be written: a whole page of them.
const NODES_MAX: usize = 256;
/// However many events there are, signatures are at least so far apart.
const APART: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(1);
/// After a contradiction: it needs a person.
const RETRY_FORK: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Row(#[from] BadRow),
    #[error(
        "the log is not what the checkpoint of size {size} in {from} says; nothing is signed: run `ledger verify --checkpoints`"
    )]
    Fork { from: String, size: Size },
    #[error("another ledger leads")]
    Fenced,
}

/// A node of the tree to be stored.
type Node = (u32, Size, Hash);

pub struct Keeper {
    pub pool: PgPool,
    pub nats: Client,
    pub config: ProofsConfig,
    pub epoch: Arc<AtomicI64>,
    pub incarnation: i64,
}

/// The tree so far, and what of it is not stored yet.
struct Tree {
    frontier: Frontier,
    head: Hash,
    nodes: Vec<Node>,
    /// The size that was signed last, and when.
    signed: Size,
    signed_at: Instant,
}

impl Keeper {
    /// Keeps checkpoints until dropped.
    pub async fn run(self, tail: Tail) {
        if self.config.key.is_none() {
            tracing::warn!("no checkpoints are signed: CHECKPOINT_KEY_FILE is not set");
        }
        loop {
            let wait = match self.follow(&tail).await {
                // The sequencer may just be raising the epoch itself, to resolve a doubt.
                Err(KeepError::Fenced) => {
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
                Err(error @ KeepError::Fork { .. }) => {
                    tracing::error!(%error, "checkpoints stand still");
                    RETRY_FORK
                }
                Err(error) => {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, source, "checkpoints are behind; trying again");
                    RETRY
                }
                Ok(never) => match never {},
            };
            metrics::counter!("ledger_checkpoint_failures_total").increment(1);
            tokio::time::sleep(wait).await;
        }
    }

    /// A new incarnation's first checkpoint says where the old one was left, so it is signed before any
    /// event is appended.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn begin_incarnation(&self, head: &Head) -> Result<(), sqlx::Error> {
        let Some(key) = self.config.key.as_ref().filter(|_| self.incarnation > 1) else { return Ok(()) };
        let mut connection = self.pool.acquire().await?;
        if newest_stored(&mut connection, self.incarnation).await?.is_some() {
            return Ok(());
        }
        let size = Size::try_from(head.position).unwrap_or(0);
        let frontier = tree::frontier(&mut connection, size).await?;
        let tree =
            Tree { frontier, head: head.hash, nodes: Vec::new(), signed: 0, signed_at: Instant::now() };
        drop(connection);
        match self.sign(&tree, key).await {
            Err(KeepError::Postgres(error)) => Err(error),
            _ => Ok(()),
        }
    }

    async fn follow(&self, tail: &Tail) -> Result<std::convert::Infallible, KeepError> {
        let mut tree = self.resume().await?;
        loop {
            let position = i64::try_from(tree.frontier.size()).unwrap_or(i64::MAX);
            let entries = tail.after(position, STEP_MAX).await?;
            for entry in &entries {
                tree.push(&entry.row.hash);
            }
            if tree.nodes.len() >= NODES_MAX {
                let mut connection = self.pool.acquire().await.map_err(KeepError::Postgres)?;
                answered(store_nodes(&mut connection, &tree.nodes)).await?;
                tree.nodes.clear();
            }
            if let Some(key) = self.config.key.as_ref().filter(|_| tree.is_due(entries.len(), &self.config)) {
                self.sign(&tree, key).await?;
                tree.nodes.clear();
                (tree.signed, tree.signed_at) = (tree.frontier.size(), Instant::now());
            }
            if entries.is_empty() {
                tail.wait_beyond(position).await;
            } else if entries.len() < STEP_MAX / 4 {
                // A busy log is followed in few larger steps.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The tree as stored, after it was compared with the newest checkpoints of this incarnation.
    async fn resume(&self) -> Result<Tree, KeepError> {
        let mut connection = self.pool.acquire().await.map_err(KeepError::Postgres)?;
        let blocks: i64 =
            sqlx::query_scalar("SELECT coalesce(max(index) + 1, 0) FROM tree_nodes WHERE level = 8")
                .fetch_one(&mut *connection)
                .await?;
        let size = Size::try_from(blocks).unwrap_or(0) << 8;
        let mut signed = 0;
        for (from, newest) in self.newest(&mut connection).await? {
            let c = newest.checkpoint;
            let root = tree::frontier(&mut connection, c.size).await?.root();
            if !agrees(&c, self.incarnation, root) {
                return Err(KeepError::Fork { from, size: c.size });
            }
            if c.incarnation == self.incarnation {
                signed = c.size.max(signed);
            }
        }
        let frontier = tree::frontier(&mut connection, size).await?;
        let head = head_at(&mut connection, size).await?;
        // So long ago that whatever is new is due.
        let signed_at = Instant::now().checked_sub(self.config.every).unwrap_or_else(Instant::now);
        Ok(Tree { frontier, head, nodes: Vec::new(), signed, signed_at })
    }

    async fn newest(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<(String, SignedCheckpoint)>, sqlx::Error> {
        let keys = self.config.keys();
        let stored = newest_stored(connection, self.incarnation).await?.map(|n| ("the database", n));
        let shelf = self.config.shelf.as_ref().and_then(|s| s.last_notes().ok()?.pop());
        let shelf = shelf.map(|n| ("CHECKPOINT_DIR", n));
        let nats = if self.nats.connection_state() == State::Connected {
            remote::newest(&self.nats).await.ok().flatten().map(|n| ("NATS", n))
        } else {
            None
        };
        let all = stored.into_iter().chain(shelf).chain(nats);
        Ok(all
            .filter_map(|(from, n)| Some((from.to_owned(), SignedCheckpoint::open(&n, &keys).ok()?)))
            .collect())
    }

    async fn sign(&self, tree: &Tree, key: &SecretKey) -> Result<(), KeepError> {
        let mut tx = answered(store::begin(&self.pool)).await?;
        let (epoch, time): (i64, i64) =
            answered(sqlx::query_as("SELECT epoch, now_us() FROM log_head").fetch_one(&mut *tx)).await?;
        if epoch != self.epoch.load(Ordering::SeqCst) {
            return Err(KeepError::Fenced);
        }
        let checkpoint = Checkpoint {
            origin: key.public().name().to_owned(),
            size: tree.frontier.size(),
            root: tree.frontier.root(),
            incarnation: self.incarnation,
            head: tree.head,
            time,
        };
        let signed = SignedCheckpoint::new(checkpoint, key);
        answered(store_nodes(&mut tx, &tree.nodes)).await?;
        answered(store_checkpoint(&mut tx, &signed)).await?;
        answered(tx.commit()).await?;
        fail::fail_point!("ledger.checkpoint.stored");
        self.keep_outside(signed).await;
        metrics::gauge!("ledger_checkpoint_size").set(tree.frontier.size() as f64);
        Ok(())
    }

    /// A folder or a NATS that is away misses a checkpoint; the next one vouches for the same events.
    async fn keep_outside(&self, signed: SignedCheckpoint) {
        if let Some(shelf) = self.config.shelf.clone() {
            let note = signed.note.clone();
            let kept = tokio::task::spawn_blocking(move || shelf.keep(&note)).await;
            let failed = kept.map_err(|e| e.to_string()).and_then(|k| k.map_err(|e| e.to_string())).err();
            if let Some(error) = failed {
                tracing::error!(error, "a checkpoint could not be kept in CHECKPOINT_DIR");
                metrics::counter!("ledger_checkpoint_failures_total").increment(1);
            }
        }
        if self.nats.connection_state() == State::Connected
            && let Err(error) = remote::keep(&self.nats, &signed.note).await
        {
            tracing::warn!(%error, "a checkpoint could not be kept in NATS");
        }
    }
}

impl Tree {
    /// Enough is new, or enough time is over; in a log that is far ahead only now and then.
    fn is_due(&self, came: usize, config: &ProofsConfig) -> bool {
        // Resumed from whole stored blocks, it is smaller at first than what was signed.
        let fresh = self.frontier.size().saturating_sub(self.signed);
        let since = self.signed_at.elapsed();
        let every = if came < STEP_MAX { config.every } else { Duration::MAX };
        fresh > 0 && (fresh >= config.every_events && since >= APART || since >= every)
    }

    fn push(&mut self, event_hash: &Hash) {
        let nodes = &mut self.nodes;
        self.frontier.push_subtree(0, leaf_hash(event_hash), |level, index, root| {
            if tree::is_stored(level) {
                nodes.push((level, index, *root));
            }
        });
        self.head = *event_hash;
    }
}

/// Nothing against going on from a log of this root at the checkpoint's size: an older incarnation was given up, and
/// a newer one is another log's.
fn agrees(c: &Checkpoint, incarnation: i64, root: Hash) -> bool {
    c.incarnation < incarnation || c.incarnation == incarnation && c.root == root
}

async fn head_at(connection: &mut PgConnection, size: Size) -> Result<Hash, KeepError> {
    if size == 0 {
        return Ok(GENESIS);
    }
    let range = Range { begin: size - 1, end: size };
    let position = i64::try_from(range.end).unwrap_or(i64::MAX);
    let hash: Vec<u8> = sqlx::query_scalar("SELECT hash FROM events WHERE position = $1")
        .bind(position)
        .fetch_one(connection)
        .await?;
    Ok(hash.as_slice().try_into().unwrap_or_default())
}

async fn newest_stored(
    connection: &mut PgConnection,
    incarnation: i64,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT note FROM checkpoints WHERE incarnation = $1 ORDER BY size DESC LIMIT 1")
        .bind(incarnation)
        .fetch_optional(connection)
        .await
}

async fn store_nodes(connection: &mut PgConnection, nodes: &[Node]) -> Result<(), sqlx::Error> {
    if nodes.is_empty() {
        return Ok(());
    }
    // A leader that is being replaced writes the same nodes.
    sqlx::query(
        "INSERT INTO tree_nodes (level, index, hash) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(nodes.iter().map(|n| i16::try_from(n.0).unwrap_or(0)).collect::<Vec<_>>())
    .bind(nodes.iter().map(|n| i64::try_from(n.1).unwrap_or(0)).collect::<Vec<_>>())
    .bind(nodes.iter().map(|n| n.2.as_slice()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn store_checkpoint(
    connection: &mut PgConnection,
    signed: &SignedCheckpoint,
) -> Result<(), sqlx::Error> {
    let c = &signed.checkpoint;
    sqlx::query(
        "INSERT INTO checkpoints (incarnation, size, note, recorded_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(c.incarnation)
    .bind(i64::try_from(c.size).unwrap_or(0))
    .bind(&signed.note)
    .bind(c.time)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checkpoints_of_older_incarnations_are_left_out() {
        let checkpoint = |incarnation, root| {
            let origin = "plantain/test".to_owned();
            Checkpoint { origin, size: 3, root, incarnation, head: GENESIS, time: 0 }
        };
        let agree = |incarnation, root| agrees(&checkpoint(incarnation, root), 2, [7; 32]);
        assert!(agree(2, [7; 32]) && !agree(2, [8; 32]));
        assert!(agree(1, [7; 32]) && agree(1, [8; 32]), "they were given up");
        assert!(!agree(3, [7; 32]) && !agree(3, [8; 32]), "another ledger is ahead");
    }

    #[test]
    fn a_tree_that_is_not_yet_at_what_was_signed_is_not_due() {
        let (every, every_events) = (Duration::from_secs(10), 100);
        let config = ProofsConfig { key: None, earlier: Vec::new(), shelf: None, every_events, every };
        let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let due = |size: Size, signed: Size, signed_at: Instant, came: usize| {
            let mut frontier = Frontier::default();
            (0..size).for_each(|_| frontier.push(GENESIS));
            let tree = Tree { frontier, head: GENESIS, nodes: Vec::new(), signed, signed_at };
            tree.is_due(came, &config)
        };
        assert!(!due(256, 300, long_ago, 1), "a smaller size would be signed");
        assert!(!due(300, 300, long_ago, 1) && due(301, 300, long_ago, 1));
        assert!(due(400, 300, long_ago, STEP_MAX) && !due(399, 300, long_ago, STEP_MAX));
        assert!(!due(400, 300, Instant::now(), 1), "signatures are apart");
    }
}
