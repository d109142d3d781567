use ledger_domain::result;
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{Currency, Event, Money, PaymentId, Rail};
use serde_json::json;

use crate::world::*;

#[test]
fn a_topup_is_opened_at_the_price_of_the_catalog() {
    let world = person();
    let events = world.when(topup("rub-100", Rail::Yookassa)).unwrap();
    let [Event::PaymentOpened(opened)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((opened.credits.get(), opened.price, opened.catalog_version), (100, rub(10_000), 1));
    let ms = i64::from(world.catalog.as_ref().unwrap().catalog.limits.payment_ms);
    assert_eq!(opened.expires_at, world.now.plus_ms(ms));
    assert_eq!(opened.payment.account(), world.id);
    assert_eq!(
        result(&events),
        json!({"payment": opened.payment, "rail": "yookassa", "credits": 100, "price": {"amount": 10_000, "currency": "RUB"}})
    );
}

#[test]
fn a_settled_payment_becomes_a_paid_lot() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    let world = world.clone().did(world.register());
    let mut settle = world.settle();
    settle.net = Some(rub(9_650));
    let events = world.when(settle.clone()).unwrap();
    let [Event::PaymentSettled(settled), Event::CreditsGranted(granted)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((settled.amount, settled.net, settled.test), (rub(10_000), Some(rub(9_650)), false));
    assert_eq!((granted.lot.get(), granted.source), (world.state.version() + 2, LotSource::Purchase));
    assert_eq!((granted.credits.get(), granted.price), (100, Some(rub(10_000))));
    assert_eq!(granted.payment, Some(world.payment().payment));
    assert_eq!(world.did(settle).balance(), (105, 0, 0));
}

#[test]
fn money_that_the_provider_has_is_credited_without_a_registration_too() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    assert_eq!(world.clone().did(world.settle()).balance(), (105, 0, 0));
}

#[test]
fn money_that_the_provider_has_is_credited_after_a_cancellation_too() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    let world = world.clone().did(world.register());
    let world = world.clone().did(world.cancel());
    let mut other = world.settle();
    other.provider_payment_id = text("y-2");
    assert_eq!(world.refusal(other).code(), "provider_id_differs");
    let world = world.clone().did(world.settle());
    assert_eq!(world.balance(), (105, 0, 0));
    assert_eq!(world.refusal(world.settle()).code(), "payment_settled");
}

#[test]
fn money_is_credited_though_the_account_is_banned() {
    let world =
        person().did(topup("rub-100", Rail::Yookassa)).happened(AccountBanned { reason: text("spam") });
    assert_eq!(world.clone().did(world.settle()).balance(), (105, 0, 0));
}

#[test]
fn the_same_provider_id_may_register_and_settle_its_own_payment() {
    let mut world = person().did(topup("rub-100", Rail::Yookassa));
    world.provider_id_owner = Some(world.payment().payment);
    assert!(world.when(world.register()).is_ok());
    assert!(world.when(world.settle()).is_ok());
}

#[test]
fn an_amount_is_the_price_to_the_kopeck_and_in_its_currency() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    for amount in [rub(9_999), rub(10_001), rub(0), Money::new(10_000, Currency::Xtr).unwrap()] {
        let mut settle = world.settle();
        settle.amount = amount;
        let refusal = world.refusal(settle);
        assert_eq!(refusal.code(), "amount_differs");
        assert_eq!(refusal.details(), json!({"expected": rub(10_000), "found": amount}));
    }
}

#[test]
fn a_net_that_the_books_could_not_take_is_refused() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    for net in [rub(10_001), Money::new(1, Currency::Xtr).unwrap()] {
        let mut settle = world.settle();
        settle.net = Some(net);
        assert_eq!(world.refusal(settle).code(), "amount_differs");
    }
}

#[test]
fn only_topups_that_can_still_be_paid_count_as_open() {
    let mut world = person();
    let max = world.catalog.as_ref().unwrap().catalog.limits.payments_open_max;
    for _ in 0..max {
        world = world.did(topup("rub-100", Rail::Yookassa));
    }
    assert_eq!(world.refusal(topup("rub-100", Rail::Yookassa)).details(), json!({"max": max}));
    let canceled = world.clone().did(world.cancel());
    assert!(canceled.when(topup("rub-100", Rail::Yookassa)).is_ok());
    let settled = world.clone().did(world.settle());
    assert!(settled.when(topup("rub-100", Rail::Yookassa)).is_ok());
    let ms = i64::from(world.catalog.as_ref().unwrap().catalog.limits.payment_ms);
    assert!(world.later(ms / 1000).when(topup("rub-100", Rail::Yookassa)).is_ok());
}

#[test]
fn a_payment_of_another_account_is_not_found() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    let mut settle = world.settle();
    let stranger = "b0000000-0000-4000-8000-00000000000b".parse().unwrap();
    let command = proto_events::CommandId::new("c:1").unwrap();
    settle.payment = PaymentId::derive(stranger, proto_events::Producer::Telegram, &command);
    assert_eq!(world.refusal(settle).code(), "payment_not_found");
}

#[test]
fn an_invoice_that_is_paid_once_more_is_credited_once_more_as_a_payment_of_its_own() {
    for (package, rail) in [("xtr-100", Rail::Stars), ("rub-100", Rail::TelegramYookassa)] {
        let world = person().did(topup(package, rail));
        let (first, settle) = (world.payment(), world.settle());
        let world = world.did(settle.clone());
        assert_eq!(world.refusal(settle.clone()).code(), "payment_settled");
        let again = PaymentSettle { provider_payment_id: text("charge-2"), ..settle };
        let events = world.when(again.clone()).unwrap();
        assert_eq!(types(&events), ["PaymentOpened", "PaymentSettled", "CreditsGranted"]);
        let world = world.did(again.clone());
        let second = world.payment();
        assert_eq!(second.again_of, Some(first.payment));
        assert_eq!(
            (second.package, second.price, second.credits),
            (first.package, first.price, first.credits)
        );
        assert_ne!(second.payment, first.payment);
        assert_eq!(world.balance(), (205, 0, 0));
        let mut wrong = again;
        wrong.amount = Money::new(first.price.minor() + 1, first.price.currency).unwrap();
        wrong.provider_payment_id = text("charge-3");
        assert_eq!(world.refusal(wrong).code(), "amount_differs");
    }
}

#[test]
fn a_fee_that_is_learned_later_goes_into_the_books_once() {
    let world = person().paid("rub-100");
    let PaymentOpened { payment, rail, .. } = world.payment();
    let fee = PaymentFee { payment, rail, provider_payment_id: text("y-1"), net: rub(9_650) };
    let events = world.when(fee.clone()).unwrap();
    let [Event::PaymentFeeRecorded(recorded)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(recorded.fee, rub(350));
    let lines: Vec<_> =
        ledger_domain::postings(&events[0]).into_iter().map(|p| (p.account.into_owned(), p.amount)).collect();
    assert_eq!(lines, [("fees".to_owned(), 350), ("clearing:yookassa".to_owned(), -350)]);
    assert_eq!(world.did(fee.clone()).refusal(fee).code(), "fee_known");
}
