//! Words that a model wrote, as messages: an answer, or what it said instead of painting.

use axum::body::Bytes;
use proto_events::Credits;
use proto_events::queries::{OutputPlace, Telling};

use super::{Inner, Made, Missing};
use crate::outbound::{Error, Markup, Picture};
use crate::texts::{Html, Lang, MESSAGE_UNITS_MAX, Rich, Say, cut, units};

/// Longer answers go as one file: Telegram takes about a message a second for a chat.
const MESSAGES_MAX: usize = 6;
/// Tries after which a failure is told without the words that came with it: about two minutes.
const TRIES_FOR_WORDS: i64 = 6;

impl Inner {
    /// In as many messages as it takes, the first as an answer to the person's; `below` stands under the last. What
    /// Telegram does not take as a message goes as a file, and what it takes in no form is left out, but for the first.
    ///
    /// # Errors
    /// In doubt, some of them may be there. Refused, none is.
    pub(super) async fn send_words(
        &self,
        telling: &Telling,
        words: &str,
        below: Option<&Html>,
    ) -> Result<(), Error> {
        let room = below.map_or(0, |below| units(&below.plain()) + 2);
        let pieces = Rich::of_markdown(words).split(MESSAGE_UNITS_MAX.saturating_sub(room).max(1_000));
        let asked = asked_by(telling);
        if pieces.len() > MESSAGES_MAX {
            return self.send_file(telling, words, below, asked).await;
        }
        for (n, piece) in pieces.iter().enumerate() {
            let below = below.filter(|_| n + 1 == pieces.len());
            let reply_to = asked.filter(|_| n == 0);
            match self.send_piece(telling, piece, below, reply_to).await {
                Err(Error::Refused(why)) if n > 0 => {
                    tracing::error!(position = %telling.position, n, why, "Telegram does not take a part of an answer");
                }
                sent => sent.map_err(|error| error.after(n))?,
            }
        }
        Ok(())
    }

    async fn send_piece(
        &self,
        telling: &Telling,
        piece: &Html,
        below: Option<&Html>,
        reply_to: Option<i64>,
    ) -> Result<(), Error> {
        let text = match below {
            Some(below) => piece.clone().and(&Html::empty()).and(below),
            None => piece.clone(),
        };
        match self.telegram.send(telling.chat, &text, &Markup::None, reply_to).await {
            Err(Error::Refused(why)) => {
                tracing::warn!(position = %telling.position, why, "Telegram takes no message of words; they go as a file");
                self.send_file(telling, &piece.plain(), below, reply_to).await
            }
            sent => sent.map(drop),
        }
    }

    async fn send_file(
        &self,
        telling: &Telling,
        words: &str,
        below: Option<&Html>,
        reply_to: Option<i64>,
    ) -> Result<(), Error> {
        let bytes = Bytes::from(words.to_owned());
        let file = Picture { bytes, file_name: "answer.txt", as_document: true };
        self.telegram.picture(telling.chat, &file, below, &Markup::None, reply_to).await.map(drop)
    }

    /// What was said instead of a picture. `None`: that is lost, or the store has been away for long.
    ///
    /// # Errors
    /// It can't be read yet.
    pub(super) async fn said(
        &self,
        telling: &Telling,
        place: &OutputPlace,
    ) -> Result<Option<String>, Missing> {
        match self.shelf.fetch(place).await {
            Ok(Made::Words(words)) => Ok(Some(words)),
            Ok(Made::Picture(_)) => Ok(None),
            Err(missing @ Missing::Unreached(_)) if telling.attempt.get() < TRIES_FOR_WORDS => Err(missing),
            Err(missing) => {
                tracing::warn!(position = %telling.position, %missing, "a failure is told without its words");
                Ok(None)
            }
        }
    }

    /// One message, so that it can stand in the place of "Drawing…": what does not fit is left out.
    pub(super) fn words_instead(&self, lang: Lang, words: &str, returned: Credits) -> Html {
        let intro = self.texts.say(lang, Say::WordsInstead { returned });
        let room = MESSAGE_UNITS_MAX.saturating_sub(units(&intro.plain()) + 2);
        intro.and(&Html::empty()).and(&Html::escaped(&cut(words, room)))
    }
}

/// The person's message that is answered, if it was one.
fn asked_by(telling: &Telling) -> Option<i64> {
    telling.message.filter(|message| *message > 0)
}
