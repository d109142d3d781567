//! A batch into the tables by bare statements: one UNNEST for the events, one for the natural keys,
//! the ledger's own for the side rows.

use ledger::log::Row;
use ledger::store::{NaturalKey, SideWrite, bind_events, bind_keys, side};
use sqlx::PgConnection;

/// Inserts the rows as they are.
pub async fn events(connection: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    let insert = sqlx::query(
        "INSERT INTO events (position, account_id, version, type, schema_version, available_delta, reserved_delta, \
            debt_delta, payload, producer, command_id, ordinal, request_digest, actor, causation, trace_id, \
            recorded_at, prev_hash, hash) \
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[], \
            $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::smallint[], $13::bytea[], \
            $14::text[], $15::bigint[], $16::bytea[], $17::bigint[], $18::bytea[], $19::bytea[])",
    );
    bind_events(insert, rows).execute(connection).await?;
    Ok(())
}

pub async fn keys(connection: &mut PgConnection, keys: &[NaturalKey]) -> sqlx::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let insert = sqlx::query(
        "INSERT INTO natural_keys (kind, key, account_id, subject, position) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::bigint[])",
    );
    bind_keys(insert, keys).execute(connection).await?;
    Ok(())
}

pub async fn side(connection: &mut PgConnection, writes: &[SideWrite]) -> sqlx::Result<()> {
    let documents = side::documents(writes)?;
    sqlx::query("SELECT log_side_insert($1::jsonb), log_side_change($2::jsonb, $3::jsonb)")
        .bind(documents.inserts)
        .bind(documents.updates)
        .bind(documents.deletes)
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
