//! A batch into the tables by bare statements: one UNNEST for the events, one for the natural keys,
//! the ledger's own for the side rows.

use ledger::log::Row;
use ledger::store::{NaturalKey, Side};
use sqlx::PgConnection;

/// Inserts the rows as they are.
pub async fn events(connection: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO events SELECT * FROM unnest($1::events[])")
        .bind(rows)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn keys(connection: &mut PgConnection, keys: &[NaturalKey]) -> sqlx::Result<()> {
    if !keys.is_empty() {
        let insert = "INSERT INTO natural_keys SELECT * FROM unnest($1::natural_keys[])";
        sqlx::query(insert).bind(keys).execute(connection).await?;
    }
    Ok(())
}

pub async fn side(connection: &mut PgConnection, side: &Side) -> sqlx::Result<()> {
    sqlx::query("SELECT log_side_insert($1), log_side_change($2)")
        .bind(&side.inserts)
        .bind(&side.changes)
        .execute(connection)
        .await?;
    Ok(())
}

/// Moves the head to the last of these.
pub async fn head(connection: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    let Some(last) = rows.last() else { return Ok(()) };
    sqlx::query("UPDATE log_head SET position = $1, hash = $2, recorded_at = $3")
        .bind(last.position)
        .bind(last.hash.as_slice())
        .bind(last.recorded_at)
        .execute(connection)
        .await?;
    Ok(())
}
