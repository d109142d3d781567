//! Acts that wait for the word of a second administrator. Times are Postgres' own, in µs.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The command's id.
    pub id: String,
    pub verb: &'static str,
    pub account: Uuid,
    /// The command's body, JSON.
    pub body: String,
    /// What it is about, for people.
    pub subject: String,
    pub credits: Option<i64>,
    pub reason: String,
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Proposal {
    pub id: String,
    pub verb: String,
    pub account_id: Uuid,
    pub body: Option<String>,
    pub subject: String,
    pub credits: Option<i64>,
    pub reason: String,
    pub proposed_by: String,
    pub proposed_at: i64,
    pub lapses_at: i64,
    pub state: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<i64>,
    pub decision: Option<String>,
    pub outcome: Option<String>,
    /// Nobody agreed in time.
    pub lapsed: bool,
    /// Somebody agreed, and it was not carried out in time.
    pub stale: bool,
}

const COLUMNS: &str = "id, verb, account_id, body, subject, credits, reason, proposed_by, proposed_at, lapses_at, state, \
    decided_by, decided_at, decision, outcome, state = 'open' AND lapses_at <= now_us() AS lapsed, \
    state = 'approving' AND lapses_at <= now_us() AS stale";

/// The same act put aside again is one; `false`: it waits no more, and stays as it was decided. What nobody agreed to in time
/// is forgotten with it.
pub async fn put_aside(pool: &PgPool, p: &Proposed, life_us: i64) -> Result<bool, sqlx::Error> {
    let sql = "WITH lapsed AS (UPDATE proposals SET body = NULL \
                   WHERE state = 'open' AND lapses_at < now_us() AND body IS NOT NULL) \
               INSERT INTO proposals (id, verb, account_id, body, subject, credits, reason, proposed_by, proposed_at, \
                   lapses_at, state) \
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, now_us(), now_us() + $9, 'open' ON CONFLICT (id) DO NOTHING";
    let put = sqlx::query(sql).bind(&p.id).bind(p.verb).bind(p.account).bind(&p.body).bind(&p.subject);
    let put = put.bind(p.credits).bind(&p.reason).bind(&p.by).bind(life_us);
    if put.execute(pool).await?.rows_affected() == 1 {
        return Ok(true);
    }
    Ok(proposal(pool, &p.id).await?.is_some_and(|there| there.state == "open" && !there.lapsed))
}

/// Those that wait, the oldest first, then those decided last.
pub async fn proposals(pool: &PgPool, max: i64) -> Result<Vec<Proposal>, sqlx::Error> {
    // Each half by an index of its own: however much was decided or has lapsed, a page of it is read.
    let of = |halves: [(&str, &str); 2], order: &str| {
        let [a, b] = halves.map(|(which, order)| {
            format!("(SELECT {COLUMNS} FROM proposals WHERE {which} ORDER BY {order} LIMIT $1)")
        });
        format!("SELECT * FROM ({a} UNION ALL {b}) of_both ORDER BY {order} LIMIT $1")
    };
    // Nobody can agree to what has lapsed: it keeps none that waits off the page.
    let waiting = of(
        [
            ("state IN ('approving', 'refusing')", "proposed_at"),
            ("state = 'open' AND lapses_at > (SELECT now_us())", "lapses_at"),
        ],
        "proposed_at",
    );
    let mut all: Vec<Proposal> =
        sqlx::query_as(sqlx::AssertSqlSafe(waiting)).bind(max).fetch_all(pool).await?;
    let decided = of(
        [
            ("state IN ('done', 'failed', 'refused')", "decided_at DESC"),
            ("state = 'open' AND lapses_at <= (SELECT now_us())", "lapses_at DESC"),
        ],
        "coalesce(decided_at, lapses_at) DESC",
    );
    let decided: Vec<Proposal> =
        sqlx::query_as(sqlx::AssertSqlSafe(decided)).bind(max).fetch_all(pool).await?;
    all.extend(decided);
    Ok(all)
}

pub async fn proposal(pool: &PgPool, id: &str) -> Result<Option<Proposal>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM proposals WHERE id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(pool).await
}

/// The first decision counts. False: there is one, it lapsed, or `approves` and it is one's own.
pub async fn decide_proposal(
    pool: &PgPool,
    id: &str,
    by: &str,
    reason: &str,
    approves: bool,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE proposals SET state = CASE WHEN $4 THEN 'approving' ELSE 'refusing' END, decided_by = $2, \
                   decided_at = now_us(), decision = $3 \
               WHERE id = $1 AND state = 'open' AND (NOT $4 OR proposed_by <> $2 AND lapses_at > now_us())";
    let decided = sqlx::query(sql).bind(id).bind(by).bind(reason).bind(approves).execute(pool).await?;
    Ok(decided.rows_affected() == 1)
}

/// Why a publication that waited is not agreed to any more.
const CHANGED_SINCE: &str = "the draft was changed since";

/// Nobody agrees to prices that were corrected since: those that wait are refused. In the transaction that changes the draft.
pub(super) async fn refuse_publications(at: &mut PgConnection) -> Result<(), sqlx::Error> {
    let sql = "UPDATE proposals SET state = 'refused', outcome = $1, decided_at = now_us(), body = NULL \
               WHERE verb = 'catalog_publish' AND state = 'open' AND lapses_at > now_us()";
    sqlx::query(sql).bind(CHANGED_SINCE).execute(at).await.map(drop)
}

/// Of publications that wait only this one, of the draft's revision; not even this one where the draft was changed
/// meanwhile. Whether it waits.
pub async fn keep_publication(pool: &PgPool, id: &str, revision: i64) -> Result<bool, sqlx::Error> {
    // The lock waits for who is changing the draft, and who changes it next sees the proposal.
    let sql = "WITH draft AS MATERIALIZED (SELECT revision FROM catalog_draft WHERE one FOR SHARE) \
               UPDATE proposals SET state = 'refused', outcome = $3, decided_at = now_us(), body = NULL \
               FROM draft WHERE verb = 'catalog_publish' AND state = 'open' AND lapses_at > now_us() \
                   AND (id <> $1 OR draft.revision <> $2)";
    sqlx::query(sql).bind(id).bind(revision).bind(CHANGED_SINCE).execute(pool).await?;
    Ok(proposal(pool, id).await?.is_some_and(|p| p.outcome.as_deref() != Some(CHANGED_SINCE)))
}

/// What was decided is carried out: `done`, `failed` (the log refused it: why), or `refused`.
pub async fn end_proposal(
    pool: &PgPool,
    id: &str,
    state: &'static str,
    outcome: Option<&str>,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE proposals SET state = $2, outcome = $3, body = NULL \
               WHERE id = $1 AND state IN ('approving', 'refusing')";
    sqlx::query(sql).bind(id).bind(state).bind(outcome).execute(pool).await.map(drop)
}
