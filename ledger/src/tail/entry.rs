//! An event of the log as its followers share it: the row, and what it means once somebody asks.

use std::sync::OnceLock;

use proto_events::Event;

use crate::log::{BadRow, Row};

#[derive(Debug)]
pub struct Entry {
    pub row: Row,
    /// Its type and schema version are known to this version of the ledger.
    is_known: bool,
    event: OnceLock<Result<Event, BadRow>>,
}

impl Entry {
    pub fn new(row: Row) -> Self {
        Self { is_known: Event::knows(&row.event_type, row.schema_version), row, event: OnceLock::new() }
    }

    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// The event, parsed at the first call.
    ///
    /// # Errors
    /// A type or schema version that this version of the ledger does not know.
    pub fn event(&self) -> Result<&Event, &BadRow> {
        self.event.get_or_init(|| self.row.event()).as_ref()
    }

    /// About what it takes in memory, bytes.
    pub(super) fn weight(&self) -> usize {
        // The row's own texts, and the payload a second time for the parsed event.
        size_of::<Self>() + 2 * self.row.payload.len() + self.row.command_id.len() + 64
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::tail) fn row(position: i64) -> Row {
        Row {
            position,
            account_id: uuid::Uuid::nil(),
            version: position,
            event_type: "AccountOpened".into(),
            schema_version: 1,
            available_delta: 0,
            reserved_delta: 0,
            debt_delta: 0,
            payload: r#"{"channel":"telegram"}"#.into(),
            producer: "telegram".into(),
            command_id: format!("c:{position}"),
            ordinal: 0,
            request_digest: [0; 16],
            actor: "person".into(),
            causation: None,
            trace_id: None,
            recorded_at: position,
            prev_hash: [0; 32],
            hash: [0; 32],
        }
    }

    #[test]
    fn an_unknown_type_is_an_error_each_time_it_is_asked_for() {
        let mut unknown = row(1);
        unknown.event_type = "CreditsTeleported".into();
        let entry = Entry::new(unknown);
        assert!(entry.event().is_err() && entry.event().is_err() && !entry.is_known());
        assert!(Entry::new(row(1)).is_known());
        assert_eq!(Entry::new(row(1)).event().unwrap().type_name(), "AccountOpened");
    }
}
