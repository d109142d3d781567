//! Sending broadcasts. The ledger gives a running one to one instance at a time, some recipients at once; each is sent to and put on
//! record before the next, so that a death repeats one message at most.

use std::time::Duration;

use proto_events::Text;
use proto_events::commands::{Incident, SendOutcome};
use proto_events::queries::{ClaimedBroadcast, Recipient};
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::outbound::{Error, Telegram};
use crate::posting::post;

/// Recipients claimed at once: two seconds' work.
const BATCH: u16 = 50;
/// Telegram allows about 30 messages a second over all chats, and people's own come first.
const PER_SECOND: u32 = 25;
/// Between looks for a broadcast to send.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Tries of one recipient whose fate is not in doubt.
const TRIES_MAX: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// Within the lease of 20 s, three times.
const PAUSE_MAX: Duration = Duration::from_secs(5);
const FLOOD_MAX: Duration = Duration::from_secs(60);
/// Recipients of a batch from which on all of them refused is more than a few chats that are gone.
const ALARM_MIN: usize = 10;

#[derive(Clone)]
pub struct Broadcaster {
    desk: Desk,
    telegram: Telegram,
    claimant: Text<64>,
}

impl Broadcaster {
    pub fn new(desk: Desk, telegram: Telegram) -> Self {
        Self { desk, telegram, claimant: Text::lossy(&uuid::Uuid::new_v4().to_string()) }
    }

    /// Sends what there is to send, until told to stop.
    pub async fn run(self, shutdown: CancellationToken) {
        // The broadcast that somebody got, or might have, by this instance.
        let mut reached = None;
        while !shutdown.is_cancelled() {
            match self.desk.claim_broadcast(&self.claimant, BATCH).await {
                Ok(Some(claimed)) => {
                    fail::fail_point!("telegram.broadcast.claimed");
                    self.send(&claimed, &mut reached, &shutdown).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a broadcast could not be claimed"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn send(
        &self,
        claimed: &ClaimedBroadcast,
        reached: &mut Option<Text<64>>,
        shutdown: &CancellationToken,
    ) {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut refused = 0;
        for recipient in &claimed.recipients {
            if shutdown.is_cancelled() {
                return;
            }
            pace.tick().await;
            let Some(outcome) = self.send_to(claimed, recipient).await else { return };
            if outcome == SendOutcome::Failed {
                refused += 1;
            } else {
                *reached = Some(claimed.broadcast.clone());
            }
            fail::fail_point!("telegram.broadcast.sent");
            match self
                .desk
                .broadcast_told(&claimed.broadcast, &self.claimant, recipient.account, outcome)
                .await
            {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(broadcast = %claimed.broadcast, "another instance sends this broadcast");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, broadcast = %claimed.broadcast, "what was sent is not recorded; it may be sent again");
                    return;
                }
            }
            fail::fail_point!("telegram.broadcast.recorded");
        }
        let all_refused = refused > 0 && refused == claimed.recipients.len();
        if all_refused && (refused >= ALARM_MIN || reached.as_ref() != Some(&claimed.broadcast)) {
            tracing::error!(broadcast = %claimed.broadcast, refused, "Telegram takes a broadcast for nobody");
            self.desk.report(Incident::BroadcastRefused).await;
        }
    }

    /// `None`: Telegram can't be reached; the rest waits. In doubt counts as sent: nobody is to get it twice.
    async fn send_to(&self, claimed: &ClaimedBroadcast, recipient: &Recipient) -> Option<SendOutcome> {
        for _ in 0..TRIES_MAX {
            match post(&self.telegram, recipient.chat, &claimed.content).await {
                Ok(()) => return Some(SendOutcome::Sent),
                Err(Error::Blocked(_)) => return Some(SendOutcome::Blocked),
                Err(error @ (Error::Refused(_) | Error::Unsupported)) => {
                    tracing::warn!(%error, broadcast = %claimed.broadcast, "a broadcast was not taken for somebody");
                    return Some(SendOutcome::Failed);
                }
                Err(error @ Error::InDoubt(_)) => {
                    tracing::warn!(%error, broadcast = %claimed.broadcast, "it is in doubt whether somebody got a broadcast");
                    return Some(SendOutcome::Sent);
                }
                // Longer than the lease: the rest is claimed anew after it.
                Err(Error::Flood(pause)) if pause > PAUSE_MAX => {
                    tokio::time::sleep(pause.min(FLOOD_MAX)).await;
                    return None;
                }
                Err(Error::Flood(pause)) => tokio::time::sleep(pause).await,
                Err(error @ (Error::NotReached(_) | Error::Token)) => {
                    tracing::warn!(%error, "a broadcast waits for Telegram");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        None
    }
}
