//! What people fill into filters: moments of the log and accounts; and the addresses of the same page elsewhere.

use axum::http::StatusCode;
use proto_events::AccountId;
use sqlx::PgPool;

use crate::books::BooksError;
use crate::books::at::{self, At, Moment};
use crate::log::BadRow;

/// Why something is not shown; with the name of what is said.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// What was asked for is not fit.
    #[error("{0}")]
    Field(&'static str),
    #[error("it is not there")]
    Nowhere,
    #[error("not yet: {0}")]
    NotYet(&'static str),
    /// It is there and can't be read: somebody has to look.
    #[error("broken: {0}")]
    Broken(&'static str),
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
}

impl Unfit {
    /// As an answer, and in the log of this service where it is not the visitor's fault.
    pub(super) fn told(&self, path: &str) -> (StatusCode, &'static str) {
        match self {
            Self::Field(why) => (StatusCode::UNPROCESSABLE_ENTITY, why),
            Self::Nowhere => (StatusCode::NOT_FOUND, "not-found"),
            Self::NotYet(why) => (StatusCode::CONFLICT, why),
            Self::Broken(why) => {
                tracing::error!(path, why, "what is there can't be shown");
                (StatusCode::INTERNAL_SERVER_ERROR, why)
            }
            Self::Postgres(error) => {
                tracing::warn!(%error, path, "a page can't be shown");
                (StatusCode::SERVICE_UNAVAILABLE, "database-away")
            }
        }
    }
}

impl From<BadRow> for Unfit {
    fn from(error: BadRow) -> Self {
        match error {
            BadRow::Column(error) => Self::Postgres(error),
            error => {
                tracing::error!(error = error.in_full(), "the log can't be read");
                Self::Broken("log-unread")
            }
        }
    }
}

impl From<BooksError> for Unfit {
    fn from(error: BooksError) -> Self {
        match error {
            BooksError::Postgres(error) => Self::Postgres(error),
            BooksError::Beyond { .. } | BooksError::Backwards => Self::Field("moment-unfit"),
            error => {
                tracing::error!(%error, "the books can't be read");
                Self::Broken("log-unread")
            }
        }
    }
}

fn moment(text: &str) -> Result<Option<At>, Unfit> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Unfit::Field("moment-unfit")),
    }
}

/// The end that is meant; nothing: now.
pub(super) async fn until(pool: &PgPool, text: &str) -> Result<Moment, Unfit> {
    Ok(at::until(pool, moment(text)?).await?)
}

/// The first position that is meant; nothing: the first of all.
pub(super) async fn since(pool: &PgPool, text: &str) -> Result<i64, Unfit> {
    Ok(at::since(pool, moment(text)?).await?.max(1))
}

pub(super) fn account(text: &str) -> Result<AccountId, Unfit> {
    text.trim().parse().map_err(|_| Unfit::Field("account-unfit"))
}

/// What is filled in, or nothing.
pub(super) fn some(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `path?a=b&c=d` of those that have a value, with what is not plain in percents.
pub(super) fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encoded = |value: &str| -> String {
        value
            .bytes()
            .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = filled.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_is_filled_in_whatever_it_is() {
        assert_eq!(link("/log", &[("a", ""), ("b", "")]), "/log");
        assert_eq!(link("/log", &[("a", "x y&z"), ("b", ""), ("c", "ж")]), "/log?a=x%20y%26z&c=%D0%B6");
    }
}
