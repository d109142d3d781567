//! All routes. Vendors take any method and path below their base; they answer for what they don't know.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, extract::State, routing::any};

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
        .merge(pages::routes())
        .layer(DefaultBodyLimit::max(PEOPLE_BODY_BYTES_MAX))
        .merge(vendor::<TelegramStandIn>("/telegram/{*rest}"))
        .merge(vendor::<YooKassaStandIn>("/yookassa/v3/{*rest}"))
        .merge(vendor::<GeminiStandIn>("/gemini/{*rest}"))
        .with_state(world)
}

fn vendor<S: StandIn>(path: &str) -> Router<Arc<World>> {
    let handler = |State(world): State<Arc<World>>,
                   cut: axum::extract::ConnectInfo<Cut>,
                   request: axum::extract::Request| serve::<S>(world, cut, request);
    Router::new().route(path, any(handler))
}
