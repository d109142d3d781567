//! What each job is to meet at Gemini.

use proto_events::events::{GenerationKind, Trouble};
use serde_json::{Value, json};

pub const PICTURES: &str = "gemini-3-pro-image";
pub const WORDS: &str = "gemini-3.8-flash";
/// Whose daily quota runs out; nobody else asks it.
pub const SPENT: &str = "gemini-3.5-flash-lite";

/// A way a job may go, if nobody dies.
#[derive(Debug, Clone)]
pub struct Fate {
    pub name: &'static str,
    pub kind: GenerationKind,
    pub model: &'static str,
    /// What bends its first calls, and how many of them.
    pub fault: Option<(Value, u32)>,
    /// `None`: it is made, whatever else happens before.
    pub ends: Option<Trouble>,
    /// So many calls are answered otherwise before the one that counts.
    pub vain: usize,
    /// Pictures of the answer that counts.
    pub pictures: usize,
}

fn picture(name: &'static str) -> Fate {
    let kind = GenerationKind::Picture;
    Fate { name, kind, model: PICTURES, fault: None, ends: None, vain: 0, pictures: 1 }
}

impl Fate {
    fn words(self, model: &'static str) -> Self {
        Self { kind: GenerationKind::Text, model, pictures: 0, ..self }
    }

    /// Every call is bent so, and what is made is delivered all the same.
    fn bent(self, fault: Value) -> Self {
        Self { fault: Some((fault, 1_000)), ..self }
    }

    fn several(self, pictures: usize) -> Self {
        Self { pictures, ..self }
    }

    /// Its first calls end so.
    fn after(self, fault: Value, times: u32) -> Self {
        Self { fault: Some((fault, times)), vain: times as usize, ..self }
    }

    /// Every call ends so, and the job with it.
    fn in_vain(self, fault: Value, ends: Trouble) -> Self {
        Self { fault: Some((fault, 1_000)), ends: Some(ends), ..self }
    }
}

/// All of them; the calm ones are as many as the others.
pub fn fates() -> Vec<Fate> {
    let mut all = vec![
        picture("several pictures").bent(json!({"pictures": 3})).several(3),
        picture("a picture in a thought").bent(json!("image_in_thought")),
        picture("huge signatures").bent(json!("huge_signature")),
        picture("metadata").bent(json!("metadata")),
        picture("a slow line").bent(json!({"drip_bytes": 8_000, "drip_ms": 60})),
        picture("words that drip").words(WORDS).bent(json!({"drip_bytes": 200, "drip_ms": 60})),
        picture("another model").bent(json!({"model_version": "gemini-3-pro-image-002"})),
        picture("overloaded twice").after(json!(503), 2),
        picture("a minute's quota").after(json!({"status": 429, "quota": "minute", "retry_after": 0.3}), 1),
        picture("an error of theirs").after(json!(500), 1),
        picture("cut in a picture").after(json!("cut_base64"), 1),
        picture("cut in JSON").after(json!({"cut": "json", "clean": true}), 1),
        picture("lost after it was made").after(json!("drop_after"), 1),
        picture("never arrives").after(json!("never_arrives"), 1),
        picture("words cut between events").words(WORDS).after(json!("cut_sse"), 1),
        picture("words without an end").words(WORDS).after(json!("no_finish"), 1),
        picture("an error in mid-stream").words(WORDS).after(json!("mid_stream_error"), 1),
        picture("a blocked prompt").in_vain(json!("prompt_blocked"), Trouble::Policy),
        picture("blocked words")
            .words(WORDS)
            .in_vain(json!({"prompt_blocked": "JAILBREAK"}), Trouble::Policy),
        picture("an unsafe picture").in_vain(json!("IMAGE_SAFETY"), Trouble::Policy),
        picture("no picture").in_vain(json!("no_image"), Trouble::NoPicture),
        picture("nothing at all").in_vain(json!("empty"), Trouble::NoPicture),
        picture("words instead").in_vain(json!("text_instead"), Trouble::TextInstead),
        picture("what is no picture").in_vain(json!("not_a_picture"), Trouble::NotAPicture),
        picture("a day's quota").words(SPENT).in_vain(json!("quota_day"), Trouble::QuotaExhausted),
        picture("a request that is refused").in_vain(json!(400), Trouble::InvalidRequest),
    ];
    for _ in 0..all.len() / 2 {
        all.extend([picture("a picture"), picture("words").words(WORDS)]);
    }
    all
}
