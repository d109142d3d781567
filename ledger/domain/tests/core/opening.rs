use ledger_domain::result;
use proto_events::events::*;
use serde_json::json;

use crate::world::*;

#[test]
fn a_new_person_is_welcomed_with_credits() {
    let world = nobody();
    let events = world.when(open_account()).unwrap();
    let welcome = match &events[..] {
        [proto_events::Event::AccountOpened(_), proto_events::Event::CreditsGranted(e)] => e,
        other => panic!("{other:?}"),
    };
    assert_eq!((welcome.lot.get(), welcome.source, welcome.credits.get()), (2, LotSource::Welcome, 5));
    assert_eq!((welcome.price, welcome.expires_at), (None, None));
    assert_eq!(result(&events), json!({"welcome": 5}));
    let world = world.did(open_account());
    assert_eq!((world.balance(), world.state.version(), world.state.is_open()), ((5, 0, 0), 2, true));
}

#[test]
fn welcome_credits_are_given_once_in_a_life() {
    let mut world = nobody();
    world.welcome_spent = true;
    let events = world.when(open_account()).unwrap();
    assert_eq!(types(&events), ["AccountOpened"]);
    assert_eq!(result(&events), json!({"welcome": 0}));
}

#[test]
fn an_account_opens_without_a_catalog_or_a_bonus_but_without_credits() {
    let mut world = nobody();
    world.catalog.as_mut().unwrap().catalog.bonuses.welcome = credits(0);
    assert_eq!(types(&world.when(open_account()).unwrap()), ["AccountOpened"]);
    world.catalog = None;
    assert_eq!(types(&world.when(open_account()).unwrap()), ["AccountOpened"]);
}

#[test]
fn an_account_opens_once_and_the_refusal_names_it() {
    let world = person();
    let refusal = world.refusal(open_account());
    assert_eq!((refusal.code(), refusal.details()), ("account_exists", json!({"account": world.id})));
    let erased = world.happened(AccountErased {
        fingerprint: text("f"),
        forfeited: credits(0),
        debt_kept: credits(0),
    });
    assert!(!erased.state.is_open());
    assert_eq!(erased.refusal(open_account()).code(), "account_exists");
    assert_eq!(erased.refusal(picture()).code(), "account_not_found");
}

#[test]
fn a_ban_is_lifted_again() {
    let world = person().happened(AccountBanned { reason: text("spam") });
    assert!(world.state.banned());
    assert_eq!(world.refusal(words()).code(), "account_banned");
    let world = world.happened(AccountUnbanned { reason: text("sorry") });
    assert!(!world.state.banned());
    assert!(world.when(words()).is_ok());
}
