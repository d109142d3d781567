//! Files that pages need, under names that change with what is in them.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::door::{Door, Need};
use crate::log::hex;

const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");
const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2f6f3e"/><path d="M8 24C8 13 14 7 25 7c0 11-6 17-17 17z" fill="#f4d35e"/></svg>"##;
pub(super) const ICON_PATH: &str = "/assets/icon.svg";
const FOR_A_YEAR: &str = "public, max-age=31536000, immutable";

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| named("/assets/console.css", STYLE));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| named("/assets/console.js", SCRIPT));

fn named(path: &str, text: &str) -> String {
    let digest = hex(&Sha256::digest(text.as_bytes()));
    format!("{path}?{}", digest.get(..12).unwrap_or_default())
}

pub(super) fn style_path() -> &'static str {
    &STYLE_PATH
}

pub(super) fn script_path() -> &'static str {
    &SCRIPT_PATH
}

pub(super) fn rooms(door: &mut Door) {
    door.get("/assets/console.css", Need::Nothing, || async { file("text/css; charset=utf-8", STYLE) });
    door.get("/assets/console.js", Need::Nothing, || async {
        file("text/javascript; charset=utf-8", SCRIPT)
    });
    door.get(ICON_PATH, Need::Nothing, || async { file("image/svg+xml", ICON) });
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_A_YEAR)], text).into_response()
}
