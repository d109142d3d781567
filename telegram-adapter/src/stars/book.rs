//! getStarTransactions as a book that only grows: rows are numbered from 0, the oldest first.
//!
//! Telegram tells neither how many rows there are nor shows the newest first. The end is found by
//! doubling and halving at the first look (about 2 log₂ n calls), later from where it was; from there the
//! book is read backwards, so that rows written meanwhile shift nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proto_events::Micros;
use proto_events::events::ProviderId;
use serde_json::Value;

use super::row::{Row, Side};
use crate::outbound::{Error, STAR_ROWS_MAX, Telegram};

const PAGE: u64 = STAR_ROWS_MAX as u64;
/// Of one reading: a million rows, which is a minute or two.
const PAGES_MAX: usize = 10_000;

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Book {
    telegram: Telegram,
    /// So many rows there are at least.
    end: Arc<AtomicU64>,
}

/// No bot has so many rows: a book that seems to is not Telegram's.
const ROWS_MAX: u64 = 1 << 40;

/// What the book says of one charge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    pub paid: Option<Row>,
    pub returned: Option<Row>,
}

impl Book {
    pub fn new(telegram: Telegram) -> Self {
        Self { telegram, end: Arc::default() }
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn end(&self) -> Result<u64, Error> {
        let mut end = self.end.load(Ordering::Relaxed);
        if end == 0 {
            let mut search = Search::default();
            while let Some(number) = search.next() {
                let is_there = !self.telegram.star_rows(number, 1).await?.is_empty();
                search.learn(number, is_there);
                if number > ROWS_MAX {
                    return Err(Error::InDoubt("getStarTransactions has no end".to_owned()));
                }
            }
            end = search.absent;
        }
        loop {
            let more = self.telegram.star_rows(end, STAR_ROWS_MAX).await?.len() as u64;
            end += more;
            if more < PAGE {
                self.end.fetch_max(end, Ordering::Relaxed);
                return Ok(end);
            }
        }
    }

    /// Rows from this number on, oldest first, and the number after the last of them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn from(&self, number: u64) -> Result<(Vec<Row>, u64), Error> {
        let (mut rows, mut next) = (Vec::new(), number);
        loop {
            let page = self.telegram.star_rows(next, STAR_ROWS_MAX).await?;
            let count = page.len() as u64;
            rows.extend(page.iter().filter_map(Row::read));
            next += count;
            if count < PAGE {
                self.end.fetch_max(next, Ordering::Relaxed);
                return Ok((rows, next));
            }
        }
    }

    /// Rows not older than this, oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn since(&self, time: Micros) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        self.backwards(|page| {
            let young = |row: &&Row| row.at >= time;
            let is_last = page.first().is_some_and(|row| row.at < time);
            rows.extend(page.iter().rev().filter(young).cloned());
            is_last
        })
        .await?;
        rows.reverse();
        Ok(rows)
    }

    /// What there is of this charge: the payment, and its refund, which stands behind it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn find(&self, charge: &ProviderId) -> Result<Found, Error> {
        let mut found = Found::default();
        self.backwards(|page| {
            for row in page.into_iter().filter(|row| row.id == *charge) {
                match row.side {
                    Side::Paid => found.paid = Some(row),
                    Side::Returned => found.returned = Some(row),
                }
            }
            found.paid.is_some()
        })
        .await?;
        Ok(found)
    }

    /// Shows pages, the newest first, rows oldest first, until `is_last`. A page of other rows only is not shown.
    async fn backwards(&self, mut is_last: impl FnMut(Vec<Row>) -> bool) -> Result<(), Error> {
        let mut end = self.end().await?;
        for _ in 0..PAGES_MAX {
            if end == 0 {
                return Ok(());
            }
            let begin = end.saturating_sub(PAGE);
            let count = u8::try_from(end - begin).unwrap_or(STAR_ROWS_MAX);
            let page: Vec<Value> = self.telegram.star_rows(begin, count).await?;
            let rows: Vec<Row> = page.iter().filter_map(Row::read).collect();
            if !rows.is_empty() && is_last(rows) {
                return Ok(());
            }
            end = begin;
        }
        tracing::warn!(pages = PAGES_MAX, "the book of Stars is longer than is read at once");
        Ok(())
    }
}

/// For the first number that is not there, if all before it are: doubling, then halving.
#[derive(Debug, Default)]
struct Search {
    /// The last that is known to be there.
    there: Option<u64>,
    /// The first that is known not to be; 0 before one is known, or if there is none at all.
    absent: u64,
    over: bool,
}

impl Search {
    /// What to look at next; `None`: `absent` is it.
    fn next(&self) -> Option<u64> {
        match (self.there, self.over) {
            (None, false) => Some(0),
            (None, true) => None,
            (Some(there), false) => Some((there * 2).max(1)),
            (Some(there), true) => (self.absent - there > 1).then(|| there + (self.absent - there) / 2),
        }
    }

    fn learn(&mut self, number: u64, is_there: bool) {
        if is_there {
            self.there = Some(number);
        } else {
            (self.absent, self.over) = (number, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_in_few_steps() {
        for count in [0, 1, 2, 3, 7, 8, 9, 1_000, 123_457] {
            let (mut search, mut asked) = (Search::default(), 0);
            while let Some(number) = search.next() {
                search.learn(number, number < count);
                asked += 1;
            }
            assert_eq!(search.absent, count);
            assert!(asked <= 2 * 18, "{count}: {asked}");
        }
    }
}
