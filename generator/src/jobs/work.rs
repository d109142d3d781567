//! One job from its claim to its end.
//!
//! claim → look whether an earlier attempt left its result → see that the store takes bytes → call
//! Gemini → put the bytes → complete, or fail, or record the attempt, wait and claim the next one. Every
//! paid call has a claim of its own.
//! Invariant: no call is made while a whole result of an earlier attempt lies in the store. A call that
//! was made is never dropped for a lost claim: its bytes go to the store, where the next attempt looks.

use std::time::Duration;

use proto_events::{
    Attempt, GenerationId, Text,
    catalog::Catalog,
    commands::MadeOutput,
    events::{Spent, Trouble},
    queries::ClaimedJob,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Tools, lease::Lease, pace, say};
use crate::{
    cost,
    gemini::{Ask, Failure, Made, Remedy},
    shelf::{self, Material, Slot, Stored, Wanted},
};

/// How often and how far apart a silent store is asked for an earlier result before a call is paid:
/// paying twice is worse than waiting, waiting for ever is worse than both.
const LOOKS_MAX: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The wait that the ledger was told ends by its clock, a little before or after ours. Who holds the job
/// beyond these tries is another worker.
const HELD_TRIES_MAX: u32 = 5;
const HELD_EVERY: Duration = Duration::from_millis(300);

/// What every model of today takes.
const PICTURES_MAX: usize = 14;

/// What comes after an attempt.
enum Next {
    End,
    Again { after: Duration },
}

pub(super) async fn run(
    tools: &Tools,
    generation: GenerationId,
    mut attempt: Attempt,
    closing: &CancellationToken,
) {
    let mut held_tries = 0;
    loop {
        let (job, asked) = match say::claim(tools, generation, attempt).await {
            say::Claim::Ours { job, asked } => (job, asked),
            say::Claim::Exhausted => return exhausted(tools, generation, attempt).await,
            say::Claim::Held if held_tries > 0 && !closing.is_cancelled() => {
                held_tries -= 1;
                tokio::time::sleep(HELD_EVERY).await;
                continue;
            }
            say::Claim::Held | say::Claim::NotOurs => return,
        };
        fail::fail_point!("generator.claimed");
        let Some(lease) = Lease::take_up(&tools.ledger, &job, asked).await else { return };
        let next = step(tools, &job, &lease).await;
        drop(lease);
        match next {
            Next::End => return,
            Next::Again { after } => {
                held_tries = HELD_TRIES_MAX;
                tokio::select! {
                    () = tokio::time::sleep(after) => attempt = attempt.next(),
                    // On record: after the wait any process takes it up.
                    () = closing.cancelled() => return,
                }
            }
        }
    }
}

/// A claimed attempt.
async fn step(tools: &Tools, job: &ClaimedJob, lease: &Lease) -> Next {
    let (generation, attempt) = (job.generation, job.attempt);
    if attempt.get() > 1
        && let Some(stored) = earlier(tools, generation, attempt).await
    {
        tracing::info!(%generation, %attempt, outputs = stored.outputs.len(), "an earlier attempt's result is used");
        say::complete(tools, generation, attempt, stored.outputs, stored.spent).await;
        return Next::End;
    }
    // Asked before the call, while the ledger is known to answer.
    let catalog = tools.prices.current().await;
    wait_for_store(tools, job, lease).await;
    if lease.is_lost() {
        return Next::End;
    }
    let Some(limit) = pace::left_for_call(job.deadline, pace::now()) else {
        return fail(tools, job, Trouble::Deadline, Spent::default(), None).await;
    };
    let wanted =
        Wanted { references: &job.references, followed: job.followed.as_ref(), pictures_max: PICTURES_MAX };
    let material = match tools.shelf.material(wanted, Instant::now() + limit).await {
        Ok(material) => material,
        Err(missing) => {
            tracing::warn!(%generation, %attempt, error = %missing, "what is to be shown can't be had");
            return fail(tools, job, Trouble::InvalidRequest, Spent::default(), None).await;
        }
    };
    let ask = ask(job, catalog.as_deref(), material);
    let slot = tools.shelf.slot(generation, attempt);
    let mut live = tools.shelf.live(generation, attempt);
    let answered = tools.gemini.generate(&ask, limit, &slot, &mut live).await;
    fail::fail_point!("generator.called");
    let spent = cost::spent(&answered, &ask, catalog.as_deref());
    record(job, &answered.result, &spent);
    match answered.result {
        Ok(made) => finish(tools, job, lease, &slot, &made, spent).await,
        Err(_) if lease.is_lost() => Next::End,
        Err(failure) => {
            // A renewal that came after the record would be refused.
            lease.stop();
            after_failure(tools, job, &failure, spent, catalog.as_deref()).await
        }
    }
}

