//! What an erased account leaves beside the log: prompts, references, answers' places, chats, links; what of it lies in
//! MEDIA is deleted there later (`media`).
//!
//! Found through the account's events, since the tables have no index by account: erasures are rare,
//! inserts are not. Who the person was went with the event itself.

use std::collections::{BTreeMap, BTreeSet};

use proto_events::events::ProviderId;
use proto_events::{AccountId, Event};
use sqlx::PgPool;

use super::Trouble;
use crate::store::{self, ErasedSubject, answered};

/// Ids deleted at once.
const CHUNK: usize = 1_000;
/// Events that name something to which content belongs.
const NAMING: [&str; 7] = [
    "PaymentOpened",
    "GenerationRequested",
    "GenerationStarted",
    "PaymentRegistered",
    "PaymentSettled",
    "PaymentQuarantined",
    "RefundSettled",
];

pub(super) async fn delete_content(pool: &PgPool, account: AccountId) -> Result<(), Trouble> {
    let mut rows = answered(store::events_of_accounts(pool, &[account], 0)).await?;
    // With how often a generation was claimed.
    let (mut subjects, mut objects) = (BTreeMap::<String, i16>::new(), BTreeSet::new());
    for row in rows.remove(&account).unwrap_or_default() {
        if !NAMING.contains(&row.event_type.as_str()) {
            continue;
        }
        match row.event()? {
            Event::PaymentOpened(e) => _ = subjects.entry(e.payment.to_string()).or_default(),
            Event::GenerationRequested(e) => _ = subjects.entry(e.generation.to_string()).or_default(),
            Event::GenerationStarted(e) => {
                let attempts = i16::try_from(e.attempt.get()).unwrap_or(i16::MAX);
                subjects.insert(e.generation.to_string(), attempts);
            }
            event => objects.extend(provider_id(&event).map(ToString::to_string)),
        }
    }
    // Of what was to be told of the account as a whole.
    subjects.insert(account.to_string(), 0);
    let subjects: Vec<ErasedSubject> =
        subjects.into_iter().map(|(id, attempts)| ErasedSubject { id, attempts }).collect();
    let objects: Vec<String> = objects.into_iter().collect();
    fail::fail_point!("ledger.follow_ups.erasing");
    for chunk in subjects.chunks(CHUNK) {
        answered(store::delete_content(pool, account.0, chunk, &[])).await?;
    }
    answered(store::delete_kept(pool, account.0)).await?;
    answered(store::doom_sessions(pool, account.0)).await?;
    for chunk in objects.chunks(CHUNK) {
        answered(store::delete_content(pool, account.0, &[], chunk)).await?;
    }
    tracing::info!(%account, count = subjects.len(), "an erased account's content was deleted");
    Ok(())
}

/// Of a payment or a refund, as the provider's words about it name it.
fn provider_id(event: &Event) -> Option<&ProviderId> {
    match event {
        Event::PaymentRegistered(e) => Some(&e.provider_payment_id),
        Event::PaymentSettled(e) => Some(&e.provider_payment_id),
        Event::PaymentQuarantined(e) => Some(&e.provider_payment_id),
        Event::RefundSettled(e) => Some(&e.provider_refund_id),
        _ => None,
    }
}
