//! Payments, their refunds, and what is in quarantine: each as it stands.
//!
//! Keys lead with a bucket of the position that opened the row, so that new ones go to the hot end of
//! the one index; a reader by id gives all buckets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::events::PayMethod;
use proto_events::{Event, Money, PaymentId, RefundId};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::copy::Copy;
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::books::words::{currency_code, word};
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "payments",
    version: 2,
    needs: Needs::Payload,
    pace: Duration::from_millis(500),
    tables: &[
        TableDef {
            suffix: "",
            columns: "position bigint NOT NULL, account_id uuid NOT NULL, tail bigint NOT NULL, \
                payment text NOT NULL, rail text NOT NULL, package text NOT NULL, catalog_version bigint NOT NULL, \
                credits bigint NOT NULL, price_minor bigint NOT NULL, currency text NOT NULL, state text NOT NULL, \
                provider_payment_id text, opened_at bigint NOT NULL, closed_at bigint, paid_minor bigint, \
                fee_minor bigint, test boolean, paid_at bigint, reason text, method text, again_of text, \
                bucket integer NOT NULL GENERATED ALWAYS AS ((position >> 18)::integer) STORED",
            key: "bucket, account_id, tail",
            indexes: &[],
            fillfactor: 70,
        },
        TableDef {
            suffix: "refunds",
            columns: "position bigint NOT NULL, account_id uuid NOT NULL, tail bigint NOT NULL, \
                refund text NOT NULL, payment text NOT NULL, amount_minor bigint NOT NULL, currency text NOT NULL, \
                credits bigint NOT NULL, opened_by text NOT NULL, reason text NOT NULL, state text NOT NULL, \
                provider_refund_id text, opened_at bigint NOT NULL, closed_at bigint, failure text, \
                bucket integer NOT NULL GENERATED ALWAYS AS ((position >> 18)::integer) STORED",
            key: "bucket, account_id, tail",
            indexes: &[],
            fillfactor: 70,
        },
        TableDef {
            suffix: "quarantine",
            columns: "position bigint NOT NULL, account_id uuid NOT NULL, payment text, rail text NOT NULL, \
                provider_payment_id text NOT NULL, problems text NOT NULL, seen_status text NOT NULL, \
                seen_minor bigint, currency text, seen_test boolean, recorded_at bigint NOT NULL",
            key: "position",
            indexes: &[],
            fillfactor: 100,
        },
        TableDef {
            suffix: "resolved",
            columns: "position bigint NOT NULL, rail text NOT NULL, provider_payment_id text NOT NULL, \
                outcome text NOT NULL, reason text NOT NULL, actor text NOT NULL, recorded_at bigint NOT NULL",
            key: "position",
            indexes: &[],
            fillfactor: 100,
        },
    ],
    make: |tables| {
        Box::new(Payments {
            tables,
            payments: Rows::new(KEPT_MAX),
            refunds: Rows::new(KEPT_MAX),
            quarantined: Vec::new(),
            resolved: Vec::new(),
        })
    },
};

/// Payments that stay in memory; about 500 bytes each. Most are closed within minutes.
const KEPT_MAX: usize = 50_000;

