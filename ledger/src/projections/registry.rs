//! Which instances of each projection there are: the table `projection_instances`.
//!
//! Everybody who works on projections meets here: the leader, which follows the live ones, and
//! `ledger replay`, which makes others beside them. Every change names the state it starts from, so the
//! second of two who want the same finds nothing to change.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgExecutor, PgPool, Row as _};
use uuid::Uuid;

use super::{Definition, Progress, TableDef, Tables};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Building,
    Ready,
    Live,
    Old,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Live => "live",
            Self::Old => "old",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Building, Self::Ready, Self::Live, Self::Old].into_iter().find(|s| s.as_str() == text)
    }
}

/// One row of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Instance {
    pub name: String,
    pub instance: i32,
    pub version: i64,
    pub state: State,
    /// The rows are the fold of the log up to here.
    pub position: i64,
    pub failure: Option<String>,
    /// The event it stopped at.
    pub failed_at: Option<i64>,
    /// What is being done with it.
    pub stage: Option<String>,
    /// How far that is, written or not.
    pub reached: Option<i64>,
    /// Where that ends.
    pub target: Option<i64>,
    /// Events a second of whoever works on it.
    pub rate: Option<i64>,
    /// When somebody asked for it to be made the live one, µs, and the position it had.
    pub wished_at: Option<i64>,
    pub wished_position: Option<i64>,
    /// Why that was refused.
    pub wish_refused: Option<String>,
    /// µs since the worker's last sign of life; none if nobody works on it.
    pub silent_us: Option<i64>,
}

impl Instance {
    pub fn tables(&self) -> Tables {
        Tables::of(&self.name, self.instance)
    }

    /// The leader has begun to make it the live one; it may have died since.
    pub fn is_taken_up(&self) -> bool {
        self.wished_at.is_some() && self.silent_us.is_some()
    }

    /// Of the work that is done with it, in whole percent of its target.
    pub fn percent(&self) -> Option<i64> {
        self.reached.unwrap_or(self.position).saturating_mul(100).checked_div(self.target?)
    }

    /// Seconds until that work is there, as fast as it was so far.
    pub fn left_s(&self) -> Option<i64> {
        let left = (self.target? - self.reached.unwrap_or(self.position)).max(0);
        left.checked_div(self.rate?)
    }

    /// Somebody works on it. A worker gives a sign of life every second.
    pub fn is_worked_on(&self) -> bool {
        self.silent_us.is_some_and(|us| us < SILENCE_MAX_US)
    }
}

/// A worker that was silent for so long is dead: what it was making may be cleaned up.
pub const SILENCE_MAX_US: i64 = 10_000_000;

/// Nobody works on it.
const IDLE: &str = "worker = NULL, alive_at = NULL, stage = NULL, reached = NULL, \
     target = NULL, rate = NULL, cancel = false";

const COLUMNS: &str = "name, instance, version, state, position, failure, failed_at, stage, reached, target, \
     rate, wished_at, wished_position, wish_refused, now_us() - alive_at AS silent_us";

fn read(row: &PgRow) -> Result<Instance, sqlx::Error> {
    let state: &str = row.try_get("state")?;
    Ok(Instance {
        name: row.try_get("name")?,
        instance: row.try_get("instance")?,
        version: row.try_get("version")?,
        state: State::parse(state).ok_or_else(|| sqlx::Error::Decode("a state of another version".into()))?,
        position: row.try_get("position")?,
        failure: row.try_get("failure")?,
        failed_at: row.try_get("failed_at")?,
        stage: row.try_get("stage")?,
        reached: row.try_get("reached")?,
        target: row.try_get("target")?,
        rate: row.try_get("rate")?,
        wished_at: row.try_get("wished_at")?,
        wished_position: row.try_get("wished_position")?,
        wish_refused: row.try_get("wish_refused")?,
        silent_us: row.try_get("silent_us")?,
    })
}

/// All instances, by name, the newest last.
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<Instance>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM projection_instances ORDER BY name, instance");
    sqlx::query(AssertSqlSafe(sql)).fetch_all(executor).await?.iter().map(read).collect()
}

/// The instance of a projection in this state, if there is one.
pub async fn find(
    executor: impl PgExecutor<'_>,
    name: &str,
    state: State,
) -> Result<Option<Instance>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM projection_instances WHERE name = $1 AND state = $2");
    let found = sqlx::query(AssertSqlSafe(sql)).bind(name).bind(state.as_str()).fetch_optional(executor);
    found.await?.as_ref().map(read).transpose()
}

