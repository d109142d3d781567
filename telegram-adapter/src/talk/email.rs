//! The address for receipts: asked for in the chat, where the shop gives receipts, and kept with the
//! person's profile.
//!
//! Nothing is remembered of the question: the answer is recognised by what it answers, and the package and
//! the way to pay in it bring the person on to where they were going.

use proto_events::catalog::{Catalog, Package};
use proto_events::envelope::TraceId;

use super::{Halt, Known, Press, Talk};
use crate::address::{is_meant_as_email, read_email};
use crate::inbound::Message;
use crate::outbound::Markup;
use crate::texts::{Html, Lang, Say};
use crate::ways::Way;

impl Talk {
    /// Whether this message is an answer to our question, or an address by itself where they are needed. One
    /// that is mistyped counts as long as the person has given none.
    pub(super) async fn gives_email(
        &self,
        known: Known,
        answers: Option<&str>,
        text: &str,
    ) -> Result<bool, Halt> {
        if self.shop.ways.receipts.is_none() {
            return Ok(false);
        }
        Ok(match answers {
            Some(question) => self.texts.email_ask(question).is_some(),
            None if read_email(text).is_some() => true,
            None => is_meant_as_email(text) && self.email_of(known.user).await?.is_none(),
        })
    }

    /// For a payment of this package, in this way if it was chosen already.
    pub(super) async fn ask_email(&self, known: Known, package: Option<&Package>, way: Option<Way>) {
        let mut text = self.texts.say(known.lang, Say::EmailAsk);
        if let Some(package) = package {
            let say = Say::EmailAskFor { credits: package.credits, price: package.price };
            text = text.and(&Html::empty()).and(&self.texts.say(known.lang, say));
            if let Some(way) = way {
                text = text.and(&self.texts.say(known.lang, Say::ButtonWay { way }));
            }
        }
        let hint = self.texts.label(known.lang, Say::EmailAskHint);
        self.reply(known.chat, &text, &Markup::Ask(hint), None).await;
    }

    /// The button "another e-mail".
    pub(super) async fn change_email(&self, known: Known, package: &str) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        self.ask_email(known, catalog.package(package), None).await;
        Ok(())
    }

    /// Keeps the address and goes on where the question was asked.
    pub(super) async fn take_email(
        &self,
        known: Known,
        message: &Message,
        text: &str,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let question = message.answers().and_then(|question| self.texts.email_ask(question));
        let question = question.unwrap_or_default();
        let (what_for, how) = question.split_once('\n').unwrap_or((question, ""));
        let package = self.package_asked_for(&catalog, what_for);
        let way = package.and_then(|package| self.way_asked_for(package, how));
        let Some(email) = read_email(text) else {
            self.say(known, Say::EmailWrong).await;
            self.ask_email(known, package, way).await;
            return Ok(());
        };
        self.desk.keep_email(known.user, email.clone()).await?;
        if package.is_none() || way.is_some() {
            // The ways to pay name it themselves.
            self.say(known, Say::ReceiptTo { email: &email }).await;
        }
        match (package, way) {
            (Some(package), Some(way)) => self.go_on(known, message.message, way, package, trace).await,
            (Some(package), None) => self.show_ways(known, &Press::nonce(), package, None).await,
            (None, _) => self.choose_package(known).await,
        }
    }

    /// The payment that the question interrupted: a message of its own becomes its bill.
    async fn go_on(
        &self,
        known: Known,
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

    fn package_asked_for<'a>(&self, catalog: &'a Catalog, what_for: &str) -> Option<&'a Package> {
        let is = |package: &&Package| {
            let say = Say::EmailAskFor { credits: package.credits, price: package.price };
            Lang::ALL.iter().any(|lang| self.texts.label(*lang, say) == what_for)
        };
        catalog.packages.iter().find(is)
    }

    fn way_asked_for(&self, package: &Package, how: &str) -> Option<Way> {
        let is = |way: &Way| {
            let say = Say::ButtonWay { way: *way };
            Lang::ALL.iter().any(|lang| self.texts.label(*lang, say) == how)
        };
        self.shop.ways.of(package).into_iter().find(is)
    }
}