/// An id without its letter: the account, then the tail as Postgres stores it.
type Key = (Uuid, i64);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Payment {
    position: i64,
    payment: String,
    rail: &'static str,
    package: String,
    catalog_version: i64,
    credits: i64,
    price: i64,
    currency: &'static str,
    state: &'static str,
    provider_payment_id: Option<String>,
    opened_at: i64,
    closed_at: Option<i64>,
    paid: Option<i64>,
    fee: Option<i64>,
    test: Option<bool>,
    paid_at: Option<i64>,
    reason: Option<String>,
    method: Option<&'static str>,
    again_of: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Refund {
    position: i64,
    refund: String,
    payment: String,
    amount: i64,
    currency: &'static str,
    credits: i64,
    opened_by: String,
    reason: String,
    state: &'static str,
    provider_refund_id: Option<String>,
    opened_at: i64,
    closed_at: Option<i64>,
    failure: Option<String>,
}

struct Quarantined {
    position: i64,
    account_id: Uuid,
    payment: Option<String>,
    rail: &'static str,
    provider_payment_id: String,
    problems: String,
    status: String,
    amount: Option<Money>,
    test: Option<bool>,
    recorded_at: i64,
}

/// What a person decided of one in quarantine.
struct Resolved {
    position: i64,
    rail: &'static str,
    provider_payment_id: String,
    outcome: String,
    reason: String,
    actor: String,
    recorded_at: i64,
}

struct Payments {
    tables: Tables,
    payments: Rows<Key, Payment>,
    refunds: Rows<Key, Refund>,
    quarantined: Vec<Quarantined>,
    resolved: Vec<Resolved>,
}

fn key_of(payment: PaymentId) -> Key {
    (payment.account().0, payment.tail().cast_signed())
}

fn refund_key(refund: RefundId) -> Key {
    (refund.account().0, refund.tail().cast_signed())
}

fn concerns(event_type: &str) -> bool {
    event_type.starts_with("Payment")
        || event_type.starts_with("Refund")
        || event_type == "QuarantineResolved"
}

/// States as the code spells them.
fn state_of(text: &str) -> &'static str {
    ["opened", "registered", "settled", "canceled", "failed"]
        .into_iter()
        .find(|s| *s == text)
        .unwrap_or("unknown")
}

fn method_of(text: &str) -> Option<&'static str> {
    text.parse::<PayMethod>().ok().map(PayMethod::as_str)
}

fn rail_of(text: &str) -> &'static str {
    proto_events::Rail::ALL.into_iter().map(|r| r.as_str()).find(|r| *r == text).unwrap_or("unknown")
}

impl Payments {
    fn take_event(&mut self, entry: &Entry, event: &Event) -> Result<(), FoldError> {
        let (position, at) = (entry.row.position, entry.row.recorded_at);
        let unknown = || FoldError::broken(position, "it is about a payment or refund that was never opened");
        match event {
            Event::PaymentOpened(e) => {
                *self.payments.change(&key_of(e.payment), Payment::default) = Payment {
                    position,
                    payment: e.payment.to_string(),
                    rail: e.rail.as_str(),
                    package: e.package.to_string(),
                    catalog_version: e.catalog_version,
                    credits: e.credits.get(),
                    price: e.price.minor(),
                    currency: e.price.currency.code(),
                    state: "opened",
                    opened_at: at,
                    method: e.method.map(|m| m.as_str()),
                    again_of: e.again_of.map(|p| p.to_string()),
                    ..Payment::default()
                };
            }
            Event::PaymentRegistered(e) => {
                let payment = self.payments.change_known(&key_of(e.payment)).ok_or_else(unknown)?;
                payment.state = "registered";
                payment.provider_payment_id = Some(e.provider_payment_id.to_string());
            }
            Event::PaymentSettled(e) => {
                let payment = self.payments.change_known(&key_of(e.payment)).ok_or_else(unknown)?;
                payment.state = "settled";
                payment.provider_payment_id = Some(e.provider_payment_id.to_string());
                payment.closed_at = Some(at);
                payment.paid = Some(e.amount.minor());
                payment.fee = e.net.map(|net| e.amount.minor() - net.minor());
                (payment.test, payment.paid_at) = (Some(e.test), e.paid_at.map(|t| t.get()));
            }
            Event::PaymentFeeRecorded(e) => {
                let payment = self.payments.change_known(&key_of(e.payment)).ok_or_else(unknown)?;
                payment.fee = Some(e.fee.minor());
            }
            Event::PaymentCanceled(e) => {
                let payment = self.payments.change_known(&key_of(e.payment)).ok_or_else(unknown)?;
                payment.state = "canceled";
                payment.closed_at = Some(at);
                payment.reason = Some(format!("{}: {}", e.party, e.reason));
            }
            Event::PaymentQuarantined(e) => self.quarantined.push(Quarantined {
                position,
                account_id: entry.row.account_id,
                payment: e.payment.map(|p| p.to_string()),
                rail: e.rail.as_str(),
                provider_payment_id: e.provider_payment_id.to_string(),
                problems: e.problems.iter().map(word).collect::<Vec<_>>().join(","),
                status: e.seen.status.to_string(),
                amount: e.seen.amount,
                test: e.seen.test,
                recorded_at: at,
            }),
            Event::QuarantineResolved(e) => self.resolved.push(Resolved {
                position,
                rail: e.rail.as_str(),
                provider_payment_id: e.provider_payment_id.to_string(),
                outcome: word(&e.outcome),
                reason: e.reason.to_string(),
                actor: entry.row.actor.clone(),
                recorded_at: at,
            }),
            Event::RefundOpened(e) => {
                *self.refunds.change(&refund_key(e.refund), Refund::default) = Refund {
                    position,
                    refund: e.refund.to_string(),
                    payment: e.payment.to_string(),
                    amount: e.amount.minor(),
                    currency: e.amount.currency.code(),
                    credits: e.credits.get(),
                    opened_by: word(&e.by),
                    reason: e.reason.to_string(),
                    state: "opened",
                    opened_at: at,
                    ..Refund::default()
                };
            }
            Event::RefundSettled(e) => {
                let refund = self.refunds.change_known(&refund_key(e.refund)).ok_or_else(unknown)?;
                (refund.state, refund.closed_at) = ("settled", Some(at));
                refund.provider_refund_id = Some(e.provider_refund_id.to_string());
            }
            Event::RefundFailed(e) => {
                let refund = self.refunds.change_known(&refund_key(e.refund)).ok_or_else(unknown)?;
                (refund.state, refund.closed_at) = ("failed", Some(at));
                refund.failure = Some(e.reason.to_string());
            }
            _ => {}
        }
        Ok(())
    }

