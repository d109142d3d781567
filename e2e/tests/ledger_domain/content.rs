//! What a job is made from, and words that come instead of a picture: beside the log, for as long as the account.

use e2e::Stage;
use e2e::deeds::Deeds;
use e2e::raw::{Raw, of, person};
use proto_events::{GenerationId, Producer};
use serde_json::{Value, json};

use crate::{count, payer};

fn ask(raw: &Raw, message: i64, more: Value) -> GenerationId {
    let mut body = json!({
        "kind": "edit", "prompt": "a leaf", "references": ["file-7"], "context": {"chat": 1, "message": message},
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let id = format!("msg:1:1:{message}");
    let reply = raw.send(Producer::Telegram, "generation_request", &id, person(1), body);
    reply["result"]["generation"].as_str().unwrap_or_else(|| panic!("{reply}")).parse().unwrap()
}

fn claim(raw: &Raw, generation: GenerationId) -> Value {
    let body = json!({"generation": generation, "worker": "w1", "attempt": 1});
    let id = format!("claim:{generation}:1:w1");
    raw.send(Producer::Generator, "generation_claim", &id, of(generation.account()), body)["result"].clone()
}

#[test]
fn a_claim_tells_what_the_job_goes_on_with() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, _) = payer(&stage, &deeds, 1);
    let first = stage.rt.block_on(async {
        let first = deeds.picture(1, 1).await.unwrap();
        deeds.delivered(first).await.unwrap();
        first
    });
    let edit = ask(
        &raw,
        2,
        json!({"system": "You paint leaves.", "conversation": "leaf-1", "follows": first, "size": "2K"}),
    );
    let job = claim(&raw, edit);
    assert_eq!(job["system"], "You paint leaves.");
    assert_eq!((&job["conversation"], &job["doubts"]), (&json!("leaf-1"), &json!(0)));
    assert_eq!(job["followed"], json!({"generation": first, "file_ids": ["file-1"]}));
    stage.rt.block_on(deeds.fail(edit, 1)).unwrap();

    let plain = claim(&raw, ask(&raw, 3, json!({})));
    assert_eq!([&plain["system"], &plain["conversation"], &plain["followed"]], [&Value::Null; 3]);
    let strange =
        GenerationId::derive(proto_events::AccountId::random(), Producer::Telegram, &e2e::deeds::id("x"));
    let body = json!({
        "kind": "edit", "prompt": "a", "references": [], "context": {"chat": 1, "message": 4}, "follows": strange,
    });
    let code = raw.refused(Producer::Telegram, "generation_request", "msg:1:1:4", person(1), body);
    assert_eq!(code, "generation_not_found", "it is another's");
    assert_eq!(count(&stage, "generation_contents", account), 3);
    stage.assert_verified();
}

#[test]
fn words_instead_of_a_picture_are_kept_for_the_person_and_told_with_the_failure() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, _) = payer(&stage, &deeds, 1);
    for (message, reason, kept) in [(1, "text_instead", 1), (2, "policy", 1)] {
        let generation = stage.rt.block_on(deeds.request(1, message)).unwrap();
        claim(&raw, generation);
        let words = json!({
            "object": format!("{generation}/1/0"), "sha256": "0".repeat(64), "media_type": "text", "bytes": 12,
        });
        let body = json!({
            "generation": generation, "attempt": 1, "reason": reason, "text": words,
            "spent": {"latency_ms": 5, "cost_micro_usd": 7, "estimated": true},
        });
        let id = format!("fail:{generation}:1");
        let reply = raw.send(Producer::Generator, "generation_fail", &id, of(generation.account()), body);
        assert_eq!(reply["status"], "done", "{reply}");
        assert_eq!(count(&stage, "generation_outputs", account), kept);
        // GenerationFailed is the last of its command.
        let claim = json!({"position": reply["position"], "claimant": "c1"});
        let id = format!("tell:{message}");
        let told = raw.send(Producer::Telegram, "delivery_claim", &id, of(account), claim);
        let news = &told["result"]["news"];
        assert_eq!((&news["reason"], &news["returned"]), (&json!(reason), &json!(10)), "{told}");
        let object = (reason == "text_instead").then(|| format!("{generation}/1/0"));
        assert_eq!(news["text"]["object"].as_str(), object.as_deref());
    }
    stage.assert_verified();
}
