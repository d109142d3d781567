//! All routes. Vendors take any method and path below their base; they answer for what they don't know.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::any,
};

use crate::{
    desk,
    gemini::GeminiStandIn,
    line::Cut,
    pages, people,
    telegram::TelegramStandIn,
    vendor::{StandIn, serve},
    world::World,
    yookassa::{self, YooKassaStandIn},
};

/// What people may send: an album of ten photos.
const PEOPLE_BODY_BYTES_MAX: usize = 128 * 1024 * 1024;

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new()
        .merge(desk::routes())
        .merge(people::routes())
        .merge(yookassa::checkout::routes())
        .merge(yookassa::registry::routes())
        .merge(pages::routes())
        .layer(DefaultBodyLimit::max(PEOPLE_BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(world.clone(), own_pages_only))
        .merge(vendor::<TelegramStandIn>("/telegram/{*rest}"))
        .merge(vendor::<YooKassaStandIn>("/yookassa/v3/{*rest}"))
        .merge(vendor::<GeminiStandIn>("/gemini/{*rest}"))
        .with_state(world)
}

fn vendor<S: StandIn>(path: &str) -> Router<Arc<World>> {
    let handler = |State(world): State<Arc<World>>,
                   cut: axum::extract::ConnectInfo<Cut>,
                   request: Request| serve::<S>(world, cut, request);
    Router::new().route(path, any(handler))
}

/// A stranger's page in the same browser must not write here as anybody.
async fn own_pages_only(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    if is_strangers(request.headers(), &world.base_url) {
        return (StatusCode::FORBIDDEN, "the sandbox's own pages only\n").into_response();
    }
    next.run(request).await
}

fn is_strangers(headers: &HeaderMap, base_url: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(header::ORIGIN)
        .is_some_and(|origin| origin != base_url && origin.split("://").nth(1) != text(header::HOST))
}
