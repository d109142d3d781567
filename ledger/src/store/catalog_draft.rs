//! The next catalog while it is written: one row, which counts its changes.

use sqlx::PgPool;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CatalogDraft {
    /// Of each change another, for ever: also of its end.
    pub revision: i64,
    /// JSON; nothing: there is no draft.
    pub catalog: Option<String>,
    /// The version that it is to follow.
    pub base: Option<i64>,
    pub edited_by: Option<String>,
    /// µs
    pub edited_at: Option<i64>,
}

pub async fn catalog_draft(pool: &PgPool) -> Result<CatalogDraft, sqlx::Error> {
    let sql = "SELECT revision, catalog, base, edited_by, edited_at FROM catalog_draft WHERE one";
    sqlx::query_as(sql).fetch_one(pool).await
}

/// In the place of the one that was seen. `catalog`: nothing ends it. Publications that wait are refused with it. False:
/// somebody else has changed it since; who pressed twice has not.
pub async fn put_catalog_draft(
    pool: &PgPool,
    seen: i64,
    catalog: Option<&str>,
    base: i64,
    by: &str,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE catalog_draft SET revision = revision + 1, catalog = $2, base = $3, edited_by = $4, \
               edited_at = now_us() WHERE one AND revision = $1";
    let mut tx = super::begin(pool).await?;
    let put = sqlx::query(sql).bind(seen).bind(catalog).bind(base).bind(by).execute(&mut *tx).await?;
    if put.rows_affected() == 1 {
        super::proposals::refuse_publications(&mut tx).await?;
        tx.commit().await?;
        return Ok(true);
    }
    tx.rollback().await?;
    let sql = "SELECT EXISTS (SELECT FROM catalog_draft WHERE one AND revision > $1 AND catalog IS NOT DISTINCT FROM $2 \
               AND base = $3 AND edited_by = $4)";
    sqlx::query_scalar(sql).bind(seen).bind(catalog).bind(base).bind(by).fetch_one(pool).await
}
