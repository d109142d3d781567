//! Our side: what the log has settled at a provider, from the log itself.
//!
//! Money that moved on a day may be recorded later, so everything since that day began is looked through; and what the
//! provider states and was not met there is found by its natural key, whenever it was.
//!
//! Cost: the positions since the first day began, of which only events about money are sent; a few look-ups for each
//! operation that is older.

use std::collections::{BTreeMap, BTreeSet};

use proto_events::events::MoneyMoved;
use proto_events::{AccountId, Event, Money, PaymentId, Provider, RefundId};
use sqlx::{AssertSqlSafe, PgPool};

use super::ReconcileError;
use super::compare::MARGIN_US;
use super::operation::{Booked, Key};
use crate::books::at::{self, At};
use crate::books::moscow::Day;
use crate::log::{BadRow, COLUMNS, Row};
use crate::sequencer::{KEY_REFUNDED, KEY_SETTLED};
use crate::store::{self, Thing};

/// Positions that one SELECT looks through: well below a second.
const PIECE: i64 = 1 << 16;
/// Operations that are looked for by key at once.
const KEYS: usize = 1_000;
const TYPES: [&str; 3] = ["PaymentSettled", "PaymentFeeRecorded", "RefundSettled"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    pub booked: Vec<Booked>,
    /// The end of the log that was read.
    pub through: i64,
}

/// What is dated into these days or an hour around them, and whatever has one of these ids.
///
/// # Errors
/// Postgres does not answer, or the log can't be read.
pub async fn read(
    pool: &PgPool,
    provider: Provider,
    days: &BTreeSet<Day>,
    stated: &BTreeSet<Key>,
) -> Result<Ours, ReconcileError> {
    let through = at::until(pool, None).await?.position;
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Ok(Ours { booked: Vec::new(), through });
    };
    let window = (first.start_us() - MARGIN_US, last.end_us() + MARGIN_US);
    let mut found = Found { provider, window, stated, booked: BTreeMap::new() };
    let mut from = at::since(pool, Some(At::Time(window.0))).await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE position >= $1 AND position < $2 AND type = ANY($3) ORDER BY position"
    );
    while from <= through {
        let end = (from + PIECE).min(through + 1);
        let query = sqlx::query(AssertSqlSafe(sql.as_str())).bind(from).bind(end).bind(TYPES);
        for row in &query.fetch_all(pool).await? {
            found.take(&Row::read(row)?)?;
        }
        from = end;
    }
    let older: Vec<&Key> = stated.iter().filter(|key| !found.booked.contains_key(key)).collect();
    for keys in older.chunks(KEYS) {
        for rows in store::events_about(pool, &things(pool, provider, keys).await?).await?.values() {
            rows.iter().try_for_each(|row| found.take(row))?;
        }
    }
    Ok(Ours { booked: found.booked.into_values().collect(), through })
}

/// What of ours the provider calls so.
async fn things(pool: &PgPool, provider: Provider, keys: &[&Key]) -> Result<Vec<Thing>, ReconcileError> {
    let natural = |(kind, id): &Key| match kind {
        MoneyMoved::Payment => (KEY_SETTLED, provider.key(id)),
        MoneyMoved::Refund => (KEY_REFUNDED, provider.key(id)),
    };
    let keys: Vec<_> = keys.iter().map(|key| natural(key)).collect();
    let account = |subject: &str| -> Option<AccountId> {
        let payment = subject.parse::<PaymentId>().map(PaymentId::account);
        payment.or_else(|_| subject.parse::<RefundId>().map(RefundId::account)).ok()
    };
    let owners = store::owners_of_keys(pool, &keys).await?;
    let thing = |id: String| Some(Thing { account: account(&id)?, id, after: 0 });
    Ok(owners.into_values().filter_map(thing).collect())
}

struct Found<'s> {
    provider: Provider,
    /// Times, both inclusive.
    window: (i64, i64),
    stated: &'s BTreeSet<Key>,
    booked: BTreeMap<Key, Booked>,
}

impl Found<'_> {
    fn take(&mut self, row: &Row) -> Result<(), BadRow> {
        let (position, recorded_at) = (row.position, row.recorded_at);
        match row.event()? {
            Event::PaymentSettled(e) if e.rail.provider() == self.provider => self.keep(Booked {
                kind: MoneyMoved::Payment,
                position,
                ours: e.payment.to_string(),
                id: e.provider_payment_id.to_string(),
                amount: e.amount,
                net: e.net,
                at: e.paid_at.map_or(recorded_at, |at| at.get()),
            }),
            Event::RefundSettled(e) if e.rail.provider() == self.provider => self.keep(Booked {
                kind: MoneyMoved::Refund,
                position,
                ours: e.refund.to_string(),
                id: e.provider_refund_id.to_string(),
                amount: e.amount,
                net: None,
                at: e.refunded_at.map_or(recorded_at, |at| at.get()),
            }),
            Event::PaymentFeeRecorded(e) if e.rail.provider() == self.provider => {
                let key = (MoneyMoved::Payment, e.provider_payment_id.to_string());
                if let Some(booked) = self.booked.get_mut(&key) {
                    booked.net = Money::new(booked.amount.minor() - e.fee.minor(), e.fee.currency).ok();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, booked: Booked) {
        let (from, to) = self.window;
        let key = booked.key();
        if (from..=to).contains(&booked.at) || self.stated.contains(&key) {
            self.booked.insert(key, booked);
        }
    }
}
