//! Pictures: each way in which a call can end, all at once, each with its own person.

use e2e::people::{is_picture, said};
use e2e::studio::{Life, Studio};
use serde_json::{Value, json};

const CHEAP: &str = "gemini-nano-banana-2.1";
const PRO: &str = "gemini-3-pro-image";

/// One way for a call to end.
struct Case {
    prompt: &'static str,
    model: &'static str,
    /// What happens to so many calls.
    faults: Vec<(Value, u32)>,
    /// Attempts that did not finish it.
    attempts: Vec<&'static str>,
    end: End,
    /// Calls that the vendor bills.
    billed: usize,
}

enum End {
    /// So many pictures.
    Made(usize),
    Failed {
        reason: &'static str,
        told: &'static str,
    },
}

fn case(prompt: &'static str, fault: Value, attempts: &[&'static str], end: End, billed: usize) -> Case {
    let times = u32::try_from(attempts.len().max(1)).unwrap();
    Case { prompt, model: CHEAP, faults: vec![(fault, times)], attempts: attempts.to_vec(), end, billed }
}

fn made(prompt: &'static str, fault: Value, attempts: &[&'static str], billed: usize) -> Case {
    case(prompt, fault, attempts, End::Made(1), billed)
}

/// At the first call, for good.
fn failed(
    prompt: &'static str,
    fault: Value,
    reason: &'static str,
    told: &'static str,
    billed: usize,
) -> Case {
    case(prompt, fault, &[reason], End::Failed { reason, told }, billed)
}

const NOTHING: &str = "couldn't draw";
const REFUSED: &str = "refused to draw";

fn cases() -> Vec<Case> {
    let doubtful = |prompt, fault, attempts: [&'static str; 2], told| Case {
        attempts: attempts.to_vec(),
        end: End::Failed { reason: attempts[1], told },
        ..case(prompt, fault, &attempts, End::Made(0), 2)
    };
    let mut cases = vec![
        made("an easy kite", json!({"delay_ms": 1}), &[], 1),
        failed("no image", json!("no_image"), "no_picture", NOTHING, 1),
        failed("empty content", json!("empty"), "no_picture", NOTHING, 1),
        failed("reason of 2030", json!({"finish": "A_REASON_OF_2030"}), "no_picture", NOTHING, 1),
        failed("prompt blocked", json!({"prompt_blocked": "PROHIBITED_CONTENT"}), "policy", REFUSED, 0),
        failed("unsafe image", json!("image_safety"), "policy", REFUSED, 1),
        failed("recited image", json!({"finish": "IMAGE_RECITATION"}), "policy", REFUSED, 1),
        failed("unlike a picture", json!("not_a_picture"), "not_a_picture", NOTHING, 1),
        failed(
            "words only",
            json!({"text_instead": "A <b>poem</b> about a kite."}),
            "text_instead",
            "A <b>poem</b>",
            1,
        ),
        failed("bad request", json!(400), "invalid_request", "doesn't take such a request", 0),
        failed("a model that is gone", json!(404), "vendor_error", "trouble on our side", 0),
        case("three of them", json!({"pictures": 3}), &[], End::Made(3), 1),
        made("a thought picture", json!("image_in_thought"), &[], 1),
        made("an overloaded kite", json!(503), &["overloaded", "overloaded"], 1),
        made("a limited kite", json!({"status": 503, "retry_after": 1}), &["overloaded"], 1),
        made("a broken kite", json!(500), &["vendor_error"], 1),
        made("a cut kite", json!("cut_json"), &["truncated"], 2),
        made("a kite cut in two", json!("cut_base64"), &["truncated"], 2),
        made("a dripping kite", json!({"drip_bytes": 65_536, "drip_ms": 1}), &[], 1),
        made("a lost kite", json!("never_arrives"), &["timed_out"], 2),
        made("a dropped kite", json!({"drop": "after"}), &["truncated"], 2),
        doubtful(
            "a kite that never comes",
            json!("never_arrives"),
            ["timed_out", "timed_out"],
            "took too long",
        ),
    ];
    cases.push(Case { model: PRO, ..made("a signed kite", json!("huge_signature"), &[], 1) });
    cases.push(Case { model: PRO, ..made("a plain pro kite", json!({"delay_ms": 1}), &[], 1) });
    cases
}

/// Calls that end in doubt, or whose end never came.
fn in_doubt(outcome: &str) -> bool {
    matches!(outcome, "timed_out" | "truncated")
}

#[test]
fn every_outcome_is_charged_told_and_costed_right() {
    let generator = [("GENERATOR_CONCURRENCY", "24"), ("GENERATOR_CALL_TIMEOUT_SECONDS", "8")];
    let studio = Studio::open(&generator).unwrap();
    let cases = cases();
    let asked: Vec<_> = (9_100..)
        .zip(&cases)
        .map(|(user, case)| {
            case.faults.iter().for_each(|(fault, times)| studio.bend(case.prompt, fault, *times));
            let ada = studio.meet(user);
            (ada, studio.ask(ada, "picture", case.prompt, &json!({"model": case.model})))
        })
        .collect();
    println!("{:26} {:28} {:>7} {:>9}  costs", "prompt", "attempts", "charged", "billed");
    for (case, (ada, generation)) in cases.iter().zip(asked) {
        let life = studio.end(generation);
        let billed = studio.billed(case.prompt);
        println!(
            "{:26} {:28} {:7} {:9?}  {:?}",
            case.prompt,
            life.attempts().join(" "),
            life.charged(),
            billed,
            life.costs()
        );
        assert_eq!(life.attempts(), case.attempts, "{}", case.prompt);
        assert_eq!(billed.len(), case.billed, "{}: {billed:?}", case.prompt);
        let price = if case.model == PRO { 25 } else { 10 };
        match &case.end {
            End::Made(pictures) => {
                assert_eq!(life.charged(), price, "{}", case.prompt);
                assert_eq!(studio.stage.balance_of(ada), (1_005 - price, 0, 0), "{}", case.prompt);
                let outputs = life.newest("GenerationSucceeded")["outputs"].as_array().unwrap().len();
                assert_eq!((outputs, studio.stage.pictures(ada)), (*pictures, *pictures), "{}", case.prompt);
            }
            End::Failed { reason, told } => {
                assert_eq!(life.newest("GenerationFailed")["reason"], *reason, "{}", case.prompt);
                assert_eq!(studio.stage.balance_of(ada), (1_005, 0, 0), "{}", case.prompt);
                studio.stage.wait_for(ada, told, |message| said(message, told));
                assert!(!studio.stage.bot_said(ada).iter().any(is_picture), "{}", case.prompt);
            }
        }
        costs_are_right(case, &life, &billed);
    }
    studio.stage.assert_verified();
}

/// Each call that the vendor bills has its cost on record: to the point where the bill came, as a guess where it did
/// not. What was refused before any work cost nothing.
fn costs_are_right(case: &Case, life: &Life, billed: &[i64]) {
    let costs = life.costs();
    assert!(costs.len() >= billed.len(), "{}: {costs:?} here, {billed:?} there", case.prompt);
    let known: i64 = costs.iter().filter(|(_, guess)| !guess).map(|(cost, _)| cost).sum();
    let doubts = life.attempts().iter().filter(|outcome| in_doubt(outcome)).count();
    if doubts == 0 {
        let there: i64 = billed.iter().sum();
        // What this model's words cost is not published alike everywhere: its picture does.
        let slack = if case.model == PRO { 0 } else { 60 };
        assert!((known - there).abs() <= slack, "{}: {known} here, {there} there", case.prompt);
    }
}