    async fn load_payments(
        &mut self,
        tx: &mut PgConnection,
        keys: Vec<Key>,
        first: i64,
    ) -> Result<(), sqlx::Error> {
        if keys.is_empty() {
            return Ok(());
        }
        for row in by_id(tx, &self.tables.main(), keys, first).await? {
            let payment = Payment {
                position: row.try_get("position")?,
                payment: row.try_get("payment")?,
                rail: rail_of(row.try_get("rail")?),
                package: row.try_get("package")?,
                catalog_version: row.try_get("catalog_version")?,
                credits: row.try_get("credits")?,
                price: row.try_get("price_minor")?,
                currency: currency_code(row.try_get("currency")?),
                state: state_of(row.try_get("state")?),
                provider_payment_id: row.try_get("provider_payment_id")?,
                opened_at: row.try_get("opened_at")?,
                closed_at: row.try_get("closed_at")?,
                paid: row.try_get("paid_minor")?,
                fee: row.try_get("fee_minor")?,
                test: row.try_get("test")?,
                paid_at: row.try_get("paid_at")?,
                reason: row.try_get("reason")?,
                method: row.try_get::<Option<&str>, _>("method")?.and_then(method_of),
                again_of: row.try_get("again_of")?,
            };
            self.payments.loaded((row.try_get("account_id")?, row.try_get("tail")?), payment);
        }
        Ok(())
    }

    async fn load_refunds(
        &mut self,
        tx: &mut PgConnection,
        keys: Vec<Key>,
        first: i64,
    ) -> Result<(), sqlx::Error> {
        if keys.is_empty() {
            return Ok(());
        }
        for row in by_id(tx, &self.tables.table("refunds"), keys, first).await? {
            let refund = Refund {
                position: row.try_get("position")?,
                refund: row.try_get("refund")?,
                payment: row.try_get("payment")?,
                amount: row.try_get("amount_minor")?,
                currency: currency_code(row.try_get("currency")?),
                credits: row.try_get("credits")?,
                opened_by: row.try_get("opened_by")?,
                reason: row.try_get("reason")?,
                state: state_of(row.try_get("state")?),
                provider_refund_id: row.try_get("provider_refund_id")?,
                opened_at: row.try_get("opened_at")?,
                closed_at: row.try_get("closed_at")?,
                failure: row.try_get("failure")?,
            };
            self.refunds.loaded((row.try_get("account_id")?, row.try_get("tail")?), refund);
        }
        Ok(())
    }

