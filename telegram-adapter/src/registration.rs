//! Telling Telegram where updates go and which commands there are, and watching that it stays so.

use std::time::Duration;

use reqwest::Url;
use service::http::Health;
use tokio_util::sync::CancellationToken;

use crate::config::{Reach, Webhook};
use crate::inbound::Us;
use crate::outbound::{self, Scope, Telegram};
use crate::texts::{Lang, Say, Texts};

const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How soon a lost webhook or an unreachable Telegram is noticed.
const WATCH_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Telegram does not accept TELEGRAM_BOT_TOKEN: is it complete, and was it revoked?")]
    Token(#[source] outbound::Error),
    /// The path may be a secret.
    #[error(
        "Telegram sends this bot's updates to a webhook at {host}, so they can't be asked for: another deployment \
         seems to use this TELEGRAM_BOT_TOKEN. Stop it and start this one with TELEGRAM_TAKE_WEBHOOK=on, which takes \
         the webhook away, or give this one a bot of its own, or set TELEGRAM_WEBHOOK_URL to have the updates sent here"
    )]
    WebhookElsewhere { host: String },
    #[error(
        "Telegram sends this bot's updates to a webhook at {host}, not at the host of TELEGRAM_WEBHOOK_URL: another \
         deployment seems to use this TELEGRAM_BOT_TOKEN. If {host} was this deployment's own, or the other is to get no \
         updates any more, start this one once with TELEGRAM_TAKE_WEBHOOK=on, which takes the webhook over; else give it a \
         bot of its own"
    )]
    WebhookOfAnother { host: String },
}

/// What keeps a try from working.
enum Trouble {
    Final(Error),
    Telegram(outbound::Error),
}

impl From<outbound::Error> for Trouble {
    fn from(error: outbound::Error) -> Self {
        match error {
            outbound::Error::Token => Self::Final(Error::Token(error)),
            error => Self::Telegram(error),
        }
    }
}

