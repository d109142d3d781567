//! `reply_markup`, checked as Telegram checks it.

use serde_json::{Map, Value};

use super::{error::ApiError, params::Params};

const CALLBACK_DATA_BYTES_MAX: usize = 64;
const BUTTONS_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Keyboard {
    None,
    /// The `InlineKeyboardMarkup`, empty rows taken out.
    Inline(Value),
    Reply(Value),
    Remove,
    /// The `ForceReply`.
    ForceReply(Value),
}

impl Keyboard {
    pub(crate) fn read(params: &Params) -> Result<Self, ApiError> {
        let Some(markup) = params.json("reply_markup")? else { return Ok(Self::None) };
        let Some(fields) = markup.as_object() else {
            return Err(ApiError::bad("object expected as reply markup"));
        };
        if fields.is_empty() {
            return Ok(Self::None);
        }
        if let Some(rows) = fields.get("inline_keyboard") {
            return inline(rows);
        }
        if fields.contains_key("keyboard") {
            return reply(&markup);
        }
        if fields.get("remove_keyboard") == Some(&Value::Bool(true)) {
            return Ok(Self::Remove);
        }
        if fields.get("force_reply") == Some(&Value::Bool(true)) {
            return Ok(Self::ForceReply(markup));
        }
        Ok(Self::None)
    }

    /// For methods that take inline keyboards only.
    pub(crate) fn read_inline(params: &Params) -> Result<Self, ApiError> {
        match Self::read(params)? {
            keyboard @ (Self::None | Self::Inline(_)) => Ok(keyboard),
            _ => Err(ApiError::bad("inline keyboard expected")),
        }
    }

    /// What stands in the `Message`.
    pub(crate) fn shown(&self) -> Option<&Value> {
        match self {
            Self::Inline(markup) => Some(markup),
            _ => None,
        }
    }

    /// Whether the first button of all pays.
    pub(crate) fn pays(&self) -> bool {
        self.shown().is_some_and(|markup| markup["inline_keyboard"][0][0]["pay"] == true)
    }

    pub(crate) fn has_pay(&self) -> bool {
        self.shown()
            .and_then(|markup| markup["inline_keyboard"].as_array())
            .is_some_and(|rows| rows.iter().filter_map(Value::as_array).flatten().any(|b| b["pay"] == true))
    }
}

fn inline(rows: &Value) -> Result<Keyboard, ApiError> {
    let parse = |why: &str| ApiError::bad(format!("can't parse inline keyboard button: {why}"));
    let Some(rows) = rows.as_array() else {
        return Err(ApiError::bad(
            "field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays",
        ));
    };
    let mut kept = Vec::new();
    let mut count = 0;
    for row in rows {
        let Some(buttons) = row.as_array() else {
            return Err(ApiError::bad("field \"inline_keyboard\" must be an Array of Arrays"));
        };
        let mut line = Vec::new();
        for button in buttons {
            let Some(fields) = button.as_object() else {
                return Err(parse("InlineKeyboardButton must be an Object"));
            };
            line.push(Value::Object(inline_button(fields)?));
            count += 1;
        }
        if !line.is_empty() {
            kept.push(Value::Array(line));
        }
    }
    if count > BUTTONS_MAX {
        return Err(ApiError::bad("reply markup is too long"));
    }
    if kept.is_empty() {
        return Ok(Keyboard::None);
    }
    Ok(Keyboard::Inline(serde_json::json!({"inline_keyboard": kept})))
}

const KINDS: [&str; 10] = [
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
];

