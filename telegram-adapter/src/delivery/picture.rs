//! A finished picture, from the object store to the chat.

use proto_events::commands::FileId;
use proto_events::events::DeliveryTrouble;
use proto_events::queries::{OutputPlace, Telling};
use proto_events::{Credits, GenerationId};

use super::{Inner, Lease, Missing, Outcome};
use crate::outbound::{Error, Picture};
use crate::texts::{Lang, Say};

/// What `News::GenerationSucceeded` holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished<'a> {
    pub(super) generation: GenerationId,
    /// charged
    pub(super) credits: Credits,
    pub(super) outputs: &'a [OutputPlace],
}

impl Inner {
    /// Sends it, records that, and takes the status message away.
    pub(super) async fn deliver(&self, lease: &Lease<'_>, lang: Lang, finished: Finished<'_>) -> Outcome {
        let telling = lease.telling;
        let generation = finished.generation;
        let Some(pictures) = lease.keep(self.pictures(finished)).await else {
            return Outcome::Overtaken;
        };
        let pictures = match pictures {
            Ok(pictures) => pictures,
            Err(Missing::Unreached(why)) => {
                tracing::warn!(%generation, why, "the bytes of a picture can't be read yet");
                return Outcome::Later;
            }
            Err(Missing::Lost(why)) => {
                tracing::error!(%generation, why, "the bytes of a picture are lost");
                return self.give_up(telling, generation, DeliveryTrouble::BytesLost).await;
            }
        };
        fail::fail_point!("telegram.before_send");
        let sent = lease.keep(self.send_all(telling, lang, finished.credits, &pictures)).await;
        let Some(sent) = sent else { return Outcome::Overtaken };
        let file_ids = match sent {
            Ok(file_ids) => file_ids,
            Err(error @ Error::Blocked(_)) => {
                tracing::info!(%generation, %error, "a picture can't be delivered");
                return self.give_up(telling, generation, DeliveryTrouble::Blocked).await;
            }
            Err(error @ Error::Refused(_)) => {
                tracing::error!(%generation, %error, "Telegram does not take a picture");
                return self.give_up(telling, generation, DeliveryTrouble::Refused).await;
            }
            Err(error) => {
                tracing::warn!(%generation, %error, "a picture was not sent");
                return Outcome::of(&error);
            }
        };
        fail::fail_point!("telegram.sent");
        // Side by side: whichever waited for the other would be lost more often when we die here.
        let status_gone = self.take_status_away(telling, generation);
        let (recorded, ()) = tokio::join!(self.desk.delivered(generation, file_ids), status_gone);
        if let Err(error) = recorded {
            tracing::error!(%generation, %error, "a delivery is not recorded; the picture may be sent again");
            return Outcome::Unrecorded;
        }
        fail::fail_point!("telegram.confirmed");
        Outcome::Told
    }

    async fn pictures(&self, finished: Finished<'_>) -> Result<Vec<Picture>, Missing> {
        if finished.outputs.is_empty() {
            return Err(Missing::Lost("nothing was made".to_owned()));
        }
        let mut pictures = Vec::with_capacity(finished.outputs.len());
        for place in finished.outputs {
            pictures.push(self.shelf.fetch(place).await?);
        }
        Ok(pictures)
    }

    /// One message each; what was spent stands under the last.
    async fn send_all(
        &self,
        telling: &Telling,
        lang: Lang,
        spent: Credits,
        pictures: &[Picture],
    ) -> Result<Vec<FileId>, Error> {
        let left = telling.balance.available;
        let caption = if spent.is_zero() {
            self.texts.say(lang, Say::PictureCaptionFree { left })
        } else {
            self.texts.say(lang, Say::PictureCaption { spent, left })
        };
        let mut file_ids = Vec::with_capacity(pictures.len());
        for (n, picture) in pictures.iter().enumerate() {
            let caption = (n + 1 == pictures.len()).then_some(&caption);
            let sent = self.telegram.picture(telling.chat, picture, caption, telling.message).await;
            let sent = sent.map_err(|error| match error {
                // The first ones are there: another try sends them again.
                passing if n > 0 && passing.is_passing() => Error::InDoubt(passing.to_string()),
                error => error,
            })?;
            file_ids.extend(sent.file);
        }
        Ok(file_ids)
    }

    /// Whatever is to be said of it is news of its own, with the credits that came back.
    pub(super) async fn give_up(
        &self,
        telling: &Telling,
        generation: GenerationId,
        reason: DeliveryTrouble,
    ) -> Outcome {
        if let Err(error) = self.desk.undelivered(telling, generation, reason).await {
            tracing::error!(%generation, %error, "a failed delivery is not recorded; it is tried again");
            return Outcome::Unrecorded;
        }
        if reason != DeliveryTrouble::Blocked {
            self.take_status_away(telling, generation).await;
        }
        match reason {
            DeliveryTrouble::Blocked => Outcome::Blocked,
            DeliveryTrouble::Gone | DeliveryTrouble::BytesLost | DeliveryTrouble::Refused => Outcome::Refused,
        }
    }

    /// "Drawing…" has served. If it is not there any more, all the better.
    pub(super) async fn take_status_away(&self, telling: &Telling, generation: GenerationId) {
        let here = self.statuses.told(generation);
        if let Some(status) = telling.status_message.or(here)
            && let Err(error) = self.telegram.delete(telling.chat, status).await
        {
            tracing::debug!(%generation, %error, "a status message was not removed");
        }
    }
}
