//! Gemini's error answers: google.rpc.Status.

use serde_json::{Value, json};

use crate::{faults::Effect, reply::Reply};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    pub(crate) status: String,
    pub(crate) message: String,
    pub(crate) details: Vec<Value>,
}

impl ApiError {
    pub(crate) fn new(code: u16, status: &str, message: impl Into<String>) -> Self {
        Self { code, status: status.to_owned(), message: message.into(), details: Vec::new() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    pub(crate) fn bad_key() -> Self {
        let mut error = Self::invalid("API key not valid. Please pass a valid API key.");
        error.details = vec![
            json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            }),
            json!({
                "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
                "locale": "en-US",
                "message": "API key not valid. Please pass a valid API key.",
            }),
        ];
        error
    }

    pub(crate) fn no_key() -> Self {
        Self::new(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
             other form of API consumer identity to call this API.",
        )
    }

    /// What a fault's status means.
    pub(crate) fn of_effect(effect: &Effect, status: u16) -> Self {
        if status == 400 && effect.code.as_deref() == Some("API_KEY_INVALID") {
            return Self::bad_key();
        }
        let (name, message) = match status {
            400 if effect.code.as_deref() == Some("FAILED_PRECONDITION") => {
                ("FAILED_PRECONDITION", "User location is not supported for the API use.")
            }
            400 => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
            401 => ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
            403 => ("PERMISSION_DENIED", "The caller does not have permission"),
            404 => ("NOT_FOUND", "Requested entity was not found."),
            429 => (
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            499 => ("CANCELLED", "The operation was cancelled."),
            503 => ("UNAVAILABLE", "The model is overloaded. Please try again later."),
            504 => ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
            _ => (
                "INTERNAL",
                "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
            ),
        };
        let mut error = Self::new(status, effect.code.as_deref().unwrap_or(name), message);
        if let Some(description) = &effect.description {
            error.message.clone_from(description);
        }
        if status == 429 {
            error.details = quota_details(effect);
        }
        error
    }

    pub(crate) fn body(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message, "status": self.status});
        if !self.details.is_empty() {
            error["details"] = json!(self.details);
        }
        json!({"error": error})
    }

    pub(crate) fn reply(&self) -> Reply {
        Reply::json(self.code, &self.body())
    }
}

/// Sometimes absent with the real one: a fault without `quota` and `retry_after` has none.
fn quota_details(effect: &Effect) -> Vec<Value> {
    let mut details = Vec::new();
    if let Some(quota) = &effect.quota {
        let id = match quota.as_str() {
            "day" => "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            _ => "GenerateRequestsPerMinutePerProjectPerModel",
        };
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
                "quotaId": id,
                "quotaDimensions": {"location": "global"},
                "quotaValue": "20",
            }],
        }));
    }
    if let Some(seconds) = effect.retry_after {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{seconds}s"),
        }));
    }
    details
}
