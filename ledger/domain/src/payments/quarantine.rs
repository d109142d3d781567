//! Payments about which something disagrees, until a person has decided.

use std::collections::BTreeMap;

use proto_events::commands::{PaymentQuarantine, QuarantineResolve, QuarantineVerdict};
use proto_events::events::{
    PaymentCanceled, PaymentProblem, PaymentQuarantined, PaymentSettled, ProviderId, QuarantineOutcome,
    QuarantineResolved,
};
use proto_events::{AccountId, Event, PaymentId, Producer, Rail, Text};
use serde::{Deserialize, Serialize};

use super::{Payment, PaymentState, grant_purchase, must_be_free, settle_again};
use crate::account::{Account, Facts};
use crate::lots::Course;
use crate::refusal::Refusal;

/// Open ones, by [`quarantine_key`].
pub(crate) type Quarantines = BTreeMap<String, Quarantined>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quarantined {
    pub payment: PaymentId,
    /// Money that has gone, not come.
    pub refund: bool,
}

pub(crate) fn quarantine_key(rail: Rail, id: &ProviderId) -> String {
    rail.key(id)
}

/// Whatever its rail: that may be what disagrees.
pub(crate) fn quarantine(
    state: &Account,
    c: &PaymentQuarantine,
    facts: &Facts,
) -> Result<Vec<Event>, Refusal> {
    let id = c.payment.ok_or(Refusal::PaymentNotFound)?;
    let payment = state.payments.get(&id).ok_or(Refusal::PaymentNotFound)?;
    let same = payment.provider_payment_id.as_ref() == Some(&c.provider_payment_id);
    if payment.state == PaymentState::Settled && same {
        return Err(Refusal::PaymentSettled);
    }
    let here = state.quarantines.contains_key(&quarantine_key(c.rail, &c.provider_payment_id));
    // What is nobody's can still turn out to be an account's, once.
    let elsewhere = facts.quarantined.filter(|account| *account != AccountId::OPERATIONS);
    if let Some(account) = elsewhere.or(here.then_some(facts.account)) {
        return Err(Refusal::AlreadyQuarantined { account });
    }
    must_be_seen(facts)?;
    let PaymentQuarantine { payment, rail, provider_payment_id, problems, seen } = c.clone();
    Ok(vec![PaymentQuarantined { payment, rail, provider_payment_id, problems, seen }.into()])
}

/// A person says whose money it is, never that there is some: an adapter has seen it before.
pub(crate) fn must_be_seen(facts: &Facts) -> Result<(), Refusal> {
    if facts.producer == Producer::Console && facts.quarantined.is_none() {
        return Err(Refusal::QuarantineNotFound);
    }
    Ok(())
}

/// A person's word goes before the price and the registered id. If the payment is settled by another
/// payment of the provider, this is one more.
pub(crate) fn resolve(state: &Account, c: &QuarantineResolve, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let key = quarantine_key(c.rail, &c.provider_payment_id);
    let Quarantined { payment: id, refund } =
        *state.quarantines.get(&key).ok_or(Refusal::QuarantineNotFound)?;
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    let resolved = |outcome| QuarantineResolved {
        rail: c.rail,
        provider_payment_id: c.provider_payment_id.clone(),
        outcome,
        reason: c.reason.clone(),
    };
    let QuarantineVerdict::Settle { amount, credits, test } = c.verdict else {
        course.push(resolved(QuarantineOutcome::Dismissed));
        // Its payment is over with it; should the provider put it right, it is settled all the same.
        let over = |p: &&Payment| {
            p.state == PaymentState::Open && p.provider_payment_id.as_ref() == Some(&c.provider_payment_id)
        };
        if let Some(payment) = state.payments.get(&id).filter(over) {
            let (party, reason) = (Text::lossy("plantain"), Text::lossy("dismissed"));
            course.push(PaymentCanceled { payment: id, rail: payment.rail, party, reason });
        }
        return Ok(course.done());
    };
    if refund {
        return Err(Refusal::QuarantineIsRefund);
    }
    must_be_free(id, facts)?;
    // Invariant: a quarantine names a payment of this account, and its settlement under this id ends it.
    let payment = state.payments.get(&id).ok_or(Refusal::QuarantineNotFound)?;
    let settled = payment.state == PaymentState::Settled;
    course.push(resolved(QuarantineOutcome::Settled));
    let paid = PaymentSettled {
        payment: id,
        rail: c.rail,
        provider_payment_id: c.provider_payment_id.clone(),
        amount: amount.into(),
        net: None,
        test,
        paid_at: None,
    };
    if settled {
        settle_again(&mut course, payment, paid, credits.into(), facts);
    } else {
        course.push(paid);
        grant_purchase(&mut course, id, credits.into(), amount.into(), facts);
    }
    Ok(course.done())
}

/// `false`: the event does not fit.
pub(crate) fn evolve_quarantines(quarantines: &mut Quarantines, event: &Event) -> bool {
    match event {
        Event::PaymentQuarantined(e) => match e.payment {
            Some(payment) => {
                let key = quarantine_key(e.rail, &e.provider_payment_id);
                let refund = e.problems.contains(&PaymentProblem::RefundExceeds);
                quarantines.insert(key, Quarantined { payment, refund }).is_none()
            }
            None => false,
        },
        Event::QuarantineResolved(e) => {
            quarantines.remove(&quarantine_key(e.rail, &e.provider_payment_id)).is_some()
        }
        // A refund that was more than was left fits by now.
        Event::RefundSettled(e) => {
            let key = quarantine_key(e.rail, &e.provider_refund_id);
            if quarantines.get(&key).is_some_and(|quarantined| quarantined.refund) {
                quarantines.remove(&key);
            }
            true
        }
        // What disagreed was put right at the provider.
        Event::PaymentSettled(e) => {
            quarantines.remove(&quarantine_key(e.rail, &e.provider_payment_id));
            true
        }
        _ => true,
    }
}
