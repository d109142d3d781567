//! Erasing an account: what is left of its credits is given up, a debt is set aside, and the
//! person's data goes. It waits for what is still open.

use proto_events::Event;
use proto_events::commands::AccountErase;
use proto_events::events::{AccountErased, RevokeReason};
use proto_events::{PaymentId, RefundId, ReservationId, Text};

use super::{Account, Facts};
use crate::lots::Course;
use crate::payments;
use crate::refunds;
use crate::refusal::Refusal;

/// A banned account too: the ban is kept with the fingerprint.
pub(super) fn erase(state: &Account, c: &AccountErase, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_open()?;
    let reservations: Vec<ReservationId> = state.purse.reservations.keys().copied().collect();
    if !reservations.is_empty() {
        return Err(Refusal::OpenReservations { reservations });
    }
    nothing_of_money_is_open(state, facts)?;
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.expire_all();
    let lost = course.left();
    if lost.credits > 0 && !c.forfeit {
        return Err(Refusal::CreditsWouldBeLost { lost });
    }
    let forfeited = course.revoke_all(RevokeReason::Erasure);
    let debt_kept = course.set_debt_aside();
    course.push(AccountErased { fingerprint: Text::lossy(facts.fingerprint), forfeited, debt_kept });
    Ok(course.done())
}

fn nothing_of_money_is_open(state: &Account, facts: &Facts) -> Result<(), Refusal> {
    let payments: Vec<PaymentId> = payments::open_ones(&state.payments, facts.now).collect();
    let refunds: Vec<RefundId> = refunds::open_ones(&state.refunds).collect();
    let quarantined = state.quarantines.len();
    if payments.is_empty() && refunds.is_empty() && quarantined == 0 {
        return Ok(());
    }
    Err(Refusal::OpenPayments { payments, refunds, quarantined })
}
