//! Before a lead: is the database the one that was led last?
//!
//! A database restored from a backup is behind what was signed and published, or differs from it.
//! Serving from it would give positions a second time, to other events. So the newest checkpoints
//! outside the database (folder, NATS) and the end of EVT are compared with the log first. What is not
//! there, or does not answer, says nothing: JetStream may be lost at any time.
//!
//! A person may accept the restore (`serve --accept-restore`): the log begins a new incarnation, which
//! each reply and event names, and whose first checkpoint says where the old one was left.

use async_nats::Client;
use async_nats::connection::State;
use sqlx::PgPool;

use super::checkpoint::SignedCheckpoint;
use super::config::ProofsConfig;
use super::remote::{self, EvtEnd};
use crate::books::words::are;
use crate::log::{GENESIS, Hash, from_hex};
use crate::store::{Head, answered};

/// A place of the log that somebody outside the database knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// For people.
    pub from: String,
    pub position: i64,
    /// Of the event there, if it is told.
    pub hash: Option<Hash>,
    /// If it is told.
    pub incarnation: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error("{from} knows the log up to position {theirs}, the database ends at {ours}: {} missing", are(theirs - ours, "event"))]
    Behind { from: String, theirs: i64, ours: i64 },
    #[error("{from} knows another event at position {position} than the database has")]
    Differs { from: String, position: i64 },
    #[error("{from} is of incarnation {theirs} of the log, the database of the older incarnation {ours}")]
    Older { from: String, theirs: i64, ours: i64 },
    #[error("{from} is signed by none of the keys in CHECKPOINT_KEY_FILE and CHECKPOINT_VKEYS: {reason}")]
    Unsigned { from: String, reason: String },
}

/// Why nothing may be led, and what to do.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database is not the one that was led last; was an old one restored?\n  {}\nNothing is served. Either restore \
     the newest database and start again, or, if what is missing is lost for good, start once with \
     `ledger serve --accept-restore \"<why>\"`: the log then goes on at position {} as incarnation {}, what came after is given up, \
     and every envelope names the incarnation.",
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "), position + 1, next_incarnation
)]
pub struct Restored {
    pub found: Vec<Contradiction>,
    pub position: i64,
    pub next_incarnation: i64,
}

/// What is known outside the database. Second: notes that no key of ours has signed.
pub async fn witnesses(config: &ProofsConfig, nats: &Client) -> (Vec<Witness>, Vec<Contradiction>) {
    let (mut seen, mut bad) = (Vec::new(), Vec::new());
    let keys = config.keys();
    let mut note = |from: String, note: &str| match SignedCheckpoint::open(note, &keys) {
        Ok(SignedCheckpoint { checkpoint: c, .. }) => seen.push(Witness {
            from: format!("the checkpoint of size {} in {from}", c.size),
            position: i64::try_from(c.size).unwrap_or(i64::MAX),
            hash: Some(c.head),
            incarnation: Some(c.incarnation),
        }),
        Err(error) => bad.push(Contradiction::Unsigned {
            from: format!("the newest checkpoint in {from}"),
            reason: error.to_string(),
        }),
    };
    if let Some(shelf) = &config.shelf {
        match shelf.last_notes() {
            Ok(notes) => {
                if let Some(newest) = notes.last() {
                    note(shelf.dir().display().to_string(), newest);
                }
            }
            Err(error) => tracing::warn!(%error, "the checkpoints' folder can't be read"),
        }
    }
    if nats.connection_state() != State::Connected {
        tracing::warn!("NATS is away: the database is not compared with it");
        return (seen, bad);
    }
    let (newest, end) = tokio::join!(remote::newest(nats), remote::evt_end(nats));
    match newest {
        Ok(Some(newest)) if config.key.is_some() => note("NATS".to_owned(), &newest),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the checkpoints in NATS can't be read"),
    }
    match end {
        Ok(Some(EvtEnd::Event(event))) => seen.push(Witness {
            from: "the event stream EVT".to_owned(),
            position: event.position.get(),
            hash: from_hex(&event.hash),
            incarnation: Some(event.incarnation),
        }),
        Ok(Some(EvtEnd::Empty { after, incarnation })) => seen.push(Witness {
            from: "the (now empty) event stream EVT".to_owned(),
            position: i64::try_from(after).unwrap_or(i64::MAX),
            hash: None,
            incarnation,
        }),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the end of the event stream can't be read"),
    }
    (seen, bad)
}

