//! One attempt at a job, from its claim to what the ledger is told of it.
//!
//! claim → see that the store takes bytes and whether an earlier attempt left its result there → gather what is asked → call
//! Gemini, whose answer goes to the store while it comes → seal, complete; or fail, or record the attempt for another one
//! later. Every paid call has a claim of its own.
//! Invariant: no call is made while a whole result of an earlier attempt lies in the store. A call that was made is left only when
//! nobody wants the job any more, never for a lost claim: its result goes to the store, where the next attempt looks.

use std::{sync::Arc, time::Duration};

use proto_events::{
    Attempt, GenerationId,
    catalog::Catalog,
    events::{Spent, Trouble},
    queries::ClaimedJob,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Tools, ask, ending, lease::Lease, pace, say};
use crate::{
    cost,
    gemini::{Answered, Ask, Failure, Made},
    shelf::{self, Missing, Stored},
};

/// Between two looks at something that is away.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// `Some`: after so long another attempt may be claimed, by anybody.
pub(super) async fn run(
    tools: &Tools,
    generation: GenerationId,
    attempt: Attempt,
    unwanted: &CancellationToken,
) -> Option<Duration> {
    let (job, asked) = match say::claim(tools, generation, attempt).await {
        say::Claim::Ours { job, asked } => (job, asked),
        say::Claim::Exhausted => {
            ending::exhausted(tools, generation, attempt).await;
            return None;
        }
        say::Claim::NotOurs => return None,
    };
    fail::fail_point!("generator.claimed");
    let lease = Lease::take_up(&tools.ledger, &job, asked).await?;
    step(tools, &job, &lease, unwanted).await
}

/// A claimed attempt.
async fn step(
    tools: &Tools,
    job: &ClaimedJob,
    lease: &Lease,
    unwanted: &CancellationToken,
) -> Option<Duration> {
    let (generation, attempt) = (job.generation, job.attempt);
    let Some(earlier) = earlier(tools, job, lease).await else {
        if lease.is_lost() {
            return None;
        }
        return ending::fail(tools, job, Trouble::Deadline, Spent::default(), None).await;
    };
    if let Some(stored) = earlier {
        tracing::info!(%generation, %attempt, outputs = stored.outputs.len(), "an earlier attempt's result is used");
        say::complete(tools, generation, attempt, stored).await;
        return None;
    }
    let catalog = wait_for_catalog(tools, job, lease).await;
    if job.lost {
        ending::lost(tools, job, catalog.as_deref()).await;
    }
    let ask = tokio::select! {
        ask = gather(tools, job, lease, catalog.as_deref()) => ask,
        () = unwanted.cancelled() => return None,
    };
    if lease.is_lost() {
        return None;
    }
    let ask = match ask {
        Ok(ask) => ask,
        Err(trouble) => return ending::fail(tools, job, trouble, Spent::default(), None).await,
    };
    let Some(limit) = pace::left_for_call(job.deadline, pace::now()) else {
        return ending::fail(tools, job, Trouble::Deadline, Spent::default(), None).await;
    };
    let called = Instant::now();
    let answered = tokio::select! {
        answered = call(tools, job, &ask, limit) => answered,
        () = nobody_waits(tools, job, lease, unwanted) => {
            // A renewal that came after the record would be refused.
            lease.stop();
            ending::left(tools, job, &ask, called.elapsed(), catalog.as_deref()).await;
            return None;
        }
    };
    fail::fail_point!("generator.called");
    let spent = cost::spent(&answered, &ask, catalog.as_deref());
    if answered.called {
        note(job, &answered.result, &spent);
    }
    match answered.result {
        Ok(made) => ending::finish(tools, job, made, spent).await,
        // The job goes on without us; what it cost here is part of its cost.
        Err(failure) if lease.is_lost() => {
            say::attempted(tools, generation, attempt, failure.trouble, spent, Duration::ZERO).await;
            None
        }
        Err(failure) => {
            lease.stop();
            ending::after(tools, job, failure, spent, catalog.as_deref()).await
        }
    }
}

async fn call(tools: &Tools, job: &ClaimedJob, ask: &Ask, limit: Duration) -> Answered {
    let (generation, attempt) = (job.generation, job.attempt);
    let slot = tools.shelf.slot(generation, attempt);
    let mut live = tools.shelf.live(generation, attempt);
    tools.gemini.generate(ask, limit, &slot, &mut live).await
}

