//! Albums: their photos come as updates of their own, each answered as soon as it is kept by the ledger. When the last has come,
//! any instance takes the album, once, and deals with it as with one message.

use std::time::Duration;

use proto_events::Text;
use proto_events::commands::Photo;
use proto_events::envelope::TraceId;
use proto_events::queries::{ClaimedAlbum, OpenAlbum};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Halt, Talk, refusals};
use crate::desk::By;
use crate::inbound::Person;

/// An album is due 1.2 s after its last photo.
const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// More than can be dealt with until the next sweep.
const SWEEP_MAX: u16 = 64;

impl Talk {
    /// Takes albums that are whole, until told to stop; then waits for what is in hand.
    pub async fn take_albums(&self, shutdown: CancellationToken) {
        let tasks = TaskTracker::new();
        while !shutdown.is_cancelled() {
            match self.desk.albums_due(SWEEP_MAX).await {
                Ok(due) => {
                    for album in due {
                        let talk = self.clone();
                        tasks.spawn(async move { talk.take_album(album).await });
                    }
                }
                Err(error) => tracing::warn!(%error, "the sweep for albums failed"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    async fn take_album(&self, album: OpenAlbum) {
        let trace = TraceId::random();
        let claimant = Text::lossy(&uuid::Uuid::new_v4().to_string());
        let claimed = match self.desk.claim_album(&album, &claimant).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "an album could not be claimed");
                return;
            }
        };
        fail::fail_point!("telegram.album.claimed");
        match self.album(&album, claimed, &trace).await {
            Ok(()) | Err(Halt::Refused(_)) => {}
            // Its lease ends, and the sweep shows it again.
            Err(Halt::Later(why)) => {
                tracing::warn!(why, "an album can't be dealt with yet");
                return;
            }
        }
        fail::fail_point!("telegram.album.dealt_with");
        if let Err(error) = self.desk.album_done(&album, &claimant).await {
            tracing::warn!(%error, "an album that was dealt with is not recorded; it is dealt with again");
        }
    }

    /// Under the id of its first message: dealt with twice, it is asked for once.
    async fn album(&self, album: &OpenAlbum, claimed: ClaimedAlbum, trace: &TraceId) -> Result<(), Halt> {
        let Some(first) = claimed.parts.first().map(|part| part.message) else { return Ok(()) };
        let person = Person { id: claimed.telegram_user, name: String::new(), language: None };
        let by = format!("{}:{first}", album.chat);
        let known = self.know(&person, album.chat, &by, None, trace).await?;
        let caption = claimed.parts.iter().find_map(|part| part.caption.clone());
        let photos: Vec<Photo> = claimed.parts.into_iter().map(|part| part.photo).collect();
        let by = By::Message { chat: album.chat, message: first };
        let outcome = self.pictured(&known, by, photos, caption.as_deref(), trace).await;
        if matches!(&outcome, Err(Halt::Refused(refused)) if refused.code.as_str() == "command_id_reused") {
            tracing::info!(trace_id = trace.as_str(), "an album was dealt with before, with fewer photos");
            return Ok(());
        }
        if let Err(Halt::Refused(refused)) = &outcome {
            self.say(&known, refusals::say(refused)).await;
        }
        outcome
    }
}
