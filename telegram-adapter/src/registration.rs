//! Telling Telegram where updates go and which commands there are, and watching that it stays so.

use std::time::Duration;

use service::http::Health;
use tokio_util::sync::CancellationToken;

use crate::config::Webhook;
use crate::inbound::Us;
use crate::outbound::{Error, Scope, Telegram};
use crate::texts::{Lang, Say, Texts};

const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How soon a lost webhook or an unreachable Telegram is noticed.
const WATCH_EVERY: Duration = Duration::from_secs(30);

/// Registers until it has worked. `Ok(false)`: told to stop before.
///
/// # Errors
/// Telegram does not know the token.
pub async fn register(
    telegram: &Telegram,
    us: &Us,
    texts: &Texts,
    webhook: Option<&Webhook>,
    shutdown: &CancellationToken,
) -> Result<bool, Error> {
    let mut pause = PAUSE_MIN;
    loop {
        let error = match try_once(telegram, us, texts, webhook).await {
            Ok(()) => return Ok(true),
            Err(Error::Token) => return Err(Error::Token),
            Err(error) => error,
        };
        tracing::warn!(%error, retry_ms = pause.as_millis(), "the bot could not be registered at Telegram");
        tokio::select! {
            () = shutdown.cancelled() => return Ok(false),
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn try_once(
    telegram: &Telegram,
    us: &Us,
    texts: &Texts,
    webhook: Option<&Webhook>,
) -> Result<(), Error> {
    let me = telegram.me().await?;
    us.is_called(me.username.clone());
    match webhook {
        Some(webhook) => telegram.set_webhook(&webhook.url, &webhook.secret.0).await?,
        None => telegram.delete_webhook().await?,
    }
    telegram.set_commands(Scope::Everywhere, None, menu(texts, Lang::En)).await?;
    telegram.set_commands(Scope::Everywhere, Some(Lang::Ru.code()), menu(texts, Lang::Ru)).await?;
    let way = if webhook.is_some() { "webhook" } else { "long polling" };
    tracing::info!(bot = me.username, way, "the bot is registered at Telegram");
    Ok(())
}

fn menu(texts: &Texts, lang: Lang) -> Vec<(&'static str, String)> {
    [
        ("prompt", Say::CommandPrompt),
        ("generate", Say::CommandGenerate),
        ("balance", Say::CommandBalance),
        ("topup", Say::CommandTopup),
        ("paysupport", Say::CommandPaysupport),
        ("terms", Say::CommandTerms),
        ("privacy", Say::CommandPrivacy),
        ("help", Say::CommandHelp),
    ]
    .map(|(command, say)| (command, texts.label(lang, say)))
    .into()
}

/// Keeps the webhook where it should be: another deployment, or a Bot API server that was set up
/// anew, may have taken it away.
pub async fn watch(telegram: &Telegram, webhook: &Webhook, health: &Health, shutdown: &CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(WATCH_EVERY) => {}
        }
        let seen = telegram.webhook_url().await;
        health.set("telegram", seen.is_ok());
        match seen {
            Ok(url) if url == webhook.url.as_str() => {}
            Ok(_) => {
                tracing::warn!("the webhook was elsewhere; it is set again");
                if let Err(error) = telegram.set_webhook(&webhook.url, &webhook.secret.0).await {
                    tracing::error!(%error, "the webhook could not be set");
                }
            }
            Err(error) => tracing::warn!(%error, "Telegram can't be reached"),
        }
    }
}
