//! Referrals: who invited this person, and the bonuses that brings, one to each side.
//!
//! Both are earned when the ReferralRegistered stands in the log: the ledger's tailer sends a
//! referral_bonus to each side. An inviter's are bounded a day.

use proto_events::commands::{ReferralBonus, ReferralRegister, ReferralSide};
use proto_events::events::{LotSource, ReferralRegistered};
use proto_events::{AccountId, Event, Micros};
use serde::{Deserialize, Serialize};

use crate::account::{Account, Facts};
use crate::lots::{Course, Grant};
use crate::refusal::Refusal;

const DAY_US: i64 = 86_400_000_000;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Referrals {
    pub invited_by: Option<AccountId>,
    /// The bonus for having been invited was given.
    pub welcomed: bool,
    /// Bonuses for inviting, on the last day there were any.
    pub day: u32,
    pub count: u32,
}

/// Only for a person who has done nothing yet, and was not here before.
pub(crate) fn register(state: &Account, c: &ReferralRegister, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_active()?;
    if c.inviter == facts.account {
        return Err(Refusal::SelfReferral);
    }
    if !facts.inviter_known || !c.inviter.is_person() {
        return Err(Refusal::InviterNotFound);
    }
    if state.referrals.invited_by.is_some() {
        return Err(Refusal::AlreadyInvited);
    }
    if facts.welcome_spent || !state.payments.is_empty() || !state.generations.is_empty() {
        return Err(Refusal::AccountKnown);
    }
    Ok(vec![ReferralRegistered { inviter: c.inviter }.into()])
}

/// How much is the catalog's, now.
pub(crate) fn bonus(state: &Account, c: &ReferralBonus, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_active()?;
    let bonuses = facts.catalog.ok_or(Refusal::BonusOff)?.catalog.bonuses;
    let (credits, day) = match c.side {
        ReferralSide::Invited => {
            must_be_owed_to_the_invited(state, c, facts)?;
            (bonuses.referral_invited, None)
        }
        ReferralSide::Inviter => {
            if facts.rewarded {
                return Err(Refusal::AlreadyRewarded);
            }
            if c.invited == facts.account {
                return Err(Refusal::SelfReferral);
            }
            (bonuses.referral_inviter, Some(day(facts.now)))
        }
    };
    if credits.is_zero() {
        return Err(Refusal::BonusOff);
    }
    if day.is_some_and(|day| count_of(&state.referrals, day) >= bonuses.referral_daily_max.into()) {
        return Err(Refusal::DailyBound { max: bonuses.referral_daily_max });
    }
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.grant(Grant {
        expires_at: facts.lot_end(LotSource::Referral),
        cause: Some(c.cause),
        day,
        ..Grant::new(LotSource::Referral, credits)
    });
    Ok(course.done())
}

fn must_be_owed_to_the_invited(state: &Account, c: &ReferralBonus, facts: &Facts) -> Result<(), Refusal> {
    if c.invited != facts.account || state.referrals.invited_by.is_none() {
        return Err(Refusal::NotInvited);
    }
    if state.referrals.welcomed || facts.rewarded {
        return Err(Refusal::AlreadyRewarded);
    }
    Ok(())
}

fn count_of(referrals: &Referrals, day: u32) -> u32 {
    if referrals.day == day { referrals.count } else { 0 }
}

/// Days since 1970-01-01 UTC.
fn day(now: Micros) -> u32 {
    u32::try_from(now.get() / DAY_US).unwrap_or(u32::MAX)
}

pub(crate) fn evolve(referrals: &mut Referrals, event: &Event) {
    match event {
        Event::ReferralRegistered(e) => referrals.invited_by = Some(e.inviter),
        Event::CreditsGranted(e) if e.source == LotSource::Referral => match e.day {
            None => referrals.welcomed = true,
            Some(day) => {
                referrals.count = count_of(referrals, day).saturating_add(1);
                referrals.day = day;
            }
        },
        _ => {}
    }
}
