//! The models and their prices in micro-dollars per million tokens (per token, in millionths).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{error::ApiError, predict};
use crate::faults::Format;

/// Models on a page of the list, when nobody says how many, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Image,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    /// Makes JPEG, signs its parts.
    pub(crate) pro: bool,
    /// Pictures of the user's that it takes.
    pub(crate) references_max: usize,
    /// Tokens of a 1K, 2K and 4K picture; 0 where the size isn't offered.
    pub(crate) image_tokens: [i64; 3],
    /// Dollars per million tokens, times 1000: text in, text and thoughts out, image out.
    pub(crate) price: [i64; 3],
}

const MODELS: [Model; 7] = [
    Model {
        name: "gemini-3-pro-image",
        title: "Nano Banana Pro",
        kind: Kind::Image,
        pro: true,
        references_max: 14,
        image_tokens: [1120, 1120, 2000],
        price: [2_000, 12_000, 120_000],
    },
    Model {
        name: "gemini-nano-banana-2.1",
        title: "Nano Banana 2.1",
        kind: Kind::Image,
        pro: false,
        references_max: 14,
        image_tokens: [1120, 1680, 3780],
        price: [300, 2_500, 30_000],
    },
    Model {
        name: "gemini-3.1-flash-lite-image",
        title: "Gemini 3.1 Flash-Lite Image",
        kind: Kind::Image,
        pro: false,
        references_max: 10,
        image_tokens: [1120, 0, 0],
        price: [300, 2_500, 30_000],
    },
    Model {
        name: "gemini-2.5-flash-image",
        title: "Nano Banana",
        kind: Kind::Image,
        pro: false,
        references_max: 10,
        image_tokens: [1290, 0, 0],
        price: [300, 2_500, 30_000],
    },
    Model {
        name: "gemini-3.8-flash",
        title: "Gemini 3.8 Flash",
        kind: Kind::Text,
        pro: false,
        references_max: 10,
        image_tokens: [0; 3],
        price: [750, 3_750, 0],
    },
    Model {
        name: "gemini-3.5-flash-lite",
        title: "Gemini 3.5 Flash-Lite",
        kind: Kind::Text,
        pro: false,
        references_max: 10,
        image_tokens: [0; 3],
        price: [300, 2_500, 0],
    },
    Model {
        name: "gemini-3.1-pro-preview",
        title: "Gemini 3.1 Pro Preview",
        kind: Kind::Text,
        pro: true,
        references_max: 10,
        image_tokens: [0; 3],
        price: [2_000, 12_000, 0],
    },
];

impl Model {
    pub(crate) fn format(&self) -> Format {
        if self.pro { Format::Jpeg } else { Format::Png }
    }
}

pub(crate) fn find(name: &str) -> Option<Model> {
    MODELS.into_iter().find(|model| model.name == name)
}

