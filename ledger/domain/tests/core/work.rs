use proto_events::Event;
use proto_events::commands::GenerationAttempt;
use proto_events::events::*;
use proto_events::{AccountId, CommandId, GenerationId, Micros, Producer, ReservationId};
use serde_json::json;

use crate::world::*;

fn asked() -> World {
    payer().did(picture())
}

fn claimed() -> World {
    let world = asked();
    let claim = world.claim(1);
    world.did(claim)
}

/// The deadline passed while attempt 1 was on its way.
fn timed_out() -> World {
    let world = claimed().past_deadline();
    let expire = world.expire();
    world.did(expire)
}

#[test]
fn a_claim_starts_the_next_attempt() {
    let world = asked();
    assert_eq!(types(&world.when(world.claim(1)).unwrap()), ["GenerationStarted"]);
    for stale in [0, 2] {
        assert_eq!(world.refusal(world.claim(stale)).details(), json!({"attempt": 0}));
    }
}

#[test]
fn a_held_generation_is_refused_until_its_lease_ends() {
    let mut world = claimed();
    world.lease_until = Some(world.now.plus_ms(1));
    let refusal = world.refusal(world.claim(2));
    assert_eq!(
        (refusal.code(), refusal.details()),
        ("generation_held", json!({"until": world.now.plus_ms(1)}))
    );
    world.lease_until = Some(world.now);
    assert!(world.when(world.claim(2)).is_ok());
}

#[test]
fn attempts_are_limited_and_the_last_one_may_still_fail_the_generation() {
    let mut world = asked();
    let max = i64::from(world.catalog.as_ref().unwrap().catalog.limits.attempts_max);
    for n in 1..=max {
        let claim = world.claim(n);
        world = world.did(claim);
    }
    let world = world.clone().did(world.attempted(max));
    let refusal = world.refusal(world.claim(max + 1));
    assert_eq!(
        (refusal.code(), refusal.details()),
        ("attempts_exhausted", json!({"max": max, "attempt": max}))
    );
    let events = world.when(world.fail(max)).unwrap();
    assert_eq!(types(&events), ["ReservationReleased", "GenerationFailed"], "its cost is on record already");
}

#[test]
fn attempts_that_cost_nothing_are_bounded_by_the_deadline_and_by_the_bound_of_their_names() {
    let mut world = asked();
    world.catalog.as_mut().unwrap().catalog.limits.attempts_max = 1;
    let turned_away = |world: World, n, outcome| {
        let world = world.clone().did(world.claim(n));
        let attempted = GenerationAttempt { outcome, ..world.attempted(n) };
        world.did(attempted)
    };
    for n in 1..=998 {
        let outcome = if n % 2 == 0 { Trouble::RateLimited } else { Trouble::Overloaded };
        world = turned_away(world, n, outcome);
    }
    let in_doubt = turned_away(world.clone(), 999, Trouble::TimedOut);
    let refusal = in_doubt.refusal(in_doubt.claim(1000));
    assert_eq!(refusal.details(), json!({"max": 1, "attempt": 999}));
    assert_eq!(in_doubt.state.doubts(in_doubt.generation()), 1);
    world = turned_away(turned_away(world, 999, Trouble::Overloaded), 1000, Trouble::Overloaded);
    assert_eq!(world.refusal(world.claim(1000)).code(), "attempts_exhausted");
}

#[test]
fn others_of_the_person_are_worked_on_first() {
    let mut world = asked();
    let start = world.now;
    let at = |ms| start.plus_ms(ms);
    // Two are held, one was; only one may be.
    world.working = vec![at(9), at(0), at(5)];
    let refusal = world.refusal(world.claim(1));
    assert_eq!((refusal.code(), refusal.details()), ("person_busy", json!({"until": at(9)})));
    world.catalog.as_mut().unwrap().catalog.limits.working_per_person_max = 2;
    assert_eq!(world.refusal(world.claim(1)).details(), json!({"until": at(5)}));
    world.now = at(5);
    assert!(world.when(world.claim(1)).is_ok());
}

#[test]
fn what_waits_or_is_over_is_in_nobodys_hand() {
    let mut world = asked();
    world.catalog.as_mut().unwrap().catalog.limits.running_per_person_max = 9;
    let beside = world.generation();
    let in_hand = |world: &World| world.state.in_hand(beside).collect::<Vec<_>>();
    let world = world.did(picture());
    assert_eq!(in_hand(&world), [], "nobody has claimed it");
    let world = world.clone().did(world.claim(1));
    assert_eq!(in_hand(&world), [world.generation()]);
    assert_eq!(world.state.in_hand(world.generation()).count(), 0, "only what is beside it");
    let tried = world.clone().did(world.attempted(1));
    assert_eq!(in_hand(&tried), [], "its worker is done");
    let again = tried.clone().did(tried.claim(2));
    assert_eq!(in_hand(&again), [again.generation()]);
    let made = again.clone().did(again.complete(2));
    assert_eq!(in_hand(&made), []);
}

