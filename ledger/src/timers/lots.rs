//! Lots that end.
//!
//! Phases: what is due → `lots_expire` for each → its row is deleted once it is done, or once there is
//! nothing of the lot left to expire. A row that stays behind after a crash is asked for again: the
//! command's id is the row's, so that it gets its first answer.

use proto_events::commands::LotsExpire;
use proto_events::envelope::AccountRef;
use proto_events::{CommandId, Reply};
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::DUE_MAX;
use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};
use crate::store::{self, DueLot};

/// Whether more may be due.
pub(super) async fn expire_due(pool: &PgPool, queue: &Queue, now: i64) -> Result<bool, sqlx::Error> {
    let mut asked = Vec::new();
    let due = store::answered(store::due_lots(pool, now, DUE_MAX)).await?;
    let full = i64::try_from(due.len()) == Ok(DUE_MAX);
    for due in due {
        let Ok(id) = CommandId::new(format!("lot:{}:{}:{}", due.account, due.lot, due.expires_at)) else {
            continue;
        };
        fail::fail_point!("ledger.timer.lot_due");
        let (sender, receiver) = oneshot::channel();
        let request = own_request(id, AccountRef::Id(due.account), LotsExpire { lot: due.lot }.into(), None);
        if queue.push((request, ReplyTo::Here(sender))).is_ok() {
            asked.push((due, receiver));
        }
    }
    let mut over: Vec<DueLot> = Vec::new();
    for (due, answer) in asked {
        match answer.await {
            Ok(Reply::Done { .. }) => over.push(due),
            // Spent, or all that is left is reserved: that expires when it comes back.
            Ok(Reply::Refused { refusal })
                if ["lot_not_found", "lot_held"].contains(&refusal.code.as_str()) =>
            {
                over.push(due);
            }
            Ok(Reply::Refused { refusal }) => {
                tracing::error!(lot = %due.lot, account = %due.account, code = %refusal.code,
                    "a due lot could not be expired");
            }
            // Asked again at the next look.
            Ok(Reply::Busy { .. } | Reply::Failed { .. }) | Err(_) => {}
        }
    }
    fail::fail_point!("ledger.timer.lots_expired");
    if over.is_empty() {
        return Ok(false);
    }
    store::answered(store::forget_lots(pool, &over)).await?;
    Ok(full)
}
