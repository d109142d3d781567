//! Broadcasts of which nobody is left are finished.

use proto_events::commands::BroadcastFinish;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Reply, Text};
use sqlx::PgPool;
use tokio::sync::oneshot;

use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};
use crate::store;

/// Asked for again at the next look if it is not answered; the row changes with the event.
pub(super) async fn finish_over(pool: &PgPool, queue: &Queue) -> Result<(), sqlx::Error> {
    for over in store::answered(store::broadcasts_over(pool)).await? {
        let Ok(id) = CommandId::new(format!("broadcast_finish:{}", over.broadcast)) else {
            tracing::error!(broadcast = over.broadcast, "a broadcast has no proper id");
            continue;
        };
        fail::fail_point!("ledger.timer.broadcast_over");
        let count = |n: i32| u32::try_from(n).unwrap_or_default();
        let command = BroadcastFinish {
            broadcast: Text::lossy(&over.broadcast),
            sent: count(over.sent),
            failed: count(over.failed),
            blocked: count(over.blocked),
        };
        let (sender, receiver) = oneshot::channel();
        let request = own_request(id, AccountRef::Id(AccountId::OPERATIONS), command.into(), None);
        if queue.push((request, ReplyTo::Here(sender))).is_err() {
            return Ok(());
        }
        if let Ok(Reply::Refused { refusal }) = receiver.await {
            tracing::error!(broadcast = over.broadcast, code = %refusal.code, "a broadcast could not be finished");
        }
    }
    Ok(())
}
