//! Commands: what each accepted command did, for people. The guard against repeats is the unique
//! index on the log, not this.

use std::collections::BTreeMap;

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
    // A step may end in the middle of a command: the next one then lengthens the row.
    for ((producer, command_id), row) in commands {
        sqlx::query(
            "INSERT INTO commands (producer, command_id, account_id, first_position, last_position, types, recorded_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (producer, command_id) DO UPDATE SET last_position = excluded.last_position, \
                types = commands.types || excluded.types",
        )
        .bind(producer)
        .bind(command_id)
        .bind(row.account_id)
        .bind(row.first_position)
        .bind(row.last_position)
        .bind(row.types)
        .bind(row.recorded_at)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
