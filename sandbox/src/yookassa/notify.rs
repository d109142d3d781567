//! Notifications: POSTed to the shop's URL without any signature, side by side, again and again
//! for a day until a 200 comes.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::state::{Notification, SETTLED_MAX};
use crate::{
    calendar::rfc3339,
    faults::Drop,
    reply::merge_patch,
    vendor::Vendor,
    world::{State, World},
};

const KEPT_MS: i64 = 24 * 3_600_000;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Seconds 1, 2, 4 … 64, then every minute, later every ten.
const BACKOFF_MAX_MS: i64 = 600_000;
const SIDE_BY_SIDE_MAX: usize = 64;

/// Queues a notification of an object as it is now, bent by a waiting fault.
pub(crate) fn enqueue(world: &World, state: &mut State, event: &str, object: &Value) {
    if state.settings.yookassa_notify_url.is_none() {
        return;
    }
    let mut body = json!({"type": "notification", "event": event, "object": object});
    let effect =
        world.faults.take(Vendor::YooKassa, "notification", body.to_string().as_bytes()).unwrap_or_default();
    if let Some(patch) = &effect.patch {
        merge_patch(&mut body, patch);
    }
    let now = world.clock.now_ms();
    let yookassa = &mut state.yookassa;
    let object_id = object["id"].as_str().unwrap_or_default().to_owned();
    if effect.lost {
        settle(
            yookassa,
            json!({"event": event, "object_id": object_id, "at": rfc3339(world.date_ms()), "outcome": "lost"}),
        );
        return;
    }
    let late = i64::try_from(effect.late_ms).unwrap_or(KEPT_MS);
    for _ in 0..=effect.duplicate {
        yookassa.next_notification += 1;
        yookassa.notifications.push(Notification {
            number: yookassa.next_notification,
            event: event.to_owned(),
            object_id: object_id.clone(),
            body: body.clone(),
            created_ms: now,
            attempts: 0,
            next_attempt_ms: now + late,
            last_status: None,
            waits_for_another: effect.reordered,
        });
    }
}

fn settle(yookassa: &mut super::state::YooKassa, line: Value) {
    yookassa.settled.push_back(line);
    if yookassa.settled.len() > SETTLED_MAX {
        yookassa.settled.pop_front();
    }
}

pub(crate) async fn run(world: Arc<World>) {
    let mut changes = world.changes();
    let mut flying: JoinSet<(u64, Option<u16>)> = JoinSet::new();
    let mut busy: HashSet<u64> = HashSet::new();
    loop {
        changes.mark_unchanged();
        let now = world.clock.now_ms();
        let (url, due, wake, stale) = world.read(|state| plan(state, &busy, now));
        if stale {
            world.change(|state| give_up_old(&world, state, now));
        }
        if let Some(url) = url {
            for notification in due {
                busy.insert(notification.number);
                flying.spawn(send(world.clone(), url.clone(), notification));
            }
        }
        tokio::select! {
            () = world.shutdown.cancelled() => return,
            _ = changes.changed() => {}
            () = world.clock.sleep_until(wake) => {}
            Some(done) = flying.join_next(), if !flying.is_empty() => {
                if let Ok((number, status)) = done {
                    busy.remove(&number);
                    record(&world, number, status);
                }
            }
        }
    }
}

fn plan(state: &State, busy: &HashSet<u64>, now: i64) -> (Option<String>, Vec<Notification>, i64, bool) {
    let mut wake = now + BACKOFF_MAX_MS;
    let mut due = Vec::new();
    let all = &state.yookassa.notifications;
    for notification in all.iter().filter(|one| !busy.contains(&one.number) && !one.waits_for_another) {
        if notification.next_attempt_ms > now {
            wake = wake.min(notification.next_attempt_ms);
        } else if busy.len() + due.len() < SIDE_BY_SIDE_MAX {
            due.push(notification.clone());
        }
    }
    let stale = all.iter().any(|one| now - one.created_ms > KEPT_MS && !busy.contains(&one.number));
    (state.settings.yookassa_notify_url.clone(), due, wake, stale)
}

fn give_up_old(world: &World, state: &mut State, now: i64) {
    let (old, young) = std::mem::take(&mut state.yookassa.notifications)
        .into_iter()
        .partition(|one| now - one.created_ms > KEPT_MS);
    state.yookassa.notifications = young;
    for one in old {
        let line = line(&one, "given up", world.date_ms());
        settle(&mut state.yookassa, line);
    }
}

fn line(one: &Notification, outcome: &str, at_ms: i64) -> Value {
    json!({
        "event": one.event,
        "object_id": one.object_id,
        "attempts": one.attempts,
        "status": one.last_status,
        "at": rfc3339(at_ms),
        "outcome": outcome,
    })
}

/// The answer's status; `None` when there was none.
async fn send(world: Arc<World>, url: String, notification: Notification) -> (u64, Option<u16>) {
    let effect = world.faults.take(Vendor::YooKassa, "notification_answer", b"");
    let request = world
        .http
        .post(&url)
        .timeout(ANSWER_TIMEOUT)
        .header("content-type", "application/json")
        .body(notification.body.to_string());
    let status = tokio::select! {
        sent = request.send() => sent.ok().map(|answer| answer.status().as_u16()),
        () = world.shutdown.cancelled() => None,
    };
    // The shop's answer may get lost on the way; YooKassa then sends again.
    let lost = effect.is_some_and(|effect| effect.drop == Some(Drop::After) || effect.lost);
    (notification.number, status.filter(|_| !lost))
}

fn record(world: &World, number: u64, status: Option<u16>) {
    let now = world.clock.now_ms();
    world.change(|state| {
        let yookassa = &mut state.yookassa;
        let Some(at) = yookassa.notifications.iter().position(|one| one.number == number) else { return };
        let one = &mut yookassa.notifications[at];
        let backoff = (1000_i64 << one.attempts.min(10)).min(BACKOFF_MAX_MS);
        one.attempts += 1;
        one.last_status = status;
        one.next_attempt_ms = now + backoff;
        if status == Some(200) {
            let line = line(one, "delivered", world.date_ms());
            yookassa.notifications.remove(at);
            settle(yookassa, line);
            // Those held back for reordering may go now.
            for waiting in &mut yookassa.notifications {
                waiting.waits_for_another = false;
            }
        }
    });
}