/// Whose price a version has: the longest name it begins with.
pub(crate) fn of_version(version: &str) -> Option<Model> {
    let known = MODELS.into_iter().filter(|model| {
        version.strip_prefix(model.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    known.max_by_key(|model| model.name.len())
}

pub(crate) fn shown(model: &Model) -> Value {
    let limits = if model.kind == Kind::Image { (65_536, 32_768) } else { (1_048_576, 65_536) };
    let methods = ["generateContent", "countTokens", "batchGenerateContent"];
    let mut shown = card(model.name, model.title, limits, &methods);
    shown["temperature"] = json!(1);
    shown["topP"] = json!(0.95);
    shown["topK"] = json!(64);
    shown["maxTemperature"] = json!(2);
    shown
}

/// Imagen's, which has other methods.
pub(crate) fn shown_predict(name: &str) -> Value {
    card(name, "Imagen 4", (480, 8_192), &["predict"])
}

fn card(name: &str, title: &str, (input, output): (u32, u32), methods: &[&str]) -> Value {
    json!({
        "name": format!("models/{name}"),
        "version": "001",
        "displayName": title,
        "description": "Played by a sandbox",
        "inputTokenLimit": input,
        "outputTokenLimit": output,
        "supportedGenerationMethods": methods,
    })
}

/// A page of all models: `pageSize`, `pageToken`.
pub(crate) fn list(query: &[(String, String)]) -> Result<Value, ApiError> {
    let asked = |name: &str| {
        let value = query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    };
    let size = match asked("pageSize").map(str::parse) {
        None | Some(Ok(0)) => PAGE,
        Some(Ok(size)) => PAGE_MAX.min(size),
        Some(Err(_)) => return Err(ApiError::invalid("Invalid value at 'page_size' (TYPE_INT32)")),
    };
    let from = asked("pageToken").map_or(Some(0), read_token);
    let from = from.ok_or_else(|| ApiError::invalid("The page token is not valid."))?;
    let predicting = predict::MODELS.iter().map(|name| shown_predict(name));
    let all: Vec<Value> = MODELS.iter().map(shown).chain(predicting).collect();
    let page: Vec<&Value> = all.iter().skip(from).take(size).collect();
    let mut answer = json!({"models": page});
    if from + size < all.len() {
        answer["nextPageToken"] = json!(URL_SAFE_NO_PAD.encode(format!("from:{}", from + size)));
    }
    Ok(answer)
}

fn read_token(token: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix("from:")?.parse().ok()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    OneK,
    TwoK,
    FourK,
}

impl Size {
    pub(crate) fn read(name: &str) -> Option<Self> {
        match name {
            "1K" => Some(Self::OneK),
            "2K" => Some(Self::TwoK),
            "4K" => Some(Self::FourK),
            _ => None,
        }
    }

    pub(crate) fn factor(self) -> u32 {
        match self {
            Self::OneK => 1,
            Self::TwoK => 2,
            Self::FourK => 4,
        }
    }

    pub(crate) fn tokens(self, model: &Model) -> i64 {
        model.image_tokens[match self {
            Self::OneK => 0,
            Self::TwoK => 1,
            Self::FourK => 2,
        }]
    }
}

type Pixels = (u32, u32);

const RATIOS: [(&str, Pixels, Pixels); 10] = [
    // ratio, pixels at 1K, and of the older 2.5 model
    ("1:1", (1024, 1024), (1024, 1024)),
    ("2:3", (848, 1264), (832, 1248)),
    ("3:2", (1264, 848), (1248, 832)),
    ("3:4", (896, 1200), (864, 1184)),
    ("4:3", (1200, 896), (1184, 864)),
    ("4:5", (928, 1152), (896, 1152)),
    ("5:4", (1152, 928), (1152, 896)),
    ("9:16", (768, 1376), (768, 1344)),
    ("16:9", (1376, 768), (1344, 768)),
    ("21:9", (1584, 672), (1536, 672)),
];

/// Pixels of a picture; `None` for a ratio that isn't offered.
pub(crate) fn pixels(model: &Model, ratio: &str, size: Size) -> Option<(u32, u32)> {
    let (_, new, old) = RATIOS.into_iter().find(|(name, ..)| *name == ratio)?;
    let (width, height) = if model.name.starts_with("gemini-2.5") { old } else { new };
    Some((width * size.factor(), height * size.factor()))
}

/// The offered ratio nearest to a picture's.
pub(crate) fn nearest_ratio(width: u32, height: u32) -> &'static str {
    let wanted = (f64::from(width.max(1)) / f64::from(height.max(1))).ln();
    let distance = |pixels: (u32, u32)| ((f64::from(pixels.0) / f64::from(pixels.1)).ln() - wanted).abs();
    RATIOS.into_iter().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map_or("1:1", |(name, ..)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_billed_as_the_longest_name_it_begins_with() {
        let name = |version| of_version(version).map(|model| model.name);
        assert_eq!(name("gemini-3-pro-image-001"), Some("gemini-3-pro-image"));
        assert_eq!(name("gemini-3.8-flash"), Some("gemini-3.8-flash"));
        assert_eq!(name("gemini-3-pro-imagery"), None);
    }

    #[test]
    fn the_list_comes_in_pages() {
        let ask = |size: &str, token: &str| {
            list(&[("pageSize".to_owned(), size.to_owned()), ("pageToken".to_owned(), token.to_owned())])
        };
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let page = ask("4", &token).unwrap();
            names.extend(page["models"].as_array().unwrap().iter().map(|model| model["name"].to_string()));
            let Some(next) = page["nextPageToken"].as_str() else { break };
            next.clone_into(&mut token);
        }
        let whole = ask("", "").unwrap();
        assert_eq!(names.len(), whole["models"].as_array().unwrap().len());
        assert!(names.len() > 8 && whole.get("nextPageToken").is_none());
        assert!(ask("many", "").is_err() && ask("", "nonsense").is_err());
    }
}
