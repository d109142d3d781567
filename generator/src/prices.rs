//! The catalog as the ledger publishes it, asked for at most once a minute, by one for all.

use std::{sync::Arc, time::Duration};

use proto_events::{catalog::Catalog, queries::CatalogView};
use service::ledger::Ledger;
use tokio::{sync::Mutex, time::Instant};

/// Unit costs change a few times a year.
const FRESH: Duration = Duration::from_secs(60);
/// A ledger that did not answer is asked again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Nobody waits for it longer than this where an older one is known.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub struct Prices {
    ledger: Ledger,
    /// Held while the ledger is asked: who comes meanwhile has the same answer.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    catalog: Option<Arc<Catalog>>,
    /// Nobody asks before this.
    ask_at: Option<Instant>,
}

impl Prices {
    pub fn new(ledger: &Ledger) -> Self {
        Self { ledger: ledger.clone().with_deadline(ANSWER_WITHIN), known: Mutex::default() }
    }

    /// The newest known one; `None` when the ledger has never answered: without it nobody knows how a model is called.
    pub async fn current(&self) -> Option<Arc<Catalog>> {
        let mut known = self.known.lock().await;
        if known.ask_at.is_none_or(|at| at <= Instant::now()) {
            let asked = self.ledger.ask::<CatalogView>("catalog", &serde_json::json!({}), None).await;
            let fresh = match asked {
                Ok(view) => {
                    known.catalog = Some(Arc::new(view.catalog));
                    FRESH
                }
                Err(error) => {
                    tracing::warn!(%error, "the ledger did not show its catalog");
                    AGAIN_AFTER
                }
            };
            known.ask_at = Some(Instant::now() + fresh);
        }
        known.catalog.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures_util::{FutureExt as _, StreamExt as _, future::join_all};
    use proto_events::Producer;
    use serde_json::{Value, json};
    use xtask::machine::{Nats, Scratch};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_silent_ledger_is_waited_for_once_by_all_together() {
        let scratch = Scratch::new("generator-prices").unwrap();
        let conf = scratch.path().join("nats.conf");
        std::fs::write(&conf, "server_name: prices\n").unwrap();
        let nats =
            tokio::task::spawn_blocking(move || Nats::start_temporary(&conf, &[])).await.unwrap().unwrap();
        let client = async_nats::connect(nats.url()).await.unwrap();
        let mut asked = client.subscribe("qry.ledger.generator.catalog").await.unwrap();
        client.flush().await.unwrap();
        let prices = Prices::new(&Ledger::new(client.clone(), Producer::Generator));
        let all = join_all((0..8).map(|_| prices.current())).await;
        assert!(all.iter().all(Option::is_none));
        let mut questions = BTreeSet::new();
        while let Some(Some(message)) = asked.next().now_or_never() {
            let body: Value = serde_json::from_slice(&message.payload).unwrap();
            questions.insert(body["ask"].to_string());
        }
        assert_eq!(questions.len(), 1, "tries of one question: {questions:?}");

        // Now it speaks.
        let catalog = Catalog::default_catalog().unwrap();
        tokio::spawn(async move {
            while let Some(message) = asked.next().await {
                let body: Value = serde_json::from_slice(&message.payload).unwrap();
                let reply = json!({"status": "ok", "position": 1, "ask": body["ask"],
                    "result": {"version": 1, "catalog": catalog}});
                client.publish(message.reply.unwrap(), reply.to_string().into()).await.unwrap();
            }
        });
        tokio::time::sleep(AGAIN_AFTER).await;
        assert!(join_all((0..8).map(|_| prices.current())).await.iter().all(Option::is_some));
    }
}
