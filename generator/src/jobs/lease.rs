//! Holding a claim: the ledger is told every third of the lease that we are still at it.
//!
//! The lease runs from the moment the ledger granted it, and its answer may have been long under way.
//! So the first renewal is due by the age of the claim; one that is too old is renewed before any work.

use std::time::Duration;

use proto_events::{
    Attempt, CommandId, GenerationId, Micros,
    commands::{GenerationRenew, Operation},
    envelope::AccountRef,
    queries::ClaimedJob,
};
use service::ledger::{Ledger, SendError};
use tokio::{
    task::AbortHandle,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{pace, say::command_id};

/// A renewal may be late twice before the lease is lost.
const PARTS: u32 = 3;
/// A lease so short would be nothing but renewals.
const EVERY_MIN: Duration = Duration::from_millis(200);

pub(super) struct Lease {
    lost: CancellationToken,
    task: AbortHandle,
}

impl Lease {
    /// `asked` is when the claim was first sent. `None`: it is another's or closed by now.
    pub(super) async fn take_up(ledger: &Ledger, job: &ClaimedJob, asked: Instant) -> Option<Self> {
        let every = (Duration::from_millis(job.lease_ms.into()) / PARTS).max(EVERY_MIN);
        let renewal = Renewal::new(ledger.clone().with_deadline(every), job)?;
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let age = age(asked.elapsed(), job.lease_until, job.lease_ms, pace::now());
        if age < every {
            tick.reset_after(every - age);
        } else {
            // Not answered: nobody else is answered either, and no call is paid under a doubtful claim.
            loop {
                tick.tick().await;
                match renewal.send().await {
                    Renewed::Held => break,
                    Renewed::Lost => return None,
                    Renewed::Unknown => {}
                }
            }
        }
        let lost = CancellationToken::new();
        let task = tokio::spawn(renewal.repeat(tick, lost.clone())).abort_handle();
        Some(Self { lost, task })
    }

    /// The ledger said that the job is another's or closed.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Returns once it is.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// No renewals from here on: the ledger is about to be told that the attempt is over.
    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How long ago the claim may have been granted: by the time since it was asked for, which no clock
/// but ours can shift, or by the ledger's own numbers if they say more.
fn age(since_asked: Duration, lease_until: Micros, lease_ms: u32, now: Micros) -> Duration {
    let granted_us = lease_until.get().saturating_sub(i64::from(lease_ms) * 1_000);
    let passed_us = u64::try_from(now.get().saturating_sub(granted_us)).unwrap_or(0);
    since_asked.max(Duration::from_micros(passed_us))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewed {
    Held,
    Lost,
    Unknown,
}

struct Renewal {
    ledger: Ledger,
    id: CommandId,
    generation: GenerationId,
    attempt: Attempt,
}

impl Renewal {
    fn new(ledger: Ledger, job: &ClaimedJob) -> Option<Self> {
        let (generation, attempt) = (job.generation, job.attempt);
        let id = command_id(&format!("renew:{generation}:{attempt}"))?;
        Some(Self { ledger, id, generation, attempt })
    }

    async fn repeat(self, mut tick: tokio::time::Interval, lost: CancellationToken) {
        loop {
            tick.tick().await;
            if self.send().await == Renewed::Lost {
                return lost.cancel();
            }
        }
    }

    async fn send(&self) -> Renewed {
        let (generation, attempt) = (self.generation, self.attempt);
        let account = AccountRef::Id(generation.account());
        let operation = Operation::from(GenerationRenew { generation, attempt });
        match self.ledger.operate(self.id.clone(), account, operation).await {
            Ok(_) => Renewed::Held,
            Err(SendError::Refused(refused)) => {
                tracing::warn!(%generation, %attempt, code = %refused.code, "the claim is no longer ours");
                Renewed::Lost
            }
            Err(error) => {
                tracing::warn!(%generation, %attempt, %error, "the lease was not renewed");
                Renewed::Unknown
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_as_old_as_its_question_or_as_the_ledger_says() {
        let at = |seconds: i64| Micros::new(1_000_000_000 + seconds * 1_000_000).unwrap();
        let seconds = Duration::from_secs;
        let age = |since_asked, until, now| age(seconds(since_asked), at(until), 60_000, at(now)).as_secs();
        assert_eq!(age(0, 60, 0), 0, "granted just now");
        assert_eq!(age(18, 60, 18), 18, "the answer was long under way");
        assert_eq!(age(18, 60, -300), 18, "the ledger's clock is ahead of ours");
        assert_eq!(age(1, 60, 25), 25, "its clock is behind, or the answer is older than we know");
        assert_eq!(age(0, 80, 0), 0, "renewed already");
    }
}
