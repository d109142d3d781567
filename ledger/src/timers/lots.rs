//! Lots that end.
//!
//! Phases: what is due → `lots_expire` for each → its row is deleted once it is done, or once there is
//! nothing of the lot left to expire. A row that stays behind after a crash is asked for again: the
//! command's id is the row's, so that what it did is not done again.

use proto_events::commands::LotsExpire;
use proto_events::envelope::AccountRef;
use proto_events::{CommandId, Reply};
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::DUE_MAX;
use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};
use crate::store::{self, DueLot};

/// What is all reserved is asked for again after this: reservations last some minutes.
const HELD_US: i64 = 60_000_000;

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
    let (mut over, mut held): (Vec<DueLot>, Vec<DueLot>) = Default::default();
    for (due, answer) in asked {
        match answer.await {
            Ok(Reply::Done { .. }) => over.push(due),
            // All that was left is spent.
            Ok(Reply::Refused { refusal }) if refusal.code.as_str() == "lot_not_found" => over.push(due),
            // All that is left is reserved: that expires when it comes back, if the calendar is still there then.
            Ok(Reply::Refused { refusal }) if refusal.code.as_str() == "lot_held" => held.push(due),
            Ok(Reply::Refused { refusal }) => {
                tracing::error!(lot = %due.lot, account = %due.account, code = %refusal.code,
                    "a due lot could not be expired");
            }
            // Asked again at the next look.
            Ok(Reply::Busy { .. } | Reply::Failed { .. }) | Err(_) => {}
        }
    }
    fail::fail_point!("ledger.timer.lots_expired");
    if !held.is_empty() {
        store::answered(store::postpone_lots(pool, &held, HELD_US)).await?;
    }
    if !over.is_empty() {
        store::answered(store::forget_lots(pool, &over)).await?;
    }
    Ok(full && !(over.is_empty() && held.is_empty()))
}