/// Until the store takes bytes: what can't be kept is not paid for. Ends also when the claim is lost or
/// no time is left for a call.
async fn wait_for_store(tools: &Tools, job: &ClaimedJob, lease: &Lease) {
    while let Err(error) = tools.shelf.ready().await {
        note_store(job, &error, "no call is made before the store is ready");
        if lease.is_lost() || pace::left_for_call(job.deadline, pace::now()).is_none() {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A store that is away comes back; one that is full needs a person.
fn note_store(job: &ClaimedJob, error: &shelf::Error, what: &'static str) {
    let (generation, attempt) = (job.generation, job.attempt);
    let why: &dyn std::error::Error = error;
    if error.is_full() {
        tracing::error!(%generation, %attempt, error = why, "the object store is full: {what}");
        metrics::counter!("generator_store_full_total").increment(1);
    } else {
        tracing::warn!(%generation, %attempt, error = why, "{what}");
    }
}

fn ask(job: &ClaimedJob, catalog: Option<&Catalog>, material: Material) -> Ask {
    let model = catalog.and_then(|catalog| catalog.models.iter().find(|model| model.name == job.model));
    Ask {
        kind: job.kind,
        model: job.model.to_string(),
        api: model.map(|model| model.api).unwrap_or_default(),
        system: job.system.as_ref().map(Text::to_string),
        turns: Vec::new(),
        prompt: job.prompt.to_string(),
        material,
        aspect_ratio: job.aspect_ratio.as_ref().map(Text::to_string),
        size: job.size.as_ref().map(Text::to_string),
    }
}

/// A paid call in the log and the metrics, without what was asked or answered.
fn record(job: &ClaimedJob, result: &Result<Made, Failure>, spent: &Spent) {
    let outcome = match result {
        Ok(_) => "Made".to_owned(),
        Err(failure) => format!("{:?}", failure.trouble),
    };
    let cost = spent.cost_micro_usd.map_or(0, |cost| cost.get());
    metrics::counter!("generator_calls_total", "outcome" => outcome.clone()).increment(1);
    metrics::counter!("generator_cost_micro_usd_total").increment(u64::try_from(cost).unwrap_or(0));
    metrics::counter!("generator_call_ms_total").increment(spent.latency_ms.into());
    let codes = result.as_ref().err().map(|failure| failure.codes.as_str());
    tracing::info!(
        generation = %job.generation, attempt = %job.attempt, model = %job.model, outcome, codes,
        latency_ms = spent.latency_ms, cost_micro_usd = cost, "called Gemini"
    );
}

/// Puts the bytes, then completes. The store is asked until there is no time left to complete in. When
/// the job has gone on without us meanwhile, the bytes lie where its next attempt looks for them.
async fn finish(
    tools: &Tools,
    job: &ClaimedJob,
    lease: &Lease,
    slot: &Slot,
    made: &Made,
    spent: Spent,
) -> Next {
    let (generation, attempt) = (job.generation, job.attempt);
    let stored = loop {
        match slot.seal(&made.outputs, &spent).await {
            Ok(stored) => break stored,
            Err(error) => note_store(job, &error, "the result is not stored yet"),
        }
        if job.deadline.get() - pace::now().get() < pace::SETTLE_MARGIN.as_micros() as i64 {
            if lease.is_lost() {
                return Next::End;
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
        return Next::End;
    }
    say::complete(tools, generation, attempt, stored.outputs, stored.spent).await;
    Next::End
}

async fn after_failure(
    tools: &Tools,
    job: &ClaimedJob,
    failure: &Failure,
    spent: Spent,
    catalog: Option<&Catalog>,
) -> Next {
    let after = match failure.remedy {
        Remedy::Later { after } => after,
        Remedy::GiveUp | Remedy::Stop => {
            return fail(tools, job, failure.trouble, spent, failure.text.clone()).await;
        }
    };
    let after = pace::wait(job.attempt, after, uuid::Uuid::new_v4().as_u64_pair().0);
    let last = catalog.is_some_and(|c| job.attempt.get() >= i64::from(c.limits.attempts_max));
    let then = pace::now().plus_ms(i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
    if last || pace::left_for_call(job.deadline, then).is_none() {
        return fail(tools, job, failure.trouble, spent, None).await;
    }
    let on_record = say::attempted(tools, job, failure.trouble, spent, after).await;
    if on_record { Next::Again { after } } else { Next::End }
}

async fn fail(
    tools: &Tools,
    job: &ClaimedJob,
    reason: Trouble,
    spent: Spent,
    text: Option<MadeOutput>,
) -> Next {
    say::fail(tools, job.generation, job.attempt, reason, spent, text).await;
    Next::End
}

/// No attempt is left and nobody is at it: the workers of the last ones died. What they left is used;
/// else the job is closed and the credits go back now instead of at the deadline.
async fn exhausted(tools: &Tools, generation: GenerationId, attempt: Attempt) {
    let Ok(last) = Attempt::new(attempt.get() - 1) else { return };
    if last == Attempt::ZERO {
        // Old news from the stream; the sweep knows the last attempt.
        return;
    }
    match earlier(tools, generation, attempt).await {
        Some(stored) => say::complete(tools, generation, last, stored.outputs, stored.spent).await,
        None => say::fail(tools, generation, last, Trouble::AttemptsExhausted, Spent::default(), None).await,
    }
}

/// A whole result of an attempt before this one.
async fn earlier(tools: &Tools, generation: GenerationId, attempt: Attempt) -> Option<Stored> {
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

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
