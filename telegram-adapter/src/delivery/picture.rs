//! What was made, from the object store to the chat: pictures, and answers in words.

use std::time::Duration;

use proto_events::commands::{DeliveryOutcome, Incident};
use proto_events::events::{DeliveryTrouble, MediaType};
use proto_events::queries::{OutputPlace, Telling};
use proto_events::{Credits, GenerationId};

use super::{Inner, Lease, Made, Missing, Outcome};
use crate::outbound::{Error, Markup, Picture, SentFile};
use crate::results::result_buttons;
use crate::talk::Tail;
use crate::texts::{Lang, Say};

/// Photo or file is a matter of taste: nobody waits long for it.
const SETTINGS_MAX: Duration = Duration::from_secs(2);

/// What `News::GenerationSucceeded` holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished<'a> {
    pub(super) generation: GenerationId,
    /// charged
    pub(super) credits: Credits,
    pub(super) outputs: &'a [OutputPlace],
}

/// Why a result is not there, or not all of it.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Telegram(#[from] Error),
}

impl Inner {
    /// Sends it, records that, and takes the status message away.
    pub(super) async fn deliver(&self, lease: &Lease<'_>, lang: Lang, finished: Finished<'_>) -> Outcome {
        let telling = lease.telling;
        let generation = finished.generation;
        fail::fail_point!("telegram.before_send");
        let sent = lease.keep(self.send_all(telling, lang, finished)).await;
        let Some(sent) = sent else { return Outcome::Overtaken };
        let files = match sent {
            Ok(files) => files,
            Err(Unsent::Missing(Missing::Unreached(why))) => {
                tracing::warn!(%generation, why, "the bytes of a result can't be read yet");
                return Outcome::Later;
            }
            Err(Unsent::Missing(Missing::Lost(why))) => {
                tracing::error!(%generation, why, "the bytes of a result are lost");
                self.desk.report(Incident::TellingsGivenUp).await;
                return self.give_up(telling, generation, DeliveryTrouble::BytesLost).await;
            }
            Err(Unsent::Telegram(error @ Error::Blocked(_))) if telling.chat < 0 => {
                // A group that threw us out says nothing of the person, who gets the credits back.
                tracing::info!(%generation, %error, "a group takes no result any more");
                return self.give_up(telling, generation, DeliveryTrouble::Refused).await;
            }
            Err(Unsent::Telegram(error @ Error::Blocked(_))) => {
                // It waits until they are back.
                tracing::info!(%generation, %error, "a result can't be delivered");
                return self.park(telling).await;
            }
            Err(Unsent::Telegram(error @ Error::Refused(_))) => {
                tracing::error!(%generation, %error, "Telegram does not take a result");
                self.desk.report(Incident::TellingsGivenUp).await;
                return self.give_up(telling, generation, DeliveryTrouble::Refused).await;
            }
            Err(Unsent::Telegram(error)) => {
                tracing::warn!(%generation, %error, "a result was not sent");
                return Outcome::of(&error);
            }
        };
        fail::fail_point!("telegram.sent");
        // Side by side: whichever waited for the other would be lost more often when we die here.
        let status_gone = self.take_status_away(telling, generation);
        let (recorded, ()) =
            tokio::join!(lease.keep_until(self.desk.delivered(generation, files)), status_gone);
        if let Err(error) = recorded {
            tracing::error!(%generation, %error, "a delivery is not recorded; the result may be sent again");
            return Outcome::Unrecorded;
        }
        fail::fail_point!("telegram.confirmed");
        Outcome::Told
    }

    /// A message for each picture, as many as it takes for words; what was spent stands under the last. Answers
    /// with the pictures' file ids. Once something is there, what Telegram takes in no form is left out: the rest
    /// is what was paid for. All are looked for before the first is sent; only one is held at a time.
    async fn send_all(
        &self,
        telling: &Telling,
        lang: Lang,
        finished: Finished<'_>,
    ) -> Result<Vec<SentFile>, Unsent> {
        let Finished { generation, credits: spent, outputs } = finished;
        self.shelf.look(outputs).await?;
        let as_file = match self.desk.within(SETTINGS_MAX).account_by_id(telling.account).await {
            Ok(view) => view.settings.as_file,
            Err(_) => false,
        };
        // Buttons work in private chats only: those have the ids of people, which are positive.
        let buttons = match telling.chat {
            1.. => result_buttons(&self.texts, lang, &Tail::of(generation)),
            _ => Markup::None,
        };
        let left = telling.balance.available;
        let words = outputs.iter().all(|output| output.media_type == MediaType::Text);
        let say = match telling.chat {
            1.. if words => Some(Say::AnswerCaption { spent, left }),
            1.. if spent.is_zero() => Some(Say::PictureCaptionFree { left }),
            1.. => Some(Say::PictureCaption { spent, left }),
            // What somebody has is nobody else's business.
            _ => Some(Say::CaptionHere { spent }).filter(|_| !spent.is_zero()),
        };
        let caption = say.map(|say| self.texts.say(lang, say));
        let mut files = Vec::with_capacity(outputs.len());
        for (n, place) in outputs.iter().enumerate() {
            let last = n + 1 == outputs.len();
            let caption = caption.as_ref().filter(|_| last);
            let markup = if last { &buttons } else { &Markup::None };
            let file = match self.shelf.fetch(place).await {
                Ok(Made::Picture(picture)) => {
                    let picture = Picture { as_document: picture.as_document || as_file, ..picture };
                    let to = telling.message.filter(|message| *message > 0);
                    let sent = self.telegram.picture(telling.chat, &picture, caption, markup, to).await;
                    sent.map(|sent| sent.file)
                }
                Ok(Made::Words(words)) => self.send_words(telling, &words, caption).await.map(|()| None),
                // Those before are there, and another try sends them again.
                Err(Missing::Unreached(why)) if n > 0 => Err(Error::InDoubt(why)),
                Err(missing) => return Err(missing.into()),
            };
            match file {
                Err(Error::Refused(why)) if n > 0 => {
                    tracing::error!(position = %telling.position, n, why, "Telegram does not take a part of a result");
                }
                file => files.extend(file.map_err(|error| error.after(n))?),
            }
        }
        Ok(files)
    }

    /// The person blocked the bot: the ledger keeps it until they are back.
    async fn park(&self, telling: &Telling) -> Outcome {
        match self.desk.told(telling, DeliveryOutcome::Blocked).await {
            Ok(()) => Outcome::Blocked,
            Err(error) => {
                tracing::error!(position = %telling.position, %error, "what can't be delivered is not put aside; it is tried again");
                Outcome::Unrecorded
            }
        }
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
        self.take_status_away(telling, generation).await;
        Outcome::Refused
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
