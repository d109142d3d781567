//! Deciding commands about credits alone. The order of the checks is the order of refusals.

use proto_events::commands::{CreditsGrant, CreditsRevoke, DebtForgive, LotsExpire};
use proto_events::events::{DebtPaid, DebtPayer, LotSource, RevokeReason};
use proto_events::{Credits, Event};

use super::{Course, Grant};
use crate::account::{Account, Facts};
use crate::planted::{self, Bug};
use crate::refusal::Refusal;

/// Also to a banned account: what it has is kept.
pub(crate) fn grant(state: &Account, c: &CreditsGrant, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_open()?;
    let source = LotSource::from(c.source);
    if c.expires_at.is_some_and(|at| at <= facts.calendar) {
        return Err(Refusal::EndInThePast { now: facts.calendar });
    }
    let lasts = || c.lasts_days.map(|days| facts.now.plus_ms(days.ms()));
    let expires_at = c.expires_at.or_else(lasts).or_else(|| facts.lot_end(source));
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.grant(Grant {
        expires_at,
        reason: Some(c.reason.clone()),
        ..Grant::new(source, c.credits.into())
    });
    Ok(course.done())
}

/// In spending order, so that what was given goes before what was paid for.
pub(crate) fn revoke(state: &Account, c: &CreditsRevoke, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_open()?;
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    if !course.revoke(c.credits.into(), RevokeReason::Operator) {
        let (have, need) = (state.purse.spendable(facts.calendar), c.credits.get());
        return Err(Refusal::InsufficientCredits { have, need });
    }
    Ok(course.done())
}

pub(crate) fn forgive(state: &Account, c: &DebtForgive, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_open()?;
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    if c.credits.get() > course.debt() {
        return Err(Refusal::DebtSmaller { debt: course.debt() });
    }
    course.push(DebtPaid { credits: Credits::from(c.credits), taken: Vec::new(), by: DebtPayer::Forgiven });
    Ok(course.done())
}

/// The ledger's timer. What is reserved of the lot is left alone: it expires when it comes back.
pub(crate) fn expire(state: &Account, c: &LotsExpire, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let lot = state.purse.lots.get(&c.lot).ok_or(Refusal::LotNotFound)?;
    if !lot.is_past(facts.calendar) {
        return Err(Refusal::LotNotExpired { expires_at: lot.expires_at });
    }
    if lot.left.is_zero() && !planted::is(Bug::ExpiryIgnoresHold) {
        return Err(Refusal::LotHeld);
    }
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.expire(&[c.lot]);
    Ok(course.done())
}
