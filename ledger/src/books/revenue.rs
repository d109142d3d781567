//! Money earned and money still owed in service: as of a moment from the books, by day from the
//! projection.

use ledger_domain::Asset;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::BooksError;
use super::moscow::Day;
use super::trial_balance::Books;
use crate::projections;

/// As of a moment, in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub asset: Asset,
    /// Paid for, and not used yet.
    pub deferred: i64,
    /// Earned by use.
    pub recognised: i64,
    /// Kept when credits lapsed or were given up.
    pub breakage: i64,
    /// Taken out for refunds, less what has been paid back. Below zero, it is what went back of revenue: of credits
    /// that had been spent, so that nothing of them was left to take out.
    pub refunds_open: i64,
    pub fees: i64,
}

impl Standing {
    pub fn of(books: &Books, asset: Asset) -> Self {
        Self {
            asset,
            deferred: -books.balance(asset, "deferred"),
            recognised: -books.balance(asset, "revenue"),
            breakage: -books.balance(asset, "breakage"),
            refunds_open: -books.balance(asset, "refunds"),
            fees: books.balance(asset, "fees"),
        }
    }
}

/// One day, currency and origin of the projection `revenue`, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, sqlx::FromRow)]
pub struct DayLine {
    #[serde(skip)]
    pub day_number: i32,
    #[sqlx(skip)]
    pub day: String,
    pub currency: String,
    pub origin: String,
    pub paid: i64,
    pub fees: i64,
    pub recognised: i64,
    pub breakage: i64,
    pub refunded: i64,
    pub restored: i64,
    pub paid_back: i64,
}

/// Revenue by day, with the position through which it is known.
///
/// # Errors
/// Postgres does not answer.
pub async fn by_day(pool: &PgPool, from: Day, to: Day) -> Result<(i64, Vec<DayLine>), BooksError> {
    let Some((tables, position)) = projections::live(pool, "revenue").await? else {
        return Ok((0, Vec::new()));
    };
    let sql = format!(
        "SELECT day - date '1970-01-01' AS day_number, currency, origin, paid, fees, recognised, breakage, refunded, \
            restored, paid_back FROM {} \
         WHERE day BETWEEN date '1970-01-01' + $1 AND date '1970-01-01' + $2 ORDER BY day, currency, origin",
        tables.main()
    );
    let mut rows: Vec<DayLine> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(from.0).bind(to.0).fetch_all(pool).await?;
    for row in &mut rows {
        row.day = Day(row.day_number).to_string();
    }
    Ok((position, rows))
}
