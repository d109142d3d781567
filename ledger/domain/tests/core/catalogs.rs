use ledger_domain::{CatalogStream, Refusal, evolve_catalog};
use proto_events::catalog::{Catalog, Rates};
use proto_events::commands::CatalogPublish;
use proto_events::{Credits, Event, Rail};

use crate::world::*;

fn publish(version: i64, change: impl FnOnce(&mut Catalog)) -> CatalogPublish {
    let mut catalog = Catalog::default_catalog().unwrap();
    change(&mut catalog);
    CatalogPublish { version, catalog, reason: None }
}

#[test]
fn catalogs_are_published_in_order() {
    let stream = CatalogStream::default();
    let refusal = published(&stream, &publish(2, |_| ())).unwrap_err();
    assert_eq!((refusal.code(), refusal.details()), ("version_not_next", serde_json::json!({"next": 1})));
    let events = published(&stream, &publish(1, |_| ())).unwrap();
    let stream = events.iter().fold(stream, evolve_catalog);
    assert_eq!((stream.version, stream.published.as_ref().unwrap().version), (1, 1));
    assert_eq!(published(&stream, &publish(1, |_| ())).unwrap_err().code(), "version_not_next");
    assert!(published(&stream, &publish(2, |_| ())).is_ok());
}

#[test]
fn a_version_is_looked_at_before_the_catalog() {
    let command = publish(7, |c| c.packages[0].credits = Credits::ZERO);
    assert_eq!(published(&CatalogStream::default(), &command).unwrap_err().code(), "version_not_next");
}

#[test]
fn a_catalog_that_can_not_be_sold_from_is_refused_with_all_its_problems() {
    type Change = fn(&mut Catalog);
    let changes: [(&str, Change); 17] = [
        ("holds no credits", |c| c.packages[0].credits = Credits::ZERO),
        ("costs nothing", |c| c.packages[0].price = rub(0)),
        ("can't be paid in any way", |c| c.packages[0].rails.clear()),
        ("takes XTR only", |c| c.packages[0].rails = vec![Rail::Stars]),
        ("package rub-100 is there twice", |c| c.packages.push(c.packages[0].clone())),
        ("a price is at least 1 credit", |c| c.models[0].kinds[0].credits = Credits::ZERO),
        ("in its dearest size", |c| c.models[1].sizes[0].extra = Credits::MAX),
        ("makes nothing", |c| c.models[2].kinds.clear()),
        ("0 models are the default", |c| c.models[0].kinds[0].default = false),
        ("two prices for one kind", |c| {
            let again = c.models[0].kinds[0].clone();
            c.models[0].kinds.push(again);
        }),
        ("a size twice", |c| c.models[1].sizes[1].size = c.models[1].sizes[0].size.clone()),
        ("an aspect ratio twice", |c| c.models[1].aspect_ratios[1] = c.models[1].aspect_ratios[0].clone()),
        ("a model has no name", |c| c.models[0].name = text(" ")),
        ("limit lease_ms must be at least 1", |c| c.limits.lease_ms = 0),
        ("a rate is at least 1 kopeck", |c| {
            c.rates = Some(Rates { kopecks_per_usd: 0, kopecks_per_star: 1 })
        }),
        ("limit working_per_person_max must be at least 1", |c| c.limits.working_per_person_max = 0),
        ("limit attempts_max must be at most 1000", |c| c.limits.attempts_max = 1001),
    ];
    for (words, change) in changes {
        let refusal = published(&CatalogStream::default(), &publish(1, change)).unwrap_err();
        assert_eq!(refusal.code(), "catalog_invalid");
        assert!(refusal.to_string().contains(words), "{words}: {refusal}");
    }
    let all = publish(1, |c| changes.into_iter().take(5).for_each(|(_, change)| change(c)));
    let refusal = published(&CatalogStream::default(), &all).unwrap_err();
    assert!(refusal.details()["problems"].as_array().unwrap().len() > 3, "{refusal}");
}

#[test]
fn new_prices_need_another_word_where_the_owner_wants_it() {
    let stream = CatalogStream::default();
    let (ann, bob) = (Some("ann"), Some("bob"));
    let good = publish(1, |_| ());
    let needs = Err(Refusal::NeedsApproval { above: credits(100) });
    assert_eq!(published_by((Some(100), ann, None), &stream, &good), needs);
    assert_eq!(published_by((Some(100), ann, ann), &stream, &good), needs, "nobody agrees with themselves");
    // The first is nobody's decision.
    for names in [(None, ann, None), (Some(100), ann, bob), (Some(100), None, None)] {
        assert!(published_by(names, &stream, &good).is_ok(), "{names:?}");
    }
    // What is refused anyway is not put before a second person.
    let bad = publish(1, |c| c.packages[0].credits = Credits::ZERO);
    assert_eq!(published_by((Some(100), ann, None), &stream, &bad).unwrap_err().code(), "catalog_invalid");
}

#[test]
fn why_it_was_published_stays_with_it() {
    let command = CatalogPublish { reason: Some(text("spring prices")), ..publish(1, |_| ()) };
    let events = published(&CatalogStream::default(), &command).unwrap();
    let [Event::CatalogPublished(event)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.reason.as_deref(), Some("spring prices"));
}
