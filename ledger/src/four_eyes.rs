//! The owner's amount above which an operator's act needs another's word: as configured, put into the log by whoever leads.
//!
//! Not a thing of the console, whose people it binds: it is changed by whoever runs the service, and the change is seen by all.

use std::sync::Arc;
use std::time::Duration;

use proto_events::commands::FourEyesSet;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Credits, Position, Reply, Text};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};

const AGAIN: Duration = Duration::from_secs(1);

/// Once the log has begun; a log that says so already is left as it is.
pub async fn set(queue: Arc<Queue>, mut committed: watch::Receiver<Position>, above: Option<Credits>) {
    if committed.wait_for(|position| *position > Position::ZERO).await.is_err() {
        return;
    }
    let Ok(id) = CommandId::new(format!("four_eyes:{}", Uuid::new_v4().simple())) else { return };
    loop {
        let command = FourEyesSet { above, reason: Text::lossy("FOUR_EYES_ABOVE") };
        let (sender, receiver) = oneshot::channel();
        let account = AccountRef::Id(AccountId::OPERATIONS);
        let request = own_request(id.clone(), account, command.into(), None);
        if queue.push((request, ReplyTo::Here(sender))).is_err() {
            return;
        }
        match receiver.await {
            Ok(Reply::Busy { retry_after_ms }) => {
                tokio::time::sleep(Duration::from_millis(retry_after_ms.into())).await;
            }
            // In doubt: the same command, once more.
            Ok(Reply::Failed { .. }) => tokio::time::sleep(AGAIN).await,
            Ok(Reply::Refused { refusal }) if refusal.code.as_str() == "unchanged" => return,
            Ok(Reply::Refused { refusal }) => {
                let (code, reason) = (refusal.code, refusal.message);
                return tracing::error!(%code, reason, "FOUR_EYES_ABOVE was refused");
            }
            Ok(Reply::Done { .. }) => {
                return tracing::info!(?above, "what needs a second administrator has changed");
            }
            // The lead is over: whoever leads next sets it.
            Err(_) => return,
        }
    }
}
