//! Keys that are over their quota, bad, or of a place that Google does not serve.

use std::collections::BTreeMap;

use e2e::Role;
use e2e::people::said;
use e2e::studio::Studio;
use serde_json::{Value, json};

const TWO: (&str, &str) = ("GEMINI_API_KEYS", "key-number-1111,key-number-2222");

/// Calls that Google did something for, by key.
fn by_key(studio: &Studio) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for call in studio.stage.gemini_calls("").iter().filter(|call| call["billed"] == true) {
        *count.entry(call["key"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    count
}

#[test]
fn keys_are_used_in_turn_and_one_over_its_minute_is_spared() {
    let studio = Studio::open(&[TWO]).unwrap();
    studio.set(&json!({"gemini_limits": {"per_minute": 2}}));
    let asked: Vec<_> = (9_401..9_405)
        .map(|user| studio.ask(studio.meet(user), "picture", &format!("kite {user}"), &json!({})))
        .collect();
    for generation in asked {
        assert_eq!(studio.end(generation).charged(), 10);
    }
    assert_eq!(by_key(&studio), [("1111".to_owned(), 2), ("2222".to_owned(), 2)].into());
    // Both say so at once: the job is given back, and waits without spending attempts until the first is free again.
    studio.set(&json!({"gemini_limits": {"per_minute": null}}));
    studio.bend("kite 9409", &json!({"status": 429, "quota": "minute", "retry_after": 3}), 2);
    let life = studio.end(studio.ask(studio.meet(9_409), "picture", "kite 9409", &json!({})));
    assert_eq!((life.attempts(), life.charged()), (vec!["rate_limited"], 10));
    assert_eq!(life.count("GenerationStarted"), 2, "attempts were spent on waiting");
    assert_eq!(studio.stage.gemini_calls("kite 9409").len(), 3, "somebody was asked in vain");
    studio.stage.assert_verified();
}

#[test]
fn a_days_quota_turns_to_the_other_key_and_when_all_are_gone_gives_the_credits_back() {
    let studio = Studio::open(&[TWO]).unwrap();
    studio.bend("the first", &json!("quota_day"), 1);
    let first = studio.ask(studio.meet(9_411), "picture", "the first", &json!({}));
    assert_eq!(studio.end(first).charged(), 10);
    studio.bend("the second", &json!("quota_day"), 1);
    let bob = studio.meet(9_412);
    let life = studio.end(studio.ask(bob, "picture", "the second", &json!({})));
    assert_eq!(life.newest("GenerationFailed")["reason"], "quota_exhausted");
    studio.stage.wait_for(bob, "why", |message| said(message, "all it can for today"));
    // Nobody waits for what can't be, and nobody is asked.
    let eve = studio.meet(9_413);
    let life = studio.end(studio.ask(eve, "picture", "the third", &json!({})));
    assert_eq!(life.newest("GenerationFailed")["reason"], "quota_exhausted");
    assert!(studio.stage.gemini_calls("the third").is_empty());
    // Another model has a quota of its own.
    let words = studio.ask(eve, "text", "the fourth", &json!({}));
    assert_eq!(studio.end(words).charged(), 1);
    studio.stage.assert_verified();
}

#[test]
fn a_bad_key_costs_nobody_anything_while_another_is_good() {
    let studio = Studio::open(&[("GEMINI_API_KEYS", "invalid-key-1111,key-number-2222")]).unwrap();
    for user in 9_421..9_424 {
        let generation = studio.ask(studio.meet(user), "picture", &format!("kite {user}"), &json!({}));
        assert_eq!(studio.end(generation).charged(), 10);
    }
    assert_eq!(by_key(&studio), [("2222".to_owned(), 3)].into());
    assert!(studio.stage.http_ok(Role::Generator));
    studio.stage.assert_verified();
}

/// When Google takes no key, or nobody from here: who was in hand gets the credits back, nothing more is claimed, the
/// page says so, and once Google takes the key again the rest is made.
fn stops_and_goes_on(fault: &Value, reason: &str, user: i64) {
    let studio = Studio::open(&[]).unwrap();
    let (ada, bob) = (studio.meet(user), studio.meet(user + 1));
    let always = json!({"vendor": "gemini", "fault": fault, "times": "always"});
    assert!(studio.stage.post("/faults", &always).0 < 300);
    let life = studio.end(studio.ask(ada, "picture", "the first", &json!({})));
    assert_eq!(life.newest("GenerationFailed")["reason"], reason);
    assert_eq!(studio.stage.balance_of(ada), (1_005, 0, 0));
    studio.stage.wait_for(ada, "why", |message| said(message, "trouble on our side"));
    studio.stage.until("the page to say so", || (!studio.stage.http_ok(Role::Generator)).then_some(()));
    let waits = studio.ask(bob, "picture", "the second", &json!({}));
    studio.stage.until("a look at the open jobs", || {
        studio.stage.metric(Role::Generator, "generator_breaker_open").filter(|open| *open == 1.0)
    });
    assert_eq!(studio.life(waits).count("GenerationStarted"), 0, "an attempt was spent on what can't be");
    studio.stage.heal();
    assert_eq!(studio.end(waits).charged(), 10);
    studio.stage.until("the page to say so", || studio.stage.http_ok(Role::Generator).then_some(()));
    studio.stage.assert_verified();
}

#[test]
fn without_a_good_key_nothing_is_claimed_until_there_is_one() {
    stops_and_goes_on(&json!("bad_key"), "key_invalid", 9_431);
}

#[test]
fn in_a_place_that_google_does_not_serve_nothing_is_claimed() {
    stops_and_goes_on(&json!("region_blocked"), "region_blocked", 9_441);
}