/// Registers until it has worked. `Ok(false)`: told to stop before.
///
/// # Errors
/// Another try would not help: the operator has to do something.
pub async fn register(
    telegram: &Telegram,
    us: &Us,
    texts: &Texts,
    reach: &Reach,
    admins: &[i64],
    shutdown: &CancellationToken,
) -> Result<bool, Error> {
    let mut pause = PAUSE_MIN;
    loop {
        let error = match try_once(telegram, us, texts, reach).await {
            Ok(()) => {
                show_admin_menus(telegram, texts, admins).await;
                return Ok(true);
            }
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Telegram(error)) => error,
        };
        tracing::warn!(%error, retry_ms = pause.as_millis(), "the bot could not be registered at Telegram");
        tokio::select! {
            () = shutdown.cancelled() => return Ok(false),
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn try_once(telegram: &Telegram, us: &Us, texts: &Texts, reach: &Reach) -> Result<(), Trouble> {
    let me = telegram.me().await?;
    us.is_called(me.username.clone());
    let way = match reach {
        Reach::Webhook(webhook) => {
            take_over(telegram, webhook).await?;
            telegram.set_webhook(&webhook.url, &webhook.secret.0).await?;
            "webhook"
        }
        Reach::Polling { take_webhook } => {
            make_room(telegram, *take_webhook).await?;
            "long polling"
        }
    };
    telegram.set_commands(Scope::Everywhere, None, menu(texts, Lang::En, &MENU)).await?;
    telegram.set_commands(Scope::Everywhere, Some(Lang::Ru.code()), menu(texts, Lang::Ru, &MENU)).await?;
    tracing::info!(bot = me.username, way, "the bot is registered at Telegram");
    Ok(())
}

/// Long polling and a webhook exclude each other, and whose webhook it is nobody here can know.
async fn make_room(telegram: &Telegram, take_webhook: bool) -> Result<(), Trouble> {
    let url = telegram.webhook_url().await?;
    if url.is_empty() {
        return Ok(());
    }
    let host = host(&url);
    if !take_webhook {
        return Err(Trouble::Final(Error::WebhookElsewhere { host }));
    }
    tracing::warn!(host, "the webhook that was set is taken away, as TELEGRAM_TAKE_WEBHOOK says");
    Ok(telegram.delete_webhook().await?)
}

/// One at our own host is ours, whatever its path: it may be set anew. One at another is another deployment's, until somebody
/// says that it is not: taken over unseen, that one would get nothing and not know why.
async fn take_over(telegram: &Telegram, webhook: &Webhook) -> Result<(), Trouble> {
    let set = telegram.webhook_url().await?;
    if is_ours(&set, webhook) {
        return Ok(());
    }
    let host = host(&set);
    if !webhook.take {
        return Err(Trouble::Final(Error::WebhookOfAnother { host }));
    }
    tracing::warn!(host, "the webhook that was set is taken over, as TELEGRAM_TAKE_WEBHOOK says");
    Ok(())
}

/// Of a webhook: its path may be a secret.
fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn is_ours(set: &str, webhook: &Webhook) -> bool {
    set.is_empty() || Some(host(set).as_str()) == webhook.url.host_str()
}

/// For everybody.
const MENU: [(&str, Say<'static>); 16] = [
    ("prompt", Say::CommandPrompt),
    ("generate", Say::CommandGenerate),
    ("balance", Say::CommandBalance),
    ("topup", Say::CommandTopup),
    ("settings", Say::CommandSettings),
    ("refs", Say::CommandRefs),
    ("history", Say::CommandHistory),
    ("referral", Say::CommandReferral),
    ("clear", Say::CommandClear),
    ("cancel", Say::CommandCancel),
    ("support", Say::CommandSupport),
    ("paysupport", Say::CommandPaysupport),
    ("terms", Say::CommandTerms),
    ("privacy", Say::CommandPrivacy),
    ("delete_me", Say::CommandDeleteMe),
    ("help", Say::CommandHelp),
];

/// In administrators' chats, below the others.
const ADMIN_MENU: [(&str, Say<'static>); 8] = [
    ("admin", Say::CommandAdmin),
    ("stats", Say::CommandStats),
    ("user", Say::CommandUser),
    ("grant", Say::CommandGrant),
    ("ban", Say::CommandBan),
    ("unban", Say::CommandUnban),
    ("message", Say::CommandMessage),
    ("broadcast", Say::CommandBroadcast),
];

fn menu(texts: &Texts, lang: Lang, commands: &[(&'static str, Say<'static>)]) -> Vec<(&'static str, String)> {
    commands.iter().map(|(command, say)| (*command, texts.label(lang, *say))).collect()
}

/// Each administrator's chat has a menu of its own, in both languages; one who has not written to the bot yet has none.
async fn show_admin_menus(telegram: &Telegram, texts: &Texts, admins: &[i64]) {
    let all: Vec<_> = MENU.into_iter().chain(ADMIN_MENU).collect();
    for admin in admins {
        for (language, lang) in [(None, Lang::En), (Some(Lang::Ru.code()), Lang::Ru)] {
            let set = telegram.set_commands(Scope::Chat(*admin), language, menu(texts, lang, &all)).await;
            if let Err(error) = set {
                tracing::debug!(%error, "an administrator's menu was not shown");
            }
        }
    }
}

/// Keeps the webhook set: a Bot API server that was set up anew, or somebody's hand, may have taken it away. One that was set
/// elsewhere, also at another path of our host, is another deployment's or a newer start's: two that take it from each other
/// help nobody, so it is taken over at a start alone.
pub async fn watch(telegram: &Telegram, webhook: &Webhook, health: &Health, shutdown: &CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(WATCH_EVERY) => {}
        }
        health.set("telegram", look(telegram, webhook).await);
    }
}

/// Whether updates come here.
pub async fn look(telegram: &Telegram, webhook: &Webhook) -> bool {
    match telegram.webhook_url().await {
        Ok(url) if url == webhook.url.as_str() => true,
        Ok(url) if url.is_empty() => {
            tracing::warn!("the webhook was taken away; it is set again");
            let set = telegram.set_webhook(&webhook.url, &webhook.secret.0).await;
            if let Err(error) = &set {
                tracing::error!(%error, "the webhook could not be set");
            }
            set.is_ok()
        }
        Ok(url) => {
            tracing::error!(
                host = host(&url),
                "another deployment has taken this bot's webhook over: no updates come here; a start with TELEGRAM_TAKE_WEBHOOK=on takes it back"
            );
            false
        }
        Err(error) => {
            tracing::warn!(%error, "Telegram can't be reached");
            false
        }
    }
}
