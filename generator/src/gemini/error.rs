//! Google's errors (`google.rpc.Status`) and what to do about each.

use std::time::Duration;

use proto_events::events::Trouble;
use serde::Deserialize;
use serde_json::Value;

use super::{answer::null_as_default, outcome::code};

/// A wait that Google names is not believed beyond this: no job lives longer.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// A call that Google has answered with an error, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) trouble: Trouble,
    pub(super) blame: Blame,
    /// Codes for the log; never prose, which may quote the prompt.
    pub(super) codes: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// This request, or something that a person must mend: the same would end the same way.
    Request,
    /// This moment; Google may have named a wait.
    Moment {
        after: Option<Duration>,
    },
    /// The key's quota of this model for the minute, or for a while that Google names.
    Quota {
        after: Option<Duration>,
    },
    DaysQuota,
    /// This key may not use this model; both are good for others.
    KeyAndModel,
    Key,
    /// Where we call from.
    Place,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    status: Option<String>,
    message: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    details: Vec<Value>,
}

impl Status {
    fn reasons(&self) -> impl Iterator<Item = &str> {
        self.details.iter().filter_map(|detail| detail.get("reason")?.as_str())
    }

    fn quota_ids(&self) -> impl Iterator<Item = &str> {
        let violations = self.details.iter().filter_map(|detail| detail.get("violations")?.as_array());
        violations.flatten().filter_map(|violation| {
            let id = violation.get("quotaId").or_else(|| violation.get("quota_id"))?;
            id.as_str()
        })
    }

    fn retry_delay(&self) -> Option<Duration> {
        let delay = |detail: &Value| {
            let text = detail.get("retryDelay").or_else(|| detail.get("retry_delay"))?.as_str()?;
            let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
            Duration::try_from_secs_f64(seconds).ok()
        };
        self.details.iter().find_map(delay).map(|wait| wait.min(WAIT_MAX))
    }

    fn says(&self, words: &str) -> bool {
        self.message.as_deref().is_some_and(|message| message.contains(words))
    }

    /// Does a 403 name the key, or the project behind it, as a whole? By the reason, where Google gives one
    /// (`google/api/error_reason.proto`); a leaked key, a project that was shut out and a key that did not arrive come
    /// with words alone.
    fn is_about_key(&self) -> bool {
        let whole = |reason: &str| {
            ["API_KEY_", "CONSUMER_"].iter().any(|start| reason.starts_with(start))
                || ["SERVICE_DISABLED", "BILLING_DISABLED", "USER_PROJECT_DENIED", "USER_BLOCKED_BY_ADMIN"]
                    .contains(&reason)
        };
        self.reasons().any(whole)
            || ["API key was reported", "project has been denied", "unregistered callers"]
                .iter()
                .any(|words| self.says(words))
    }

    /// The status, the reasons and the quotas: codes, short, without prose.
    fn codes(&self, http: u16) -> String {
        let named = self.status.as_deref().into_iter().chain(self.reasons()).chain(self.quota_ids());
        let mut codes = http.to_string();
        for name in named.take(8) {
            codes.push(' ');
            codes.push_str(&code(name));
        }
        codes
    }
}

/// What the header `retry-after` says, if it is there and in seconds.
pub(super) fn retry_after(header: Option<&str>) -> Option<Duration> {
    let seconds = header?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(WAIT_MAX))
}

/// Reads the answer to a call whose status was not 200. The body may be anything.
pub(super) fn read(http: u16, retry_after: Option<Duration>, body: &[u8]) -> Refusal {
    let Body { error } = serde_json::from_slice(body).unwrap_or_default();
    let after = error.retry_delay().or(retry_after);
    let (trouble, blame) = meaning(http, &error, after);
    Refusal { trouble, blame, codes: error.codes(http) }
}

