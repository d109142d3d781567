//! The way itself: /start → /topup → a package → paid → confirmed → /generate → the picture.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::{
    person::{Button, Message, Person},
    picture::{self, Picture},
};
use crate::up::layout::Layout;

/// For an answer that only needs the ledger.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
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
    let provider_payment_id =
        stage.wait("a payment link after the package was chosen", VENDOR_TIMEOUT, &payers, checkout_link)?;
    stage.person.pays(&provider_payment_id)?;
    let confirms = |message: &Message| checkout_link(message).is_none().then_some(());
    stage.wait("a confirmation after the payment", VENDOR_TIMEOUT, &payers, confirms)?;

    stage.person.writes(&format!("/generate {prompt}"))?;
    let painters = ["generator", "telegram-adapter", "ledger", "sandbox"];
    let file_id = stage.wait("the picture", VENDOR_TIMEOUT, &painters, |message| message.photo.clone())?;
    let picture = picture::fetch(stage.person.port(), &file_id)?;
    Ok(Way { provider_payment_id, picture })
}

impl Stage<'_> {
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
        Message { id: 7, text: String::new(), buttons: buttons.iter().map(button).collect(), photo: None }
    }

    #[test]
    fn a_rouble_package_is_preferred() {
        let offered = message(&[("⭐ 50", Some("s"), None), ("100 ₽", Some("r"), None)]);
        assert_eq!(package_button(&offered).unwrap().1.data.as_deref(), Some("r"));
        assert_eq!(package_button(&message(&[("Site", None, Some("http://x"))])), None);
    }

    #[test]
    fn the_checkout_link_names_the_payment() {
        let link = |url| checkout_link(&message(&[("Pay", None, Some(url))]));
        assert_eq!(link("http://127.0.0.1:8090/checkout/2c-1?lang=en").as_deref(), Some("2c-1"));
        assert_eq!(link("http://127.0.0.1:8090/checkout/"), None);
        assert_eq!(link("http://127.0.0.1:8090/other"), None);
    }
}
