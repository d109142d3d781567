//! YooKassa's error answers.

use serde_json::{Value, json};

use crate::reply::Reply;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) description: String,
    pub(crate) parameter: Option<String>,
    pub(crate) retry_after_ms: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &str, description: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            description: description.to_owned(),
            parameter: None,
            retry_after_ms: None,
        }
    }

    pub(crate) fn invalid(parameter: &str, description: &str) -> Self {
        Self { parameter: Some(parameter.to_owned()), ..Self::new(400, "invalid_request", description) }
    }

    pub(crate) fn of_status(status: u16) -> Self {
        let (code, description) = match status {
            400 => ("invalid_request", "The request could not be processed"),
            401 => (
                "invalid_credentials",
                "Error in shopId or secret key. Check their validity. You can reissue the secret key in the Merchant Profile",
            ),
            403 => ("forbidden", "You do not have rights to perform the operation"),
            404 => ("not_found", "The object was not found"),
            405 => ("not_supported", "The method is not supported"),
            410 => ("gone", "The object is gone"),
            415 => ("invalid_request", "Unsupported Content-Type: application/json is expected"),
            429 => ("too_many_requests", "Too many requests, try again later"),
            _ => (
                "internal_server_error",
                "Technical error on YooKassa's side. Repeat the request with the same key",
            ),
        };
        Self::new(status, code, description)
    }

    pub(crate) fn reply(&self) -> Reply {
        let mut body: Value = json!({
            "type": "error",
            "id": uuid::Uuid::new_v4().to_string(),
            "code": self.code,
            "description": self.description,
        });
        if let Some(parameter) = &self.parameter {
            body["parameter"] = json!(parameter);
        }
        if let Some(ms) = self.retry_after_ms {
            body["retry_after"] = json!(ms);
        }
        Reply::json(self.status, &body)
    }
}
