//! The bodies of `generateContent` and `predict`, in pieces: words of ours as JSON, and between them pictures
//! and signatures as base64, which are shared and never copied.

use bytes::Bytes;
use futures_util::stream;
use proto_events::events::{GenerationKind, MediaType};
use serde_json::{Value, json};

use super::{Ask, Safety};
use crate::shelf::{Material, Reference, Turn};

/// The HTTP client copies what it is given into a buffer: so much at once.
const PIECE_BYTES: usize = 32 << 10;
/// Answers that people read, and the thoughts before them. Bounds what a runaway text costs.
const TEXT_TOKENS_MAX: u32 = 16_384;

/// JSON, in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body {
    pieces: Vec<Bytes>,
    /// Ours, until something shared comes.
    words: String,
}

impl Body {
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// For the HTTP client; it reads the body once for each try.
    pub(super) fn stream(&self) -> reqwest::Body {
        let split = |piece: Bytes| {
            (0..piece.len()).step_by(PIECE_BYTES).map(move |at| {
                Ok::<_, std::convert::Infallible>(piece.slice(at..piece.len().min(at + PIECE_BYTES)))
            })
        };
        reqwest::Body::wrap_stream(stream::iter(self.pieces.clone().into_iter().flat_map(split)))
    }

    fn words(&mut self, words: &str) {
        self.words.push_str(words);
    }

    fn value(&mut self, value: &Value) {
        self.words.push_str(&value.to_string());
    }

    fn share(&mut self, bytes: &Bytes) {
        self.end_words();
        self.pieces.push(bytes.clone());
    }

    fn end_words(&mut self) {
        if !self.words.is_empty() {
            self.pieces.push(std::mem::take(&mut self.words).into());
        }
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut Self, T)) {
        self.words("[");
        for (at, one) in items.into_iter().enumerate() {
            if at > 0 {
                self.words(",");
            }
            item(self, one);
        }
        self.words("]");
    }
}

/// What an edit shows of what it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Every turn, with the model's signatures.
    Turns,
    /// The newest pictures, as if they were the person's: a model may not take its own turns back, such as
    /// those that were signed under another key.
    Pictures,
}

pub(super) fn generate(ask: &Ask, safety: &[Safety], of: Shown) -> Body {
    let mut body = Body::default();
    body.words("{\"contents\":");
    body.list(contents(ask, of), |body, content| content.write(body));
    let mut rest = serde_json::Map::new();
    if let Some(system) = &ask.system {
        rest.insert("systemInstruction".into(), json!({"parts": [{"text": system}]}));
    }
    rest.insert("generationConfig".into(), config(ask));
    if !safety.is_empty() {
        rest.insert("safetySettings".into(), json!(safety));
    }
    for (name, value) in &rest {
        body.words(&format!(",{}:", json!(name)));
        body.value(value);
    }
    body.words("}");
    body.end_words();
    body
}

pub(super) fn predict(ask: &Ask) -> Body {
    let mut parameters = json!({"sampleCount": 1});
    if let Some(ratio) = &ask.aspect_ratio {
        parameters["aspectRatio"] = json!(ratio);
    }
    let mut body = Body::default();
    body.value(&json!({"instances": [{"prompt": ask.prompt}], "parameters": parameters}));
    body.end_words();
    body
}

fn config(ask: &Ask) -> Value {
    if ask.kind == GenerationKind::Text {
        return json!({"maxOutputTokens": TEXT_TOKENS_MAX});
    }
    let mut config = json!({"responseModalities": ["TEXT", "IMAGE"]});
    if let Some(ratio) = &ask.aspect_ratio {
        config["imageConfig"]["aspectRatio"] = json!(ratio);
    }
    if let Some(size) = &ask.size {
        config["imageConfig"]["imageSize"] = json!(size);
    }
    config
}

/// One side's turn.
struct Content<'a> {
    role: &'static str,
    parts: Vec<Part<'a>>,
}

#[derive(Default)]
struct Part<'a> {
    text: Option<&'a str>,
    picture: Option<&'a Reference>,
    thought: bool,
    signature: Option<&'a Bytes>,
}

/// What was said before, in its order, and what is asked now.
fn contents(ask: &Ask, of: Shown) -> Vec<Content<'_>> {
    let mut contents = Vec::new();
    for said in &ask.turns {
        contents.push(Content { role: "user", parts: vec![text(&said.prompt)] });
        contents.push(Content { role: "model", parts: vec![text(&said.answer)] });
    }
    let Material { references, earlier, .. } = &ask.material;
    if of == Shown::Pictures {
        let newest = earlier.last().into_iter().flat_map(|turn| &turn.parts);
        let painted = newest.filter_map(|part| part.picture.as_ref());
        contents.push(shown(&ask.prompt, painted.chain(references)));
        return contents;
    }
    for turn in earlier {
        contents.push(shown(&turn.prompt, &turn.references));
        contents.push(Content { role: "model", parts: answered(turn) });
    }
    contents.push(shown(&ask.prompt, references));
    contents
}

fn shown<'a>(prompt: &'a str, references: impl IntoIterator<Item = &'a Reference>) -> Content<'a> {
    let references = references.into_iter();
    let pictures = references.map(|picture| Part { picture: Some(picture), ..Part::default() });
    Content { role: "user", parts: std::iter::once(text(prompt)).chain(pictures).collect() }
}

fn answered(turn: &Turn) -> Vec<Part<'_>> {
    let parts = turn.parts.iter().map(|said| Part {
        text: said.text.as_deref(),
        picture: said.picture.as_ref(),
        thought: said.thought,
        signature: said.signature.as_ref(),
    });
    parts.collect()
}

fn text(text: &str) -> Part<'_> {
    Part { text: Some(text), ..Part::default() }
}

impl Content<'_> {
    fn write(&self, body: &mut Body) {
        body.words(&format!("{{\"role\":\"{}\",\"parts\":", self.role));
        body.list(&self.parts, |body, part| part.write(body));
        body.words("}");
    }
}

impl Part<'_> {
    fn write(&self, body: &mut Body) {
        let mut first = true;
        let mut name = |body: &mut Body, name: &str| {
            body.words(if std::mem::take(&mut first) { "{\"" } else { ",\"" });
            body.words(name);
            body.words("\":");
        };
        if let Some(text) = self.text {
            name(body, "text");
            body.value(&json!(text));
        }
        if let Some(picture) = self.picture {
            name(body, "inlineData");
            body.words(&format!("{{\"mimeType\":\"{}\",\"data\":\"", mime(picture.media_type)));
            body.share(&picture.data);
            body.words("\"}");
        }
        if self.thought {
            name(body, "thought");
            body.words("true");
        }
        if let Some(signature) = self.signature {
            name(body, "thoughtSignature");
            body.words("\"");
            body.share(signature);
            body.words("\"");
        }
        body.words(if first { "{}" } else { "}" });
    }
}

fn mime(media_type: MediaType) -> &'static str {
    match media_type {
        MediaType::Jpeg => "image/jpeg",
        MediaType::Png => "image/png",
        MediaType::Webp => "image/webp",
        MediaType::Text => "text/plain",
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