/// An error in the middle of a stream: its status is in the body only. `None`: it is no error of theirs.
pub(super) fn read_tail(body: &[u8]) -> Option<Refusal> {
    let mut tail: Value = serde_json::from_slice(body).ok()?;
    // Some servers send a list of one.
    if let Some(first) = tail.get_mut(0) {
        tail = first.take();
    }
    let http = tail.get("error")?.get("code").and_then(Value::as_u64);
    let http = http.and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
    Some(read(http, None, tail.to_string().as_bytes()))
}

fn meaning(http: u16, error: &Status, after: Option<Duration>) -> (Trouble, Blame) {
    match http {
        400 if error.reasons().any(|reason| reason == "API_KEY_INVALID")
            || error.says("API key not valid") =>
        {
            (Trouble::KeyInvalid, Blame::Key)
        }
        400 if error.says("location is not supported") => (Trouble::RegionBlocked, Blame::Place),
        // Such as billing that is off: nothing in this request is wrong.
        400 if error.status.as_deref() == Some("FAILED_PRECONDITION") => {
            (Trouble::VendorError, Blame::Request)
        }
        400 => (Trouble::InvalidRequest, Blame::Request),
        401 => (Trouble::KeyInvalid, Blame::Key),
        403 if error.is_about_key() => (Trouble::KeyInvalid, Blame::Key),
        403 => (Trouble::KeyInvalid, Blame::KeyAndModel),
        408 | 504 => (Trouble::VendorError, Blame::Moment { after }),
        413 => (Trouble::TooLarge, Blame::Request),
        // Per day: other keys or nothing. Per minute, and when Google does not say: later.
        429 if error.quota_ids().any(|quota| quota.contains("PerDay")) => {
            (Trouble::QuotaExhausted, Blame::DaysQuota)
        }
        429 => (Trouble::RateLimited, Blame::Quota { after }),
        502 | 503 => (Trouble::Overloaded, Blame::Moment { after }),
        500..=599 => (Trouble::VendorError, Blame::Moment { after }),
        // A model that is gone, a redirect: a person must look at the catalog or the address.
        _ => (Trouble::VendorError, Blame::Request),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(http: u16, body: &Value) -> (Trouble, Blame) {
        let refusal = read(http, None, body.to_string().as_bytes());
        (refusal.trouble, refusal.blame)
    }

    fn error(code: u16, status: &str, message: &str, details: Value) -> Value {
        json!({"error": {"code": code, "status": status, "message": message, "details": details}})
    }

    const LATER: Blame = Blame::Moment { after: None };

    #[test]
    fn each_error_of_google_has_one_meaning() {
        let key = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]);
        let place = "User location is not supported for the API use.";
        let bare = |code, status| error(code, status, "x", json!([]));
        let table = [
            (400, error(400, "INVALID_ARGUMENT", "x", key), Trouble::KeyInvalid, Blame::Key),
            (
                400,
                error(400, "INVALID_ARGUMENT", "API key not valid.", json!([])),
                Trouble::KeyInvalid,
                Blame::Key,
            ),
            (400, error(400, "FAILED_PRECONDITION", place, json!([])), Trouble::RegionBlocked, Blame::Place),
            (400, bare(400, "FAILED_PRECONDITION"), Trouble::VendorError, Blame::Request),
            (400, bare(400, "INVALID_ARGUMENT"), Trouble::InvalidRequest, Blame::Request),
            (401, bare(401, "UNAUTHENTICATED"), Trouble::KeyInvalid, Blame::Key),
            (403, bare(403, "PERMISSION_DENIED"), Trouble::KeyInvalid, Blame::KeyAndModel),
            (404, bare(404, "NOT_FOUND"), Trouble::VendorError, Blame::Request),
            (413, json!({}), Trouble::TooLarge, Blame::Request),
            (500, bare(500, "INTERNAL"), Trouble::VendorError, LATER),
            (502, json!("?"), Trouble::Overloaded, LATER),
            (503, bare(503, "UNAVAILABLE"), Trouble::Overloaded, LATER),
            (504, bare(504, "DEADLINE_EXCEEDED"), Trouble::VendorError, LATER),
            (599, json!("?"), Trouble::VendorError, LATER),
            (302, json!(null), Trouble::VendorError, Blame::Request),
        ];
        for (http, body, trouble, blame) in table {
            assert_eq!(seen(http, &body), (trouble, blame), "{http} {body}");
        }
    }

    #[test]
    fn a_403_is_the_keys_fault_where_google_names_the_key_or_its_project() {
        let named = |reason: &str| {
            let details = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]);
            seen(403, &error(403, "PERMISSION_DENIED", "x", details)).1
        };
        for reason in
            ["API_KEY_SERVICE_BLOCKED", "CONSUMER_SUSPENDED", "SERVICE_DISABLED", "BILLING_DISABLED"]
        {
            assert_eq!(named(reason), Blame::Key, "{reason}");
        }
        assert_eq!(named("IAM_PERMISSION_DENIED"), Blame::KeyAndModel);
        let told = |words: &str| seen(403, &error(403, "PERMISSION_DENIED", words, json!([]))).1;
        assert_eq!(told("Your API key was reported as leaked. Please use another API key."), Blame::Key);
        assert_eq!(told("Your project has been denied access. Please contact support."), Blame::Key);
        assert_eq!(told("Permission denied on resource models/x."), Blame::KeyAndModel);
    }

    #[test]
    fn a_429_is_told_apart_by_its_quota_and_keeps_googles_wait() {
        let quota = |id: &str| {
            json!([
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"},
            ])
        };
        let body =
            error(429, "RESOURCE_EXHAUSTED", "x", quota("GenerateRequestsPerMinutePerProjectPerModel"));
        let after = Some(Duration::from_millis(34_400));
        assert_eq!(seen(429, &body), (Trouble::RateLimited, Blame::Quota { after }));
        let body = error(429, "RESOURCE_EXHAUSTED", "x", quota("GenerateRequestsPerDayPerProjectPerModel"));
        assert_eq!(seen(429, &body), (Trouble::QuotaExhausted, Blame::DaysQuota));
        let bare = (Trouble::RateLimited, Blame::Quota { after: None });
        assert_eq!(seen(429, &json!({"error": {"code": 429}})), bare);
    }

    #[test]
    fn a_header_names_the_wait_when_the_body_does_not() {
        let after = retry_after(Some("7"));
        assert_eq!(after, Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some("Wed, 21 Oct 2015 07:28:00 GMT")), None);
        assert_eq!(read(503, after, b"{}").blame, Blame::Moment { after });
        assert_eq!(read(429, after, b"").blame, Blame::Quota { after });
    }

    #[test]
    fn a_body_that_is_no_json_is_no_trouble() {
        for body in [&b""[..], b"<html>", b"[]", b"{\"error\":{\"details\":7}}", b"\xff\xfe", b"null"] {
            assert_eq!(read(503, None, body).trouble, Trouble::Overloaded);
        }
        assert_eq!(read_tail(b"<html>").or(read_tail(b"[]")).or(read_tail(b"{\"candidates\":[]}")), None);
    }

    #[test]
    fn a_tail_says_its_status_itself() {
        let body = error(503, "UNAVAILABLE", "x", json!([]));
        assert_eq!(read_tail(body.to_string().as_bytes()).unwrap().codes, "503 UNAVAILABLE");
        assert_eq!(read_tail(json!([body]).to_string().as_bytes()).unwrap().trouble, Trouble::Overloaded);
        assert_eq!(read_tail(b"{\"error\":{}}").unwrap().codes, "500");
    }

    #[test]
    fn the_codes_hold_no_prose() {
        let body = error(400, "INVALID_ARGUMENT", "my secret prompt", json!([{"reason": "X\nY"}]));
        let codes = read(400, None, body.to_string().as_bytes()).codes;
        assert_eq!(codes, "400 INVALID_ARGUMENT XY");
    }
}
