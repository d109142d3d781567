//! What generations cost and earned: each, and all of a model together, from the projection.
//!
//! A margin is what a charge earned less what all attempts cost, in kopecks, by the rates of the newest catalog; without
//! rates there is none. Cost: the projection is read from end to end, but for a single generation.

use proto_events::catalog::Rates;
use proto_events::{AccountId, Event, GenerationId};
use serde::Serialize;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres};
use uuid::Uuid;

use super::BooksError;
use super::moscow::Day;
use crate::log::Row;
use crate::projections::{self, State};
use crate::store;

/// Since when the projection tells what is asked here.
const VERSION: i64 = 2;

/// Which generations; nothing given means all.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub generation: Option<GenerationId>,
    pub account: Option<AccountId>,
    /// On which it was asked for.
    pub day: Option<Day>,
    pub model: Option<String>,
}

/// One generation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Line {
    #[sqlx(skip)]
    pub generation: String,
    #[serde(skip)]
    pub account_id: Uuid,
    #[serde(skip)]
    pub tail: i64,
    pub position: i64,
    pub kind: String,
    pub model: String,
    /// What answered last, in the vendor's words.
    pub model_version: Option<String>,
    pub state: String,
    pub settlement: Option<String>,
    pub reason: Option<String>,
    pub attempts: i16,
    pub outputs: i16,
    /// Its price, and what was charged.
    pub credits: i64,
    pub charged: i64,
    /// Tokens and costs are of all attempts together.
    pub prompt_tokens: i64,
    pub output_tokens: i64,
    pub thought_tokens: i64,
    pub image_tokens: i64,
    pub latency_ms: i64,
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub yields: Yield,
    /// µs since 1970-01-01 UTC.
    pub requested_at: i64,
    pub closed_at: Option<i64>,
    pub delivered_at: Option<i64>,
}

/// All of a model that were wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Totals {
    pub model: String,
    pub asked: i64,
    pub made: i64,
    pub attempts: i64,
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub yields: Yield,
}

/// What was paid for calls, and what they earned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Yield {
    pub cost_micro_usd: i64,
    /// Of calls whose bill never came; not in the cost.
    pub estimated_micro_usd: i64,
    pub revenue_kopecks: i64,
    pub revenue_stars: i64,
    /// With what is estimated; `None` without rates.
    #[sqlx(skip)]
    pub margin_kopecks: Option<i64>,
}

impl Yield {
    /// In µ$, with what is estimated.
    pub const fn cost(&self) -> i64 {
        self.cost_micro_usd.saturating_add(self.estimated_micro_usd)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Generations {
    /// Through which position the projection is.
    pub position: i64,
    pub rates: Option<Rates>,
    /// The newest first.
    pub generations: Vec<Line>,
    /// The dearest first.
    pub models: Vec<Totals>,
}

const COLUMNS: &str = "account_id, tail, position, kind, model, model_version, state, settlement, reason, attempts, \
    outputs, credits, charged, prompt_tokens, output_tokens, thought_tokens, image_tokens, latency_ms, cost_micro_usd, \
    estimated_micro_usd, revenue_kopecks, revenue_stars, requested_at, closed_at, delivered_at";
const SUMS: &str = "model, count(*) AS asked, count(*) FILTER (WHERE state = 'succeeded') AS made, \
    coalesce(sum(attempts), 0)::bigint AS attempts, sum(cost_micro_usd)::bigint AS cost_micro_usd, \
    sum(estimated_micro_usd)::bigint AS estimated_micro_usd, sum(revenue_kopecks)::bigint AS revenue_kopecks, \
    sum(revenue_stars)::bigint AS revenue_stars";
const WHERE: &str = "WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::bigint IS NULL OR tail = $2) \
    AND ($3::bigint IS NULL OR requested_at >= $3) AND ($4::bigint IS NULL OR requested_at <= $4) \
    AND ($5::text IS NULL OR model = $5)";

/// The newest so many of them, and the totals of all. `None`: the projection is not there yet, or being made anew.
///
/// # Errors
/// Postgres does not answer, or the catalog can't be read.
pub async fn generations(
    pool: &PgPool,
    wanted: &Wanted,
    limit: i64,
) -> Result<Option<Generations>, BooksError> {
    let live = projections::find_instance(pool, "generations", State::Live).await?;
    let Some(live) = live.filter(|live| live.version >= VERSION) else { return Ok(None) };
    let table = live.tables().main();
    let lines = format!("SELECT {COLUMNS} FROM {table} {WHERE} ORDER BY position DESC LIMIT $6");
    let mut lines: Vec<Line> = wanted.choose(&lines).bind(limit).fetch_all(pool).await?;
    let sums = format!("SELECT {SUMS} FROM {table} {WHERE} GROUP BY model ORDER BY 5 DESC, model");
    let mut models: Vec<Totals> = wanted.choose(&sums).fetch_all(pool).await?;
    let rates = rates(pool).await?;
    for line in &mut lines {
        line.generation = format!("g-{}-{:016x}", line.account_id.simple(), line.tail.cast_unsigned());
    }
    let yields = lines.iter_mut().map(|line| &mut line.yields);
    for yields in yields.chain(models.iter_mut().map(|model| &mut model.yields)) {
        yields.margin_kopecks =
            rates.map(|r| margin(r, yields.revenue_kopecks, yields.revenue_stars, yields.cost()));
    }
    Ok(Some(Generations { position: live.position, rates, generations: lines, models }))
}

impl Wanted {
    /// A query with [`WHERE`].
    fn choose<'q, T>(&'q self, sql: &str) -> QueryAs<'q, Postgres, T, PgArguments>
    where
        T: for<'r> FromRow<'r, PgRow>,
    {
        let account = self.generation.map(GenerationId::account).or(self.account).map(|account| account.0);
        let tail = self.generation.map(|generation| generation.tail().cast_signed());
        let (from, to) = (self.day.map(Day::start_us), self.day.map(Day::end_us));
        let query = sqlx::query_as(AssertSqlSafe(sql.to_owned()));
        query.bind(account).bind(tail).bind(from).bind(to).bind(&self.model)
    }
}

async fn rates(pool: &PgPool) -> Result<Option<Rates>, BooksError> {
    let newest = store::newest_of_type(pool, AccountId::CATALOG, store::CATALOG_PUBLISHED).await?;
    match newest.as_ref().map(Row::event).transpose()? {
        Some(Event::CatalogPublished(e)) => Ok(e.catalog.rates),
        _ => Ok(None),
    }
}

/// In kopecks; the cost is rounded up to the next.
fn margin(rates: Rates, kopecks: i64, stars: i64, micro_usd: i64) -> i64 {
    let cost = i128::from(micro_usd) * i128::from(rates.kopecks_per_usd);
    let cost = (cost + 999_999).div_euclid(1_000_000);
    let earned = i128::from(kopecks) + i128::from(stars) * i128::from(rates.kopecks_per_star);
    i64::try_from(earned - cost).unwrap_or(if earned > cost { i64::MAX } else { i64::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_what_was_earned_less_what_it_cost_rounded_up() {
        let rates = Rates { kopecks_per_usd: 8_150, kopecks_per_star: 130 };
        // The recorded Pro call: 0.138472 $ are 1128.5468 kopecks.
        assert_eq!(margin(rates, 1_000, 0, 138_472), -129);
        assert_eq!(margin(rates, 0, 10, 138_472), 171);
        assert_eq!(margin(rates, 0, 0, 1), -1);
        assert_eq!(margin(rates, 0, 0, 0), 0);
        assert_eq!(margin(rates, 0, 0, i64::MAX), -75_170_482_100_366_423);
    }
}
