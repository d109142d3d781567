//! Someone who writes, taps, asks for things and pays, one thing after the other, and sees what the bot makes of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::ear::{Ear, Heard, What};
use crate::dice::Dice;

/// For a reply, and for what was asked for: longer than a redelivery by Telegram.
const PATIENCE: Duration = Duration::from_secs(120);
/// Commands that are answered by one message.
const COMMANDS: [&str; 6] = ["/balance", "/help", "/settings", "/history", "/referral", "/terms"];
/// Buttons of the menu, which changes in its place: menu, balance, settings, invitation, help.
const MENU: [&str; 5] = ["h", "l", "s", "i", "?"];

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    Command,
    Tap,
    Talk,
    Picture,
    Topup,
}

impl Act {
    pub const ALL: [Self; 5] = [Self::Command, Self::Tap, Self::Talk, Self::Picture, Self::Topup];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Tap => "menu",
            Self::Talk => "chat",
            Self::Picture => "picture",
            Self::Topup => "top-up",
        }
    }

    /// As people do it: by far the most is looking around and talking.
    pub fn by_chance(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..45 => Self::Command,
            45..82 => Self::Tap,
            82..92 => Self::Talk,
            92..96 => Self::Picture,
            _ => Self::Topup,
        }
    }
}

/// From an update to the first that is seen of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    pub act: Act,
    pub at: Instant,
    pub ms: f64,
}

pub struct Person {
    pub id: i64,
    http: reqwest::Client,
    sandbox: String,
    ear: UnboundedReceiver<Heard>,
    /// The message with the menu.
    menu: i64,
    taps: usize,
    commands: usize,
    /// Messages of the bot that nothing asked for.
    pub strays: usize,
}

impl Person {
    /// Says /start and gets the menu.
    pub async fn arrive(id: i64, http: &reqwest::Client, sandbox: &str, ear: &Ear) -> Result<Self> {
        let mut person = Self {
            id,
            http: http.clone(),
            sandbox: sandbox.to_owned(),
            ear: ear.listen(id),
            menu: 0,
            taps: 0,
            commands: 0,
            strays: 0,
        };
        person.write("/start").await?;
        person.menu = person.message("the welcome").await?.0;
        Ok(person)
    }

    /// To its end: a picture is there, a payment is told of. The replies of its updates.
    pub async fn act(&mut self, act: Act, replies: &mut Vec<Reply>) -> Result<()> {
        self.quiet();
        let began = Instant::now();
        let mut replied = |at: Instant, since: Instant| {
            replies.push(Reply { act, at, ms: (at - since).as_secs_f64() * 1e3 });
        };
        match act {
            Act::Command => {
                self.commands += 1;
                self.write(COMMANDS[(self.commands + self.taps) % COMMANDS.len()]).await?;
                replied(self.message("the answer to a command").await?.1, began);
            }
            Act::Tap => {
                self.taps += 1;
                self.tap(self.menu, MENU[self.taps % MENU.len()]).await?;
                let menu = self.menu;
                replied(self.edited("the menu's change", menu).await?.0, began);
            }
            Act::Talk | Act::Picture => {
                let words = if act == Act::Talk { "How do plantains grow?" } else { "/prompt a plantain" };
                self.write(words).await?;
                let (status, at, _) = self.message("the status").await?;
                replied(at, began);
                self.made(status, act == Act::Picture).await?;
            }
            Act::Topup => {
                self.write("/topup").await?;
                let (packages, at, buttons) = self.message("the packages").await?;
                replied(at, began);
                let (data, tapped) = (data(&buttons).context("no package to tap")?, Instant::now());
                self.tap(packages, &data).await?;
                let (at, mut buttons) = self.edited("the bill", packages).await?;
                replied(at, tapped);
                while link(&buttons).is_none() {
                    buttons = self.edited("the link to pay by", packages).await?.1;
                }
                let link = link(&buttons).context("no link")?;
                let checkout = link.rsplit('/').next().unwrap_or_default();
                self.post(&format!("/checkout/{checkout}/succeed"), &json!({})).await?;
                self.message("the receipt").await?;
            }
        }
        Ok(())
    }

    /// A result as a message, and its status gone; in either order.
    async fn made(&mut self, status: i64, picture: bool) -> Result<()> {
        let (mut there, mut gone) = (false, false);
        while !(there && gone) {
            match self.next("what was asked for").await?.what {
                What::Message { picture: shown, .. } => {
                    ensure!(shown == picture, "{} got something else than was asked for", self.id);
                    self.strays += usize::from(there);
                    there = true;
                }
                What::Deleted { id } if id == status => gone = true,
                What::Edited { .. } | What::Deleted { .. } => {}
            }
        }
        Ok(())
    }

    /// Writes so many commands without waiting for an answer.
    pub async fn write_many(&self, count: usize) -> Result<()> {
        for n in 0..count {
            self.write(COMMANDS[n % COMMANDS.len()]).await?;
        }
        Ok(())
    }

    /// Waits for so many messages; how many did not come.
    pub async fn answered(&mut self, count: usize) -> usize {
        for n in 0..count {
            if self.message("the answer to one of many commands").await.is_err() {
                return count - n;
            }
        }
        0
    }

    /// What has come without being asked for; a message is more than was due.
    pub fn quiet(&mut self) {
        while let Ok(heard) = self.ear.try_recv() {
            self.strays += usize::from(matches!(heard.what, What::Message { .. }));
        }
    }

    /// Also for who measures the bare bot.
    pub async fn write(&self, text: &str) -> Result<()> {
        self.post(&format!("/people/{}/messages", self.id), &json!({"text": text, "language_code": "en"}))
            .await
    }

    async fn tap(&self, message: i64, data: &str) -> Result<()> {
        let body = json!({"message_id": message, "data": data, "force": true});
        self.post(&format!("/people/{}/taps", self.id), &body).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<()> {
        let sent = self.http.post(format!("{}{path}", self.sandbox)).json(body).send().await?;
        let status = sent.status();
        ensure!(status.is_success(), "the sandbox answered {status} to {path}");
        Ok(())
    }

    async fn next(&mut self, what: &str) -> Result<Heard> {
        match timeout(PATIENCE, self.ear.recv()).await {
            Ok(Some(heard)) => Ok(heard),
            Ok(None) => bail!("the stream broke off"),
            Err(_) => bail!("{} has waited {PATIENCE:?} for {what}", self.id),
        }
    }

    /// The bot's next message: its id, when it came, its buttons.
    pub async fn message(&mut self, what: &str) -> Result<(i64, Instant, Value)> {
        loop {
            let heard = self.next(what).await?;
            if let What::Message { id, buttons, .. } = heard.what {
                return Ok((id, heard.at, buttons));
            }
        }
    }

    /// The next change of this message.
    async fn edited(&mut self, what: &str, message: i64) -> Result<(Instant, Value)> {
        loop {
            let heard = self.next(what).await?;
            match heard.what {
                What::Edited { id, buttons } if id == message => return Ok((heard.at, buttons)),
                What::Message { .. } => self.strays += 1,
                What::Edited { .. } | What::Deleted { .. } => {}
            }
        }
    }
}

fn all(buttons: &Value) -> impl Iterator<Item = &Value> {
    buttons.as_array().into_iter().flatten().flat_map(|row| row.as_array().into_iter().flatten())
}

fn data(buttons: &Value) -> Option<String> {
    all(buttons).find_map(|button| button["callback_data"].as_str().map(str::to_owned))
}

fn link(buttons: &Value) -> Option<String> {
    all(buttons).find_map(|button| button["url"].as_str().map(str::to_owned))
}