/// Moves a checkpoint; in the transaction that writes the rows. `false`: somebody else has moved it, or
/// the instance has another state now.
pub(super) async fn move_checkpoint(
    tx: &mut PgConnection,
    instance: &Instance,
    from: i64,
    to: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE projection_instances SET position = $1, failure = NULL, failed_at = NULL \
               WHERE name = $2 AND instance = $3 AND state = $4 AND position = $5";
    let moved = sqlx::query(sql)
        .bind(to)
        .bind(&instance.name)
        .bind(instance.instance)
        .bind(instance.state.as_str())
        .bind(from);
    Ok(moved.execute(tx).await?.rows_affected() == 1)
}

/// Says why the live instance stands still before an event. `false`: it has moved on, or is not live any more.
pub(super) async fn note_failure(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    failed_at: i64,
    failure: &str,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE projection_instances SET failure = $1, failed_at = $2 \
               WHERE name = $3 AND instance = $4 AND state = 'live' AND position = $2 - 1";
    let noted = sqlx::query(sql).bind(failure).bind(failed_at).bind(&instance.name).bind(instance.instance);
    Ok(noted.execute(executor).await?.rows_affected() == 1)
}

/// Enters a new instance and makes its tables. `None`: there is one in this state, or in one that excludes it.
pub(super) async fn create(
    tx: &mut PgConnection,
    definition: &Definition,
    state: State,
) -> Result<Option<Instance>, sqlx::Error> {
    let sql = "INSERT INTO projection_instances (name, instance, version, state, position, created_at) \
               SELECT $1, coalesce(max(instance), 0) + 1, $2, $3, 0, now_us() FROM projection_instances \
               WHERE name = $1 ON CONFLICT DO NOTHING RETURNING instance";
    let made: Option<i32> = sqlx::query_scalar(sql)
        .bind(definition.name)
        .bind(definition.version)
        .bind(state.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(instance) = made else { return Ok(None) };
    let tables = Tables::of(definition.name, instance);
    // Left by an instance that was removed from the registry alone.
    drop_tables(tx, definition.name, instance).await?;
    for table in definition.tables {
        tx.execute(AssertSqlSafe(create_table(&tables, table, ""))).await?;
    }
    find(tx, definition.name, state).await
}

pub(super) fn create_table(tables: &Tables, def: &TableDef, kind: &str) -> String {
    let TableDef { suffix, columns, key, fillfactor, .. } = def;
    let table = tables.table(suffix);
    format!(
        "CREATE {kind} TABLE {table} ({columns}, PRIMARY KEY ({key}) WITH (fillfactor = 90)) \
         WITH (fillfactor = {fillfactor})"
    )
}

/// The statements that make the other indexes of an instance.
pub(super) fn create_indexes(tables: &Tables, definition: &Definition) -> Vec<String> {
    let of = |def: &TableDef| {
        let table = tables.table(def.suffix);
        def.indexes
            .iter()
            .map(move |columns| format!("CREATE INDEX ON {table} ({columns})"))
            .collect::<Vec<_>>()
    };
    definition.tables.iter().flat_map(of).collect()
}

/// Drops whatever tables the instance has, also such as this version does not know.
pub(super) async fn drop_tables(tx: &mut PgConnection, name: &str, instance: i32) -> Result<(), sqlx::Error> {
    let tables = Tables::of(name, instance);
    let sql = "SELECT tablename::text FROM pg_tables \
               WHERE schemaname = 'projections' AND (tablename = $1 OR starts_with(tablename, $1 || '_'))";
    let found: Vec<String> = sqlx::query_scalar(sql).bind(tables.name()).fetch_all(&mut *tx).await?;
    for table in found {
        tx.execute(AssertSqlSafe(format!("DROP TABLE projections.\"{table}\""))).await?;
    }
    Ok(())
}

/// What a worker has found at its last sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    GoOn,
    Stop,
    /// The row is gone or somebody else's: stop at once and touch nothing.
    Lost,
}

