use ledger_domain::{Kept, result};
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{Event, Rail};
use serde_json::json;

use crate::refunds::{failed, refund, settled, spent_ten};
use crate::world::*;

pub fn erase(forfeit: bool) -> AccountErase {
    AccountErase { forfeit }
}

#[test]
fn nobody_loses_credits_without_having_been_told() {
    let world = spent_ten(payer()).granted(3, None);
    let refusal = world.refusal(erase(false));
    assert_eq!(refusal.code(), "credits_would_be_lost");
    assert_eq!(refusal.details(), json!({"credits": 93, "paid": 90, "RUB": 9_000, "XTR": 0}));
    let events = world.when(erase(true)).unwrap();
    assert_eq!(types(&events), ["CreditsRevoked", "AccountErased"]);
    assert_eq!(result(&events), json!({"forfeited": 93, "debt_kept": 0}));
    let world = world.did(erase(true));
    assert_eq!((world.balance(), world.state.is_open()), ((0, 0, 0), false));
    let sums = crate::books::trial(&world.log);
    assert_eq!(sums.get(&("breakage".to_owned(), ledger_domain::Asset::Rub)), Some(&-9_000));
    assert_eq!(sums.get(&("deferred".to_owned(), ledger_domain::Asset::Rub)), None);
}

#[test]
fn who_has_nothing_is_erased_without_a_question() {
    let mut world = nobody();
    world.welcome_spent = true;
    let world = world.did(open_account());
    let events = world.when(erase(false)).unwrap();
    assert_eq!(types(&events), ["AccountErased"]);
    assert!(matches!(&events[0], Event::AccountErased(e) if e.fingerprint.as_str() == "f00d"));
    let world = world.did(erase(false));
    assert_eq!(world.refusal(erase(false)).code(), "account_not_found");
    assert_eq!(world.refusal(words()).code(), "account_not_found");
    assert_eq!(world.refusal(crate::grants::give(1)).code(), "account_not_found");
}

#[test]
fn an_erasure_waits_for_what_is_open() {
    let world = payer().did(picture());
    assert_eq!(world.refusal(erase(true)).code(), "open_reservations");
    let world = world.clone().did(world.fail(0)).did(topup("rub-100", Rail::Yookassa));
    let payment = world.payment().payment;
    assert_eq!(
        world.refusal(erase(true)).details(),
        json!({"payments": [payment], "refunds": [], "quarantined": 0})
    );
    let quarantine =
        PaymentQuarantine { provider_payment_id: text("y-2"), ..crate::quarantine::quarantine(&world) };
    let world = world.clone().did(quarantine).did(world.cancel());
    assert_eq!(world.refusal(erase(true)).details()["quarantined"], 1);
    // A payment that nobody paid in time does not hold anybody.
    let stale = payer().did(topup("rub-100", Rail::Yookassa)).later(3_600);
    assert!(stale.when(erase(true)).is_ok());
}

#[test]
fn an_erasure_waits_for_refunds() {
    let world = payer();
    let world = world.clone().did(refund(&world, 5_000));
    assert_eq!(world.refusal(erase(true)).details()["refunds"].as_array().unwrap().len(), 1);
    let world = world.clone().did(settled(&world));
    assert!(world.when(erase(true)).is_ok());
}

#[test]
fn lots_past_their_time_expire_before_the_rest_is_given_up() {
    let world = person();
    let end = Some(world.now.plus_ms(10_000));
    let world = world.granted(9, end).later(10);
    assert_eq!(world.refusal(erase(false)).details()["credits"], 5);
    let events = world.when(erase(true)).unwrap();
    assert_eq!(types(&events), ["CreditsExpired", "CreditsRevoked", "AccountErased"]);
}

#[test]
fn a_debt_is_kept_for_the_persons_next_account() {
    let world = spent_ten(payer());
    let world = world.clone().did(refund(&world, 10_000));
    let world = world.clone().did(settled(&world));
    let events = world.when(erase(false)).unwrap();
    assert_eq!(types(&events), ["DebtPaid", "AccountErased"]);
    assert!(matches!(&events[0], Event::DebtPaid(e) if e.by == DebtPayer::SetAside));
    assert_eq!(result(&events), json!({"forfeited": 0, "debt_kept": 10}));
    assert_eq!(world.did(erase(false)).balance(), (0, 0, 0));

    let mut again = nobody();
    (again.welcome_spent, again.kept) = (true, Kept { debt: credits(10), banned: true });
    let events = again.when(open_account()).unwrap();
    assert_eq!(types(&events), ["AccountOpened", "AccountBanned", "DebtCarried"]);
    assert_eq!(result(&events), json!({"welcome": 0}));
    let again = again.did(open_account());
    assert_eq!((again.balance(), again.state.banned()), ((0, 0, 10), true));
    assert_eq!(again.did(crate::grants::give(15)).balance(), (5, 0, 0));
}

#[test]
fn a_chargeback_after_the_erasure_sets_its_debt_aside_at_once() {
    let world = spent_ten(payer()).did(erase(true));
    let events = world.when(refund(&world, 10_000)).unwrap();
    assert_eq!(types(&events), ["RefundOpened", "DebtIncurred", "DebtPaid"]);
    // The 90 that were given up were not spent.
    let world = world.clone().did(refund(&world, 10_000));
    assert_eq!(world.balance(), (0, 0, 0));
    assert!(matches!(&events[1], Event::DebtIncurred(e) if e.credits.get() == 10));
    assert!(world.when(settled(&world)).is_ok());
}

#[test]
fn a_chargeback_after_the_erasure_that_fails_takes_its_debt_back() {
    let world = spent_ten(payer()).did(erase(true));
    let mut world = world.clone().did(refund(&world, 10_000));
    // Four of the ten were taken over by the person's next account.
    world.kept.debt = credits(6);
    let events = world.when(failed(&world)).unwrap();
    assert_eq!(types(&events), ["RefundFailed", "DebtCarried", "DebtPaid", "CreditsGranted"]);
    assert!(matches!(&events[1], Event::DebtCarried(e) if e.credits.get() == 6));
    assert!(matches!(&events[2], Event::DebtPaid(e) if e.by == DebtPayer::Undone && e.credits.get() == 6));
    assert!(matches!(&events[3], Event::CreditsGranted(e) if e.credits.get() == 4));
    world.kept.debt = credits(0);
    assert_eq!(types(&world.when(failed(&world)).unwrap()), ["RefundFailed", "CreditsGranted"]);
}

#[test]
fn nobody_is_compensated_in_an_erased_account() {
    let world = spent_ten(payer()).did(erase(true));
    assert_eq!(types(&world.when(world.lost()).unwrap()), ["DeliveryFailed"]);
}
