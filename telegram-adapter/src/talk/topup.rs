//! Topping up: packages as buttons, then the ways to pay as buttons, then the bill: the same message with
//! a link, or an invoice of Telegram's.
//!
//! One intent is one nonce from the first button on, so that a tap sent twice, or two ways tapped at once,
//! is one payment.

use proto_events::catalog::{Catalog, Package};
use proto_events::commands::{ChatContext, Email, TopupOpen};
use proto_events::envelope::TraceId;
use proto_events::queries::{PaymentState, PaymentView};
use proto_events::{PaymentId, Position, Rail, Text};

use super::{Halt, Known, Press, Talk};
use crate::bill;
use crate::inbound::Tap;
use crate::outbound::{Button, Error, Markup};
use crate::texts::{Html, Lang, Say};
use crate::ways::Way;

impl Talk {
    pub(super) async fn choose_package(&self, known: &Known) -> Result<(), Halt> {
        self.show_packages(known, None).await
    }

    /// In the place of `message`, if there is one.
    pub(super) async fn show_packages(&self, known: &Known, message: Option<i64>) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let markup = self.packages(known.lang, &catalog);
        if markup == Markup::None {
            return self.said(known, Say::TopupClosed).await;
        }
        let available = self.desk.balance(known.user, known.since).await?.available;
        let text = self.texts.say(known.lang, Say::TopupChoose { available });
        self.show(known, message, &text, &markup).await;
        Ok(())
    }

    /// A button for each package that can be paid in some way.
    pub(super) fn packages(&self, lang: Lang, catalog: &Catalog) -> Markup {
        let payable = catalog.packages.iter().filter(|package| !self.shop.ways.of(package).is_empty());
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

    /// A package was chosen. Asks how to pay, if there is a choice or something to be said first.
    pub(super) async fn buy(
        &self,
        known: &Known,
        nonce: &str,
        package: Text<64>,
        tap: &Tap,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let Some(chosen) = catalog.package(&package) else {
            return self.said(known, Say::PackageGone).await;
        };
        match self.shop.ways.of(chosen)[..] {
            [] => self.said(known, Say::PackageGone).await,
            [way] if !self.needs_email(way) => self.pay(known, nonce, way, package, tap.message, trace).await,
            [way] if self.email_of(known.user).await?.is_none() => {
                self.ask_email(known, Some(chosen), Some(way)).await
            }
            _ => self.show_ways(known, nonce, chosen, Some(tap.message)).await,
        }
    }

    pub(super) async fn show_ways(
        &self,
        known: &Known,
        nonce: &str,
        package: &Package,
        message: Option<i64>,
    ) -> Result<(), Halt> {
        let ways = self.shop.ways.of(package);
        let (credits, price) = (package.credits, package.price);
        let mut text = self.texts.say(known.lang, Say::TopupWay { credits, price });
        let mut buttons: Vec<Button> = Vec::new();
        for way in &ways {
            let press = Press::Pay { nonce: nonce.to_owned(), way: *way, package: package.id.clone() };
            let Some(data) = press.data() else {
                tracing::error!(package = %package.id, "the package's name is too long for a button");
                continue;
            };
            buttons.push(Button::Tap {
                label: self.texts.label(known.lang, Say::ButtonWay { way: *way }),
                data,
            });
        }
        if ways.iter().any(|way| self.needs_email(*way))
            && let Some(email) = self.email_of(known.user).await?
        {
            let to = self.texts.say(known.lang, Say::ReceiptTo { email: &email });
            text = text.and(&Html::empty()).and(&to);
            let data = Press::Email { package: package.id.clone() }.data();
            let label = self.texts.label(known.lang, Say::ButtonEmail);
            buttons.extend(data.map(|data| Button::Tap { label, data }));
        }
        let label = self.texts.label(known.lang, Say::ButtonBack);
        buttons.extend(Press::Packages.data().map(|data| Button::Tap { label, data }));
        self.show(known, message, &text, &Markup::Buttons(buttons)).await;
        Ok(())
    }

    /// Opens the payment; `message`, which has the buttons, becomes its bill, or makes place for an invoice.
    pub(super) async fn pay(
        &self,
        known: &Known,
        nonce: &str,
        way: Way,
        package: Text<64>,
        message: i64,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        // The button may be older than the prices, or than what is switched on.
        let chosen = catalog.package(&package).filter(|chosen| self.shop.ways.of(chosen).contains(&way));
        if chosen.is_none() {
            return self.said(known, Say::PackageGone).await;
        }
        let email = if self.needs_email(way) { self.email_of(known.user).await? } else { None };
        if email.is_none() && self.needs_email(way) {
            return self.ask_email(known, chosen, Some(way)).await;
        }
        let status_message = (way.rail() == Rail::Yookassa).then_some(message);
        let command = TopupOpen {
            package,
            rail: way.rail(),
            context: ChatContext { chat: known.chat, message, status_message },
            method: way.method(),
            email,
        };
        let opened = match self.desk.open_topup(known.user, nonce, command, trace).await {
            // Another way of the same intent: its bill is on its way already.
            Err(error) if error.code() == Some("command_id_reused") => {
                return self.said(known, Say::ChoiceMade).await;
            }
            opened => opened?,
        };
        fail::fail_point!("telegram.work_committed");
        let payment = opened.result.payment;
        tracing::info!(trace_id = trace.as_str(), %payment, rail = way.rail().as_str(), "a top-up was opened");
        match way.rail() {
            Rail::Yookassa => self.show_bill(known, message, payment, opened.position).await,
            Rail::TelegramYookassa | Rail::Stars => {
                return self.send_invoice(known, message, payment, opened.position).await;
            }
        }
        Ok(())
    }

    /// Sent again if the tap comes again: whichever is paid is this payment, and what is paid twice is
    /// credited twice.
    ///
    /// # Errors
    /// The payment can't be read: it is open, and the tap is to come again.
    async fn send_invoice(
        &self,
        known: &Known,
        message: i64,
        payment: PaymentId,
        since: Position,
    ) -> Result<(), Halt> {
        let view = self.desk.payment(payment, Some(since)).await?;
        match view.state {
            PaymentState::Opened | PaymentState::Registered => {}
            PaymentState::Settled => {
                self.bill_is_over(known, message, Say::BillPaid).await;
                return Ok(());
            }
            PaymentState::Canceled => {
                self.bill_is_over(known, message, Say::BillOver).await;
                return Ok(());
            }
        }
        let Some(invoice) = self.shop.invoice(&self.texts, known.lang, &view) else {
            tracing::error!(%payment, rail = view.rail.as_str(), "there is no invoice for a payment");
            return self.said(known, Say::TopupClosed).await;
        };
        let mut sent = self.telegram.invoice(known.chat, &invoice).await;
        if matches!(sent, Err(Error::InDoubt(_))) {
            tokio::time::sleep(super::ANSWER_PAUSE).await;
            sent = self.telegram.invoice(known.chat, &invoice).await;
        }
        match sent {
            Ok(sent) => {
                fail::fail_point!("telegram.invoice_sent");
                if sent.message > 0
                    && let Err(error) = self.desk.note_bill(payment, sent.message).await
                {
                    tracing::warn!(%error, %payment, "the place of an invoice was not kept");
                }
                self.remove(known.chat, message).await;
            }
            Err(error @ Error::Blocked(_)) => tracing::debug!(%error, "an invoice was not sent"),
            Err(error) => {
                tracing::error!(%error, %payment, "an invoice was not sent");
                self.say(known, Say::TopupClosed).await;
            }
        }
        Ok(())
    }

    /// The button of a bill that is none any more: why, and the packages in its place.
    async fn bill_is_over(&self, known: &Known, message: i64, why: Say<'_>) {
        let markup = match self.desk.catalog().await {
            Ok(catalog) => self.packages(known.lang, &catalog),
            Err(error) => {
                tracing::warn!(%error, "packages can't be shown");
                Markup::None
            }
        };
        self.show(known, Some(message), &self.texts.say(known.lang, why), &markup).await;
    }

    /// Shows the payment as it is, and again if it moved on meanwhile: the news of its link may
    /// have been told before "preparing…" was shown.
    async fn show_bill(&self, known: &Known, message: i64, payment: PaymentId, since: Position) {
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

    /// Telegram asks for the address itself where it sends the invoice; Stars have no receipt.
    pub(super) fn needs_email(&self, way: Way) -> bool {
        way.rail() == Rail::Yookassa && self.shop.ways.receipts.is_some()
    }

    pub(super) async fn email_of(&self, user: i64) -> Result<Option<Email>, Halt> {
        Ok(self.desk.account(user).await?.and_then(|account| account.email))
    }
}
