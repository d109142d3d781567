//! Text from outside: bounded, and without NUL, which Postgres cannot hold.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    #[error("text must be at most {max} characters, not {found}")]
    TooLong { max: usize, found: usize },
    #[error("text must not hold the NUL character")]
    Nul,
}

/// Text of at most `MAX` characters (Unicode scalar values) without NUL.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Text{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "text without the NUL character",
            "type": "string", "maxLength": MAX, "pattern": "^[^\\u0000]*$",
        })
    }
}

impl<const MAX: usize> Text<MAX> {
    /// # Errors
    /// Longer than `MAX` characters, or with a NUL in it.
    pub fn new(text: impl Into<String>) -> Result<Self, BadText> {
        let text = text.into();
        if text.contains('\0') {
            return Err(BadText::Nul);
        }
        let found = text.chars().count();
        if found > MAX {
            return Err(BadText::TooLong { max: MAX, found });
        }
        Ok(Self(text))
    }

    /// The text without NULs, cut to `MAX` characters: for vendors' words that are kept for people.
    pub fn lossy(text: &str) -> Self {
        Self(text.chars().filter(|c| *c != '\0').take(MAX).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = BadText;
    fn try_from(text: String) -> Result<Self, BadText> {
        Self::new(text)
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> String {
        text.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MAX: usize> std::ops::Deref for Text<MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
