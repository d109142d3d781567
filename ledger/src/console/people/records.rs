//! What stands of a person beside the log: by the account's keys, each list bounded.

use proto_events::AccountId;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::projections;
use crate::store::BUCKET_BITS;

/// Of each list on the page.
pub(super) const NEWEST: usize = 10;
/// More than anybody has at once, as a rule.
const LOTS_MAX: i64 = 100;

/// Credits that are left of a grant, or held.
#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
pub(super) struct Lot {
    pub(super) lot: i64,
    /// Of the grant.
    pub(super) position: i64,
    pub(super) granted_at: i64,
    pub(super) source: String,
    /// Granted.
    pub(super) credits: i64,
    pub(super) available: i64,
    pub(super) reserved: i64,
    pub(super) expires_at: Option<i64>,
}

pub(super) async fn lots(pool: &PgPool, account: AccountId) -> Result<Vec<Lot>, sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, "lots").await? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT lot, position, granted_at, source, credits, available, reserved, expires_at FROM {} \
         WHERE account_id = $1 AND (available > 0 OR reserved > 0) ORDER BY lot DESC LIMIT $2",
        tables.main()
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(LOTS_MAX).fetch_all(pool).await
}

/// A payment as it stands.
#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
pub(super) struct Paid {
    pub(super) payment: String,
    pub(super) opened_at: i64,
    pub(super) rail: String,
    pub(super) package: String,
    pub(super) credits: i64,
    pub(super) price_minor: i64,
    pub(super) currency: String,
    pub(super) state: String,
    /// Once it is.
    pub(super) paid_minor: Option<i64>,
}

pub(super) async fn payments(pool: &PgPool, account: AccountId) -> Result<Vec<Paid>, sqlx::Error> {
    let Some((tables, position)) = projections::live(pool, "payments").await? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT p.* FROM generate_series($2::bigint >> {BUCKET_BITS}, 0, -1) b(n), LATERAL ( \
            SELECT position, payment, opened_at, rail, package, credits, price_minor, currency, state, paid_minor \
            FROM {} WHERE bucket = b.n AND account_id = $1 ORDER BY position DESC LIMIT $3) p \
         ORDER BY p.position DESC LIMIT $3",
        tables.main()
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(position);
    asked.bind(NEWEST as i64).fetch_all(pool).await
}

/// Who came by the person's link.
#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
pub(super) struct Invited {
    pub(super) account: Uuid,
    pub(super) at: i64,
    /// What it brought the person, if it did.
    pub(super) credits: Option<i64>,
}

/// The newest; and by whose link the person came.
pub(super) async fn referrals(
    pool: &PgPool,
    account: AccountId,
) -> Result<(Vec<Invited>, Option<Uuid>), sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, "referrals").await? else {
        return Ok((Vec::new(), None));
    };
    let came = format!(
        "SELECT invited AS account, registered_at AS at, inviter_credits AS credits FROM {} \
         WHERE inviter = $1 ORDER BY position DESC LIMIT $2",
        tables.main()
    );
    let invited =
        sqlx::query_as(AssertSqlSafe(came)).bind(account.0).bind(NEWEST as i64).fetch_all(pool).await?;
    let by = format!("SELECT inviter FROM {} WHERE invited = $1 LIMIT 1", tables.main());
    let inviter = sqlx::query_scalar(AssertSqlSafe(by)).bind(account.0).fetch_optional(pool).await?;
    Ok((invited, inviter))
}

/// What the person has set, and what is kept of them beside.
#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
pub(super) struct Kept {
    pub(super) language: String,
    pub(super) banned: bool,
    /// Since when they can't be reached.
    pub(super) away_since: Option<i64>,
    pub(super) model: Option<String>,
    pub(super) aspect_ratio: Option<String>,
    pub(super) size: Option<String>,
    /// Pictures as files.
    pub(super) as_file: bool,
    /// Photos kept for pictures.
    pub(super) references: i64,
    /// Messages in administrators' chats that stand for the person.
    pub(super) support_notes: i64,
    pub(super) support_noted_at: Option<i64>,
    /// What they wanted and could not pay is kept until they can.
    pub(super) has_wish: bool,
}

/// `None`: nothing, the person was erased.
pub(super) async fn kept(pool: &PgPool, account: AccountId) -> Result<Option<Kept>, sqlx::Error> {
    let sql = "SELECT language, banned, away_since, model, aspect_ratio, size, as_file, wish IS NOT NULL AS has_wish, \
            (SELECT count(*) FROM reference_photos r WHERE r.account_id = p.account_id) AS \"references\", \
            n.count AS support_notes, n.newest AS support_noted_at \
         FROM profiles p, LATERAL (SELECT count(*), max(noted_at) AS newest FROM support_notes s \
            WHERE s.account_id = p.account_id) n WHERE account_id = $1";
    sqlx::query_as(sql).bind(account.0).fetch_optional(pool).await
}

/// Who somebody is.
#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) telegram_user: i64,
    pub(super) email: Option<String>,
}

pub(super) async fn who(pool: &PgPool, account: AccountId) -> Result<Option<Who>, sqlx::Error> {
    let sql = "SELECT name, telegram_user_id AS telegram_user, email FROM profiles \
               JOIN telegram_identities USING (account_id) WHERE account_id = $1";
    sqlx::query_as(sql).bind(account.0).fetch_optional(pool).await
}
