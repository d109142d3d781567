//! Whose job is next: one person's jobs wait for each other, and nobody's second comes before another's first.

use e2e::Stage;
use e2e::deeds::Deeds;
use e2e::raw::{Raw, of, person};
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
fn jobs_of_a_model_that_rests_stand_before_nobody() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    for user in [1, 2, 3] {
        payer(&stage, &deeds, user);
    }
    let pictures: Vec<GenerationId> =
        [1, 2].map(|user| stage.rt.block_on(deeds.request(user, 1)).unwrap()).into();
    let text = |user: i64| -> GenerationId {
        let body = json!({"kind": "text", "prompt": "why?", "references": [], "context": {"chat": user, "message": 2}});
        let asked = raw.send(
            Producer::Telegram,
            "generation_request",
            &format!("msg:1:{user}:2"),
            person(user),
            body,
        );
        serde_json::from_value(asked["result"]["generation"].clone()).unwrap()
    };
    let texts = vec![text(3), text(1)];
    let jobs = |sweep: Value| -> Vec<OpenJob> {
        stage.rt.block_on(deeds.generator.ask("jobs", &sweep, None)).unwrap()
    };
    let shown = |sweep| jobs(sweep).iter().map(|job| job.generation).collect::<Vec<_>>();
    let model = jobs(json!({"limit": 1}))[0].model.clone();
    assert_eq!(shown(json!({"limit": 2})), pictures, "the oldest");
    assert_eq!(shown(json!({"limit": 2, "resting": [model]})), texts, "those that could be made now");
    // Who is being worked for is known whatever rests.
    assert_eq!(claim(&raw, pictures[0], 1)["status"], "done");
    assert_eq!(shown(json!({"limit": 2, "resting": [model]})), texts[..1]);
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
        ["rate_limited", "unreachable", "timed_out", "overloaded", "vendor_error", "truncated"]
            .iter()
            .enumerate()
    {
        let attempt = i64::try_from(n).unwrap() + 1;
        let claimed = claim(&raw, generation, attempt);
        assert_eq!(claimed["result"]["doubts"], doubts, "{claimed}");
        tried(&raw, generation, attempt, outcome, 0);
        doubts += i64::from(["timed_out", "truncated"].contains(outcome));
    }
    let refusal = &claim(&raw, generation, 7)["refusal"];
    assert_eq!(refusal["code"], "attempts_exhausted");
    assert_eq!(refusal["details"], json!({"max": 3, "attempt": 6}));
    stage.assert_verified();
}
