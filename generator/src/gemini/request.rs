//! The body of `generateContent`.

use proto_events::events::GenerationKind;
use serde::Serialize;

use super::Ask;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    contents: [Content<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
}

#[derive(Serialize)]
struct Content<'a> {
    role: &'static str,
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    response_modalities: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    image_config: Option<ImageConfig<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size: Option<&'a str>,
}

pub(super) fn of(ask: &Ask) -> Request<'_> {
    let contents = [Content { role: "user", parts: [Part { text: &ask.prompt }] }];
    let generation_config = match ask.kind {
        GenerationKind::Text => None,
        GenerationKind::Picture | GenerationKind::Edit => {
            let (aspect_ratio, image_size) = (ask.aspect_ratio.as_deref(), ask.size.as_deref());
            let image = ImageConfig { aspect_ratio, image_size };
            let named = aspect_ratio.is_some() || image_size.is_some();
            Some(GenerationConfig {
                response_modalities: ["TEXT", "IMAGE"],
                image_config: named.then_some(image),
            })
        }
    };
    Request { contents, generation_config }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    fn ask(kind: GenerationKind, aspect_ratio: Option<&str>, size: Option<&str>) -> serde_json::Value {
        to_value(of(&Ask {
            kind,
            model: "m".into(),
            prompt: "a fox".into(),
            aspect_ratio: aspect_ratio.map(str::to_owned),
            size: size.map(str::to_owned),
        }))
        .unwrap()
    }

    #[test]
    fn a_picture_is_asked_for_with_its_shape_and_a_text_without() {
        let contents = json!([{"role": "user", "parts": [{"text": "a fox"}]}]);
        assert_eq!(
            ask(GenerationKind::Picture, Some("16:9"), Some("2K")),
            json!({"contents": contents, "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            }})
        );
        assert_eq!(
            ask(GenerationKind::Edit, None, None),
            json!({"contents": contents, "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}})
        );
        assert_eq!(ask(GenerationKind::Text, Some("1:1"), None), json!({"contents": contents}));
    }
}
