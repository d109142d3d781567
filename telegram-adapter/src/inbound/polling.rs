//! Long polling: for a bot without a public address.
//!
//! getUpdates with an offset acknowledges everything before it, so the offset moves only over
//! updates that are dealt with. Chats go side by side, the updates of one chat in their order.
//! Pre-checkout queries can't wait for a batch that takes long: while it does, Telegram is asked for what
//! waits from its beginning on, without acknowledging anything, and the queries among that are answered at
//! once ([`Met`]), each until Telegram has the answer, and none again in its turn.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::met::Met;
use super::{Intake, RETRY_AFTER, Taken, Update, Us};
use crate::outbound::{Error, LONG_POLL_S, Telegram};

/// Chats dealt with at once.
const CHATS_MAX: usize = 16;
/// How often it is looked for queries behind a batch that takes long.
const PEEK_EVERY: Duration = Duration::from_secs(1);
/// Between two tries when Telegram can't be reached.
const PAUSE: Duration = Duration::from_secs(2);
/// While another poller or a webhook holds the bot.
const HELD_PAUSE: Duration = Duration::from_secs(10);

/// Until `shutdown`; `us` has its name already, and `reached` hears whether Telegram answers.
pub async fn poll<I: Intake>(
    telegram: &Telegram,
    us: &Us,
    intake: &I,
    shutdown: &CancellationToken,
    reached: impl Fn(bool),
) -> Result<(), Error> {
    let mut offset = 0;
    let met = Met::default();
    while !shutdown.is_cancelled() {
        let updates = tokio::select! {
            () = shutdown.cancelled() => break,
            updates = telegram.updates(offset, LONG_POLL_S) => updates,
        };
        reached(updates.is_ok());
        match updates {
            Ok(updates) => {
                let taken = tokio::select! {
                    taken = take_all(us, intake, &met, &updates, shutdown) => taken,
                    () = peek(telegram, us, intake, offset, &met) => false,
                };
                if !taken {
                    // Stopped before all were done: they come again.
                    return Ok(());
                }
                offset = next_offset(offset, &updates);
                // They are acknowledged with the next call, and are not shown again.
                updates.iter().filter_map(query).for_each(|id| met.forget(id));
            }
            Err(Error::Token) => return Err(Error::Token),
            Err(error) => {
                tracing::warn!(%error, "updates could not be fetched");
                let pause = if error.is_passing() { PAUSE } else { HELD_PAUSE };
                tokio::select! { () = shutdown.cancelled() => break, () = tokio::time::sleep(pause) => {} }
            }
        }
    }
    if offset > 0 {
        // Acknowledges what is done, so that the next start does not get it again.
        let _ = telegram.updates(offset, 0).await;
    }
    Ok(())
}

/// The largest id of a batch and one: Telegram sends them in order, but may begin anywhere.
fn next_offset(offset: i64, updates: &[Value]) -> i64 {
    updates.iter().filter_map(|update| update["update_id"].as_i64()).max().map_or(offset, |last| last + 1)
}

/// Answers the pre-checkout queries from `offset` on that nobody has answered or is answering; never ends.
async fn peek<I: Intake>(telegram: &Telegram, us: &Us, intake: &I, offset: i64, met: &Met) {
    loop {
        tokio::time::sleep(PEEK_EVERY).await;
        let Ok(updates) = telegram.peek(offset).await else { continue };
        for update in &updates {
            let Some(turn) = query(update).and_then(|id| met.try_turn(id)) else { continue };
            if let Ok(update) = Update::read(update, us) {
                let intake = intake.clone();
                tokio::spawn(async move { turn.take(&intake, update).await });
            }
        }
    }
}

/// The id of a pre-checkout query.
fn query(update: &Value) -> Option<&str> {
    update["pre_checkout_query"]["id"].as_str()
}

/// Whether all of them were dealt with before the shutdown.
async fn take_all<I: Intake>(
    us: &Us,
    intake: &I,
    met: &Met,
    updates: &[Value],
    shutdown: &CancellationToken,
) -> bool {
    let mut chats: BTreeMap<i64, Vec<Update>> = BTreeMap::new();
    for update in updates {
        match Update::read(update, us) {
            Ok(update) => chats.entry(chat_of(&update)).or_default().push(update),
            Err(error) => tracing::warn!(%error, "an update was let be"),
        }
    }
    let chats =
        stream::iter(chats.into_values().map(|updates| take_in_order(intake, met, updates, shutdown)));
    chats.buffer_unordered(CHATS_MAX).all(|done| async move { done }).await
}

async fn take_in_order<I: Intake>(
    intake: &I,
    met: &Met,
    updates: Vec<Update>,
    shutdown: &CancellationToken,
) -> bool {
    for update in updates {
        fail::fail_point!("telegram.update_received");
        while take(intake, met, update.clone()).await == Taken::Later {
            tokio::select! {
                () = shutdown.cancelled() => return false,
                () = tokio::time::sleep(RETRY_AFTER) => {}
            }
        }
    }
    true
}

async fn take<I: Intake>(intake: &I, met: &Met, update: Update) -> Taken {
    match &update {
        Update::Checkout(query) => met.turn(&query.id).await.take(intake, update).await,
        _ => intake.take(update).await,
    }
}

fn chat_of(update: &Update) -> i64 {
    match update {
        Update::Message(message) => message.chat,
        Update::Tap(tap) => tap.chat,
        // Apart from the chat's messages, which they must not wait for.
        Update::Checkout(checkout) => checkout.from.id.wrapping_neg(),
        Update::Paid(notice) | Update::Returned(notice) => notice.chat,
        Update::Membership { user, .. } => *user,
        Update::StrayTap { .. } | Update::Ignored(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_offset_moves_behind_the_last_update() {
        let updates = [json!({"update_id": 900}), json!({"update_id": 902}), json!({"broken": true})];
        assert_eq!(next_offset(0, &updates), 903);
        assert_eq!(next_offset(903, &[]), 903);
        // Ids start anew after a quiet week.
        assert_eq!(next_offset(903, &[json!({"update_id": 17})]), 18);
    }
}
