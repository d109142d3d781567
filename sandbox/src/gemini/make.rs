//! What the model comes up with: pictures, words, or the reason why there is neither.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    answer,
    books::Usage,
    error::ApiError,
    long::Longs,
    models::{self, Model},
    paint,
    request::Asked,
    signature,
    studio::{Look, Order, Work},
};
use crate::{
    blobs::sha256_hex,
    faults::{Effect, Format},
    world::World,
};

const REFERENCE_TOKENS: i64 = 560;
const THOUGHT_TOKENS: i64 = 174;
/// Of one answer.
const PICTURES_MAX: u8 = 8;
const DRAFT: (u32, u32) = (512, 512);

pub(crate) struct Made {
    pub(crate) parts: Vec<Value>,
    pub(crate) longs: Longs,
    pub(crate) finish: Option<String>,
    pub(crate) finish_message: Option<String>,
    pub(crate) blocked: Option<String>,
    pub(crate) outcome: &'static str,
    pub(crate) usage: Usage,
    /// As the books show them.
    pub(crate) pictures: Vec<Value>,
    pub(crate) model_version: String,
    pub(crate) cost_micro_usd: i64,
}

impl Made {
    pub(crate) fn is_billed(&self) -> bool {
        self.blocked.is_none()
    }
}

/// What everything here needs to know.
struct Studied<'a> {
    world: &'a World,
    model: &'a Model,
    asked: &'a Asked,
    effect: &'a Effect,
    id: &'a str,
}

pub(crate) async fn make(
    world: &World,
    model: &Model,
    asked: &Asked,
    effect: &Effect,
    id: &str,
) -> Result<Made, ApiError> {
    let of = Studied { world, model, asked, effect, id };
    let mut made = of.nothing_yet();
    if effect.prompt_blocked.is_some() {
        made.outcome = "blocked";
        made.finish = None;
        made.usage.thoughts = 0;
    } else if let Some(reason) = &effect.finish {
        if effect.partial {
            of.content(&mut made).await?;
        }
        made.finish = Some(reason.clone());
        made.finish_message = Some(format!("The sandbox was asked to finish with {reason}."));
        made.outcome = "finished";
    } else if effect.no_image {
        made.finish = Some("NO_IMAGE".to_owned());
        made.outcome = "no_image";
    } else if effect.empty {
        made.outcome = "empty";
    } else {
        of.content(&mut made).await?;
    }
    if effect.no_finish {
        made.finish = None;
    }
    let billed = models::of_version(&made.model_version).unwrap_or(*model);
    made.cost_micro_usd = if made.is_billed() { made.usage.cost_micro_usd(&billed) } else { 0 };
    Ok(made)
}

impl Studied<'_> {
    fn nothing_yet(&self) -> Made {
        let references = i64::try_from(self.asked.references.len()).unwrap_or(0);
        let thinks = self.model.pro || self.effect.thinking;
        Made {
            parts: Vec::new(),
            longs: Longs::new(),
            finish: Some("STOP".to_owned()),
            finish_message: None,
            blocked: self.effect.prompt_blocked.clone(),
            outcome: "text",
            usage: Usage {
                prompt_text: answer::tokens(&self.asked.prompt),
                prompt_image: references * REFERENCE_TOKENS,
                thoughts: if thinks { THOUGHT_TOKENS } else { 0 },
                ..Usage::default()
            },
            pictures: Vec::new(),
            model_version: self.effect.model_version.clone().unwrap_or_else(|| self.model.name.to_owned()),
            cost_micro_usd: 0,
        }
    }

    async fn content(&self, made: &mut Made) -> Result<(), ApiError> {
        if self.effect.thinking {
            made.parts
                .push(json!({"text": "The user wants something. I will think of it.", "thought": true}));
        }
        if let Some(text) = &self.effect.text_instead {
            made.usage.text = answer::tokens(text);
            made.parts.push(json!({"text": text}));
            return Ok(());
        }
        if self.asked.picture {
            return self.pictures(made).await;
        }
        self.words(made);
        Ok(())
    }

    fn words(&self, made: &mut Made) {
        let mut text = answer::text(&self.asked.prompt, self.asked.turns, self.asked.references.len());
        if self.effect.partial {
            text = text.chars().take(text.chars().count() / 2).collect();
        }
        if let Some(max) = self.asked.output_tokens_max.filter(|max| answer::tokens(&text) > *max) {
            text = text.chars().take(usize::try_from(max * 4).unwrap_or(0)).collect();
            made.finish = Some("MAX_TOKENS".to_owned());
        }
        made.usage.text = answer::tokens(&text);
        made.parts.push(json!({"text": text}));
    }

    async fn pictures(&self, made: &mut Made) -> Result<(), ApiError> {
        let count = self.effect.pictures.clamp(1, PICTURES_MAX);
        made.outcome = "picture";
        made.usage.image = self.asked.size.tokens(self.model) * i64::from(count);
        if self.asked.text {
            let text = "Here is your picture.";
            made.usage.text = answer::tokens(text);
            let part = json!({"text": text});
            let part = self.signed(part, &sha256_hex(text.as_bytes()), &mut made.longs);
            made.parts.push(part);
        }
        if self.effect.image_in_thought {
            // First a draft, then the final picture, both as thoughts.
            let draft = self.paint(DRAFT, u8::MAX).await?;
            let data = made.longs.put(draft.base64.clone());
            made.parts.push(json!({"inlineData": {"mimeType": draft.mime, "data": data}, "thought": true}));
        }
        let pixels = self.asked.pixels(self.model);
        for number in 0..count {
            let work = self.paint(pixels, number).await?;
            let data = made.longs.put(work.base64.clone());
            let part = json!({"inlineData": {"mimeType": work.mime, "data": data}});
            let mut part = self.signed(part, &work.essence, &mut made.longs);
            if self.effect.image_in_thought {
                part["thought"] = json!(true);
            }
            made.parts.push(part);
            made.pictures.push(work.shown.clone());
        }
        Ok(())
    }

    async fn paint(&self, pixels: (u32, u32), number: u8) -> Result<Arc<Work>, ApiError> {
        let look = Look::new(pixels, self.model.format(), self.effect);
        let studio = &self.world.studio;
        if self.world.read(|state| state.settings.gemini_prepainted) {
            return studio.kept(look).await;
        }
        let references: Vec<Bytes> =
            self.asked.references.iter().map(|reference| reference.bytes.clone()).collect();
        let seed = paint::seed(&self.asked.prompt, &format!("{} {number}", self.id));
        studio.paint(Order { seed, references, look }).await
    }

    /// Pro models sign their parts; the signature must come back with a part that is shown again.
    fn signed(&self, mut part: Value, sha256: &str, longs: &mut Longs) -> Value {
        if self.model.pro || self.effect.huge_signature {
            let (head, rest) = signature::sign(sha256, self.effect.huge_signature);
            part["thoughtSignature"] = json!(head + &longs.put(rest));
        }
        part
    }
}

/// Of `:predict`, which knows no parts.
pub(crate) async fn predicted(
    world: &World,
    (prompt, id): (&str, &str),
    (pixels, format): ((u32, u32), Format),
    count: u64,
    effect: &Effect,
) -> Result<Vec<Arc<Work>>, ApiError> {
    let mut works = Vec::new();
    for number in 0..count {
        let look = Look::new(pixels, format, effect);
        let seed = paint::seed(prompt, &format!("{id} {number}"));
        works.push(world.studio.paint(Order { seed, references: Vec::new(), look }).await?);
    }
    Ok(works)
}
