use ledger_domain::Broken;
use proto_events::events::*;
use proto_events::{Event, LotId, Micros, PaymentId, Producer};

use crate::world::*;

fn taken(events: &[Event]) -> Vec<LotPart> {
    events
        .iter()
        .find_map(|e| match e {
            Event::CreditsReserved(e) => Some(e.taken.clone()),
            _ => None,
        })
        .expect("a reservation")
}

/// A person with no credits at all; the next event has version 2.
fn pauper() -> World {
    let mut world = nobody();
    world.welcome_spent = true;
    world.did(open_account())
}

fn at(world: &World, seconds: i64) -> Option<Micros> {
    Some(world.now.plus_ms(seconds * 1000))
}

#[test]
fn what_expires_first_is_spent_first_then_free_before_paid_then_oldest() {
    let world = pauper();
    let (soon, later) = (at(&world, 10), at(&world, 20));
    // Lots 2, 3 (later), 4 (soon); then 5–7 a payment with its lot 7; then 8, free again.
    let world = world.granted(2, None).granted(2, later).granted(2, soon).paid("rub-100").granted(2, None);
    let events = world.when(picture()).unwrap();
    assert_eq!(taken(&events), [part(4, 2), part(3, 2), part(2, 2), part(8, 2), part(7, 2)]);
}

#[test]
fn a_lot_past_its_time_is_not_spent_even_before_it_expires() {
    let world = pauper();
    let end = at(&world, 10);
    let world = world.granted(10, end).granted(4, None).later(10);
    assert_eq!(world.balance().0, 14);
    assert_eq!(world.refusal(picture()).details(), serde_json::json!({"have": 4, "need": 10}));
}

#[test]
fn a_lot_that_ran_out_while_it_was_reserved_expires_at_once() {
    let world = pauper();
    let end = at(&world, 10);
    let world = world.granted(10, end).did(picture());
    let world = world.clone().did(world.claim(1)).later(10);
    let events = world.when(world.fail(1)).unwrap();
    assert_eq!(
        types(&events),
        ["GenerationAttempted", "ReservationReleased", "CreditsExpired", "GenerationFailed"]
    );
    let world = world.clone().did(world.fail(1));
    assert_eq!(world.balance(), (0, 0, 0));
}

#[test]
fn a_paid_lot_that_ran_out_while_it_was_reserved_is_breakage() {
    let world = pauper();
    let end = at(&world, 10);
    let mut lot = grant(LotId::new(2).unwrap(), 7, end);
    lot.price = Some(rub(100));
    let world = world.happened(lot).granted(3, None).did(picture()).past_deadline();
    let events = world.when(world.expire()).unwrap();
    assert_eq!(types(&events), ["ReservationExpired", "CreditsExpired", "GenerationFailed"]);
    assert!(
        matches!(&events[1], Event::CreditsExpired(e) if e.credits.get() == 7 && e.revenue == Some(rub(100)))
    );
    assert_eq!(world.clone().did(world.expire()).balance(), (3, 0, 0));
}

#[test]
fn a_lot_that_ran_out_is_still_charged_for_what_it_was_reserved_for() {
    let world = pauper();
    let end = at(&world, 10);
    let world = world.granted(10, end).did(picture());
    let world = world.clone().did(world.claim(1)).later(10);
    assert_eq!(
        types(&world.when(world.complete(1)).unwrap()),
        ["ReservationCommitted", "GenerationSucceeded"]
    );
}

#[test]
fn the_parts_of_a_lot_earn_its_price_exactly() {
    let mut world = pauper();
    let mut lot = grant(LotId::new(2).unwrap(), 3, None);
    lot.price = Some(rub(100));
    world = world.happened(lot);
    let mut earned = Vec::new();
    for _ in 0..3 {
        world = world.did(words());
        let claim = world.claim(1);
        world = world.did(claim);
        for event in world.act(world.complete(1)).unwrap() {
            if let Event::ReservationCommitted(e) = event {
                earned.extend(e.charged.iter().map(|p| p.revenue.unwrap().minor()));
            }
        }
    }
    assert_eq!(earned, [33, 33, 34]);
}

