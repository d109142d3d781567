//! The Merkle tree in Postgres: leaves are read from the log, inner nodes from `tree_nodes`.
//!
//! The root of any subtree is had from at most 256 rows of each stored level, so a proof for a log of
//! 10 M events reads a few thousand hashes. What is read is not believed: a proof is checked
//! against a signed checkpoint before it is handed out.

use sqlx::PgConnection;

use super::merkle::{Frontier, Range, Size, fold_edge, leaf_hash};
use crate::log::Hash;

/// Levels whose nodes are stored, the highest first, and the leaves.
const LEVELS: [u32; 4] = [24, 16, 8, 0];

pub fn is_stored(level: u32) -> bool {
    level > 0 && LEVELS.contains(&level)
}

/// The tree of the first `size` events.
pub async fn frontier(tx: &mut PgConnection, size: Size) -> Result<Frontier, sqlx::Error> {
    let edge = if size == 0 { Vec::new() } else { edge(tx, Range { begin: 0, end: size }).await? };
    // Invariant: a range from 0 has one subtree for each bit of its size.
    Ok(Frontier::resume(size, edge).unwrap_or_default())
}

/// The root over a range of a proof's path.
pub async fn root(tx: &mut PgConnection, range: Range) -> Result<Hash, sqlx::Error> {
    Ok(fold_edge(&edge(tx, range).await?))
}

async fn edge(tx: &mut PgConnection, range: Range) -> Result<Vec<Hash>, sqlx::Error> {
    let mut edge = Vec::new();
    for (level, index) in range.subtrees() {
        edge.push(subtree(tx, level, index).await?);
    }
    Ok(edge)
}

/// The root of one complete subtree, from the highest level at or below its own that has all its nodes.
async fn subtree(tx: &mut PgConnection, level: u32, index: Size) -> Result<Hash, sqlx::Error> {
    for stored in LEVELS.into_iter().filter(|stored| *stored <= level) {
        let count = 1u64 << (level - stored);
        let nodes = nodes(tx, stored, index << (level - stored), count).await?;
        if nodes.len() as u64 == count || stored == 0 {
            let mut frontier = Frontier::default();
            nodes.into_iter().for_each(|node| frontier.push(node));
            return Ok(frontier.root());
        }
    }
    Err(sqlx::Error::RowNotFound)
}

async fn nodes(tx: &mut PgConnection, level: u32, begin: Size, count: u64) -> Result<Vec<Hash>, sqlx::Error> {
    // Invariant: positions are below 2^53.
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (first, end) = (number(begin), number(begin + count));
    let found: Vec<Vec<u8>> = if level == 0 {
        let sql = "SELECT hash FROM events WHERE position > $1 AND position <= $2 ORDER BY position";
        sqlx::query_scalar(sql).bind(first).bind(end).fetch_all(tx).await?
    } else {
        let sql =
            "SELECT hash FROM tree_nodes WHERE level = $1 AND index >= $2 AND index < $3 ORDER BY index";
        let level = i16::try_from(level).unwrap_or(i16::MAX);
        sqlx::query_scalar(sql).bind(level).bind(first).bind(end).fetch_all(tx).await?
    };
    let fixed = |bytes: Vec<u8>| Hash::try_from(bytes.as_slice()).unwrap_or_default();
    Ok(found.into_iter().map(fixed).map(|h| if level == 0 { leaf_hash(&h) } else { h }).collect())
}
