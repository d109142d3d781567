//! A method's parameters, however they were sent: query string, JSON, urlencoded or multipart.

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, FromRequest, Multipart},
    http::{Request, header::CONTENT_TYPE},
};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::ApiError;
use crate::vendor::{Call, pairs};

#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

#[derive(Debug, Default)]
pub(crate) struct Params {
    fields: Map<String, Value>,
    files: HashMap<String, Upload>,
}

impl Params {
    pub(crate) async fn read(call: &Call) -> Result<Self, ApiError> {
        let mut params = Self::default();
        params.add(call.query());
        let content_type = call.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if call.body.is_empty() {
            return Ok(params);
        }
        if content_type.starts_with("multipart/form-data") {
            params.add_multipart(call).await?;
        } else if content_type.starts_with("application/json") {
            match serde_json::from_slice::<Value>(&call.body) {
                Ok(Value::Object(fields)) => {
                    params.fields.extend(fields.into_iter().filter(|(_, v)| !v.is_null()))
                }
                Ok(_) => return Err(ApiError::bad("object expected as JSON request body")),
                Err(error) if error.to_string().contains("recursion limit") => {
                    return Err(ApiError::bad("can't parse JSON object: too deep nesting"));
                }
                Err(_) => return Err(ApiError::bad("can't parse JSON object")),
            }
        } else {
            let text = std::str::from_utf8(&call.body)
                .map_err(|_| ApiError::bad("strings must be encoded in UTF-8"))?;
            params.add(pairs(text));
        }
        Ok(params)
    }

    fn add(&mut self, pairs: Vec<(String, String)>) {
        self.fields.extend(pairs.into_iter().map(|(name, value)| (name, Value::String(value))));
    }

    async fn add_multipart(&mut self, call: &Call) -> Result<(), ApiError> {
        let broken = |_| ApiError::bad("can't parse multipart form data");
        let mut request = Request::new(Body::from(call.body.clone()));
        if let Some(kind) = call.headers.get(CONTENT_TYPE) {
            request.headers_mut().insert(CONTENT_TYPE, kind.clone());
        }
        // The body was already bounded when it was read.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|_| ApiError::bad("can't parse multipart form data"))?;
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let filename = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(str::to_owned);
            let bytes = field.bytes().await.map_err(broken)?;
            if filename.is_some() {
                self.files.insert(name, Upload { filename, content_type, bytes });
            } else {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| ApiError::bad("strings must be encoded in UTF-8"))?;
                self.fields.insert(name, Value::String(text));
            }
        }
        Ok(())
    }

    /// A parameter as text; absent and empty are the same to Telegram.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
        .filter(|text| !text.is_empty())
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.text(name).ok_or_else(|| ApiError::bad(format!("parameter \"{name}\" is required")))
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        match self.fields.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.fields.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "1"),
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.fields.insert(name.to_owned(), value);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name) || self.files.contains_key(name)
    }

    /// A parameter that is JSON, or JSON in a string.
    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, ApiError> {
        match self.fields.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| {
                ApiError::bad(format!("can't parse {}: Can't parse JSON object", name.replace('_', " ")))
            }),
            Some(value) => Ok(Some(value.clone())),
        }
    }

    pub(crate) fn file(&self, name: &str) -> Option<&Upload> {
        self.files.get(name)
    }
}
