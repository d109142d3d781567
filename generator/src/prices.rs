//! The catalog as the ledger publishes it, asked for at most once a minute.

use std::{sync::Arc, time::Duration};

use proto_events::{catalog::Catalog, queries::CatalogView};
use service::ledger::Ledger;
use tokio::{sync::Mutex, time::Instant};

/// Unit costs change a few times a year.
const FRESH: Duration = Duration::from_secs(60);
/// A job waits for it no longer than this: costs can go unrecorded, the person should not wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub struct Prices {
    ledger: Ledger,
    known: Mutex<Option<(Instant, Arc<Catalog>)>>,
}

impl Prices {
    pub fn new(ledger: &Ledger) -> Self {
        Self { ledger: ledger.clone().with_deadline(ANSWER_WITHIN), known: Mutex::new(None) }
    }

    /// The newest known one; `None` when the ledger has never answered.
    pub async fn current(&self) -> Option<Arc<Catalog>> {
        let mut known = self.known.lock().await;
        if let Some((at, catalog)) = known.as_ref()
            && at.elapsed() < FRESH
        {
            return Some(catalog.clone());
        }
        match self.ledger.ask::<CatalogView>("catalog", &serde_json::json!({}), None).await {
            Ok(view) => *known = Some((Instant::now(), Arc::new(view.catalog))),
            Err(error) => tracing::warn!(%error, "the ledger did not show its catalog"),
        }
        known.as_ref().map(|(_, catalog)| catalog.clone())
    }
}
