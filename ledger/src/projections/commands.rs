//! Commands: what each accepted command did, for people. The guard against repeats is the unique
//! index on the log, not this.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::copy::Copy;
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
    stored: Stored,
}

/// How the table has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Not,
    Shorter,
    Whole,
}

struct Commands {
    tables: Tables,
    /// Those that ended since the last flush.
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
                        stored: Stored::Whole,
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
                stored: Stored::Not,
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
        if open.stored == Stored::Whole {
            open.stored = Stored::Shorter;
        }
        Ok(())
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let (mut copy, mut longer) = (Copy::new(), None);
            for row in self.rows.iter().chain(&self.open) {
                match row.stored {
                    Stored::Whole => {}
                    // The first at most: it was open at the last flush.
                    Stored::Shorter => longer = Some(row),
                    Stored::Not => copy.row(&[
                        &row.first_position,
                        &row.last_position,
                        &row.account_id,
                        &row.producer,
                        &row.command_id,
                        &row.types,
                        &row.recorded_at,
                    ]),
                }
            }
            if let Some(row) = longer {
                let sql = format!(
                    "UPDATE {} SET last_position = $2, types = $3 WHERE first_position = $1",
                    self.tables.main()
                );
                let update = sqlx::query(AssertSqlSafe(sql)).bind(row.first_position).bind(row.last_position);
                update.bind(&row.types).execute(&mut *tx).await?;
            }
            let into = format!(
                "{} (first_position, last_position, account_id, producer, command_id, types, recorded_at)",
                self.tables.main()
            );
            copy.send(tx, &into).await?;
            if let Some(open) = &mut self.open {
                open.stored = Stored::Whole;
            }
            self.rows.clear();
            Ok(())
        })
    }
}
