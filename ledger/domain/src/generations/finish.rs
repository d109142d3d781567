//! The end of a generation: a result, a failure, or its deadline.

use proto_events::commands::{GenerationCancel, GenerationComplete, GenerationFail, ReservationExpire};
use proto_events::events::{
    CanceledBy, GenerationAttempted, GenerationCanceled, GenerationFailed, GenerationSucceeded, Output,
    ReleaseReason, Settlement, Trouble,
};
use proto_events::{Attempt, Credits, Event, Producer, ReservationId};

use super::{Generation, GenerationState, find};
use crate::account::{Account, Facts};
use crate::lots::{Course, Return};
use crate::refusal::Refusal;

/// A result. One that comes after the deadline is settled once all the same: charged if the
/// credits are there, else given away.
pub(crate) fn complete(
    state: &Account,
    c: &GenerationComplete,
    facts: &Facts,
) -> Result<Vec<Event>, Refusal> {
    let generation = find(state, c.generation)?;
    if !matches!(generation.state, GenerationState::Open | GenerationState::TimedOut) {
        return Err(Refusal::GenerationClosed);
    }
    generation.must_be_current(c.attempt)?;
    if c.attempt == Attempt::ZERO {
        return Err(Refusal::StaleAttempt { attempt: generation.attempt });
    }
    if c.outputs.is_empty() {
        return Err(Refusal::NoOutputs);
    }
    let charge = c.charge.map(Credits::from);
    if charge.is_some_and(|charge| charge > generation.credits) {
        return Err(Refusal::ChargeTooLarge { max: generation.credits });
    }
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    let (settlement, credits) = match generation.state {
        GenerationState::TimedOut => settle_late(&mut course, c, generation, facts),
        // Invariant: an open generation has its reservation (`check`).
        _ => {
            let charged = course.commit(ReservationId::of(c.generation), charge);
            (Settlement::Charged, charged.unwrap_or(Credits::ZERO))
        }
    };
    let output = |o: &proto_events::commands::MadeOutput| Output {
        media_type: o.media_type,
        bytes: o.bytes,
        width: o.width,
        height: o.height,
    };
    course.push(GenerationSucceeded {
        generation: c.generation,
        attempt: c.attempt,
        settlement,
        credits,
        outputs: c.outputs.iter().map(output).collect(),
        spent: c.spent.clone(),
    });
    Ok(course.done())
}

fn settle_late(
    course: &mut Course,
    c: &GenerationComplete,
    generation: &Generation,
    facts: &Facts,
) -> (Settlement, Credits) {
    let reservation = ReservationId::late(c.generation);
    // Charged in the same command: nobody waits for this deadline.
    let credits = c.charge.map_or(generation.credits, Credits::from);
    let reserved = course.reserve(reservation, c.generation, credits, facts.now);
    match reserved.then(|| course.commit(reservation, None)).flatten() {
        Some(credits) => (Settlement::Late, credits),
        None => (Settlement::GivenAway, Credits::ZERO),
    }
}

/// No result will come: the credits go back. The attempt's cost is recorded unless it was.
pub(crate) fn fail(state: &Account, c: &GenerationFail, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let generation = find(state, c.generation)?;
    if generation.state != GenerationState::Open {
        return Err(Refusal::GenerationClosed);
    }
    generation.must_be_current(c.attempt)?;
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    let attempt = claimed(c.attempt);
    if attempt.is_some() && !generation.recorded {
        let GenerationFail { generation, attempt, reason, spent, text: _ } = c.clone();
        course.push(GenerationAttempted { generation, attempt, outcome: reason, spent });
    }
    let how = Return::Release(ReleaseReason::Failed);
    let returned = course.give_back(ReservationId::of(c.generation), how).unwrap_or(Credits::ZERO);
    course.push(GenerationFailed { generation: c.generation, attempt, reason: c.reason, returned });
    Ok(course.done())
}

/// Nobody wants it any more: the credits go back. A paid call that is under way is our loss.
pub(crate) fn cancel(state: &Account, c: &GenerationCancel, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let generation = find(state, c.generation)?;
    if generation.state != GenerationState::Open {
        return Err(Refusal::GenerationClosed);
    }
    let by = match facts.producer {
        Producer::Console => CanceledBy::Operator,
        _ => CanceledBy::Person,
    };
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.give_back(ReservationId::of(c.generation), Return::Release(ReleaseReason::Canceled));
    course.push(GenerationCanceled { generation: c.generation, by });
    Ok(course.done())
}

/// The ledger's timer: the deadline has passed.
pub(crate) fn expire(state: &Account, c: &ReservationExpire, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let Some(open) = state.purse.reservations.get(&c.reservation) else {
        return Err(if was_there(state, c.reservation) {
            Refusal::ReservationClosed
        } else {
            Refusal::ReservationNotFound
        });
    };
    if facts.now < open.deadline {
        return Err(Refusal::DeadlineAhead { deadline: open.deadline });
    }
    let generation = open.generation;
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    let returned = course.give_back(c.reservation, Return::Expire).unwrap_or(Credits::ZERO);
    let attempt = state.generations.get(&generation).and_then(|g| claimed(g.attempt));
    course.push(GenerationFailed { generation, attempt, reason: Trouble::Deadline, returned });
    Ok(course.done())
}

/// Closed reservations are dropped; their generations remember them.
fn was_there(state: &Account, id: ReservationId) -> bool {
    let made = |(generation, g): (&_, &Generation)| {
        ReservationId::of(*generation) == id || (g.late && ReservationId::late(*generation) == id)
    };
    state.generations.iter().any(made)
}

fn claimed(attempt: Attempt) -> Option<Attempt> {
    (attempt != Attempt::ZERO).then_some(attempt)
}
