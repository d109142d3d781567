//! The pages for browsers: the chat and the checkout. Everything on them is embedded.

mod checkout;

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

pub(crate) use self::checkout::{Shown, checkout};
use crate::world::World;

/// Only the sandbox's own files run on its pages; pictures may be previews the page made itself. The chat shows
/// the checkout in a frame.
const POLICY: &str = "default-src 'self'; img-src 'self' blob:; style-src 'self'; \
                      form-action 'self'; frame-ancestors 'self'; base-uri 'none'";

pub(crate) fn routes() -> Router<Arc<World>> {
    let css = "text/css; charset=utf-8";
    let js = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/chat") }))
        .route("/chat", get(|| async { page(include_str!("chat.html").to_owned()) }))
        .route("/pages/style.css", get(move || asset(css, include_str!("style.css"))))
        .route("/pages/chat.css", get(move || asset(css, include_str!("chat.css"))))
        .route("/pages/bubbles.css", get(move || asset(css, include_str!("bubbles.css"))))
        .route("/pages/theme.js", get(move || asset(js, include_str!("theme.js"))))
        .route("/pages/chat.js", get(move || asset(js, include_str!("chat.js"))))
        .route("/pages/state.js", get(move || asset(js, include_str!("state.js"))))
        .route("/pages/dom.js", get(move || asset(js, include_str!("dom.js"))))
        .route("/pages/talk.js", get(move || asset(js, include_str!("talk.js"))))
        .route("/pages/bubbles.js", get(move || asset(js, include_str!("bubbles.js"))))
        .route("/pages/compose.js", get(move || asset(js, include_str!("compose.js"))))
        .route("/pages/sheets.js", get(move || asset(js, include_str!("sheets.js"))))
        .route("/pages/format.js", get(move || asset(js, include_str!("format.js"))))
        .route("/pages/words.js", get(move || asset(js, include_str!("words.js"))))
        .route("/favicon.ico", get(|| asset("image/svg+xml", include_str!("icon.svg"))))
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

fn page(html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html).into_response()
}
