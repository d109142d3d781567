//! What people and administrators read of the past: from the projections, as far as they are.
//!
//! Projections follow the log by a moment: who asks for `at_least` waits until they have it, others for a moment. Cost: a
//! probe for each bucket of 2^18 positions, and the account's own rows there; nothing is read from end to end but names, when
//! a person is looked for.

mod history;
mod lines;
mod people;
mod statistics;
mod totals;

pub(super) use history::history;
pub(super) use lines::statement;
pub(super) use people::{paid, people};
pub(super) use statistics::statistics;
pub(super) use totals::{referrals, totals};

use proto_events::{AccountId, Credits, GenerationId, Money, Position};
use sqlx::PgPool;

use super::{MOMENT, Problem, WAIT};
use crate::books::words::currency_of;
use crate::projections::{self, Tables};
use crate::store;

/// Rows of a page.
const PAGE_MAX: u16 = 50;

/// Who reads, and how much of the log they know of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub pool: &'a PgPool,
    pub at_least: Option<Position>,
    pub committed: Position,
    /// The log's time, µs.
    pub now: i64,
    /// Whose past is read: what others do need not have been seen.
    pub about: Option<AccountId>,
}

impl Reader<'_> {
    /// Of this account alone.
    pub(super) fn about(self, account: AccountId) -> Self {
        Self { about: Some(account), ..self }
    }

    /// The tables of a projection, once it is where it is wanted.
    async fn tables(&self, name: &str) -> Result<Tables, Problem> {
        self.all_tables([name]).await.map(|[tables]| tables)
    }

    /// The same of several.
    async fn all_tables<const N: usize>(&self, names: [&str; N]) -> Result<[Tables; N], Problem> {
        let (mut wanted, patience) =
            self.at_least.map_or((self.committed, MOMENT), |position| (position, WAIT));
        let deadline = tokio::time::Instant::now() + patience;
        let mut about = self.about.filter(|_| self.at_least.is_none());
        loop {
            let live = projections::live_of(self.pool, names).await?;
            let is_late = tokio::time::Instant::now() >= deadline;
            match live {
                Some((tables, position)) if position >= wanted.get() => return Ok(tables),
                Some((tables, _)) if is_late && self.at_least.is_none() => return Ok(tables),
                _ if is_late => return Err(Problem::NotYet(wanted)),
                _ => match about.take() {
                    Some(account) => wanted = newest(self.pool, account).await?.min(wanted),
                    None => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                },
            }
        }
    }

    /// The newest bucket of positions before this one.
    fn newest_bucket(&self, before: Option<Position>) -> i32 {
        let before = before.unwrap_or(self.committed).get().max(0);
        i32::try_from(before >> crate::store::BUCKET_BITS).unwrap_or(i32::MAX)
    }
}

/// Where the account's last event is.
async fn newest(pool: &PgPool, account: AccountId) -> Result<Position, Problem> {
    let newest = store::newest_event(pool, account).await?;
    Ok(newest.and_then(|row| row.position.try_into().ok()).unwrap_or_default())
}

fn before(position: Option<Position>) -> i64 {
    position.map_or(i64::MAX, Position::get)
}

fn page(limit: u16) -> i64 {
    limit.clamp(1, PAGE_MAX).into()
}

fn credits(n: i64) -> Credits {
    Credits::new(n.max(0)).unwrap_or(Credits::MAX)
}

fn count(n: i64) -> u32 {
    u32::try_from(n.max(0)).unwrap_or(u32::MAX)
}

/// Sums by currency; nothing below zero can be told.
fn monies(sums: Vec<(String, i64)>) -> Vec<Money> {
    let money = |(currency, minor): (String, i64)| Money::new(minor.max(0), currency_of(&currency)).ok();
    sums.into_iter().filter_map(money).collect()
}

/// By what the projections keep of its id.
fn generation_id(account: AccountId, tail: i64) -> Option<GenerationId> {
    format!("g-{}-{:016x}", account.0.simple(), tail.cast_unsigned()).parse().ok()
}
