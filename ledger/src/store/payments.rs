//! Side tables of payments: what is open and due, what vendors said, what their books say. `now` is the
//! log's time in µs.

use std::collections::HashMap;

use proto_events::commands::{NoticeKeep, ProviderRow};
use proto_events::events::{DayNumber, MoneyMoved};
use proto_events::{AccountId, Position, Provider, Rail};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

/// Something that is open: its id, whose it is, and where it was opened.
#[derive(Debug, Clone)]
pub struct Open {
    pub id: String,
    pub account: AccountId,
    pub position: i64,
}

fn read((id, account, position): (String, Uuid, i64)) -> Open {
    Open { id, account: AccountId(account), position }
}

/// Open payments or refunds of these rails, and of this account if one is named, that were opened after a position,
/// oldest first.
pub async fn open_money(
    pool: &PgPool,
    of: MoneyMoved,
    rails: &[Rail],
    account: Option<AccountId>,
    after: Position,
    limit: u16,
) -> Result<Vec<Open>, sqlx::Error> {
    let sql = match of {
        MoneyMoved::Payment => {
            "SELECT payment, account_id, position FROM open_payments WHERE rail = ANY($1) AND position > $2 \
             AND ($4 IS NULL OR account_id = $4) ORDER BY position LIMIT $3"
        }
        MoneyMoved::Refund => {
            "SELECT refund, account_id, position FROM open_refunds WHERE rail = ANY($1) AND position > $2 \
             AND ($4 IS NULL OR account_id = $4) ORDER BY position LIMIT $3"
        }
    };
    let rails: Vec<&str> = rails.iter().map(|r| r.as_str()).collect();
    let page = sqlx::query_as(sql).bind(rails).bind(after.get()).bind(i64::from(limit));
    let open = page.bind(account.map(|account| account.0)).fetch_all(pool).await?;
    Ok(open.into_iter().map(read).collect())
}

/// Payments past their end which no vendor ends for us: (payment, rail).
pub async fn due_payments(pool: &PgPool, now: i64, limit: i64) -> Result<Vec<(String, String)>, sqlx::Error> {
    let sql = "SELECT payment, rail FROM open_payments WHERE rail <> 'yookassa' AND expires_at <= $1 \
               ORDER BY expires_at LIMIT $2";
    sqlx::query_as(sql).bind(now).bind(limit).fetch_all(pool).await
}

/// What stands beside the log of a payment: the vendor's page, and where its receipt goes.
#[derive(Debug, Clone, Default)]
pub struct PaymentSide {
    pub checkout_url: Option<String>,
    pub email: Option<String>,
}

pub async fn payment_side(pool: &PgPool, payment: String) -> Result<PaymentSide, sqlx::Error> {
    let mut found = payment_sides(pool, std::slice::from_ref(&payment)).await?;
    Ok(found.remove(&payment).unwrap_or_default())
}

/// Of each of these payments.
pub async fn payment_sides(
    pool: &PgPool,
    payments: &[String],
) -> Result<HashMap<String, PaymentSide>, sqlx::Error> {
    let sql = "SELECT asked.payment, l.checkout_url, c.email FROM unnest($1::text[]) AS asked(payment) \
               LEFT JOIN payment_links l ON l.payment = asked.payment \
               LEFT JOIN chat_contexts c ON c.subject = asked.payment";
    let found: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as(sql).bind(payments).fetch_all(pool).await?;
    let side = |(payment, checkout_url, email)| (payment, PaymentSide { checkout_url, email });
    Ok(found.into_iter().map(side).collect())
}

/// Payments with an address and without a second receipt, by their ids, after this one.
pub async fn receipts_due(pool: &PgPool, after: &str, limit: u16) -> Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT subject FROM chat_contexts WHERE email IS NOT NULL AND second_receipt IS NULL AND subject > $1 \
               ORDER BY subject LIMIT $2";
    sqlx::query_scalar(sql).bind(after).bind(i64::from(limit)).fetch_all(pool).await
}

