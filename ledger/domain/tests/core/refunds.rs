//! Refunds by their commands; `debts.rs` has what follows from them later.

use std::collections::BTreeMap;

use ledger_domain::Asset;
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{Event, Producer, Rail, RefundId, SomeMoney};

use crate::books::trial;
use crate::world::*;

fn some_rub(kopecks: i64) -> SomeMoney {
    SomeMoney::new(kopecks, proto_events::Currency::Rub).unwrap()
}

/// A refund of the payment opened last.
pub fn refund(world: &World, kopecks: i64) -> RefundOpen {
    let PaymentOpened { payment, rail, .. } = world.payment();
    RefundOpen {
        payment,
        rail,
        amount: some_rub(kopecks),
        reason: text("asked for"),
        provider_refund_id: None,
        refunded_at: None,
        version: None,
    }
}

/// The refund opened last.
fn opened(world: &World) -> RefundOpened {
    let opened = |e: &Event| match e {
        Event::RefundOpened(e) => Some(e.clone()),
        _ => None,
    };
    world.log.iter().rev().find_map(opened).expect("a refund")
}

pub fn settled(world: &World) -> RefundSettle {
    let RefundOpened { refund, amount, .. } = opened(world);
    RefundSettle { refund, rail: Rail::Yookassa, provider_refund_id: text("rf-1"), amount, refunded_at: None }
}

pub fn failed(world: &World) -> RefundFail {
    RefundFail { refund: opened(world).refund, rail: Rail::Yookassa, reason: text("declined") }
}

/// One more picture, made and charged.
pub fn spent_ten(world: World) -> World {
    let world = world.did(picture());
    let world = world.clone().did(world.claim(1));
    world.clone().did(world.complete(1))
}

fn rub_of(world: &World) -> BTreeMap<String, i64> {
    let sums = trial(&world.log).into_iter();
    sums.filter(|((_, asset), _)| *asset == Asset::Rub).map(|((account, _), sum)| (account, sum)).collect()
}

fn books(lines: &[(&str, i64)]) -> BTreeMap<String, i64> {
    lines.iter().map(|(account, sum)| ((*account).to_owned(), *sum)).collect()
}

#[test]
fn a_refund_takes_back_what_is_left_and_what_is_spent_is_owed() {
    let world = spent_ten(payer());
    let events = world.when(refund(&world, 10_000)).unwrap();
    assert_eq!(types(&events), ["RefundOpened", "CreditsRevoked", "DebtIncurred"]);
    let world = world.clone().did(refund(&world, 10_000));
    assert_eq!(world.balance(), (0, 0, 10));
    assert_eq!(opened(&world).credits.get(), 100);
    let world = world.clone().did(settled(&world));
    assert_eq!(rub_of(&world), books(&[("refunds", 1_000), ("revenue", -1_000)]));
}

#[test]
fn a_refund_takes_what_is_reserved_when_it_comes_back_or_is_charged() {
    let world = payer().did(picture());
    let world = world.clone().did(world.claim(1));
    let world = world.clone().did(refund(&world, 10_000));
    assert_eq!(world.balance(), (0, 10, 0));
    assert_eq!(world.clone().did(world.fail(1)).balance(), (0, 0, 0));
    assert_eq!(world.clone().did(world.complete(1)).balance(), (0, 0, 10));
    // Charged in part: so much is owed, the rest is revoked.
    let part = GenerationComplete { charge: Some(crate::grants::some(4)), ..world.complete(1) };
    let events = world.when(part.clone()).unwrap();
    assert_eq!(
        types(&events),
        ["ReservationCommitted", "CreditsRevoked", "DebtIncurred", "GenerationSucceeded"]
    );
    assert_eq!(world.did(part).balance(), (0, 0, 4));
}

