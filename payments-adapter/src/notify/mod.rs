//! The door for YooKassa's notifications.
//!
//! Way: secret in the path → address filter → body (bounded) → closed enum → proof. YooKassa signs
//! nothing, so a notification is a hint: what is true is asked of YooKassa itself ([`crate::proof`]).
//! 200 when there is nothing more to do, which includes what we refuse to believe; 503 when someone
//! did not answer, so that YooKassa brings it again for 24 h.

pub mod address;
mod notice;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Path, Request, State},
    http::StatusCode,
    routing::post,
};
use proto_events::events::ProviderId;
use secrecy::{ExposeSecret, SecretString};
use service::client::Hops;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use self::{address::Filter, notice::Notice};
use crate::proof::{Away, Outcome, Prover};

/// A notification is a payment object: a few KB.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Whoever sends a body slower is not YooKassa.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Each notification costs a call to YooKassa, so that many at once and no more: forgers could make us
/// flood it.
const PROOFS_MAX: usize = 16;
/// How long one may wait for its turn; then YooKassa is asked to come again.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

const PATH: &str = "/yookassa/webhook";

/// Who is let in.
#[derive(Debug, Default)]
pub struct Door {
    /// the last part of the path
    pub secret: Option<SecretString>,
    pub filter: Option<Filter>,
    pub hops: Hops,
}

struct Desk {
    door: Door,
    prover: Arc<Prover>,
    turns: Semaphore,
}

/// `POST /yookassa/webhook`, or with a secret `POST /yookassa/webhook/<secret>`.
pub fn router(door: Door, prover: Arc<Prover>) -> Router {
    let desk = Arc::new(Desk { door, prover, turns: Semaphore::new(PROOFS_MAX) });
    let bare =
        |State(desk): State<Arc<Desk>>, request: Request| async move { enter(&desk, "", request).await };
    let named = |State(desk): State<Arc<Desk>>, Path(secret): Path<String>, request: Request| async move {
        enter(&desk, &secret, request).await
    };
    Router::new().route(PATH, post(bare)).route(&format!("{PATH}/{{secret}}"), post(named)).with_state(desk)
}

async fn enter(desk: &Desk, secret: &str, request: Request) -> StatusCode {
    let status = handle(desk, secret, request).await;
    metrics::counter!("payments_notifications_total", "status" => status.as_str().to_owned()).increment(1);
    status
}

async fn handle(desk: &Desk, secret: &str, request: Request) -> StatusCode {
    if !desk.door.opens(secret) {
        tracing::warn!("a notification came with a wrong secret in its path");
        return StatusCode::NOT_FOUND;
    }
    if let Some(filter) = &desk.door.filter {
        let peer = request.extensions().get::<ConnectInfo<std::net::SocketAddr>>().map(|peer| peer.0.ip());
        let client = desk.door.hops.client(peer, request.headers());
        if !client.is_some_and(|client| filter.lets_in(client)) {
            tracing::warn!(?client, "a notification came from an address outside YOOKASSA_WEBHOOK_ADDRESSES");
            return StatusCode::FORBIDDEN;
        }
    }
    let body = match read(request.into_body()).await {
        Ok(body) => body,
        Err(status) => return status,
    };
    fail::fail_point!("payments.notified");
    match notice::read(&body) {
        Ok(Notice::Payment(event, id)) => prove(desk, event, id, &body).await,
        Ok(Notice::Refund(event, id)) => prove(desk, event, id, &body).await,
        Ok(Notice::Other(event)) => {
            tracing::info!(event, "a notification of a kind that means nothing to us");
            StatusCode::OK
        }
        Err(error) => {
            tracing::warn!(%error, bytes = body.len(), "a notification can't be read");
            StatusCode::BAD_REQUEST
        }
    }
}

async fn read(body: Body) -> Result<axum::body::Bytes, StatusCode> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => {
            tracing::warn!(limit = BODY_BYTES_MAX, "a notification is too large, or its sender hung up");
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        }
        Err(_) => {
            tracing::warn!("a notification did not come to its end");
            Err(StatusCode::REQUEST_TIMEOUT)
        }
    }
}

async fn prove(desk: &Desk, event: &'static str, id: ProviderId, body: &[u8]) -> StatusCode {
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN_TIMEOUT, desk.turns.acquire()).await else {
        tracing::warn!(provider_id = %id, "too many notifications at once");
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    match prove_and_keep(desk, event, &id, body).await {
        // Pending is no news: a forgery, or it came too early and YooKassa will tell again.
        Ok(()) => StatusCode::OK,
        Err(error) => {
            let why: &dyn std::error::Error = &error;
            tracing::warn!(provider_id = %id, event, error = why, "a notification can't be proven now; YooKassa shall bring it again");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// The words are kept if YooKassa knows what they are about; what anybody may invent is not.
async fn prove_and_keep(desk: &Desk, event: &'static str, id: &ProviderId, body: &[u8]) -> Result<(), Away> {
    let proof = if event.starts_with("refund") {
        desk.prover.prove_refund(id).await?
    } else {
        desk.prover.prove(id).await?
    };
    if proof.outcome == Outcome::Unknown {
        return Ok(());
    }
    let words = String::from_utf8_lossy(body);
    desk.prover.keep(event, id, proof.payment, &words, proof.outcome).await
}

impl Door {
    /// In constant time for secrets of one length.
    fn opens(&self, secret: &str) -> bool {
        let wanted = self.secret.as_ref().map_or("", |secret| secret.expose_secret());
        wanted.as_bytes().ct_eq(secret.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_opens_for_its_secret_only() {
        let door = Door { secret: Some("s3cret-of-ours".into()), ..Door::default() };
        assert!(door.opens("s3cret-of-ours"));
        for wrong in ["", "s3cret-of-our", "s3cret-of-ours ", "S3CRET-OF-OURS", "s3cret-of-oursx"] {
            assert!(!door.opens(wrong), "{wrong:?}");
        }
        assert!(Door::default().opens(""));
        assert!(!Door::default().opens("anything"));
    }
}
