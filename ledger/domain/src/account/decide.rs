//! Deciding: one command against one account.

use proto_events::Event;
use proto_events::commands::Command;
use proto_events::commands::{AccountBan, AccountOpen, AccountUnban, MessageRequest};
use proto_events::events::{
    AccountBanned, AccountOpened, AccountUnbanned, Channel, LotSource, MessageRequested, ReferralRegistered,
};
use proto_events::{AccountId, Text};

use super::{Account, Facts, Status, check, erase, evolve};
use crate::lots::{self, Course, Grant};
use crate::refusal::Refusal;
use crate::{four_eyes, generations, payments, referrals, refunds};

/// The events this command makes, one or more, or why it makes none.
///
/// # Errors
/// The first refusal in the order of `docs/EVENTS.md`.
pub fn decide(state: &Account, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let events = match command {
        Command::AccountOpen(c) => open(state, c, facts),
        Command::AccountBan(c) => ban(state, c),
        Command::AccountUnban(c) => unban(state, c),
        Command::AccountErase(c) => erase::erase(state, c, facts),
        Command::ReferralRegister(c) => referrals::register(state, c, facts),
        Command::ReferralBonus(c) => referrals::bonus(state, c, facts),
        Command::CreditsGrant(c) => lots::grant(state, c, facts),
        Command::CreditsRevoke(c) => lots::revoke(state, c, facts),
        Command::DebtForgive(c) => lots::forgive(state, c, facts),
        Command::LotsExpire(c) => lots::expire(state, c, facts),
        Command::TopupOpen(c) => payments::open(state, c, facts),
        Command::PaymentRegister(c) => payments::register(state, c, facts),
        Command::PaymentSettle(c) => payments::settle(state, c, facts),
        Command::PaymentFee(c) => payments::fee(state, c),
        Command::PaymentCancel(c) => payments::cancel(state, c, facts),
        Command::PaymentQuarantine(c) => payments::quarantine(state, c, facts),
        Command::QuarantineResolve(c) => payments::resolve(state, c, facts),
        Command::RefundOpen(c) => refunds::open(state, c, facts),
        Command::RefundSettle(c) => refunds::settle(state, c, facts),
        Command::RefundFail(c) => refunds::fail(state, c, facts),
        Command::GenerationRequest(c) => generations::request(state, c, facts),
        Command::GenerationClaim(c) => generations::claim(state, c, facts),
        Command::GenerationAttempt(c) => generations::attempt(state, c),
        Command::GenerationComplete(c) => generations::complete(state, c, facts),
        Command::GenerationFail(c) => generations::fail(state, c, facts),
        Command::GenerationCancel(c) => generations::cancel(state, c, facts),
        Command::ReservationExpire(c) => generations::expire(state, c, facts),
        Command::DeliveryConfirm(c) => generations::confirm(state, c),
        Command::DeliveryFail(c) => generations::undelivered(state, c, facts),
        Command::MessageRequest(c) => message(state, c),
        // For streams that are nobody's: `decide_catalog`, `decide_operations`.
        Command::CatalogPublish(_)
        | Command::OperatorAct(_)
        | Command::ContentPut(_)
        | Command::PicturePut(_)
        | Command::StaffPut(_)
        | Command::FourEyesSet(_)
        | Command::BroadcastStart(_)
        | Command::BroadcastPause(_)
        | Command::BroadcastFinish(_)
        | Command::ProjectionSwap(_)
        | Command::ReconciliationRecord(_) => Err(Refusal::AccountNotFound),
    }?;
    four_eyes::agreed(state, command, facts)?;
    debug_assert!(sound(state, &events), "{} broke an invariant: {events:?}", command.verb());
    Ok(events)
}

/// Events decided on a sound account leave a sound account.
fn sound(state: &Account, events: &[Event]) -> bool {
    check(state).is_err() || check(&events.iter().fold(state.clone(), evolve)).is_ok()
}

/// Who comes back after an erasure finds no welcome, but the debt and the ban that were left.
fn open(state: &Account, c: &AccountOpen, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if state.status != Status::NotOpened {
        return Err(Refusal::AccountExists { account: facts.account });
    }
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.push(AccountOpened { channel: Channel::Telegram });
    if facts.kept.banned {
        let reason = Text::lossy("an account of this person was erased while it was banned");
        course.push(AccountBanned { reason });
    }
    course.carry_debt(facts.kept.debt);
    if let Some(published) = facts.catalog.filter(|_| !facts.welcome_spent) {
        let credits = published.catalog.bonuses.welcome;
        course.grant(Grant {
            expires_at: facts.lot_end(LotSource::Welcome),
            ..Grant::new(LotSource::Welcome, credits)
        });
    }
    let inviter = c.inviter.as_ref().and_then(|payload| payload.parse::<AccountId>().ok());
    if let Some(inviter) = inviter.filter(|i| facts.inviter_known && !facts.welcome_spent && i.is_person()) {
        course.push(ReferralRegistered { inviter });
    }
    Ok(course.done())
}

/// Also to one who is banned: they are to be told why.
fn message(state: &Account, c: &MessageRequest) -> Result<Vec<Event>, Refusal> {
    state.must_be_open()?;
    let (message, kind) = (c.message.clone(), c.kind);
    Ok(vec![MessageRequested { message, kind, broadcast: None }.into()])
}

fn ban(state: &Account, c: &AccountBan) -> Result<Vec<Event>, Refusal> {
    state.must_be_active()?;
    Ok(vec![AccountBanned { reason: c.reason.clone() }.into()])
}

fn unban(state: &Account, c: &AccountUnban) -> Result<Vec<Event>, Refusal> {
    state.must_be_open()?;
    if !state.banned {
        return Err(Refusal::AccountNotBanned);
    }
    Ok(vec![AccountUnbanned { reason: c.reason.clone() }.into()])
}
