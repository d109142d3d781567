//! One event as it stands in the table `events`.

use proto_events::envelope::TraceId;
use proto_events::events::BadEvent;
use proto_events::{AccountId, Event, PublishedEvent};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Hash, hash_of};

/// First 16 bytes of the request's HMAC.
pub type Digest = [u8; 16];

/// All columns, in the order of the table and of the hash.
pub const COLUMNS: &str = "position, account_id, version, type, schema_version, available_delta, reserved_delta, \
     debt_delta, payload, producer, command_id, ordinal, request_digest, actor, causation, trace_id, recorded_at, \
     prev_hash, hash";

/// A row of `events`: the fields are its columns, in its order.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Encode)]
pub struct Row {
    pub position: i64,
    pub account_id: Uuid,
    pub version: i64,
    pub event_type: String,
    pub schema_version: i16,
    pub available_delta: i64,
    pub reserved_delta: i64,
    pub debt_delta: i64,
    /// RFC 8785 JSON, exactly as hashed.
    pub payload: String,
    pub producer: String,
    pub command_id: String,
    pub ordinal: i16,
    pub request_digest: Digest,
    pub actor: String,
    pub causation: Option<i64>,
    pub trace_id: Option<[u8; 16]>,
    /// µs since 1970-01-01 UTC.
    pub recorded_at: i64,
    pub prev_hash: Hash,
    pub hash: Hash,
}

