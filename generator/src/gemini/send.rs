//! One HTTP call: asking, and reading the answer within its time.

use std::time::Duration;

use bytes::Bytes;
use proto_events::{
    catalog::Api,
    events::{GenerationKind, Trouble},
};
use reqwest::{Response, header};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

use super::{
    Ask, Failure, Gemini, Made, Metered,
    error::{self, Refusal},
    pictures, request, words,
};
use crate::shelf::{Live, Slot};

/// A 4K answer is tens of MB of base64 and signatures; several pictures may come.
pub const ANSWER_BYTES_MAX: u64 = 160 << 20;
const ERROR_BYTES_MAX: usize = 64 << 10;

/// How a call with one key ended.
pub(super) struct Ended {
    /// Refused before any work, or done.
    pub(super) result: Result<Result<Made, Failure>, Refusal>,
    pub(super) metered: Metered,
    /// The request may have reached Google.
    pub(super) asked: bool,
}

impl Ended {
    /// Google has refused what was sent, before any work.
    pub(super) fn is_about_request(&self) -> bool {
        self.result.as_ref().is_err_and(|refusal| refusal.trouble == Trouble::InvalidRequest)
    }

    fn failed(failure: Failure, asked: bool) -> Self {
        Self { result: Ok(Err(failure)), metered: Metered::default(), asked }
    }
}

impl Gemini {
    pub(super) async fn call(
        &self,
        ask: &Ask,
        body: &request::Body,
        key: &SecretString,
        until: Instant,
        slot: &Slot,
        live: &mut Live,
    ) -> Ended {
        let sending = self
            .http
            .post(self.url(ask))
            .header("x-goog-api-key", key.expose_secret())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, body.len())
            .body(body.stream())
            .send();
        let response = match timeout_at(until, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Ended::failed(lost(&error), !error.is_connect()),
            Err(_) => return Ended::failed(late("our time-out while waiting"), true),
        };
        let status = response.status().as_u16();
        if status != 200 {
            let result = Err(refused(status, response, until).await);
            return Ended { result, metered: Metered::default(), asked: true };
        }
        let answer = Answer { response, left: ANSWER_BYTES_MAX, until };
        match ask.kind {
            GenerationKind::Text => words::read(answer, slot, live).await,
            GenerationKind::Picture | GenerationKind::Edit => {
                let (result, metered) = pictures::read(answer, ask, slot).await;
                Ended { result: Ok(result), metered, asked: true }
            }
        }
    }

    fn url(&self, ask: &Ask) -> String {
        let verb = match (ask.api, ask.kind) {
            (Api::Predict, _) => "predict",
            (Api::Generate, GenerationKind::Text) => "streamGenerateContent?alt=sse",
            (Api::Generate, GenerationKind::Picture | GenerationKind::Edit) => "generateContent",
        };
        // Names of models come from the catalog; this keeps an odd one from leaving its place in the path.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let model: String = ask.model.chars().filter(plain).collect();
        format!("{}/v1beta/models/{model}:{verb}", self.base)
    }
}

/// The body of a 200.
pub(super) struct Answer {
    response: Response,
    left: u64,
    until: Instant,
}

impl Answer {
    /// # Errors
    /// It is too large, or cut, or not in time: Google has worked.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let piece = match timeout_at(self.until, self.response.chunk()).await {
            Ok(Ok(piece)) => piece,
            Ok(Err(error)) if error.is_timeout() => return Err(late("while reading")),
            Ok(Err(_)) => {
                let failure = Failure::later(Trouble::Truncated, "the line was cut while reading");
                return Err(failure.doubtful());
            }
            Err(_) => return Err(late("our time-out while reading")),
        };
        let Some(piece) = piece else { return Ok(None) };
        match self.left.checked_sub(piece.len() as u64) {
            Some(left) => self.left = left,
            None => {
                let failure = Failure::give_up(Trouble::TooLarge, "the answer is over our limit");
                return Err(failure.doubtful());
            }
        }
        Ok(Some(piece))
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }
}

async fn refused(status: u16, mut response: Response, until: Instant) -> Refusal {
    let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = error::retry_after(after);
    let mut body = Vec::new();
    // An error that does not end is read as far as it came.
    while body.len() < ERROR_BYTES_MAX
        && let Ok(Ok(Some(piece))) = timeout_at(until, response.chunk()).await
    {
        body.extend_from_slice(&piece[..piece.len().min(ERROR_BYTES_MAX - body.len())]);
    }
    error::read(status, after, &body)
}

fn late(codes: &str) -> Failure {
    Failure::later(Trouble::TimedOut, codes).doubtful()
}

/// Before an answer began: whether Google has worked, and been paid, is not known.
fn lost(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        Failure::later(Trouble::Unreachable, "no connection")
    } else if error.is_timeout() {
        late("while waiting")
    } else {
        Failure::later(Trouble::Truncated, "the line was cut before an answer").doubtful()
    }
}

/// For an answer of which some may have been had: the store has lost it.
pub(super) fn not_kept(error: &crate::shelf::Error) -> Failure {
    let why: &dyn std::error::Error = error;
    tracing::error!(error = why, "the object store lost what an answer brought");
    Failure::later(Trouble::WorkerLost, "the store did not keep it").doubtful()
}

/// Waits for the store no longer than the call may take and a little.
pub(super) const STORE_GRACE: Duration = Duration::from_secs(30);
