//! An export of the log: lines of JSON that can be verified anywhere (docs/PROOFS.md, "The export").
//!
//! First line: what it is, what lies before its first event, and the checkpoints that vouch for it. Then a
//! line an event with all columns, bytes in hex, the payload as the text that is hashed. Last line: where it
//! ends, so that a file that was cut short is known.

use std::io::{self, Write};

use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::merkle::{Frontier, Size, leaf_hash};
use super::tree;
use crate::log::{BadRow, COLUMNS, GENESIS, Hash, Row, from_hex, hex};
use crate::store;

pub const FORMAT: &str = "plantain-export/1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub format: String,
    pub from: i64,
    pub to: i64,
    pub incarnation: i64,
    /// Hex, of the event before the first; zeros before position 1.
    pub prev_hash: String,
    /// Hex: the roots of the complete subtrees of the events before the first, the largest first.
    pub tree: Vec<String>,
    /// Signed notes of sizes within the export: of each incarnation the first and the last.
    pub checkpoints: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    pub events: i64,
    /// Hex, of the last event.
    pub head: String,
    /// Hex, of the Merkle tree through the last event.
    pub root: String,
}

/// A line an event, in the order of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub position: i64,
    pub account_id: Uuid,
    pub version: i64,
    pub r#type: String,
    pub schema_version: i16,
    pub available_delta: i64,
    pub reserved_delta: i64,
    pub debt_delta: i64,
    pub payload: String,
    pub producer: String,
    pub command_id: String,
    pub ordinal: i16,
    pub request_digest: String,
    pub actor: String,
    pub causation: Option<i64>,
    pub trace_id: Option<String>,
    pub recorded_at: i64,
    pub prev_hash: String,
    pub hash: String,
}

