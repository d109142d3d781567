//! What people fill into filters: moments of the log and accounts; and the addresses of the same page elsewhere.

use proto_events::AccountId;
use sqlx::PgPool;

use crate::books::BooksError;
use crate::books::at::{self, At, Moment};

/// Why it can't be looked for: the name of what is said.
pub(super) enum Unfit {
    Field(&'static str),
    Postgres(sqlx::Error),
}

impl From<BooksError> for Unfit {
    fn from(error: BooksError) -> Self {
        match error {
            BooksError::Postgres(error) => Self::Postgres(error),
            error => {
                tracing::debug!(%error, "a moment of the log was refused");
                Self::Field("moment-unfit")
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
