//! Money that came or went: into the ledger first, then Telegram's words are kept, then the person is told
//! what the ledger's own news does not tell.

use proto_events::envelope::TraceId;

use super::{Halt, Known, Talk};
use crate::inbound::{Checkout, Notice};
use crate::outbound::Markup;
use crate::shop::Page;
use crate::texts::{Lang, Say, price};
use crate::till::{Came, Charge, Return, Went};

impl Talk {
    pub(super) async fn checkout(&self, query: &Checkout) -> Result<(), Halt> {
        if self.cashier.answer(query).await {
            return Ok(());
        }
        Err(Halt::Later("Telegram does not have the answer to a pre-checkout query".to_owned()))
    }

    /// A receipt is news of the ledger's; only what is put aside is told here.
    pub(super) async fn paid(&self, notice: &Notice, trace: &TraceId) -> Result<(), Halt> {
        let charge = Charge::of_notice(notice);
        let came = self.till.take(&charge).await?;
        let (payment, outcome) = match came {
            Came::Credited => (charge.payment(), came.as_str()),
            Came::PutAside(payment) | Came::Anothers(payment) => (payment, came.as_str()),
        };
        tracing::info!(trace_id = trace.as_str(), charge = %charge.id, outcome, "money came by an invoice");
        self.till.keep("successful_payment", &notice.words, &charge.id, payment, outcome).await?;
        if came != Came::Credited {
            let lang = self.lang_of(notice).await;
            let paid = charge.amount.map_or_else(|| charge.written.clone(), price);
            let text = self.texts.say(lang, Say::PaymentPutAside { price: &paid });
            self.reply(notice.chat, &text, &Markup::None, Some(notice.message)).await;
        }
        Ok(())
    }

    pub(super) async fn returned(&self, notice: &Notice) -> Result<(), Halt> {
        let back = Return::of_notice(notice);
        let payment = back.charge.payment();
        let (payment, outcome) = match self.till.give_back(&back).await? {
            Went::Known => (payment, "recorded"),
            Went::Ours => (payment, "ours"),
            Went::Odd => (None, "odd"),
            Went::AtTheProvider => (payment, "at_the_provider"),
        };
        self.till.keep("refunded_payment", &notice.words, &back.charge.id, payment, outcome).await?;
        Ok(())
    }

    async fn lang_of(&self, notice: &Notice) -> Lang {
        match self.desk.account(notice.person.id).await {
            Ok(Some(account)) => Lang::of(Some(&account.language)),
            Ok(None) | Err(_) => Lang::of(notice.person.language.as_deref()),
        }
    }

    pub(super) async fn page(&self, known: &Known, page: Page) -> Result<(), Halt> {
        let text = self.shop.page(&self.texts, known.lang, page, !self.admins.is_empty());
        self.tell(known, page.begins(), &text, &Markup::None).await;
        Ok(())
    }
}
