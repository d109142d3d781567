//! `hash = SHA-256("plantain/event/1" ‖ prev_hash ‖ every column, length-prefixed)`.

use sha2::{Digest as _, Sha256};

use super::Row;

pub type Hash = [u8; 32];

/// The hash before the first event.
pub const GENESIS: Hash = [0; 32];

const DOMAIN: &[u8] = b"plantain/event/1";
/// The length that stands for null.
const NULL: [u8; 4] = [0xff; 4];

/// What is hashed, in one piece: one call of SHA-256 costs less than one for each column.
struct Encoder(Vec<u8>);

impl Encoder {
    fn bytes(&mut self, bytes: &[u8]) {
        // Invariant: no column is near 4 GiB; the payload is bounded by the command's size.
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX - 1);
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn integer(&mut self, value: i64) {
        self.bytes(&value.to_be_bytes());
    }

    fn null(&mut self) {
        self.0.extend_from_slice(&NULL);
    }
}

/// The bytes that are hashed, but for the texts: domain, previous hash, 17 lengths, 9 integers, the UUID,
/// digest and trace id.
const FIXED_LEN: usize = DOMAIN.len() + 32 + 17 * 4 + 9 * 8 + 3 * 16;

/// At most so many bytes are hashed for a row.
pub fn encoded_len(row: &Row) -> usize {
    let texts = [&row.event_type, &row.payload, &row.producer, &row.command_id, &row.actor];
    FIXED_LEN + texts.iter().map(|text| text.len()).sum::<usize>()
}

/// The hash of a row on top of the one before it.
pub fn hash_of(row: &Row, prev_hash: &Hash) -> Hash {
    let mut e = Encoder(Vec::with_capacity(encoded_len(row)));
    e.0.extend_from_slice(DOMAIN);
    e.0.extend_from_slice(prev_hash);
    e.integer(row.position);
    e.bytes(row.account_id.as_bytes());
    e.integer(row.version);
    e.bytes(row.event_type.as_bytes());
    e.integer(row.schema_version.into());
    e.integer(row.available_delta);
    e.integer(row.reserved_delta);
    e.integer(row.debt_delta);
    e.bytes(row.payload.as_bytes());
    e.bytes(row.producer.as_bytes());
    e.bytes(row.command_id.as_bytes());
    e.integer(row.ordinal.into());
    e.bytes(&row.request_digest);
    e.bytes(row.actor.as_bytes());
    match row.causation {
        Some(position) => e.integer(position),
        None => e.null(),
    }
    match &row.trace_id {
        Some(id) => e.bytes(id),
        None => e.null(),
    }
    e.integer(row.recorded_at);
    Sha256::digest(&e.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::row::tests::sample;

    #[test]
    fn every_column_changes_the_hash() {
        let row = sample();
        let base = hash_of(&row, &GENESIS);
        let changes: [fn(&mut Row); 17] = [
            |r| r.position += 1,
            |r| r.account_id = uuid::Uuid::nil(),
            |r| r.version += 1,
            |r| r.event_type.push('x'),
            |r| r.schema_version += 1,
            |r| r.available_delta += 1,
            |r| r.reserved_delta += 1,
            |r| r.debt_delta += 1,
            |r| r.payload.push(' '),
            |r| r.producer.push('x'),
            |r| r.command_id.push('x'),
            |r| r.ordinal += 1,
            |r| r.request_digest[0] ^= 1,
            |r| r.actor.push('x'),
            |r| r.causation = None,
            |r| r.trace_id = None,
            |r| r.recorded_at += 1,
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut other = row.clone();
            change(&mut other);
            assert_ne!(hash_of(&other, &GENESIS), base, "column {i}");
        }
        assert_ne!(hash_of(&row, &[1; 32]), base);
    }

    #[test]
    fn text_cannot_slide_from_one_column_into_the_next() {
        let (mut a, mut b) = (sample(), sample());
        (a.producer, a.command_id) = ("ab".into(), "c".into());
        (b.producer, b.command_id) = ("a".into(), "bc".into());
        assert_ne!(hash_of(&a, &GENESIS), hash_of(&b, &GENESIS));
    }

    /// Computed by an independent encoder (Python's hashlib and struct) from docs/EVENTS.md.
    #[test]
    fn the_encoding_is_the_documented_one() {
        let hex: String = hash_of(&sample(), &GENESIS).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "66f838f509e579a9e447ff5a5d3a307a8cbfc084533f170998e8339303739847");
    }
}
