//! Payments in quarantine, as the stream they are in has them.

use proto_events::events::{PaymentProblem, PaymentSeen};
use proto_events::{AccountId, Event, PaymentId, Provider, Rail};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::log::BadRow;
use crate::store::{self, Thing};

/// What a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// Those that nobody has decided and the provider has not put right, oldest first. What was nobody's and turned
/// out to be an account's is that account's.
///
/// # Errors
/// Postgres does not answer, or an event is not known to this version.
pub async fn open(pool: &PgPool) -> Result<Vec<Quarantined>, BadRow> {
    let sql = "SELECT substr(n.key, strpos(n.key, ':') + 1), n.account_id, n.position FROM natural_keys n \
               WHERE n.kind IN ('quarantined', 'claimed') AND NOT EXISTS \
                  (SELECT FROM natural_keys s WHERE s.key = n.key AND (s.kind = 'settled' \
                      OR s.kind = 'claimed' AND n.kind = 'quarantined')) \
               ORDER BY n.position";
    let keys: Vec<(String, Uuid, i64)> = sqlx::query_as(sql).fetch_all(pool).await?;
    let mut found = Vec::new();
    for (id, account, position) in keys {
        let thing = Thing { account: AccountId(account), id: id.clone(), after: position - 1 };
        let rows = store::events_about(pool, &[thing]).await?.remove(&id).unwrap_or_default();
        let resolved = rows.iter().any(|row| row.event_type == "QuarantineResolved");
        for row in rows.iter().filter(|row| row.position == position && !resolved) {
            if let Event::PaymentQuarantined(e) = row.event()? {
                found.push(Quarantined {
                    position,
                    recorded_at: row.recorded_at,
                    account: AccountId(account),
                    payment: e.payment,
                    rail: e.rail,
                    provider_payment_id: e.provider_payment_id.to_string(),
                    problems: e.problems,
                    seen: e.seen,
                });
            }
        }
    }
    Ok(found)
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
