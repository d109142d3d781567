//! Deciding: one command against one account.

use proto_events::Event;
use proto_events::commands::Command;
use proto_events::events::{AccountOpened, Channel, LotSource};

use super::{Account, Facts, Status, check, evolve};
use crate::lots::{Course, Grant};
use crate::refusal::Refusal;
use crate::{generations, payments};

/// The events this command makes, one or more, or why it makes none.
///
/// # Errors
/// The first refusal in the order of `docs/EVENTS.md`.
pub fn decide(state: &Account, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let events = match command {
        Command::AccountOpen(_) => open(state, facts),
        Command::TopupOpen(c) => payments::open(state, c, facts),
        Command::PaymentRegister(c) => payments::register(state, c, facts),
        Command::PaymentSettle(c) => payments::settle(state, c, facts),
        Command::PaymentCancel(c) => payments::cancel(state, c),
        Command::GenerationRequest(c) => generations::request(state, c, facts),
        Command::GenerationClaim(c) => generations::claim(state, c, facts),
        Command::GenerationAttempt(c) => generations::attempt(state, c),
        Command::GenerationComplete(c) => generations::complete(state, c, facts),
        Command::GenerationFail(c) => generations::fail(state, c, facts),
        Command::ReservationExpire(c) => generations::expire(state, c, facts),
        Command::DeliveryConfirm(c) => generations::confirm(state, c),
        Command::DeliveryFail(c) => generations::undelivered(state, c, facts),
        // For the stream of the catalog: `decide_catalog`. No person's account takes it.
        Command::CatalogPublish(_) => Err(Refusal::AccountNotFound),
    }?;
    debug_assert!(sound(state, &events), "{} broke an invariant: {events:?}", command.verb());
    Ok(events)
}

/// Events decided on a sound account leave a sound account.
fn sound(state: &Account, events: &[Event]) -> bool {
    check(state).is_err() || check(&events.iter().fold(state.clone(), evolve)).is_ok()
}

fn open(state: &Account, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if state.status != Status::NotOpened {
        return Err(Refusal::AccountExists { account: facts.account });
    }
    let mut course = Course::new(&state.purse, state.version, facts.now);
    course.push(AccountOpened { channel: Channel::Telegram });
    if let Some(published) = facts.catalog.filter(|_| !facts.welcome_spent) {
        let credits = published.catalog.bonuses.welcome;
        course.grant(Grant { source: LotSource::Welcome, credits, price: None, payment: None });
    }
    Ok(course.done())
}
