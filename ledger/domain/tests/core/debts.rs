//! What refunds bring, as events: the rules of lots and debts beneath their commands.

use proto_events::events::*;
use proto_events::{CommandId, Event, Producer, RefundId};

use crate::world::*;

/// A refund of the payer's last payment, of this many credits, as it is opened.
fn refund(world: &World, n: i64) -> RefundOpened {
    let payment = world.payment();
    RefundOpened {
        refund: RefundId::derive(world.id, Producer::Console, &CommandId::new("r").unwrap()),
        payment: payment.payment,
        amount: payment.price,
        credits: credits(n),
        by: RefundBy::Provider,
        reason: text("chargeback"),
    }
}

fn revoked(refund: &RefundOpened, taken: Vec<ConsumedPart>) -> CreditsRevoked {
    CreditsRevoked {
        taken,
        reason: RevokeReason::Chargeback,
        payment: Some(refund.payment),
        refund: Some(refund.refund),
    }
}

/// All of the payer's 100 credits are taken back, 10 of which are reserved.
fn reserved_and_refunded() -> (World, RefundOpened) {
    let world = payer().did(picture());
    let world = world.clone().did(world.claim(1));
    let refund = refund(&world, 100);
    let revoked = revoked(&refund, vec![consumed(4, 90, Some(9_000))]);
    let world = world.happened(refund.clone()).happened(revoked);
    assert_eq!(ledger_domain::check(&world.state), Ok(()));
    (world, refund)
}

/// 30 credits were spent before the chargeback of all of them.
pub fn indebted() -> World {
    let mut world = payer();
    for _ in 0..3 {
        world = world.did(picture());
        let claim = world.claim(1);
        world = world.did(claim);
        let complete = world.complete(1);
        world = world.did(complete);
    }
    let refund = refund(&world, 100);
    let revoked = revoked(&refund, vec![consumed(4, 70, Some(7_000))]);
    let debt = DebtIncurred { credits: credits(30), payment: refund.payment, refund: refund.refund };
    let world = world.happened(refund).happened(revoked).happened(debt);
    assert_eq!(ledger_domain::check(&world.state), Ok(()));
    assert_eq!(world.balance(), (0, 0, 30));
    world
}

#[test]
fn credits_that_were_refunded_while_reserved_are_revoked_when_they_come_back() {
    let (world, refund) = reserved_and_refunded();
    assert_eq!(world.balance(), (0, 10, 0));
    let events = world.when(world.fail(1)).unwrap();
    assert_eq!(
        types(&events),
        ["GenerationAttempted", "ReservationReleased", "CreditsRevoked", "GenerationFailed"]
    );
    assert_eq!(events[2], revoked(&refund, vec![consumed(4, 10, Some(1_000))]).into());
    assert_eq!(world.clone().did(world.fail(1)).balance(), (0, 0, 0));
}

#[test]
fn credits_that_were_refunded_while_reserved_are_owed_when_they_are_charged() {
    let (world, refund) = reserved_and_refunded();
    let events = world.when(world.complete(1)).unwrap();
    assert_eq!(types(&events), ["ReservationCommitted", "DebtIncurred", "GenerationSucceeded"]);
    let owed = DebtIncurred { credits: credits(10), payment: refund.payment, refund: refund.refund };
    assert_eq!(events[1], owed.into());
    assert_eq!(world.clone().did(world.complete(1)).balance(), (0, 0, 10));
}

#[test]
fn a_refund_that_failed_leaves_reserved_credits_alone() {
    let (world, refund) = reserved_and_refunded();
    let world = world.happened(RefundFailed { refund: refund.refund, reason: text("declined") });
    let events = world.when(world.fail(1)).unwrap();
    assert_eq!(types(&events), ["GenerationAttempted", "ReservationReleased", "GenerationFailed"]);
}

#[test]
fn a_payment_pays_the_debt_first() {
    let world = indebted().did(topup("rub-100", proto_events::Rail::Yookassa));
    let mut settle = world.settle();
    settle.provider_payment_id = text("y-2");
    let events = world.when(settle.clone()).unwrap();
    let [Event::PaymentSettled(_), Event::CreditsGranted(granted), Event::DebtPaid(paid)] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((paid.credits.get(), paid.by), (30, DebtPayer::Lots));
    assert_eq!(paid.taken, [consumed(granted.lot.get(), 30, Some(3_000))]);
    assert_eq!(world.did(settle).balance(), (70, 0, 0));
}

#[test]
fn a_compensation_pays_the_debt_and_may_not_be_enough() {
    let world = indebted();
    let events = world.when(world.lost()).unwrap();
    assert_eq!(types(&events), ["DeliveryFailed", "CreditsGranted", "DebtPaid"]);
    let world = world.clone().did(world.lost());
    assert_eq!(world.balance(), (0, 0, 20));
    assert_eq!(world.refusal(words()).details(), serde_json::json!({"have": 0, "need": 1}));
}

#[test]
fn credits_that_come_back_pay_the_debt_first() {
    // 5 free credits are reserved beside the paid ones; then the payment is charged back.
    let mut world = payer().granted(5, None);
    world.catalog.as_mut().unwrap().catalog.models[0].kinds[0].credits = credits(5);
    let world = world.did(words());
    let generation = world.generation();
    let refund = refund(&world, 100);
    let world = world
        .happened(refund.clone())
        .happened(revoked(&refund, vec![consumed(4, 100, Some(10_000))]))
        .happened(DebtIncurred { credits: credits(3), payment: refund.payment, refund: refund.refund });
    assert_eq!(world.balance(), (0, 5, 3));
    let events = world.when(world.fail(0)).unwrap();
    assert_eq!(types(&events), ["ReservationReleased", "DebtPaid", "GenerationFailed"]);
    let world = world.clone().did(world.fail(0));
    assert_eq!((world.balance(), world.generation()), ((2, 0, 0), generation));
}
