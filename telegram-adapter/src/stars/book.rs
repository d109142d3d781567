//! getStarTransactions as a book that only grows: rows are numbered from 0, the oldest first.
//!
//! Telegram tells neither how many rows there are nor shows the newest first. The end is found by
//! doubling and halving from where it was (about 2 log₂ n calls at the first look), the first row of a time by
//! halving. Whoever wants many rows reads page by page, forwards, so that no more than a page is ever held.
//! One charge is looked for backwards, from the end to its payment or its refund, with each page laid over the
//! one before: a look is whole, or it is an error and taken again; half a look never stands for "there is none".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proto_events::Micros;
use proto_events::events::ProviderId;
use serde_json::Value;

use super::row::{Row, Side};
use crate::clock;
use crate::outbound::{Error, STAR_ROWS_MAX, Telegram};

const PAGE: u64 = STAR_ROWS_MAX as u64;
/// Of one look for a charge: a million rows, which takes minutes. Who has more since a payment is told so.
const PAGES_MAX: usize = 10_000;
/// No bot has so many rows: a book that seems to is not Telegram's.
const ROWS_MAX: u64 = 1 << 40;

/// Where the rows come from.
pub trait Rows: Clone + Send + Sync + 'static {
    /// So many rows from this number on, as far as they are there.
    fn rows(&self, number: u64, count: u8) -> impl Future<Output = Result<Vec<Value>, Error>> + Send;
}

impl Rows for Telegram {
    async fn rows(&self, number: u64, count: u8) -> Result<Vec<Value>, Error> {
        self.star_rows(number, count).await
    }
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Book<R = Telegram> {
    rows: R,
    pages_max: usize,
    /// So many rows there are at least.
    end: Arc<AtomicU64>,
}

/// Some rows that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Payments and refunds among them, oldest first.
    pub rows: Vec<Row>,
    /// The number after the last; that of the page itself, where the book ends.
    pub next: u64,
}

/// What the book says of one charge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    pub paid: Option<Row>,
    pub returned: Option<Row>,
}

impl<R: Rows> Book<R> {
    pub fn new(rows: R) -> Self {
        Self { rows, pages_max: PAGES_MAX, end: Arc::default() }
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn end(&self) -> Result<u64, Error> {
        let mut search = Search::from(self.end.load(Ordering::Relaxed));
        while let Some(number) = search.next() {
            if number > ROWS_MAX {
                return Err(Error::InDoubt("getStarTransactions has no end".to_owned()));
            }
            let is_there = !self.rows.rows(number, 1).await?.is_empty();
            search.learn(number, is_there);
        }
        self.end.fetch_max(search.absent, Ordering::Relaxed);
        Ok(search.absent)
    }

    /// The rows from this number on, as many as Telegram shows at once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn page(&self, number: u64) -> Result<Page, Error> {
        let page = self.rows.rows(number, STAR_ROWS_MAX).await?;
        let next = number + page.len() as u64;
        Ok(Page { rows: page.iter().filter_map(Row::read).collect(), next })
    }

