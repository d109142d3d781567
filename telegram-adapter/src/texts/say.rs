//! Everything the bot says, as a type: a text that is not here can't be sent.

use proto_events::events::Trouble;
use proto_events::{Credits, Currency, Money};

use super::{Lang, Texts, html::escape};
use crate::ways::Way;

/// What a failed picture or answer is explained by: the ledger's reasons in a person's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Policy,
    Nothing,
    Cut,
    Busy,
    Quota,
    Late,
    Large,
    Request,
    Reference,
    Canceled,
    Trouble,
}

impl From<Trouble> for Reason {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Policy => Self::Policy,
            Trouble::NoPicture | Trouble::TextInstead | Trouble::NotAPicture => Self::Nothing,
            Trouble::Truncated => Self::Cut,
            Trouble::RateLimited | Trouble::Overloaded => Self::Busy,
            Trouble::QuotaExhausted => Self::Quota,
            Trouble::TimedOut | Trouble::Deadline => Self::Late,
            Trouble::TooLarge => Self::Large,
            Trouble::InvalidRequest => Self::Request,
            Trouble::ReferenceGone => Self::Reference,
            Trouble::Canceled => Self::Canceled,
            Trouble::KeyInvalid
            | Trouble::RegionBlocked
            | Trouble::Unreachable
            | Trouble::VendorError
            | Trouble::WorkerLost
            | Trouble::AttemptsExhausted => Self::Trouble,
        }
    }
}

