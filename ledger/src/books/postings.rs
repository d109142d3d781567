//! The log as a stream of rows with their postings, in pieces, so that memory is bounded however
//! long the log is.

use proto_events::Event;
use sqlx::{AssertSqlSafe, PgPool};

use super::BooksError;
use crate::log::{COLUMNS, Row};

/// Rows that one SELECT brings: about 4 MB.
const PIECE: i64 = 8_192;

/// Reads the rows `from ..= through` in order and without a gap, and hands each to `take`.
///
/// # Errors
/// A row is missing or can't be read; or what `take` says.
pub async fn each<E: From<BooksError>>(
    pool: &PgPool,
    from: i64,
    through: i64,
    mut take: impl FnMut(&Row, &Event) -> Result<(), E>,
) -> Result<(), E> {
    let sql =
        format!("SELECT {COLUMNS} FROM events WHERE position >= $1 AND position < $2 ORDER BY position");
    let mut wanted = from.max(1);
    while wanted <= through {
        let end = (wanted + PIECE).min(through + 1);
        let found = sqlx::query(AssertSqlSafe(sql.as_str())).bind(wanted).bind(end).fetch_all(pool).await;
        for row in &found.map_err(BooksError::from)? {
            let row = Row::read(row).map_err(BooksError::from)?;
            if row.position != wanted {
                return Err(BooksError::Gap { wanted }.into());
            }
            take(&row, &row.event().map_err(BooksError::from)?)?;
            wanted += 1;
        }
        if wanted != end {
            return Err(BooksError::Gap { wanted }.into());
        }
    }
    Ok(())
}