#[derive(Debug, thiserror::Error)]
pub enum BadRow {
    #[error("a column of position {position} has the wrong length")]
    Length { position: i64 },
    #[error("position {position} is missing from the log")]
    Missing { position: i64 },
    #[error("the row can't be read")]
    Column(#[from] sqlx::Error),
    #[error("position {position} can't be understood")]
    Event {
        position: i64,
        #[source]
        source: BadEvent,
    },
    #[error("position {position} holds {what} of an unknown form")]
    Form { position: i64, what: &'static str },
}

impl BadRow {
    /// With what caused it, in one line: for people, who else would not hear which version knows an event.
    pub fn in_full(&self) -> String {
        let (mut text, mut source) = (self.to_string(), std::error::Error::source(self));
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    }
}

fn fixed<const N: usize>(bytes: &[u8], position: i64) -> Result<[u8; N], BadRow> {
    bytes.try_into().map_err(|_| BadRow::Length { position })
}

impl Row {
    /// # Errors
    /// A column is missing, of another type or length.
    pub fn read(row: &PgRow) -> Result<Self, BadRow> {
        let position: i64 = row.try_get("position")?;
        let trace: Option<&[u8]> = row.try_get("trace_id")?;
        Ok(Self {
            position,
            account_id: row.try_get("account_id")?,
            version: row.try_get("version")?,
            event_type: row.try_get("type")?,
            schema_version: row.try_get("schema_version")?,
            available_delta: row.try_get("available_delta")?,
            reserved_delta: row.try_get("reserved_delta")?,
            debt_delta: row.try_get("debt_delta")?,
            payload: row.try_get("payload")?,
            producer: row.try_get("producer")?,
            command_id: row.try_get("command_id")?,
            ordinal: row.try_get("ordinal")?,
            request_digest: fixed(row.try_get("request_digest")?, position)?,
            actor: row.try_get("actor")?,
            causation: row.try_get("causation")?,
            trace_id: trace.map(|t| fixed(t, position)).transpose()?,
            recorded_at: row.try_get("recorded_at")?,
            prev_hash: fixed(row.try_get("prev_hash")?, position)?,
            hash: fixed(row.try_get("hash")?, position)?,
        })
    }

    pub fn account(&self) -> AccountId {
        AccountId(self.account_id)
    }

    /// # Errors
    /// A type or schema version that this version of the ledger does not know.
    pub fn event(&self) -> Result<Event, BadRow> {
        Event::decode(&self.event_type, self.schema_version, &self.payload)
            .map_err(|source| BadRow::Event { position: self.position, source })
    }

    /// Puts the row on top of the chain.
    pub fn chain(&mut self, prev_hash: Hash) -> Hash {
        self.prev_hash = prev_hash;
        self.hash = hash_of(self, &prev_hash);
        self.hash
    }

    /// # Errors
    /// A column that was not written by this project.
    pub fn published(&self, incarnation: i64) -> Result<PublishedEvent, BadRow> {
        let position = self.position;
        let form = |what| BadRow::Form { position, what };
        Ok(PublishedEvent {
            incarnation,
            position: position.try_into().map_err(|_| form("a position"))?,
            account: self.account(),
            version: self.version,
            r#type: self.event_type.clone(),
            schema_version: self.schema_version,
            available_delta: self.available_delta,
            reserved_delta: self.reserved_delta,
            debt_delta: self.debt_delta,
            payload: serde_json::from_str(&self.payload).map_err(|_| form("a payload"))?,
            producer: self.producer.parse().map_err(|()| form("a producer"))?,
            command_id: self.command_id.clone().try_into().map_err(|_| form("a command id"))?,
            ordinal: self.ordinal,
            actor: self.actor.clone(),
            causation: self.causation.map(TryInto::try_into).transpose().map_err(|_| form("a causation"))?,
            trace_id: self.trace_id.and_then(|t| TraceId::try_from(hex(&t)).ok()),
            recorded_at: self.recorded_at.try_into().map_err(|_| form("a time"))?,
            hash: hex(&self.hash),
        })
    }

    /// The body of its message: what [`Row::published`] says, as JSON. The payload, which is JSON
    /// already, is taken as it is: parsing and writing it again would be most of the relay's work.
    ///
    /// # Errors
    /// A column that was not written by this project.
    pub fn published_json(&self, incarnation: i64) -> Result<Vec<u8>, BadRow> {
        let text = |text: &str| {
            serde_json::to_string(text).map_err(|_| BadRow::Form { position: self.position, what: "a text" })
        };
        let (account, event_type, producer) =
            (self.account_id, text(&self.event_type)?, text(&self.producer)?);
        let (command_id, actor) = (text(&self.command_id)?, text(&self.actor)?);
        let causation = self.causation.map_or_else(|| "null".to_owned(), |position| position.to_string());
        let trace_id = self.trace_id.map_or_else(|| "null".to_owned(), |id| format!("\"{}\"", hex(&id)));
        let Self { position, version, schema_version, payload, ordinal, recorded_at, .. } = self;
        let Self { available_delta, reserved_delta, debt_delta, .. } = self;
        let hash = hex(&self.hash);
        let body = format!(
            r#"{{"incarnation":{incarnation},"position":{position},"account":"{account}","version":{version},"type":{event_type},"schema_version":{schema_version},"available_delta":{available_delta},"reserved_delta":{reserved_delta},"debt_delta":{debt_delta},"payload":{payload},"producer":{producer},"command_id":{command_id},"ordinal":{ordinal},"actor":{actor},"causation":{causation},"trace_id":{trace_id},"recorded_at":{recorded_at},"hash":"{hash}"}}"#
        );
        Ok(body.into_bytes())
    }
}

/// Lower-case hex. By a table: formatting each byte was a tenth of the relay's work.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
    out
}

/// The bytes of lower-case hex. `None`: it is not, or not of `N` bytes.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::log) fn sample() -> Row {
        Row {
            position: 7,
            account_id: "f3d0c9a2-5b1e-4c7d-9a60-1b2c3d4e5f60".parse().unwrap(),
            version: 2,
            event_type: "CreditsGranted".into(),
            schema_version: 1,
            available_delta: 5,
            reserved_delta: 0,
            debt_delta: 0,
            payload: r#"{"credits":5,"lot":2,"source":"welcome"}"#.into(),
            producer: "telegram".into(),
            command_id: "start:1:2".into(),
            ordinal: 1,
            request_digest: [9; 16],
            actor: "person".into(),
            causation: Some(3),
            trace_id: Some([0xab; 16]),
            recorded_at: 1_760_000_000_000_000,
            prev_hash: [0; 32],
            hash: [0; 32],
        }
    }

    #[test]
    fn a_published_event_carries_the_row() {
        let mut row = sample();
        row.chain([0; 32]);
        let event = row.published(1).unwrap();
        assert_eq!(event.event().unwrap(), row.event().unwrap());
        assert_eq!(event.hash, hex(&row.hash));
    }

    #[test]
    fn the_json_of_a_published_event_is_the_one_that_serde_would_write() {
        let mut row = sample();
        row.chain([0; 32]);
        let mut odd = row.clone();
        (odd.actor, odd.command_id) = ("operator:\"a\\b\"\n".into(), "a:\"b\":é".into());
        (odd.causation, odd.trace_id) = (None, None);
        for row in [row, odd] {
            let Ok(event) = row.published(2) else { continue };
            let read: PublishedEvent = serde_json::from_slice(&row.published_json(2).unwrap()).unwrap();
            assert_eq!(read, event);
            assert_eq!(row.published_json(2).unwrap(), serde_json::to_vec(&event).unwrap());
        }
    }
}
