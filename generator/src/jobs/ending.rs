//! How an attempt ends: completed, failed, recorded for another one later, or left because nobody waits.

use std::time::Duration;

use proto_events::{
    Attempt, GenerationId,
    catalog::Catalog,
    commands::MadeOutput,
    events::{Spent, Trouble},
    queries::ClaimedJob,
};

use super::{
    Tools, ask,
    lease::Lease,
    pace,
    plan::{self, Course, Next},
    say,
    work::{LOOK_EVERY, note_store},
};
use crate::{
    cost,
    gemini::{Ask, Failure, Made},
    shelf::Stored,
};

/// How often a silent store is asked for an earlier result before a call is paid: paying twice is worse than waiting,
/// waiting for ever is worse than both.
const LOOKS_MAX: u32 = 10;

/// Seals what lies in the store, then completes. The store is asked until there is no time left to complete in. When
/// the job has gone on without us meanwhile, the result lies where its next attempt looks for it.
pub(super) async fn finish(
    tools: &Tools,
    job: &ClaimedJob,
    lease: &Lease,
    made: Made,
    spent: Spent,
) -> Option<Duration> {
    let (generation, attempt) = (job.generation, job.attempt);
    if let Some(text) = &made.text {
        ask::remember(tools, job, text).await;
    }
    let slot = tools.shelf.slot(generation, attempt);
    let stored = loop {
        match slot.seal(&made.outputs, &spent).await {
            Ok(stored) => break stored,
            Err(error) => note_store(job, &error, "the result is not stored yet"),
        }
        if job.deadline.get() - pace::now().get() < pace::SETTLE_MARGIN.as_micros() as i64 {
            if lease.is_lost() {
                return None;
            }
            return fail(tools, job, Trouble::Deadline, spent, None).await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    fail::fail_point!("generator.stored");
    // Closed by the deadline, not claimed by another: the ledger still settles it, late.
    let overdue = pace::now() >= job.deadline;
    if lease.is_lost() && !overdue {
        tracing::warn!(%generation, %attempt, outputs = stored.outputs.len(), "left for the next attempt: the claim was lost");
        metrics::counter!("generator_results_left_total").increment(1);
        return None;
    }
    say::complete(tools, generation, attempt, stored).await;
    None
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
        doubts: job.doubts,
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
    match earlier(tools, generation, attempt).await {
        Some(stored) => say::complete(tools, generation, last, stored).await,
        None => {
            let (catalog, view) = tokio::join!(tools.prices.current(), say::view(tools, generation));
            let spent =
                view.map_or(Spent::default(), |view| cost::guessed(&(&view).into(), catalog.as_deref()));
            say::attempted(tools, generation, last, Trouble::WorkerLost, spent, Duration::ZERO).await;
            say::fail(tools, generation, last, Trouble::AttemptsExhausted, Spent::default(), None).await;
        }
    }
}

/// A whole result of an attempt before this one.
pub(super) async fn earlier(tools: &Tools, generation: GenerationId, attempt: Attempt) -> Option<Stored> {
    let up_to = Attempt::new(attempt.get() - 1).ok()?;
    for _ in 0..LOOKS_MAX {
        match tools.shelf.find(generation, up_to).await {
            Ok(found) => return found,
            Err(error) => {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(%generation, %attempt, error = why, "earlier results can't be looked up yet");
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    None
}