#[test]
fn a_result_is_charged_once() {
    let world = claimed();
    let events = world.when(world.complete(1)).unwrap();
    let [Event::ReservationCommitted(committed), Event::GenerationSucceeded(made)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(committed.charged, [consumed(3 + 1, 10, Some(1_000))]);
    assert!(committed.returned.is_empty());
    assert_eq!((made.settlement, made.credits.get(), made.outputs.len()), (Settlement::Charged, 10, 1));
    let world = world.clone().did(world.complete(1));
    assert_eq!(world.balance(), (90, 0, 0));
    for again in [world.when(world.complete(1)), world.when(world.fail(1)), world.when(world.claim(2))] {
        assert_eq!(again.unwrap_err().code(), "generation_closed");
    }
}

#[test]
fn an_attempt_that_was_overtaken_can_not_finish_the_job() {
    let world = claimed();
    let world = world.clone().did(world.claim(2));
    for stale in [world.when(world.complete(1)), world.when(world.fail(1))] {
        assert_eq!(stale.unwrap_err().details(), json!({"attempt": 2}));
    }
    assert!(world.when(world.complete(2)).is_ok());
}

#[test]
fn what_an_attempt_cost_that_was_claimed_over_is_recorded_once_by_whoever_knows_it() {
    let started = |world: &World, n| match &world.when(world.claim(n)).unwrap()[..] {
        [Event::GenerationStarted(started)] => started.lost,
        events => panic!("{events:?}"),
    };
    let first = claimed();
    assert!(started(&first, 2), "nobody has told of the first");
    assert!(!started(&first.clone().did(first.attempted(1)), 2));
    let second = first.clone().did(first.claim(2));
    let told = second.clone().did(second.attempted(1));
    assert_eq!(told.refusal(told.attempted(1)).code(), "stale_attempt");
    let nobodys = CommandId::new("nobodys").unwrap();
    let beside = GenerationId::derive(AccountId::CATALOG, Producer::Ledger, &nobodys);
    assert_eq!(told.state.in_hand(beside).count(), 1, "the second is worked on");
    assert!(told.when(told.complete(2)).is_ok(), "and is still the one that counts");
    let told = told.clone().did(told.attempted(2));
    assert!(!started(&told, 3));
    // Only the last one that was lost: what was before it made no call, or was told of.
    let third = second.clone().did(second.claim(3));
    assert_eq!(third.refusal(third.attempted(1)).code(), "stale_attempt");
    assert!(third.when(third.attempted(2)).is_ok());
    let made = second.clone().did(second.complete(2));
    assert_eq!(
        made.refusal(made.attempted(1)).code(),
        "stale_attempt",
        "its result was used, or it had none"
    );
    let failed = second.clone().did(second.fail(2));
    assert!(failed.when(failed.attempted(1)).is_ok());
}

#[test]
fn a_refusal_that_is_told_late_counts_no_more_than_one_in_time() {
    let mut world = claimed();
    world.catalog.as_mut().unwrap().catalog.limits.attempts_max = 2;
    let world = world.clone().did(world.claim(2));
    assert_eq!(world.refusal(world.claim(3)).code(), "attempts_exhausted");
    let told = world.clone().did(GenerationAttempt { outcome: Trouble::Overloaded, ..world.attempted(1) });
    assert!(told.when(told.claim(3)).is_ok());
}

#[test]
fn a_generation_that_nobody_claimed_can_not_be_completed_but_failed() {
    let world = asked();
    assert_eq!(world.refusal(world.complete(0)).code(), "stale_attempt");
    let events = world.when(world.fail(0)).unwrap();
    assert_eq!(types(&events), ["ReservationReleased", "GenerationFailed"]);
    assert!(matches!(&events[1], Event::GenerationFailed(e) if e.attempt.is_none()));
}

#[test]
fn a_failure_gives_back_exactly_what_was_taken() {
    let world = claimed();
    let events = world.when(world.fail(1)).unwrap();
    let [
        Event::GenerationAttempted(tried),
        Event::ReservationReleased(released),
        Event::GenerationFailed(failed),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((tried.outcome, tried.spent.clone()), (Trouble::Policy, spent()));
    assert_eq!((released.returned.clone(), released.reason), (vec![part(4, 10)], ReleaseReason::Failed));
    assert_eq!(
        (failed.returned.get(), failed.reason, failed.attempt),
        (10, Trouble::Policy, Some(attempt(1)))
    );
    let world = world.clone().did(world.fail(1));
    assert_eq!(world.balance(), (100, 0, 0));
    assert_eq!(world.refusal(world.complete(1)).code(), "generation_closed");
}

#[test]
fn an_attempts_cost_is_recorded_once_also_after_the_end() {
    let world = claimed();
    let tried = world.clone().did(world.attempted(1));
    assert_eq!(tried.refusal(tried.attempted(1)).code(), "stale_attempt");
    assert_eq!(world.refusal(world.attempted(0)).code(), "stale_attempt");
    let over = timed_out();
    let over = over.clone().did(over.attempted(1));
    assert_eq!(over.refusal(over.attempted(1)).code(), "stale_attempt");
    let made = world.clone().did(world.complete(1));
    assert_eq!(made.refusal(made.attempted(1)).code(), "stale_attempt", "its result named it");
    assert_eq!(asked().refusal(asked().attempted(0)).code(), "stale_attempt");
}

#[test]
fn a_deadline_gives_the_credits_back() {
    let world = claimed();
    assert_eq!(world.refusal(world.expire()).code(), "deadline_ahead");
    let world = world.past_deadline();
    let events = world.when(world.expire()).unwrap();
    assert_eq!(types(&events), ["ReservationExpired", "GenerationFailed"]);
    assert!(matches!(&events[1], Event::GenerationFailed(e)
        if e.reason == Trouble::Deadline && e.attempt == Some(attempt(1)) && e.returned.get() == 10));
    let world = world.clone().did(world.expire());
    assert_eq!(world.balance(), (100, 0, 0));
    assert_eq!(world.refusal(world.expire()).code(), "reservation_closed");
    for late in [world.when(world.claim(2)), world.when(world.fail(1))] {
        assert_eq!(late.unwrap_err().code(), "generation_closed");
    }
}

#[test]
fn a_deadline_is_reached_at_its_microsecond() {
    let mut world = claimed();
    let refusal = world.refusal(world.expire());
    let deadline = refusal.details()["deadline"].as_i64().unwrap();
    world.now = Micros::new(deadline - 1).unwrap();
    assert_eq!(world.refusal(world.expire()).code(), "deadline_ahead");
    world.now = Micros::new(deadline).unwrap();
    assert!(world.when(world.expire()).is_ok());
}

#[test]
fn a_late_result_is_charged_once_if_the_credits_are_there() {
    let world = timed_out();
    let events = world.when(world.complete(1)).unwrap();
    let [Event::CreditsReserved(reserved), Event::ReservationCommitted(_), Event::GenerationSucceeded(made)] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(reserved.reservation, ReservationId::late(world.generation()));
    assert_eq!((made.settlement, made.credits.get()), (Settlement::Late, 10));
    let world = world.clone().did(world.complete(1));
    assert_eq!(world.balance(), (90, 0, 0));
    assert_eq!(world.refusal(world.complete(1)).code(), "generation_closed");
    let late =
        proto_events::commands::ReservationExpire { reservation: ReservationId::late(world.generation()) };
    assert_eq!(world.refusal(late).code(), "reservation_closed");
}

#[test]
fn a_late_result_is_given_away_once_if_the_credits_are_gone() {
    let mut world = timed_out();
    world.catalog.as_mut().unwrap().catalog.limits.running_per_person_max = 200;
    let late = world.complete(1);
    for _ in 0..10 {
        world = world.did(picture());
    }
    let events = world.when(late.clone()).unwrap();
    let [Event::GenerationSucceeded(made)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((made.settlement, made.credits.get()), (Settlement::GivenAway, 0));
    let world = world.did(late.clone());
    assert_eq!(world.balance(), (0, 100, 0));
    assert_eq!(world.refusal(late).code(), "generation_closed");
}

#[test]
fn a_late_result_of_an_attempt_that_was_overtaken_is_refused() {
    let world = claimed();
    let world = world.clone().did(world.claim(2)).past_deadline();
    let world = world.clone().did(world.expire());
    assert_eq!(world.refusal(world.complete(1)).code(), "stale_attempt");
    assert!(world.when(world.complete(2)).is_ok());
}

#[test]
fn a_result_after_a_cancellation_is_refused() {
    let world = claimed();
    let generation = world.generation();
    let released = ReservationReleased {
        reservation: ReservationId::of(generation),
        returned: vec![part(4, 10)],
        reason: ReleaseReason::Canceled,
    };
    let world = world.happened(released).happened(GenerationCanceled { generation, by: CanceledBy::Person });
    assert_eq!(ledger_domain::check(&world.state), Ok(()));
    assert_eq!(world.refusal(world.complete(1)).code(), "generation_closed");
    assert_eq!(world.refusal(world.confirm()).code(), "generation_not_succeeded");
}
