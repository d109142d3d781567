//! What is said of the shop where something is sold: the ways to pay, and where to ask.

use crate::outbound::{Invoice, ProviderPart};
use crate::texts::{Html, Lang, Say, Texts};
use crate::ways::Ways;
use proto_events::Rail;
use proto_events::queries::PaymentView;
use secrecy::ExposeSecret;

/// A copy of an invoice that was forwarded has this link instead of its Pay button: `/start topup`.
pub const START: &str = "topup";

#[derive(Debug, Clone)]
pub struct Shop {
    pub ways: Ways,
    /// `SUPPORT_CONTACT`
    pub support: Option<String>,
}

impl Shop {
    /// `None`: its rail has no invoices here, or its amount is none that Telegram takes.
    pub fn invoice(&self, texts: &Texts, lang: Lang, payment: &PaymentView) -> Option<Invoice> {
        let credits = payment.credits;
        let title = texts.label(lang, Say::InvoiceTitle { credits });
        let provider = match payment.rail {
            Rail::Stars => None,
            Rail::TelegramYookassa => Some(ProviderPart {
                token: self.ways.provider.as_ref()?.expose_secret().to_owned(),
                data: self.ways.receipts.as_ref().map(|made| made.provider_data(&title, payment.price)),
            }),
            Rail::Yookassa => return None,
        };
        Some(Invoice {
            description: texts.label(lang, Say::InvoiceDescription { credits }),
            title,
            payload: payment.payment.to_string(),
            currency: payment.price.currency.code(),
            amount: u32::try_from(payment.price.minor()).ok()?,
            start_parameter: START,
            provider,
        })
    }

    /// A page of ours, and where to write.
    pub fn page(&self, texts: &Texts, lang: Lang, say: Say<'_>) -> Html {
        let page = texts.say(lang, say);
        match &self.support {
            Some(contact) => page.and(&Html::empty()).and(&texts.say(lang, Say::SupportContact { contact })),
            None => page,
        }
    }
}
