//! Jobs among workers and people: fair, one of a person's at a time, canceled, drained, taken over, given up.

use e2e::Role;
use e2e::people::Person;
use e2e::raw::of;
use e2e::studio::Studio;
use proto_events::{GenerationId, Producer};
use serde_json::json;

fn called(studio: &Studio, prompt: &str, times: usize) {
    studio.stage.until(&format!("{times} calls of {prompt}"), || {
        (studio.stage.gemini_calls(prompt).len() >= times).then_some(())
    });
}

/// (generation, position of its claim, position of its end), by their claims.
fn worked(studio: &Studio, all: &[GenerationId]) -> Vec<(GenerationId, i64, i64)> {
    let sql = "SELECT min(position) FILTER (WHERE type = 'GenerationStarted'), \
                      min(position) FILTER (WHERE type IN ('GenerationSucceeded', 'GenerationFailed')) \
               FROM events WHERE account_id = $1 AND strpos(payload, $2) > 0";
    let mut rows: Vec<(GenerationId, i64, i64)> = all
        .iter()
        .map(|generation| {
            let asked = sqlx::query_as(sql).bind(generation.account().0).bind(generation.to_string());
            let (from, to) = studio.stage.sql(asked.fetch_one(&studio.stage.pool));
            (*generation, from, to)
        })
        .collect();
    rows.sort_by_key(|(_, from, _)| *from);
    rows
}

#[test]
fn a_person_with_many_requests_does_not_keep_others_waiting() {
    let studio = Studio::open(&[("GENERATOR_CONCURRENCY", "2")]).unwrap();
    studio.set(&json!({"gemini_latency_ms": 400}));
    let (ada, bob) = (studio.meet(9_501), studio.meet(9_502));
    let ask = |person, n| studio.ask(person, "text", &format!("question {n}"), &json!({}));
    let mut all: Vec<GenerationId> = (0..5).map(|n| ask(ada, n)).collect();
    let bobs = ask(bob, 9);
    all.push(bobs);
    all.iter().for_each(|generation| assert_eq!(studio.end(*generation).charged(), 1));
    let worked = worked(&studio, &all);
    let place = worked.iter().position(|(generation, ..)| *generation == bobs).unwrap();
    assert!(place <= 2, "bob's was taken as number {}", place + 1);
    let adas: Vec<_> = worked.iter().filter(|(generation, ..)| *generation != bobs).collect();
    assert!(adas.windows(2).all(|two| two[0].2 < two[1].1), "two of ada's at once: {adas:?}");
    studio.stage.assert_verified();
}

fn cancel(studio: &Studio, generation: GenerationId) {
    let account = of(generation.account());
    let body = json!({"generation": generation});
    studio.raw.done(
        Producer::Telegram,
        "generation_cancel",
        &format!("cancel:1:{generation}"),
        account,
        body,
    );
}

#[test]
fn a_cancellation_reaches_the_call_and_the_next_job_is_taken_at_once() {
    // No renewal comes meanwhile from which it would learn it too.
    let studio = Studio::open_with(&[("lease_ms", 300_000)], &[("GENERATOR_CONCURRENCY", "1")]).unwrap();
    let ada = studio.meet(9_511);
    studio.bend("never mind", &json!("never_arrives"), 1);
    let unwanted = studio.ask(ada, "picture", "never mind", &json!({}));
    called(&studio, "never mind", 1);
    let next = studio.ask(ada, "picture", "the next one", &json!({}));
    cancel(&studio, unwanted);
    assert_eq!(studio.end(next).charged(), 10);
    let life = studio.until(unwanted, &["GenerationAttempted"]);
    assert_eq!(life.attempts(), ["canceled"]);
    let (cost, guess) = life.costs()[0];
    let there = studio.billed("never mind")[0];
    assert!(guess && (cost - there).abs() <= 60, "{cost} here as a guess, {there} there");
    assert_eq!(studio.stage.balance_of(ada), (995, 0, 0));
    assert_eq!(studio.stage.pictures(ada), 1);
    studio.stage.assert_verified();
}

#[test]
fn who_is_told_to_stop_ends_what_is_under_way_and_takes_nothing_new() {
    let mut studio = Studio::open(&[("GENERATOR_CONCURRENCY", "1")]).unwrap();
    studio.set(&json!({"gemini_latency_ms": 1_500}));
    let (ada, bob) = (studio.meet(9_521), studio.meet(9_522));
    let first = studio.ask(ada, "text", "the first", &json!({}));
    called(&studio, "the first", 1);
    let second = studio.ask(bob, "text", "the second", &json!({}));
    assert!(studio.stage.stop(Role::Generator), "it did not end by itself");
    assert_eq!(studio.end(first).charged(), 1);
    assert_eq!(studio.life(second).count("GenerationStarted"), 0);
    assert!(studio.stage.gemini_calls("the second").is_empty());
    studio.stage.start(Role::Generator, &[]).unwrap();
    assert_eq!(studio.end(second).charged(), 1);
    assert_eq!(studio.stage.gemini_calls("the first").len(), 1);
    studio.stage.assert_verified();
}

fn die_in_the_call(studio: &mut Studio, prompt: &str, times: usize) {
    called(studio, prompt, times);
    studio.stage.kill9(Role::Generator);
    studio.stage.start(Role::Generator, &[]).unwrap();
}

#[test]
fn what_a_dead_worker_left_is_made_by_another_and_what_kills_workers_is_given_up() {
    let mut studio = Studio::open_with(&[("attempts_max", 2)], &[]).unwrap();
    let (ada, bob): (Person, Person) = (studio.meet(9_531), studio.meet(9_532));
    studio.bend("once", &json!("never_arrives"), 1);
    let once = studio.ask(ada, "picture", "once", &json!({}));
    die_in_the_call(&mut studio, "once", 1);
    let life = studio.end(once);
    assert_eq!((life.charged(), life.count("GenerationStarted")), (10, 2));
    assert_eq!(studio.stage.gemini_calls("once").len(), 2);
    studio.bend("poison", &json!("never_arrives"), 9);
    let poison = studio.ask(bob, "picture", "poison", &json!({}));
    die_in_the_call(&mut studio, "poison", 1);
    die_in_the_call(&mut studio, "poison", 2);
    let life = studio.end(poison);
    assert_eq!(life.newest("GenerationFailed")["reason"], "attempts_exhausted");
    assert_eq!(studio.stage.balance_of(bob), (1_005, 0, 0));
    assert_eq!(studio.stage.gemini_calls("poison").len(), 2);
    studio.stage.assert_verified();
}