    /// The number of the first row that is not older than this; the end if all are. Rows stand in the order of
    /// their times (core.telegram.org/bots/api#getstartransactions).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn since(&self, time: Micros) -> Result<u64, Error> {
        let (mut first, mut end) = (0, self.end().await?);
        while first < end {
            let middle = first + (end - first) / 2;
            let row = self.rows.rows(middle, 1).await?;
            let at = row.first().and_then(|row| clock::of_seconds(row["date"].as_i64()?));
            let at = at.ok_or_else(|| self.moved())?;
            (first, end) = if at < time { (middle + 1, end) } else { (first, middle) };
        }
        Ok(first)
    }

    /// What there is of this charge: the payment, and its refund, which stands behind it.
    ///
    /// # Errors
    /// See [`Error`]. Also if the book moved while it was read, or is too long: nothing is known then.
    pub async fn find(&self, charge: &ProviderId) -> Result<Found, Error> {
        self.look(charge, |found| found.paid.is_some()).await
    }

    /// Its refund alone: no further back than that stands, so that one just made is at hand however old the payment.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn returned(&self, charge: &ProviderId) -> Result<Option<Row>, Error> {
        // With its payment in sight, there is none.
        let found = self.look(charge, |found| found.returned.is_some() || found.paid.is_some()).await?;
        Ok(found.returned)
    }

    /// Backwards, until that is enough.
    async fn look(&self, charge: &ProviderId, enough: impl Fn(&Found) -> bool) -> Result<Found, Error> {
        let end = self.end().await?;
        let mut begin = end.saturating_sub(PAGE);
        let mut page = self.tail(begin).await?;
        if page.is_empty() && end > 0 {
            return Err(self.moved());
        }
        let mut found = Found::default();
        for _ in 0..self.pages_max {
            for row in page.iter().filter_map(Row::read).filter(|row| row.id == *charge) {
                match row.side {
                    Side::Paid => found.paid = Some(row),
                    Side::Returned => found.returned = Some(row),
                }
            }
            if enough(&found) || begin == 0 {
                return Ok(found);
            }
            // The page before, and the first row of this one: were it another by now, rows were written in between.
            let end = begin + 1;
            begin = end.saturating_sub(PAGE);
            let before = self.whole(begin, end - begin).await?;
            if before.last().map(mark) != page.first().map(mark) {
                return Err(self.moved());
            }
            page = before;
        }
        let rows = self.pages_max.saturating_mul(usize::from(STAR_ROWS_MAX));
        let why = format!("charge {charge} is not among the last {rows} rows of getStarTransactions");
        Err(Error::InDoubt(why))
    }

    /// Everything from this number on, which is known to be near the end.
    async fn tail(&self, begin: u64) -> Result<Vec<Value>, Error> {
        let mut tail = Vec::new();
        for _ in 0..self.pages_max {
            let page = self.rows.rows(begin + tail.len() as u64, STAR_ROWS_MAX).await?;
            if page.is_empty() {
                return Ok(tail);
            }
            tail.extend(page);
        }
        Err(Error::InDoubt("getStarTransactions grows faster than it is read".to_owned()))
    }

    /// Just these rows, which are known to be there.
    async fn whole(&self, begin: u64, count: u64) -> Result<Vec<Value>, Error> {
        let mut rows = Vec::new();
        while (rows.len() as u64) < count {
            let missing = u8::try_from(count - rows.len() as u64).unwrap_or(STAR_ROWS_MAX);
            let page = self.rows.rows(begin + rows.len() as u64, missing).await?;
            if page.is_empty() {
                return Err(self.moved());
            }
            rows.extend(page);
        }
        Ok(rows)
    }

    /// The book is not what it was: it is looked at anew.
    pub fn moved(&self) -> Error {
        self.end.store(0, Ordering::Relaxed);
        Error::InDoubt("getStarTransactions changed while it was read".to_owned())
    }
}

/// What tells a row from others: id, time, side.
fn mark(row: &Value) -> (Option<&str>, Option<i64>, bool) {
    (row["id"].as_str(), row["date"].as_i64(), row["source"].is_object())
}

/// For the first number that is not there, if all before it are: doubling steps, then halving.
#[derive(Debug, Default)]
struct Search {
    /// The last that is known to be there.
    there: Option<u64>,
    step: u64,
    /// The first that is known not to be; 0 before one is known, or if there is none at all.
    absent: u64,
    over: bool,
}

impl Search {
    /// So many are there at least.
    fn from(count: u64) -> Self {
        Self { there: count.checked_sub(1), step: 1, ..Self::default() }
    }

    /// What to look at next; `None`: `absent` is it.
    fn next(&self) -> Option<u64> {
        match (self.there, self.over) {
            (None, false) => Some(0),
            (None, true) => None,
            (Some(there), false) => Some(there.saturating_add(self.step)),
            (Some(there), true) => (self.absent - there > 1).then(|| there + (self.absent - there) / 2),
        }
    }

    fn learn(&mut self, number: u64, is_there: bool) {
        if is_there {
            self.step = if self.there.is_some() { self.step.saturating_mul(2) } else { 1 };
            self.there = Some(number);
        } else {
            (self.absent, self.over) = (number, true);
        }
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
