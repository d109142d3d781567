//! Conversations in the bucket `sessions`: losable, so trouble with them is logged and never stops a job.

use async_nats::jetstream::kv;
use proto_events::{
    AccountId,
    media::{Conversation, Turn, conversation_key},
    subjects::SESSIONS_BUCKET,
};

use super::{CALL_TIMEOUT, Shelf};

/// Two jobs of a person may end at once; more of them than these tries can't.
const TRIES_MAX: u32 = 5;

type Trouble = Box<dyn std::error::Error + Send + Sync>;

impl Shelf {
    /// What was said so far; empty also when it was lost or can't be read.
    pub async fn conversation(&self, account: AccountId, name: &str) -> Conversation {
        let Some(key) = conversation_key(account, name) else { return Conversation::default() };
        let read = async {
            let bucket = self.jetstream.get_key_value(SESSIONS_BUCKET).await?;
            Ok::<_, Trouble>(held(&bucket, &key).await?.1)
        };
        tokio::time::timeout(CALL_TIMEOUT, read).await.unwrap_or_else(|late| Err(late.into())).unwrap_or_else(
            |error| {
                tracing::warn!(%account, %error, "a conversation can't be read; the answer knows nothing of it");
                Conversation::default()
            },
        )
    }

    /// Adds a turn, or puts it in place of the same generation's.
    pub async fn remember(&self, account: AccountId, name: &str, turn: Turn) {
        let Some(key) = conversation_key(account, name) else { return };
        let added = tokio::time::timeout(CALL_TIMEOUT, self.add(&key, turn)).await;
        if let Err(error) = added.unwrap_or_else(|late| Err(late.into())) {
            tracing::warn!(%account, %error, "a turn of a conversation is lost");
        }
    }

    async fn add(&self, key: &str, turn: Turn) -> Result<(), Trouble> {
        let bucket = self.jetstream.get_key_value(SESSIONS_BUCKET).await?;
        for _ in 1..TRIES_MAX {
            let (revision, mut conversation) = held(&bucket, key).await?;
            conversation.put(turn.clone());
            let value = serde_json::to_vec(&conversation)?;
            match bucket.update(key, value.into(), revision).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err("it changed at every try".into())
    }
}

/// With the revision that a change must name. One that can't be read begins anew.
async fn held(bucket: &kv::Store, key: &str) -> Result<(u64, Conversation), Trouble> {
    let Some(entry) = bucket.entry(key).await? else { return Ok((0, Conversation::default())) };
    let there = entry.operation == kv::Operation::Put;
    let conversation = there.then(|| serde_json::from_slice(&entry.value).ok()).flatten();
    Ok((entry.revision, conversation.unwrap_or_default()))
}
