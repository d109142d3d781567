//! What differs between two instances of a projection that stand at the same position.
//!
//! Both are read in one snapshot, joined by the primary key in Postgres (on disk if they are large), so the log and
//! the live one go on meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool};

use super::build::BuildError;
use super::level::level;
use super::registry::{self, Instance, State};
use super::{Definition, TableDef, Tables};
use crate::store;

/// Rows that are named; all are counted.
pub const NAMED_MAX: i64 = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowDiff {
    /// The primary key, as text.
    pub key: String,
    /// As it is in the live one, by column. `None`: only in the new one.
    pub old: Option<Value>,
    /// As the log makes it. `None`: only in the live one.
    pub new: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableDiff {
    /// Of the new one.
    pub table: String,
    pub rows: i64,
    pub only_old: i64,
    pub only_new: i64,
    pub differing: i64,
    /// Columns that only one of them has: not compared.
    pub not_compared: Vec<String>,
    /// The first of them.
    pub named: Vec<RowDiff>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    pub name: String,
    pub old: String,
    pub new: String,
    /// Both are the fold of the log up to here, if they are right.
    pub position: i64,
    pub tables: Vec<TableDiff>,
}

impl RowDiff {
    /// Of a row that both have: each column that is wrong, as it is, and as the log makes it.
    pub fn differing(&self) -> Vec<(&str, &Value, &Value)> {
        let (Some(Value::Object(old)), Some(Value::Object(new))) = (&self.old, &self.new) else {
            return Vec::new();
        };
        let differs = |(column, is)| Some((String::as_str(column), is, new.get(column)?));
        old.iter().filter_map(differs).filter(|(_, is, wanted)| is != wanted).collect()
    }

    /// The same in words.
    pub fn columns(&self) -> Vec<String> {
        let said = |(column, is, wanted)| format!("{column}: {is}, the log makes {wanted}");
        self.differing().into_iter().map(said).collect()
    }
}

impl TableDiff {
    pub const fn count(&self) -> i64 {
        self.only_old + self.only_new + self.differing
    }
}

impl Diff {
    pub fn count(&self) -> i64 {
        self.tables.iter().map(TableDiff::count).sum()
    }
}

/// Compares the instance beside with the live one. `None`: there is no live one, or it stands behind.
///
/// # Errors
/// The one beside could not be brought level.
pub async fn diff(
    pool: &PgPool,
    definition: &'static Definition,
    beside: Instance,
) -> Result<Option<Diff>, BuildError> {
    let state = beside.state;
    let level = level(pool, definition, beside).await?;
    let mut snapshot = store::begin(pool).await?;
    snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    // The first statement takes the snapshot; only then the live one may go on.
    let live = registry::find(&mut *snapshot, definition.name, State::Live).await?;
    let beside = registry::find(&mut *snapshot, definition.name, state).await?;
    level.tx.rollback().await?;
    let (Some(live), Some(beside)) = (live, beside) else { return Ok(None) };
    if live.position != beside.position {
        return Ok(None);
    }
    let (old, new) = (live.tables(), beside.tables());
    let tables = diff_all(&mut snapshot, definition, &old, &new).await?;
    snapshot.rollback().await?;
    Ok(Some(Diff {
        name: definition.name.to_owned(),
        old: old.name().to_owned(),
        new: new.name().to_owned(),
        position: live.position,
        tables,
    }))
}

/// Compares a definition's tables with others of the same form, in the transaction's snapshot.
pub(crate) async fn diff_all(
    tx: &mut PgConnection,
    definition: &Definition,
    old: &Tables,
    new: &Tables,
) -> Result<Vec<TableDiff>, sqlx::Error> {
    let mut tables = Vec::new();
    for def in definition.tables {
        tables.push(diff_table(tx, def, &old.table(def.suffix), &new.table(def.suffix)).await?);
    }
    Ok(tables)
}

async fn diff_table(
    tx: &mut PgConnection,
    def: &TableDef,
    old: &str,
    new: &str,
) -> Result<TableDiff, sqlx::Error> {
    let (in_old, in_new) = (columns(tx, old).await?, columns(tx, new).await?);
    let (common, rest): (Vec<String>, Vec<String>) =
        in_new.iter().cloned().partition(|column| in_old.contains(column));
    let mut not_compared = rest;
    not_compared.extend(in_old.iter().filter(|column| !in_new.contains(column)).cloned());
    let keys: Vec<&str> = def.key.split(',').map(str::trim).collect();
    let mut diff = TableDiff { table: new.to_owned(), not_compared, ..TableDiff::default() };
    diff.rows = count(tx, new).await?;
    if in_old.is_empty() || keys.iter().any(|key| !common.iter().any(|column| column == key)) {
        // Another version had no such table, or other keys: every row is new.
        diff.only_new = diff.rows;
        diff.only_old = if in_old.is_empty() { 0 } else { count(tx, old).await? };
        return Ok(diff);
    }
    let of = |side: &str| common.iter().map(|c| format!("{side}.{c}")).collect::<Vec<_>>().join(", ");
    let on = keys.iter().map(|key| format!("o.{key} = n.{key}")).collect::<Vec<_>>().join(" AND ");
    let key = keys[0];
    let from = format!(
        "FROM {old} o FULL JOIN {new} n ON {on} WHERE ({}) IS DISTINCT FROM ({}) \
         OR o.{key} IS NULL OR n.{key} IS NULL",
        row(&of("o")),
        row(&of("n"))
    );
    let sql = format!(
        "SELECT count(*) FILTER (WHERE n.{key} IS NULL), count(*) FILTER (WHERE o.{key} IS NULL), count(*) {from}"
    );
    let (only_old, only_new, all): (i64, i64, i64) =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *tx).await?;
    (diff.only_old, diff.only_new, diff.differing) = (only_old, only_new, all - only_old - only_new);
    if all > 0 {
        let name =
            keys.iter().map(|k| format!("coalesce(o.{k}, n.{k})::text")).collect::<Vec<_>>().join(", ");
        let order = keys.iter().map(|k| format!("coalesce(o.{k}, n.{k})")).collect::<Vec<_>>().join(", ");
        let object = |side: &str| {
            let columns = common.iter().map(|c| format!("'{c}', {side}.{c}")).collect::<Vec<_>>().join(", ");
            format!("CASE WHEN {side}.{key} IS NOT NULL THEN json_build_object({columns})::text END")
        };
        let sql = format!(
            "SELECT concat_ws(' ', {name}), {}, {} {from} ORDER BY {order} LIMIT $1",
            object("o"),
            object("n")
        );
        let found: Vec<(String, Option<String>, Option<String>)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(NAMED_MAX).fetch_all(&mut *tx).await?;
        let read = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        let named = found.into_iter().map(|(key, old, new)| RowDiff { key, old: read(old), new: read(new) });
        diff.named.extend(named);
    }
    Ok(diff)
}

fn row(columns: &str) -> String {
    format!("ROW({columns})")
}

async fn count(tx: &mut PgConnection, table: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(tx).await
}

/// The names of a table's columns, in order; none if there is no such table.
async fn columns(tx: &mut PgConnection, table: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 \
         AND NOT attisdropped ORDER BY attnum",
    )
    .bind(table)
    .fetch_all(tx)
    .await
}
