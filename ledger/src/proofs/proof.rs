//! Proofs about the log that stand alone: everything that is needed to check one is in it, but the public
//! key (docs/PROOFS.md, "Proofs").

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection};

use super::checkpoint::{BadCheckpoint, SignedCheckpoint};
use super::export::{BadHex, Line};
use super::merkle::{Size, consistency_path, inclusion_path, is_consistent, leaf_hash, root_by_inclusion};
use super::note::PublicKey;
use super::tree;
use crate::log::{BadRow, COLUMNS, Hash, Row, from_hex, hash_of, hex};

pub const FORMAT: &str = "plantain-proof/1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub format: String,
    #[serde(flatten)]
    pub claim: Claim,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Claim {
    /// The event is in the log of the checkpoint.
    Inclusion {
        event: Line,
        /// Hex: SHA-256(0x00 ‖ hash of the event).
        leaf: String,
        /// Hex, the nearest node first.
        path: Vec<String>,
        /// A signed note.
        checkpoint: String,
    },
    /// The log of the older checkpoint is a beginning of that of the newer.
    Consistency {
        /// Hex.
        path: Vec<String>,
        /// Signed notes.
        older: String,
        newer: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("Postgres did not answer")]
    Postgres(#[from] sqlx::Error),
    #[error("the log can't be read")]
    Row(#[from] BadRow),
    #[error("the log has no event at position {0}")]
    NoEvent(i64),
    #[error("no checkpoint vouches for position {position}{}", match newest {
        Some(newest) => format!(": the newest is of size {newest}; the next one follows within seconds while the ledger runs"),
        None => ": there is none; is CHECKPOINT_KEY_FILE set?".to_owned(),
    })]
    NotYet { position: i64, newest: Option<i64> },
    #[error("there is no checkpoint of size {0}")]
    NoCheckpoint(i64),
    #[error("a stored checkpoint can't be read")]
    Checkpoint(#[from] BadCheckpoint),
    #[error("the log is not what its checkpoint says, so there is no proof: run `ledger verify`")]
    Differs,
}

/// Why a proof proves nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disproved {
    #[error("this is no proof that is known here: format {0:?}")]
    Format(String),
    #[error("{0}")]
    Checkpoint(#[from] BadCheckpoint),
    #[error("{0}")]
    Hex(#[from] BadHex),
    #[error("the event's hash is not that of its columns")]
    Event,
    #[error("the leaf is not that of the event")]
    Leaf,
    #[error("the path does not lead from the event to the checkpoint's root")]
    Path,
    #[error("the path does not lead from the older checkpoint to the newer")]
    Consistency,
}

/// What a proof has shown, for people.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Proved {
    pub what: String,
    /// The checkpoint's, the newer one's.
    pub size: Size,
    pub incarnation: i64,
    pub signature_checked: bool,
}

/// Proves that the event is in the log of the newest checkpoint.
///
/// # Errors
/// See [`ProofError`].
pub async fn inclusion(tx: &mut PgConnection, position: i64) -> Result<Proof, ProofError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(position).fetch_optional(&mut *tx).await?;
    let row = Row::read(&row.ok_or(ProofError::NoEvent(position))?)?;
    let newest = newest(tx).await?;
    let size = newest.as_ref().map(|n| n.checkpoint.size);
    let path = size.and_then(|size| inclusion_path(index(position), size));
    let (Some(newest), Some(ranges)) = (newest, path) else {
        let newest = size.map(|s| i64::try_from(s).unwrap_or(i64::MAX));
        return Err(ProofError::NotYet { position, newest });
    };
    let mut path = Vec::new();
    for range in ranges {
        path.push(tree::root(tx, range).await?);
    }
    let leaf = leaf_hash(&row.hash);
    let c = &newest.checkpoint;
    if root_by_inclusion(index(position), c.size, leaf, &path) != Some(c.root) {
        return Err(ProofError::Differs);
    }
    let claim = Claim::Inclusion {
        event: row.into(),
        leaf: hex(&leaf),
        path: path.iter().map(|h| hex(h)).collect(),
        checkpoint: newest.note,
    };
    Ok(Proof { format: FORMAT.to_owned(), claim })
}