/// A payment's second receipt, or why there is none; the first word counts.
pub async fn receipt_done(pool: &PgPool, payment: &str, receipt: &str) -> Result<(), sqlx::Error> {
    let sql = "UPDATE chat_contexts SET second_receipt = $2 WHERE subject = $1 AND second_receipt IS NULL";
    sqlx::query(sql).bind(payment).bind(receipt).execute(pool).await?;
    Ok(())
}

/// Different words about one payment or refund: a vendor has a handful.
const WORDS_MAX: i64 = 20;

/// Keeps a vendor's words, once however often they come; nothing of who is erased.
pub async fn keep_notice(pool: &PgPool, notice: &NoticeKeep, now: i64) -> Result<(), sqlx::Error> {
    let account = notice.payment.map(|payment| payment.account().0);
    sqlx::query(
        // The lock makes an erasure wait, so that it finds what is kept here.
        // Who repeats words uses up no numbers, and who makes up new ones for a known payment fills nothing.
        "WITH theirs AS (SELECT FROM account_keys WHERE account_id = $5 FOR KEY SHARE), \
              again AS (UPDATE notices SET times = times + 1, last_at = $8, outcome = $6, \
                  payment = coalesce(payment, $4), account_id = coalesce(account_id, $5) \
                  WHERE object = $3 AND event = $2 AND digest = $9 AND ($5 IS NULL OR EXISTS (TABLE theirs)) RETURNING 1) \
         INSERT INTO notices (provider, event, object, payment, account_id, outcome, body, first_at, last_at, digest) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8, $9 WHERE ($5 IS NULL OR EXISTS (TABLE theirs)) \
             AND NOT EXISTS (TABLE again) AND (SELECT count(*) FROM notices WHERE object = $3) < $10 \
         ON CONFLICT ON CONSTRAINT notices_once DO UPDATE SET times = notices.times + 1, last_at = excluded.last_at",
    )
    .bind(notice.provider.as_str())
    .bind(notice.event.as_str())
    .bind(notice.object.as_str())
    .bind(notice.payment.map(|payment| payment.to_string()))
    .bind(account)
    .bind(notice.outcome.as_str())
    .bind(&notice.body)
    .bind(now)
    .bind(Sha256::digest(notice.body.as_bytes()).as_slice())
    .bind(WORDS_MAX)
    .execute(pool)
    .await?;
    Ok(())
}

/// A vendor's words that were kept. Times in µs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Notice {
    pub provider: String,
    pub event: String,
    /// The provider's id of what it is about.
    pub object: String,
    pub outcome: String,
    pub times: i64,
    pub first_at: i64,
    pub last_at: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// What vendors said of a payment, or of these objects of theirs; oldest first.
pub async fn notices(pool: &PgPool, payment: &str, objects: &[&str]) -> Result<Vec<Notice>, sqlx::Error> {
    let sql = "SELECT provider, event, object, outcome, times, first_at, last_at, body FROM notices \
               WHERE payment = $1 OR object = ANY($2) ORDER BY first_at, id";
    sqlx::query_as(sql).bind(payment).bind(objects).fetch_all(pool).await
}

/// Something that a person is still to be told. Times in µs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct OpenTelling {
    /// Of the event.
    pub position: i64,
    pub r#type: String,
    pub attempt: i32,
    pub lease_until: i64,
}

/// What of these payments and refunds is still to be told.
pub async fn open_tellings(pool: &PgPool, subjects: &[String]) -> Result<Vec<OpenTelling>, sqlx::Error> {
    let sql = "SELECT position, type, attempt, lease_until FROM deliveries WHERE subject = ANY($1) \
               UNION ALL SELECT position, type, attempt, 0 FROM parked_deliveries WHERE subject = ANY($1) \
               ORDER BY position";
    sqlx::query_as(sql).bind(subjects).fetch_all(pool).await
}

/// Deletes what came last before a time, and of the rest all but the newest.
pub async fn prune_notices(pool: &PgPool, before: i64, keep_max: i64) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM notices WHERE last_at < $1 \
               OR id <= (SELECT max(id) - $2 FROM notices)";
    Ok(sqlx::query(sql).bind(before).bind(keep_max).execute(pool).await?.rows_affected())
}

