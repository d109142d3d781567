//! A referral's bonuses: one command to each side, named after the event that earned them.

use proto_events::commands::{ReferralBonus, ReferralSide};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Position, Reply};
use tokio::sync::oneshot;

use super::{PAUSE, Trouble};
use crate::inbox::own_request;
use crate::log::Row;
use crate::sequencer::{Queue, ReplyTo};

/// Returns when both were decided: paid, or refused for good.
pub(super) async fn pay_both(queue: &Queue, registered: &Row, inviter: AccountId) -> Result<(), Trouble> {
    for side in ReferralSide::ALL {
        fail::fail_point!("ledger.follow_ups.bonus");
        pay(queue, registered, inviter, side).await?;
    }
    Ok(())
}

async fn pay(queue: &Queue, registered: &Row, inviter: AccountId, side: ReferralSide) -> Result<(), Trouble> {
    let cause = Position::new(registered.position).unwrap_or_default();
    let invited = registered.account();
    let to = match side {
        ReferralSide::Inviter => inviter,
        ReferralSide::Invited => invited,
    };
    let Ok(id) = CommandId::new(format!("referral:{cause}:{}", side.as_str())) else { return Ok(()) };
    loop {
        let command = ReferralBonus { invited, side, cause }.into();
        let request = own_request(id.clone(), AccountRef::Id(to), command, Some(cause));
        let (sender, receiver) = oneshot::channel();
        if queue.push((request, ReplyTo::Here(sender))).is_err() {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match receiver.await {
            Ok(Reply::Done { .. }) => return Ok(()),
            // Banned or erased meanwhile, the daily bound, a catalog without bonuses: there is none.
            Ok(Reply::Refused { refusal }) => {
                tracing::info!(%cause, side = side.as_str(), code = %refusal.code, "no bonus for a referral");
                return Ok(());
            }
            Ok(Reply::Busy { retry_after_ms }) => {
                tokio::time::sleep(std::time::Duration::from_millis(retry_after_ms.into())).await;
            }
            Ok(Reply::Failed { .. }) | Err(_) => return Err(Trouble::NoAnswer),
        }
    }
}
