use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{AccountId, Event, Position};

use crate::world::*;

pub fn inviter() -> AccountId {
    "b0000000-0000-4000-8000-00000000000b".parse().unwrap()
}

pub fn register() -> ReferralRegister {
    ReferralRegister { inviter: inviter() }
}

/// The bonus of this world's account as the one who was invited.
pub fn welcomed(world: &World) -> ReferralBonus {
    let cause = Position::new(3).unwrap();
    ReferralBonus { invited: world.id, side: ReferralSide::Invited, cause }
}

/// The bonus of this world's account for having invited somebody else.
pub fn thanked(n: i64) -> ReferralBonus {
    let cause = Position::new(n).unwrap();
    ReferralBonus { invited: inviter(), side: ReferralSide::Inviter, cause }
}

fn invited_by(payload: &str) -> AccountOpen {
    AccountOpen { inviter: Some(text(payload)), ..open_account() }
}

#[test]
fn who_opens_an_account_by_a_link_was_invited() {
    let events = nobody().when(invited_by(&inviter().to_string())).unwrap();
    assert_eq!(types(&events), ["AccountOpened", "CreditsGranted", "ReferralRegistered"]);
    assert_eq!(events[2], ReferralRegistered { inviter: inviter() }.into());
    assert_eq!(nobody().when(invited_by("b0000000000040008000000000000 00b")).unwrap().len(), 2);
    assert_eq!(nobody().when(invited_by("b000000000004000800000000000000b")).unwrap().len(), 3);
}

#[test]
fn a_link_of_nobody_is_passed_over() {
    let mut world = nobody();
    for payload in ["", "ref_42", &AccountId::CATALOG.to_string()] {
        assert_eq!(types(&world.when(invited_by(payload)).unwrap()), ["AccountOpened", "CreditsGranted"]);
    }
    world.inviter_known = false;
    let events = world.when(invited_by(&inviter().to_string())).unwrap();
    assert_eq!(types(&events), ["AccountOpened", "CreditsGranted"]);
}

#[test]
fn who_comes_back_after_an_erasure_was_not_invited() {
    let mut world = nobody();
    world.welcome_spent = true;
    let events = world.when(invited_by(&inviter().to_string())).unwrap();
    assert_eq!(types(&events), ["AccountOpened"]);
    let world = world.did(open_account());
    assert_eq!(world.refusal(register()).code(), "account_known");
}

#[test]
fn a_person_who_has_done_nothing_yet_may_still_say_who_invited_them() {
    let world = person().did(register());
    assert_eq!(world.refusal(register()).code(), "already_invited");
    assert_eq!(person().did(words()).refusal(register()).code(), "account_known");
    assert_eq!(payer().refusal(register()).code(), "account_known");
}

#[test]
fn nobody_invites_themselves() {
    let world = person();
    assert_eq!(world.refusal(ReferralRegister { inviter: world.id }).code(), "self_referral");
    let own = ReferralBonus { invited: world.id, ..thanked(3) };
    assert_eq!(world.refusal(own).code(), "self_referral");
}

#[test]
fn the_invited_person_gets_one_bonus() {
    let world = person();
    assert_eq!(world.refusal(welcomed(&world)).code(), "not_invited");
    let world = world.did(register());
    let events = world.when(welcomed(&world)).unwrap();
    let [Event::CreditsGranted(e)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((e.source, e.credits.get(), e.day), (LotSource::Referral, 5, None));
    assert_eq!(e.cause, Position::new(3).ok());
    let world = world.clone().did(welcomed(&world));
    assert_eq!(world.balance(), (10, 0, 0));
    assert_eq!(world.refusal(welcomed(&world)).code(), "already_rewarded");
}

#[test]
fn an_inviter_gets_a_bonus_for_each_up_to_the_daily_bound() {
    let mut world = person();
    world.catalog.as_mut().unwrap().catalog.bonuses.referral_daily_max = 2;
    let world = world.did(thanked(3)).did(thanked(4));
    assert_eq!(world.balance(), (15, 0, 0));
    assert_eq!(world.refusal(thanked(5)).details(), serde_json::json!({"max": 2}));
    let world = world.later(86_400);
    assert_eq!(world.did(thanked(6)).balance(), (20, 0, 0), "the next day there are more");
}

#[test]
fn an_inviter_gets_one_bonus_for_each_person() {
    let mut world = person().did(thanked(3));
    world.rewarded = true;
    assert_eq!(world.refusal(thanked(4)).code(), "already_rewarded");
}

#[test]
fn the_day_of_the_bound_is_that_of_utc() {
    let mut world = person();
    world.catalog.as_mut().unwrap().catalog.bonuses.referral_daily_max = 1;
    // START is 20 hours before the end of its day at most.
    let seconds_to_midnight = 86_400 - world.now.get() / SECOND % 86_400;
    let world = world.did(thanked(3)).later(seconds_to_midnight - 1);
    assert_eq!(world.refusal(thanked(4)).code(), "daily_bound");
    assert!(world.later(1).when(thanked(4)).is_ok());
}

#[test]
fn a_banned_account_gets_no_bonus_and_a_catalog_may_give_none() {
    let mut world = person();
    world.catalog.as_mut().unwrap().catalog.bonuses.referral_inviter = credits(0);
    assert_eq!(world.refusal(thanked(3)).code(), "bonus_off");
    let world = world.did(AccountBan { reason: text("spam") });
    assert_eq!(world.refusal(thanked(3)).code(), "account_banned");
}

#[test]
fn a_bonus_pays_the_debt_first() {
    let world = crate::debts::indebted();
    let events = world.when(thanked(3)).unwrap();
    assert_eq!(types(&events), ["CreditsGranted", "DebtPaid"]);
}
