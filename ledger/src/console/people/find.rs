//! People that were asked for, the newest first, by the indices of the projection `people`.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::console::asked::Unfit;
use crate::projections;
use crate::store::Search;

/// The names of a page are told in one act, whose reason has room for so many positions.
pub(super) const PAGE: usize = 40;

#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) found: Option<&'a Search>,
    pub(super) banned: Option<bool>,
    pub(super) away: Option<bool>,
    pub(super) in_debt: Option<bool>,
    pub(super) payer: Option<bool>,
    /// Who asked for something in so many days, today with them.
    pub(super) active_days: Option<u16>,
    /// Who came at this position, or before.
    pub(super) next: Option<i64>,
    /// Whose names are told.
    pub(super) named: &'a [Uuid],
}

#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
pub(super) struct Line {
    pub(super) account: Uuid,
    /// The position at which the account was opened.
    pub(super) opened: i64,
    pub(super) opened_at: i64,
    pub(super) available: i64,
    pub(super) debt: i64,
    pub(super) banned: bool,
    pub(super) erased: bool,
    /// They can't be reached.
    pub(super) away: bool,
    /// Settled payments.
    pub(super) payments: i64,
    /// Of the last request: a day in Moscow, as days since 1970-01-01.
    pub(super) active_day: Option<i64>,
    /// Only on a page, after a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// One more than a page.
pub(super) async fn find(pool: &PgPool, wanted: &Wanted<'_>) -> Result<Vec<Line>, Unfit> {
    let live = projections::live_of(pool, ["people", "balances"]).await?;
    let Some(([people, balances], _)) = live else { return Ok(Vec::new()) };
    let is = |column: &str, wish: Option<bool>| match wish {
        None => String::new(),
        Some(true) => format!(" AND {column}"),
        Some(false) => format!(" AND NOT {column}"),
    };
    let mut so = [
        is("p.banned", wanted.banned),
        is("p.in_debt", wanted.in_debt),
        is("p.payer", wanted.payer),
        match wanted.away {
            None => String::new(),
            Some(true) => " AND f.away_since IS NOT NULL".to_owned(),
            Some(false) => " AND f.away_since IS NULL".to_owned(),
        },
    ]
    .concat();
    if let Some(days) = wanted.active_days {
        let today = "(SELECT (now_us() + 10800000000) / 86400000000)";
        so += &format!(" AND p.active_day > {today} - {days}");
    }
    if wanted.found.is_some() {
        so += " AND p.account_id = ANY($4)";
    }
    let sql = format!(
        "SELECT p.account_id AS account, p.opened, p.opened_at, coalesce(b.available, 0) AS available, p.debt, \
            p.banned, p.erased, f.away_since IS NOT NULL AS away, p.payments, p.active_day, \
            CASE WHEN p.account_id = ANY($3) THEN f.name END AS name \
         FROM {} p LEFT JOIN profiles f USING (account_id) LEFT JOIN {} b USING (account_id) \
         WHERE p.opened <= $1{so} ORDER BY p.opened DESC LIMIT $2",
        people.main(),
        balances.main()
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql))
        .bind(wanted.next.unwrap_or(i64::MAX))
        .bind(PAGE as i64 + 1)
        .bind(wanted.named);
    Ok(match wanted.found {
        Some(found) => asked.bind(&found.accounts).fetch_all(pool).await?,
        None => asked.fetch_all(pool).await?,
    })
}
