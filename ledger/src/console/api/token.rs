//! Programs are let in by a token in `Authorization: Bearer …`, known here by its SHA-256 alone. A token reads; it does
//! nothing.

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::store::{self, Session};

/// So that whoever finds one knows what it is.
const MARK: &str = "plantain_";

/// 244 random bits.
pub(super) fn new() -> String {
    format!("{MARK}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The token that was sent, whether it is good or not.
pub(in crate::console) fn sent(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether it looks like one that was made here.
pub(super) fn is_ours(token: &str) -> bool {
    token.starts_with(MARK)
}

/// Whose it is. `None`: nobody's, or it is over.
pub(in crate::console) async fn session(pool: &PgPool, token: &str) -> Result<Option<Session>, sqlx::Error> {
    if !is_ours(token) {
        return Ok(None);
    }
    let found = store::api_token(pool, &hash(token)).await?;
    let session = |(name, roles)| Session {
        id: Uuid::nil(),
        name: format!("token:{name}"),
        roles,
        proven_us_ago: i64::MAX,
    };
    Ok(found.map(session))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_what_follows_bearer() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            sent(&headers).map(str::to_owned)
        };
        assert_eq!(of("Bearer plantain_1"), Some("plantain_1".to_owned()));
        assert_eq!(of("bearer  plantain_1"), Some("plantain_1".to_owned()));
        for other in ["Basic YTpi", "plantain_1", ""] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_ne!(new(), new());
    }
}
