//! The trial balance at any position: the cumulative rows of the last whole chunk before it, and
//! the postings of the events since. Cost: one read of some 25 rows, and at most 2^16 events, more
//! only while the projection lags.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ledger_domain::{Asset, Posting};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::{BooksError, postings};
use crate::projections;

/// Positions in a chunk: 2^16.
const CHUNK_BITS: u32 = 16;

/// The chunk of a position, from 0: chunk 0 ends at 65 536.
pub const fn chunk_of(position: i64) -> i64 {
    (position - 1) >> CHUNK_BITS
}

/// The last position of a chunk.
pub const fn end_of(chunk: i64) -> i64 {
    (chunk + 1) << CHUNK_BITS
}

/// One account of the books in one asset; credits, or minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Line<'a> {
    pub asset: Asset,
    pub account: &'a str,
    pub debit: i64,
    pub credit: i64,
}

impl Line<'_> {
    pub fn name(&self) -> Name {
        (self.asset, Cow::Owned(self.account.to_owned()))
    }

    /// Debit less credit.
    pub const fn balance(&self) -> i64 {
        self.debit - self.credit
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    debit: i64,
    credit: i64,
}

/// A line's name: its asset, then its account.
pub type Name = (Asset, Cow<'static, str>);

/// Sums of all postings up to some position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    sums: BTreeMap<Name, Sums>,
}

fn asset_of(code: &str) -> Option<Asset> {
    [Asset::Credit, Asset::Rub, Asset::Xtr].into_iter().find(|asset| asset.code() == code)
}

impl Books {
    /// From rows of (account, asset, debit, credit).
    pub fn of(rows: impl IntoIterator<Item = (String, String, i64, i64)>) -> Self {
        let line = |(account, asset, debit, credit): (String, String, i64, i64)| {
            Some(((asset_of(&asset)?, Cow::Owned(account)), Sums { debit, credit }))
        };
        Self { sums: rows.into_iter().filter_map(line).collect() }
    }

    /// `None`, and nothing changed: a sum would not fit.
    pub fn post(&mut self, posting: &Posting) -> Option<()> {
        let sums = self.sums.entry((posting.asset, posting.account.clone())).or_default();
        match posting.amount {
            n if n >= 0 => sums.debit = sums.debit.checked_add(n)?,
            n => sums.credit = sums.credit.checked_sub(n)?,
        }
        Some(())
    }

    /// The assets whose debits are not their credits, with the difference: none, or a bug.
    pub fn unbalanced(&self) -> Vec<(Asset, i128)> {
        let mut off: BTreeMap<Asset, i128> = BTreeMap::new();
        for ((asset, _), sums) in &self.sums {
            *off.entry(*asset).or_default() += i128::from(sums.debit) - i128::from(sums.credit);
        }
        off.into_iter().filter(|(_, n)| *n != 0).collect()
    }

    /// Debit less credit of one account.
    pub fn balance(&self, asset: Asset, account: &'static str) -> i64 {
        self.sums.get(&(asset, Cow::Borrowed(account))).map_or(0, |s| s.debit - s.credit)
    }

    /// The lines that `before` lacks or has otherwise.
    pub fn changed_since<'a>(&'a self, before: &Self) -> impl Iterator<Item = Line<'a>> {
        self.lines().filter(|line| {
            let was = before.sums.get(&line.name());
            was.is_none_or(|was| (was.debit, was.credit) != (line.debit, line.credit))
        })
    }

    /// By asset (CREDIT, RUB, XTR), then account.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.sums.iter().map(|((asset, account), s)| Line {
            asset: *asset,
            account,
            debit: s.debit,
            credit: s.credit,
        })
    }
}

/// The books as of a position.
///
/// # Errors
/// The log can't be read, or an event does not fit into the books.
pub async fn trial_balance(pool: &PgPool, position: i64) -> Result<Books, BooksError> {
    let (mut books, from) = base(pool, position).await?;
    postings::each(pool, from + 1, position, |row, event| {
        let lines = ledger_domain::postings(event);
        let fits = lines.iter().all(|posting| books.post(posting).is_some());
        if fits { Ok(()) } else { Err(BooksError::Unbalanced { position: row.position }) }
    })
    .await?;
    Ok(books)
}

/// The newest whole chunk that ends at `position` or before, as far as the projection has come; and
/// where it ends.
async fn base(pool: &PgPool, position: i64) -> Result<(Books, i64), BooksError> {
    let nothing = (Books::default(), 0);
    let Some((tables, known)) = projections::live(pool, "trial_balance").await? else { return Ok(nothing) };
    let chunk = (position.min(known) >> CHUNK_BITS) - 1;
    if chunk < 0 {
        return Ok(nothing);
    }
    let sql = format!("SELECT account, asset, debit, credit FROM {} WHERE chunk = $1", tables.main());
    let rows: Vec<(String, String, i64, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(chunk).fetch_all(pool).await?;
    Ok((Books::of(rows), end_of(chunk)))
}
