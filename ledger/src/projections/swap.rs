//! Exchanges the live instance of a projection for the one beside it, or for the one before it.
//!
//! Phases: somebody asks in the registry → the leader takes the wish up, brings the instance near, drops the one that
//! was kept before → appends ProjectionSwapped, under a command id made of the two instances → in one transaction,
//! which makes the follower wait for some ms: brings it level, the live one becomes old, the other one live.
//! Why by the leader: what operators do is in the log, and only the leader appends. A leader that dies after the
//! event finds the wish again, gets the first answer to its command and goes on.
//!
//! Invariant: readers find one live instance at any moment, and its position never goes back.

use std::sync::Arc;
use std::time::Duration;

use proto_events::commands::ProjectionSwap;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Reply, Text};
use sqlx::PgPool;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::build::BuildError;
use super::desk::Desk;
use super::held::beat;
use super::level::level;
use super::registry::{self, Instance, State};
use super::{Definition, find};
use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};
use crate::store;

/// How often the leader looks for wishes.
const LOOK: Duration = Duration::from_millis(250);
/// How long the one that was kept may still be read by somebody before it is dropped.
const DROP: &str = "SET LOCAL lock_timeout = '5s'";
/// A command that was not answered for certain is sent again after this.
const RETRY: Duration = Duration::from_millis(300);
const TRIES: u32 = 10;

#[derive(Debug, thiserror::Error)]
enum SwapError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("this ledger does not know the projection in this version")]
    Unknown,
    #[error("the ledger refuses it ({code}): {message}")]
    Refused { code: String, message: String },
    #[error("the command was not answered")]
    NoAnswer,
}

impl SwapError {
    /// The wish stands and is tried again: the event may be in the log by now, or another leader is at it.
    const fn is_passing(&self) -> bool {
        matches!(self, Self::NoAnswer | Self::Build(BuildError::Postgres(_) | BuildError::Lost))
    }
}

impl From<sqlx::Error> for SwapError {
    fn from(error: sqlx::Error) -> Self {
        Self::Build(error.into())
    }
}

/// Fulfils wishes until dropped. For the leader alone.
pub async fn fulfil(pool: PgPool, queue: Arc<Queue>) {
    loop {
        match registry::wished(&pool).await {
            Ok(Some(instance)) => {
                let worker = Uuid::new_v4();
                if let Err(error) = swap(&pool, &queue, &instance, worker).await {
                    failed(&pool, &instance, worker, &error).await;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "can't look for instances to swap in"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn failed(pool: &PgPool, wished: &Instance, worker: Uuid, error: &SwapError) {
    let name = wished.tables().name().to_owned();
    if error.is_passing() {
        return tracing::warn!(instance = name, %error, "not swapped in yet");
    }
    tracing::error!(instance = name, %error, "could not be swapped in");
    if let Err(error) = registry::refuse_wish(pool, wished, worker, &error.to_string()).await {
        tracing::warn!(%error, "a refusal could not be noted");
    }
}

async fn swap(pool: &PgPool, queue: &Queue, wished: &Instance, worker: Uuid) -> Result<(), SwapError> {
    if !registry::take_up_wish(pool, wished, worker).await? {
        return Ok(());
    }
    let definition = find(&wished.name).filter(|d| d.version == wished.version).ok_or(SwapError::Unknown)?;
    let desk = Desk::new(definition.name);
    desk.enter("swapping in");
    let near = async {
        // What takes long, or may fail, comes before the event, which can't be taken back.
        level(pool, definition, wished.clone()).await?.tx.rollback().await?;
        drop_kept(pool, wished).await
    };
    tokio::select! {
        near = near => near?,
        ended = beat(pool, wished, worker, &desk) => return Err(ended.into()),
    }
    let live = registry::find(pool, definition.name, State::Live).await?;
    if let Some(live) = &live {
        say(queue, live, wished).await?;
    }
    fail::fail_point!("ledger.swap.appended");
    exchange(pool, definition, wished).await?;
    tracing::info!(instance = wished.tables().name(), "swapped in");
    Ok(())
}

/// Drops the instance that was kept to go back to, unless that is what is wished.
async fn drop_kept(pool: &PgPool, wished: &Instance) -> Result<(), BuildError> {
    let kept = registry::find(pool, &wished.name, State::Old).await?;
    let Some(kept) = kept.filter(|kept| kept.instance != wished.instance) else { return Ok(()) };
    let mut tx = store::begin(pool).await?;
    sqlx::query(DROP).execute(&mut *tx).await?;
    registry::remove(&mut tx, &kept).await?;
    Ok(tx.commit().await?)
}

/// Makes it the live one. The one that was is kept.
async fn exchange(
    pool: &PgPool,
    definition: &'static Definition,
    wished: &Instance,
) -> Result<(), BuildError> {
    let now = registry::find(pool, definition.name, wished.state).await?;
    let now = now.filter(|now| now.instance == wished.instance).ok_or(BuildError::Lost)?;
    let mut level = level(pool, definition, now).await?;
    registry::exchange(&mut level.tx, level.live.as_ref(), &level.beside).await?;
    fail::fail_point!("ledger.swap.before_commit");
    level.tx.commit().await?;
    fail::fail_point!("ledger.swap.committed");
    Ok(())
}

/// Appends ProjectionSwapped. Twice is once: the id is made of the instances.
async fn say(queue: &Queue, from: &Instance, to: &Instance) -> Result<(), SwapError> {
    let text = |what: &str| Text::new(what).map_err(|_| SwapError::Unknown);
    let (from_name, to_name) = (from.tables().name().to_owned(), to.tables().name().to_owned());
    // Back and forth between two instances is told apart by where the wish was made.
    let asked_at = to.wished_at.unwrap_or_default();
    let id =
        CommandId::new(format!("swap:{from_name}:{to_name}:{asked_at}")).map_err(|_| SwapError::Unknown)?;
    let command = ProjectionSwap {
        projection: text(&to.name)?,
        from: text(&from_name)?,
        to: text(&to_name)?,
        position: to.wished_position.unwrap_or_default().try_into().unwrap_or_default(),
    };
    for _ in 0..TRIES {
        let (sender, receiver) = oneshot::channel();
        let account = AccountRef::Id(AccountId::OPERATIONS);
        let request = own_request(id.clone(), account, command.clone().into(), None);
        if queue.push((request, ReplyTo::Here(sender))).is_ok() {
            match receiver.await {
                Ok(Reply::Done { .. }) => return Ok(()),
                Ok(Reply::Refused { refusal }) => {
                    let (code, message) = (refusal.code.to_string(), refusal.message.to_string());
                    return Err(SwapError::Refused { code, message });
                }
                _ => {}
            }
        }
        tokio::time::sleep(RETRY).await;
    }
    Err(SwapError::NoAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_in_the_log_already_is_never_refused() {
        let passing = [
            SwapError::NoAnswer,
            SwapError::Build(BuildError::Lost),
            SwapError::Build(BuildError::Postgres(sqlx::Error::PoolTimedOut)),
        ];
        assert!(passing.iter().all(SwapError::is_passing));
        let (code, message) = ("account_banned".to_owned(), String::new());
        let lasting = [SwapError::Unknown, SwapError::Refused { code, message }];
        assert!(!lasting.iter().any(SwapError::is_passing));
    }
}
