//! What a failed call means for its effect.

use std::time::Duration;

use serde::Deserialize;

/// YooKassa names milliseconds; a minute is the longest it is worth believing.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// `codes` hold the vendor's status and codes, never its prose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It may have happened or not: ask again in the same words.
    #[error("the outcome is not known ({codes})")]
    Unknown { codes: String },
    /// Nothing happened; later it may.
    #[error("too many requests")]
    TooMany { after: Option<Duration> },
    /// Our shop id, key, address or contract is wrong: nothing happens until a person acts.
    #[error("YooKassa does not accept our access ({codes})")]
    Access { codes: String },
    #[error("YooKassa has no such object")]
    NotFound,
    /// Nothing happened, and nothing will in these words.
    #[error("YooKassa refused ({code}{})", parameter.as_ref().map(|p| format!(", {p}")).unwrap_or_default())]
    Refused { code: String, parameter: Option<String> },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    code: Option<String>,
    parameter: Option<String>,
    retry_after: Option<u64>,
}

impl Error {
    pub(super) fn lost(error: &reqwest::Error) -> Self {
        let codes = match () {
            () if error.is_connect() => "no connection",
            () if error.is_timeout() => "time-out",
            () => "the line was cut",
        };
        Self::Unknown { codes: codes.into() }
    }

    /// Reads an answer that was not 200. The body may be anything.
    pub(super) fn read(status: u16, body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let code = body.code.as_deref().map(word).unwrap_or_default();
        let codes = format!("{status} {code}").trim_end().to_owned();
        match status {
            401 | 403 | 405 | 415 => Self::Access { codes },
            404 => Self::NotFound,
            408 => Self::Unknown { codes },
            429 => {
                Self::TooMany { after: body.retry_after.map(|ms| Duration::from_millis(ms).min(WAIT_MAX)) }
            }
            400..=499 => {
                let code = if code.is_empty() { status.to_string() } else { code };
                Self::Refused { code, parameter: body.parameter.as_deref().map(word) }
            }
            // A redirect: the address is wrong.
            300..=399 => Self::Access { codes },
            _ => Self::Unknown { codes },
        }
    }
}

/// The vendor's word, fit for a log and for a reason's field.
fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(50).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(status: u16, code: &str) -> Error {
        let body = json!({"type": "error", "id": "x", "code": code, "parameter": "amount.value",
            "description": "prose", "retry_after": 1800});
        Error::read(status, body.to_string().as_bytes())
    }

    #[test]
    fn each_status_says_what_is_known_of_the_effect() {
        let refused =
            Error::Refused { code: "invalid_request".into(), parameter: Some("amount.value".into()) };
        assert_eq!(seen(400, "invalid_request"), refused);
        assert_eq!(refused.to_string(), "YooKassa refused (invalid_request, amount.value)");
        assert_eq!(
            seen(401, "invalid_credentials"),
            Error::Access { codes: "401 invalid_credentials".into() }
        );
        assert!(matches!(seen(403, "forbidden"), Error::Access { .. }));
        assert!(matches!(seen(302, ""), Error::Access { .. }));
        assert_eq!(seen(404, "not_found"), Error::NotFound);
        assert_eq!(
            seen(429, "too_many_requests"),
            Error::TooMany { after: Some(Duration::from_millis(1800)) }
        );
        for status in [500, 502, 503, 504, 202] {
            assert!(matches!(seen(status, "internal_server_error"), Error::Unknown { .. }), "{status}");
        }
    }

    #[test]
    fn a_body_that_is_no_json_is_no_trouble() {
        for body in [&b""[..], b"<html>", b"null", b"[]", b"\xff", b"{\"code\":7}"] {
            assert_eq!(Error::read(400, body), Error::Refused { code: "400".into(), parameter: None });
            assert!(matches!(Error::read(500, body), Error::Unknown { .. }));
        }
    }
}