#[test]
fn other_credits_pay_the_debt_of_a_refund_at_once() {
    let world = spent_ten(payer()).did(crate::grants::give(25));
    let events = world.when(refund(&world, 10_000)).unwrap();
    // Ten of the gift went into the picture? No: it came later.
    assert_eq!(types(&events), ["RefundOpened", "CreditsRevoked", "DebtIncurred", "DebtPaid"]);
    assert_eq!(world.clone().did(refund(&world, 10_000)).balance(), (15, 0, 0));
}

#[test]
fn partial_refunds_take_credits_by_floors_of_the_whole() {
    let world = payer();
    let mut taken = Vec::new();
    let mut world = world;
    for kopecks in [3_333, 3_333, 3_334] {
        world.act(refund(&world.clone(), kopecks)).unwrap();
        taken.push(opened(&world).credits.get());
    }
    assert_eq!(taken, [33, 33, 34]);
    assert_eq!(world.balance(), (0, 0, 0));
    assert_eq!(world.refusal(refund(&world, 1)).code(), "refund_exceeds_payment");
}

#[test]
fn a_partial_refund_takes_what_is_left_before_it_makes_a_debt() {
    let world = spent_ten(payer());
    let world = world.clone().did(refund(&world, 5_000));
    assert_eq!(world.balance(), (40, 0, 0));
    let world = world.clone().did(refund(&world, 5_000));
    assert_eq!(world.balance(), (0, 0, 10));
}

#[test]
fn two_refunds_wait_for_the_same_reserved_credits_and_owe_no_more_than_was_charged() {
    let world = payer().did(picture());
    let world = world.clone().did(world.claim(1));
    let world = world.clone().did(refund(&world, 9_500));
    let world = world.clone().did(refund(&world, 500));
    assert_eq!(world.balance(), (0, 10, 0));
    assert_eq!(world.clone().did(world.complete(1)).balance(), (0, 0, 10));
    assert_eq!(world.clone().did(world.fail(1)).balance(), (0, 0, 0));
    let part = GenerationComplete { charge: Some(crate::grants::some(7)), ..world.complete(1) };
    assert_eq!(world.did(part).balance(), (0, 0, 7));
}

#[test]
fn a_failed_refund_gives_back_what_it_took_with_its_money() {
    let world = spent_ten(payer());
    let world = world.clone().did(refund(&world, 10_000));
    assert_eq!(rub_of(&world)["refunds"], -9_000);
    let events = world.when(failed(&world)).unwrap();
    assert_eq!(types(&events), ["RefundFailed", "DebtPaid", "CreditsGranted"]);
    let Event::CreditsGranted(lot) = &events[2] else { panic!("{events:?}") };
    assert_eq!((lot.credits.get(), lot.price, lot.source), (90, Some(rub(9_000)), LotSource::Purchase));
    assert_eq!((lot.payment, lot.restores), (Some(world.payment().payment), Some(opened(&world).refund)));
    assert!(matches!(&events[1], Event::DebtPaid(e) if e.by == DebtPayer::Undone && e.credits.get() == 10));
    let world = world.clone().did(failed(&world));
    assert_eq!(world.balance(), (90, 0, 0));
    assert_eq!(
        rub_of(&world),
        books(&[("clearing:yookassa", 10_000), ("deferred", -9_000), ("revenue", -1_000)])
    );
    // As if nothing had been: it may be refunded again, and what it earned stays.
    let world = world.clone().did(refund(&world, 10_000));
    assert_eq!(world.balance(), (0, 0, 10));
}

#[test]
fn a_failed_refund_whose_debt_was_paid_gives_those_credits_back_too() {
    let world = spent_ten(payer());
    let world = world.clone().did(refund(&world, 10_000)).did(crate::grants::give(30));
    assert_eq!(world.balance(), (20, 0, 0));
    let events = world.when(failed(&world)).unwrap();
    assert_eq!(types(&events), ["RefundFailed", "CreditsGranted"]);
    assert_eq!(world.clone().did(failed(&world)).balance(), (120, 0, 0));
}

