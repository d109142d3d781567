//! Credits alone: given by operators, taken, run out, forgiven.

use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{Days, Event, LotId, Micros, SomeCredits};

use crate::world::*;

pub fn some(n: i64) -> SomeCredits {
    SomeCredits::new(n).unwrap()
}

pub fn give(n: i64) -> CreditsGrant {
    CreditsGrant {
        credits: some(n),
        source: GrantSource::Admin,
        reason: text("sorry"),
        lasts_days: None,
        expires_at: None,
    }
}

pub fn take(n: i64) -> CreditsRevoke {
    CreditsRevoke { credits: some(n), reason: text("a mistake") }
}

pub fn expire(lot: i64) -> LotsExpire {
    LotsExpire { lot: LotId::new(lot).unwrap() }
}

pub fn forgive(n: i64) -> DebtForgive {
    DebtForgive { credits: some(n), reason: text("goodwill") }
}

fn lifetimes(world: &mut World) -> &mut proto_events::catalog::Lifetimes {
    &mut world.catalog.as_mut().unwrap().catalog.lifetimes
}

fn days(n: i64) -> Option<Days> {
    Some(Days::new(n).unwrap())
}

fn granted(events: &[Event]) -> &CreditsGranted {
    events
        .iter()
        .find_map(|event| match event {
            Event::CreditsGranted(e) => Some(e),
            _ => None,
        })
        .expect("a grant")
}

#[test]
fn an_operator_gives_credits_with_a_reason() {
    let world = person();
    let events = world.when(give(7)).unwrap();
    let e = granted(&events);
    assert_eq!((e.credits.get(), e.source, e.price, e.expires_at), (7, LotSource::Admin, None, None));
    assert_eq!(e.reason.as_ref().unwrap().as_str(), "sorry");
    assert_eq!(world.did(give(7)).balance(), (12, 0, 0));
}

#[test]
fn a_grant_pays_the_debt_first() {
    let world = crate::debts::indebted();
    let events = world.when(give(50)).unwrap();
    assert_eq!(types(&events), ["CreditsGranted", "DebtPaid"]);
    assert_eq!(world.did(give(50)).balance(), (20, 0, 0));
}

#[test]
fn a_banned_person_may_be_given_credits() {
    let world = person().did(AccountBan { reason: text("spam") });
    assert_eq!(world.did(give(7)).balance(), (12, 0, 0));
}

#[test]
fn a_grant_lasts_as_long_as_it_says_or_else_as_the_catalog_says_for_its_source() {
    let mut world = person();
    lifetimes(&mut world).admin_days = days(30);
    let ends = |command: CreditsGrant| granted(&world.when(command).unwrap()).expires_at;
    let after = |n: i64| Some(world.now.plus_ms(n * 86_400_000));
    assert_eq!(ends(give(1)), after(30));
    assert_eq!(ends(CreditsGrant { lasts_days: days(2), ..give(1) }), after(2));
    assert_eq!(ends(CreditsGrant { source: GrantSource::Promo, ..give(1) }), None);
    let at = Some(world.now.plus_ms(1));
    assert_eq!(ends(CreditsGrant { expires_at: at, lasts_days: days(2), ..give(1) }), at);
}

#[test]
fn what_is_bought_welcomed_and_compensated_lasts_as_the_catalog_says() {
    let mut world = nobody();
    *lifetimes(&mut world) = proto_events::catalog::Lifetimes {
        purchase_days: days(3),
        welcome_days: days(1),
        compensation_days: days(2),
        ..Default::default()
    };
    let after = |n: i64| Some(world.now.plus_ms(n * 86_400_000));
    let (one, two, three) = (after(1), after(2), after(3));
    assert_eq!(granted(&world.when(open_account()).unwrap()).expires_at, one);
    let world = world.did(open_account()).did(topup("rub-100", proto_events::Rail::Yookassa));
    assert_eq!(granted(&world.when(world.settle()).unwrap()).expires_at, three);
    let world = world.clone().did(world.settle()).did(picture());
    let world = world.clone().did(world.claim(1));
    let world = world.clone().did(world.complete(1));
    assert_eq!(granted(&world.when(world.lost()).unwrap()).expires_at, two);
}

