//! Pictures that show other pictures: references of the person's, and edits that go on.

use e2e::people::{is_picture, said};
use e2e::studio::Studio;
use proto_events::GenerationId;
use proto_events::media::turn_object;
use proto_events::subjects::IMAGES_BUCKET;
use serde_json::{Value, json};

const PRO: &str = "gemini-3-pro-image";

/// The ids under which Telegram keeps the pictures of this chat, the largest size of each.
fn file_ids(studio: &Studio, ada: e2e::people::Person) -> Vec<Value> {
    let pictures = studio.stage.bot_said(ada).into_iter().filter(is_picture);
    let id = |message: Value| match message["photo"].as_array().and_then(|sizes| sizes.last()) {
        Some(size) => size["file_id"].clone(),
        None => message["document"]["file_id"].clone(),
    };
    pictures.map(id).collect()
}

fn call<'a>(calls: &'a [Value], prompt: &str) -> &'a Value {
    calls
        .iter()
        .find(|call| call["prompt"] == prompt)
        .unwrap_or_else(|| panic!("no call {prompt}: {calls:#?}"))
}

#[test]
fn a_picture_is_made_from_references_and_leaves_without_their_metadata() {
    let studio = Studio::open(&[]).unwrap();
    let ada = studio.meet(9_301);
    for (n, model) in [PRO, "gemini-nano-banana-2.1"].iter().enumerate() {
        let prompt = format!("a face {n}");
        studio.bend(&prompt, &json!("metadata"), 1);
        studio.end(studio.ask(ada, "picture", &prompt, &json!({"model": model})));
    }
    for message in studio.stage.bot_said(ada).into_iter().filter(is_picture) {
        let bytes = studio.stage.picture_bytes(&message);
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("sandbox-metadata"), "a result tells more than it shows");
    }
    let faces = file_ids(&studio, ada);
    assert_eq!(faces.len(), 2);
    let generation =
        studio.ask(ada, "picture", "both at a table", &json!({"references": faces, "model": PRO}));
    let life = studio.end(generation);
    assert_eq!(life.charged(), 25);
    let calls = studio.stage.gemini_calls("both at a table");
    assert_eq!(calls[0]["references"].as_array().unwrap().len(), 2);
    let gone = studio.ask(ada, "picture", "somebody else", &json!({"references": ["no-such-file"]}));
    assert_eq!(studio.end(gone).newest("GenerationFailed")["reason"], "reference_gone");
    studio.stage.wait_for(ada, "what to do", |message| said(message, "Please send the photo again"));
    assert!(studio.stage.gemini_calls("somebody else").is_empty(), "paid for nobody's face");
    studio.stage.assert_verified();
}

/// The sandbox refuses an edit whose picture comes without the signature that it was given.
#[test]
fn edits_go_on_with_signatures_and_with_the_picture_alone_when_those_are_lost() {
    let studio = Studio::open(&[]).unwrap();
    let ada = studio.meet(9_311);
    let first = studio.ask(ada, "picture", "a red boat", &json!({"model": PRO}));
    studio.end(first);
    let edit = |prompt: &str, follows: GenerationId| {
        let edit = studio.ask(ada, "edit", prompt, &json!({"model": PRO, "follows": follows}));
        assert_eq!(studio.end(edit).charged(), 25, "{prompt}");
        edit
    };
    let second = edit("make it blue", first);
    let third = edit("add a sail", second);
    let calls = studio.stage.gemini_calls("");
    assert_eq!(call(&calls, "make it blue")["turns"], 2);
    assert_eq!(call(&calls, "add a sail")["turns"], 4);
    let client = studio.stage.client("media-ledger");
    studio.stage.rt.block_on(async {
        let store = async_nats::jetstream::new(client).get_object_store(IMAGES_BUCKET).await.unwrap();
        store.delete(turn_object(third)).await.unwrap();
    });
    edit("add a flag", third);
    let calls = studio.stage.gemini_calls("add a flag");
    assert_eq!(
        (calls[0]["turns"].as_i64().unwrap_or(0), calls[0]["references"].as_array().unwrap().len()),
        (0, 1)
    );
    studio.stage.assert_verified();
}
