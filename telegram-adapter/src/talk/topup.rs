//! Topping up: packages as buttons, then one message that becomes the bill.

use proto_events::catalog::Catalog;
use proto_events::commands::ChatContext;
use proto_events::envelope::TraceId;
use proto_events::queries::PaymentView;
use proto_events::{PaymentId, Position, Rail, Text};

use super::{Halt, Known, Press, Talk};
use crate::bill;
use crate::outbound::{Button, Error, Markup};
use crate::texts::{Lang, Say};

impl Talk {
    pub(super) async fn choose_package(&self, known: Known) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let markup = self.packages(known.lang, &catalog);
        if markup == Markup::None {
            return self.said(known, Say::TopupClosed).await;
        }
        let available = self.desk.balance(known.user, known.since).await?.available;
        let text = self.texts.say(known.lang, Say::TopupChoose { available });
        self.reply(known.chat, &text, &markup, None).await;
        Ok(())
    }

    /// A button for each package that can be paid by link.
    pub(super) fn packages(&self, lang: Lang, catalog: &Catalog) -> Markup {
        let payable = catalog.packages.iter().filter(|package| package.rails.contains(&Rail::Yookassa));
        let buttons: Vec<Button> = payable
            .filter_map(|package| {
                let Some(data) = Press::buy(package.id.clone()).data() else {
                    tracing::error!(package = %package.id, "the package's name is too long for a button");
                    return None;
                };
                let say = Say::ButtonPackage { credits: package.credits, price: package.price };
                Some(Button::Tap { label: self.texts.label(lang, say), data })
            })
            .collect();
        if buttons.is_empty() { Markup::None } else { Markup::Buttons(buttons) }
    }

    /// Opens the payment; the message with the buttons becomes its bill.
    pub(super) async fn buy(
        &self,
        known: Known,
        nonce: &str,
        package: Text<64>,
        message: i64,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let context = ChatContext { chat: known.chat, message, status_message: Some(message) };
        let opened = self.desk.open_topup(known.user, nonce, package, context, trace).await?;
        fail::fail_point!("telegram.work_committed");
        let payment = opened.result.payment;
        tracing::info!(trace_id = trace.as_str(), %payment, "a top-up was opened");
        self.show_bill(known, message, payment, opened.position).await;
        Ok(())
    }

    /// Shows the payment as it is, and again if it moved on meanwhile: the news of its link may
    /// have been told before "preparing…" was shown.
    async fn show_bill(&self, known: Known, message: i64, payment: PaymentId, since: Position) {
        let mut shown: Option<PaymentView> = None;
        loop {
            let view = match self.desk.payment(payment, Some(since)).await {
                Ok(view) => view,
                Err(error) => {
                    tracing::warn!(%error, %payment, "a bill was not shown");
                    return;
                }
            };
            if shown.as_ref() == Some(&view) {
                return;
            }
            let (text, markup) = bill::render(&self.texts, known.lang, &view);
            match self.telegram.edit(known.chat, message, &text, &markup).await {
                Ok(()) => shown = Some(view),
                Err(Error::Refused(_)) => {
                    // The message is gone or too old to be edited: the bill gets one of its own.
                    let sent = self.reply(known.chat, &text, &markup, None).await;
                    if let Some(sent) = sent.filter(|sent| sent.message > 0)
                        && let Err(error) = self.desk.note_bill(payment, sent.message).await
                    {
                        tracing::warn!(%error, %payment, "the place of a bill was not kept");
                    }
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, %payment, "a bill was not shown");
                    return;
                }
            }
        }
    }
}
