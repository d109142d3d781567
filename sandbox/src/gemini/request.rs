//! A generateContent request, read as proto3 JSON is: camelCase or snake_case, either base64
//! alphabet, unknown names refused.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    contents::read_content,
    error::ApiError,
    models::{Kind, Model, Size, nearest_ratio, pixels},
};

/// A picture that was sent along.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) bytes: Bytes,
    pub(crate) sha256: String,
    /// One of the model's own, shown to it again.
    pub(crate) models: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The texts of the last turn of the user.
    pub(crate) prompt: String,
    /// How many turns came before it.
    pub(crate) turns: usize,
    pub(crate) references: Vec<Reference>,
    pub(crate) picture: bool,
    pub(crate) text: bool,
    pub(crate) ratio: Option<String>,
    pub(crate) size: Size,
    pub(crate) output_tokens_max: Option<i64>,
}

impl Asked {
    pub(crate) fn pixels(&self, model: &Model) -> (u32, u32) {
        let ratio = self.ratio.clone().unwrap_or_else(|| {
            let first = self.references.first();
            let size = first.and_then(|one| {
                let reader =
                    image::ImageReader::new(std::io::Cursor::new(&one.bytes)).with_guessed_format().ok()?;
                reader.into_dimensions().ok()
            });
            size.map_or("1:1", |(width, height)| nearest_ratio(width, height)).to_owned()
        });
        // The ratio was checked or chosen from the table.
        pixels(model, &ratio, self.size).unwrap_or((1024, 1024))
    }
}

/// Proto3 JSON's names for an object's fields, made camelCase; unknown ones are refused.
pub(super) fn fields<'a>(value: &'a Value, at: &str, known: &[&str]) -> Result<Map<String, Value>, ApiError> {
    let object: &'a Map<String, Value> = value
        .as_object()
        .ok_or_else(|| ApiError::invalid(format!("Invalid value at '{at}': an object is expected")))?;
    let mut out = Map::new();
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let camel = camel(name);
        if !known.contains(&camel.as_str()) {
            let place = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
            return Err(ApiError::invalid(format!(
                "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
            )));
        }
        out.insert(camel, value.clone());
    }
    Ok(out)
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.extend(chars);
    }
    out
}

const REQUEST: [&str; 9] = [
    "contents",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "tools",
    "toolConfig",
    "cachedContent",
    "model",
    "serviceTier",
];
const CONFIG: [&str; 22] = [
    "responseModalities",
    "imageConfig",
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "candidateCount",
    "stopSequences",
    "seed",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "presencePenalty",
    "frequencyPenalty",
    "thinkingConfig",
    "mediaResolution",
    "speechConfig",
    "responseLogprobs",
    "logprobs",
    "audioTimestamp",
    "enableEnhancedCivicAnswers",
    "responseFormat",
];
pub(crate) fn read(body: &[u8], model: &Model) -> Result<Asked, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        ApiError::invalid(format!("Invalid JSON payload received. Unable to parse: {error}"))
    })?;
    let request = fields(&value, "", &REQUEST)?;
    let mut asked = config(request.get("generationConfig").unwrap_or(&Value::Null), model)?;
    if let Some(instruction) = request.get("systemInstruction") {
        fields(instruction, "system_instruction", &["parts", "role"])?;
    }
    let contents = request.get("contents").map(|contents| match contents {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    });
    let contents = contents
        .filter(|list| !list.is_empty())
        .ok_or_else(|| ApiError::invalid("* GenerateContentRequest.contents: contents is not specified\n"))?;
    asked.turns = contents.len() - 1;
    for (at, content) in contents.iter().enumerate() {
        read_content(&mut asked, content, at, at + 1 == contents.len(), model)?;
    }
    if let Some(settings) = request.get("safetySettings") {
        safety(settings)?;
    }
    let max = model.references_max;
    if asked.references.iter().filter(|reference| !reference.models).count() > max {
        return Err(ApiError::invalid(format!(
            "Too many input images: at most {max} are supported by this model."
        )));
    }
    Ok(asked)
}

fn config(value: &Value, model: &Model) -> Result<Asked, ApiError> {
    let mut asked = Asked {
        prompt: String::new(),
        turns: 0,
        references: Vec::new(),
        picture: model.kind == Kind::Image,
        text: true,
        ratio: None,
        size: Size::OneK,
        output_tokens_max: None,
    };
    if value.is_null() {
        return Ok(asked);
    }
    let config = fields(value, "generation_config", &CONFIG)?;
    if config.get("candidateCount").and_then(Value::as_i64).is_some_and(|count| count != 1) {
        return Err(ApiError::invalid("Multiple candidates is not enabled for this model"));
    }
    asked.output_tokens_max = config.get("maxOutputTokens").and_then(Value::as_i64);
    if let Some(list) = config.get("responseModalities") {
        modalities(&mut asked, list, model)?;
    }
    if let Some(image) = config.get("imageConfig") {
        image_config(&mut asked, image, model)?;
    }
    Ok(asked)
}

