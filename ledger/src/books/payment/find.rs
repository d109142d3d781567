//! Which payment an id belongs to: ours, a refund's, or any of a provider's.

use proto_events::events::PaymentQuarantined;
use proto_events::{AccountId, Event, PaymentId, Provider, RefundId};
use sqlx::PgPool;

use crate::books::{BooksError, account_rows};
use crate::sequencer::{KEY_CLAIMED, KEY_PAYMENT, KEY_QUARANTINED, KEY_REFUNDED, KEY_SETTLED};
use crate::store;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Payment(PaymentId),
    /// The provider's payment was in quarantine, and names no payment of ours: where, when and why.
    Nobodys {
        position: i64,
        recorded_at: i64,
        seen: Box<PaymentQuarantined>,
    },
    Nothing,
}

/// # Errors
/// Postgres does not answer, or the log can't be read.
pub async fn find(pool: &PgPool, text: &str) -> Result<Found, BooksError> {
    if let Ok(payment) = text.parse::<PaymentId>() {
        return Ok(Found::Payment(payment));
    }
    if let Ok(refund) = text.parse::<RefundId>() {
        return Ok(payment_of(pool, refund).await?.map_or(Found::Nothing, Found::Payment));
    }
    for provider in Provider::ALL {
        let key = provider.key(text);
        // In this order: of Stars, a payment and its refund share an id.
        let kinds = [KEY_SETTLED, KEY_PAYMENT, KEY_REFUNDED, KEY_CLAIMED, KEY_QUARANTINED];
        let keys = kinds.map(|kind| (kind, key.clone()));
        let owners = store::owners_of_keys(pool, &keys).await?;
        for (kind, key) in keys {
            let Some(subject) = owners.get(&(kind.to_owned(), key)) else { continue };
            if let Ok(payment) = subject.parse::<PaymentId>() {
                return Ok(Found::Payment(payment));
            }
            if let Ok(refund) = subject.parse::<RefundId>() {
                return Ok(payment_of(pool, refund).await?.map_or(Found::Nothing, Found::Payment));
            }
            if let Ok(account) = subject.parse::<AccountId>() {
                return quarantined(pool, account, text).await;
            }
        }
    }
    Ok(Found::Nothing)
}

async fn payment_of(pool: &PgPool, refund: RefundId) -> Result<Option<PaymentId>, BooksError> {
    for row in account_rows(pool, refund.account(), i64::MAX).await? {
        if row.event_type == "RefundOpened"
            && let Event::RefundOpened(e) = row.event()?
            && e.refund == refund
        {
            return Ok(Some(e.payment));
        }
    }
    Ok(None)
}

async fn quarantined(pool: &PgPool, stream: AccountId, id: &str) -> Result<Found, BooksError> {
    for row in account_rows(pool, stream, i64::MAX).await? {
        if row.event_type == "PaymentQuarantined"
            && let Event::PaymentQuarantined(e) = row.event()?
            && e.provider_payment_id.as_str() == id
        {
            let (position, recorded_at) = (row.position, row.recorded_at);
            let nobodys = Found::Nobodys { position, recorded_at, seen: Box::new(e.clone()) };
            return Ok(e.payment.map_or(nobodys, Found::Payment));
        }
    }
    Ok(Found::Nothing)
}
