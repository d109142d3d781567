//! What about money waits for a person: payments in quarantine, refunds and payments that don't end, credits bought
//! for an account that is erased, days on which the provider's books and the log differ, days nobody compared.
//!
//! Cost: a few statements, however much was decided and compared before. Natural keys of quarantines, side tables, the
//! last [`DAYS`] of the stream of operations, the accounts that are erased.

mod quarantined;

use std::collections::BTreeMap;

use proto_events::events::ReconciliationFinished;
use proto_events::{AccountId, Money, Provider};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool, Row as _};

pub use quarantined::{Quarantined, find as find_quarantined, open as open_quarantines};

use crate::books::BooksError;
use crate::books::at::{self, At};
use crate::books::moscow::{DAY_US, Day};
use crate::projections;
use crate::reconcile::recorded;

/// Open for longer than this is worth a look: YooKassa answers within minutes, an unpaid payment lives an hour.
const LATE_US: i64 = 3 * 3_600_000_000;
/// Of how many days differences are shown.
const DAYS: i32 = 60;
/// An adapter uploads a day an hour after its end.
const UPLOADED_US: i64 = 2 * 3_600_000_000;
/// Of a provider's settled payments, so many are looked at: a few ms.
const KEYS_MAX: i64 = 1_000;

/// A payment or refund that does not end.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Late {
    pub id: String,
    pub rail: String,
    /// µs.
    pub opened_at: i64,
}

/// Credits in an account that is erased: nobody can spend them, their money is to go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stranded {
    pub account: AccountId,
    pub credits: i64,
}

/// The newest comparison of a day, if something differed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Differing {
    pub provider: Provider,
    pub day: String,
    pub differences: u32,
    /// Of its ReconciliationFinished.
    pub position: i64,
    pub ours: Money,
    pub theirs: Money,
}

#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Cases {
    pub quarantined: Vec<Quarantined>,
    pub late_payments: Vec<Late>,
    pub late_refunds: Vec<Late>,
    pub stranded: Vec<Stranded>,
    pub differing: Vec<Differing>,
    /// Providers whose last whole day was not compared, with the newest of the last [`DAYS`] that was.
    pub uncompared: Vec<(Provider, Option<String>)>,
}

impl Cases {
    pub fn count(&self) -> usize {
        self.quarantined.len()
            + self.late_payments.len()
            + self.late_refunds.len()
            + self.stranded.len()
            + self.differing.len()
            + self.uncompared.len()
    }
}

/// As of now, µs.
///
/// # Errors
/// Postgres does not answer, or the log has what this version does not know.
pub async fn cases(pool: &PgPool, now: i64) -> Result<Cases, BooksError> {
    let finished = compared(pool, now).await?;
    Ok(Cases {
        quarantined: open_quarantines(pool).await?,
        late_payments: late(pool, "open_payments", "payment", now).await?,
        late_refunds: late(pool, "open_refunds", "refund", now).await?,
        stranded: stranded(pool).await?,
        differing: differing(&finished, now),
        uncompared: uncompared(pool, &finished, now).await?,
    })
}

async fn late(
    pool: &PgPool,
    table: &'static str,
    id: &'static str,
    now: i64,
) -> Result<Vec<Late>, sqlx::Error> {
    // OFFSET 0: probe by probe. Merged, the two would be the whole log from its first event on.
    let sql = format!(
        "SELECT o.{id} AS id, o.rail, e.recorded_at FROM {table} o, \
            LATERAL (SELECT recorded_at FROM events WHERE position = o.position OFFSET 0) e \
         WHERE e.recorded_at < $1 ORDER BY o.position LIMIT 1000"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(now - LATE_US).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(Late {
                id: row.try_get("id")?,
                rail: row.try_get("rail")?,
                opened_at: row.try_get("recorded_at")?,
            })
        })
        .collect()
}

/// Of the erased, whoever has credits: at most 1000, the newest accounts first.
async fn stranded(pool: &PgPool) -> Result<Vec<Stranded>, sqlx::Error> {
    let live = async |name| {
        Ok::<_, sqlx::Error>(projections::live(pool, name).await?.map(|(tables, _)| tables.main()))
    };
    let (Some(people), Some(balances)) = (live("people").await?, live("balances").await?) else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT p.account_id, b.available + b.reserved AS credits FROM {people} p JOIN {balances} b USING (account_id) \
         WHERE p.erased AND b.available + b.reserved > 0 ORDER BY p.opened DESC LIMIT 1000"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let account = AccountId(row.try_get("account_id")?);
            Ok(Stranded { account, credits: row.try_get("credits")? })
        })
        .collect()
}

type Compared = BTreeMap<(Provider, i32), (i64, ReconciliationFinished)>;

/// The newest comparison of each of the last days of each provider.
async fn compared(pool: &PgPool, now: i64) -> Result<Compared, BooksError> {
    let mut newest = Compared::new();
    for recorded::Recorded { row, finished } in recorded::since(pool, Day(Day::of(now).0 - DAYS)).await? {
        newest.insert((finished.provider, finished.day.get()), (row.position, finished));
    }
    Ok(newest)
}

fn differing(compared: &Compared, now: i64) -> Vec<Differing> {
    let since = Day::of(now).0 - DAYS;
    let shown = compared.iter().filter(|((_, day), (_, e))| *day >= since && e.differences > 0);
    shown
        .map(|((provider, day), (position, e))| Differing {
            provider: *provider,
            day: Day(*day).to_string(),
            differences: e.differences,
            position: *position,
            ours: e.payments.ours.sum,
            theirs: e.payments.theirs.sum,
        })
        .collect()
}

/// Only of providers whose days have been compared, or whose money has come: a shop without Stars has none.
async fn uncompared(
    pool: &PgPool,
    compared: &Compared,
    now: i64,
) -> Result<Vec<(Provider, Option<String>)>, BooksError> {
    let due = Day::of(now - DAY_US - UPLOADED_US);
    let mut found = Vec::new();
    for provider in Provider::ALL {
        let newest = compared.keys().filter(|(of, _)| *of == provider).map(|(_, day)| *day).max();
        if newest.is_some_and(|newest| newest >= due.0) {
            continue;
        }
        if newest.is_some() || has_paid(pool, provider, due).await? {
            found.push((provider, newest.map(|day| Day(day).to_string())));
        }
    }
    Ok(found)
}

/// Whether money of this provider had come by the end of that day: asked of the keys of what was settled, which are there
/// whatever is projected. They are in no order of time, so the first of them stand for all: who has more than
/// [`KEYS_MAX`] of them, and none of those from before, sells for some hours, and hears of it a day later.
async fn has_paid(pool: &PgPool, provider: Provider, day: Day) -> Result<bool, BooksError> {
    let by_then = at::until(pool, Some(At::Day(day))).await?.position;
    let sql = "SELECT EXISTS (SELECT FROM (SELECT key, position FROM natural_keys \
                   WHERE kind = 'settled' AND key >= $1 ORDER BY key LIMIT $2) first \
               WHERE starts_with(first.key, $1) AND first.position <= $3)";
    let found = sqlx::query_scalar(sql).bind(provider.key("")).bind(KEYS_MAX).bind(by_then);
    Ok(found.fetch_one(pool).await?)
}
