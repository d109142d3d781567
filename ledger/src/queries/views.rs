//! One payment or generation, folded from its account's events.

use proto_events::queries::{
    GenerationState, GenerationView, PaymentState, PaymentView, RefundState, RefundView,
};
use proto_events::{Attempt, Event, GenerationId, PaymentId, RefundId};

use crate::log::{BadRow, Row};

pub fn payment(rows: &[Row], id: PaymentId) -> Result<Option<PaymentView>, BadRow> {
    let mut view: Option<PaymentView> = None;
    for row in rows.iter().filter(|r| r.event_type.starts_with("Payment")) {
        let event = row.event()?;
        match (event, &mut view) {
            (Event::PaymentOpened(e), None) if e.payment == id => {
                view = Some(PaymentView {
                    position: row.position.try_into().unwrap_or_default(),
                    payment: id,
                    state: PaymentState::Opened,
                    rail: e.rail,
                    package: e.package,
                    credits: e.credits,
                    price: e.price,
                    provider_payment_id: None,
                    checkout_url: None,
                    opened_at: row.recorded_at.try_into().unwrap_or_default(),
                    expires_at: e.expires_at,
                    method: e.method,
                    paid: None,
                    fee_unknown: false,
                    email: None,
                });
            }
            (Event::PaymentRegistered(e), Some(view)) if e.payment == id => {
                view.state = PaymentState::Registered;
                view.provider_payment_id = Some(e.provider_payment_id);
            }
            (Event::PaymentSettled(e), Some(view)) if e.payment == id => {
                (view.state, view.rail) = (PaymentState::Settled, e.rail);
                view.provider_payment_id = Some(e.provider_payment_id);
                view.paid = Some(e.amount);
                view.fee_unknown = e.net.is_none();
            }
            (Event::PaymentFeeRecorded(e), Some(view)) if e.payment == id => view.fee_unknown = false,
            (Event::PaymentCanceled(e), Some(view)) if e.payment == id => view.state = PaymentState::Canceled,
            _ => {}
        }
    }
    Ok(view)
}

/// What the events of a refund say; what its payment says is added by the caller.
pub fn refund(rows: &[Row], id: RefundId) -> Result<Option<RefundView>, BadRow> {
    let mut view: Option<RefundView> = None;
    for row in rows.iter().filter(|r| r.event_type.starts_with("Refund")) {
        match (row.event()?, &mut view) {
            (Event::RefundOpened(e), None) if e.refund == id => {
                view = Some(RefundView {
                    position: row.position.try_into().unwrap_or_default(),
                    refund: id,
                    payment: e.payment,
                    rail: proto_events::Rail::Yookassa,
                    state: RefundState::Opened,
                    amount: e.amount,
                    credits: e.credits,
                    by: e.by,
                    opened_at: row.recorded_at.try_into().unwrap_or_default(),
                    provider_payment_id: None,
                    price: e.amount,
                    telegram_user: None,
                    email: None,
                });
            }
            (Event::RefundSettled(e), Some(view)) if e.refund == id => view.state = RefundState::Settled,
            (Event::RefundFailed(e), Some(view)) if e.refund == id => view.state = RefundState::Failed,
            _ => {}
        }
    }
    Ok(view)
}

pub fn generation(rows: &[Row], id: GenerationId) -> Result<Option<GenerationView>, BadRow> {
    let mut view: Option<GenerationView> = None;
    for row in rows.iter().filter(|r| r.event_type.starts_with("Generation")) {
        let event = row.event()?;
        match (event, &mut view) {
            (Event::GenerationRequested(e), None) if e.generation == id => {
                view = Some(GenerationView {
                    generation: id,
                    kind: e.kind,
                    model: e.model.clone(),
                    size: e.size.clone(),
                    references: e.references,
                    state: GenerationState::Open,
                    credits: e.credits,
                    attempt: Attempt::ZERO,
                    reason: None,
                });
            }
            (Event::GenerationStarted(e), Some(view)) if e.generation == id => view.attempt = e.attempt,
            (Event::GenerationSucceeded(e), Some(view)) if e.generation == id => {
                view.state = GenerationState::Succeeded;
                view.credits = e.credits;
            }
            (Event::GenerationFailed(e), Some(view)) if e.generation == id => {
                view.state = GenerationState::Failed;
                view.reason = Some(e.reason);
            }
            (Event::GenerationCanceled(e), Some(view)) if e.generation == id => {
                view.state = GenerationState::Canceled
            }
            (Event::GenerationDelivered(e), Some(view)) if e.generation == id => {
                view.state = GenerationState::Delivered;
            }
            _ => {}
        }
    }
    Ok(view)
}