    async fn flush_payments(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = self.payments.changed().all();
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {} (position, account_id, tail, payment, rail, package, catalog_version, credits, \
                price_minor, currency, state, provider_payment_id, opened_at, closed_at, paid_minor, fee_minor, \
                test, paid_at, reason, method, again_of) \
             SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], \
                $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], \
                $14::bigint[], $15::bigint[], $16::bigint[], $17::boolean[], $18::bigint[], $19::text[], $20::text[], \
                $21::text[]) \
             ON CONFLICT (bucket, account_id, tail) DO UPDATE SET state = excluded.state, \
                provider_payment_id = excluded.provider_payment_id, closed_at = excluded.closed_at, \
                paid_minor = excluded.paid_minor, fee_minor = excluded.fee_minor, test = excluded.test, \
                paid_at = excluded.paid_at, reason = excluded.reason",
            self.tables.main()
        );
        let numbers = |get: fn(&Payment) -> i64| rows.iter().map(|(_, p)| get(p)).collect::<Vec<_>>();
        let perhaps = |get: fn(&Payment) -> Option<i64>| rows.iter().map(|(_, p)| get(p)).collect::<Vec<_>>();
        sqlx::query(AssertSqlSafe(sql))
            .bind(numbers(|p| p.position))
            .bind(rows.iter().map(|((account, _), _)| *account).collect::<Vec<_>>())
            .bind(rows.iter().map(|((_, tail), _)| *tail).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.payment.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.rail).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.package.as_str()).collect::<Vec<_>>())
            .bind(numbers(|p| p.catalog_version))
            .bind(numbers(|p| p.credits))
            .bind(numbers(|p| p.price))
            .bind(rows.iter().map(|(_, p)| p.currency).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.state).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.provider_payment_id.as_deref()).collect::<Vec<_>>())
            .bind(numbers(|p| p.opened_at))
            .bind(perhaps(|p| p.closed_at))
            .bind(perhaps(|p| p.paid))
            .bind(perhaps(|p| p.fee))
            .bind(rows.iter().map(|(_, p)| p.test).collect::<Vec<_>>())
            .bind(perhaps(|p| p.paid_at))
            .bind(rows.iter().map(|(_, p)| p.reason.as_deref()).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.method).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.again_of.as_deref()).collect::<Vec<_>>())
            .execute(tx)
            .await?;
        self.payments.written();
        Ok(())
    }

    async fn flush_refunds(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = self.refunds.changed().all();
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {} (position, account_id, tail, refund, payment, amount_minor, currency, credits, \
                opened_by, reason, state, provider_refund_id, opened_at, closed_at, failure) \
             SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], \
                $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], \
                $14::bigint[], $15::text[]) \
             ON CONFLICT (bucket, account_id, tail) DO UPDATE SET state = excluded.state, \
                provider_refund_id = excluded.provider_refund_id, closed_at = excluded.closed_at, \
                failure = excluded.failure",
            self.tables.table("refunds")
        );
        let texts = |get: fn(&Refund) -> &str| rows.iter().map(|(_, r)| get(r)).collect::<Vec<_>>();
        let numbers = |get: fn(&Refund) -> i64| rows.iter().map(|(_, r)| get(r)).collect::<Vec<_>>();
        sqlx::query(AssertSqlSafe(sql))
            .bind(numbers(|r| r.position))
            .bind(rows.iter().map(|((account, _), _)| *account).collect::<Vec<_>>())
            .bind(rows.iter().map(|((_, tail), _)| *tail).collect::<Vec<_>>())
            .bind(texts(|r| &r.refund))
            .bind(texts(|r| &r.payment))
            .bind(numbers(|r| r.amount))
            .bind(texts(|r| r.currency))
            .bind(numbers(|r| r.credits))
            .bind(texts(|r| &r.opened_by))
            .bind(texts(|r| &r.reason))
            .bind(texts(|r| r.state))
            .bind(rows.iter().map(|(_, r)| r.provider_refund_id.as_deref()).collect::<Vec<_>>())
            .bind(numbers(|r| r.opened_at))
            .bind(rows.iter().map(|(_, r)| r.closed_at).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, r)| r.failure.as_deref()).collect::<Vec<_>>())
            .execute(tx)
            .await?;
        self.refunds.written();
        Ok(())
    }

    async fn flush_quarantine(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut copy = Copy::new();
        for q in self.quarantined.drain(..) {
            let (minor, currency) = (q.amount.map(|m| m.minor()), q.amount.map(|m| m.currency.code()));
            copy.row(&[
                &q.position,
                &q.account_id,
                &q.payment,
                &q.rail,
                &q.provider_payment_id,
                &q.problems,
                &q.status,
                &minor,
                &currency,
                &q.test,
                &q.recorded_at,
            ]);
        }
        let into = format!(
            "{} (position, account_id, payment, rail, provider_payment_id, problems, seen_status, seen_minor, \
                currency, seen_test, recorded_at)",
            self.tables.table("quarantine")
        );
        copy.send(tx, &into).await
    }

    async fn flush_resolved(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut copy = Copy::new();
        for r in self.resolved.drain(..) {
            copy.row(&[
                &r.position,
                &r.rail,
                &r.provider_payment_id,
                &r.outcome,
                &r.reason,
                &r.actor,
                &r.recorded_at,
            ]);
        }
        let into = format!(
            "{} (position, rail, provider_payment_id, outcome, reason, actor, recorded_at)",
            self.tables.table("resolved")
        );
        copy.send(tx, &into).await
    }
}

