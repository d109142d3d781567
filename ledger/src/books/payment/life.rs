//! The fold of an account's events into one payment's life.

use std::collections::{BTreeMap, BTreeSet};

use proto_events::events::{DebtPayer, PaymentOpened, PaymentQuarantined, QuarantineOutcome};
use proto_events::{Event, LotId, Money, PaymentId, RefundId};

use super::{Bought, Life, Line, Quarantine, Refund, RefundState, State};
use crate::books::BooksError;
use crate::books::statement;
use crate::books::words::{count, money_text, word};
use crate::log::Row;
use crate::projections::{Lot, moves};

/// `None`: it was never opened.
pub fn fold(rows: &[Row], payment: PaymentId) -> Result<Option<Life>, BooksError> {
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        events.push((row, row.event()?));
    }
    let opened = events.iter().find_map(|(row, event)| match event {
        Event::PaymentOpened(e) if e.payment == payment => Some(begun(row, e)),
        _ => None,
    });
    let Some(mut life) = opened else { return Ok(None) };
    let mut lots = BTreeMap::new();
    for (row, event) in &events {
        life.take(row, event);
        follow(&mut lots, row, event, payment).ok_or(BooksError::BelowZero { position: row.position })?;
    }
    life.lots = lots.into_values().collect();
    life.events = lines(&life, &events);
    Ok(Some(life))
}

fn begun(row: &Row, e: &PaymentOpened) -> Life {
    Life {
        payment: e.payment,
        account: row.account(),
        rail: e.rail,
        method: e.method,
        package: e.package.to_string(),
        credits: e.credits.get(),
        price: e.price,
        state: State::Opened,
        provider_payment_id: None,
        again_of: e.again_of,
        opened_at: row.recorded_at,
        expires_at: e.expires_at.get(),
        closed_at: None,
        canceled: None,
        paid: None,
        paid_at: None,
        fee: None,
        net: None,
        test: None,
        lots: Vec::new(),
        refunds: Vec::new(),
        quarantine: Vec::new(),
        events: Vec::new(),
    }
}

/// The payment's lots, as they are granted and used. `None`: credits that are not there.
fn follow(lots: &mut BTreeMap<LotId, Bought>, row: &Row, event: &Event, payment: PaymentId) -> Option<()> {
    if let Event::CreditsGranted(e) = event
        && e.payment == Some(payment)
    {
        let stands = Lot::new(row.position, row.recorded_at, e);
        lots.insert(e.lot, Bought { lot: e.lot.get(), restores: e.restores, stands });
    }
    for step in moves(event) {
        if let Some(bought) = lots.get_mut(&step.lot) {
            bought.stands.make(&step)?;
        }
    }
    Some(())
}

impl Life {
    fn take(&mut self, row: &Row, event: &Event) {
        let at = row.recorded_at;
        match event {
            Event::PaymentRegistered(e) if e.payment == self.payment => {
                self.state = State::Registered;
                self.provider_payment_id = Some(e.provider_payment_id.to_string());
            }
            Event::PaymentSettled(e) if e.payment == self.payment => {
                (self.state, self.rail, self.closed_at) = (State::Settled, e.rail, Some(at));
                self.provider_payment_id = Some(e.provider_payment_id.to_string());
                (self.paid, self.net, self.test) = (Some(e.amount), e.net, Some(e.test));
                self.fee = e.net.and_then(|net| less(e.amount, net));
                self.paid_at = e.paid_at.map(|at| at.get());
                self.decide(&e.provider_payment_id, row, QuarantineOutcome::Settled);
            }
            Event::PaymentFeeRecorded(e) if e.payment == self.payment => {
                self.fee = Some(e.fee);
                self.net = self.paid.and_then(|paid| less(paid, e.fee));
            }
            Event::PaymentCanceled(e) if e.payment == self.payment => {
                (self.state, self.closed_at) = (State::Canceled, Some(at));
                self.canceled = Some(format!("{}: {}", e.party, e.reason));
            }
            Event::PaymentQuarantined(e) if e.payment == Some(self.payment) => self.doubt(row, e),
            Event::QuarantineResolved(e) => self.decide(&e.provider_payment_id, row, e.outcome),
            _ => self.take_refund(row, event),
        }
    }

    fn take_refund(&mut self, row: &Row, event: &Event) {
        let at = row.recorded_at;
        match event {
            Event::RefundOpened(e) if e.payment == self.payment => self.refunds.push(Refund {
                refund: e.refund,
                state: RefundState::Opened,
                amount: e.amount,
                credits: e.credits.get(),
                taken: 0,
                debt: 0,
                by: word(&e.by),
                reason: e.reason.to_string(),
                provider_refund_id: None,
                opened_at: at,
                refunded_at: None,
                closed_at: None,
                failure: None,
            }),
            Event::RefundSettled(e) => self.change(Some(e.refund), |refund| {
                (refund.state, refund.closed_at) = (RefundState::Settled, Some(at));
                refund.provider_refund_id = Some(e.provider_refund_id.to_string());
                refund.refunded_at = e.refunded_at.map(|at| at.get());
            }),
            Event::RefundFailed(e) => self.change(Some(e.refund), |refund| {
                (refund.state, refund.closed_at) = (RefundState::Failed, Some(at));
                refund.failure = Some(e.reason.to_string());
            }),
            Event::CreditsRevoked(e) => self.change(e.refund, |refund| {
                refund.taken += e.taken.iter().map(|part| part.credits.get()).sum::<i64>();
            }),
            Event::DebtIncurred(e) => self.change(Some(e.refund), |refund| refund.debt += e.credits.get()),
            _ => {}
        }
    }