#[test]
fn an_operator_takes_what_was_given_before_what_was_paid_and_the_rest_is_breakage() {
    let world = payer().granted(5, None);
    let events = world.when(take(7)).unwrap();
    let [Event::CreditsRevoked(e)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(e.taken, [consumed(5, 5, None), consumed(4, 2, Some(200))]);
    assert_eq!((e.reason, e.payment, e.refund), (RevokeReason::Operator, None, None));
    let sums = crate::books::trial(&events);
    assert_eq!(sums.get(&("breakage".to_owned(), ledger_domain::Asset::Rub)), Some(&-200));
    assert!(!sums.contains_key(&("refunds".to_owned(), ledger_domain::Asset::Rub)));
    assert_eq!(world.did(take(7)).balance(), (98, 0, 0));
}

#[test]
fn more_than_there_is_can_not_be_taken_and_nothing_that_is_reserved() {
    let world = payer().did(picture());
    assert_eq!(world.refusal(take(91)).details(), serde_json::json!({"have": 90, "need": 91}));
    assert_eq!(world.did(take(90)).balance(), (0, 10, 0));
}

#[test]
fn a_lot_runs_out_once_its_time_is_over() {
    let world = person();
    let end = Some(world.now.plus_ms(10_000));
    let world = world.granted(9, end);
    assert_eq!(world.refusal(expire(3)).code(), "lot_not_expired");
    let world = world.later(10);
    let events = world.when(expire(3)).unwrap();
    assert_eq!(
        events,
        [CreditsExpired { lot: LotId::new(3).unwrap(), credits: credits(9), revenue: None }.into()]
    );
    let world = world.did(expire(3));
    assert_eq!(world.balance(), (5, 0, 0));
    assert_eq!(world.refusal(expire(3)).code(), "lot_not_found");
    assert_eq!(world.refusal(expire(2)).details(), serde_json::json!({"expires_at": null}));
}

#[test]
fn what_is_reserved_of_a_lot_outlives_it_until_it_comes_back() {
    let world = person();
    let end: Option<Micros> = Some(world.now.plus_ms(10_000));
    let world = world.granted(14, end).did(picture()).later(10);
    let events = world.when(expire(3)).unwrap();
    assert!(matches!(&events[..], [Event::CreditsExpired(e)] if e.credits.get() == 4), "{events:?}");
    let world = world.did(expire(3));
    assert_eq!(world.balance(), (5, 10, 0));
    assert_eq!(world.refusal(expire(3)).code(), "lot_held");
    let world = world.clone().did(world.fail(0));
    assert_eq!(world.balance(), (5, 0, 0), "what came back expired at once");
}

#[test]
fn lots_end_by_the_calendar_when_the_logs_time_is_ahead_of_it() {
    let world = person();
    let end = Some(world.now.plus_ms(10_000));
    let mut world = world.granted(14, end).did(picture()).later(60);
    world.behind_seconds = 55;
    assert_eq!(world.refusal(expire(3)).code(), "lot_not_expired");
    let mut world = world.clone().did(world.fail(0));
    assert_eq!(world.balance(), (19, 0, 0), "what came back can be spent");
    assert_eq!(world.refusal(take(20)).details(), serde_json::json!({"have": 19, "need": 20}));
    let ends = |at: Micros| CreditsGrant { expires_at: Some(at), ..give(1) };
    assert_eq!(world.refusal(ends(world.now.plus_ms(-55_000))).code(), "end_in_the_past");
    assert!(world.when(ends(world.now.plus_ms(-54_999))).is_ok());
    world.behind_seconds = 50;
    assert_eq!(world.refusal(take(6)).details(), serde_json::json!({"have": 5, "need": 6}));
    assert_eq!(world.did(expire(3)).balance(), (5, 0, 0));
}

#[test]
fn a_debt_is_forgiven_as_far_as_it_goes() {
    let world = crate::debts::indebted();
    assert_eq!(world.refusal(forgive(31)).details(), serde_json::json!({"debt": 30}));
    let events = world.when(forgive(20)).unwrap();
    assert!(matches!(&events[..], [Event::DebtPaid(e)] if e.by == DebtPayer::Forgiven && e.taken.is_empty()));
    let sums = crate::books::trial(&events);
    assert_eq!(sums.get(&("forgiven".to_owned(), ledger_domain::Asset::Credit)), Some(&20));
    assert_eq!(world.did(forgive(20)).balance(), (0, 0, 10));
}

#[test]
fn part_of_a_reservation_is_charged_in_spending_order_and_the_rest_goes_back() {
    // Lot 5 (free, 4 credits) goes before the paid lot 4.
    let world = payer().granted(4, None).did(picture());
    let world = world.clone().did(world.claim(1));
    let part_of = |n| GenerationComplete { charge: Some(some(n)), ..world.complete(1) };
    let events = world.when(part_of(6)).unwrap();
    let [Event::ReservationCommitted(e), Event::GenerationSucceeded(made)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(e.charged, [consumed(5, 4, None), consumed(4, 2, Some(200))]);
    assert_eq!((&e.returned[..], made.credits.get()), (&[part(4, 4)][..], 6));
    assert_eq!(world.clone().did(part_of(6)).balance(), (98, 0, 0));
    assert_eq!(world.refusal(part_of(11)).details(), serde_json::json!({"max": 10}));
}

#[test]
fn what_comes_back_of_a_partial_charge_expires_if_its_time_is_over_or_pays_the_debt() {
    let mut world = nobody();
    world.welcome_spent = true;
    let world = world.did(open_account());
    let end = Some(world.now.plus_ms(10_000));
    let world = world.granted(10, end).did(picture());
    let world = world.clone().did(world.claim(1)).later(10);
    let part = GenerationComplete { charge: Some(some(3)), ..world.complete(1) };
    let events = world.when(part.clone()).unwrap();
    assert_eq!(types(&events), ["ReservationCommitted", "CreditsExpired", "GenerationSucceeded"]);
    assert_eq!(world.did(part).balance(), (0, 0, 0));
}

#[test]
fn a_late_result_may_be_charged_in_part_too() {
    let world = payer().did(picture());
    let world = world.clone().did(world.claim(1)).past_deadline();
    let world = world.clone().did(world.expire());
    let part = GenerationComplete { charge: Some(some(3)), ..world.complete(1) };
    assert_eq!(world.did(part).balance(), (97, 0, 0));
}

#[test]
fn a_canceled_generation_gives_everything_back() {
    let mut world = payer().did(picture());
    let cancel = GenerationCancel { generation: world.generation() };
    let events = world.when(cancel.clone()).unwrap();
    assert_eq!(types(&events), ["ReservationReleased", "GenerationCanceled"]);
    assert!(matches!(&events[1], Event::GenerationCanceled(e) if e.by == CanceledBy::Person));
    world.producer = proto_events::Producer::Console;
    let events = world.when(cancel.clone()).unwrap();
    assert!(matches!(&events[1], Event::GenerationCanceled(e) if e.by == CanceledBy::Operator));
    let world = world.did(cancel);
    assert_eq!(world.balance(), (100, 0, 0));
    assert_eq!(world.refusal(world.complete(0)).code(), "generation_closed");
}
