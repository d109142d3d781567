//! Exchanges the live instance of a projection for the one beside it, or for the one before it.
//!
//! Phases: somebody asks in the registry (`swap`) → the leader sees it, brings the instance near → appends
//! ProjectionSwapped, under a command id made of the two instances → in one transaction, which makes the
//! follower wait for some ms: brings it level, the live one becomes old, the other one live.
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

use super::build::BuildError;
use super::level::level;
use super::registry::{self, Instance, State};
use super::{Definition, find};
use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};

/// How often the leader looks for wishes.
const LOOK: Duration = Duration::from_millis(250);
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
                if let Err(error) = swap(&pool, &queue, &instance).await {
                    tracing::error!(instance = instance.tables().name(), %error, "could not be swapped in");
                    let said = registry::refuse_wish(&pool, &instance, &error.to_string()).await;
                    if let Err(error) = said {
                        tracing::warn!(%error, "a refusal could not be noted");
                    }
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "can't look for instances to swap in"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn swap(pool: &PgPool, queue: &Queue, instance: &Instance) -> Result<(), SwapError> {
    let definition = find(&instance.name).ok_or(SwapError::Unknown)?;
    if definition.version != instance.version {
        return Err(SwapError::Unknown);
    }
    // What takes long is done before the event, which can't be taken back.
    level(pool, definition, instance.clone()).await?.tx.rollback().await?;
    let live = registry::find(pool, definition.name, State::Live).await?;
    if let Some(live) = &live {
        say(queue, live, instance).await?;
    }
    fail::fail_point!("ledger.swap.appended");
    exchange(pool, definition, instance.clone()).await?;
    tracing::info!(instance = instance.tables().name(), "swapped in");
    Ok(())
}

/// Makes it the live one. The one that was is kept; what was kept before is dropped.
async fn exchange(
    pool: &PgPool,
    definition: &'static Definition,
    instance: Instance,
) -> Result<(), BuildError> {
    let Some(now) = registry::find(pool, definition.name, instance.state).await? else {
        return Err(BuildError::Lost);
    };
    if now.instance != instance.instance {
        return Err(BuildError::Lost);
    }
    let mut level = level(pool, definition, now).await?;
    let kept = registry::find(&mut *level.tx, definition.name, State::Old).await?;
    if let Some(kept) = kept.filter(|kept| kept.instance != instance.instance) {
        registry::remove(&mut level.tx, &kept).await?;
    }
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
