//! A moment of the log, as people name it: a position, a time, or a day in Moscow.
//!
//! Cost of a time: one statement of some 25 look-ups by position, since times rise with positions and need no index.

use std::str::FromStr;

use serde::Serialize;
use sqlx::PgPool;

use super::BooksError;
use super::moscow::{Day, parse_rfc3339};

/// What `--at` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Position(i64),
    /// µs since 1970-01-01 UTC.
    Time(i64),
    /// As an end it means the last moment of the day, as a beginning the first.
    Day(Day),
}

impl At {
    fn begins_us(self) -> Option<i64> {
        match self {
            Self::Position(_) => None,
            Self::Time(us) => Some(us),
            Self::Day(day) => Some(day.start_us()),
        }
    }

    fn ends_us(self) -> Option<i64> {
        match self {
            Self::Position(_) => None,
            Self::Time(us) => Some(us),
            Self::Day(day) => Some(day.end_us()),
        }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let position = text.parse().map_err(|_| format!("{text} is no position: it is too large"))?;
            return Ok(Self::Position(position));
        }
        let day = || Day::parse(text).map(Self::Day);
        day().or_else(|| parse_rfc3339(text).map(Self::Time)).ok_or_else(|| {
            "give a position (1234), a day in Moscow (2026-11-21) or a time (2026-11-21T14:30:00+03:00)"
                .to_owned()
        })
    }
}

/// A moment found in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Of the last event at or before it; 0 is before the first.
    pub position: i64,
    /// When that event was recorded, µs since 1970-01-01 UTC; 0 before the first.
    pub recorded_at: i64,
}

/// The end of what is asked for; nothing given means now.
///
/// # Errors
/// The position is beyond the end of the log; Postgres does not answer.
pub async fn until(pool: &PgPool, at: Option<At>) -> Result<Moment, BooksError> {
    let head: Option<i64> = sqlx::query_scalar("SELECT max(position) FROM events").fetch_one(pool).await?;
    let head = head.unwrap_or_default();
    let position = match at {
        None => head,
        Some(At::Position(position)) if position > head => {
            return Err(BooksError::Beyond { asked: position, head });
        }
        Some(At::Position(position)) => position,
        Some(At::Time(us)) => last_by(pool, us, head).await?,
        Some(At::Day(day)) => last_by(pool, day.end_us(), head).await?,
    };
    Ok(Moment { position, recorded_at: time_of(pool, position).await?.unwrap_or_default() })
}

/// The first position of what is asked for; nothing given means 1.
///
/// # Errors
/// As [`until`].
pub async fn since(pool: &PgPool, at: Option<At>) -> Result<i64, BooksError> {
    let before = |us: i64| Some(At::Time(us.saturating_sub(1)));
    let last_before = match at {
        None => return Ok(1),
        Some(At::Position(position)) => return Ok(position.max(1)),
        Some(At::Time(us)) => until(pool, before(us)).await?,
        Some(At::Day(day)) => until(pool, before(day.start_us())).await?,
    };
    Ok(last_before.position + 1)
}

/// From the first position of what is asked for to the end of it. A day without events is a part without any.
///
/// # Errors
/// As [`until`]; or the end lies before the beginning.
pub async fn part(pool: &PgPool, from: Option<At>, to: Option<At>) -> Result<(i64, Moment), BooksError> {
    // Two times with nothing recorded between them are in the wrong order all the same.
    if let (Some(begins), Some(ends)) = (from.and_then(At::begins_us), to.and_then(At::ends_us))
        && begins > ends
    {
        return Err(BooksError::Backwards);
    }
    let (from, to) = (since(pool, from).await?, until(pool, to).await?);
    if from > to.position + 1 {
        return Err(BooksError::Backwards);
    }
    Ok((from, to))
}

async fn time_of(pool: &PgPool, position: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
        .bind(position)
        .fetch_optional(pool)
        .await
}

/// The last position that was recorded at `us` or before.
async fn last_by(pool: &PgPool, us: i64, head: i64) -> Result<i64, sqlx::Error> {
    // Invariant: position `low` is by then (or 0), `high` is after (or beyond the head).
    let sql = "WITH RECURSIVE halves (low, high) AS ( \
                   SELECT 0::bigint, $2::bigint + 1 \
                   UNION ALL \
                   SELECT CASE WHEN by_then THEN middle ELSE low END, CASE WHEN by_then THEN high ELSE middle END \
                   FROM (SELECT low, high, low + (high - low) / 2 AS middle FROM halves WHERE high - low > 1) h, \
                       LATERAL (SELECT coalesce((SELECT recorded_at <= $1 FROM events WHERE position = h.middle), false) \
                                AS by_then) e) \
               SELECT low FROM halves WHERE high - low <= 1";
    sqlx::query_scalar(sql).bind(us).bind(head).fetch_one(pool).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_a_day_or_a_time() {
        assert_eq!("120".parse(), Ok(At::Position(120)));
        assert_eq!("2026-11-21".parse(), Ok(At::Day(Day::parse("2026-11-21").unwrap())));
        assert_eq!("1970-01-01T03:00:01+03:00".parse(), Ok(At::Time(1_000_000)));
        for bad in ["", "-1", "today", "2026-11-21T14:30", "2026-11-31", "99999999999999999999"] {
            assert!(bad.parse::<At>().is_err(), "{bad:?} was taken");
        }
    }
}
