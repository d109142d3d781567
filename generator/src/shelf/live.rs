//! A text while it is being written, for whoever listens at this moment.

use proto_events::{Attempt, GenerationId, media::LivePiece, subjects};

use super::Shelf;

/// Says each piece once, at once. Nobody waits for a listener, and what is not heard is not said again.
pub struct Live {
    media: async_nats::Client,
    subject: String,
    attempt: Attempt,
    /// Characters that were said.
    at: u32,
}

impl Shelf {
    pub fn live(&self, generation: GenerationId, attempt: Attempt) -> Live {
        Live { media: self.media.clone(), subject: subjects::live(generation), attempt, at: 0 }
    }
}

impl Live {
    pub(crate) async fn say(&mut self, text: &str) {
        let piece = LivePiece { attempt: self.attempt, at: self.at, text: text.to_owned() };
        let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.at = self.at.saturating_add(chars);
        if let Ok(payload) = serde_json::to_vec(&piece)
            && let Err(error) = self.media.publish(self.subject.clone(), payload.into()).await
        {
            tracing::debug!(%error, "a piece of a text was not said");
        }
    }
}
