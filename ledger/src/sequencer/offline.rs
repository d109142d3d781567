//! The sequencer's decisions without a database: what a leader would write for these commands.
//!
//! For generators of big logs and for measurements: rows, natural keys and side rows come from the
//! same draft as the real ones. Nothing is evicted: memory grows with the accounts that are used.

use std::collections::HashMap;

use proto_events::{AccountId, Refused};
use sqlx::PgPool;

use super::accounts::Accounts;
use super::clock::Times;
use super::draft::{Draft, Outcome, Streams};
use super::fingerprint::{self, Fingerprints};
use super::known::{Known, payment_key};
use super::queue::Request;
use crate::log::{BadRow, Hash, Row};
use crate::store::side::Side;
use crate::store::{self, NaturalKey};

/// A log's end in memory, to be continued.
#[derive(Debug)]
pub struct Offline {
    accounts: Accounts,
    streams: Streams,
    fingerprints: Fingerprints,
    /// Natural keys taken here: (kind, key) → owner.
    keys: HashMap<(String, String), String>,
    position: i64,
    hash: Hash,
}

/// What one batch writes, chained on top of the one before.
#[derive(Debug, Default)]
pub struct Written {
    pub rows: Vec<Row>,
    pub keys: Vec<NaturalKey>,
    pub side: Side,
    /// People whose account was opened in it.
    pub opened: Vec<(i64, AccountId)>,
}

impl Offline {
    /// At the head of this log. Of its streams only nobody's are known.
    ///
    /// # Errors
    /// The head or these streams can't be read.
    pub async fn at_head(pool: &PgPool) -> Result<Self, BadRow> {
        let head = store::head(pool).await?;
        let streams = super::read_streams(pool).await?;
        let fingerprints = Fingerprints::new(store::service_key(pool, fingerprint::KEY).await?);
        let (position, hash) = (head.position, head.hash);
        Ok(Self {
            accounts: Accounts::default(),
            streams,
            fingerprints,
            keys: HashMap::new(),
            position,
            hash,
        })
    }

    /// Decides all of them at this time (µs), and takes them for committed.
    ///
    /// # Errors
    /// The index of a request that is refused, and why; those before it are lost.
    pub fn decide(&mut self, requests: &[Request], now: i64) -> Result<Written, (usize, Refused)> {
        let known = Known { keys: self.keys_of(requests), ..Known::default() };
        let mut draft =
            Draft::new(&mut self.accounts, &mut self.streams, &known, &[], self.position, Times::at(now))
                .for_people(self.fingerprints);
        for (index, request) in requests.iter().enumerate() {
            match draft.decide(index, request) {
                Outcome::Accepted { .. } | Outcome::Repeat(_) | Outcome::SameAs(_) => {}
                Outcome::Refused(refusal) => return Err((index, refusal)),
            }
        }
        let (drafted, hash) = draft.done(self.hash);
        self.hash = hash;
        let opened = drafted.people().collect();
        let written = Written { rows: drafted.rows, keys: drafted.keys, side: drafted.side, opened };
        for key in &written.keys {
            self.keys.insert((key.kind.to_owned(), key.key.clone()), key.subject.clone());
        }
        self.position = written.rows.last().map_or(self.position, |row| row.position);
        Ok(written)
    }

    fn keys_of(&self, requests: &[Request]) -> HashMap<(String, String), String> {
        let keys = requests.iter().filter_map(|r| payment_key(&r.command));
        let taken =
            keys.filter_map(|key| self.keys.get_key_value(&(super::known::KEY_PAYMENT.to_owned(), key)));
        taken.map(|(key, owner)| (key.clone(), owner.clone())).collect()
    }
}
