//! The trial balance at any position: the cumulative rows of the last whole chunk before it, and
//! the postings of the events since. Cost: one read of some 25 rows, and at most 2^10 events, more
//! only while the projection lags.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ledger_domain::{Asset, Posting};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::{BooksError, postings};
use crate::projections::registry::{self, State};

/// Positions in a chunk: 2^10. Reading so many events takes some 10 ms.
const CHUNK_BITS: u32 = 10;

/// The last position of the chunk that this position is in; the first chunk begins at 1.
pub const fn end_of_chunk(position: i64) -> i64 {
    (((position - 1) >> CHUNK_BITS) + 1) << CHUNK_BITS
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
    let Some(live) = registry::find(pool, "trial_balance", State::Live).await? else { return Ok(nothing) };
    let known = position.min(live.position);
    // Chunks of the first version are of 2^16 positions and named by their numbers. They are read until they are made anew.
    let (through, column, name) = match live.version {
        1 => ((known >> 16) << 16, "chunk", (known >> 16) - 1),
        _ => {
            let through = (known >> CHUNK_BITS) << CHUNK_BITS;
            (through, "through", through)
        }
    };
    if through == 0 {
        return Ok(nothing);
    }
    let table = live.tables().main();
    let sql = format!("SELECT account, asset, debit, credit FROM {table} WHERE {column} = $1");
    let rows: Vec<(String, String, i64, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(name).fetch_all(pool).await?;
    Ok((Books::of(rows), through))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_ends_with_its_last_position() {
        for (position, end) in [(1, 1_024), (1_023, 1_024), (1_024, 1_024), (1_025, 2_048)] {
            assert_eq!(end_of_chunk(position), end, "{position}");
        }
    }
}
