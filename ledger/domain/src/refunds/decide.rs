//! Deciding commands about refunds. The order of the checks is the order of refusals.

use proto_events::amounts::Minor;
use proto_events::commands::{RefundFail, RefundOpen, RefundSettle};
use proto_events::events::{
    DebtPaid, DebtPayer, LotSource, RefundBy, RefundFailed, RefundOpened, RefundSettled,
};
use proto_events::{Event, Money, Producer, Rail, RefundId};

use super::{Refund, RefundState, of_payment, rail_of};
use crate::account::{Account, Facts};
use crate::lots::{Course, Grant, clamped};
use crate::payments::{self, Payment, PaymentState};
use crate::refusal::Refusal;

/// Also for a banned and for an erased account: the money is the person's. What the provider has given
/// back already is settled at once.
pub(crate) fn open(state: &Account, c: &RefundOpen, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let payment = payments::find(state, c.payment, c.rail)?;
    if let Some(refund) = facts.refund_id_owner.filter(|_| c.provider_refund_id.is_some()) {
        return Err(Refusal::RefundIdTaken { refund });
    }
    if payment.state != PaymentState::Settled {
        return Err(Refusal::PaymentNotSettled);
    }
    if c.version.is_some_and(|agreed| agreed != state.version) {
        return Err(Refusal::AccountChanged { version: state.version });
    }
    let (money_gone, credits_gone) = of_payment(&state.refunds, c.payment);
    let left = Minor::new(payment.price.minor() - money_gone).unwrap_or(Minor::MIN);
    let amount = Money::from(c.amount);
    if amount.currency != payment.price.currency || amount.amount > left {
        let left = Money { amount: left, currency: payment.price.currency };
        return Err(Refusal::RefundExceedsPayment { left, found: amount });
    }
    if c.rail == Rail::Stars && amount != payment.price {
        return Err(Refusal::RefundNotWhole { price: payment.price });
    }
    // What was never spent, but is gone, can't be taken and is not owed.
    let lapsed = state.purse.lapsed.get(&c.payment).copied().unwrap_or_default();
    let bought = bought_by(payment, money_gone + amount.minor()).min(payment.credits.get() - lapsed);
    let credits = clamped(bought - credits_gone);
    let by = match facts.producer {
        Producer::Console => RefundBy::Operator,
        _ => RefundBy::Provider,
    };
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    let refund = RefundId::derive(facts.account, facts.producer, facts.command_id);
    course.push(RefundOpened { refund, payment: c.payment, amount, credits, by, reason: c.reason.clone() });
    course.take_back();
    if !state.is_open() {
        course.set_debt_aside();
    }
    if let Some(provider_refund_id) = c.provider_refund_id.clone() {
        let (rail, refunded_at) = (c.rail, c.refunded_at);
        course.push(RefundSettled { refund, rail, provider_refund_id, amount, refunded_at });
    }
    Ok(course.done())
}

/// Credits that the money to be given back has bought, spent or not.
pub(crate) fn worth(state: &Account, c: &RefundOpen) -> i64 {
    state.payments.get(&c.payment).map_or(0, |payment| bought_by(payment, Money::from(c.amount).minor()))
}

/// Credits that so much of the price bought: floors of the whole, so that partial refunds add up
/// to it exactly.
fn bought_by(payment: &Payment, minor: i64) -> i64 {
    let whole = i128::from(payment.credits.get()) * i128::from(minor);
    i64::try_from(whole / i128::from(payment.price.minor().max(1))).unwrap_or(i64::MAX)
}

pub(crate) fn settle(state: &Account, c: &RefundSettle, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let refund = find(state, c.refund, c.rail)?;
    if let Some(refund) = facts.refund_id_owner.filter(|owner| *owner != c.refund) {
        return Err(Refusal::RefundIdTaken { refund });
    }
    if refund.state != RefundState::Open {
        return Err(Refusal::RefundClosed);
    }
    if c.amount != refund.amount {
        return Err(Refusal::AmountDiffers { expected: refund.amount, found: c.amount });
    }
    let RefundSettle { refund, rail, provider_refund_id, amount, refunded_at } = c.clone();
    Ok(vec![RefundSettled { refund, rail, provider_refund_id, amount, refunded_at }.into()])
}

/// The debt it made is undone; what was taken, and what had paid that debt, comes back as one lot
/// that carries the money which had moved. In an erased account the debt was set aside: as much of it
/// as no other account has taken over comes back to be undone.
pub(crate) fn fail(state: &Account, c: &RefundFail, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let refund = find(state, c.refund, c.rail)?;
    if refund.state != RefundState::Open {
        return Err(Refusal::RefundClosed);
    }
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.push(RefundFailed { refund: c.refund, reason: c.reason.clone() });
    if !state.is_open() {
        course.carry_debt(clamped(refund.owed.min(facts.kept.debt.get())));
    }
    let undone = refund.owed.min(course.debt());
    if undone > 0 {
        course.push(DebtPaid { credits: clamped(undone), taken: Vec::new(), by: DebtPayer::Undone });
    }
    let moved = Minor::new(refund.moved).unwrap_or(Minor::MAX);
    course.grant(Grant {
        price: Some(Money { amount: moved, currency: refund.amount.currency }),
        expires_at: facts.lot_end(LotSource::Purchase),
        payment: Some(refund.payment),
        restores: Some(c.refund),
        ..Grant::new(LotSource::Purchase, clamped(refund.revoked + refund.owed - undone))
    });
    Ok(course.done())
}

fn find(state: &Account, id: RefundId, rail: Rail) -> Result<&Refund, Refusal> {
    let refund = state.refunds.get(&id).ok_or(Refusal::RefundNotFound)?;
    match rail_of(state, refund) {
        Some(of) if of != rail => Err(Refusal::RailDiffers { rail: of }),
        _ => Ok(refund),
    }
}