fn inline_button(fields: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let parse = |why: String| ApiError::bad(format!("can't parse inline keyboard button: {why}"));
    let text = fields
        .get("text")
        .and_then(Value::as_str)
        .ok_or_else(|| parse("Can't find field \"text\"".to_owned()))?;
    if text.trim().is_empty() {
        return Err(ApiError::bad("inline keyboard button text must be non-empty"));
    }
    let kind = KINDS.iter().find(|kind| fields.get(**kind).is_some_and(|value| !value.is_null()));
    let Some(kind) = kind else {
        return Err(parse("Text buttons are unallowed in the inline keyboard".to_owned()));
    };
    let value = &fields[*kind];
    match *kind {
        "callback_data" => {
            let data = value
                .as_str()
                .ok_or_else(|| parse("Field \"callback_data\" must be of type String".to_owned()))?;
            if data.is_empty() || data.len() > CALLBACK_DATA_BYTES_MAX {
                return Err(ApiError::bad("BUTTON_DATA_INVALID"));
            }
        }
        "url" => check_url(value.as_str().unwrap_or_default())?,
        "web_app" => {
            let url = value["url"].as_str().unwrap_or_default();
            if !url.starts_with("https://") {
                return Err(ApiError::bad(format!(
                    "inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
                )));
            }
        }
        "copy_text" => {
            let length = value["text"].as_str().unwrap_or_default().chars().count();
            if !(1..=256).contains(&length) {
                return Err(ApiError::bad("BUTTON_COPY_TEXT_INVALID"));
            }
        }
        _ => {}
    }
    let mut button = Map::new();
    button.insert("text".to_owned(), Value::String(text.to_owned()));
    button.insert((*kind).to_owned(), value.clone());
    if let Some(style) = fields.get("style").and_then(Value::as_str) {
        if !matches!(style, "danger" | "success" | "primary") {
            return Err(ApiError::bad("invalid button style specified"));
        }
        button.insert("style".to_owned(), Value::String(style.to_owned()));
    }
    Ok(button)
}

/// Telegram wants a host with a dot in it; `tg://` links pass.
fn check_url(url: &str) -> Result<(), ApiError> {
    let wrong = |why: &str| ApiError::bad(format!("inline keyboard button URL '{url}' is invalid: {why}"));
    if url.is_empty() {
        return Err(wrong("URL is empty"));
    }
    if url.starts_with("tg://") || url.starts_with("ton://") {
        return Ok(());
    }
    let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let parsed = reqwest::Url::parse(&whole).map_err(|_| wrong("Wrong HTTP URL"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("Unsupported URL protocol"));
    }
    match parsed.host_str() {
        Some(host) if host.contains('.') || host.contains(':') => Ok(()),
        _ => Err(wrong("Wrong HTTP URL")),
    }
}

fn reply(markup: &Value) -> Result<Keyboard, ApiError> {
    let rows = markup["keyboard"].as_array().ok_or_else(|| {
        ApiError::bad("field \"keyboard\" of the ReplyKeyboardMarkup must be an Array of Arrays")
    })?;
    for button in rows.iter().flat_map(|row| row.as_array().into_iter().flatten()) {
        let text = button.as_str().or_else(|| button["text"].as_str()).unwrap_or_default();
        if text.is_empty() {
            return Err(ApiError::bad("keyboard button text must be non-empty"));
        }
    }
    if rows.iter().all(|row| row.as_array().is_none_or(Vec::is_empty)) {
        return Ok(Keyboard::None);
    }
    Ok(Keyboard::Reply(markup.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn callback_data_is_counted_in_bytes() {
        let row = |data: String| json!([[{"text": "a", "callback_data": data}]]);
        assert!(inline(&row("я".repeat(32))).is_ok());
        assert_eq!(inline(&row("я".repeat(33))), Err(ApiError::bad("BUTTON_DATA_INVALID")));
        assert_eq!(inline(&row(String::new())), Err(ApiError::bad("BUTTON_DATA_INVALID")));
    }

    #[test]
    fn a_button_does_something_and_its_link_has_a_host() {
        assert!(inline(&json!([[{"text": "a"}]])).is_err());
        assert!(inline(&json!([[{"text": "a", "url": "http://127.0.0.1:8090/checkout/1"}]])).is_ok());
        assert!(inline(&json!([[{"text": "a", "url": "http://localhost:8090/"}]])).is_err());
        assert!(inline(&json!([[{"text": "", "callback_data": "x"}]])).is_err());
    }
}
