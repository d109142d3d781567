//! Projections against the fold of the log, each at its own checkpoint.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::Folded;
use crate::projections::{self, Instance, State};

/// A projection's rows, each as one comparable line under its key.
pub(super) type Lines = BTreeMap<String, String>;

/// The live instances that this version's folds speak for.
pub(super) async fn checkpoints(tx: &mut PgConnection) -> Result<Vec<Instance>, sqlx::Error> {
    let mut found = projections::instances(tx).await?;
    found.retain(|i| {
        i.state == State::Live && projections::find(&i.name).is_some_and(|d| d.version == i.version)
    });
    Ok(found)
}

pub(super) fn rows_of(projection: &str, folded: &Folded) -> Lines {
    match projection {
        "balances" => folded
            .balances
            .iter()
            .map(|(id, b)| {
                (id.to_string(), format!("{} {} {} {}", b.available, b.reserved, b.debt, b.position))
            })
            .collect(),
        _ => Lines::new(),
    }
}

async fn stored(tx: &mut PgConnection, instance: &Instance) -> Result<Option<Lines>, sqlx::Error> {
    let sql = match instance.name.as_str() {
        "balances" => format!(
            "SELECT account_id::text AS key, concat_ws(' ', available, reserved, debt, position) AS line FROM {}",
            instance.tables().main()
        ),
        _ => return Ok(None),
    };
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("line")?))).collect::<Result<_, _>>().map(Some)
}

/// Names every projection whose rows are not the fold at its checkpoint.
pub(super) async fn compare(
    tx: &mut PgConnection,
    checkpoints: &[Instance],
    folded: &BTreeMap<String, Lines>,
    mut find: impl FnMut(String),
) -> Result<(), sqlx::Error> {
    for instance in checkpoints {
        let (name, position) = (&instance.name, instance.position);
        let Some(stored) = stored(tx, instance).await? else { continue };
        let empty = Lines::new();
        let wanted = match folded.get(name) {
            Some(lines) => lines,
            None if position == 0 => &empty,
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
