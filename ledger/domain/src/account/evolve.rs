//! Folding events into an account.

use proto_events::Event;

use super::{Account, Status};
use crate::{generations, payments, referrals, refunds};

/// The account after this event: one more version, whatever the event. Never fails: an event that
/// does not fit is counted, and [`crate::check`] tells.
#[must_use]
pub fn evolve(mut state: Account, event: &Event) -> Account {
    state.version = state.version.saturating_add(1);
    match event {
        Event::AccountOpened(_) => state.status = Status::Open,
        Event::AccountErased(e) => {
            state.status = Status::Erased;
            state.fingerprint = Some(e.fingerprint.clone());
        }
        Event::AccountBanned(_) => state.banned = true,
        Event::AccountUnbanned(_) => state.banned = false,
        _ => {}
    }
    state.purse.evolve(event);
    referrals::evolve(&mut state.referrals, event);
    let fits = payments::evolve(&mut state.payments, event)
        & payments::evolve_quarantines(&mut state.quarantines, event)
        & refunds::evolve(&mut state.refunds, event)
        & generations::evolve(&mut state.generations, event, state.version);
    if !fits {
        state.purse.misfit();
    }
    state
}
