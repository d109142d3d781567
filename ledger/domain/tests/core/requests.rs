use ledger_domain::result;
use proto_events::{Event, ReservationId};
use serde_json::json;

use crate::world::*;

#[test]
fn a_request_reserves_its_price() {
    let world = payer();
    let mut ask = picture();
    ask.references = vec![text("f1"), text("f2")];
    ask.aspect_ratio = Some(text("16:9"));
    let events = world.when(ask.clone()).unwrap();
    let [Event::GenerationRequested(requested), Event::CreditsReserved(reserved)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((requested.credits.get(), requested.references, requested.catalog_version), (10, 2, 1));
    assert_eq!((requested.model.as_str(), requested.size.clone()), ("gemini-nano-banana-2.1", None));
    assert_eq!(requested.aspect_ratio.as_deref(), Some("16:9"));
    assert_eq!(reserved.reservation, ReservationId::of(requested.generation));
    assert_eq!((reserved.credits.get(), reserved.generation), (10, requested.generation));
    let ms = i64::from(world.catalog.as_ref().unwrap().catalog.limits.reservation_ms);
    assert_eq!(reserved.deadline, world.now.plus_ms(ms));
    assert_eq!(result(&events), json!({"generation": requested.generation, "credits": 10}));
    assert_eq!(world.did(ask).balance(), (90, 10, 0));
}

#[test]
fn a_larger_size_costs_more_and_none_is_the_first() {
    let world = payer();
    let mut ask = picture();
    let price = |events: &[Event]| match &events[0] {
        Event::GenerationRequested(e) => e.credits.get(),
        other => panic!("{other:?}"),
    };
    for (size, credits) in [(None, 10), (Some("1K"), 10), (Some("2K"), 15), (Some("4K"), 30)] {
        ask.size = size.map(text);
        assert_eq!(price(&world.when(ask.clone()).unwrap()), credits, "{size:?}");
    }
    let mut dearer_first = world.clone();
    dearer_first.catalog.as_mut().unwrap().catalog.models[1].sizes.reverse();
    ask.size = None;
    assert_eq!(price(&dearer_first.when(ask).unwrap()), 30);
}

#[test]
fn what_a_model_can_not_do_is_refused_with_what_it_can() {
    let world = payer();
    let refusal = |ask: proto_events::commands::GenerationRequest| world.refusal(ask);
    let mut ask = picture();
    ask.model = Some(text("gemini-3.8-flash"));
    let made = refusal(ask);
    assert_eq!((made.code(), &made.details()["what"]), ("ability_missing", &json!("kind")));
    let mut ask = picture();
    ask.size = Some(text("8K"));
    let made = refusal(ask);
    assert_eq!(made.details(), json!({"what": "size", "offered": ["1K", "2K", "4K"]}));
    let mut ask = picture();
    ask.aspect_ratio = Some(text("7:1"));
    assert_eq!(refusal(ask).details()["what"], "aspect_ratio");
    let mut ask = words();
    ask.size = Some(text("1K"));
    assert_eq!(refusal(ask).details(), json!({"what": "size", "offered": []}));
    let mut ask = words();
    ask.aspect_ratio = Some(text("1:1"));
    assert_eq!(refusal(ask).code(), "ability_missing");
}

#[test]
fn a_prompt_is_measured_in_characters_and_blanks_are_none() {
    let mut world = payer();
    world.catalog.as_mut().unwrap().catalog.limits.prompt_chars_max = 4;
    let mut ask = words();
    ask.prompt = text("банан");
    assert_eq!(world.refusal(ask.clone()).details(), json!({"max": 4, "length": 5}));
    ask.prompt = text("жёлт");
    assert!(world.when(ask.clone()).is_ok());
    for blank in ["", " ", "\n\t\u{2003}"] {
        ask.prompt = text(blank);
        assert_eq!(world.refusal(ask.clone()).code(), "prompt_empty");
    }
}

#[test]
fn insufficient_credits_say_how_many_are_missing() {
    let refusal = person().refusal(picture());
    assert_eq!((refusal.code(), refusal.details()), ("insufficient_credits", json!({"have": 5, "need": 10})));
    assert_eq!(refusal.to_string(), "not enough credits: 10 are needed, 5 are there");
}

#[test]
fn reserved_credits_are_not_there_for_another_request() {
    let mut world = payer();
    world.catalog.as_mut().unwrap().catalog.limits.running_per_person_max = 200;
    for _ in 0..10 {
        world = world.did(picture());
    }
    assert_eq!(world.balance(), (0, 100, 0));
    assert_eq!(world.refusal(words()).details(), json!({"have": 0, "need": 1}));
}

#[test]
fn only_open_requests_count_as_running() {
    let mut world = payer();
    world.catalog.as_mut().unwrap().catalog.limits.running_per_person_max = 1;
    let world = world.did(picture());
    assert_eq!(world.refusal(picture()).code(), "too_many_running");
    let failed = world.clone().did(world.fail(0));
    assert!(failed.when(picture()).is_ok());
    let world = world.clone().did(world.claim(1));
    let made = world.clone().did(world.complete(1));
    assert!(made.when(picture()).is_ok());
}

#[test]
fn without_a_catalog_nothing_is_sold() {
    let mut world = payer();
    world.catalog = None;
    assert_eq!(world.refusal(picture()).code(), "kind_unknown");
    assert_eq!(world.refusal(topup("rub-100", proto_events::Rail::Yookassa)).code(), "package_unknown");
}

#[test]
fn a_kind_without_a_default_model_must_name_one() {
    let mut world = payer();
    for model in &mut world.catalog.as_mut().unwrap().catalog.models {
        for kind in &mut model.kinds {
            kind.default = false;
        }
    }
    let refusal = world.refusal(words());
    assert_eq!(
        (refusal.code(), refusal.details()),
        (
            "model_unknown",
            json!({"offered": ["gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview"]})
        )
    );
    let mut ask = words();
    ask.model = Some(text("gemini-3.8-flash"));
    assert!(world.when(ask).is_ok());
}