/// Looks again until it is there. `None`: the claim is lost, or no time is left for a call.
async fn until_there<T, F: Future<Output = Option<T>>>(
    job: &ClaimedJob,
    lease: &Lease,
    mut look: impl FnMut() -> F,
) -> Option<T> {
    loop {
        let found = look().await;
        if found.is_some() || lease.is_lost() || pace::left_for_call(job.deadline, pace::now()).is_none() {
            return found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What is asked, or why it can't be.
async fn gather(
    tools: &Tools,
    job: &ClaimedJob,
    lease: &Lease,
    catalog: Option<&Catalog>,
) -> Result<Ask, Trouble> {
    let (generation, attempt) = (job.generation, job.attempt);
    let look = || async move {
        let left = pace::left_for_call(job.deadline, pace::now())?;
        match ask::gather(tools, job, catalog, Instant::now() + left).await {
            Ok(ask) => Some(Ok(ask)),
            Err(missing @ Missing::Away(_)) => {
                tracing::warn!(%generation, %attempt, error = %missing, "what is to be shown can't be had yet");
                None
            }
            Err(missing) => {
                tracing::warn!(%generation, %attempt, error = %missing, "what is to be shown can't be had");
                Some(Err(ask::trouble(&missing)))
            }
        }
    };
    until_there(job, lease, look).await.unwrap_or(Err(Trouble::Deadline))
}

/// Returns once nobody wants the result: we were told, or have lost the claim and the ledger says so.
async fn nobody_waits(tools: &Tools, job: &ClaimedJob, lease: &Lease, unwanted: &CancellationToken) {
    tokio::select! {
        () = unwanted.cancelled() => return,
        () = lease.lost() => {}
    }
    if !say::is_canceled(tools, job.generation).await {
        unwanted.cancelled().await;
    }
}

/// Until the ledger has shown its catalog: without it nobody knows how a model is called and what it costs. `None`: no call
/// is made.
async fn wait_for_catalog(tools: &Tools, job: &ClaimedJob, lease: &Lease) -> Option<Arc<Catalog>> {
    let look = || async move {
        let catalog = tools.prices.current().await;
        if catalog.is_none() {
            tracing::warn!(generation = %job.generation, attempt = %job.attempt, "no call is made before the catalog is known");
        }
        catalog
    };
    until_there(job, lease, look).await
}

/// A whole result of an attempt before this one, looked for when the store takes bytes: what can't be kept is not paid for.
/// `None`: it is not known.
async fn earlier(tools: &Tools, job: &ClaimedJob, lease: &Lease) -> Option<Option<Stored>> {
    let look = || async move {
        let looked = match tools.shelf.ready().await {
            Ok(()) => tools.shelf.before(job.generation, job.attempt).await,
            Err(error) => Err(error),
        };
        looked.inspect_err(|error| note_store(job, error, "no call is made before the store answers")).ok()
    };
    until_there(job, lease, look).await
}

/// A store that is away comes back; one that is full needs a person.
pub(super) fn note_store(job: &ClaimedJob, error: &shelf::Error, what: &'static str) {
    let (generation, attempt) = (job.generation, job.attempt);
    let why: &dyn std::error::Error = error;
    if error.is_full() {
        tracing::error!(%generation, %attempt, error = why, "the object store is full: {what}");
        metrics::counter!("generator_store_full_total").increment(1);
    } else {
        tracing::warn!(%generation, %attempt, error = why, "{what}");
    }
}

/// A call in the log and the metrics, without what was asked or answered.
fn note(job: &ClaimedJob, result: &Result<Made, Failure>, spent: &Spent) {
    let outcome = match result {
        Ok(_) => "made".to_owned(),
        Err(failure) => say::word(failure.trouble),
    };
    let cost = spent.cost_micro_usd.map_or(0, |cost| cost.get());
    metrics::counter!("generator_calls_total", "outcome" => outcome.clone()).increment(1);
    metrics::counter!("generator_cost_micro_usd_total").increment(u64::try_from(cost).unwrap_or(0));
    metrics::counter!("generator_call_ms_total").increment(spent.latency_ms.into());
    let codes = result.as_ref().err().map(|failure| failure.codes.as_str());
    tracing::info!(
        generation = %job.generation, attempt = %job.attempt, model = %job.model, outcome, codes,
        latency_ms = spent.latency_ms, cost_micro_usd = cost, estimated = spent.estimated, "called Gemini"
    );
}

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
