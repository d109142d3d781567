//! Payments in quarantine, as the stream they are in has them.

use std::collections::HashMap;

use proto_events::events::{PaymentProblem, PaymentSeen};
use proto_events::{AccountId, Event, PaymentId, Provider, Rail};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::log::{BadRow, Row};
use crate::projections;
use crate::store::{self, Thing};

/// What a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quarantined {
    pub position: i64,
    /// µs.
    pub recorded_at: i64,
    /// `operations` if it is nobody's.
    pub account: AccountId,
    pub payment: Option<PaymentId>,
    pub rail: Rail,
    pub provider_payment_id: String,
    pub problems: Vec<PaymentProblem>,
    pub seen: PaymentSeen,
}

/// Those that nobody has decided and that have not been applied since, oldest first. What was nobody's and turned
/// out to be an account's is that account's.
///
/// Decided ones are left out as far as the projection has seen them; the log is asked, once, about the others, so that
/// the answer is of this moment.
///
/// # Errors
/// Postgres does not answer, or an event is not known to this version.
pub async fn open(pool: &PgPool) -> Result<Vec<Quarantined>, BadRow> {
    // OFFSET 0: probe by probe. Joined, all that was ever settled would be read.
    let sql = "SELECT n.key, n.account_id, n.position FROM natural_keys n \
               WHERE n.kind IN ('quarantined', 'claimed') \
                 AND NOT EXISTS (SELECT FROM natural_keys s WHERE s.kind IN ('settled', 'refunded') AND s.key = n.key \
                     AND s.position > n.position OFFSET 0) \
                 AND NOT (n.kind = 'quarantined' AND EXISTS (SELECT FROM natural_keys s \
                     WHERE s.kind = 'claimed' AND s.key = n.key OFFSET 0)) \
               ORDER BY n.position";
    let keys: Vec<(String, Uuid, i64)> = sqlx::query_as(sql).fetch_all(pool).await?;
    let decided = decided(pool).await?;
    let waits = |(key, _, position): &(String, Uuid, i64)| decided.get(key).is_none_or(|at| at < position);
    let things = keys.into_iter().filter(waits).map(|(key, account, position)| {
        let id = key.split_once(':').map_or(key.as_str(), |(_, id)| id).to_owned();
        Thing { account: AccountId(account), id, after: position - 1 }
    });
    let things: Vec<Thing> = things.collect();
    let about = store::events_about(pool, &things).await?;
    let mut found = Vec::with_capacity(things.len());
    for Thing { account, id, after } in things {
        let rows: Vec<&Row> =
            about.get(&id).into_iter().flatten().filter(|row| row.position > after).collect();
        if rows.iter().any(|row| row.account() == account && row.event_type == "QuarantineResolved") {
            continue;
        }
        let Some(row) = rows.into_iter().find(|row| row.position == after + 1) else { continue };
        if let Event::PaymentQuarantined(e) = row.event()? {
            found.push(Quarantined {
                position: row.position,
                recorded_at: row.recorded_at,
                account,
                payment: e.payment,
                rail: e.rail,
                provider_payment_id: e.provider_payment_id.to_string(),
                problems: e.problems,
                seen: e.seen,
            });
        }
    }
    Ok(found)
}

/// What the projection has seen decided: the natural key, and where it was decided last.
async fn decided(pool: &PgPool) -> Result<HashMap<String, i64>, sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, "payments").await? else { return Ok(HashMap::new()) };
    let table = tables.table("resolved");
    let sql = format!("SELECT rail, provider_payment_id, position FROM {table} ORDER BY position");
    let rows: Vec<(String, String, i64)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await?;
    let key = |(rail, id, at): (String, String, i64)| {
        let rail = Rail::ALL.into_iter().find(|of| of.as_str() == rail)?;
        Some((rail.key(&id), at))
    };
    Ok(rows.into_iter().filter_map(key).collect())
}

/// The open one with this id of the provider, or all of this payment.
///
/// # Errors
/// As [`open`].
pub async fn find(pool: &PgPool, id: &str) -> Result<Vec<Quarantined>, BadRow> {
    let of = |q: &Quarantined| q.payment.is_some_and(|payment| payment.to_string() == id);
    let open = open(pool).await?;
    let (by_id, others): (Vec<_>, Vec<_>) = open.into_iter().partition(|q| q.provider_payment_id == id);
    Ok(if by_id.is_empty() { others.into_iter().filter(of).collect() } else { by_id })
}

/// Whose books it is in.
impl Quarantined {
    pub fn provider(&self) -> Provider {
        self.rail.provider()
    }
}
