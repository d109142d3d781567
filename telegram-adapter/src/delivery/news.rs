//! Everything that is told in words: failures, bills, receipts.

use proto_events::events::GenerationKind;
use proto_events::queries::{News, PaymentState, Telling};
use proto_events::{Credits, GenerationId, Money, PaymentId, Rail};

use super::{Inner, Outcome};
use crate::bill::{self, topup_button};
use crate::outbound::{Error, Markup};
use crate::texts::{Html, Lang, Reason, Say};

impl Inner {
    pub(super) async fn tell_news(&self, telling: &Telling, lang: Lang) -> Outcome {
        let told = match &telling.news {
            News::PaymentReady { payment, .. } => return self.tell_ready(telling, lang, *payment).await,
            News::PaymentSettled { credits, price, .. } => {
                self.tell_settled(telling, lang, *credits, *price).await
            }
            News::PaymentCanceled { payment, price, reason, .. } => {
                return self.tell_canceled(telling, lang, *payment, *price, reason).await;
            }
            News::GenerationFailed { generation, kind, returned, reason, text } => {
                let words = match text {
                    Some(place) => self.said(telling, place).await,
                    None => Ok(None),
                };
                let text = match words {
                    Ok(Some(words)) => self.words_instead(lang, &words, *returned),
                    Ok(None) => {
                        let (reason, returned) = (Reason::from(*reason), *returned);
                        self.texts.say(
                            lang,
                            match kind {
                                Some(GenerationKind::Text) => Say::AnswerFailed { reason, returned },
                                _ => Say::PictureFailed { reason, returned },
                            },
                        )
                    }
                    Err(error) => {
                        tracing::warn!(%generation, %error, "the words that came can't be read yet");
                        return Outcome::Later;
                    }
                };
                self.tell_failed(telling, *generation, &text).await
            }
            News::DeliveryFailed { kind, returned, .. } => {
                let returned = *returned;
                let text = self.texts.say(
                    lang,
                    match kind {
                        Some(GenerationKind::Text) => Say::AnswerLost { returned },
                        _ => Say::PictureLost { returned },
                    },
                );
                self.telegram.send(telling.chat, &text, &Markup::None, telling.message).await.map(drop)
            }
            // A picture is delivered, not told: `picture`.
            News::GenerationSucceeded { .. } => Ok(()),
            News::CreditsGranted { .. }
            | News::CreditsRevoked { .. }
            | News::CreditsExpired { .. }
            | News::DebtForgiven { .. }
            | News::AccountBanned {}
            | News::AccountUnbanned {}
            | News::GenerationCanceled { .. }
            | News::Message { .. }
            | News::PaymentQuarantined { .. } => return Outcome::Refused,
            News::RefundSettled { amount, credits, .. } => {
                let available = telling.balance.available;
                let say = Say::RefundSettled { amount: *amount, credits: *credits, available };
                self.tell_refund(telling, lang, say).await
            }
            News::RefundFailed { amount, credits, .. } => {
                let available = telling.balance.available;
                let say = Say::RefundFailed { amount: *amount, credits: *credits, available };
                self.tell_refund(telling, lang, say).await
            }
        };
        match told {
            Ok(()) => Outcome::Told,
            Err(error) => {
                tracing::warn!(position = %telling.position, %error, "news could not be sent");
                Outcome::of(&error)
            }
        }
    }

    /// The bill gets its button, unless it was paid or closed meanwhile.
    async fn tell_ready(&self, telling: &Telling, lang: Lang, payment: PaymentId) -> Outcome {
        let view = match self.desk.payment(payment, Some(telling.position)).await {
            Ok(view) => view,
            Err(error) => {
                tracing::warn!(%payment, %error, "the state of a payment is not known");
                return Outcome::Later;
            }
        };
        if matches!(view.state, PaymentState::Settled | PaymentState::Canceled) {
            return Outcome::Told;
        }
        let (text, markup) = bill::render(&self.texts, lang, &view);
        match self.edit_or_send(telling, telling.status_message, &text, &markup).await {
            Ok(None) => Outcome::Told,
            Ok(Some(message)) => {
                if let Err(error) = self.desk.note_bill(payment, message).await {
                    tracing::warn!(%payment, %error, "the place of a bill was not kept");
                }
                Outcome::Told
            }
            Err(error) => {
                tracing::warn!(%payment, %error, "a payment link could not be shown");
                Outcome::of(&error)
            }
        }
    }