#[test]
fn a_forgiven_debt_does_not_come_back_as_credits() {
    let world = spent_ten(payer());
    let world = world.clone().did(refund(&world, 10_000));
    let forgive = DebtForgive { credits: crate::grants::some(10), reason: text("goodwill") };
    let world = world.did(forgive);
    assert_eq!(world.clone().did(failed(&world)).balance(), (90, 0, 0));
}

#[test]
fn credits_that_expired_unspent_make_no_debt() {
    let mut world = nobody();
    world.welcome_spent = true;
    let lifetimes = &mut world.catalog.as_mut().unwrap().catalog.lifetimes;
    lifetimes.purchase_days = Some(proto_events::Days::new(1).unwrap());
    let world = spent_ten(world.did(open_account()).paid("rub-100")).later(86_400);
    let lot = proto_events::LotId::new(4).unwrap();
    let world = world.did(LotsExpire { lot });
    let world = world.clone().did(refund(&world, 10_000));
    assert_eq!((opened(&world).credits.get(), world.balance()), (10, (0, 0, 10)));
}

#[test]
fn a_chargeback_is_known_by_who_brings_it() {
    let mut world = payer();
    let by = |world: &World| match &world.when(refund(world, 1)).unwrap()[..] {
        [Event::RefundOpened(e), ..] => e.by,
        other => panic!("{other:?}"),
    };
    world.producer = Producer::Payments;
    assert_eq!(by(&world), RefundBy::Provider);
    world.producer = Producer::Console;
    assert_eq!(by(&world), RefundBy::Operator);
}

#[test]
fn stars_are_given_back_whole() {
    let world = person().did(topup("xtr-100", Rail::Stars));
    let world = world.clone().did(world.settle());
    let amount = |n| SomeMoney::new(n, proto_events::Currency::Xtr).unwrap();
    let part = RefundOpen { amount: amount(1), ..refund(&world, 1) };
    assert_eq!(world.refusal(part.clone()).code(), "refund_not_whole");
    assert!(world.when(RefundOpen { amount: amount(75), ..part }).is_ok());
    assert_eq!(world.refusal(refund(&world, 1)).code(), "refund_exceeds_payment", "other money");
}

#[test]
fn a_banned_person_is_refunded_and_paid_all_the_same() {
    let world = payer().did(topup("rub-100", Rail::Yookassa)).did(AccountBan { reason: text("fraud") });
    let settle = PaymentSettle { provider_payment_id: text("y-2"), ..world.settle() };
    let world = world.did(settle);
    assert_eq!(world.balance(), (200, 0, 0));
    let world = world.clone().did(refund(&world, 10_000));
    assert_eq!(world.balance(), (100, 0, 0));
}

#[test]
fn the_answer_to_a_refund_names_it() {
    let world = payer();
    let events = world.when(refund(&world, 5_000)).unwrap();
    let Event::RefundOpened(RefundOpened { refund, .. }) = &events[0] else { panic!("{events:?}") };
    let refund: RefundId = *refund;
    assert_eq!(
        ledger_domain::result(&events),
        serde_json::json!({"refund": refund, "amount": rub(5_000), "credits": 50})
    );
}

#[test]
fn what_the_provider_has_given_back_already_is_settled_at_once() {
    let mut world = payer();
    world.producer = Producer::Payments;
    let mut theirs = refund(&world, 5_000);
    theirs.provider_refund_id = Some(text("rf-7"));
    let events = world.when(theirs.clone()).unwrap();
    assert_eq!(types(&events), ["RefundOpened", "CreditsRevoked", "RefundSettled"]);
    let (Event::RefundOpened(opened), Event::RefundSettled(settled)) = (&events[0], &events[2]) else {
        panic!("{events:?}")
    };
    assert_eq!((opened.by, opened.refund), (RefundBy::Provider, settled.refund));
    assert_eq!((settled.amount, settled.provider_refund_id.as_str()), (rub(5_000), "rf-7"));
    let mut world = world.did(theirs.clone());
    assert_eq!(world.balance(), (50, 0, 0));
    world.refund_id_owner = Some(settled.refund);
    assert_eq!(world.refusal(theirs).code(), "refund_id_taken");
}
