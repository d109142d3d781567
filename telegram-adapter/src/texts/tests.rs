use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use proto_events::events::Trouble;
use proto_events::{Credits, Currency, Money};

use super::*;
use crate::ways::Way;

fn c(n: i64) -> Credits {
    Credits::new(n).unwrap()
}

/// Every text, with values that show its forms.
fn everything() -> Vec<Say<'static>> {
    let rub = |kopecks| Money::new(kopecks, Currency::Rub).unwrap();
    let stars = Money::new(75, Currency::Xtr).unwrap();
    let mut all = vec![
        Say::Welcome { credits: c(5) },
        Say::WelcomeBare,
        Say::WelcomeBack { available: c(101) },
        Say::EnoughFor { price: c(10), pictures: 1 },
        Say::EnoughFor { price: c(5), pictures: 22 },
        Say::ShortBy { price: c(10), missing: c(1) },
        Say::ShortBy { price: c(10), missing: c(5) },
        Say::DrawHow,
        Say::HelpWhere,
        Say::Help { price: c(10) },
        Say::Balance { available: c(0) },
        Say::Balance { available: c(21) },
        Say::BalanceReserved { reserved: c(10) },
        Say::BalanceDebt { debt: c(1) },
        Say::TopupChoose { available: c(3) },
        Say::TopupClosed,
        Say::TopupWay { credits: c(100), price: rub(10_000) },
        Say::ReceiptTo { email: "anna<3@example.org" },
        Say::EmailAsk,
        Say::EmailAskFor { credits: c(100), price: rub(10_000) },
        Say::EmailAskHint,
        Say::EmailWrong,
        Say::ChoiceMade,
        Say::InvoiceTitle { credits: c(100) },
        Say::InvoiceDescription { credits: c(100) },
        Say::PaymentPreparing { credits: c(100), price: rub(10_000) },
        Say::PaymentReady { credits: c(100), price: rub(10_000) },
        Say::PaymentPaid { credits: c(200), price: rub(19_950) },
        Say::PaymentReceipt { credits: c(300), price: rub(30_000), available: c(302) },
        Say::PaymentCanceled { price: stars },
        Say::PaymentExpired { price: stars },
        Say::PaymentPutAside { price: "75\u{a0}⭐" },
        Say::RefundSettled { amount: stars, credits: c(100), available: c(5) },
        Say::RefundFailed { amount: rub(10_000), credits: c(100), available: c(105) },
        Say::Paysupport,
        Say::SupportContact { contact: "@plantain_support" },
        Say::SupportNobody,
        Say::Terms,
        Say::TermsContact { contact: "@plantain_support" },
        Say::TermsLink { url: "https://example.org/terms" },
        Say::Privacy,
        Say::PrivacyLink { url: "https://example.org/privacy" },
        Say::PictureAsk,
        Say::PictureAskHint,
        Say::PictureAccepted { credits: c(10) },
        Say::PicturePainting { credits: c(10) },
        Say::PictureCaption { spent: c(10), left: c(91) },
        Say::PictureCaptionFree { left: c(2) },
        Say::WordsInstead { returned: c(10) },
        Say::PictureLost { returned: c(10) },
        Say::AnswerLost { returned: c(1) },
        Say::Insufficient { have: c(5), need: c(10) },
        Say::PromptEmpty,
        Say::PromptTooLong { max: 4096 },
        Say::PromptUnreadable,
        Say::TooManyRunning,
        Say::TooManyOpen,
        Say::PackageGone,
        Say::Banned,
        Say::Refused { code: "a<b>&c" },
        Say::OfferPicture,
        Say::OnlyText,
        Say::UnknownCommand,
        Say::NothingToCancel,
        Say::TapOutdated,
        Say::CheckoutRefused,
        Say::CheckoutStranger,
        Say::CheckoutPaid,
        Say::CheckoutOver,
        Say::CheckoutAway,
        Say::ButtonTopup,
        Say::ButtonBack,
        Say::ButtonOtherWay,
        Say::ButtonEmail,
        Say::ButtonPackage { credits: c(100), price: rub(10_000) },
        Say::ButtonPay { price: rub(10_000) },
        Say::ButtonDraw { price: c(10) },
        Say::CommandPrompt,
        Say::CommandGenerate,
        Say::CommandBalance,
        Say::CommandTopup,
        Say::CommandHelp,
        Say::CommandPaysupport,
        Say::CommandTerms,
        Say::CommandPrivacy,
    ];
    all.extend(Way::ALL.map(|way| Say::ButtonWay { way }));
    let reasons = [
        Reason::Policy,
        Reason::Nothing,
        Reason::Cut,
        Reason::Busy,
        Reason::Quota,
        Reason::Late,
        Reason::Large,
        Reason::Request,
        Reason::Reference,
        Reason::Canceled,
        Reason::Trouble,
    ];
    all.extend(reasons.map(|reason| Say::PictureFailed { reason, returned: c(10) }));
    all.extend(reasons.map(|reason| Say::AnswerFailed { reason, returned: c(1) }));
    all
}

/// Message name → the arguments it uses.
fn used(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            current = line.split(' ').next().unwrap_or_default().to_owned();
            messages.entry(current.clone()).or_default();
        }
        for argument in line.split('$').skip(1) {
            let end =
                argument.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(argument.len());
            messages.entry(current.clone()).or_default().insert(argument[..end].to_owned());
        }
    }
    messages
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_arguments() {
    let (ru, en) = (used(RU), used(EN));
    assert!(ru.len() > 40, "the reader of this test misses them: {}", ru.len());
    assert_eq!(ru, en);
}

