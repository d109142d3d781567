//! A picture, from the wish to the status message. The picture itself comes by `delivery`.

use proto_events::commands::ChatContext;
use proto_events::envelope::TraceId;
use proto_events::queries::{GenerationAccepted, GenerationState};
use proto_events::text::BadText;
use proto_events::{Credits, GenerationId, Position, Text};
use service::ledger::SendError;

use super::refusals::PROMPT_CHARS_MAX;
use super::{Halt, Known, Press, Talk};
use crate::desk::{Committed, picture_price};
use crate::inbound::Tap;
use crate::outbound::{Button, Markup};
use crate::statuses::Shown;
use crate::texts::Say;

impl Talk {
    /// Asks for a picture of what `message` says; the same message never pays twice. False: it
    /// was not asked for, and the person knows why.
    pub(super) async fn picture(
        &self,
        known: Known,
        message: i64,
        prompt: &str,
        trace: &TraceId,
    ) -> Result<bool, Halt> {
        let prompt = match Text::new(prompt) {
            Ok(prompt) => prompt,
            Err(error) => {
                tracing::warn!(trace_id = trace.as_str(), %error, "a prompt was refused");
                let say = match error {
                    BadText::Nul => Say::PromptUnreadable,
                    BadText::TooLong { .. } => Say::PromptTooLong { max: PROMPT_CHARS_MAX },
                };
                self.say(known, say).await;
                return Ok(false);
            }
        };
        let context = ChatContext { chat: known.chat, message, status_message: None };
        match self.desk.request_picture(known.user, prompt, context, trace).await {
            Ok(Committed { position, result }) => {
                fail::fail_point!("telegram.work_committed");
                tracing::info!(trace_id = trace.as_str(), generation = %result.generation, "a picture was asked for");
                self.show_status(known, message, position, result).await;
                Ok(true)
            }
            Err(SendError::Refused(refused)) if refused.code.as_str() == "insufficient_credits" => {
                self.insufficient(known).await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The plain text above the button is to be drawn.
    pub(super) async fn draw(&self, known: Known, tap: &Tap, trace: &TraceId) -> Result<(), Halt> {
        let Some((message, prompt)) = &tap.answers else {
            return self.ask_picture(known).await;
        };
        if self.picture(known, *message, prompt.trim(), trace).await? {
            // Else the offer stays, to be taken after a top-up.
            self.remove(tap.chat, tap.message).await;
        }
        Ok(())
    }

    pub(super) async fn ask_picture(&self, known: Known) -> Result<(), Halt> {
        let hint = self.texts.label(known.lang, Say::PictureAskHint);
        let ask = self.texts.say(known.lang, Say::PictureAsk);
        self.reply(known.chat, &ask, &Markup::Ask(hint), None).await;
        Ok(())
    }

    pub(super) async fn offer_picture(&self, known: Known, message: i64) -> Result<(), Halt> {
        let price = picture_price(&self.desk.catalog().await?).unwrap_or_default();
        let label = self.texts.label(known.lang, Say::ButtonDraw { price });
        let data = Press::Draw.data().unwrap_or_default();
        let text = self.texts.say(known.lang, Say::OfferPicture);
        self.reply(known.chat, &text, &Markup::Buttons(vec![Button::Tap { label, data }]), Some(message))
            .await;
        Ok(())
    }

    async fn insufficient(&self, known: Known) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let have = self.desk.balance(known.user, known.since).await?.available;
        let need = picture_price(&catalog).unwrap_or_default();
        let text = self.texts.say(known.lang, Say::Insufficient { have, need });
        self.reply(known.chat, &text, &self.packages(known.lang, &catalog), None).await;
        Ok(())
    }

    /// After the commit: failing here loses a status message and nothing else.
    async fn show_status(
        &self,
        known: Known,
        message: i64,
        position: Position,
        accepted: GenerationAccepted,
    ) {
        let GenerationAccepted { generation, credits } = accepted;
        if !self.statuses.begin(generation, known.chat, known.lang, credits) {
            return;
        }
        // The update may have come again long after: no "drawing…" under a finished picture.
        if self.state(generation, Some(position)).await != Some(GenerationState::Open) {
            return;
        }
        let text = self.texts.say(known.lang, Say::PictureAccepted { credits });
        let sent = match self.telegram.send(known.chat, &text, &Markup::None, Some(message)).await {
            Ok(sent) if sent.message > 0 => sent.message,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, %generation, "a status message was not sent");
                return;
            }
        };
        match self.statuses.shown(generation, sent) {
            Shown::Late => return self.remove(known.chat, sent).await,
            Shown::Started => self.paint(known, generation, sent, credits).await,
            Shown::InTime => {}
        }
        if let Err(error) = self.desk.note_status(generation, sent).await {
            tracing::warn!(%error, %generation, "the place of a status message was not kept");
        }
        // Another instance may have delivered before it could know of the status message.
        if let Some(GenerationState::Succeeded | GenerationState::Delivered) =
            self.state(generation, None).await
        {
            self.remove(known.chat, sent).await;
        }
    }

    async fn state(&self, generation: GenerationId, at_least: Option<Position>) -> Option<GenerationState> {
        match self.desk.generation(generation, at_least).await {
            Ok(view) => Some(view.state),
            Err(error) => {
                tracing::debug!(%error, %generation, "the state of a picture is not known");
                None
            }
        }
    }

    async fn paint(&self, known: Known, generation: GenerationId, message: i64, credits: Credits) {
        let _turn = self.turns.of(generation.account()).await;
        if self.statuses.is_told(generation) {
            return;
        }
        let text = self.texts.say(known.lang, Say::PicturePainting { credits });
        if let Err(error) = self.telegram.edit(known.chat, message, &text, &Markup::None).await {
            tracing::debug!(%error, %generation, "a status message was not changed");
        }
    }

    pub(super) async fn remove(&self, chat: i64, message: i64) {
        if let Err(error) = self.telegram.delete(chat, message).await {
            tracing::debug!(%error, "a message was not removed");
        }
    }
}
