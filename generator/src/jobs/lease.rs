//! Holding a claim: the ledger is told every third of the lease that we are still at it.

use std::time::Duration;

use proto_events::{
    Attempt, GenerationId,
    commands::{GenerationRenew, Operation},
    envelope::AccountRef,
};
use service::ledger::{Ledger, SendError};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::say::command_id;

/// A renewal may be late twice before the lease is lost.
const PARTS: u32 = 3;
/// A lease so short would be nothing but renewals.
const EVERY_MIN: Duration = Duration::from_millis(200);

pub(super) struct Lease {
    lost: CancellationToken,
    task: AbortHandle,
}

impl Lease {
    pub(super) fn hold(ledger: &Ledger, generation: GenerationId, attempt: Attempt, lease: Duration) -> Self {
        let lost = CancellationToken::new();
        let every = (lease / PARTS).max(EVERY_MIN);
        let renewing = renew(ledger.clone().with_deadline(every), generation, attempt, every, lost.clone());
        Self { lost, task: tokio::spawn(renewing).abort_handle() }
    }

    /// Ends when the ledger says that the job is another's or closed.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn renew(
    ledger: Ledger,
    generation: GenerationId,
    attempt: Attempt,
    every: Duration,
    lost: CancellationToken,
) {
    let account = AccountRef::Id(generation.account());
    let Some(id) = command_id(&format!("renew:{generation}:{attempt}")) else { return };
    loop {
        tokio::time::sleep(every).await;
        let operation = Operation::from(GenerationRenew { generation, attempt });
        match ledger.operate(id.clone(), account, operation).await {
            Ok(_) => {}
            Err(SendError::Refused(refused)) => {
                tracing::warn!(%generation, %attempt, code = %refused.code, "the claim is no longer ours");
                return lost.cancel();
            }
            Err(error) => tracing::warn!(%generation, %attempt, %error, "the lease was not renewed"),
        }
    }
}
