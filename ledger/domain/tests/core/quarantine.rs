use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{AccountId, Event, PaymentId, Producer, Rail, SomeMoney};
use serde_json::json;

use crate::world::*;

pub fn quarantine(world: &World) -> PaymentQuarantine {
    odd(Some(world.payment().payment), PaymentProblem::AmountDiffers)
}

/// y-1, seen with 70.00 RUB.
pub fn odd(payment: Option<PaymentId>, problem: PaymentProblem) -> PaymentQuarantine {
    PaymentQuarantine {
        payment,
        rail: Rail::Yookassa,
        provider_payment_id: text("y-1"),
        problems: vec![problem],
        seen: PaymentSeen {
            amount: Some(rub(7_000)),
            status: text("succeeded"),
            test: Some(false),
            named: None,
            other_amount: None,
            shop: None,
        },
    }
}

pub fn resolve(verdict: QuarantineVerdict) -> QuarantineResolve {
    let (rail, reason) = (Rail::Yookassa, text("asked the shop"));
    QuarantineResolve { rail, provider_payment_id: text("y-1"), verdict, reason }
}

pub fn settle(kopecks: i64, credits: i64) -> QuarantineVerdict {
    let amount = SomeMoney::new(kopecks, proto_events::Currency::Rub).unwrap();
    QuarantineVerdict::Settle { amount, credits: crate::grants::some(credits), test: false }
}

/// A person whose payment of 100.00 RUB was seen with 70.00.
pub fn doubtful() -> World {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    world.clone().did(quarantine(&world))
}

#[test]
fn a_person_says_whose_money_it_is_and_never_that_there_is_some() {
    let mut world = person().did(topup("rub-100", Rail::Yookassa));
    world.producer = Producer::Console;
    assert_eq!(world.refusal(quarantine(&world)).code(), "quarantine_not_found");
    let another = AccountId::CATALOG;
    world.quarantined = Some(another);
    let refusal = world.refusal(quarantine(&world));
    assert_eq!((refusal.code(), &refusal.details()["account"]), ("already_quarantined", &json!(another)));
    world.quarantined = Some(AccountId::OPERATIONS);
    assert_eq!(types(&world.when(quarantine(&world)).unwrap()), ["PaymentQuarantined"]);
    // Whoever tells what a provider has told needs nobody's word before.
    world.producer = Producer::Payments;
    world.quarantined = None;
    assert_eq!(types(&world.when(quarantine(&world)).unwrap()), ["PaymentQuarantined"]);
}

#[test]
fn a_person_settles_a_quarantined_payment_for_what_was_paid() {
    let world = doubtful();
    let events = world.when(resolve(settle(7_000, 70))).unwrap();
    assert_eq!(types(&events), ["QuarantineResolved", "PaymentSettled", "CreditsGranted"]);
    let world = world.did(resolve(settle(7_000, 70)));
    assert_eq!(world.balance(), (75, 0, 0));
    assert_eq!(world.refusal(resolve(QuarantineVerdict::Dismiss)).code(), "quarantine_not_found");
    // What was paid is what can be refunded.
    let too_much = crate::refunds::refund(&world, 7_001);
    assert_eq!(world.refusal(too_much).code(), "refund_exceeds_payment");
    let world = world.clone().did(crate::refunds::refund(&world, 7_000));
    assert_eq!(world.balance(), (5, 0, 0));
}

#[test]
fn a_dismissed_quarantine_credits_nothing() {
    let world = doubtful();
    let events = world.when(resolve(QuarantineVerdict::Dismiss)).unwrap();
    assert!(
        matches!(&events[..], [Event::QuarantineResolved(e)] if e.outcome == QuarantineOutcome::Dismissed)
    );
    assert_eq!(world.did(resolve(QuarantineVerdict::Dismiss)).balance(), (5, 0, 0));
}

#[test]
fn what_the_provider_puts_right_itself_needs_no_person() {
    let world = doubtful();
    let world = world.clone().did(world.settle());
    assert_eq!(world.balance(), (105, 0, 0));
    assert_eq!(world.refusal(resolve(settle(7_000, 70))).code(), "quarantine_not_found");
    assert_eq!(world.refusal(quarantine(&world)).code(), "payment_settled");
}

#[test]
fn a_link_that_was_paid_twice_is_credited_once_more_if_a_person_says_so() {
    let world = doubtful();
    let other = PaymentSettle { provider_payment_id: text("y-2"), ..world.settle() };
    let world = world.did(other);
    let events = world.when(resolve(settle(7_000, 70))).unwrap();
    assert_eq!(types(&events), ["QuarantineResolved", "PaymentOpened", "PaymentSettled", "CreditsGranted"]);
    let (Event::PaymentOpened(opened), Event::PaymentSettled(settled)) = (&events[1], &events[2]) else {
        panic!("{events:?}")
    };
    assert_eq!(opened.again_of, Some(world.payment().payment));
    assert_eq!((opened.payment, opened.price), (settled.payment, settled.amount));
    assert!(world.when(resolve(QuarantineVerdict::Dismiss)).is_ok());
    assert_eq!(world.did(resolve(settle(7_000, 70))).balance(), (175, 0, 0));
}
