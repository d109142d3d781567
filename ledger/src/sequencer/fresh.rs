//! Which ids need no look-up: those that the filter has never heard of.
//!
//! Phases: after the start the filter is filled from the log, in the background; what is decided
//! meanwhile is kept aside and added at the end. Until then every id is looked up. A filter that is full
//! is made anew, twice as large, while the old one still serves.
//!
//! Invariant: an id is added before the batch that holds it flies, so that nothing in the log after the
//! filling's end is missing from a filter that serves.

use proto_events::{CommandId, Producer};
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::draft::Drafted;
use super::filter::{Filter, hash_of};
use crate::store;

/// Room for ids beside those of the log at the start.
const ROOM: usize = 1 << 20;
/// Ids in one read; short, so that the filling never keeps others waiting.
const CHUNK: i64 = 20_000;
/// Between two reads of the filling after one failed.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

#[derive(Debug)]
pub struct Fresh {
    readers: PgPool,
    serving: Option<Filter>,
    filling: Option<Filling>,
}

#[derive(Debug)]
struct Filling {
    done: oneshot::Receiver<Filter>,
    /// Decided since the filling began.
    aside: Vec<u64>,
}

fn of_command(producer: Producer, id: &CommandId) -> u64 {
    hash_of([producer.as_str(), id.as_str()])
}

fn of_key(kind: &str, key: &str) -> u64 {
    // No producer is called so.
    hash_of([&format!("key/{kind}"), key])
}

impl Fresh {
    /// Begins to fill a filter with the log through this position.
    pub fn start(readers: PgPool, position: i64) -> Self {
        let mut fresh = Self { readers, serving: None, filling: None };
        let ids = usize::try_from(position).unwrap_or_default();
        fresh.fill(ids + ROOM, position, Vec::new());
        fresh
    }

    fn fill(&mut self, capacity: usize, position: i64, aside: Vec<u64>) {
        let (sender, done) = oneshot::channel();
        let readers = self.readers.clone();
        tokio::spawn(async move {
            let mut sender = sender;
            tokio::select! {
                // Nobody waits for it any more.
                () = sender.closed() => return,
                filter = filled(readers, capacity, position) => drop(sender.send(filter)),
            }
            tracing::info!(position, "fresh commands need no look-up any more");
        });
        self.filling = Some(Filling { done, aside });
    }

    /// May a command with this id be in the log?
    pub fn maybe_command(&self, producer: Producer, id: &CommandId) -> bool {
        self.serving.as_ref().is_none_or(|filter| filter.maybe(of_command(producer, id)))
    }

    /// May this natural key be taken?
    pub fn maybe_key(&self, kind: &str, key: &str) -> bool {
        self.serving.as_ref().is_none_or(|filter| filter.maybe(of_key(kind, key)))
    }

    /// Takes note of a batch that is about to fly from `position`; `ahead` are in flight.
    pub fn note(&mut self, batch: &Drafted, ahead: &[std::sync::Arc<Drafted>], position: i64) {
        self.take_filled();
        if self.filling.is_none() && self.serving.as_ref().is_some_and(Filter::is_full) {
            let capacity = self.serving.as_ref().map_or(ROOM, |filter| filter.capacity() * 2);
            // The log ends at `position` once these are in it, if they ever are.
            let aside = ahead.iter().flat_map(|batch| hashes(batch)).collect();
            self.fill(capacity, position, aside);
        }
        for hash in hashes(batch) {
            if let Some(filter) = &mut self.serving {
                filter.insert(hash);
            }
            if let Some(filling) = &mut self.filling {
                filling.aside.push(hash);
            }
        }
    }

    fn take_filled(&mut self) {
        let Some(filling) = &mut self.filling else { return };
        match filling.done.try_recv() {
            Ok(mut filter) => {
                filling.aside.iter().for_each(|hash| filter.insert(*hash));
                (self.serving, self.filling) = (Some(filter), None);
            }
            Err(oneshot::error::TryRecvError::Empty) => {}
            // The task died: everything is looked up, as before it began.
            Err(oneshot::error::TryRecvError::Closed) => self.filling = None,
        }
    }
}

fn hashes(batch: &Drafted) -> impl Iterator<Item = u64> {
    let commands = batch.commands().map(|(producer, id)| of_command(producer, id));
    commands.chain(batch.keys.iter().map(|key| of_key(key.kind, &key.key)))
}

async fn filled(readers: PgPool, capacity: usize, position: i64) -> Filter {
    let mut filter = Filter::with_capacity(capacity);
    let mut after = 0;
    while after < position {
        let until = position.min(after + CHUNK);
        match store::command_ids(&readers, after, until).await {
            Ok(ids) => {
                ids.iter().for_each(|(producer, id)| filter.insert(hash_of([producer, id])));
                after = until;
            }
            Err(error) => {
                tracing::warn!(%error, "the filter of known commands can't be filled yet");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    let mut after = (String::new(), String::new());
    loop {
        match store::natural_keys_after(&readers, (&after.0, &after.1), CHUNK).await {
            Ok(keys) => {
                keys.iter().for_each(|(kind, key)| filter.insert(of_key(kind, key)));
                match keys.into_iter().next_back() {
                    Some(last) => after = last,
                    None => return filter,
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the filter of known keys can't be filled yet");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
