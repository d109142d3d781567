//! Everything that is told in words: failures, bills, receipts.

use proto_events::envelope::AccountRef;
use proto_events::events::{GenerationKind, LotSource, PaymentProblem};
use proto_events::queries::{News, PaymentState, Telling};
use proto_events::{Credits, GenerationId, Money, PaymentId, Rail};

use super::{Inner, Outcome};
use crate::bill::{self, topup_button};
use crate::outbound::{Button, Error, Markup};
use crate::posting::post;
use crate::talk::{Press, price_of};
use crate::texts::{Day, Html, Lang, Reason, Say, cut};

/// Of a wish that is offered again, in UTF-16 units.
const WISH_MAX: usize = 300;

impl Inner {
    pub(super) async fn tell_news(&self, telling: &Telling, lang: Lang) -> Outcome {
        let told = match &telling.news {
            News::PaymentReady { payment, .. } => return self.tell_ready(telling, lang, *payment).await,
            News::PaymentSettled { credits, price, first, .. } => {
                let told = self.tell_settled(telling, lang, *credits, *price).await;
                if told.is_ok() && *first {
                    let user = telling.chat.to_string();
                    let say = Say::AdminFirstPayment { user: &user, price: *price, credits: *credits };
                    self.tell_admins(say).await;
                }
                told
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
            News::PaymentQuarantined { rail, problems } => {
                let problems: Vec<String> = problems.iter().map(said_plainly).collect();
                let (rail, problems) = (rail.as_str(), problems.join(", "));
                return self.tell_admins(Say::AdminQuarantined { rail, problems: &problems }).await;
            }
            News::Message { message, content } => {
                tracing::debug!(%message, "a message of ours is sent");
                post(&self.telegram, telling.chat, content).await
            }
            News::GenerationCanceled { generation, returned, .. } => {
                let text = self.texts.say(lang, Say::CanceledBack { returned: *returned });
                self.tell_failed(telling, *generation, &text).await
            }
            News::CreditsGranted { .. }
            | News::CreditsRevoked { .. }
            | News::CreditsExpired { .. }
            | News::DebtForgiven { .. }
            | News::AccountBanned {}
            | News::AccountUnbanned {} => self.tell_change(telling, lang).await,
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
        self.telegram.send(telling.chat, &receipt, &Markup::None, None).await?;
        self.offer_wish(telling, lang).await;
        Ok(())
    }

    /// What could not be paid before is offered once there is enough for it. Losing the offer loses nothing: it can be asked again.
    async fn offer_wish(&self, telling: &Telling, lang: Lang) {
        let wish = match self.desk.wish(AccountRef::Id(telling.account)).await {
            Ok(Some(wish)) => wish,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "what could not be paid before is not known");
                return;
            }
        };
        let price = match self.desk.catalog().await {
            Ok(catalog) => price_of(&catalog, &wish.request),
            Err(_) => None,
        };
        let Some(price) = price.filter(|price| *price <= telling.balance.available) else { return };
        let prompt = cut(&wish.request.prompt, WISH_MAX);
        let text = self.texts.say(lang, Say::WishReady { prompt: &prompt });
        let press = Press::Wish { nonce: Press::nonce() };
        let label = self.texts.label(lang, Say::ButtonWish { price });
        let button = press.data().map(|data| Button::Tap { label, data });
        let markup = Markup::Buttons(button.into_iter().collect());
        if let Err(error) = self.telegram.send(telling.chat, &text, &markup, None).await {
            tracing::debug!(%error, "a wish was not offered again");
        }
    }

    /// Whatever somebody else did to the person's credits or access.
    async fn tell_change(&self, telling: &Telling, lang: Lang) -> Result<(), Error> {
        let available = telling.balance.available;
        let mut until = None;
        let say = match &telling.news {
            News::CreditsGranted { credits, source, expires_at, inviter } => {
                until = *expires_at;
                let credits = *credits;
                match source {
                    LotSource::Promo => Say::GrantedPromo { credits, available },
                    LotSource::Compensation => Say::GrantedCompensation { credits, available },
                    LotSource::Referral if *inviter => Say::GrantedInviter { credits, available },
                    LotSource::Referral => Say::GrantedInvited { credits, available },
                    LotSource::Admin | LotSource::Purchase | LotSource::Welcome => {
                        Say::GrantedAdmin { credits, available }
                    }
                }
            }
            News::CreditsRevoked { credits } => Say::Revoked { credits: *credits, available },
            News::CreditsExpired { credits } => Say::Expired { credits: *credits, available },
            News::DebtForgiven { credits } => Say::DebtForgiven { credits: *credits },
            News::AccountBanned {} => Say::BannedNow,
            News::AccountUnbanned {} => Say::UnbannedNow,
            _ => return Ok(()),
        };
        let mut text = self.texts.say(lang, say);
        if let Some(at) = until {
            text = text.and(&self.texts.say(lang, Say::GrantedUntil { at: Day(at) }));
        }
        self.telegram.send(telling.chat, &text, &Markup::None, None).await.map(drop)
    }

    /// Each in the chat with us; whoever can't be reached is passed over. Later, if nobody was.
    pub(super) async fn tell_admins(&self, say: Say<'_>) -> Outcome {
        let mut outcome = if self.admins.is_empty() { Outcome::Told } else { Outcome::Refused };
        for admin in self.admins.iter().copied() {
            let lang = match self.desk.account(admin).await {
                Ok(view) => Lang::of(view.as_ref().map(|view| view.language.as_str())),
                Err(_) => Lang::En,
            };
            match self.telegram.send(admin, &self.texts.say(lang, say), &Markup::None, None).await {
                Ok(_) => outcome = Outcome::Told,
                Err(error) => {
                    tracing::warn!(%error, "an administrator was not told");
                    let came = Outcome::of(&error);
                    // What may have come to one is not told again because it can't come to another.
                    if !matches!(outcome, Outcome::Told | Outcome::InDoubt) && came.is_passing() {
                        outcome = came;
                    }
                }
            }
        }
        outcome
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

/// `amount_differs` → "amount differs".
fn said_plainly(problem: &PaymentProblem) -> String {
    let word = serde_json::to_value(problem).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().replace('_', " ")
}
