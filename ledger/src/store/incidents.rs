//! Incidents: how it stands, and what administrators know of it. Times are the log's, in µs.

use sqlx::PgPool;

/// So it is now. `quiet_us`: for so long after they were told, administrators are not told again of one that has no end of its own;
/// one that nobody mentioned for so long is a new one.
pub async fn report_incident(
    pool: &PgPool,
    incident: &str,
    open: bool,
    quiet_us: Option<i64>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO incidents AS i (incident, open, since, seen) VALUES ($1, $2, $3, $3) \
               ON CONFLICT (incident) DO UPDATE SET open = EXCLUDED.open, seen = EXCLUDED.seen, \
                   since = CASE WHEN i.open <> EXCLUDED.open OR i.seen < $3 - $4::bigint THEN EXCLUDED.since ELSE i.since END, \
                   told = i.told AND coalesce(i.told_at >= $3 - $4::bigint, true)";
    sqlx::query(sql).bind(incident).bind(open).bind(now).bind(quiet_us).execute(pool).await.map(drop)
}

/// Takes the right to tell of the oldest of those `known` here that administrators know otherwise: (incident, open, since). One
/// that a newer version wrote down is for that version to tell.
pub async fn claim_incident(
    pool: &PgPool,
    claimant: &str,
    known: &[&str],
    lease_us: i64,
    now: i64,
) -> Result<Option<(String, bool, i64)>, sqlx::Error> {
    let sql = "UPDATE incidents SET claimant = $1, lease_until = $2 + $3 WHERE incident = ( \
                   SELECT incident FROM incidents WHERE told <> open AND incident = ANY($4) AND (lease_until < $2 OR claimant = $1) \
                   ORDER BY since LIMIT 1 FOR UPDATE SKIP LOCKED) \
               RETURNING incident, open, since";
    sqlx::query_as(sql).bind(claimant).bind(now).bind(lease_us).bind(known).fetch_optional(pool).await
}

/// Administrators know. False: another tells it.
pub async fn incident_told(
    pool: &PgPool,
    incident: &str,
    open: bool,
    claimant: &str,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE incidents SET told = $2, told_at = $4, claimant = NULL, lease_until = 0 \
               WHERE incident = $1 AND claimant = $3";
    let told = sqlx::query(sql).bind(incident).bind(open).bind(claimant).bind(now).execute(pool).await?;
    Ok(told.rows_affected() == 1)
}