    /// A bill changes in its place; an invoice can't be edited, so it goes, and what became of it is said
    /// below everything.
    async fn tell_canceled(
        &self,
        telling: &Telling,
        lang: Lang,
        payment: PaymentId,
        price: Money,
        reason: &str,
    ) -> Outcome {
        let view = match self.desk.payment(payment, Some(telling.position)).await {
            Ok(view) => view,
            Err(error) => {
                tracing::warn!(%payment, %error, "the state of a payment is not known");
                return Outcome::Later;
            }
        };
        // Paid in the last moment, or by an invoice that was open on another screen.
        if view.state == PaymentState::Settled {
            return Outcome::Told;
        }
        let say = if reason.starts_with("expired") {
            Say::PaymentExpired { price }
        } else {
            Say::PaymentCanceled { price }
        };
        let text = self.texts.say(lang, say);
        let again = Markup::Buttons(vec![topup_button(&self.texts, lang)]);
        let mut bill = telling.status_message;
        if view.rail != Rail::Yookassa
            && let Some(invoice) = bill.take()
            && let Err(error) = self.telegram.delete(telling.chat, invoice).await
        {
            tracing::debug!(%payment, %error, "an invoice was not removed");
        }
        match self.edit_or_send(telling, bill, &text, &again).await {
            Ok(_) => Outcome::Told,
            Err(error) => {
                tracing::warn!(%payment, %error, "the end of a payment could not be told");
                Outcome::of(&error)
            }
        }
    }

    /// With what is owed, if the credits were spent.
    async fn tell_refund(&self, telling: &Telling, lang: Lang, say: Say<'_>) -> Result<(), Error> {
        let mut text = self.texts.say(lang, say);
        if !telling.balance.debt.is_zero() {
            let debt = self.texts.say(lang, Say::BalanceDebt { debt: telling.balance.debt });
            text = text.and(&Html::empty()).and(&debt);
        }
        self.telegram.send(telling.chat, &text, &Markup::None, None).await.map(drop)
    }

    /// The button goes first, so that nobody pays twice; then the receipt, which notifies.
    async fn tell_settled(
        &self,
        telling: &Telling,
        lang: Lang,
        credits: Credits,
        price: Money,
    ) -> Result<(), Error> {
        if let Some(bill) = telling.status_message {
            let text = self.texts.say(lang, Say::PaymentPaid { credits, price });
            match self.telegram.edit(telling.chat, bill, &text, &Markup::None).await {
                Ok(()) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let available = telling.balance.available;
        let receipt = self.texts.say(lang, Say::PaymentReceipt { credits, price, available });
        self.telegram.send(telling.chat, &receipt, &Markup::None, None).await.map(drop)
    }

    /// In the place of "Drawing…", so that telling it twice looks like once.
    async fn tell_failed(
        &self,
        telling: &Telling,
        generation: GenerationId,
        text: &Html,
    ) -> Result<(), Error> {
        let here = self.statuses.told(generation);
        let status = telling.status_message.or(here);
        self.edit_or_send(telling, status, text, &Markup::None).await.map(drop)
    }

    /// The new message's id, if one had to be sent.
    async fn edit_or_send(
        &self,
        telling: &Telling,
        message: Option<i64>,
        text: &Html,
        markup: &Markup,
    ) -> Result<Option<i64>, Error> {
        if let Some(message) = message {
            match self.telegram.edit(telling.chat, message, text, markup).await {
                Ok(()) => return Ok(None),
                // It is gone, or too old to be edited.
                Err(Error::Refused(why)) => {
                    tracing::debug!(why, "a message can't be edited; a new one is sent")
                }
                Err(error) => return Err(error),
            }
        }
        let sent = self.telegram.send(telling.chat, text, markup, telling.message).await?;
        Ok(Some(sent.message).filter(|message| *message > 0))
    }
}
