//! Reads a range of the log fast: COPY in Postgres' binary form, taken apart by hand, with no more columns
//! than are needed. `e2e/examples/folds.rs` measures it beside `fetch`.

use bytes::Buf as _;
use futures_util::TryStreamExt as _;
use sqlx::PgPool;
use uuid::Uuid;

use super::Entry;
use crate::log::{BadRow, Row};
use crate::store;

/// Which columns are read. The others are empty in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Columns {
    /// position, account, version and the three deltas.
    Effects,
    /// All but payload, digest, trace and hashes.
    Typed,
    /// The typed ones and the payload: what [`Entry::event`] needs.
    Payload,
    /// The whole row.
    All,
}

impl Columns {
    const fn sql(self) -> &'static str {
        match self {
            Self::Effects => "position, account_id, version, available_delta, reserved_delta, debt_delta",
            Self::Typed => {
                "position, account_id, version, available_delta, reserved_delta, debt_delta, type, schema_version, \
                 producer, command_id, ordinal, actor, causation, recorded_at"
            }
            Self::Payload => {
                "position, account_id, version, available_delta, reserved_delta, debt_delta, type, schema_version, \
                 producer, command_id, ordinal, actor, causation, recorded_at, payload"
            }
            Self::All => {
                "position, account_id, version, available_delta, reserved_delta, debt_delta, type, schema_version, \
                 producer, command_id, ordinal, actor, causation, recorded_at, payload, request_digest, trace_id, \
                 prev_hash, hash"
            }
        }
    }
}

/// What stands before the first row: signature, flags, length of an extension.
const HEADER: usize = 11 + 4 + 4;

/// The events after `after` up to `through`, all of them, in order.
///
/// # Errors
/// Postgres does not answer, or a position is missing.
pub async fn scan(pool: &PgPool, columns: Columns, after: i64, through: i64) -> Result<Vec<Entry>, BadRow> {
    let sql = format!(
        "COPY (SELECT {} FROM events WHERE position > {after} AND position <= {through} ORDER BY position) \
         TO STDOUT (FORMAT binary)",
        columns.sql()
    );
    let mut connection = store::lend(pool).await?;
    let mut messages = connection.copy_out_raw(&sql).await?;
    let mut entries = Vec::with_capacity(usize::try_from(through - after).unwrap_or(0));
    let (mut expected, mut begun) = (after + 1, false);
    while let Some(message) = messages.try_next().await? {
        let mut bytes: &[u8] = &message;
        if !begun {
            begun = true;
            bytes = bytes.get(HEADER..).ok_or_else(strange)?;
        }
        while bytes.remaining() >= 2 {
            // The end is told by a count of -1.
            if bytes.get_i16() < 0 {
                break;
            }
            let row = read_row(&mut bytes, columns).ok_or_else(strange)?;
            if row.position != expected {
                return Err(BadRow::Missing { position: expected });
            }
            expected += 1;
            entries.push(Entry::new(row));
        }
    }
    drop(messages);
    connection.give_back();
    if expected <= through {
        return Err(BadRow::Missing { position: expected });
    }
    Ok(entries)
}

fn strange() -> BadRow {
    BadRow::Column(sqlx::Error::Protocol("COPY did not send what was asked for".to_owned()))
}

/// A field: its length and its bytes. Null is a length of -1.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = (bytes.remaining() >= 4).then(|| bytes.get_i32())?;
    let (field, rest) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    *bytes = rest;
    Some(field)
}

fn int8(bytes: &mut &[u8]) -> Option<i64> {
    field(bytes)?.try_into().ok().map(i64::from_be_bytes)
}

fn int2(bytes: &mut &[u8]) -> Option<i16> {
    field(bytes)?.try_into().ok().map(i16::from_be_bytes)
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    std::str::from_utf8(field(bytes)?).ok().map(str::to_owned)
}

fn read_row(bytes: &mut &[u8], columns: Columns) -> Option<Row> {
    let mut row = Row {
        position: int8(bytes)?,
        account_id: Uuid::from_slice(field(bytes)?).ok()?,
        version: int8(bytes)?,
        available_delta: int8(bytes)?,
        reserved_delta: int8(bytes)?,
        debt_delta: int8(bytes)?,
        event_type: String::new(),
        schema_version: 0,
        payload: String::new(),
        producer: String::new(),
        command_id: String::new(),
        ordinal: 0,
        request_digest: [0; 16],
        actor: String::new(),
        causation: None,
        trace_id: None,
        recorded_at: 0,
        prev_hash: [0; 32],
        hash: [0; 32],
    };
    if columns >= Columns::Typed {
        row.event_type = text(bytes)?;
        row.schema_version = int2(bytes)?;
        row.producer = text(bytes)?;
        row.command_id = text(bytes)?;
        row.ordinal = int2(bytes)?;
        row.actor = text(bytes)?;
        row.causation = perhaps(bytes, int8)?;
        row.recorded_at = int8(bytes)?;
    }
    if columns >= Columns::Payload {
        row.payload = text(bytes)?;
    }
    if columns >= Columns::All {
        row.request_digest = fixed(bytes)?;
        row.trace_id = perhaps(bytes, fixed)?;
        row.prev_hash = fixed(bytes)?;
        row.hash = fixed(bytes)?;
    }
    Some(row)
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    field(bytes)?.try_into().ok()
}

/// A field that may be null. The outer `None`: cannot be read.
fn perhaps<T>(bytes: &mut &[u8], read: fn(&mut &[u8]) -> Option<T>) -> Option<Option<T>> {
    let mut ahead = *bytes;
    if ahead.remaining() >= 4 && ahead.get_i32() == -1 {
        *bytes = ahead;
        return Some(None);
    }
    read(bytes).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_their_lengths_and_nulls() {
        let mut bytes: &[u8] = &[0, 0, 0, 2, 1, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, b'x'];
        assert_eq!(int2(&mut bytes), Some(258));
        assert_eq!(perhaps(&mut bytes, int8), Some(None));
        assert_eq!(text(&mut bytes).as_deref(), Some("x"));
        assert_eq!(field(&mut bytes), None);
        let mut short: &[u8] = &[0, 0, 0, 9, 1];
        assert_eq!(field(&mut short), None);
    }
}