fn image_config(asked: &mut Asked, image: &Value, model: &Model) -> Result<(), ApiError> {
    let place = "generation_config.image_config";
    // What Vertex has besides is not known here (google-genai refuses it for this API).
    let image = fields(image, place, &["aspectRatio", "imageSize"])?;
    if model.kind != Kind::Image {
        return Err(ApiError::invalid("Image config is not supported by this model."));
    }
    if let Some(ratio) = image.get("aspectRatio").and_then(Value::as_str) {
        if pixels(model, ratio, Size::OneK).is_none() {
            return Err(ApiError::invalid(format!(
                "Invalid value at '{place}.aspect_ratio': \"{ratio}\" is not supported."
            )));
        }
        asked.ratio = Some(ratio.to_owned());
    }
    if let Some(size) = image.get("imageSize").and_then(Value::as_str) {
        let known = Size::read(size).filter(|size| size.tokens(model) > 0);
        asked.size = known.ok_or_else(|| {
            ApiError::invalid(format!(
                "Image size {size} is not supported by this model (1K, 2K, 4K; capital K)."
            ))
        })?;
    }
    Ok(())
}

const CATEGORIES: [&str; 5] = [
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
];
const THRESHOLDS: [&str; 6] = [
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
];

/// Each category at most once.
fn safety(settings: &Value) -> Result<(), ApiError> {
    let mut seen: Vec<String> = Vec::new();
    for (at, one) in settings.as_array().into_iter().flatten().enumerate() {
        let place = format!("safety_settings[{at}]");
        let one = fields(one, &place, &["category", "threshold"])?;
        let named = |name: &str, known: &[&str]| {
            let value = one.get(name).and_then(Value::as_str).unwrap_or_default();
            match known.contains(&value) {
                true => Ok(value.to_owned()),
                false => Err(ApiError::invalid(format!("Invalid value at '{place}.{name}', \"{value}\""))),
            }
        };
        let category = named("category", &CATEGORIES)?;
        named("threshold", &THRESHOLDS)?;
        if seen.contains(&category) {
            return Err(ApiError::invalid(format!(
                "* GenerateContentRequest.safety_settings[{at}]: duplicate safety setting: {category}\n"
            )));
        }
        seen.push(category);
    }
    Ok(())
}

fn modalities(asked: &mut Asked, list: &Value, model: &Model) -> Result<(), ApiError> {
    let names: Vec<String> = match list {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_ascii_uppercase).collect(),
        Value::String(one) => vec![one.to_ascii_uppercase()],
        _ => Vec::new(),
    };
    if names.is_empty() {
        return Ok(());
    }
    if let Some(unknown) = names.iter().find(|name| !matches!(name.as_str(), "TEXT" | "IMAGE")) {
        return Err(ApiError::invalid(format!(
            "Invalid value at 'generation_config.response_modalities[0]' (type.googleapis.com/google.ai.generativelanguage.v1beta.GenerationConfig.Modality), \"{unknown}\""
        )));
    }
    asked.picture = names.iter().any(|name| name == "IMAGE");
    asked.text = names.iter().any(|name| name == "TEXT");
    let wrong =
        asked.picture && model.kind == Kind::Text || !asked.picture && model.name == "gemini-2.5-flash-image";
    if wrong {
        return Err(ApiError::invalid(format!(
            "The requested combination of response modalities ({}) is not supported by the model. models/{}",
            names.join(", "),
            model.name
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gemini::models;

    fn ask(body: &Value) -> Result<Asked, ApiError> {
        read(body.to_string().as_bytes(), &models::find("gemini-3-pro-image").unwrap())
    }

    #[test]
    fn both_spellings_are_read() {
        let camel = ask(&json!({"contents": [{"parts": [{"text": "a"}]}],
            "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}}));
        let snake = ask(&json!({"contents": {"parts": {"text": "a"}},
            "generation_config": {"response_modalities": ["IMAGE"], "image_config": {"aspect_ratio": "16:9", "image_size": "2K"}}}));
        for asked in [camel.unwrap(), snake.unwrap()] {
            assert_eq!(asked.prompt, "a");
            assert_eq!(asked.pixels(&models::find("gemini-3-pro-image").unwrap()), (2752, 1536));
            assert!(asked.picture && !asked.text);
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for bad in [
            json!({}),
            json!({"contents": []}),
            json!({"contents": [{"parts": []}]}),
            json!({"contents": [{"parts": [{"txt": "a"}]}]}),
            json!({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}),
            json!({"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"imageConfig": {"imageSize": "2k"}}}),
            json!({"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"imageConfig": {"aspectRatio": "7:5"}}}),
            json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "!!"}}]}]}),
            json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGVsbG8="}}]}]}),
            json!({"contents": [{"parts": [{"text": "a"}]}], "safetySettings": [{"category": "HARM", "threshold": "OFF"}]}),
            json!({"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"imageConfig": {"personGeneration": "ALL"}}}),
        ] {
            assert_eq!(ask(&bad).unwrap_err().code, 400, "{bad}");
        }
    }
}
