use proto_events::Event;
use proto_events::events::*;

use crate::world::*;

fn made() -> World {
    let world = payer().did(picture());
    let world = world.clone().did(world.claim(1));
    world.clone().did(world.complete(1))
}

#[test]
fn a_result_is_delivered_once() {
    let world = made();
    assert_eq!(types(&world.when(world.confirm()).unwrap()), ["GenerationDelivered"]);
    let world = world.clone().did(world.confirm());
    for again in [world.when(world.confirm()), world.when(world.lost()), world.when(world.blocked())] {
        assert_eq!(again.unwrap_err().code(), "generation_delivered");
    }
}

#[test]
fn a_delivery_that_failed_may_be_tried_again() {
    let world = made();
    let mut last = world.blocked();
    let world = world.clone().did(world.blocked());
    last.r#final = true;
    let events = world.when(last.clone()).unwrap();
    assert!(
        matches!(&events[..], [Event::DeliveryFailed(e)] if e.r#final && e.reason == DeliveryTrouble::Blocked)
    );
    let world = world.did(last);
    assert_eq!(world.balance(), (90, 0, 0));
    assert!(world.when(world.confirm()).is_ok(), "the person came back");
}

#[test]
fn lost_bytes_bring_the_credits_back_once() {
    let world = made();
    let events = world.when(world.lost()).unwrap();
    let [Event::DeliveryFailed(failed), Event::CreditsGranted(granted)] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(failed.r#final, "there is nothing left to deliver");
    assert_eq!((granted.source, granted.credits.get()), (LotSource::Compensation, 10));
    assert_eq!((granted.price, granted.payment), (None, None));
    let world = world.clone().did(world.lost());
    assert_eq!(world.balance(), (100, 0, 0));
    for again in [world.when(world.lost()), world.when(world.confirm())] {
        assert_eq!(again.unwrap_err().code(), "generation_delivered");
    }
}

#[test]
fn a_picture_that_telegram_refuses_for_good_brings_the_credits_back_once() {
    let world = made();
    let perhaps = proto_events::commands::DeliveryFail { r#final: false, ..world.refused() };
    assert_eq!(types(&world.when(perhaps.clone()).unwrap()), ["DeliveryFailed"]);
    let world = world.did(perhaps);
    assert_eq!(world.balance(), (90, 0, 0), "another try may bring it");
    let events = world.when(world.refused()).unwrap();
    let [Event::DeliveryFailed(failed), Event::CreditsGranted(granted)] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(failed.r#final && failed.reason == DeliveryTrouble::Refused);
    assert_eq!((granted.source, granted.credits.get()), (LotSource::Compensation, 10));
    let world = world.clone().did(world.refused());
    assert_eq!(world.balance(), (100, 0, 0));
    for again in [world.when(world.refused()), world.when(world.lost()), world.when(world.confirm())] {
        assert_eq!(again.unwrap_err().code(), "generation_delivered");
    }
}

#[test]
fn lost_bytes_of_a_gift_bring_nothing_back() {
    let world = person().granted(5, None).did(picture());
    let world = world.clone().did(world.claim(1)).past_deadline();
    let world = world.clone().did(world.expire());
    let late = world.complete(1);
    let mut world = world.did(words());
    assert_eq!(world.balance(), (9, 1, 0));
    let generation = late.generation;
    world.act(late).unwrap();
    let lost = proto_events::commands::DeliveryFail { generation, ..world.lost() };
    assert_eq!(types(&world.when(lost).unwrap()), ["DeliveryFailed"]);
}

#[test]
fn what_is_not_made_is_not_delivered() {
    let world = payer().did(picture());
    for early in [world.when(world.confirm()), world.when(world.blocked())] {
        assert_eq!(early.unwrap_err().code(), "generation_not_succeeded");
    }
}
