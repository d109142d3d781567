//! A batch into the tables by bare statements: one UNNEST for the events, one for the natural keys,
//! the ledger's own for the side rows.

use ledger::log::Row;
use ledger::sequencer::Written;
use ledger::store::{NaturalKey, SideWrite, side};
use sqlx::PgConnection;

/// Inserts the rows as they are.
pub async fn events(connection: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    fn column<'a, T>(rows: &'a [Row], get: impl Fn(&'a Row) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    sqlx::query(
        "INSERT INTO events (position, account_id, version, type, schema_version, available_delta, reserved_delta, \
            debt_delta, payload, producer, command_id, ordinal, request_digest, actor, causation, trace_id, \
            recorded_at, prev_hash, hash) \
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[], \
            $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::smallint[], $13::bytea[], \
            $14::text[], $15::bigint[], $16::bytea[], $17::bigint[], $18::bytea[], $19::bytea[])",
    )
    .bind(column(rows, |r| r.position))
    .bind(column(rows, |r| r.account_id))
    .bind(column(rows, |r| r.version))
    .bind(column(rows, |r| r.event_type.as_str()))
    .bind(column(rows, |r| r.schema_version))
    .bind(column(rows, |r| r.available_delta))
    .bind(column(rows, |r| r.reserved_delta))
    .bind(column(rows, |r| r.debt_delta))
    .bind(column(rows, |r| r.payload.as_str()))
    .bind(column(rows, |r| r.producer.as_str()))
    .bind(column(rows, |r| r.command_id.as_str()))
    .bind(column(rows, |r| r.ordinal))
    .bind(column(rows, |r| r.request_digest.as_slice()))
    .bind(column(rows, |r| r.actor.as_str()))
    .bind(column(rows, |r| r.causation))
    .bind(column(rows, |r| r.trace_id.as_ref().map(<[u8; 16]>::as_slice)))
    .bind(column(rows, |r| r.recorded_at))
    .bind(column(rows, |r| r.prev_hash.as_slice()))
    .bind(column(rows, |r| r.hash.as_slice()))
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn keys(connection: &mut PgConnection, keys: &[NaturalKey]) -> sqlx::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO natural_keys (kind, key, account_id, subject, position) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::bigint[])",
    )
    .bind(keys.iter().map(|k| k.kind).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.key.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.account_id).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.subject.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.position).collect::<Vec<_>>())
    .execute(connection)
    .await?;
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

/// Moves the head to the end of this batch.
pub async fn head(connection: &mut PgConnection, written: &Written) -> sqlx::Result<()> {
    let Some(last) = written.rows.last() else { return Ok(()) };
    sqlx::query("UPDATE log_head SET position = $1, hash = $2, recorded_at = $3")
        .bind(last.position)
        .bind(last.hash.as_slice())
        .bind(last.recorded_at)
        .execute(connection)
        .await?;
    Ok(())
}
