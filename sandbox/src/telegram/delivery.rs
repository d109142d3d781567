//! Webhook delivery: updates with the same key one after the other, different keys side by side,
//! each tried again after 1, 2, 4 … 60 s until a 2xx comes or it is too old.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::state::{Aside, Update, Webhook};
use crate::{clock::wall_ms, faults::Effect, vendor::Vendor, world::World};

/// How long Telegram waits for the bot's server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
const BACKOFF_MAX_MS: i64 = 60_000;

/// The update as the bot sees it.
pub(crate) fn body(update: &Update) -> Value {
    json!({"update_id": update.id, update.kind.as_str(): update.body})
}

struct Outcome {
    id: i64,
    key: String,
    url: String,
    result: Result<Delivered, Failed>,
}

enum Delivered {
    Yes,
    /// A fault lets those behind it overtake it.
    SteppedAside,
}

/// What getWebhookInfo will say, and a Retry-After.
type Failed = (String, Option<i64>);

pub(crate) async fn run(world: Arc<World>) {
    let mut changes = world.changes();
    let mut flying: JoinSet<Outcome> = JoinSet::new();
    let mut busy: HashSet<String> = HashSet::new();
    loop {
        changes.mark_unchanged();
        let now = world.clock.now_ms();
        let plan = world.read(|state| plan(&state.telegram, &busy, now));
        if plan.expired {
            world.change(|state| state.telegram.updates.retain(|update| update.expires_ms > now));
        }
        for (webhook, update) in plan.due {
            busy.insert(update.key.clone());
            flying.spawn(deliver(world.clone(), webhook, update));
        }
        let wake = plan.wake_ms.unwrap_or(now + BACKOFF_MAX_MS);
        tokio::select! {
            () = world.shutdown.cancelled() => return,
            _ = changes.changed() => {}
            () = world.clock.sleep_until(wake) => {}
            Some(done) = flying.join_next(), if !flying.is_empty() => {
                if let Ok(outcome) = done {
                    busy.remove(&outcome.key);
                    settle(&world, outcome);
                }
            }
        }
    }
}

struct Plan {
    due: Vec<(Webhook, Update)>,
    wake_ms: Option<i64>,
    expired: bool,
}

/// The first update of every idle key that is due, and when to look again. As far as there are connections: what lies
/// behind is looked at when one is free again.
fn plan(telegram: &super::state::Telegram, busy: &HashSet<String>, now: i64) -> Plan {
    let mut plan = Plan { due: Vec::new(), wake_ms: None, expired: false };
    let Some(webhook) = &telegram.webhook else {
        plan.expired = telegram.updates.iter().any(|update| update.expires_ms <= now);
        return plan;
    };
    let free = webhook.max_connections.saturating_sub(busy.len());
    let mut seen: HashSet<&str> = HashSet::new();
    for update in &telegram.updates {
        if plan.due.len() >= free {
            break;
        }
        if update.expires_ms <= now {
            plan.expired = true;
            continue;
        }
        if update.aside == Aside::Waiting || busy.contains(&update.key) || !seen.insert(&update.key) {
            continue;
        }
        if update.next_attempt_ms > now {
            plan.wake_ms =
                Some(plan.wake_ms.map_or(update.next_attempt_ms, |wake| wake.min(update.next_attempt_ms)));
        } else {
            plan.due.push((webhook.clone(), update.clone()));
        }
    }
    plan
}

async fn deliver(world: Arc<World>, webhook: Webhook, update: Update) -> Outcome {
    let body = body(&update).to_string();
    // What has stepped aside once was bent already.
    let effect = match update.aside {
        Aside::No => world.faults.take(Vendor::Telegram, "webhook", body.as_bytes()).unwrap_or_default(),
        Aside::Waiting | Aside::Waited => Effect::default(),
    };
    let mut result = Ok(Delivered::Yes);
    if effect.reordered {
        return Outcome {
            id: update.id,
            key: update.key,
            url: webhook.url,
            result: Ok(Delivered::SteppedAside),
        };
    }
    if effect.late_ms > 0 {
        tokio::select! {
            () = world.clock.sleep_until(world.clock.now_ms() + i64::try_from(effect.late_ms).unwrap_or(i64::MAX)) => {}
            () = world.shutdown.cancelled() => {}
        }
    }
    if !effect.lost {
        for _ in 0..=effect.duplicate {
            result = send(&world, &webhook, &body, &effect).await.map(|()| Delivered::Yes);
        }
    }
    Outcome { id: update.id, key: update.key, url: webhook.url, result }
}

async fn send(world: &World, webhook: &Webhook, body: &str, effect: &Effect) -> Result<(), Failed> {
    let mut request = world
        .http
        .post(&webhook.url)
        .timeout(ANSWER_TIMEOUT)
        .header("content-type", "application/json")
        .body(body.to_owned());
    if let Some(secret) = &webhook.secret_token {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let sent = tokio::select! {
        sent = request.send() => sent,
        () = world.shutdown.cancelled() => return Err(("Shutting down".to_owned(), None)),
    };
    match sent {
        // The bot's answer got lost on the way: Telegram will try again.
        Ok(_) if effect.drop.is_some() => Err(("Read timeout expired".to_owned(), None)),
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => {
            let retry_after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
            Err((format!("Wrong response from the webhook: {}", answer.status()), retry_after))
        }
        Err(error) if error.is_connect() => Err(("Connection refused".to_owned(), None)),
        Err(error) if error.is_timeout() => Err(("Read timeout expired".to_owned(), None)),
        Err(_) => Err(("Connection closed".to_owned(), None)),
    }
}

fn settle(world: &World, outcome: Outcome) {
    let now = world.clock.now_ms();
    world.change(|state| {
        let telegram = &mut state.telegram;
        let (why, retry_after) = match outcome.result {
            Err(failed) => failed,
            Ok(Delivered::SteppedAside) => {
                let update = telegram.updates.iter_mut().find(|update| update.id == outcome.id);
                if let Some(update) = update {
                    update.aside = Aside::Waiting;
                }
                return;
            }
            Ok(Delivered::Yes) => {
                telegram.updates.retain(|update| update.id != outcome.id);
                for update in telegram.updates.iter_mut().filter(|update| update.key == outcome.key) {
                    if update.aside == Aside::Waiting {
                        update.aside = Aside::Waited;
                    }
                }
                return;
            }
        };
        tracing::debug!(update_id = outcome.id, %why, "webhook delivery failed");
        // A webhook set meanwhile is another address: its first try is due at once.
        let same = telegram.webhook.as_mut().filter(|webhook| webhook.url == outcome.url);
        let Some(webhook) = same else { return };
        webhook.last_error = Some((wall_ms() / 1000, why));
        if let Some(update) = telegram.updates.iter_mut().find(|update| update.id == outcome.id) {
            let backoff = (1000_i64 << update.attempts.min(6)).min(BACKOFF_MAX_MS);
            update.attempts += 1;
            update.next_attempt_ms =
                now + retry_after.map_or(backoff, |seconds: i64| seconds.clamp(1, 3600) * 1000);
        }
    });
}
