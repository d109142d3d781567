//! Commands: what each accepted command did, for people. The guard against repeats is the unique
//! index on the log, not this.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ProjectionError;
use crate::log::Row;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    pub account_id: Uuid,
    pub first_position: i64,
    pub last_position: i64,
    pub types: Vec<String>,
    pub recorded_at: i64,
}

/// Adds an event to its command's row.
pub fn fold(commands: &mut BTreeMap<(String, String), CommandRow>, row: &Row) {
    let key = (row.producer.clone(), row.command_id.clone());
    let command = commands.entry(key).or_insert_with(|| CommandRow {
        account_id: row.account_id,
        first_position: row.position,
        last_position: row.position,
        types: Vec::new(),
        recorded_at: row.recorded_at,
    });
    command.last_position = row.position;
    command.types.push(row.event_type.clone());
}

pub(super) async fn apply(tx: &mut PgConnection, rows: &[Row]) -> Result<(), ProjectionError> {
    let mut commands = BTreeMap::new();
    for row in rows {
        fold(&mut commands, row);
    }
    let rows: Vec<Value> = commands
        .into_iter()
        .map(|((producer, command_id), row)| {
            json!({
                "producer": producer, "command_id": command_id, "account_id": row.account_id,
                "first_position": row.first_position, "last_position": row.last_position,
                "types": row.types, "recorded_at": row.recorded_at,
            })
        })
        .collect();
    // A step may end in the middle of a command: the next one then lengthens the row.
    sqlx::query(
        "INSERT INTO commands (producer, command_id, account_id, first_position, last_position, types, recorded_at) \
         SELECT producer, command_id, account_id, first_position, last_position, \
                ARRAY(SELECT jsonb_array_elements_text(x.types)), recorded_at \
         FROM jsonb_to_recordset($1::jsonb) AS x(producer text, command_id text, account_id uuid, \
            first_position bigint, last_position bigint, types jsonb, recorded_at bigint) \
         ON CONFLICT (producer, command_id) DO UPDATE SET last_position = excluded.last_position, \
            types = commands.types || excluded.types",
    )
    .bind(Value::from(rows).to_string())
    .execute(tx)
    .await?;
    Ok(())
}
