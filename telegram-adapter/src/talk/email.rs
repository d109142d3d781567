//! The address for receipts: asked for in the chat, where the shop gives receipts, and kept with the
//! person's profile.
//!
//! Nothing is remembered of the question: the answer is recognised by what it answers, and the package in
//! it brings the person back to where they were.

use proto_events::catalog::{Catalog, Package};

use super::{Halt, Known, Press, Talk};
use crate::address::read_email;
use crate::outbound::Markup;
use crate::texts::{Html, Lang, Say};

impl Talk {
    /// Whether this message is an answer to our question, or an address by itself where they are needed.
    pub(super) fn gives_email(&self, answers: Option<&str>, text: &str) -> bool {
        self.shop.ways.receipts.is_some()
            && (answers.is_some_and(|question| self.texts.email_ask(question).is_some())
                || answers.is_none() && read_email(text).is_some())
    }

    pub(super) async fn ask_email(&self, known: Known, package: Option<&Package>) {
        let mut text = self.texts.say(known.lang, Say::EmailAsk);
        if let Some(package) = package {
            let say = Say::EmailAskFor { credits: package.credits, price: package.price };
            text = text.and(&Html::empty()).and(&self.texts.say(known.lang, say));
        }
        let hint = self.texts.label(known.lang, Say::EmailAskHint);
        self.reply(known.chat, &text, &Markup::Ask(hint), None).await;
    }

    /// The button "another e-mail".
    pub(super) async fn change_email(&self, known: Known, package: &str) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        self.ask_email(known, catalog.package(package)).await;
        Ok(())
    }

    /// Keeps the address and goes on where the question was asked.
    pub(super) async fn take_email(
        &self,
        known: Known,
        answers: Option<&str>,
        text: &str,
    ) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let what_for = answers.and_then(|question| self.texts.email_ask(question)).unwrap_or_default();
        let package = self.package_asked_for(&catalog, what_for);
        let Some(email) = read_email(text) else {
            self.say(known, Say::EmailWrong).await;
            self.ask_email(known, package).await;
            return Ok(());
        };
        self.desk.keep_email(known.user, email).await?;
        match package {
            Some(package) => self.show_ways(known, &Press::nonce(), package, None).await,
            None => self.choose_package(known).await,
        }
    }

    fn package_asked_for<'a>(&self, catalog: &'a Catalog, what_for: &str) -> Option<&'a Package> {
        let is = |package: &&Package| {
            let say = Say::EmailAskFor { credits: package.credits, price: package.price };
            Lang::ALL.iter().any(|lang| self.texts.label(*lang, say) == what_for)
        };
        catalog.packages.iter().find(is)
    }
}