#[test]
fn what_was_given_back_earns_nothing() {
    let world = payer().did(picture());
    let world = world.clone().did(world.fail(0)).did(picture());
    let world = world.clone().did(world.claim(1));
    let events = world.when(world.complete(1)).unwrap();
    assert!(
        matches!(&events[0], Event::ReservationCommitted(e) if e.charged == [consumed(4, 10, Some(1_000))])
    );
}

#[test]
fn the_largest_lot_at_the_largest_price_is_reckoned_without_overflow() {
    let world = pauper();
    let mut lot = grant(LotId::new(2).unwrap(), 1_000_000_000, None);
    lot.price = Some(rub(1_000_000_000_000));
    let world = world.happened(lot).did(picture());
    let world = world.clone().did(world.claim(1));
    let events = world.when(world.complete(1)).unwrap();
    assert!(
        matches!(&events[0], Event::ReservationCommitted(e) if e.charged == [consumed(2, 10, Some(10_000))])
    );
}

#[test]
fn credits_past_the_bound_of_a_balance_are_kept_and_shown_at_the_bound() {
    let mut world = pauper().granted(1_000_000_000, None).granted(1_000_000_000, None);
    assert_eq!(world.balance().0, 1_000_000_000);
    assert_eq!(ledger_domain::check(&world.state), Ok(()));
    world.act(picture()).unwrap();
    assert_eq!(world.effects(), (1_999_999_990, 10, 0));
}

#[test]
fn an_event_that_does_not_fit_is_told_by_the_check_and_never_panics() {
    let world = person();
    let payment =
        PaymentId::derive(world.id, Producer::Telegram, &proto_events::CommandId::new("x").unwrap());
    let strange: Vec<Event> = vec![
        CreditsExpired { lot: LotId::new(99).unwrap(), credits: credits(1), revenue: None }.into(),
        CreditsExpired { lot: LotId::new(2).unwrap(), credits: credits(6), revenue: None }.into(),
        grant(LotId::new(2).unwrap(), 1, None).into(),
        PaymentCanceled { payment, rail: proto_events::Rail::Stars, party: text("p"), reason: text("r") }
            .into(),
    ];
    for event in strange {
        let broken = world.clone().happened(event.clone());
        assert_eq!(ledger_domain::check(&broken.state), Err(Broken::Misfits { count: 1 }), "{event:?}");
        assert_eq!(broken.state.version(), 3);
    }
}

#[test]
fn an_account_reads_back_as_it_was_written() {
    let world = payer().granted(5, None).did(picture());
    let world = world.clone().did(world.claim(1)).did(words());
    let written = serde_json::to_string(&world.state).unwrap();
    let read: ledger_domain::Account = serde_json::from_str(&written).unwrap();
    assert_eq!(read, world.state);
}

#[test]
fn an_account_stays_small_however_long_it_lives() {
    let mut world = pauper();
    for _ in 0..20 {
        world = world.paid("rub-100");
        for _ in 0..10 {
            world = world.did(picture());
            let claim = world.claim(1);
            world = world.did(claim);
            let complete = world.complete(1);
            world = world.did(complete);
        }
    }
    assert_eq!(world.balance(), (0, 0, 0));
    let written = serde_json::to_value(&world.state).unwrap();
    assert!(written["purse"]["lots"].as_object().unwrap().is_empty(), "used up lots are dropped");
    assert!(
        written["purse"]["reservations"].as_object().unwrap().is_empty(),
        "closed reservations are dropped"
    );
}

#[test]
fn of_generations_that_are_over_the_newest_are_remembered() {
    let mut world = pauper().granted(1_000, None);
    let mut asked = Vec::new();
    for _ in 0..70 {
        world = world.did(words());
        asked.push(world.generation());
        let fail = world.fail(0);
        world = world.did(fail);
    }
    let written = serde_json::to_value(&world.state).unwrap();
    assert_eq!(written["generations"].as_object().unwrap().len(), 64);
    let cost = |id| proto_events::commands::GenerationAttempt { generation: id, ..world.attempted(1) };
    assert_eq!(world.refusal(cost(asked[5])).code(), "generation_not_found");
    assert_eq!(world.refusal(cost(asked[6])).code(), "stale_attempt");
}
