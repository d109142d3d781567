//! Folding events into payments.

use proto_events::Event;

use super::{Payment, PaymentState, Payments};

/// `false`: the event does not fit.
pub(crate) fn evolve(payments: &mut Payments, event: &Event) -> bool {
    match event {
        Event::PaymentOpened(e) => {
            let payment = Payment {
                state: PaymentState::Open,
                rail: e.rail,
                credits: e.credits,
                price: e.price,
                expires_at: e.expires_at,
                provider_payment_id: None,
                package: e.package.clone(),
                catalog_version: e.catalog_version,
                fee_known: false,
            };
            payments.insert(e.payment, payment).is_none()
        }
        Event::PaymentRegistered(e) => change(payments.get_mut(&e.payment), |payment| {
            payment.provider_payment_id = Some(e.provider_payment_id.clone());
            payment.state == PaymentState::Open
        }),
        Event::PaymentSettled(e) => change(payments.get_mut(&e.payment), |payment| {
            payment.provider_payment_id = Some(e.provider_payment_id.clone());
            (payment.rail, payment.price) = (e.rail, e.amount);
            payment.fee_known = e.net.is_some();
            std::mem::replace(&mut payment.state, PaymentState::Settled) != PaymentState::Settled
        }),
        Event::PaymentFeeRecorded(e) => change(payments.get_mut(&e.payment), |payment| {
            payment.state == PaymentState::Settled && !std::mem::replace(&mut payment.fee_known, true)
        }),
        Event::PaymentCanceled(e) => change(payments.get_mut(&e.payment), |payment| {
            std::mem::replace(&mut payment.state, PaymentState::Canceled) == PaymentState::Open
        }),
        Event::CreditsGranted(e) if e.restores.is_none() => match e.payment {
            Some(id) => change(payments.get_mut(&id), |payment| {
                payment.credits = e.credits;
                payment.state == PaymentState::Settled
            }),
            None => true,
        },
        _ => true,
    }
}

fn change(payment: Option<&mut Payment>, step: impl FnOnce(&mut Payment) -> bool) -> bool {
    payment.is_some_and(step)
}
