//! An answer before it becomes HTTP, so that faults can still change it.

use std::{fmt, io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use serde_json::Value;

/// What was written before the line breaks is on its way by then: a broken body's buffer is thrown away.
const FLUSHED: Duration = Duration::from_millis(20);

/// What of an answer's body goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    First,
    /// Not told of a body that breaks, or whose reader has gone.
    Last,
}

/// Hears when a body's edges are handed to the line.
#[derive(Clone)]
pub(crate) struct Watch(Arc<dyn Fn(Edge) + Send + Sync>);

impl Watch {
    pub(crate) fn new(hear: impl Fn(Edge) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// One chunk, or the pieces of a stream.
    pub(crate) chunks: Vec<Bytes>,
    /// The pause between two chunks.
    pub(crate) pause_ms: u64,
    /// The connection breaks after the chunks, though more was promised.
    pub(crate) broken: bool,
    pub(crate) watch: Option<Watch>,
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, "application/json", Bytes::from(value.to_string()))
    }

    pub(crate) fn bytes(status: u16, content_type: &'static str, body: Bytes) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            chunks: vec![body],
            pause_ms: 0,
            broken: false,
            watch: None,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The JSON answer with a merge patch applied; other answers stay.
    pub(crate) fn patched(mut self, patch: &Value) -> Self {
        if let Ok(mut value) = serde_json::from_slice::<Value>(&self.chunks.concat()) {
            merge_patch(&mut value, patch);
            self.chunks = vec![Bytes::from(value.to_string())];
        }
        self
    }

    /// In pieces of so many bytes, one every so many milliseconds.
    pub(crate) fn dripped(mut self, bytes: usize, every_ms: u64) -> Self {
        let pieces = |chunk: &Bytes| -> Vec<Bytes> {
            let starts = (0..chunk.len()).step_by(bytes.max(1));
            starts.map(|from| chunk.slice(from..(from + bytes).min(chunk.len()))).collect()
        };
        self.chunks = self.chunks.iter().flat_map(pieces).collect();
        self.pause_ms = every_ms;
        self
    }

    /// Half of the body, then the line breaks.
    pub(crate) fn truncated(mut self) -> Self {
        let whole: Vec<u8> = self.chunks.concat();
        self.chunks = vec![Bytes::copy_from_slice(&whole[..whole.len() / 2])];
        self.broken = true;
        self
    }
}

/// RFC 7396.
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(object) = target.as_object_mut() else { return };
    for (name, value) in fields {
        if value.is_null() {
            object.remove(name);
        } else {
            merge_patch(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let plain = self.chunks.len() == 1 && !self.broken && self.watch.is_none();
        let mut response = Response::new(Body::empty());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        *response.body_mut() = if plain {
            self.chunks.into_iter().next().map_or_else(Body::empty, Body::from)
        } else {
            self.streamed()
        };
        response
    }
}

impl Reply {
    /// Chunk by chunk, as the line takes them.
    fn streamed(self) -> Body {
        let (pause, broken) = (Duration::from_millis(self.pause_ms), self.broken);
        let hear = move |edge| {
            if let Some(Watch(hear)) = &self.watch {
                hear(edge);
            }
        };
        let first = hear.clone();
        let chunks = stream::iter(self.chunks.into_iter().enumerate()).then(move |(at, chunk)| {
            if at == 0 {
                first(Edge::First);
            }
            async move {
                if at > 0 && !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                Ok::<_, io::Error>(chunk)
            }
        });
        // Asked for once the line has taken everything before it.
        let end = stream::once(async move {
            if broken {
                tokio::time::sleep(FLUSHED).await;
                return Some(Err(io::Error::other("cut by a fault")));
            }
            hear(Edge::Last);
            None
        });
        Body::from_stream(chunks.chain(end.filter_map(future::ready)))
    }
}
