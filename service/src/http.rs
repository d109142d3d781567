//! The web side that every service has: its own pages plus `/health`, `/ready` and `/metrics`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// What a service needs to be ready, and whether it has it.
#[derive(Debug, Clone)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Health {
    /// All needs start as down.
    pub fn new(needs: &[&'static str]) -> Self {
        Self(Arc::new(Mutex::new(needs.iter().map(|need| (*need, false)).collect())))
    }

    fn needs(&self) -> MutexGuard<'_, BTreeMap<&'static str, bool>> {
        // Only whole assignments happen under the lock.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn set(&self, need: &'static str, up: bool) {
        let before = self.needs().insert(need, up);
        if before != Some(up) {
            tracing::info!(need, up, "readiness changed");
        }
    }

    pub fn is_ready(&self) -> bool {
        self.needs().values().all(|up| *up)
    }

    /// What is needed, and whether it is there.
    pub fn all(&self) -> Vec<(&'static str, bool)> {
        self.needs().iter().map(|(need, up)| (*need, *up)).collect()
    }

    fn report(&self) -> (StatusCode, Json<Value>) {
        let needs = self.needs().clone();
        let ready = needs.values().all(|up| *up);
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(json!({"ready": ready, "needs": needs})))
    }
}

/// Serves until told to stop, then lets open requests end.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    health: Health,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let router = router
        .route("/health", get(|| async { Json(json!({"healthy": true})) }))
        .route("/ready", get(move || async move { health.report() }))
        .route("/metrics", get(|| async { telemetry::render_metrics() }));
    // With the peer's address, for those that filter by it.
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await
}
