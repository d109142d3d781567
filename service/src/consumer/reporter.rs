//! What a consumer tells the ledger: how far everything is done, and what it can't get done.

use proto_events::commands::{ConsumerDone, ConsumerStuck};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Position, Producer, Text};
use serde_json::Value;

use super::progress::Place;
use crate::ledger::{Ledger, operation_id};

#[derive(Debug, Clone)]
pub(super) struct Reporter {
    pub(super) ledger: Ledger,
    pub(super) producer: Producer,
}

impl Reporter {
    /// False: it is to be said later, with what is done by then.
    pub(super) async fn done_through(&self, (_, position): Place) -> bool {
        let done = ConsumerDone { consumer: Text::lossy(self.producer.as_str()), position };
        let Ok(id) = operation_id("done", position) else { return true };
        let said = self.ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), done.into()).await;
        if let Err(error) = &said {
            tracing::debug!(%error, "progress is reported later");
        }
        said.is_ok()
    }

    /// Whether somebody has dropped it: then it is not to be shown again.
    pub(super) async fn is_dropped(&self, position: Position, tries: u32, why: &str) -> bool {
        self.stuck(position, tries, Some(Text::lossy(why)))
            .await
            .is_some_and(|result| result["dropped"] == true)
    }

    /// What was told as stuck is done. Where this is lost, the ledger finds it by what is done through.
    pub(super) async fn done_after_all(&self, position: Position, tries: u32) {
        self.stuck(position, tries, None).await;
    }

    async fn stuck(&self, position: Position, tries: u32, error: Option<Text<500>>) -> Option<Value> {
        let consumer = Text::lossy(self.producer.as_str());
        let stuck = ConsumerStuck { consumer, position, tries, error };
        let id = operation_id("stuck", position).ok()?;
        match self.ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), stuck.into()).await {
            Ok(done) => Some(done.result),
            Err(error) => {
                tracing::debug!(%error, "what can't be done is reported later");
                None
            }
        }
    }
}
