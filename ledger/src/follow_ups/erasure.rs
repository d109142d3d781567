//! What an erased account leaves beside the log: prompts, references, answers' places, chats, links.
//!
//! Found through the account's events, since the tables have no index by account: erasures are rare,
//! inserts are not. Who the person was went with the event itself.

use std::collections::BTreeSet;

use proto_events::{AccountId, Event};
use sqlx::PgPool;

use super::Trouble;
use crate::store::{self, answered};

/// Ids deleted at once.
const CHUNK: usize = 1_000;

pub(super) async fn delete_content(pool: &PgPool, account: AccountId) -> Result<(), Trouble> {
    let mut rows = answered(store::events_of_accounts(pool, &[account], 0)).await?;
    let (mut subjects, mut objects) = (BTreeSet::new(), BTreeSet::new());
    for row in rows.remove(&account).unwrap_or_default() {
        match row.event_type.as_str() {
            "PaymentOpened"
            | "GenerationRequested"
            | "PaymentRegistered"
            | "PaymentSettled"
            | "PaymentQuarantined"
            | "RefundSettled" => match row.event()? {
                Event::PaymentOpened(e) => subjects.insert(e.payment.to_string()),
                Event::GenerationRequested(e) => subjects.insert(e.generation.to_string()),
                Event::PaymentRegistered(e) => objects.insert(e.provider_payment_id.to_string()),
                Event::PaymentSettled(e) => objects.insert(e.provider_payment_id.to_string()),
                Event::PaymentQuarantined(e) => objects.insert(e.provider_payment_id.to_string()),
                Event::RefundSettled(e) => objects.insert(e.provider_refund_id.to_string()),
                _ => false,
            },
            _ => false,
        };
    }
    let subjects: Vec<String> = subjects.into_iter().collect();
    let objects: Vec<String> = objects.into_iter().collect();
    fail::fail_point!("ledger.follow_ups.erasing");
    for chunk in subjects.chunks(CHUNK) {
        answered(store::delete_content(pool, account.0, chunk, &[])).await?;
    }
    for chunk in objects.chunks(CHUNK) {
        answered(store::delete_content(pool, account.0, &[], chunk)).await?;
    }
    tracing::info!(%account, count = subjects.len(), "an erased account's content was deleted");
    Ok(())
}
