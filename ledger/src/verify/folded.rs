//! Projections against the fold of the log, each at its own checkpoint.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Row as _};

use super::Folded;

/// A projection's rows, each as one comparable line under its key.
pub(super) type Lines = BTreeMap<String, String>;

pub(super) async fn checkpoints(tx: &mut PgConnection) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let found: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, position FROM projections").fetch_all(tx).await?;
    Ok(found.into_iter().collect())
}

pub(super) fn rows_of(projection: &str, folded: &Folded) -> Lines {
    match projection {
        "balances" => folded
            .balances
            .iter()
            .map(|(id, b)| {
                let line = format!("{} {} {} {} {}", b.available, b.reserved, b.debt, b.version, b.position);
                (id.to_string(), line)
            })
            .collect(),
        "commands" => folded
            .commands
            .iter()
            .map(|((producer, id), c)| {
                let types = c.types.join(",");
                let line = format!(
                    "{} {} {} {} {}",
                    c.account_id, c.first_position, c.last_position, types, c.recorded_at
                );
                (format!("{producer} {id}"), line)
            })
            .collect(),
        _ => Lines::new(),
    }
}

async fn stored(tx: &mut PgConnection, projection: &str) -> Result<Option<Lines>, sqlx::Error> {
    let sql = match projection {
        "balances" => {
            "SELECT account_id::text AS key, concat_ws(' ', available, reserved, debt, version, position) AS line \
             FROM balances"
        }
        "commands" => {
            "SELECT producer || ' ' || command_id AS key, concat_ws(' ', account_id, first_position, last_position, \
                array_to_string(types, ','), recorded_at) AS line FROM commands"
        }
        _ => return Ok(None),
    };
    let rows = sqlx::query(sql).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("line")?))).collect::<Result<_, _>>().map(Some)
}

/// Names every projection whose rows are not the fold at its checkpoint.
pub(super) async fn compare(
    tx: &mut PgConnection,
    checkpoints: &BTreeMap<String, i64>,
    folded: &BTreeMap<String, Lines>,
    mut find: impl FnMut(String),
) -> Result<(), sqlx::Error> {
    for (name, position) in checkpoints {
        let Some(stored) = stored(tx, name).await? else { continue };
        let empty = Lines::new();
        let wanted = match folded.get(name) {
            Some(lines) => lines,
            None if *position == 0 => &empty,
            None => {
                find(format!("projection {name} claims position {position}, which the log has not"));
                continue;
            }
        };
        for (key, line) in wanted {
            match stored.get(key) {
                Some(found) if found == line => {}
                Some(found) => find(format!("projection {name}, row {key}: {found:?} should be {line:?}")),
                None => find(format!("projection {name} lacks row {key}")),
            }
        }
        for key in stored.keys().filter(|key| !wanted.contains_key(*key)) {
            find(format!("projection {name} has row {key}, which the log does not make"));
        }
    }
    Ok(())
}
