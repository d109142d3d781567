//! Telegram's webhook: secret → update → work committed → 200.
//!
//! Telegram keeps an update until it gets a 2xx and sends it again otherwise, so 200 is said only
//! when the ledger has answered. Each update is dealt with in a task of its own: when Telegram
//! hangs up or the time is over, the work goes on, and the same update finds it done.

use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{BadUpdate, Intake, RETRY_AFTER, Taken, Update, Us};

pub const PATH: &str = "/telegram/webhook";
/// The largest update there can be is a few hundred KB: a long text with entities and a quote.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Updates dealt with at once. Telegram opens 40 connections at most (`outbound::setup`); more
/// come only from somebody else or after a change of that number.
const IN_HAND_MAX: usize = 64;
/// Places for pre-checkout queries when all others are taken: they can't wait. Their bodies are small.
const CHECKOUTS_MAX: usize = 32;
const CHECKOUT_BYTES_MAX: usize = 16 * 1024;
/// Telegram hangs up after 60 s.
const TIME_MAX: Duration = Duration::from_secs(50);
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// The secret token of setWebhook: 1–256 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone)]
pub struct Secret(pub SecretString);

impl Secret {
    /// In time that does not depend on how much of it is right.
    fn is(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(SECRET_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
        bool::from(given.ct_eq(self.0.expose_secret().as_bytes()))
    }
}

struct Door<I> {
    secret: Secret,
    us: Us,
    intake: I,
    in_hand: Semaphore,
    checkouts: Semaphore,
    tasks: TaskTracker,
}

/// `tasks` are the updates in hand: a clean stop waits for them.
pub fn router<I: Intake>(secret: Secret, us: Us, intake: I, tasks: TaskTracker) -> Router {
    let (in_hand, checkouts) = (Semaphore::new(IN_HAND_MAX), Semaphore::new(CHECKOUTS_MAX));
    let door = Door { secret, us, intake, in_hand, checkouts, tasks };
    Router::new().route(PATH, post(receive::<I>)).with_state(std::sync::Arc::new(door))
}

async fn receive<I: Intake>(State(door): State<std::sync::Arc<Door<I>>>, request: Request) -> Response {
    if !door.secret.is(request.headers()) {
        tracing::warn!("a webhook call without the right secret was refused");
        return answer(StatusCode::UNAUTHORIZED, "wrong_secret");
    }
    let (_place, only_checkouts) = match (door.in_hand.try_acquire(), door.checkouts.try_acquire()) {
        (Ok(place), _) => (place, false),
        (Err(_), Ok(place)) => (place, true),
        (Err(_), Err(_)) => return busy(),
    };
    let bytes_max = if only_checkouts { CHECKOUT_BYTES_MAX } else { BODY_BYTES_MAX };
    let body = to_bytes(request.into_body(), bytes_max);
    let body = match tokio::time::timeout(BODY_TIME_MAX, body).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) if only_checkouts => return busy(),
        Ok(Err(_)) => {
            tracing::warn!(bound = bytes_max, "a webhook call with too large or broken a body was refused");
            return answer(StatusCode::PAYLOAD_TOO_LARGE, "body");
        }
        Err(_) => return answer(StatusCode::REQUEST_TIMEOUT, "body"),
    };
    let update = match Update::parse(&body, &door.us) {
        Ok(update) => update,
        Err(error @ BadUpdate::TooEarly) => {
            tracing::info!(%error, "an update is to come again");
            return later("too_early");
        }
        Err(error) => {
            let outcome = match error {
                BadUpdate::NotJson(_) => "not_json",
                BadUpdate::NotUpdate(_) | BadUpdate::TooEarly => "not_update",
            };
            tracing::warn!(%error, bytes = body.len(), "a webhook call was refused");
            return answer(StatusCode::BAD_REQUEST, outcome);
        }
    };
    if only_checkouts && !matches!(update, Update::Checkout(_)) {
        return busy();
    }
    fail::fail_point!("telegram.update_received");
    let intake = door.intake.clone();
    let work = door.tasks.spawn(async move { intake.take(update).await });
    match tokio::time::timeout(TIME_MAX, work).await {
        Ok(Ok(Taken::Done)) => answer(StatusCode::OK, "done"),
        Ok(Ok(Taken::Later)) => later("later"),
        Ok(Err(error)) => {
            tracing::error!(%error, "dealing with an update failed; Telegram is to send it again");
            later("panicked")
        }
        Err(_) => {
            tracing::warn!(
                seconds = TIME_MAX.as_secs(),
                "an update takes too long; Telegram is to send it again"
            );
            later("slow")
        }
    }
}

fn busy() -> Response {
    tracing::warn!(bound = IN_HAND_MAX, "too many updates at once; Telegram is to wait");
    later("busy")
}

fn later(outcome: &'static str) -> Response {
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, outcome);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER.as_secs().into());
    response
}

fn answer(status: StatusCode, outcome: &'static str) -> Response {
    metrics::counter!("telegram_webhook_total", "outcome" => outcome).increment(1);
    status.into_response()
}
