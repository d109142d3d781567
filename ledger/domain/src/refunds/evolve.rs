//! Folding events into refunds.

use proto_events::events::{CreditsRevoked, DebtPayer};
use proto_events::{Event, RefundId};

use super::{Refund, RefundState, Refunds};
use crate::effect::consumed;

/// `false`: the event does not fit.
pub(crate) fn evolve(refunds: &mut Refunds, event: &Event) -> bool {
    match event {
        Event::RefundOpened(e) => {
            let refund = Refund {
                state: RefundState::Open,
                payment: e.payment,
                amount: e.amount,
                credits: e.credits,
                revoked: 0,
                moved: 0,
                owed: 0,
            };
            refunds.insert(e.refund, refund).is_none()
        }
        Event::RefundSettled(e) => close(refunds, e.refund, RefundState::Settled),
        Event::RefundFailed(e) => close(refunds, e.refund, RefundState::Failed),
        Event::CreditsRevoked(e) => e.refund.is_none_or(|id| change(refunds, id, |r| take(r, e))),
        Event::DebtIncurred(e) => {
            change(refunds, e.refund, |r| r.owed = r.owed.saturating_add(e.credits.get()))
        }
        Event::DebtPaid(e) if e.by == DebtPayer::Forgiven => {
            forgive(refunds, e.credits.get());
            true
        }
        _ => true,
    }
}

fn change(refunds: &mut Refunds, id: RefundId, step: impl FnOnce(&mut Refund)) -> bool {
    refunds.get_mut(&id).map(step).is_some()
}

fn close(refunds: &mut Refunds, id: RefundId, to: RefundState) -> bool {
    refunds.get_mut(&id).is_some_and(|refund| std::mem::replace(&mut refund.state, to) == RefundState::Open)
}

fn take(refund: &mut Refund, e: &CreditsRevoked) {
    let moved = e.taken.iter().filter_map(|p| p.revenue).fold(0i64, |sum, r| sum.saturating_add(r.minor()));
    refund.revoked = refund.revoked.saturating_add(consumed(&e.taken));
    refund.moved = refund.moved.saturating_add(moved);
}

/// A forgiven debt does not come back as credits when the refund that made it fails.
fn forgive(refunds: &mut Refunds, mut credits: i64) {
    for refund in refunds.values_mut().filter(|r| r.state == RefundState::Open) {
        let less = credits.min(refund.owed);
        refund.owed -= less;
        credits -= less;
    }
}
