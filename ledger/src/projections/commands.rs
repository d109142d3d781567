//! Commands: what each accepted command did, for people. The guard against repeats is the unique
//! index on the log, not this.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Definition, Fold, FoldError, Needs, TableDef, Tables};
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "commands",
    version: 2,
    needs: Needs::Typed,
    pace: Duration::from_millis(250),
    tables: &[TableDef {
        suffix: "",
        // `types` in order, joined by commas: an array would take more room than its words.
        columns: "first_position bigint NOT NULL, last_position bigint NOT NULL, account_id uuid NOT NULL, \
            producer text NOT NULL, command_id text NOT NULL, types text NOT NULL, recorded_at bigint NOT NULL",
        key: "first_position",
        indexes: &[],
        fillfactor: 100,
    }],
    make: |tables| Box::new(Commands { tables, rows: Vec::new(), open: None }),
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    pub first_position: i64,
    pub last_position: i64,
    pub account_id: Uuid,
    pub producer: String,
    pub command_id: String,
    pub types: String,
    pub recorded_at: i64,
}

struct Commands {
    tables: Tables,
    rows: Vec<CommandRow>,
    /// The last row, which the next step may lengthen: a step may end in the middle of a command.
    open: Option<CommandRow>,
}

impl Fold for Commands {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let begins_inside = entries.first().is_some_and(|e| e.row.ordinal > 0);
            if self.open.is_some() || !begins_inside {
                return Ok(());
            }
            let sql = format!(
                "SELECT first_position, last_position, account_id, producer, command_id, types, recorded_at \
                 FROM {} ORDER BY first_position DESC LIMIT 1",
                self.tables.main()
            );
            let found: Option<(i64, i64, Uuid, String, String, String, i64)> =
                sqlx::query_as(AssertSqlSafe(sql)).fetch_optional(tx).await?;
            self.open = found.map(
                |(first_position, last_position, account_id, producer, command_id, types, recorded_at)| {
                    CommandRow {
                        first_position,
                        last_position,
                        account_id,
                        producer,
                        command_id,
                        types,
                        recorded_at,
                    }
                },
            );
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let row = &entry.row;
        if row.ordinal == 0 {
            self.rows.extend(self.open.take());
            self.open = Some(CommandRow {
                first_position: row.position,
                last_position: row.position,
                account_id: row.account_id,
                producer: row.producer.clone(),
                command_id: row.command_id.clone(),
                types: row.event_type.clone(),
                recorded_at: row.recorded_at,
            });
            return Ok(());
        }
        // Invariant: a command's events stand together.
        let continues = self.open.as_mut().filter(|open| {
            open.last_position + 1 == row.position
                && open.producer == row.producer
                && open.command_id == row.command_id
        });
        let Some(open) = continues else {
            return Err(FoldError::broken(row.position, "continues a command that does not stand before it"));
        };
        open.last_position = row.position;
        open.types.push(',');
        open.types.push_str(&row.event_type);
        Ok(())
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let sql = format!(
                "INSERT INTO {} (first_position, last_position, account_id, producer, command_id, types, recorded_at) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], \
                    $7::bigint[]) \
                 ON CONFLICT (first_position) DO UPDATE SET last_position = excluded.last_position, \
                    types = excluded.types",
                self.tables.main()
            );
            let rows: Vec<&CommandRow> = self.rows.iter().chain(&self.open).collect();
            let texts = |get: fn(&CommandRow) -> &str| rows.iter().map(|r| get(r)).collect::<Vec<_>>();
            let numbers = |get: fn(&CommandRow) -> i64| rows.iter().map(|r| get(r)).collect::<Vec<_>>();
            sqlx::query(AssertSqlSafe(sql))
                .bind(numbers(|r| r.first_position))
                .bind(numbers(|r| r.last_position))
                .bind(rows.iter().map(|r| r.account_id).collect::<Vec<_>>())
                .bind(texts(|r| &r.producer))
                .bind(texts(|r| &r.command_id))
                .bind(texts(|r| &r.types))
                .bind(numbers(|r| r.recorded_at))
                .execute(tx)
                .await?;
            self.rows.clear();
            Ok(())
        })
    }
}