impl From<Row> for Line {
    fn from(row: Row) -> Self {
        Self {
            position: row.position,
            account_id: row.account_id,
            version: row.version,
            r#type: row.event_type,
            schema_version: row.schema_version,
            available_delta: row.available_delta,
            reserved_delta: row.reserved_delta,
            debt_delta: row.debt_delta,
            payload: row.payload,
            producer: row.producer,
            command_id: row.command_id,
            ordinal: row.ordinal,
            request_digest: hex(&row.request_digest),
            actor: row.actor,
            causation: row.causation,
            trace_id: row.trace_id.map(|t| hex(&t)),
            recorded_at: row.recorded_at,
            prev_hash: hex(&row.prev_hash),
            hash: hex(&row.hash),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its field {0} is not hex of the right length")]
pub struct BadHex(pub &'static str);

impl TryFrom<Line> for Row {
    type Error = BadHex;

    fn try_from(line: Line) -> Result<Self, BadHex> {
        let trace_id = match &line.trace_id {
            Some(text) => Some(from_hex(text).ok_or(BadHex("trace_id"))?),
            None => None,
        };
        Ok(Self {
            position: line.position,
            account_id: line.account_id,
            version: line.version,
            event_type: line.r#type,
            schema_version: line.schema_version,
            available_delta: line.available_delta,
            reserved_delta: line.reserved_delta,
            debt_delta: line.debt_delta,
            payload: line.payload,
            producer: line.producer,
            command_id: line.command_id,
            ordinal: line.ordinal,
            request_digest: from_hex(&line.request_digest).ok_or(BadHex("request_digest"))?,
            actor: line.actor,
            causation: line.causation,
            trace_id,
            recorded_at: line.recorded_at,
            prev_hash: from_hex(&line.prev_hash).ok_or(BadHex("prev_hash"))?,
            hash: from_hex(&line.hash).ok_or(BadHex("hash"))?,
        })
    }
}

impl Header {
    pub fn new(from: i64, to: i64, incarnation: i64, prev_hash: &Hash, before: &Frontier) -> Self {
        Self {
            format: FORMAT.to_owned(),
            from,
            to,
            incarnation,
            prev_hash: hex(prev_hash),
            tree: before.edge().iter().map(|h| hex(h)).collect(),
            checkpoints: Vec::new(),
        }
    }

    /// The hash and the tree before the first event. `None`: the header is not whole.
    pub fn before(&self) -> Option<(Hash, Frontier)> {
        let edge = self.tree.iter().map(|h| from_hex(h)).collect::<Option<Vec<Hash>>>()?;
        let size = Size::try_from(self.from.checked_sub(1)?).ok()?;
        Some((from_hex(&self.prev_hash)?, Frontier::resume(size, edge)?))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Row(#[from] BadRow),
    #[error("the export can't be written")]
    Write(#[from] io::Error),
    #[error("there are no positions {from} to {to}: the log has 1 to {head}")]
    Range { from: i64, to: i64, head: i64 },
}

/// Writes the events from `from` to `to` (by default all), of one snapshot. `progress` is told (done, of).
///
/// # Errors
/// See [`ExportError`]; the output then holds a part.
pub async fn write(
    pool: &PgPool,
    from: Option<i64>,
    to: Option<i64>,
    out: &mut impl Write,
    mut progress: impl FnMut(i64, i64),
) -> Result<Footer, ExportError> {
    let mut tx = store::begin(pool).await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
    store::take_time(&mut tx).await?;
    let head = store::head(&mut *tx).await?;
    let (from, to) = (from.unwrap_or(1), to.unwrap_or(head.position).min(head.position));
    if from < 1 || from > to + 1 {
        return Err(ExportError::Range { from, to, head: head.position });
    }
    let before = Size::try_from(from - 1).unwrap_or(0);
    let mut frontier = tree::frontier(&mut tx, before).await?;
    let mut hash = match before {
        0 => GENESIS,
        _ => {
            let asked = sqlx::query_scalar("SELECT hash FROM events WHERE position = $1").bind(from - 1);
            let bytes: Vec<u8> = asked.fetch_one(&mut *tx).await?;
            bytes.as_slice().try_into().map_err(|_| BadRow::Length { position: from - 1 })?
        }
    };
    let mut header = Header::new(from, to, head.incarnation, &hash, &frontier);
    header.checkpoints = checkpoints(&mut tx, from, to).await?;
    line(out, &header)?;
    let mut events = 0;
    {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE position BETWEEN $1 AND $2 ORDER BY position");
        let mut rows = sqlx::query(AssertSqlSafe(sql)).bind(from).bind(to).fetch(&mut *tx);
        while let Some(row) = rows.try_next().await? {
            let row = Row::read(&row)?;
            hash = row.hash;
            frontier.push(leaf_hash(&hash));
            line(out, &Line::from(row))?;
            events += 1;
            progress(events, to - from + 1);
        }
    }
    let footer = Footer { events, head: hex(&hash), root: hex(&frontier.root()) };
    line(out, &footer)?;
    tx.rollback().await?;
    Ok(footer)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Of each incarnation the first and the last whose size is in the range.
async fn checkpoints(tx: &mut sqlx::PgConnection, from: i64, to: i64) -> Result<Vec<String>, sqlx::Error> {
    let found: Vec<(i64, String)> = sqlx::query_as(
        "SELECT size, note FROM ( \
            (SELECT DISTINCT ON (incarnation) * FROM checkpoints WHERE size BETWEEN $1 AND $2 ORDER BY incarnation, size) \
            UNION \
            (SELECT DISTINCT ON (incarnation) * FROM checkpoints WHERE size BETWEEN $1 AND $2 ORDER BY incarnation, size DESC) \
         ) chosen ORDER BY incarnation, size",
    )
    .bind(from)
    .bind(to)
    .fetch_all(tx)
    .await?;
    Ok(found.into_iter().map(|(_, note)| note).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_makes_the_reader_fall(text in "\\PC{0,200}") {
            let _ = serde_json::from_str::<Line>(&text).map(Row::try_from);
            let _ = serde_json::from_str::<Header>(&text).map(|h| h.before());
        }
    }

    #[test]
    fn a_header_whose_tree_does_not_fit_is_refused() {
        let header = Header::new(4, 9, 1, &[0; 32], &Frontier::resume(3, vec![[1; 32], [2; 32]]).unwrap());
        assert!(header.before().is_some());
        for from in [i64::MIN, 0, 3, 5, i64::MAX] {
            assert!(Header { from, ..header.clone() }.before().is_none(), "{from}");
        }
        assert!(Header { prev_hash: "xy".into(), ..header }.before().is_none());
    }
}
