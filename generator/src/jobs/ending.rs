//! How an attempt ends: completed, failed, recorded for another one later, or left because nobody waits.

use std::time::Duration;

use proto_events::{
    Attempt, GenerationId,
    catalog::Catalog,
    commands::MadeOutput,
    events::{Spent, Trouble},
    queries::ClaimedJob,
};
use tokio::time::timeout;

use super::{
    Tools, ask, pace,
    plan::{self, Course, Next},
    say,
    work::{LOOK_EVERY, note_store},
};
use crate::{
    cost,
    gemini::{Ask, Failure, Made, Memory},
    shelf::{self, Slot},
};

/// For what may be asked about later: it must not hold up what was paid for.
const MEMORY_TIMEOUT: Duration = Duration::from_secs(5);

/// Seals what lies in the store, then completes. The store is asked until there is no time left to complete in. When
/// the job has gone on without us meanwhile, the result lies where its next attempt looks for it.
pub(super) async fn finish(tools: &Tools, job: &ClaimedJob, made: Made, spent: Spent) -> Option<Duration> {
    let (generation, attempt) = (job.generation, job.attempt);
    let slot = tools.shelf.slot(generation, attempt);
    let stored = loop {
        match slot.seal(&made.outputs, &spent).await {
            Ok(stored) => break stored,
            Err(error) => note_store(job, &error, "the result is not stored yet"),
        }
        if job.deadline.get() - pace::now().get() < pace::SETTLE_MARGIN.as_micros() as i64 {
            return fail(tools, job, Trouble::Deadline, spent, None).await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    fail::fail_point!("generator.stored");
    // Before the ledger is told, so that the person's next question knows it.
    if timeout(MEMORY_TIMEOUT, remember(tools, job, &slot, made.memory)).await.is_err() {
        tracing::warn!(%generation, %attempt, "what an edit or a further question would show is lost: the store is slow");
    }
    // Also under a lost claim: the ledger knows whether the job has gone on, and settles what comes after the deadline.
    say::complete(tools, generation, attempt, stored).await;
    None
}

async fn remember(tools: &Tools, job: &ClaimedJob, slot: &Slot, memory: Memory) {
    match memory {
        Memory::Words(answer) => ask::remember(tools, job, answer).await,
        Memory::Turn(keepsake) => {
            if let Err(error) = slot.turn(*keepsake).await {
                shelf::note(&error, "a turn is lost: an edit of it begins with the picture alone");
            }
        }
        Memory::Nothing => {}
    }
}

/// The job ends, or is put on record and tried again after what is returned.
pub(super) async fn after(
    tools: &Tools,
    job: &ClaimedJob,
    failure: Failure,
    spent: Spent,
    catalog: Option<&Catalog>,
) -> Option<Duration> {
    let course = Course {
        attempt: job.attempt,
        unpaid: job.unpaid + u16::from(failure.trouble.is_unpaid()),
        doubts: job.doubts + u16::from(job.lost),
        deadline: job.deadline,
        now: pace::now(),
        attempts_max: catalog.map(|catalog| catalog.limits.attempts_max),
        retries_in_doubt: tools.retries_in_doubt,
    };
    match plan::after(&course, &failure, uuid::Uuid::new_v4().as_u64_pair().0) {
        Next::Fail => fail(tools, job, failure.trouble, spent, failure.text).await,
        Next::Again { after } => {
            let (generation, attempt) = (job.generation, job.attempt);
            let on_record = say::attempted(tools, generation, attempt, failure.trouble, spent, after).await;
            on_record.then_some(after)
        }
    }
}

/// Nothing comes after it, so it answers as [`after`] does: never again.
pub(super) async fn fail(
    tools: &Tools,
    job: &ClaimedJob,
    reason: Trouble,
    spent: Spent,
    text: Option<MadeOutput>,
) -> Option<Duration> {
    say::fail(tools, job.generation, job.attempt, reason, spent, text).await;
    None
}

/// The job is closed already; what the call that was left after so long may have cost is put on record.
pub(super) async fn left(
    tools: &Tools,
    job: &ClaimedJob,
    ask: &Ask,
    after: Duration,
    catalog: Option<&Catalog>,
) {
    let (generation, attempt) = (job.generation, job.attempt);
    let latency_ms = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
    let spent = Spent { latency_ms, ..cost::guessed(&ask.into(), catalog) };
    tracing::info!(%generation, %attempt, "canceled: the call was left");
    say::count("canceled");
    say::attempted(tools, generation, attempt, Trouble::Canceled, spent, Duration::ZERO).await;
}

/// Whoever had the attempt before this one was not heard of again and left no result: what such a call costs is put on
/// record. Before our own call, so that there is no more than one estimate for each call that was made.
pub(super) async fn lost(tools: &Tools, job: &ClaimedJob, catalog: Option<&Catalog>) {
    let Ok(last) = Attempt::new(job.attempt.get() - 1) else { return };
    let spent = cost::guessed(&job.into(), catalog);
    say::attempted(tools, job.generation, last, Trouble::WorkerLost, spent, Duration::ZERO).await;
}

/// No attempt is left and nobody is at it: the workers of the last ones died. What they left is used;
/// else the job is closed and the credits go back now instead of at the deadline.
pub(super) async fn exhausted(tools: &Tools, generation: GenerationId, attempt: Attempt) {
    let Ok(last) = Attempt::new(attempt.get() - 1) else { return };
    if last == Attempt::ZERO {
        // Old news from the stream; the sweep knows the last attempt.
        return;
    }
    match tools.shelf.before(generation, attempt).await {
        Ok(Some(stored)) => say::complete(tools, generation, last, stored).await,
        Ok(None) => {
            let (catalog, view) = tokio::join!(tools.prices.current(), say::view(tools, generation));
            let spent =
                view.map_or(Spent::default(), |view| cost::guessed(&(&view).into(), catalog.as_deref()));
            say::attempted(tools, generation, last, Trouble::WorkerLost, spent, Duration::ZERO).await;
            say::fail(tools, generation, last, Trouble::AttemptsExhausted, Spent::default(), None).await;
        }
        // The sweep shows it again; it is asked until the store answers, or the ledger closes it at its deadline.
        Err(error) => shelf::note(&error, "whether a job was made whose workers died can't be told yet"),
    }
}
