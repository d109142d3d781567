//! Random lives, audited after every step.

use std::collections::BTreeSet;

use ledger_domain::{Account, check, effect, evolve, postings};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::auditor::Auditor;
use crate::steps::{Step, life, small_world};
use crate::world::World;

/// One step of a life; what it was refused with, if it was.
pub fn take(world: &mut World, auditor: &Auditor, step: &Step) -> Option<&'static str> {
    if let Step::Later { seconds } = step {
        *world = world.clone().later(*seconds);
    }
    match step.command(world) {
        Some(command) => world.act(command).err().map(|refusal| refusal.code()),
        None => {
            let events = step.events(world, auditor);
            world.happen(events);
            None
        }
    }
}

proptest! {
    // PROPTEST_CASES says how many; a failing life is shrunk and printed whole.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_life_breaks_an_invariant(steps in life()) {
        let (mut world, mut auditor) = (small_world(), Auditor::default());
        for step in steps {
            take(&mut world, &auditor, &step);
            auditor.audit(&world);
        }
        auditor.close(&world);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// As after a fault in the database: `verify` must get through it and say what is wrong.
    #[test]
    fn a_log_with_events_lost_repeated_or_out_of_order_is_folded_all_the_same(
        steps in life(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..200),
    ) {
        let (mut world, auditor) = (small_world(), Auditor::default());
        for step in steps {
            take(&mut world, &auditor, &step);
        }
        prop_assume!(!world.log.is_empty());
        let mut state = Account::default();
        for pick in &picks {
            let event = pick.get(&world.log);
            let _ = (effect(event), postings(event), check(&state));
            state = evolve(state, event);
        }
        prop_assert_eq!(usize::try_from(state.version()).unwrap(), picks.len());
        let _ = state.balance();
    }
}

/// What random lives must come across, or they prove nothing.
const EVENTS: [&str; 27] = [
    "AccountBanned",
    "AccountOpened",
    "AccountUnbanned",
    "CreditsExpired",
    "CreditsGranted",
    "CreditsReserved",
    "CreditsRevoked",
    "DebtIncurred",
    "DebtPaid",
    "DeliveryFailed",
    "GenerationAttempted",
    "GenerationDelivered",
    "GenerationFailed",
    "GenerationRequested",
    "GenerationStarted",
    "GenerationSucceeded",
    "PaymentCanceled",
    "PaymentOpened",
    "PaymentRegistered",
    "PaymentSettled",
    "RefundOpened",
    "ReservationCommitted",
    "ReservationExpired",
    "ReservationReleased",
    // Ways of an event.
    "a compensation",
    "a gift",
    "a late charge",
];

const REFUSALS: [&str; 27] = [
    "ability_missing",
    "account_banned",
    "account_exists",
    "account_not_found",
    "already_registered",
    "amount_differs",
    "attempts_exhausted",
    "deadline_ahead",
    "generation_closed",
    "generation_delivered",
    "generation_held",
    "generation_not_found",
    "generation_not_succeeded",
    "insufficient_credits",
    "no_outputs",
    "package_unknown",
    "payment_closed",
    "payment_not_found",
    "payment_settled",
    "provider_id_differs",
    "provider_id_taken",
    "rail_off",
    "reservation_closed",
    "reservation_not_found",
    "stale_attempt",
    "too_many_open",
    "too_many_running",
];

#[test]
fn random_lives_come_across_everything() {
    use proto_events::Event;
    use proto_events::events::{LotSource, Settlement};
    let mut runner = TestRunner::deterministic();
    let (mut events, mut refusals) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..300 {
        let (mut world, mut auditor) = (small_world(), Auditor::default());
        for step in life().new_tree(&mut runner).unwrap().current() {
            refusals.extend(take(&mut world, &auditor, &step));
            auditor.audit(&world);
        }
        auditor.close(&world);
        for event in &world.log {
            events.insert(event.type_name());
            match event {
                Event::CreditsGranted(e) if e.source == LotSource::Compensation => {
                    events.insert("a compensation")
                }
                Event::GenerationSucceeded(e) if e.settlement == Settlement::Late => {
                    events.insert("a late charge")
                }
                Event::GenerationSucceeded(e) if e.settlement == Settlement::GivenAway => {
                    events.insert("a gift")
                }
                _ => false,
            };
        }
    }
    assert_eq!(events, BTreeSet::from(EVENTS));
    assert_eq!(refusals, BTreeSet::from(REFUSALS));
}
