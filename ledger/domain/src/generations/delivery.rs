//! Bringing a result to its person.

use proto_events::commands::{DeliveryConfirm, DeliveryFail};
use proto_events::events::{DeliveryFailed, DeliveryTrouble, GenerationDelivered, LotSource};
use proto_events::{Event, GenerationId};

use super::{Generation, GenerationState, find};
use crate::account::{Account, Facts};
use crate::lots::{Course, Grant};
use crate::refusal::Refusal;

pub(crate) fn confirm(state: &Account, c: &DeliveryConfirm) -> Result<Vec<Event>, Refusal> {
    undelivered_result(state, c.generation)?;
    Ok(vec![GenerationDelivered { generation: c.generation }.into()])
}

/// Lost bytes end it, and so does a chat that takes them in no form: what was charged comes back, once.
pub(crate) fn undelivered(state: &Account, c: &DeliveryFail, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let generation = undelivered_result(state, c.generation)?;
    let r#final = c.r#final || c.reason == DeliveryTrouble::BytesLost;
    let failed = DeliveryFailed { generation: c.generation, reason: c.reason, r#final };
    // Nobody is left to be compensated in an erased account.
    let lost = is_lost(&failed) && state.is_open();
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.push(failed);
    if lost {
        course.grant(Grant {
            expires_at: facts.lot_end(LotSource::Compensation),
            ..Grant::new(LotSource::Compensation, generation.credits)
        });
    }
    Ok(course.done())
}

/// Whether the result can never be delivered, and not for a reason of the person's own.
pub(super) fn is_lost(failed: &DeliveryFailed) -> bool {
    match failed.reason {
        DeliveryTrouble::BytesLost | DeliveryTrouble::Refused => failed.r#final,
        DeliveryTrouble::Blocked | DeliveryTrouble::Gone => false,
    }
}

fn undelivered_result(state: &Account, id: GenerationId) -> Result<&Generation, Refusal> {
    let generation = find(state, id)?;
    match generation.state {
        GenerationState::Succeeded => Ok(generation),
        GenerationState::Delivered | GenerationState::Lost => Err(Refusal::GenerationDelivered),
        _ => Err(Refusal::GenerationNotSucceeded),
    }
}
