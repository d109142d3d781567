//! The way itself: /start → /topup → a package → an address for the receipt and a way to pay, if they are asked for →
//! paid → confirmed → /generate → the picture.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::{
    person::{Button, Message, Person},
    picture::{self, Picture},
};
use crate::up::layout::Layout;

/// For an answer that only needs the ledger.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// The address, the way to pay, and some air.
const QUESTIONS_MAX: usize = 4;
/// For what passes a vendor: a payment's proof, a picture.
const VENDOR_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Stage<'a> {
    pub layout: &'a Layout,
    pub person: Person,
}

/// What the way left to be checked against the books.
#[derive(Debug)]
pub(super) struct Way {
    pub provider_payment_id: String,
    pub picture: Picture,
}

pub(super) fn walk(stage: &mut Stage<'_>, prompt: &str) -> Result<Way> {
    let everyone = ["sandbox", "telegram-adapter", "ledger"];
    stage.person.writes("/start")?;
    stage.wait("a greeting after /start", ANSWER_TIMEOUT, &everyone, |_| Some(()))?;

    stage.person.writes("/topup")?;
    let (message, package) =
        stage.wait("packages to choose from after /topup", ANSWER_TIMEOUT, &everyone, package_button)?;
    stage.person.taps(message, &package)?;
    let payers = ["payments-adapter", "telegram-adapter", "ledger", "sandbox"];
    let provider_payment_id = stage.link_to_pay(&payers)?;
    stage.person.pays(&provider_payment_id)?;
    let confirms = |message: &Message| checkout_link(message).is_none().then_some(());
    stage.wait("a confirmation after the payment", VENDOR_TIMEOUT, &payers, confirms)?;

    stage.person.writes(&format!("/generate {prompt}"))?;
    let painters = ["generator", "telegram-adapter", "ledger", "sandbox"];
    let file_id = stage.wait("the picture", VENDOR_TIMEOUT, &painters, |message| message.photo.clone())?;
    let picture = picture::fetch(stage.person.port(), &file_id)?;
    Ok(Way { provider_payment_id, picture })
}

/// What a chosen package leads to.
#[derive(Debug, PartialEq)]
enum Next {
    Pay(String),
    Choose(i64, Button),
    /// The address for the receipt.
    Answer(i64),
}

impl Stage<'_> {
    /// Says what the bot asks before it gives the link: the address for receipts, the way to pay.
    fn link_to_pay(&mut self, logs: &[&str]) -> Result<String> {
        for _ in 0..QUESTIONS_MAX {
            let what = "a payment link after the package was chosen";
            match self.wait(what, VENDOR_TIMEOUT, logs, next)? {
                Next::Pay(provider_payment_id) => return Ok(provider_payment_id),
                Next::Choose(message, way) => self.person.taps(message, &way)?,
                Next::Answer(question) => self.person.answers(question, "demo@example.org")?,
            }
        }
        bail!("the bot asks on and on and gives no payment link")
    }

    /// Waits, and on a time-out says what was waited for and which logs may know why it did not come.
    fn wait<T>(
        &mut self,
        what: &str,
        timeout: Duration,
        logs: &[&str],
        find: impl Fn(&Message) -> Option<T>,
    ) -> Result<T> {
        let found =
            self.person.waits_for(timeout, find).with_context(|| format!("while waiting for {what}"))?;
        found.ok_or_else(|| {
            let files: Vec<String> =
                logs.iter().map(|name| format!("    {}", self.layout.log(name).display())).collect();
            let seconds = timeout.as_secs();
            anyhow!(
                "the bot did not send {what} within {seconds} s; the logs that may say why:\n{}",
                files.join("\n")
            )
        })
    }
}

/// The first package for roubles, or the first that can be tapped.
fn package_button(message: &Message) -> Option<(i64, Button)> {
    let tappable = || message.buttons.iter().filter(|button| button.data.is_some());
    let roubles = tappable().find(|button| button.text.contains('₽'));
    roubles.or_else(|| tappable().next()).map(|button| (message.id, button.clone()))
}

/// Ways by YooKassa's page, which has the link, are the first buttons.
fn next(message: &Message) -> Option<Next> {
    if let Some(id) = checkout_link(message) {
        return Some(Next::Pay(id));
    }
    let way = message.buttons.iter().find(|button| button.data.is_some());
    let way = way.map(|button| Next::Choose(message.id, button.clone()));
    way.or_else(|| message.asks.then_some(Next::Answer(message.id)))
}

/// `…/checkout/{provider_payment_id}` behind a link button.
fn checkout_link(message: &Message) -> Option<String> {
    let links = message.buttons.iter().filter_map(|button| button.url.as_deref());
    let id = links.filter_map(|url| url.split_once("/checkout/")).map(|(_, rest)| rest).next()?;
    let end = id.find(['/', '?', '#']).unwrap_or(id.len());
    (end > 0).then(|| id[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(buttons: &[(&str, Option<&str>, Option<&str>)]) -> Message {
        let button = |(text, data, url): &(&str, Option<&str>, Option<&str>)| Button {
            text: (*text).to_owned(),
            data: data.map(str::to_owned),
            url: url.map(str::to_owned),
        };
        Message {
            id: 7,
            text: String::new(),
            buttons: buttons.iter().map(button).collect(),
            photo: None,
            asks: false,
        }
    }

    #[test]
    fn a_rouble_package_is_preferred() {
        let offered = message(&[("⭐ 50", Some("s"), None), ("100 ₽", Some("r"), None)]);
        assert_eq!(package_button(&offered).unwrap().1.data.as_deref(), Some("r"));
        assert_eq!(package_button(&message(&[("Site", None, Some("http://x"))])), None);
    }

    #[test]
    fn what_is_asked_before_the_link_is_said() {
        let bill = message(&[("Pay", None, Some("http://x/checkout/2c-1")), ("Other", Some("m"), None)]);
        assert_eq!(next(&bill), Some(Next::Pay("2c-1".to_owned())));
        let ways = message(&[("SBP", Some("w:1"), None), ("Back", Some("k"), None)]);
        assert!(matches!(next(&ways), Some(Next::Choose(7, way)) if way.text == "SBP"));
        assert_eq!(next(&Message { asks: true, ..message(&[]) }), Some(Next::Answer(7)));
        assert_eq!(next(&message(&[])), None, "preparing the link");
    }

    #[test]
    fn the_checkout_link_names_the_payment() {
        let link = |url| checkout_link(&message(&[("Pay", None, Some(url))]));
        assert_eq!(link("http://127.0.0.1:8090/checkout/2c-1?lang=en").as_deref(), Some("2c-1"));
        assert_eq!(link("http://127.0.0.1:8090/checkout/"), None);
        assert_eq!(link("http://127.0.0.1:8090/other"), None);
    }
}