/// Takes an instance to be worked on by one worker alone. `false`: another one is alive, or it is gone.
pub(super) async fn take(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    worker: Uuid,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE projection_instances SET worker = $1, alive_at = now_us(), cancel = false \
               WHERE name = $2 AND instance = $3 AND state = $4 \
                 AND (alive_at IS NULL OR alive_at < now_us() - $5)";
    let taken = sqlx::query(sql)
        .bind(worker)
        .bind(&instance.name)
        .bind(instance.instance)
        .bind(instance.state.as_str())
        .bind(SILENCE_MAX_US);
    Ok(taken.execute(executor).await?.rows_affected() == 1)
}

/// A worker's sign of life, with how far it is.
pub(super) async fn alive(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    worker: Uuid,
    now: &Progress,
) -> Result<Wish, sqlx::Error> {
    let sql = "UPDATE projection_instances SET alive_at = now_us(), stage = $4, target = $5, rate = $6, reached = $7 \
               WHERE name = $1 AND instance = $2 AND worker = $3 RETURNING cancel";
    let found: Option<bool> = sqlx::query_scalar(sql)
        .bind(&instance.name)
        .bind(instance.instance)
        .bind(worker)
        .bind(now.stage)
        .bind(now.target)
        .bind(now.rate)
        .bind(now.done)
        .fetch_optional(executor)
        .await?;
    Ok(match found {
        Some(true) => Wish::Stop,
        Some(false) => Wish::GoOn,
        None => Wish::Lost,
    })
}

/// What was built is ready; its worker keeps it.
pub(super) async fn make_ready(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    worker: Uuid,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE projection_instances SET state = 'ready', alive_at = now_us(), target = NULL, rate = NULL, reached = NULL \
               WHERE name = $1 AND instance = $2 AND worker = $3 AND state = 'building'";
    let done = sqlx::query(sql).bind(&instance.name).bind(instance.instance).bind(worker);
    Ok(done.execute(executor).await?.rows_affected() == 1)
}

/// The worker has done with it.
pub(super) async fn let_go(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    worker: Uuid,
) -> Result<(), sqlx::Error> {
    let sql =
        format!("UPDATE projection_instances SET {IDLE} WHERE name = $1 AND instance = $2 AND worker = $3");
    let done = sqlx::query(AssertSqlSafe(sql)).bind(&instance.name).bind(instance.instance).bind(worker);
    done.execute(executor).await?;
    Ok(())
}

/// Asks whoever works on an instance to stop.
pub(super) async fn ask_to_cancel(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE projection_instances SET cancel = true WHERE name = $1 AND instance = $2";
    sqlx::query(sql).bind(&instance.name).bind(instance.instance).execute(executor).await?;
    Ok(())
}

/// Removes an instance that is not read: its tables and its row, in one transaction. Whoever still reads an old
/// one is waited for.
pub(super) async fn remove(tx: &mut PgConnection, instance: &Instance) -> Result<bool, sqlx::Error> {
    let sql = "DELETE FROM projection_instances WHERE name = $1 AND instance = $2 AND state = $3 AND state <> 'live'";
    let removed = sqlx::query(sql)
        .bind(&instance.name)
        .bind(instance.instance)
        .bind(instance.state.as_str())
        .execute(&mut *tx)
        .await?;
    if removed.rows_affected() != 1 {
        return Ok(false);
    }
    drop_tables(tx, &instance.name, instance.instance).await?;
    Ok(true)
}

/// Asks the leader to make an instance the live one. `false`: it is gone, or somebody else works on it.
pub(super) async fn wish(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    worker: Option<Uuid>,
) -> Result<bool, sqlx::Error> {
    let sql = format!(
        "UPDATE projection_instances SET {IDLE}, wished_at = now_us(), wished_position = position, wish_refused = NULL \
         WHERE name = $1 AND instance = $2 AND state IN ('ready', 'old') \
           AND (worker IS NULL OR worker = $3 OR alive_at < now_us() - $4)"
    );
    let wished = sqlx::query(AssertSqlSafe(sql))
        .bind(&instance.name)
        .bind(instance.instance)
        .bind(worker)
        .bind(SILENCE_MAX_US);
    Ok(wished.execute(executor).await?.rows_affected() == 1)
}

/// Asks the leader to make one the live one that is ready and that nobody works on. `false`: it is not so.
pub async fn wish_ready(pool: &PgPool, ready: &Instance) -> Result<bool, sqlx::Error> {
    wish(pool, ready, None).await
}

/// Which of two builds; a later one has a larger number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Back,
    Forward,
}

