//! A ledger's own word of how it is, whether it leads or stands by: where adapters tell theirs to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proto_events::commands::{ServiceNeed, ServiceReport};
use proto_events::envelope::new_ask;
use proto_events::{Producer, Text};
use service::http::Health;
use service::report::EVERY;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::console::LEADS;
use crate::store;

/// Until told to stop; then says so.
pub async fn run(pool: PgPool, health: Health, leads: Arc<AtomicBool>, stop: CancellationToken) {
    let instance = Text::lossy(&new_ask());
    loop {
        let ends = stop.is_cancelled();
        let mut needs = health.all();
        needs.push((LEADS, leads.load(Ordering::Relaxed)));
        let needs = needs.into_iter().map(|(name, met)| ServiceNeed { name: Text::lossy(name), met });
        let version = Text::lossy(env!("CARGO_PKG_VERSION"));
        let report = ServiceReport { instance: instance.clone(), version, needs: needs.collect(), ends };
        let told = store::answered(store::report_service(&pool, Producer::Ledger, &report));
        if let Err(error) = told.await {
            tracing::debug!(%error, "how this ledger is could not be told");
        }
        if ends {
            return;
        }
        stop.run_until_cancelled(tokio::time::sleep(EVERY)).await;
    }
}