/// The column `bucket` of a row that was opened at this position.
pub(super) fn bucket_of(position: i64) -> i32 {
    i32::try_from(position >> 18).unwrap_or(i32::MAX)
}

/// Rows of a table of this form by account and tail, looked for in every bucket before `first`.
pub(super) async fn by_id(
    tx: &mut PgConnection,
    table: &str,
    keys: Vec<Key>,
    first: i64,
) -> Result<Vec<sqlx::postgres::PgRow>, sqlx::Error> {
    let sql = format!(
        "SELECT t.* FROM unnest($1::uuid[], $2::bigint[]) a(account, tail), generate_series(0, $3::integer) b(n), \
            LATERAL (SELECT * FROM {table} x WHERE x.bucket = b.n \
                AND x.account_id = a.account AND x.tail = a.tail) t"
    );
    let (accounts, tails): (Vec<Uuid>, Vec<i64>) = keys.into_iter().unzip();
    let bucket = bucket_of(first);
    sqlx::query(AssertSqlSafe(sql)).bind(accounts).bind(tails).bind(bucket).fetch_all(tx).await
}

impl Fold for Payments {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let Some(first) = entries.first().map(|e| e.row.position) else { return Ok(()) };
            let (mut made, mut payments, mut refunds) = (HashMap::new(), Vec::new(), Vec::new());
            for entry in entries.iter().filter(|e| concerns(&e.row.event_type)) {
                // What can't be read stops `take`.
                match entry.event() {
                    Ok(Event::PaymentOpened(e)) => drop(made.insert(key_of(e.payment), ())),
                    Ok(Event::PaymentRegistered(e)) => payments.push(key_of(e.payment)),
                    Ok(Event::PaymentSettled(e)) => payments.push(key_of(e.payment)),
                    Ok(Event::PaymentFeeRecorded(e)) => payments.push(key_of(e.payment)),
                    Ok(Event::PaymentCanceled(e)) => payments.push(key_of(e.payment)),
                    Ok(Event::RefundOpened(e)) => drop(made.insert(refund_key(e.refund), ())),
                    Ok(Event::RefundSettled(e)) => refunds.push(refund_key(e.refund)),
                    Ok(Event::RefundFailed(e)) => refunds.push(refund_key(e.refund)),
                    _ => {}
                }
            }
            payments.retain(|key| !made.contains_key(key));
            refunds.retain(|key| !made.contains_key(key));
            let missing = self.payments.missing(payments);
            self.load_payments(tx, missing, first).await?;
            let missing = self.refunds.missing(refunds);
            self.load_refunds(tx, missing, first).await
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        if !concerns(&entry.row.event_type) {
            return Ok(());
        }
        let event = entry.event().map_err(|_| FoldError::unreadable(entry))?;
        self.take_event(entry, event)
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            self.flush_payments(tx).await?;
            self.flush_refunds(tx).await?;
            self.flush_quarantine(tx).await?;
            self.flush_resolved(tx).await
        })
    }
}
