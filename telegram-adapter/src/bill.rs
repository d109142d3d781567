//! The message of one top-up: what it shows is a function of the payment's state, so that whoever
//! changes it, and in whatever order, it ends up right.

use proto_events::queries::{PaymentState, PaymentView};
use reqwest::Url;

use crate::outbound::{Button, Markup};
use crate::talk::Press;
use crate::texts::{Html, Lang, Say, Texts};

pub fn render(texts: &Texts, lang: Lang, payment: &PaymentView) -> (Html, Markup) {
    let (credits, price) = (payment.credits, payment.price);
    match (payment.state, link(payment)) {
        (PaymentState::Opened, _) | (PaymentState::Registered, None) => {
            (texts.say(lang, Say::PaymentPreparing { credits, price }), Markup::None)
        }
        (PaymentState::Registered, Some(url)) => {
            let pay = Button::Link { label: texts.label(lang, Say::ButtonPay { price }), url };
            let data = Press::Topup.data().unwrap_or_default();
            let other = Button::Tap { label: texts.label(lang, Say::ButtonOtherWay), data };
            (texts.say(lang, Say::PaymentReady { credits, price }), Markup::Buttons(vec![pay, other]))
        }
        (PaymentState::Settled, _) => (texts.say(lang, Say::PaymentPaid { credits, price }), Markup::None),
        (PaymentState::Canceled, _) => (
            texts.say(lang, Say::PaymentCanceled { price }),
            Markup::Buttons(vec![topup_button(texts, lang)]),
        ),
    }
}

pub fn topup_button(texts: &Texts, lang: Lang) -> Button {
    let data = Press::Topup.data().unwrap_or_default();
    Button::Tap { label: texts.label(lang, Say::ButtonTopup), data }
}

/// Only what a browser can open goes under a button.
fn link(payment: &PaymentView) -> Option<Url> {
    let url: Url = payment.checkout_url.as_deref()?.parse().ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn payment(state: &str, checkout_url: Option<&str>) -> PaymentView {
        serde_json::from_value(json!({
            "payment": format!("p-{}-{}", "0".repeat(32), "1".repeat(16)), "state": state, "rail": "yookassa",
            "package": "rub-100", "credits": 100, "price": {"amount": 10_000, "currency": "RUB"},
            "provider_payment_id": null, "checkout_url": checkout_url, "opened_at": 1, "expires_at": 2, "position": 3, "fee_unknown": false,
        }))
        .unwrap()
    }

    #[test]
    fn the_link_is_shown_only_while_it_can_be_paid() {
        let texts = Texts::read().unwrap();
        let shown = |state, url| render(&texts, Lang::En, &payment(state, url)).1;
        let url = Some("https://yoomoney.ru/checkout?orderId=1");
        let Markup::Buttons(buttons) = shown("registered", url) else { panic!() };
        assert!(
            matches!(&buttons[..], [Button::Link { label, .. }, Button::Tap { .. }] if label == "Pay 100\u{a0}₽"),
            "{buttons:?}"
        );
        for (state, url) in [
            ("opened", url),
            ("settled", url),
            ("registered", None),
            ("registered", Some("javascript:alert(1)")),
        ] {
            assert_eq!(shown(state, url), Markup::None, "{state} {url:?}");
        }
        assert!(
            matches!(&shown("canceled", url), Markup::Buttons(buttons) if matches!(buttons[0], Button::Tap { .. }))
        );
    }
}
