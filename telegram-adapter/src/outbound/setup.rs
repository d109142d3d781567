//! Calls about the bot itself: who it is, how updates reach us, its list of commands.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use teloxide::payloads::{DeleteMyCommands, DeleteWebhook, GetMe, GetWebhookInfo, SetMyCommands, SetWebhook};
use teloxide::requests::{MultipartRequest, Payload, Request};
use teloxide::types::{AllowedUpdate, BotCommand, BotCommandScope};

use super::{Error, InDoubt, Lenient, Telegram, recipient};
use crate::flood::Traffic;

/// What we ask for, always: without it Telegram keeps the last choice.
pub const ALLOWED_UPDATES: [AllowedUpdate; 4] = [
    AllowedUpdate::Message,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::PreCheckoutQuery,
    AllowedUpdate::MyChatMember,
];
/// How long Telegram may hold a getUpdates that has nothing to give.
pub const LONG_POLL_S: u32 = 25;
/// Updates of one getUpdates: half of Telegram's bound, so that a look behind a batch sees as many again.
const POLL_BATCH_MAX: u8 = 50;
const PEEK_MAX: u8 = 100;
/// Telegram's default; the door has room for more (`inbound::webhook`).
const WEBHOOK_CONNECTIONS: u8 = 40;

/// The bot, as Telegram knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    pub id: i64,
    pub username: String,
}

/// Where a menu of commands is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    Groups,
    Chat(i64),
}

impl From<Scope> for BotCommandScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Everywhere => Self::Default,
            Scope::Groups => Self::AllGroupChats,
            Scope::Chat(chat) => Self::Chat { chat_id: recipient(chat) },
        }
    }
}

/// teloxide's own has an offset of 32 bits and reads whole updates.
#[derive(Debug, Clone, Serialize)]
struct GetUpdates {
    offset: i64,
    limit: u8,
    timeout: u32,
    allowed_updates: [AllowedUpdate; 4],
}

impl Payload for GetUpdates {
    type Output = Value;

    const NAME: &'static str = "GetUpdates";
}

impl Telegram {
    /// # Errors
    /// See [`Error`].
    pub async fn me(&self) -> Result<Me, Error> {
        let me = self.call(&self.calls, Traffic::Free, InDoubt::Repeat, GetMe::new()).await?;
        Ok(Me {
            id: me["id"].as_i64().unwrap_or_default(),
            username: me["username"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// # Errors
    /// See [`Error`].
    pub async fn set_webhook(&self, url: &Url, secret: &SecretString) -> Result<(), Error> {
        let mut webhook = SetWebhook::new(url.clone());
        webhook.secret_token = Some(secret.expose_secret().to_owned());
        webhook.allowed_updates = Some(ALLOWED_UPDATES.to_vec());
        webhook.max_connections = Some(WEBHOOK_CONNECTIONS);
        let bot = &self.calls;
        let make = || MultipartRequest::new(bot.clone(), Lenient(webhook.clone())).send();
        self.patiently(SetWebhook::NAME, Traffic::Free, InDoubt::Repeat, make).await.map(drop)
    }

    /// Where updates go; empty without a webhook.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn webhook_url(&self) -> Result<String, Error> {
        let info = self.call(&self.calls, Traffic::Free, InDoubt::Repeat, GetWebhookInfo::new()).await?;
        Ok(info["url"].as_str().unwrap_or_default().to_owned())
    }

    /// Needed before long polling. What waits at Telegram is kept.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_webhook(&self) -> Result<(), Error> {
        self.call(&self.calls, Traffic::Free, InDoubt::Repeat, DeleteWebhook::new()).await.map(drop)
    }

    /// The menu of commands, for all languages (`None`) or for those with this one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set_commands(
        &self,
        scope: Scope,
        language: Option<&str>,
        commands: Vec<(&str, String)>,
    ) -> Result<(), Error> {
        let commands =
            commands.into_iter().map(|(command, description)| BotCommand::new(command, description));
        let mut menu = SetMyCommands::new(commands);
        menu.scope = Some(scope.into());
        menu.language_code = language.map(str::to_owned);
        self.call(&self.calls, Traffic::Free, InDoubt::Repeat, menu).await.map(drop)
    }

    /// Takes a menu away; the next wider one is shown then.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_commands(&self, scope: Scope, language: Option<&str>) -> Result<(), Error> {
        let mut menu = DeleteMyCommands::new();
        menu.scope = Some(scope.into());
        menu.language_code = language.map(str::to_owned);
        self.call(&self.calls, Traffic::Free, InDoubt::Repeat, menu).await.map(drop)
    }

    /// Updates from `offset` on; everything before it is acknowledged by this call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn updates(&self, offset: i64, hold_s: u32) -> Result<Vec<Value>, Error> {
        let limit = if hold_s == 0 { 1 } else { POLL_BATCH_MAX };
        self.get_updates(GetUpdates { offset, limit, timeout: hold_s, allowed_updates: ALLOWED_UPDATES })
            .await
    }

    /// All updates from `offset` on that Telegram shows at once; nothing new is acknowledged.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn peek(&self, offset: i64) -> Result<Vec<Value>, Error> {
        let (limit, timeout) = (PEEK_MAX, 0);
        self.get_updates(GetUpdates { offset, limit, timeout, allowed_updates: ALLOWED_UPDATES }).await
    }

    async fn get_updates(&self, payload: GetUpdates) -> Result<Vec<Value>, Error> {
        let updates = self.call(&self.polls, Traffic::Free, InDoubt::Leave, payload).await?;
        match updates {
            Value::Array(updates) => Ok(updates),
            _ => Err(Error::InDoubt("getUpdates did not answer with a list".to_owned())),
        }
    }
}
