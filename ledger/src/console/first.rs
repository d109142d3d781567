//! The first administrator, of ADMIN_PASSWORD: let in once, where nobody was ever.

use std::sync::Arc;
use std::time::Duration;

use proto_events::commands::{Role, StaffPut};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Reply, Text};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::password::{self, PASSWORD_CHARS_MIN};
use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};
use crate::store;

/// As whom they sign in.
const NAME: &str = "admin";
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("it has fewer than {PASSWORD_CHARS_MIN} characters, or more than {}", password::PASSWORD_CHARS_MAX)]
pub struct BadPassword;

/// # Errors
/// It is too short or too long for the console.
pub fn check(password: &str) -> Result<(), BadPassword> {
    if password::is_long_enough(password) { Ok(()) } else { Err(BadPassword) }
}

/// Until somebody may sign in: by this, or by another way.
pub async fn let_in(pool: PgPool, queue: Arc<Queue>, password: SecretString) {
    loop {
        match store::staff(&pool).await {
            Ok(staff) if !staff.is_empty() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "whether there is an administrator is not known");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        }
        let Some(hash) = password::hash_apart(password.expose_secret().to_owned()).await else { return };
        let Some(reply) = put(&queue, &hash).await else { return };
        match reply {
            Reply::Busy { retry_after_ms } => {
                tokio::time::sleep(Duration::from_millis(retry_after_ms.into())).await;
            }
            // In doubt: the same command, once more.
            Reply::Failed { .. } => tokio::time::sleep(AGAIN).await,
            Reply::Refused { refusal } => {
                return tracing::error!(code = %refusal.code, reason = refusal.message, "no administrator was let in");
            }
            Reply::Done { .. } => {
                return tracing::info!(name = NAME, "the first administrator may sign in to the console");
            }
        }
    }
}

/// `None`: the lead is over.
async fn put(queue: &Queue, hash: &str) -> Option<Reply> {
    let id = CommandId::new("staff:first").ok()?;
    let command = StaffPut {
        name: Text::lossy(NAME),
        roles: Role::ALL.to_vec(),
        password_hash: Text::new(hash).ok(),
        reason: Text::lossy("ADMIN_PASSWORD"),
    };
    let (sender, receiver) = oneshot::channel();
    let request = own_request(id, AccountRef::Id(AccountId::OPERATIONS), command.into(), None);
    queue.push((request, ReplyTo::Here(sender))).ok()?;
    receiver.await.ok()
}
