//! What is said of the shop where something is sold: the ways to pay, and where to ask.

use crate::address::read_email;
use crate::outbound::{Invoice, ProviderPart};
use crate::texts::{Html, Lang, Say, Texts};
use crate::ways::Ways;
use proto_events::Rail;
use proto_events::queries::PaymentView;
use reqwest::Url;
use secrecy::ExposeSecret;
use service::config::Env;

/// A copy of an invoice that was forwarded has this link instead of its Pay button: `/start topup`.
pub const START: &str = "topup";

#[derive(Debug, Clone)]
pub struct Shop {
    pub ways: Ways,
    /// `SUPPORT_CONTACT`
    pub support: Option<String>,
    /// `TERMS_URL`: the offer in full.
    pub terms: Option<String>,
    /// `PRIVACY_URL`: the policy in full.
    pub privacy: Option<String>,
}

/// What is said of the shop itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Paysupport,
    Terms,
    Privacy,
}

impl Page {
    /// What it begins with.
    pub const fn begins(self) -> Say<'static> {
        match self {
            Self::Paysupport => Say::Paysupport,
            Self::Terms => Say::Terms,
            Self::Privacy => Say::Privacy,
        }
    }
}

/// What `SUPPORT_CONTACT` may be.
const CONTACT: &str = "where people write about payments: @name, an https link or an e-mail";

impl Shop {
    /// Problems are left in `env`.
    pub fn read(env: &mut Env) -> Self {
        Self {
            ways: Ways::read(env),
            support: contact(env),
            terms: link(env, "TERMS_URL", "the https address of the terms (the offer) in full"),
            privacy: link(env, "PRIVACY_URL", "the https address of the privacy policy"),
        }
    }

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

    /// The page, and below it what its owner has set: where to write, the full texts. `answered`: somebody reads /support.
    pub fn page(&self, texts: &Texts, lang: Lang, page: Page, answered: bool) -> Html {
        let contact = self.support.as_deref();
        let below = match page {
            Page::Paysupport => {
                let here = if answered { Say::SupportHere } else { Say::SupportNobody };
                vec![contact.map_or(here, |contact| Say::SupportContact { contact })]
            }
            Page::Terms => {
                let full = self.terms.as_deref().map(|url| Say::TermsLink { url });
                let contact = contact.map(|contact| Say::TermsContact { contact });
                full.into_iter().chain(contact).collect()
            }
            Page::Privacy => {
                let full = self.privacy.as_deref().map(|url| Say::PrivacyLink { url });
                full.into_iter().collect()
            }
        };
        let mut text = texts.say(lang, page.begins());
        if !below.is_empty() {
            text = text.and(&Html::empty());
        }
        below.into_iter().fold(text, |text, line| text.and(&texts.say(lang, line)))
    }
}

fn contact(env: &mut Env) -> Option<String> {
    const NAME: &str = "SUPPORT_CONTACT";
    let contact: String = env.optional(NAME, CONTACT)?;
    let reaches = is_username(&contact) || is_link(&contact) || read_email(&contact).is_some();
    if !reaches {
        env.problem(NAME, format!("can't be written to; it is {CONTACT}"));
    }
    reaches.then_some(contact)
}

fn link(env: &mut Env, name: &'static str, what: &'static str) -> Option<String> {
    let link: String = env.optional(name, what)?;
    if !is_link(&link) {
        env.problem(name, format!("is no https address; it is {what}"));
        return None;
    }
    Some(link)
}

/// Telegram's: 4 to 32 letters, digits and underscores, a letter first.
fn is_username(text: &str) -> bool {
    let Some(name) = text.strip_prefix('@') else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (4..=32).contains(&name.len())
        && name.bytes().all(plain)
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_link(text: &str) -> bool {
    const BYTES_MAX: usize = 500;
    let plain = text.len() <= BYTES_MAX && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    plain && Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.domain().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(shop: &Shop, page: Page) -> String {
        shop.page(&Texts::read().unwrap(), Lang::En, page, false).plain()
    }

    #[test]
    fn people_write_to_a_name_a_link_or_an_address() {
        let read = |value: &str| {
            let mut env = Env::from_map([("SUPPORT_CONTACT".to_owned(), value.to_owned())].into());
            let contact = contact(&mut env);
            env.finish(Some(contact))
        };
        for good in ["@plantain_help", "https://t.me/plantain_help", "help@example.org"] {
            assert_eq!(read(good).unwrap().as_deref(), Some(good));
        }
        for bad in [
            "nobody here",
            "plantain_help",
            "@ab",
            "@1abc",
            "@two words",
            "http://example.org",
            "https://",
            "a@b",
        ] {
            let problems = read(bad).unwrap_err().to_string();
            assert!(problems.contains("SUPPORT_CONTACT: can't be written to"), "{bad}: {problems}");
        }
    }

    #[test]
    fn a_page_names_what_its_owner_has_set_and_promises_nothing_else() {
        let ways = Ways { yookassa: vec![], provider: None, stars: false, receipts: None };
        let mut shop = Shop { ways, support: None, terms: None, privacy: None };
        let bare = shown(&shop, Page::Paysupport);
        assert!(bare.contains("hasn't said yet where to write") && !bare.contains("we will answer"));
        let answered = shop.page(&Texts::read().unwrap(), Lang::En, Page::Paysupport, true).plain();
        assert!(answered.contains("write to people: /support"));
        for page in [Page::Terms, Page::Privacy] {
            assert!(!shown(&shop, page).contains("https://"), "{page:?}");
        }
        shop.support = Some("@help".to_owned());
        shop.terms = Some("https://example.org/terms".to_owned());
        shop.privacy = Some("https://example.org/privacy".to_owned());
        assert!(shown(&shop, Page::Paysupport).contains("write to us: @help"));
        assert!(shown(&shop, Page::Terms).ends_with("https://example.org/terms\nQuestions: @help"));
        assert!(shown(&shop, Page::Privacy).ends_with("https://example.org/privacy"));
    }
}
