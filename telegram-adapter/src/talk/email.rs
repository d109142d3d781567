//! The address for receipts: asked for in the chat, where the shop gives receipts, and kept with the
//! person's profile. What it was asked for brings the person on to where they were going.

use proto_events::catalog::Package;
use proto_events::envelope::TraceId;

use super::{Awaits, Halt, Known, Press, Talk};
use crate::address::{is_meant_as_email, read_email};
use crate::inbound::Message;
use crate::outbound::Markup;
use crate::texts::{Html, Say};
use crate::ways::Way;

impl Talk {
    /// Whether this is an address by itself where they are needed. One that is mistyped counts as long as the
    /// person has given none.
    pub(super) async fn gives_email(&self, known: &Known, text: &str) -> Result<bool, Halt> {
        if self.shop.ways.receipts.is_none() {
            return Ok(false);
        }
        Ok(match read_email(text) {
            Some(_) => true,
            None => is_meant_as_email(text) && self.email_of(known.user).await?.is_none(),
        })
    }

    /// For a payment of this package, in this way if it was chosen already.
    pub(super) async fn ask_email(
        &self,
        known: &Known,
        package: Option<&Package>,
        way: Option<Way>,
    ) -> Result<(), Halt> {
        let mut text = self.texts.say(known.lang, Say::EmailAsk);
        if let Some(package) = package {
            let say = Say::TopupWay { credits: package.credits, price: package.price };
            let what_for = self.texts.label(known.lang, say);
            let what_for = what_for.lines().next().unwrap_or_default();
            text = text.and(&Html::empty()).and(&Html::escaped(what_for));
            if let Some(way) = way {
                text = text.and(&self.texts.say(known.lang, Say::ButtonWay { way }));
            }
        }
        let awaits = Awaits::Email { package: package.map(|package| package.id.clone()), way };
        self.ask_so(known, &awaits, Say::EmailAsk, &text, Say::EmailAskHint).await
    }

    /// The button "another e-mail".
    pub(super) async fn change_email(&self, known: &Known, package: &str) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        self.ask_email(known, catalog.package(package), None).await
    }

    /// Keeps the address and goes on where the question was asked.
    pub(super) async fn take_email(
        &self,
        known: &Known,
        message: &Message,
        text: &str,
        package: Option<&str>,
        way: Option<Way>,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let package = package.and_then(|package| catalog.package(package));
        let way = way.filter(|way| package.is_some_and(|package| self.shop.ways.of(package).contains(way)));
        let Some(email) = read_email(text) else {
            self.say(known, Say::EmailWrong).await;
            return self.ask_email(known, package, way).await;
        };
        self.desk.keep_email(known.user, email.clone()).await?;
        if package.is_none() || way.is_some() {
            // The ways to pay name it themselves.
            self.say(known, Say::ReceiptTo { email: &email }).await;
        }
        match (package, way) {
            (Some(package), Some(way)) => self.go_on(known, message.message, way, package, trace).await?,
            (Some(package), None) => self.show_ways(known, &Press::nonce(), package, None).await?,
            (None, _) => self.choose_package(known).await?,
        }
        self.answered(known, message.message).await
    }

    /// The payment that the question interrupted: a message of its own becomes its bill.
    async fn go_on(
        &self,
        known: &Known,
        answer: i64,
        way: Way,
        package: &Package,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let (credits, price) = (package.credits, package.price);
        let text = self.texts.say(known.lang, Say::PaymentPreparing { credits, price });
        let sent = self.reply(known.chat, &text, &Markup::None, None).await;
        // The same answer, come again, is the same intent.
        let nonce = Press::nonce_of(known.chat, answer);
        match sent.filter(|sent| sent.message > 0) {
            Some(sent) => self.pay(known, &nonce, way, package.id.clone(), sent.message, trace).await,
            None => self.show_ways(known, &nonce, package, None).await,
        }
    }
}
