//! Deciding commands about top-ups. The order of the checks is the order of refusals.

use proto_events::amounts::Minor;
use proto_events::commands::{PaymentCancel, PaymentFee, PaymentRegister, PaymentSettle, TopupOpen};
use proto_events::events::{
    LotSource, PaymentCanceled, PaymentFeeRecorded, PaymentOpened, PaymentRegistered, PaymentSettled,
};
use proto_events::{Credits, Event, Money, PaymentId, Producer, Rail};

use super::{Payment, PaymentState, open_ones, settle_again};
use crate::account::{Account, Facts};
use crate::lots::{Course, Grant};
use crate::refusal::Refusal;

pub(crate) fn open(state: &Account, c: &TopupOpen, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_active()?;
    let unknown = || Refusal::PackageUnknown { package: c.package.to_string() };
    let published = facts.catalog.ok_or_else(unknown)?;
    let package = published.catalog.package(&c.package).ok_or_else(unknown)?;
    if !package.rails.contains(&c.rail) {
        return Err(Refusal::RailOff { rails: package.rails.clone() });
    }
    if c.method.is_some() && c.rail != Rail::Yookassa {
        return Err(Refusal::MethodOff);
    }
    let limits = published.catalog.limits;
    if open_ones(&state.payments, facts.now).count() >= usize::from(limits.payments_open_max) {
        return Err(Refusal::TooManyOpen { max: limits.payments_open_max });
    }
    Ok(vec![
        PaymentOpened {
            payment: PaymentId::derive(facts.account, facts.producer, facts.command_id),
            rail: c.rail,
            package: c.package.clone(),
            catalog_version: published.version,
            credits: package.credits,
            price: package.price,
            expires_at: facts.now.plus_ms(limits.payment_ms.into()),
            method: c.method,
            again_of: None,
        }
        .into(),
    ])
}

pub(crate) fn register(state: &Account, c: &PaymentRegister, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let payment = find(state, c.payment, c.rail)?;
    if payment.state != PaymentState::Open {
        return Err(Refusal::PaymentClosed);
    }
    must_be_free(c.payment, facts)?;
    if let Some(known) = &payment.provider_payment_id {
        return Err(Refusal::AlreadyRegistered { provider_payment_id: known.to_string() });
    }
    let PaymentRegister { payment, rail, provider_payment_id, .. } = c.clone();
    Ok(vec![PaymentRegistered { payment, rail, provider_payment_id }.into()])
}

/// Also without a registration, and after a cancellation: the provider has the money. An invoice of
/// Telegram that was paid before is paid once more.
pub(crate) fn settle(state: &Account, c: &PaymentSettle, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let payment = find(state, c.payment, c.rail)?;
    must_be_free(c.payment, facts)?;
    let again = payment.state == PaymentState::Settled;
    if again && !may_come_again(payment, c) {
        return Err(Refusal::PaymentSettled);
    }
    if !again
        && let Some(known) =
            payment.provider_payment_id.as_ref().filter(|known| **known != c.provider_payment_id)
    {
        return Err(Refusal::ProviderIdDiffers { provider_payment_id: known.to_string() });
    }
    if c.amount != payment.price {
        return Err(Refusal::AmountDiffers { expected: payment.price, found: c.amount });
    }
    // A net the books could not take.
    if let Some(net) = c.net
        && (net.currency != c.amount.currency || net.minor() > c.amount.minor())
    {
        return Err(Refusal::AmountDiffers { expected: c.amount, found: net });
    }
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    let settled = PaymentSettled {
        payment: c.payment,
        rail: c.rail,
        provider_payment_id: c.provider_payment_id.clone(),
        amount: c.amount,
        net: c.net,
        test: c.test,
        paid_at: c.paid_at,
    };
    if again {
        settle_again(&mut course, payment, settled, payment.credits, facts);
    } else {
        course.push(settled);
        grant_purchase(&mut course, c.payment, payment.credits, c.amount, facts);
    }
    Ok(course.done())
}

/// Links of YooKassa are paid once; a second payment under one is for a person to look at.
fn may_come_again(payment: &Payment, c: &PaymentSettle) -> bool {
    c.rail != Rail::Yookassa && payment.provider_payment_id.as_ref() != Some(&c.provider_payment_id)
}

/// What the provider kept, where the settlement did not know.
pub(crate) fn fee(state: &Account, c: &PaymentFee) -> Result<Vec<Event>, Refusal> {
    let payment = find(state, c.payment, c.rail)?;
    if payment.state != PaymentState::Settled {
        return Err(Refusal::PaymentNotSettled);
    }
    if let Some(known) = payment.provider_payment_id.as_ref().filter(|known| **known != c.provider_payment_id)
    {
        return Err(Refusal::ProviderIdDiffers { provider_payment_id: known.to_string() });
    }
    if payment.fee_known {
        return Err(Refusal::FeeKnown);
    }
    if c.net.currency != payment.price.currency || c.net.minor() > payment.price.minor() {
        return Err(Refusal::AmountDiffers { expected: payment.price, found: c.net });
    }
    let fee = Minor::new(payment.price.minor() - c.net.minor()).unwrap_or(Minor::MIN);
    let PaymentFee { payment, rail, provider_payment_id, net } = c.clone();
    let fee = Money { amount: fee, currency: net.currency };
    Ok(vec![PaymentFeeRecorded { payment, rail, provider_payment_id, fee }.into()])
}

/// The lot that was bought.
pub(crate) fn grant_purchase(
    course: &mut Course,
    payment: PaymentId,
    credits: Credits,
    price: Money,
    facts: &Facts,
) {
    course.grant(Grant {
        price: Some(price),
        payment: Some(payment),
        expires_at: facts.lot_end(LotSource::Purchase),
        ..Grant::new(LotSource::Purchase, credits)
    });
}

/// The ledger itself and a person close only what is past its time.
pub(crate) fn cancel(state: &Account, c: &PaymentCancel, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let payment = find(state, c.payment, c.rail)?;
    match payment.state {
        PaymentState::Settled => return Err(Refusal::PaymentSettled),
        PaymentState::Canceled => return Err(Refusal::PaymentClosed),
        PaymentState::Open => {}
    }
    let told_by_provider = !matches!(facts.producer, Producer::Ledger | Producer::Console);
    if !told_by_provider && payment.expires_at > facts.now {
        return Err(Refusal::DeadlineAhead { deadline: payment.expires_at });
    }
    let PaymentCancel { payment, rail, party, reason, .. } = c.clone();
    Ok(vec![PaymentCanceled { payment, rail, party, reason }.into()])
}

pub(crate) fn find(state: &Account, id: PaymentId, rail: Rail) -> Result<&Payment, Refusal> {
    let payment = state.payments.get(&id).ok_or(Refusal::PaymentNotFound)?;
    if payment.rail != rail {
        return Err(Refusal::RailDiffers { rail: payment.rail });
    }
    Ok(payment)
}

/// The provider's id belongs to nobody, or to this payment.
pub(crate) fn must_be_free(id: PaymentId, facts: &Facts) -> Result<(), Refusal> {
    match facts.provider_id_owner.filter(|owner| *owner != id) {
        Some(payment) => Err(Refusal::ProviderIdTaken { payment }),
        None => Ok(()),
    }
}
