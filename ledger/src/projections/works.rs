//! What was last done to a projection from the console: the table `projection_works`, a row each.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;

use super::Diff;
use super::registry::Instance;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Rebuild,
    Compare,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Compare => "compare",
        }
    }
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Work {
    pub kind: Kind,
    /// The one beside what is read.
    pub instance: i32,
    pub actor: String,
    /// µs.
    pub begun_at: i64,
    /// Nothing until it is over, or for ever if its ledger died.
    pub ended_at: Option<i64>,
    /// Why it came to nothing.
    pub error: Option<String>,
    /// What differed from what is read.
    pub diff: Option<Diff>,
}

/// In place of the one before. `act`: the position of the act that asked for it, if one did.
pub(super) async fn begin(
    pool: &PgPool,
    kind: Kind,
    beside: &Instance,
    actor: &str,
    act: Option<i64>,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO projection_works AS w (name, kind, instance, actor, begun_at, act) \
               VALUES ($1, $2, $3, $4, now_us(), $5) ON CONFLICT (name) DO UPDATE SET kind = EXCLUDED.kind, \
                   instance = EXCLUDED.instance, actor = EXCLUDED.actor, begun_at = EXCLUDED.begun_at, \
                   ended_at = NULL, error = NULL, diff = NULL, act = coalesce(EXCLUDED.act, w.act)";
    let begun = sqlx::query(sql).bind(&beside.name).bind(kind.as_str()).bind(beside.instance).bind(actor);
    begun.bind(act).execute(pool).await.map(drop)
}

/// Whether what this act asked for has begun, or what a later one did.
pub async fn has_begun(pool: &PgPool, name: &str, act: i64) -> Result<bool, sqlx::Error> {
    let sql = "SELECT EXISTS (SELECT FROM projection_works WHERE name = $1 AND act >= $2)";
    sqlx::query_scalar(sql).bind(name).bind(act).fetch_one(pool).await
}

/// It is over, unless another has begun.
pub(super) async fn end(
    pool: &PgPool,
    (name, instance): (&str, i32),
    outcome: Result<Option<&Diff>, String>,
) -> Result<(), sqlx::Error> {
    let (diff, error) = match outcome {
        Ok(diff) => (diff.and_then(|diff| serde_json::to_string(diff).ok()), None),
        Err(why) => (None, Some(why)),
    };
    let sql = "UPDATE projection_works SET ended_at = now_us(), error = $3, diff = $4 \
               WHERE name = $1 AND instance = $2 AND ended_at IS NULL";
    sqlx::query(sql).bind(name).bind(instance).bind(error).bind(diff).execute(pool).await.map(drop)
}

type Row = (String, i32, String, i64, Option<i64>, Option<String>, Option<String>);

/// The last one of this projection.
pub async fn last(pool: &PgPool, name: &str) -> Result<Option<Work>, sqlx::Error> {
    let sql =
        "SELECT kind, instance, actor, begun_at, ended_at, error, diff FROM projection_works WHERE name = $1";
    let found: Option<Row> = sqlx::query_as(sql).bind(name).fetch_optional(pool).await?;
    Ok(found.map(|(kind, instance, actor, begun_at, ended_at, error, diff)| Work {
        kind: if kind == Kind::Compare.as_str() { Kind::Compare } else { Kind::Rebuild },
        instance,
        actor,
        begun_at,
        ended_at,
        error,
        // One of another version's form is none.
        diff: diff.and_then(|diff| serde_json::from_str(&diff).ok()),
    }))
}