#[test]
fn every_text_is_said_and_takes_just_the_arguments_it_is_given() {
    let mut files = used(EN);
    for say in everything() {
        let (name, values) = say.parts();
        let given: BTreeSet<String> = values.iter().map(|(key, _)| (*key).to_owned()).collect();
        let wanted = files.get(name).unwrap_or_else(|| panic!("{say:?} has no text"));
        assert_eq!(&given, wanted, "{name}");
    }
    for say in everything() {
        files.remove(say.parts().0);
    }
    let left: Vec<_> = files.into_keys().collect();
    assert_eq!(left, ["count-credits", "count-pictures"], "texts that nobody says");
}

#[test]
fn every_text_renders_as_html_that_telegram_reads() {
    let texts = Texts::read().unwrap();
    for lang in Lang::ALL {
        for say in everything() {
            let html = texts.say(lang, say);
            let text = html.as_str();
            assert!(!text.is_empty() && !text.contains('{') && !text.contains('$'), "{say:?}: {text}");
            for tag in ["b", "i", "code"] {
                let count = |what: String| text.matches(&what).count();
                assert_eq!(count(format!("<{tag}>")), count(format!("</{tag}>")), "{say:?}: {text}");
            }
            let known =
                text.matches("<b>").count() + text.matches("<i>").count() + text.matches("<code>").count();
            assert_eq!(text.matches('<').count(), 2 * known, "{say:?}: {text}");
            assert!(html.plain().chars().count() <= 1536, "{say:?} is long");
        }
    }
}

#[test]
fn buttons_menu_and_tap_answers_keep_to_telegrams_limits() {
    let texts = Texts::read().unwrap();
    for lang in Lang::ALL {
        for say in [
            Say::CommandPrompt,
            Say::CommandGenerate,
            Say::CommandBalance,
            Say::CommandTopup,
            Say::CommandHelp,
            Say::CommandPaysupport,
            Say::CommandTerms,
            Say::CommandPrivacy,
        ] {
            let length = texts.label(lang, say).chars().count();
            assert!((1..=256).contains(&length), "{say:?}");
        }
        assert!(texts.label(lang, Say::TapOutdated).chars().count() <= 200);
        for hint in [Say::PictureAskHint, Say::EmailAskHint] {
            assert!(texts.label(lang, hint).chars().count() <= 64);
        }
        let most = Credits::MAX;
        assert!((1..=32).contains(&texts.label(lang, Say::InvoiceTitle { credits: most }).chars().count()));
        let description = texts.label(lang, Say::InvoiceDescription { credits: most });
        assert!((1..=255).contains(&description.chars().count()));
        for refusal in [
            Say::CheckoutRefused,
            Say::CheckoutStranger,
            Say::CheckoutPaid,
            Say::CheckoutOver,
            Say::CheckoutAway,
            Say::Banned,
        ] {
            assert!((1..=200).contains(&texts.label(lang, refusal).chars().count()), "{refusal:?}");
        }
    }
}

#[test]
fn what_comes_from_outside_is_escaped() {
    let texts = Texts::read().unwrap();
    let html = texts.say(Lang::En, Say::Refused { code: "<a href=\"x\">&" });
    assert!(html.as_str().contains("&lt;a href=&quot;x&quot;&gt;&amp;"), "{}", html.as_str());
}

#[test]
fn russian_counts_in_three_forms() {
    let texts = Texts::read().unwrap();
    let credits = |n| texts.count(Lang::Ru, "count-credits", n);
    assert_eq!(
        ["1 кредит", "2 кредита", "5 кредитов"],
        [credits(1), credits(2), credits(5)].each_ref().map(|s| &**s)
    );
    assert_eq!(
        ["11 кредитов", "21 кредит", "0 кредитов"],
        [credits(11), credits(21), credits(0)].each_ref().map(|s| &**s)
    );
    assert_eq!(credits(1_000_000_000), "1000000000 кредитов");
}

#[test]
fn the_language_is_the_nearer_one() {
    for (tag, lang) in
        [("ru", Lang::Ru), ("uk", Lang::Ru), ("be-BY", Lang::Ru), ("kk", Lang::Ru), ("RU", Lang::Ru)]
    {
        assert_eq!(Lang::of(Some(tag)), lang, "{tag}");
    }
    for tag in [Some("en"), Some("pt-br"), Some(""), Some("rum"), None] {
        assert_eq!(Lang::of(tag), Lang::En, "{tag:?}");
    }
}

#[test]
fn every_trouble_has_words() {
    assert_eq!(Reason::from(Trouble::Policy), Reason::Policy);
    assert_eq!(Reason::from(Trouble::Overloaded), Reason::Busy);
    assert_eq!(Reason::from(Trouble::WorkerLost), Reason::Trouble);
    assert_eq!(Reason::from(Trouble::Canceled), Reason::Canceled);
}

/// To renew after a change that was looked at: `UPDATE_TEXTS=1 cargo test -p telegram-adapter`.
#[test]
fn the_texts_are_those_that_were_looked_at() {
    let texts = Texts::read().unwrap();
    for lang in Lang::ALL {
        let mut page = String::new();
        for say in everything() {
            writeln!(page, "── {}\n{}\n", say.parts().0, texts.say(lang, say).as_str()).unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/texts/{}.txt", lang.code()));
        if std::env::var_os("UPDATE_TEXTS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        let looked_at = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == looked_at, "{} differs from the texts:\n{page}", path.display());
    }
}
