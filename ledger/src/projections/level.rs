//! Brings an instance to exactly where the live one stands, so that they can be compared or exchanged.

use sqlx::PgPool;

use super::Definition;
use super::build::{Build, BuildError};
use super::rebuild::goal_of;
use super::registry::{self, Instance, State};
use crate::store;

/// Both instances at one position; the live one's follower waits until the transaction ends, some ms.
/// Readers don't: they lock nothing.
pub(super) struct Level {
    pub tx: store::Transaction,
    /// `None`: there is no live one.
    pub live: Option<Instance>,
    pub beside: Instance,
}

pub(super) async fn level(
    pool: &PgPool,
    definition: &'static Definition,
    beside: Instance,
) -> Result<Level, BuildError> {
    let mut build = Build::new(pool.clone(), definition, beside);
    // All but the newest, while the live one goes on.
    let goal = goal_of(pool, definition).await?;
    build.catch_up(goal).await?;
    let mut tx = store::begin(pool).await?;
    // A process that is stopped here must not keep the follower waiting.
    sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 2000").execute(&mut *tx).await?;
    let locked: Option<i64> = sqlx::query_scalar(
        "SELECT position FROM projection_instances WHERE name = $1 AND state = 'live' FOR UPDATE",
    )
    .bind(definition.name)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(position) = locked {
        build.catch_up(position).await?;
    }
    let live = registry::find(&mut *tx, definition.name, State::Live).await?;
    let mut beside = build.instance.clone();
    beside.position = build.position();
    Ok(Level { tx, live, beside })
}
