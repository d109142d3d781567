//! Tells the ledger how this instance is, so that the console knows of all services, and when one falls silent.

use std::time::Duration;

use proto_events::commands::{ServiceNeed, ServiceReport};
use proto_events::envelope::{AccountRef, new_ask};
use proto_events::{AccountId, Text};
use tokio_util::sync::CancellationToken;

use crate::http::Health;
use crate::ledger::{Ledger, operation_id};

/// How often: what was not heard of for three of them is silent.
pub const EVERY: Duration = Duration::from_secs(5);
/// The next report says the same and more.
const DEADLINE: Duration = Duration::from_secs(1);

/// Until told to stop; then says so.
pub async fn run(ledger: Ledger, health: Health, version: &'static str, stop: CancellationToken) {
    let (ledger, instance) = (ledger.with_deadline(DEADLINE), Text::lossy(&new_ask()));
    loop {
        let ends = stop.is_cancelled();
        let needs = health.all().into_iter().map(|(name, met)| ServiceNeed { name: Text::lossy(name), met });
        let report = ServiceReport {
            instance: instance.clone(),
            version: Text::lossy(version),
            needs: needs.collect(),
            ends,
        };
        if let Ok(id) = operation_id("service_report", &instance)
            && let Err(error) = ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), report.into()).await
        {
            tracing::debug!(%error, "the ledger was not told how this service is");
        }
        if ends {
            return;
        }
        stop.run_until_cancelled(tokio::time::sleep(EVERY)).await;
    }
}
