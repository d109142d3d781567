//! How the bot gets its updates: the webhook's settings and long polling.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{MethodResult, error::ApiError, params::Params, state::Webhook};
use crate::world::World;

const POLL_SECONDS_MAX: u64 = 50;
const DEFAULT_MAX_CONNECTIONS: i64 = 40;

pub(crate) fn set_webhook(world: &World, params: &Params) -> MethodResult {
    let Some(url) = params.text("url") else { return delete_webhook(world, params) };
    check_webhook_url(&url)?;
    let secret_token = params.text("secret_token");
    if let Some(secret) = &secret_token {
        if secret.len() > 256 {
            return Err(ApiError::bad("secret token is too long"));
        }
        if !secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(ApiError::bad("secret token contains unallowed characters"));
        }
    }
    let max_connections = params.int("max_connections").unwrap_or(DEFAULT_MAX_CONNECTIONS).clamp(1, 100);
    let allowed = allowed(params)?;
    let now = world.clock.now_ms();
    world.change(|state| {
        let telegram = &mut state.telegram;
        if let Some(allowed) = allowed {
            telegram.allowed_updates = allowed;
        }
        if params.flag("drop_pending_updates") {
            telegram.updates.clear();
        }
        // A fresh webhook is tried at once.
        for update in &mut telegram.updates {
            update.attempts = 0;
            update.next_attempt_ms = now;
            update.aside = super::state::Aside::No;
        }
        telegram.webhook =
            Some(Webhook { url, secret_token, max_connections: max_connections as usize, last_error: None });
    });
    Ok(json!(true))
}

/// HTTPS, as with Telegram; plain HTTP only to this machine or a container beside it.
fn check_webhook_url(url: &str) -> Result<(), ApiError> {
    let parsed = reqwest::Url::parse(url).map_err(|_| ApiError::bad("bad webhook: invalid URL specified"))?;
    let host = parsed.host_str().unwrap_or_default();
    let near = host == "127.0.0.1" || host == "[::1]" || !host.contains('.');
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if near => Ok(()),
        _ => Err(ApiError::bad("bad webhook: An HTTPS URL must be provided for webhook")),
    }
}

fn allowed(params: &Params) -> Result<Option<Vec<String>>, ApiError> {
    let Some(list) = params.json("allowed_updates")? else { return Ok(None) };
    let list = list.as_array().ok_or_else(|| ApiError::bad("can't parse allowed updates"))?;
    Ok(Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
}

pub(crate) fn delete_webhook(world: &World, params: &Params) -> MethodResult {
    world.change(|state| {
        state.telegram.webhook = None;
        if params.flag("drop_pending_updates") {
            state.telegram.updates.clear();
        }
    });
    Ok(json!(true))
}

pub(crate) fn webhook_info(world: &World) -> Value {
    world.read(|state| {
        let telegram = &state.telegram;
        let mut info = json!({
            "url": telegram.webhook.as_ref().map_or("", |webhook| webhook.url.as_str()),
            "has_custom_certificate": false,
            "pending_update_count": telegram.updates.len(),
        });
        if let Some(webhook) = &telegram.webhook {
            info["max_connections"] = json!(webhook.max_connections);
            info["ip_address"] = json!("127.0.0.1");
            if let Some((date, message)) = &webhook.last_error {
                info["last_error_date"] = json!(date);
                info["last_error_message"] = json!(message);
            }
        }
        if !telegram.allowed_updates.is_empty() {
            info["allowed_updates"] = json!(telegram.allowed_updates);
        }
        info
    })
}

pub(crate) async fn get_updates(world: &Arc<World>, params: &Params) -> MethodResult {
    let webhook = world.read(|state| state.telegram.webhook.is_some());
    if webhook {
        return Err(ApiError::new(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        ));
    }
    let mut changes = world.changes();
    let allowed = allowed(params)?;
    // The newest call ends the older ones: this change wakes them, and they find out.
    let mine = world.change(|state| {
        if let Some(allowed) = allowed {
            state.telegram.allowed_updates = allowed;
        }
        forget(&mut state.telegram, params.int("offset").unwrap_or(0), world.clock.now_ms());
        state.telegram.poll += 1;
        state.telegram.poll
    });
    let limit = params.int("limit").filter(|limit| (1..=100).contains(limit)).unwrap_or(100) as usize;
    let seconds =
        params.int("timeout").and_then(|t| u64::try_from(t).ok()).unwrap_or(0).min(POLL_SECONDS_MAX);
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        if world.read(|state| state.telegram.webhook.is_some()) {
            return Err(ApiError::new(409, "Conflict: terminated by setWebhook request"));
        }
        let (newest, found) = world.read(|state| {
            let updates: Vec<Value> =
                state.telegram.updates.iter().take(limit).map(super::delivery::body).collect();
            (state.telegram.poll, updates)
        });
        if newest != mine {
            return Err(ApiError::of_status(409));
        }
        if !found.is_empty() {
            return Ok(Value::Array(found));
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep_until(end) => return Ok(json!([])),
            () = world.shutdown.cancelled() => return Ok(json!([])),
        }
    }
}

/// Updates below the offset are confirmed; a negative offset keeps only the newest.
fn forget(telegram: &mut super::state::Telegram, offset: i64, now_ms: i64) {
    telegram.updates.retain(|update| update.expires_ms > now_ms);
    if offset > 0 {
        telegram.updates.retain(|update| update.id >= offset);
    } else if offset < 0 {
        let keep = usize::try_from(-offset).unwrap_or(usize::MAX);
        while telegram.updates.len() > keep {
            telegram.updates.pop_front();
        }
    }
}