    fn change(&mut self, id: Option<RefundId>, step: impl FnOnce(&mut Refund)) {
        self.refunds.iter_mut().find(|refund| Some(refund.refund) == id).map(step);
    }

    fn doubt(&mut self, row: &Row, e: &PaymentQuarantined) {
        self.quarantine.push(Quarantine {
            position: row.position,
            recorded_at: row.recorded_at,
            provider_payment_id: e.provider_payment_id.to_string(),
            problems: e.problems.clone(),
            status: e.seen.status.to_string(),
            amount: e.seen.amount,
            outcome: None,
            decided: None,
        });
    }

    /// A person's word, or a settlement after all.
    fn decide(&mut self, id: &str, row: &Row, outcome: QuarantineOutcome) {
        let open = |q: &&mut Quarantine| q.outcome.is_none() && q.provider_payment_id == id;
        if let Some(quarantine) = self.quarantine.iter_mut().find(open) {
            (quarantine.outcome, quarantine.decided) = (Some(outcome), Some(row.actor.clone()));
        }
    }

    /// Does this event say something of the payment?
    fn is_about(&self, event: &Event) -> bool {
        let refund = |id: RefundId| self.refunds.iter().any(|refund| refund.refund == id);
        match event {
            Event::PaymentOpened(e) => e.payment == self.payment || e.again_of == Some(self.payment),
            Event::PaymentRegistered(e) => e.payment == self.payment,
            Event::PaymentSettled(e) => e.payment == self.payment,
            Event::PaymentFeeRecorded(e) => e.payment == self.payment,
            Event::PaymentCanceled(e) => e.payment == self.payment,
            Event::PaymentQuarantined(e) => e.payment == Some(self.payment),
            Event::QuarantineResolved(e) => {
                self.quarantine.iter().any(|q| q.provider_payment_id == e.provider_payment_id.as_str())
            }
            Event::CreditsGranted(e) => e.payment == Some(self.payment),
            Event::CreditsRevoked(e) => e.refund.is_some_and(refund) || self.touches(event),
            Event::CreditsExpired(_) => self.touches(event),
            Event::DebtIncurred(e) => e.payment == self.payment,
            Event::DebtPaid(e) if e.by == DebtPayer::Lots => self.touches(event),
            Event::RefundOpened(e) => e.payment == self.payment,
            Event::RefundSettled(e) => refund(e.refund),
            Event::RefundFailed(e) => refund(e.refund),
            _ => false,
        }
    }

    fn touches(&self, event: &Event) -> bool {
        moves(event).iter().any(|step| self.lots.iter().any(|bought| bought.lot == step.lot.get()))
    }
}

fn is_money(event_type: &str) -> bool {
    ["Payment", "Refund", "Quarantine"].iter().any(|begin| event_type.starts_with(begin))
}

fn less(whole: Money, part: Money) -> Option<Money> {
    Money::new(whole.minor() - part.minor(), whole.currency).ok()
}

/// The events of it, and what else the commands about money did that made them. What is held and spent of its lots is told by the
/// lots: that may be thousands.
fn lines(life: &Life, events: &[(&Row, Event)]) -> Vec<Line> {
    let own: BTreeSet<(&str, &str)> = events
        .iter()
        .filter(|(row, event)| is_money(&row.event_type) && life.is_about(event))
        // One more payment of the same bill has its own life.
        .filter(|(_, event)| !matches!(event, Event::PaymentOpened(e) if e.payment != life.payment))
        .map(|(row, _)| (row.producer.as_str(), row.command_id.as_str()))
        .collect();
    let of_it = |row: &Row, event: &Event| {
        life.is_about(event) || own.contains(&(row.producer.as_str(), row.command_id.as_str()))
    };
    let line = |(row, event): &(&Row, Event)| Line {
        position: row.position,
        recorded_at: row.recorded_at,
        r#type: row.event_type.clone(),
        what: what(event),
        actor: row.actor.clone(),
    };
    events.iter().filter(|(row, event)| of_it(row, event)).map(line).collect()
}

fn what(event: &Event) -> String {
    match event {
        Event::PaymentOpened(e) => format!("{} for {}", e.credits, money_text(e.price)),
        Event::PaymentRegistered(e) => format!("by {}", e.rail.as_str()),
        Event::PaymentFeeRecorded(e) => format!("{} kept", money_text(e.fee)),
        Event::PaymentCanceled(e) => format!("{}: {}", e.party, e.reason),
        Event::PaymentQuarantined(e) => e.problems.iter().map(word).collect::<Vec<_>>().join(", "),
        Event::QuarantineResolved(e) => word(&e.outcome),
        Event::RefundOpened(e) => format!("{}, {}", money_text(e.amount), count(e.credits.get(), "credit")),
        Event::RefundFailed(e) => e.reason.to_string(),
        other => statement::what(other),
    }
}

#[cfg(test)]
#[path = "life_tests.rs"]
pub(super) mod tests;
