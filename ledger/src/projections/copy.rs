//! New rows by COPY in Postgres' binary form: for many rows well under half of what an INSERT of arrays costs, on
//! both sides. The keys must be new; the table refuses others.

use sqlx::PgConnection;
use uuid::Uuid;

/// Signature, flags, length of an extension.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Instead of a count of fields, at the end.
const END: i16 = -1;
/// Instead of a length.
const NULL: i32 = -1;

/// What a column may hold.
pub(super) trait Field {
    fn write(&self, out: &mut Vec<u8>);
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

macro_rules! numbers {
    ($($number:ty),+) => {
        $(impl Field for $number {
            fn write(&self, out: &mut Vec<u8>) {
                bytes(out, &self.to_be_bytes());
            }
        })+
    };
}

numbers!(i16, i64);

impl Field for bool {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, &[u8::from(*self)]);
    }
}

impl Field for Uuid {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, self.as_bytes());
    }
}

impl Field for &str {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, self.as_bytes());
    }
}

impl Field for String {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, self.as_bytes());
    }
}

impl<F: Field> Field for Option<F> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(field) => field.write(out),
            None => out.extend_from_slice(&NULL.to_be_bytes()),
        }
    }
}

/// Rows on their way into a table.
pub(super) struct Copy(Vec<u8>);

impl Copy {
    pub(super) fn new() -> Self {
        Self(HEADER.to_vec())
    }

    /// The fields in the order of the columns that [`Copy::send`] names.
    pub(super) fn row(&mut self, fields: &[&dyn Field]) {
        self.0.extend_from_slice(&i16::try_from(fields.len()).unwrap_or(i16::MAX).to_be_bytes());
        fields.iter().for_each(|field| field.write(&mut self.0));
    }

    /// Sends them, if there are any. `into`: the table and its columns, as after COPY.
    pub(super) async fn send(mut self, tx: &mut PgConnection, into: &str) -> Result<(), sqlx::Error> {
        if self.0.len() == HEADER.len() {
            return Ok(());
        }
        self.0.extend_from_slice(&END.to_be_bytes());
        let mut copy = tx.copy_in_raw(&format!("COPY {into} FROM STDIN (FORMAT binary)")).await?;
        copy.send(self.0).await?;
        copy.finish().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_count_and_each_field_with_its_length() {
        let mut copy = Copy::new();
        copy.row(&[&7i16, &"ab", &None::<i64>, &Some(true)]);
        let row = [&[0, 4][..], &[0, 0, 0, 2, 0, 7], &[0, 0, 0, 2, b'a', b'b'], &[0xff; 4], &[0, 0, 0, 1, 1]];
        assert_eq!(copy.0[HEADER.len()..], row.concat());
    }
}
