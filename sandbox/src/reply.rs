//! An answer before it becomes HTTP, so that faults can still change it.

use std::{io, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;

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
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, "application/json", Bytes::from(value.to_string()))
    }

    pub(crate) fn bytes(status: u16, content_type: &'static str, body: Bytes) -> Self {
        Self { status, content_type, headers: Vec::new(), chunks: vec![body], pause_ms: 0, broken: false }
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
        let pause = Duration::from_millis(self.pause_ms);
        let broken = self.broken;
        let body = if self.chunks.len() == 1 && !broken {
            self.chunks.into_iter().next().map_or_else(Body::empty, Body::from)
        } else {
            let end = stream::iter(broken.then(|| Err(io::Error::other("cut by a fault"))));
            let chunks =
                stream::iter(self.chunks.into_iter().enumerate()).then(move |(at, chunk)| async move {
                    if at > 0 && !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                    Ok::<_, io::Error>(chunk)
                });
            Body::from_stream(chunks.chain(end))
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