/// Deletes what the provider's books say of days before this one.
pub async fn prune_provider_rows(pool: &PgPool, before: i32) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM provider_rows WHERE day < $1";
    Ok(sqlx::query(sql).bind(before).execute(pool).await?.rows_affected())
}

pub const fn kind(of: MoneyMoved) -> &'static str {
    match of {
        MoneyMoved::Payment => "payment",
        MoneyMoved::Refund => "refund",
    }
}

/// Writes a part of a provider's books; what was there under the same id is replaced. `days`: of each row.
pub async fn put_provider_rows(
    pool: &PgPool,
    provider: Provider,
    rows: &[ProviderRow],
    days: &[i32],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO provider_rows (provider, kind, id, day, payment_id, amount_minor, currency, net_minor, at) \
         SELECT DISTINCT ON (kind, id) $1, kind, id, day, payment_id, amount, currency, net, at \
         FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], \
             $9::bigint[]) AS x(kind, id, day, payment_id, amount, currency, net, at) \
         ON CONFLICT ON CONSTRAINT provider_rows_once DO UPDATE SET day = excluded.day, \
             payment_id = excluded.payment_id, amount_minor = excluded.amount_minor, currency = excluded.currency, \
             net_minor = excluded.net_minor, at = excluded.at",
    )
    .bind(provider.as_str())
    .bind(rows.iter().map(|r| kind(r.of)).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.id.as_str()).collect::<Vec<_>>())
    .bind(days)
    .bind(rows.iter().map(|r| r.payment_id.as_ref().map(|id| id.as_str())).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.amount.minor()).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.amount.currency.code()).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.net.map(|net| net.minor())).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.at.get()).collect::<Vec<_>>())
    .execute(pool)
    .await?;
    Ok(())
}

/// That day of the provider's books is whole, and is to be compared.
pub async fn provider_day_done(
    pool: &PgPool,
    provider: Provider,
    day: DayNumber,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO provider_days (provider, day, uploaded_at) VALUES ($1, $2, $3) \
         ON CONFLICT (provider, day) DO UPDATE SET uploaded_at = excluded.uploaded_at, compared_at = NULL",
    )
    .bind(provider.as_str())
    .bind(day.get())
    .bind(now)
    .execute(pool)
    .await?;
    Ok(())
}

/// The newest days whose books are whole.
pub async fn provider_days(
    pool: &PgPool,
    provider: Provider,
    limit: i64,
) -> Result<Vec<DayNumber>, sqlx::Error> {
    let sql = "SELECT day FROM provider_days WHERE provider = $1 ORDER BY day DESC LIMIT $2";
    let days: Vec<i32> = sqlx::query_scalar(sql).bind(provider.as_str()).bind(limit).fetch_all(pool).await?;
    Ok(days.into_iter().filter_map(DayNumber::new).collect())
}

/// Whole days that were not compared yet, oldest first, with when they became whole.
pub async fn provider_days_waiting(pool: &PgPool) -> Result<Vec<(Provider, DayNumber, i64)>, sqlx::Error> {
    let sql = "SELECT provider, day, uploaded_at FROM provider_days WHERE compared_at IS NULL ORDER BY day LIMIT 32";
    let days: Vec<(String, i32, i64)> = sqlx::query_as(sql).fetch_all(pool).await?;
    let known =
        |(provider, day, at): (String, i32, i64)| Some((provider.parse().ok()?, DayNumber::new(day)?, at));
    Ok(days.into_iter().filter_map(known).collect())
}

/// That day was compared as it was then; a newer upload is compared again.
pub async fn provider_day_compared(
    pool: &PgPool,
    provider: Provider,
    day: DayNumber,
    uploaded_at: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    let sql =
        "UPDATE provider_days SET compared_at = $4 WHERE provider = $1 AND day = $2 AND uploaded_at = $3";
    let done = sqlx::query(sql).bind(provider.as_str()).bind(day.get()).bind(uploaded_at).bind(now);
    done.execute(pool).await?;
    Ok(())
}