/// What is kept beside what is read.
#[derive(Debug)]
pub enum Kept {
    /// The leader is asked to make `to` the live one instead of `from`.
    Wished {
        from: Instance,
        to: Instance,
    },
    /// It lies the other way: nothing was asked.
    OtherWay {
        live: Instance,
        kept: Instance,
    },
    Nothing,
    /// Somebody works on it.
    Busy,
}

/// Asks the leader to make the one that is kept the live one again, if that is the way that is meant: asked twice, it
/// does not go back and forth.
pub async fn wish_kept(pool: &PgPool, name: &str, way: Way) -> Result<Kept, sqlx::Error> {
    let (live, kept) = (find(pool, name, State::Live).await?, find(pool, name, State::Old).await?);
    let (Some(live), Some(kept)) = (live, kept) else { return Ok(Kept::Nothing) };
    let leads = if kept.instance < live.instance { Way::Back } else { Way::Forward };
    if leads != way {
        return Ok(Kept::OtherWay { live, kept });
    }
    let wished = wish(pool, &kept, None).await?;
    Ok(if wished { Kept::Wished { from: live, to: kept } } else { Kept::Busy })
}

/// Takes a wish back. `false`: it is being fulfilled, or was; also by a leader that died, since the log may say so.
pub async fn take_back_wish(executor: impl PgExecutor<'_>, instance: &Instance) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE projection_instances SET wished_at = NULL, wished_position = NULL \
               WHERE name = $1 AND instance = $2 AND wished_at IS NOT NULL AND state <> 'live' AND worker IS NULL";
    let taken = sqlx::query(sql).bind(&instance.name).bind(instance.instance);
    Ok(taken.execute(executor).await?.rows_affected() == 1)
}

/// The wish that has waited longest.
pub(super) async fn wished(executor: impl PgExecutor<'_>) -> Result<Option<Instance>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM projection_instances WHERE wished_at IS NOT NULL AND state IN ('ready', 'old') \
         ORDER BY wished_at LIMIT 1"
    );
    sqlx::query(AssertSqlSafe(sql)).fetch_optional(executor).await?.as_ref().map(read).transpose()
}

/// The leader begins to fulfil a wish: from now on nobody takes it back or drops the instance. `false`: it was taken
/// back. One leader follows another, so a worker that is noted here is a dead leader's.
pub(super) async fn take_up_wish(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    worker: Uuid,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE projection_instances SET worker = $3, alive_at = now_us(), stage = 'swapping in', cancel = false \
               WHERE name = $1 AND instance = $2 AND wished_at = $4 AND state IN ('ready', 'old')";
    let taken =
        sqlx::query(sql).bind(&instance.name).bind(instance.instance).bind(worker).bind(instance.wished_at);
    Ok(taken.execute(executor).await?.rows_affected() == 1)
}

/// By the leader that has taken it up; nothing happens if that is another one now.
pub(super) async fn refuse_wish(
    executor: impl PgExecutor<'_>,
    instance: &Instance,
    worker: Uuid,
    why: &str,
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "UPDATE projection_instances SET {IDLE}, wished_at = NULL, wished_position = NULL, wish_refused = $3 \
         WHERE name = $1 AND instance = $2 AND worker = $4 AND state <> 'live'"
    );
    let refused =
        sqlx::query(AssertSqlSafe(sql)).bind(&instance.name).bind(instance.instance).bind(why).bind(worker);
    refused.execute(executor).await?;
    Ok(())
}

/// The live one becomes old, the one beside live. In the transaction that has brought them level.
pub(super) async fn exchange(
    tx: &mut PgConnection,
    live: Option<&Instance>,
    beside: &Instance,
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "UPDATE projection_instances SET {IDLE}, state = $4, wished_at = NULL, wished_position = NULL, \
            wish_refused = NULL WHERE name = $1 AND instance = $2 AND state = $3"
    );
    let mut set = async |instance: &Instance, from: &str, to: State| {
        let done = sqlx::query(AssertSqlSafe(sql.as_str()))
            .bind(&instance.name)
            .bind(instance.instance)
            .bind(from)
            .bind(to.as_str())
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
    };
    // Never two live ones, not even within the transaction: a unique index says so.
    if let Some(live) = live {
        set(live, "live", State::Old).await?;
    }
    set(beside, beside.state.as_str(), State::Live).await
}
