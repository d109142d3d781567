//! An adapter's consumer of EVT that only listens: what it was told, and how often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto_events::subjects::CONSUMERS;
use proto_events::{Producer, PublishedEvent};
use service::consumer::{self, Verdict};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::stage::Stage;

/// As one adapter process: it remembers what it has done, until it ends.
pub struct Hearing {
    producer: Producer,
    /// Incarnation and position.
    told: Arc<Mutex<Vec<(i64, i64)>>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Hearing {
    pub fn start(stage: &Stage, producer: Producer) -> Self {
        let (told, stop) = (Arc::<Mutex<Vec<(i64, i64)>>>::default(), CancellationToken::new());
        let heard = Arc::clone(&told);
        let handler = move |event: PublishedEvent| {
            heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((event.incarnation, event.position.get()));
            std::future::ready(Verdict::Done)
        };
        let options = consumer::Options { in_flight_max: 16, ack_wait: Duration::from_secs(30) };
        let (client, ledger) = (stage.client(producer.as_str()), stage.ledger_as(producer));
        let task = stage.rt.spawn(consumer::run(client, producer, ledger, options, stop.clone(), handler));
        Self { producer, told, stop, task }
    }

    /// What was acted on, in the order of the log; twice if it was acted on twice.
    pub fn positions(&self) -> Vec<i64> {
        self.told().into_iter().map(|(_, position)| position).collect()
    }

    /// The same of one incarnation of the log.
    pub fn positions_of(&self, incarnation: i64) -> Vec<i64> {
        self.told().into_iter().filter(|told| told.0 == incarnation).map(|(_, position)| position).collect()
    }

    fn told(&self) -> Vec<(i64, i64)> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        told.sort_unstable_by_key(|(_, position)| *position);
        told
    }

    /// The positions after `after` that are for this consumer.
    pub fn wanted(&self, stage: &Stage, after: i64) -> Vec<i64> {
        let types = CONSUMERS.iter().find(|(p, _)| *p == self.producer).map_or(&[][..], |(_, types)| types);
        let sql = "SELECT position FROM events WHERE position > $1 AND type = ANY($2) ORDER BY position";
        let found = sqlx::query_scalar(sql).bind(after).bind(types).fetch_all(&stage.pool);
        stage.sql(found)
    }

    /// Waits until everything for it was told, and asserts that each was acted on once.
    pub fn assert_all_once(&self, stage: &Stage, after: i64) {
        let wanted = self.wanted(stage, after);
        stage.until("everything to be told", || {
            let told = self.positions();
            wanted.iter().all(|p| told.binary_search(p).is_ok()).then_some(())
        });
        assert_eq!(self.positions(), wanted, "{} acted twice, or on what is not for it", self.producer);
    }

    /// Waits until the ledger knows that all is done.
    pub fn until_reported(&self, stage: &Stage) {
        let sql = "SELECT done_through FROM consumers WHERE consumer = $1";
        stage.until("the consumer's report", || {
            let said =
                sqlx::query_scalar::<_, i64>(sql).bind(self.producer.as_str()).fetch_optional(&stage.pool);
            let said = stage.sql(said);
            (said >= self.wanted(stage, 0).last().copied()).then_some(())
        });
    }

    /// Ends in order; what it has acted on.
    pub fn finish(self, stage: &Stage) -> Vec<i64> {
        self.stop.cancel();
        stage
            .rt
            .block_on(self.task)
            .unwrap_or_else(|error| panic!("the consumer of {} broke off: {error}", self.producer));
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().map(|(_, position)| *position).collect()
    }
}
