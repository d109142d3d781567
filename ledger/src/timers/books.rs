//! A provider's day is compared with the log as soon as its adapter has uploaded it, and what vendors said long ago
//! is deleted. Slow work, so it has a loop of its own.

use std::sync::Arc;
use std::time::Duration;

use proto_events::AccountId;
use proto_events::Reply;
use proto_events::envelope::AccountRef;
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::books::moscow::Day;
use crate::inbox::own_request;
use crate::reconcile::{self, ReconcileError};
use crate::sequencer::{Queue, ReplyTo};
use crate::store;

const LOOK: Duration = Duration::from_secs(5);
/// Looks from one deletion to the next: an hour.
const PRUNE_EVERY: u32 = 720;
/// Providers take disputes for three years at most; what is older is of no use to anybody.
const NOTICES_KEPT_US: i64 = 3 * 366 * 24 * 3_600_000_000;
/// Some KB each: a few GB.
const NOTICES_MAX: i64 = 1_000_000;
/// What differed is in the log for ever; the provider's own books are asked again.
const ROWS_KEPT_DAYS: i32 = 400;

pub async fn run(pool: PgPool, queue: Arc<Queue>, stop: CancellationToken) {
    let mut looks = 0_u32;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = compare_waiting(&pool, &queue).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a provider's day could not be compared"
            );
        }
        if looks.is_multiple_of(PRUNE_EVERY) {
            prune(&pool).await;
        }
        looks = looks.wrapping_add(1);
    }
}

async fn compare_waiting(pool: &PgPool, queue: &Queue) -> Result<(), ReconcileError> {
    for (provider, day, uploaded_at) in store::provider_days_waiting(pool).await? {
        // One day that can't be compared does not hide the others.
        let outcome = match reconcile::day(pool, provider, Day(day.get())).await {
            Ok(outcome) => outcome,
            Err(error) => {
                let why: &dyn std::error::Error = &error;
                tracing::error!(
                    provider = provider.as_str(),
                    day = day.get(),
                    error = why,
                    "a provider's day can't be compared"
                );
                continue;
            }
        };
        let Some(record) = reconcile::record(&outcome) else { continue };
        let (differences, matched) = (record.finished.differences, record.finished.matched);
        let id = reconcile::command_id(&record)?;
        let (sender, receiver) = oneshot::channel();
        let request = own_request(id, AccountRef::Id(AccountId::OPERATIONS), record.into(), None);
        fail::fail_point!("ledger.reconcile.compared");
        if queue.push((request, ReplyTo::Here(sender))).is_err() {
            return Ok(());
        }
        let day_name = Day(day.get()).to_string();
        match receiver.await {
            Ok(Reply::Done { .. }) => {}
            Ok(Reply::Refused { refusal }) => {
                tracing::error!(provider = provider.as_str(), day = day_name, code = %refusal.code, "a comparison could not be recorded");
                continue;
            }
            // Compared again at the next look: the same finding is the same command.
            _ => return Ok(()),
        }
        if differences > 0 {
            tracing::error!(
                provider = provider.as_str(),
                day = day_name,
                differences,
                matched,
                "the provider's books and the log differ (ledger reconcile)"
            );
        } else {
            tracing::info!(
                provider = provider.as_str(),
                day = day_name,
                matched,
                "the provider's books and the log agree"
            );
        }
        metrics::gauge!("ledger_reconcile_differences", "provider" => provider.as_str()).set(differences);
        let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(pool).await?;
        store::provider_day_compared(pool, provider, day, uploaded_at, now).await?;
    }
    Ok(())
}

async fn prune(pool: &PgPool) {
    let pruned = async {
        let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(pool).await?;
        let rows = store::prune_provider_rows(pool, Day::of(now).0 - ROWS_KEPT_DAYS).await?;
        Ok::<_, sqlx::Error>(rows + store::prune_notices(pool, now - NOTICES_KEPT_US, NOTICES_MAX).await?)
    };
    match pruned.await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "old words and books of vendors were deleted"),
        Err(error) => tracing::warn!(%error, "old words and books of vendors could not be deleted"),
    }
}
