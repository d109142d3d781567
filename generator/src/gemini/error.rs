//! Google's errors (`google.rpc.Status`) and what to do about each.

use std::time::Duration;

use proto_events::events::Trouble;
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, Remedy, Then};

/// A key Google calls invalid is not tried before the others for this long: a person must act.
const BAD_KEY_REST: Duration = Duration::from_secs(600);
/// A day's quota renews at midnight Pacific time; asking hourly finds that soon enough.
const DAY_QUOTA_REST: Duration = Duration::from_secs(3600);
/// When Google names no time: quotas are per minute.
const MINUTE_QUOTA_REST: Duration = Duration::from_secs(10);
/// A wait that Google names is not believed beyond this: no job lives longer.
const WAIT_MAX: Duration = Duration::from_secs(3600);

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

    /// The status, the reasons and the quotas: codes, short, without prose.
    fn codes(&self, http: u16) -> String {
        let mut codes = http.to_string();
        for code in self.status.as_deref().into_iter().chain(self.reasons()).chain(self.quota_ids()).take(8) {
            codes.push(' ');
            codes.extend(code.chars().filter(char::is_ascii_graphic).take(100));
        }
        codes
    }
}

/// Reads the answer to a call whose status was not 200. The body may be anything.
pub(super) fn read(http: u16, body: &[u8]) -> Failure {
    let Body { error } = serde_json::from_slice(body).unwrap_or_default();
    let codes = error.codes(http);
    let bad_key = Remedy::OtherKey { rest: BAD_KEY_REST, then: Then::GiveUp };
    match http {
        400 if error.reasons().any(|reason| reason == "API_KEY_INVALID")
            || error.says("API key not valid") =>
        {
            Failure::new(Trouble::KeyInvalid, bad_key, codes)
        }
        400 if error.says("location is not supported") => Failure::give_up(Trouble::RegionBlocked, codes),
        // Such as billing that is off: nothing in this request is wrong.
        400 if error.status.as_deref() == Some("FAILED_PRECONDITION") => {
            Failure::give_up(Trouble::VendorError, codes)
        }
        400 => Failure::give_up(Trouble::InvalidRequest, codes),
        401 | 403 => Failure::new(Trouble::KeyInvalid, bad_key, codes),
        408 | 504 => Failure::later(Trouble::TimedOut, codes),
        413 => Failure::give_up(Trouble::TooLarge, codes),
        429 => over_quota(&error, codes),
        502 | 503 => Failure::later(Trouble::Overloaded, codes),
        500..=599 => Failure::later(Trouble::VendorError, codes),
        // A model that is gone, a redirect: a person must look at the catalog or the address.
        _ => Failure::give_up(Trouble::VendorError, codes),
    }
}

/// Per day: other keys or nothing. Per minute, and when Google does not say: later.
fn over_quota(error: &Status, codes: String) -> Failure {
    if error.quota_ids().any(|quota| quota.contains("PerDay")) {
        let remedy = Remedy::OtherKey { rest: DAY_QUOTA_REST, then: Then::GiveUp };
        return Failure::new(Trouble::QuotaExhausted, remedy, codes);
    }
    let after = error.retry_delay();
    let rest = after.unwrap_or(MINUTE_QUOTA_REST);
    Failure::new(Trouble::RateLimited, Remedy::OtherKey { rest, then: Then::Later { after } }, codes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(http: u16, body: &Value) -> (Trouble, Remedy) {
        let failure = read(http, body.to_string().as_bytes());
        (failure.trouble, failure.remedy)
    }

    fn error(code: u16, status: &str, message: &str, details: Value) -> Value {
        json!({"error": {"code": code, "status": status, "message": message, "details": details}})
    }

    const LATER: Remedy = Remedy::Later { after: None };

    #[test]
    fn each_error_of_google_has_one_meaning() {
        let key = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]);
        let bad_key = Remedy::OtherKey { rest: BAD_KEY_REST, then: Then::GiveUp };
        let table = [
            (400, error(400, "INVALID_ARGUMENT", "API key not valid.", key), Trouble::KeyInvalid, bad_key),
            (
                400,
                error(
                    400,
                    "FAILED_PRECONDITION",
                    "User location is not supported for the API use.",
                    json!([]),
                ),
                Trouble::RegionBlocked,
                Remedy::GiveUp,
            ),
            (
                400,
                error(400, "FAILED_PRECONDITION", "billing", json!([])),
                Trouble::VendorError,
                Remedy::GiveUp,
            ),
            (400, error(400, "INVALID_ARGUMENT", "x", json!([])), Trouble::InvalidRequest, Remedy::GiveUp),
            (403, error(403, "PERMISSION_DENIED", "x", json!([])), Trouble::KeyInvalid, bad_key),
            (404, error(404, "NOT_FOUND", "x", json!([])), Trouble::VendorError, Remedy::GiveUp),
            (413, json!({}), Trouble::TooLarge, Remedy::GiveUp),
            (500, error(500, "INTERNAL", "x", json!([])), Trouble::VendorError, LATER),
            (503, error(503, "UNAVAILABLE", "x", json!([])), Trouble::Overloaded, LATER),
            (504, error(504, "DEADLINE_EXCEEDED", "x", json!([])), Trouble::TimedOut, LATER),
            (599, json!("?"), Trouble::VendorError, LATER),
            (302, json!(null), Trouble::VendorError, Remedy::GiveUp),
        ];
        for (http, body, trouble, remedy) in table {
            assert_eq!(seen(http, &body), (trouble, remedy), "{http} {body}");
        }
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
        let wait = Duration::from_millis(34_400);
        let later = Then::Later { after: Some(wait) };
        assert_eq!(seen(429, &body), (Trouble::RateLimited, Remedy::OtherKey { rest: wait, then: later }));
        let body = error(429, "RESOURCE_EXHAUSTED", "x", quota("GenerateRequestsPerDayPerProjectPerModel"));
        let day = Remedy::OtherKey { rest: DAY_QUOTA_REST, then: Then::GiveUp };
        assert_eq!(seen(429, &body), (Trouble::QuotaExhausted, day));
        let bare = Remedy::OtherKey { rest: MINUTE_QUOTA_REST, then: Then::Later { after: None } };
        assert_eq!(seen(429, &json!({"error": {"code": 429}})), (Trouble::RateLimited, bare));
    }

    #[test]
    fn a_body_that_is_no_json_is_no_trouble() {
        for body in [&b""[..], b"<html>", b"[]", b"{\"error\":{\"details\":7}}", b"\xff\xfe", b"null"] {
            assert_eq!(read(503, body).trouble, Trouble::Overloaded);
        }
    }

    #[test]
    fn the_codes_hold_no_prose() {
        let body = error(400, "INVALID_ARGUMENT", "my secret prompt", json!([{"reason": "X\nY"}]));
        let codes = read(400, body.to_string().as_bytes()).codes;
        assert_eq!(codes, "400 INVALID_ARGUMENT XY");
    }
}