impl Reason {
    const fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Nothing => "nothing",
            Self::Cut => "cut",
            Self::Busy => "busy",
            Self::Quota => "quota",
            Self::Late => "late",
            Self::Large => "large",
            Self::Request => "request",
            Self::Reference => "reference",
            Self::Canceled => "canceled",
            Self::Trouble => "trouble",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say<'a> {
    Welcome { credits: Credits },
    WelcomeBare,
    WelcomeBack { available: Credits },
    EnoughFor { price: Credits, pictures: i64 },
    ShortBy { price: Credits, missing: Credits },
    DrawHow,
    HelpWhere,
    Help { price: Credits },
    Balance { available: Credits },
    BalanceReserved { reserved: Credits },
    BalanceDebt { debt: Credits },
    TopupChoose { available: Credits },
    TopupClosed,
    TopupWay { credits: Credits, price: Money },
    ReceiptTo { email: &'a str },
    EmailAsk,
    EmailAskFor { credits: Credits, price: Money },
    EmailAskHint,
    EmailWrong,
    ChoiceMade,
    InvoiceTitle { credits: Credits },
    InvoiceDescription { credits: Credits },
    PaymentPreparing { credits: Credits, price: Money },
    PaymentReady { credits: Credits, price: Money },
    PaymentPaid { credits: Credits, price: Money },
    PaymentReceipt { credits: Credits, price: Money, available: Credits },
    PaymentCanceled { price: Money },
    PaymentExpired { price: Money },
    PaymentPutAside { price: &'a str },
    RefundSettled { amount: Money, credits: Credits, available: Credits },
    RefundFailed { amount: Money, credits: Credits, available: Credits },
    Paysupport,
    SupportContact { contact: &'a str },
    SupportNobody,
    Terms,
    TermsContact { contact: &'a str },
    TermsLink { url: &'a str },
    Privacy,
    PrivacyLink { url: &'a str },
    PictureAsk,
    PictureAskHint,
    PictureAccepted { credits: Credits },
    PicturePainting { credits: Credits },
    PictureCaption { spent: Credits, left: Credits },
    PictureCaptionFree { left: Credits },
    PictureFailed { reason: Reason, returned: Credits },
    AnswerFailed { reason: Reason, returned: Credits },
    WordsInstead { returned: Credits },
    PictureLost { returned: Credits },
    AnswerLost { returned: Credits },
    Insufficient { have: Credits, need: Credits },
    PromptEmpty,
    PromptTooLong { max: u32 },
    PromptUnreadable,
    TooManyRunning,
    TooManyOpen,
    PackageGone,
    Banned,
    Refused { code: &'a str },
    OfferPicture,
    OnlyText,
    UnknownCommand,
    NothingToCancel,
    TapOutdated,
    CheckoutRefused,
    CheckoutStranger,
    CheckoutPaid,
    CheckoutOver,
    CheckoutAway,
    ButtonTopup,
    ButtonBack,
    ButtonOtherWay,
    ButtonEmail,
    ButtonWay { way: Way },
    ButtonPackage { credits: Credits, price: Money },
    ButtonPay { price: Money },
    ButtonDraw { price: Credits },
    CommandPrompt,
    CommandGenerate,
    CommandBalance,
    CommandTopup,
    CommandHelp,
    CommandPaysupport,
    CommandTerms,
    CommandPrivacy,
}

/// A value put into a text.
pub(super) enum Value {
    /// Shown as it is, escaped.
    Text(String),
    /// "5 credits" in the right form.
    Credits(Credits),
    /// "1 picture" in the right form.
    Pictures(i64),
    Money(Money),
}

impl Value {
    pub(super) fn render(&self, texts: &Texts, lang: Lang) -> String {
        match self {
            Self::Text(text) => escape(text),
            Self::Credits(credits) => texts.count(lang, "count-credits", credits.get()),
            Self::Pictures(pictures) => texts.count(lang, "count-pictures", *pictures),
            Self::Money(money) => price(*money),
        }
    }
}

/// Kopecks only when there are any.
pub fn price(money: Money) -> String {
    let (whole, part) = (money.minor() / money.currency.scale(), money.minor() % money.currency.scale());
    match money.currency {
        Currency::Rub if part == 0 => format!("{whole}\u{a0}₽"),
        Currency::Rub => format!("{whole},{part:02}\u{a0}₽"),
        Currency::Xtr => format!("{whole}\u{a0}⭐"),
    }
}

type Args = Vec<(&'static str, Value)>;

impl Say<'_> {
    /// The message's name in the Fluent files and its arguments.
    pub(super) fn parts(&self) -> (&'static str, Args) {
        use Value::{Credits as C, Money as M, Pictures as P, Text as T};
        match *self {
            Self::Welcome { credits } => ("welcome", vec![("credits", C(credits))]),
            Self::WelcomeBack { available } => ("welcome-back", vec![("available", C(available))]),
            Self::EnoughFor { price, pictures } => {
                ("enough-for", vec![("price", C(price)), ("pictures", P(pictures))])
            }
            Self::ShortBy { price, missing } => {
                ("short-by", vec![("price", C(price)), ("missing", C(missing))])
            }
            Self::Help { price } => ("help", vec![("price", C(price))]),
            Self::Balance { available } => ("balance", vec![("available", C(available))]),
            Self::BalanceReserved { reserved } => ("balance-reserved", vec![("reserved", C(reserved))]),
            Self::BalanceDebt { debt } => ("balance-debt", vec![("debt", C(debt))]),
            Self::TopupChoose { available } => ("topup-choose", vec![("available", C(available))]),
            Self::TopupWay { credits, price } => ("topup-way", priced(credits, price)),
            Self::ReceiptTo { email } => ("receipt-to", vec![("email", T(email.to_owned()))]),
            Self::EmailAskFor { credits, price } => ("email-ask-for", priced(credits, price)),
            Self::InvoiceTitle { credits } => ("invoice-title", vec![("credits", C(credits))]),
            Self::InvoiceDescription { credits } => ("invoice-description", vec![("credits", C(credits))]),
            Self::PaymentPreparing { credits, price } => ("payment-preparing", priced(credits, price)),
            Self::PaymentReady { credits, price } => ("payment-ready", priced(credits, price)),
            Self::PaymentPaid { credits, price } => ("payment-paid", priced(credits, price)),
            Self::PaymentReceipt { credits, price, available } => (
                "payment-receipt",
                vec![("credits", C(credits)), ("price", M(price)), ("available", C(available))],
            ),
            Self::PaymentCanceled { price } => ("payment-canceled", vec![("price", M(price))]),
            Self::PaymentExpired { price } => ("payment-expired", vec![("price", M(price))]),
            Self::PaymentPutAside { price } => ("payment-put-aside", vec![("price", T(price.to_owned()))]),
            Self::RefundSettled { amount, credits, available } => {
                ("refund-settled", refunded(amount, credits, available))
            }
            Self::RefundFailed { amount, credits, available } => {
                ("refund-failed", refunded(amount, credits, available))
            }
            Self::SupportContact { contact } => ("support-contact", vec![("contact", T(contact.to_owned()))]),
            Self::TermsContact { contact } => ("terms-contact", vec![("contact", T(contact.to_owned()))]),
            Self::TermsLink { url } => ("terms-link", vec![("url", T(url.to_owned()))]),
            Self::PrivacyLink { url } => ("privacy-link", vec![("url", T(url.to_owned()))]),
            Self::PictureAccepted { credits } => ("picture-accepted", vec![("credits", C(credits))]),
            Self::PicturePainting { credits } => ("picture-painting", vec![("credits", C(credits))]),
            Self::PictureCaption { spent, left } => {
                ("picture-caption", vec![("spent", C(spent)), ("left", C(left))])
            }
            Self::PictureCaptionFree { left } => ("picture-caption-free", vec![("left", C(left))]),
            Self::PictureFailed { reason, returned } => ("picture-failed", failed(reason, returned)),
            Self::AnswerFailed { reason, returned } => ("answer-failed", failed(reason, returned)),
            Self::WordsInstead { returned } => ("words-instead", vec![("returned", C(returned))]),
            Self::PictureLost { returned } => ("picture-lost", vec![("returned", C(returned))]),
            Self::AnswerLost { returned } => ("answer-lost", vec![("returned", C(returned))]),
            Self::Insufficient { have, need } => ("insufficient", vec![("have", C(have)), ("need", C(need))]),
            Self::PromptTooLong { max } => ("prompt-too-long", vec![("max", T(max.to_string()))]),
            Self::Refused { code } => ("refused", vec![("code", T(code.to_owned()))]),
            Self::ButtonPackage { credits, price } => ("button-package", priced(credits, price)),
            Self::ButtonPay { price } => ("button-pay", vec![("price", M(price))]),
            Self::ButtonWay { way } => ("button-way", vec![("way", T(way_word(way).to_owned()))]),
            Self::ButtonDraw { price } => ("button-draw", vec![("price", C(price))]),
            plain => (plain.name(), vec![]),
        }
    }

    /// Of those without arguments.
    const fn name(&self) -> &'static str {
        match self {
            Self::TopupClosed => "topup-closed",
            Self::PictureAsk => "picture-ask",
            Self::PictureAskHint => "picture-ask-hint",
            Self::WelcomeBare => "welcome-bare",
            Self::DrawHow => "draw-how",
            Self::HelpWhere => "help-where",
            Self::PromptEmpty => "prompt-empty",
            Self::PromptUnreadable => "prompt-unreadable",
            Self::TooManyRunning => "too-many-running",
            Self::TooManyOpen => "too-many-open",
            Self::PackageGone => "package-gone",
            Self::Banned => "banned",
            Self::OfferPicture => "offer-picture",
            Self::OnlyText => "only-text",
            Self::UnknownCommand => "unknown-command",
            Self::NothingToCancel => "nothing-to-cancel",
            Self::TapOutdated => "tap-outdated",
            Self::CheckoutRefused => "checkout-refused",
            Self::ButtonTopup => "button-topup",
            Self::CommandPrompt => "command-prompt",
            Self::CommandGenerate => "command-generate",
            Self::CommandBalance => "command-balance",
            Self::CommandTopup => "command-topup",
            Self::CommandHelp => "command-help",
            Self::CommandPaysupport => "command-paysupport",
            Self::CommandTerms => "command-terms",
            Self::CommandPrivacy => "command-privacy",
            Self::EmailAsk => "email-ask",
            Self::EmailAskHint => "email-ask-hint",
            Self::EmailWrong => "email-wrong",
            Self::ChoiceMade => "choice-made",
            Self::Paysupport => "paysupport",
            Self::SupportNobody => "support-nobody",
            Self::Terms => "terms",
            Self::Privacy => "privacy",
            Self::CheckoutStranger => "checkout-stranger",
            Self::CheckoutPaid => "checkout-paid",
            Self::CheckoutOver => "checkout-over",
            Self::CheckoutAway => "checkout-away",
            Self::ButtonBack => "button-back",
            Self::ButtonOtherWay => "button-other-way",
            Self::ButtonEmail => "button-email",
            _ => "",
        }
    }
}

fn priced(credits: Credits, price: Money) -> Args {
    vec![("credits", Value::Credits(credits)), ("price", Value::Money(price))]
}

fn failed(reason: Reason, returned: Credits) -> Args {
    vec![("reason", Value::Text(reason.word().to_owned())), ("returned", Value::Credits(returned))]
}

fn refunded(amount: Money, credits: Credits, available: Credits) -> Args {
    vec![
        ("amount", Value::Money(amount)),
        ("credits", Value::Credits(credits)),
        ("available", Value::Credits(available)),
    ]
}

/// By which the texts choose a button's words.
const fn way_word(way: Way) -> &'static str {
    match way {
        Way::Page => "page",
        Way::Method(method) => method.as_str(),
        Way::Invoice => "invoice",
        Way::Stars => "stars",
    }
}