/// Proves that the log has only grown between two checkpoints; the newer is the newest if not said.
///
/// # Errors
/// See [`ProofError`].
pub async fn consistency(tx: &mut PgConnection, from: i64, to: Option<i64>) -> Result<Proof, ProofError> {
    let older = of_size(tx, from).await?;
    let newer = match to {
        Some(size) => of_size(tx, size).await?,
        None => newest(tx).await?.ok_or(ProofError::NoCheckpoint(from))?,
    };
    let (old, new) = (&older.checkpoint, &newer.checkpoint);
    let ranges = consistency_path(old.size, new.size).ok_or(ProofError::NoCheckpoint(from))?;
    let mut path = Vec::new();
    for range in ranges {
        path.push(tree::root(tx, range).await?);
    }
    if !is_consistent(old.size, &old.root, new.size, &new.root, &path) {
        return Err(ProofError::Differs);
    }
    let path = path.iter().map(|h| hex(h)).collect();
    Ok(Proof {
        format: FORMAT.to_owned(),
        claim: Claim::Consistency { path, older: older.note, newer: newer.note },
    })
}

/// Invariant: positions are above 0.
fn index(position: i64) -> Size {
    Size::try_from(position - 1).unwrap_or(Size::MAX)
}

async fn newest(tx: &mut PgConnection) -> Result<Option<SignedCheckpoint>, ProofError> {
    let sql = "SELECT note FROM checkpoints ORDER BY incarnation DESC, size DESC LIMIT 1";
    let note: Option<String> = sqlx::query_scalar(sql).fetch_optional(tx).await?;
    Ok(note.map(|note| SignedCheckpoint::peek(&note)).transpose()?)
}

async fn of_size(tx: &mut PgConnection, size: i64) -> Result<SignedCheckpoint, ProofError> {
    let sql = "SELECT note FROM checkpoints WHERE size = $1 ORDER BY incarnation DESC LIMIT 1";
    let note: Option<String> = sqlx::query_scalar(sql).bind(size).fetch_optional(tx).await?;
    Ok(SignedCheckpoint::peek(&note.ok_or(ProofError::NoCheckpoint(size))?)?)
}

/// Checks a proof, without a ledger. Without keys nobody is asked who signed.
///
/// # Errors
/// Why it proves nothing.
pub fn check(proof: &Proof, keys: &[PublicKey]) -> Result<Proved, Disproved> {
    if proof.format != FORMAT {
        return Err(Disproved::Format(proof.format.clone()));
    }
    let open = |note: &str| {
        if keys.is_empty() { SignedCheckpoint::peek(note) } else { SignedCheckpoint::open(note, keys) }
    };
    let signature_checked = !keys.is_empty();
    match &proof.claim {
        Claim::Inclusion { event, leaf, path, checkpoint } => {
            let c = open(checkpoint)?.checkpoint;
            let row = Row::try_from(event.clone())?;
            if hash_of(&row, &row.prev_hash) != row.hash {
                return Err(Disproved::Event);
            }
            let own = leaf_hash(&row.hash);
            if *leaf != hex(&own) {
                return Err(Disproved::Leaf);
            }
            let path = hashes(path).ok_or(Disproved::Path)?;
            let place =
                row.position.checked_sub(1).and_then(|i| Size::try_from(i).ok()).ok_or(Disproved::Path)?;
            if root_by_inclusion(place, c.size, own, &path) != Some(c.root) {
                return Err(Disproved::Path);
            }
            let what = format!(
                "the event at position {} ({}) is in the log of {}",
                row.position, row.event_type, c.origin
            );
            Ok(Proved { what, size: c.size, incarnation: c.incarnation, signature_checked })
        }
        Claim::Consistency { path, older, newer } => {
            let (old, new) = (open(older)?.checkpoint, open(newer)?.checkpoint);
            let path = hashes(path).ok_or(Disproved::Consistency)?;
            if !is_consistent(old.size, &old.root, new.size, &new.root, &path) {
                return Err(Disproved::Consistency);
            }
            let what = format!(
                "the log of {} up to position {} is the beginning of that up to {}",
                new.origin, old.size, new.size
            );
            Ok(Proved { what, size: new.size, incarnation: new.incarnation, signature_checked })
        }
    }
}

fn hashes(path: &[String]) -> Option<Vec<Hash>> {
    path.iter().map(|h| from_hex(h)).collect()
}