/// What one witness has against the log. `ours`: the log's hash at the witness' position.
fn judge(witness: &Witness, head: &Head, ours: Option<Hash>) -> Option<Contradiction> {
    let Witness { from, position, hash, incarnation } = witness.clone();
    match incarnation {
        // What it knows was given up.
        Some(theirs) if theirs < head.incarnation => return None,
        Some(theirs) if theirs > head.incarnation => {
            return Some(Contradiction::Older { from, theirs, ours: head.incarnation });
        }
        _ => {}
    }
    if position > head.position {
        return Some(Contradiction::Behind { from, theirs: position, ours: head.position });
    }
    let differs = hash.is_some() && hash != ours;
    differs.then_some(Contradiction::Differs { from, position })
}

/// Compares the log with what is known outside.
///
/// # Errors
/// Postgres does not answer; inside: why nothing may be led.
pub async fn check(
    pool: &PgPool,
    nats: &Client,
    config: &ProofsConfig,
    head: &Head,
) -> Result<Result<(), Restored>, sqlx::Error> {
    let (seen, mut found) = witnesses(config, nats).await;
    let mut newest = head.incarnation;
    for witness in &seen {
        newest = newest.max(witness.incarnation.unwrap_or(0));
        let ours = hash_at(pool, witness.position).await?;
        found.extend(judge(witness, head, ours));
    }
    let restored = Restored { found, position: head.position, next_incarnation: newest + 1 };
    Ok(if restored.found.is_empty() { Ok(()) } else { Err(restored) })
}

async fn hash_at(pool: &PgPool, position: i64) -> Result<Option<Hash>, sqlx::Error> {
    if position == 0 {
        return Ok(Some(GENESIS));
    }
    let asked =
        sqlx::query_scalar("SELECT hash FROM events WHERE position = $1").bind(position).fetch_optional(pool);
    let hash: Option<Vec<u8>> = answered(asked).await?;
    Ok(hash.and_then(|h| h.as_slice().try_into().ok()))
}

/// Begins the next incarnation, under the fence. `None`: somebody else leads.
///
/// # Errors
/// Postgres does not answer.
pub async fn accept(pool: &PgPool, head: &Head, incarnation: i64) -> Result<Option<Head>, sqlx::Error> {
    let changed = sqlx::query("UPDATE log_head SET incarnation = $1 WHERE epoch = $2 AND incarnation < $1")
        .bind(incarnation)
        .bind(head.epoch)
        .execute(pool);
    let changed = answered(changed).await?.rows_affected() == 1;
    Ok(changed.then_some(Head { incarnation, ..*head }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            position: 10,
            hash: [10; 32],
            recorded_at: 0,
            epoch: 1,
            incarnation: 2,
            now: 0,
            lease_until: 0,
            expiries_from: 0,
            jumped_us: 0,
        }
    }

    fn witness(position: i64, hash: u8, incarnation: i64) -> Witness {
        Witness { from: "it".into(), position, hash: Some([hash; 32]), incarnation: Some(incarnation) }
    }

    #[test]
    fn the_log_may_be_ahead_of_its_witnesses_but_not_behind_and_not_another() {
        let ours = Some([7; 32]);
        assert_eq!(judge(&witness(7, 7, 2), &head(), ours), None);
        assert!(matches!(judge(&witness(7, 8, 2), &head(), ours), Some(Contradiction::Differs { .. })));
        assert!(matches!(judge(&witness(11, 7, 2), &head(), None), Some(Contradiction::Behind { .. })));
        assert!(matches!(judge(&witness(7, 7, 3), &head(), ours), Some(Contradiction::Older { .. })));
        assert_eq!(judge(&witness(99, 8, 1), &head(), None), None, "it was given up");
        let empty = Witness { hash: None, incarnation: None, ..witness(11, 0, 2) };
        assert!(matches!(judge(&empty, &head(), None), Some(Contradiction::Behind { .. })));
        assert_eq!(judge(&Witness { position: 10, ..empty.clone() }, &head(), ours), None);
        assert_eq!(judge(&Witness { incarnation: Some(1), ..empty }, &head(), None), None, "it was given up");
    }

    #[test]
    fn the_refusal_says_what_is_missing_and_how_to_go_on() {
        let found = vec![judge(&witness(15, 7, 2), &head(), None).unwrap()];
        let said = Restored { found, position: 10, next_incarnation: 3 }.to_string();
        for part in ["5 events are missing", "--accept-restore", "position 11", "incarnation 3"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
