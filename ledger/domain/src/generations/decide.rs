//! Working on a generation: claims and attempts. The order of the checks is that of refusals.

use proto_events::Event;
use proto_events::commands::{GenerationAttempt, GenerationClaim};
use proto_events::events::{GenerationAttempted, GenerationStarted};

use super::{GenerationState, find};
use crate::account::{Account, Facts};
use crate::refusal::Refusal;

/// The largest attempt there can be: [`Attempt`]'s bound.
const ATTEMPT_MAX: i64 = 1000;

/// Before a paid call: refused while another worker holds it, or others of this person's are worked on.
pub(crate) fn claim(state: &Account, c: &GenerationClaim, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let generation = find(state, c.generation)?;
    if generation.state != GenerationState::Open {
        return Err(Refusal::GenerationClosed);
    }
    if let Some(until) = facts.lease_until.filter(|until| *until > facts.now) {
        return Err(Refusal::GenerationHeld { until });
    }
    let last = generation.attempt;
    let max = facts.catalog.map_or(ATTEMPT_MAX, |p| i64::from(p.catalog.limits.attempts_max));
    // What cost nothing is bounded by the deadline, and by what an attempt can be called.
    if last.get() - i64::from(generation.unpaid) >= max || last.get() >= ATTEMPT_MAX {
        return Err(Refusal::AttemptsExhausted { max, attempt: last });
    }
    if c.attempt != last.next() {
        return Err(Refusal::StaleAttempt { attempt: last });
    }
    one_after_the_other(facts)?;
    let lost = generation.lacks_record_of(last);
    let GenerationClaim { generation, worker, attempt } = c.clone();
    Ok(vec![GenerationStarted { generation, attempt, worker, lost }.into()])
}

/// Nobody's requests keep all workers to themselves.
fn one_after_the_other(facts: &Facts) -> Result<(), Refusal> {
    let max = facts.catalog.map_or(u8::MAX, |p| p.catalog.limits.working_per_person_max);
    let mut ends: Vec<_> = facts.working.iter().filter(|until| **until > facts.now).collect();
    ends.sort_unstable();
    // When so many of them have ended that fewer than the limit are left.
    match ends.len().checked_sub(max.into()).and_then(|n| ends.get(n)) {
        Some(until) => Err(Refusal::PersonBusy { until: **until }),
        None => Ok(()),
    }
}

/// What an attempt cost that did not finish the job: once for each, also after the job was closed or claimed over.
pub(crate) fn attempt(state: &Account, c: &GenerationAttempt) -> Result<Vec<Event>, Refusal> {
    let generation = find(state, c.generation)?;
    // A result names its own cost.
    let made = matches!(
        generation.state,
        GenerationState::Succeeded | GenerationState::Delivered | GenerationState::Lost
    );
    if made || !generation.lacks_record_of(c.attempt) {
        return Err(Refusal::StaleAttempt { attempt: generation.attempt });
    }
    let GenerationAttempt { generation, attempt, outcome, spent, retry_after_ms: _ } = c.clone();
    Ok(vec![GenerationAttempted { generation, attempt, outcome, spent }.into()])
}
