//! Whose job is next: one person's jobs wait for each other, and nobody's second comes before another's first.

use e2e::Stage;
use e2e::deeds::Deeds;
use e2e::raw::{Raw, of};
use proto_events::queries::OpenJob;
use proto_events::{GenerationId, Producer};
use serde_json::{Value, json};

use crate::payer;

fn open(stage: &Stage, deeds: &Deeds) -> Vec<GenerationId> {
    let sweep = json!({"limit": 9});
    let open: Vec<OpenJob> = stage.rt.block_on(deeds.generator.ask("jobs", &sweep, None)).unwrap();
    assert!(open.iter().all(|job| job.kind.as_str() == "picture" && !job.model.is_empty()));
    open.iter().map(|job| job.generation).collect()
}

fn tried(raw: &Raw, generation: GenerationId, attempt: i64, outcome: &str, retry_after_ms: i64) {
    let body = json!({
        "generation": generation, "attempt": attempt, "outcome": outcome, "spent": {"latency_ms": 1},
        "retry_after_ms": retry_after_ms,
    });
    let id = format!("attempted:{generation}:{attempt}");
    raw.done(Producer::Generator, "generation_attempt", &id, of(generation.account()), body);
}

fn claim(raw: &Raw, generation: GenerationId, attempt: i64) -> Value {
    let body = json!({"generation": generation, "worker": "w1", "attempt": attempt});
    let id = format!("claim:{generation}:{attempt}:{}", uuid::Uuid::new_v4().simple());
    raw.send(Producer::Generator, "generation_claim", &id, of(generation.account()), body)
}

#[test]
fn everybodys_first_comes_before_anybodys_second_and_one_is_worked_on_at_once() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    for user in [1, 2] {
        payer(&stage, &deeds, user);
    }
    let ask = |user, message| stage.rt.block_on(deeds.request(user, message)).unwrap();
    let [a1, a2, b1] = [ask(1, 1), ask(1, 2), ask(2, 1)];
    assert_eq!(open(&stage, &deeds), [a1, b1, a2]);

    assert_eq!(claim(&raw, a1, 1)["status"], "done");
    assert_eq!(open(&stage, &deeds), [b1], "the first person's others wait");
    let busy = claim(&raw, a2, 1);
    assert_eq!(busy["refusal"]["code"], "person_busy");
    let held = claim(&raw, a1, 2);
    assert_eq!(busy["refusal"]["details"], held["refusal"]["details"], "until the one lease ends");

    // A job that waits for its vendor keeps nobody busy, and is not shown meanwhile.
    tried(&raw, a1, 1, "overloaded", 60_000);
    assert_eq!(open(&stage, &deeds), [a2, b1]);
    assert_eq!(claim(&raw, a2, 1)["status"], "done");
    assert_eq!(claim(&raw, a1, 2)["refusal"]["code"], "generation_held");
    tried(&raw, a2, 1, "overloaded", 0);
    assert_eq!(open(&stage, &deeds), [a2, b1], "the older goes first");
    stage.assert_verified();
}

#[test]
fn what_the_vendor_turned_away_unpaid_uses_no_attempt_up() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    payer(&stage, &deeds, 1);
    let generation = stage.rt.block_on(deeds.request(1, 1)).unwrap();
    let mut doubts = 0;
    for (n, outcome) in
        ["rate_limited", "overloaded", "timed_out", "overloaded", "vendor_error", "no_picture"]
            .iter()
            .enumerate()
    {
        let attempt = i64::try_from(n).unwrap() + 1;
        let claimed = claim(&raw, generation, attempt);
        assert_eq!(claimed["result"]["doubts"], doubts, "{claimed}");
        tried(&raw, generation, attempt, outcome, 0);
        doubts += i64::from(["timed_out", "vendor_error"].contains(outcome));
    }
    let refusal = &claim(&raw, generation, 7)["refusal"];
    assert_eq!(refusal["code"], "attempts_exhausted");
    assert_eq!(refusal["details"], json!({"max": 3, "attempt": 6}));
    stage.assert_verified();
}
