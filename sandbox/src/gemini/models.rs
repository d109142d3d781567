//! The models and their prices in micro-dollars per million tokens (per token, in millionths).

use serde_json::{Value, json};

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
    /// Makes JPEG, takes up to 14 references, signs its parts.
    pub(crate) pro: bool,
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
        image_tokens: [1120, 1120, 2000],
        price: [2_000, 12_000, 120_000],
    },
    Model {
        name: "gemini-nano-banana-2.1",
        title: "Nano Banana 2.1",
        kind: Kind::Image,
        pro: false,
        image_tokens: [1120, 1680, 3780],
        price: [300, 2_500, 30_000],
    },
    Model {
        name: "gemini-3.1-flash-lite-image",
        title: "Gemini 3.1 Flash-Lite Image",
        kind: Kind::Image,
        pro: false,
        image_tokens: [1120, 0, 0],
        price: [300, 2_500, 30_000],
    },
    Model {
        name: "gemini-2.5-flash-image",
        title: "Nano Banana",
        kind: Kind::Image,
        pro: false,
        image_tokens: [1290, 0, 0],
        price: [300, 2_500, 30_000],
    },
    Model {
        name: "gemini-3.8-flash",
        title: "Gemini 3.8 Flash",
        kind: Kind::Text,
        pro: false,
        image_tokens: [0; 3],
        price: [750, 3_750, 0],
    },
    Model {
        name: "gemini-3.5-flash-lite",
        title: "Gemini 3.5 Flash-Lite",
        kind: Kind::Text,
        pro: false,
        image_tokens: [0; 3],
        price: [300, 2_500, 0],
    },
    Model {
        name: "gemini-3.1-pro-preview",
        title: "Gemini 3.1 Pro Preview",
        kind: Kind::Text,
        pro: true,
        image_tokens: [0; 3],
        price: [2_000, 12_000, 0],
    },
];

pub(crate) fn find(name: &str) -> Option<Model> {
    MODELS.into_iter().find(|model| model.name == name)
}

pub(crate) fn shown(model: &Model) -> Value {
    json!({
        "name": format!("models/{}", model.name),
        "version": "001",
        "displayName": model.title,
        "description": "Played by a sandbox",
        "inputTokenLimit": if model.kind == Kind::Image { 65_536 } else { 1_048_576 },
        "outputTokenLimit": if model.kind == Kind::Image { 32_768 } else { 65_536 },
        "supportedGenerationMethods": ["generateContent", "countTokens", "batchGenerateContent"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
    })
}

pub(crate) fn list() -> Value {
    json!({"models": MODELS.iter().map(shown).collect::<Vec<_>>()})
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
