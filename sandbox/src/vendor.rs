//! The way of every vendor call: written down as it arrived, bent by a fault if one waits for it,
//! answered by the vendor's stand-in, and the answer's status written beside it. It runs as its own
//! task: a client that hangs up does not undo what the vendor has begun.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    faults::{Drop, Effect},
    line::Cut,
    reply::Reply,
    world::World,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Vendor {
    Telegram,
    #[serde(alias = "yoo_kassa")]
    YooKassa,
    Gemini,
}

/// A request, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The decoded pairs of the query string.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        pairs(self.uri.query().unwrap_or_default())
    }
}

/// Decodes `a=1&b=2`.
pub(crate) fn pairs(encoded: &str) -> Vec<(String, String)> {
    let mut url = match reqwest::Url::parse("http://sandbox/") {
        Ok(url) => url,
        Err(_) => return Vec::new(),
    };
    url.set_query(Some(encoded));
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// How a vendor names its calls, answers them, and words its errors.
pub(crate) trait StandIn: Send + Sync + 'static {
    const VENDOR: Vendor;
    /// The largest body accepted, as the vendor has it.
    const BODY_BYTES_MAX: usize;

    /// The name of the call, as faults and arrivals use it.
    fn name(call: &Call) -> String;
    /// The vendor's answer.
    fn answer(world: Arc<World>, call: Call, effect: Effect) -> impl Future<Output = Reply> + Send;
    /// The vendor's own error body for a status a fault asks for.
    fn error(effect: &Effect, status: u16) -> Reply;
    /// A fault refused the call before its effect; for books that count refused calls too.
    fn refused(_world: &World, _call: &Call, _status: u16) {}
}

/// Reads the request and walks it through; see the module's header.
pub(crate) async fn serve<S: StandIn>(
    world: Arc<World>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: axum::http::Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, S::BODY_BYTES_MAX).await else {
        return S::error(&Effect::default(), StatusCode::PAYLOAD_TOO_LARGE.as_u16()).into_response();
    };
    let call = Call { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let task = tokio::spawn(walk::<S>(world, call, cut));
    match task.await {
        Ok(reply) => reply.into_response(),
        Err(error) => {
            tracing::error!(%error, vendor = ?S::VENDOR, "a stand-in failed");
            S::error(&Effect::default(), 500).into_response()
        }
    }
}

async fn walk<S: StandIn>(world: Arc<World>, call: Call, cut: Cut) -> Reply {
    let name = S::name(&call);
    let arrival = world.arrivals.begin(S::VENDOR, &name, &call);
    let effect = world.faults.take(S::VENDOR, &name, &call.body).unwrap_or_default();
    let reply = bend::<S>(&world, call, cut, &effect).await;
    world.arrivals.end(arrival, reply.as_ref().map(|reply| reply.status), effect.name());
    // A dropped call's reply is never written: the line is already cut.
    reply.unwrap_or_else(|| Reply::bytes(500, "text/plain", Bytes::new()))
}

/// `None` when the line was cut.
async fn bend<S: StandIn>(world: &Arc<World>, call: Call, cut: Cut, effect: &Effect) -> Option<Reply> {
    pause(world, effect.delay_ms).await;
    if effect.drop == Some(Drop::Before) {
        cut.now();
        return None;
    }
    if let Some(status) = effect.status.filter(|_| !effect.after_effect) {
        hold(world, effect).await;
        S::refused(world, &call, status);
        return Some(S::error(effect, status));
    }
    let reply = S::answer(world.clone(), call, effect.clone()).await;
    hold(world, effect).await;
    if effect.drop == Some(Drop::After) {
        cut.now();
        return None;
    }
    let reply = match effect.status {
        Some(status) => S::error(effect, status),
        None => reply,
    };
    let reply = match &effect.patch {
        Some(patch) => reply.patched(patch),
        None => reply,
    };
    Some(if effect.truncated { reply.truncated() } else { reply })
}

async fn pause(world: &World, ms: u64) {
    if ms > 0 {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(ms)) => {}
            () = world.shutdown.cancelled() => {}
        }
    }
}

/// Like [`pause`], but taking the fault back ends it, so that a test need not wait it out.
async fn hold(world: &World, effect: &Effect) {
    if effect.hold_ms > 0 {
        tokio::select! {
            () = pause(world, effect.hold_ms) => {}
            () = world.faults.taken_back(effect.fault) => {}
        }
    }
}
