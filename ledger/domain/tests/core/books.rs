use std::collections::BTreeMap;

use ledger_domain::{Asset, effect, postings};
use proto_events::events::*;
use proto_events::{CommandId, Event, Producer, Rail, RefundId, ReservationId};

use crate::world::*;

/// (account, asset) → sum of postings.
pub fn trial(events: &[Event]) -> BTreeMap<(String, Asset), i64> {
    let mut sums = BTreeMap::new();
    for posting in events.iter().flat_map(postings) {
        assert_ne!(posting.amount, 0);
        *sums.entry((posting.account.into_owned(), posting.asset)).or_default() += posting.amount;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// Account, asset, sum.
type Line = (String, &'static str, i64);

fn of(events: &[Event]) -> Vec<Line> {
    trial(events).into_iter().map(|((account, asset), sum)| (account, asset.code(), sum)).collect()
}

fn line(account: &str, asset: &'static str, sum: i64) -> Line {
    (account.to_owned(), asset, sum)
}

/// One event of every type that moves something, with made-up numbers.
fn one_of_each() -> Vec<(Event, Vec<Line>)> {
    let world = payer();
    let id = CommandId::new("x").unwrap();
    let refund = RefundId::derive(world.id, Producer::Console, &id);
    let payment = world.payment().payment;
    let generation = proto_events::GenerationId::derive(world.id, Producer::Telegram, &id);
    let reservation = ReservationId::of(generation);
    let (charged, returned) = (vec![consumed(2, 6, Some(600)), consumed(3, 1, None)], vec![part(2, 3)]);
    let mut lot = grant(proto_events::LotId::new(2).unwrap(), 100, None);
    (lot.source, lot.price) = (LotSource::Purchase, Some(rub(10_000)));
    let revoked =
        CreditsRevoked { taken: charged.clone(), reason: RevokeReason::Refund, payment: None, refund: None };
    let (available, reserved) = ("customer:available", "customer:reserved");
    vec![
        (lot.into(), vec![line(available, "CREDIT", -100), line("issued:purchase", "CREDIT", 100)]),
        (
            CreditsReserved {
                reservation,
                generation,
                credits: credits(10),
                taken: vec![part(2, 10)],
                deadline: world.now,
            }
            .into(),
            vec![line(available, "CREDIT", 10), line(reserved, "CREDIT", -10)],
        ),
        (
            ReservationCommitted { reservation, charged: charged.clone(), returned: returned.clone() }.into(),
            vec![
                line("consumed", "CREDIT", -7),
                line(available, "CREDIT", -3),
                line(reserved, "CREDIT", 10),
                line("deferred", "RUB", 600),
                line("revenue", "RUB", -600),
            ],
        ),
        (
            ReservationReleased { reservation, returned: returned.clone(), reason: ReleaseReason::Failed }
                .into(),
            vec![line(available, "CREDIT", -3), line(reserved, "CREDIT", 3)],
        ),
        (
            ReservationExpired { reservation, returned }.into(),
            vec![line(available, "CREDIT", -3), line(reserved, "CREDIT", 3)],
        ),
        (
            revoked.clone().into(),
            vec![
                line(available, "CREDIT", 7),
                line("deferred", "RUB", 600),
                line("refunds", "RUB", -600),
                line("revoked", "CREDIT", -7),
            ],
        ),
        (
            CreditsRevoked { reason: RevokeReason::Erasure, ..revoked }.into(),
            vec![
                line("breakage", "RUB", -600),
                line(available, "CREDIT", 7),
                line("deferred", "RUB", 600),
                line("revoked", "CREDIT", -7),
            ],
        ),
        (
            CreditsExpired {
                lot: proto_events::LotId::new(2).unwrap(),
                credits: credits(4),
                revenue: Some(rub(400)),
            }
            .into(),
            vec![
                line("breakage", "RUB", -400),
                line(available, "CREDIT", 4),
                line("deferred", "RUB", 400),
                line("expired", "CREDIT", -4),
            ],
        ),
        (
            DebtIncurred { credits: credits(30), payment, refund }.into(),
            vec![line("customer:debt", "CREDIT", 30), line("owed", "CREDIT", -30)],
        ),
        (
            DebtPaid { credits: credits(7), taken: charged, by: DebtPayer::Lots }.into(),
            vec![
                line("consumed", "CREDIT", -7),
                line(available, "CREDIT", 7),
                line("customer:debt", "CREDIT", -7),
                line("deferred", "RUB", 600),
                line("owed", "CREDIT", 7),
                line("revenue", "RUB", -600),
            ],
        ),
        (
            RefundSettled {
                refund,
                rail: Rail::Yookassa,
                provider_refund_id: text("r"),
                amount: rub(500),
                refunded_at: None,
            }
            .into(),
            vec![line("clearing:yookassa", "RUB", -500), line("refunds", "RUB", 500)],
        ),
    ]
}

#[test]
fn every_event_is_posted_as_the_contract_says() {
    for (event, expected) in one_of_each() {
        assert_eq!(of(std::slice::from_ref(&event)), expected, "{event:?}");
    }
}

#[test]
fn an_events_effect_is_what_its_postings_say_of_the_customer() {
    for (event, _) in one_of_each() {
        let sums = trial(std::slice::from_ref(&event));
        let sum = |account: &str| sums.get(&(account.to_owned(), Asset::Credit)).copied().unwrap_or(0);
        let e = effect(&event);
        // Available and reserved are what we owe the person, debt is what the person owes us.
        assert_eq!(
            (e.available, e.reserved),
            (-sum("customer:available"), -sum("customer:reserved")),
            "{event:?}"
        );
        assert_eq!(e.debt, sum("customer:debt"), "{event:?}");
    }
}

#[test]
fn a_settled_payment_is_deferred_and_its_fee_an_expense() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    let mut settle = world.settle();
    settle.net = Some(rub(9_650));
    let events = world.when(settle).unwrap();
    assert_eq!(
        of(&events),
        [
            line("clearing:yookassa", "RUB", 9_650),
            line("customer:available", "CREDIT", -100),
            line("deferred", "RUB", -10_000),
            line("fees", "RUB", 350),
            line("issued:purchase", "CREDIT", 100),
        ]
    );
}

#[test]
fn stars_are_booked_in_stars() {
    let mut world = person();
    let catalog = &world.catalog.as_ref().unwrap().catalog;
    let stars = catalog.packages.iter().find(|p| p.rails.contains(&Rail::Stars)).unwrap().id.clone();
    world.act(topup(&stars, Rail::Stars)).unwrap();
    let events = world.when(world.settle()).unwrap();
    let price = world.payment().price.minor();
    let sums = trial(&events);
    assert_eq!(sums.get(&("clearing:stars".to_owned(), Asset::Xtr)), Some(&price));
    assert_eq!(sums.get(&("deferred".to_owned(), Asset::Xtr)), Some(&-price));
}

#[test]
fn events_of_no_consequence_have_no_postings() {
    let world = person().did(words());
    for event in &world.log {
        if matches!(event, Event::GenerationRequested(_) | Event::AccountOpened(_)) {
            assert!(postings(event).is_empty());
        }
    }
}
