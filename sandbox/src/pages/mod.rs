//! The pages for browsers: the chat and the checkout. Everything on them is embedded.

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::Value;

use crate::world::World;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/chat") }))
        .route("/chat", get(|| async { Html(include_str!("chat.html")) }))
        .route("/pages/style.css", get(|| asset("text/css", include_str!("style.css"))))
        .route("/pages/chat.css", get(|| asset("text/css", include_str!("chat.css"))))
        .route("/pages/chat.js", get(|| asset("text/javascript", include_str!("chat.js"))))
        .route("/pages/format.js", get(|| asset("text/javascript", include_str!("format.js"))))
        .route("/favicon.ico", get(|| asset("image/svg+xml", include_str!("icon.svg"))))
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The payment page of one payment.
pub(crate) fn checkout(payment: &Value, return_url: Option<&str>) -> Response {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let status = payment["status"].as_str().unwrap_or_default();
    let back = return_url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    let method = payment["payment_method"]["type"].as_str().unwrap_or("bank_card");
    let page = include_str!("checkout.html")
        .replace("{{id}}", &text(&payment["id"]))
        .replace("{{value}}", &text(&payment["amount"]["value"]).replace('.', ","))
        .replace("{{description}}", &text(&payment["description"]))
        .replace("{{shop}}", &text(&payment["recipient"]["account_id"]))
        .replace("{{method}}", &escaped(method))
        .replace("{{reason}}", &text(&payment["cancellation_details"]["reason"]))
        .replace("{{back}}", &escaped(back.unwrap_or("/chat")))
        .replace("{{status}}", &escaped(status));
    Html(page).into_response()
}
