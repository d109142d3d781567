//! Rows beside the log, written in the transaction that appends the events they belong to.
//!
//! A batch's rows are two values, each of a composite type of `migrations/0011_side_rows.sql` and later ones that
//! holds an array for each table: what is inserted, and what is changed after that. So they cost no round trips
//! of their own.

use std::collections::HashMap;
use std::hash::Hash;

use uuid::Uuid;

use super::composite::composite;

#[derive(Debug, sqlx::Encode)]
pub struct Identity {
    pub telegram_user_id: i64,
    pub account_id: Uuid,
    pub key: Vec<u8>,
    pub language: String,
    pub name: String,
}
composite!(Identity, "side_identity");

/// Where in Telegram a payment was asked for.
#[derive(Debug, sqlx::Encode)]
pub struct Context {
    pub subject: String,
    pub account_id: Uuid,
    pub chat: i64,
    pub message: i64,
    pub status_message: Option<i64>,
    /// For its receipt.
    pub email: Option<String>,
}
composite!(Context, "side_context");

#[derive(Debug, sqlx::Encode)]
pub struct Link {
    pub payment: String,
    pub account_id: Uuid,
    pub checkout_url: String,
}
composite!(Link, "side_link");

/// What a generation was asked for with, and where in Telegram.
#[derive(Debug, sqlx::Encode)]
pub struct Content {
    pub generation: String,
    pub account_id: Uuid,
    pub prompt: String,
    pub file_refs: Vec<String>,
    pub position: i64,
    pub chat: i64,
    pub message: i64,
    pub status_message: Option<i64>,
    /// The model's instructions.
    pub system: Option<String>,
    /// The conversation it goes on with, by its name.
    pub conversation: Option<String>,
    /// The generation it goes on with.
    pub follows: Option<String>,
}
composite!(Content, "side_content");

#[derive(Debug, sqlx::Encode)]
pub struct StoredOutput {
    pub generation: String,
    pub ordinal: i16,
    pub account_id: Uuid,
    pub object: String,
    pub sha256: String,
    pub media_type: &'static str,
    pub bytes: i64,
    pub width: Option<i64>,
    pub height: Option<i64>,
}
composite!(StoredOutput, "side_output");

#[derive(Debug, sqlx::Encode)]
pub struct OpenPayment {
    pub payment: String,
    pub account_id: Uuid,
    pub rail: &'static str,
    pub position: i64,
    /// µs.
    pub expires_at: i64,
}
composite!(OpenPayment, "side_payment");

/// Money that is to go back.
#[derive(Debug, sqlx::Encode)]
pub struct OpenRefund {
    pub refund: String,
    pub account_id: Uuid,
    pub payment: String,
    pub rail: &'static str,
    pub position: i64,
}
composite!(OpenRefund, "side_refund");

/// An open generation and its reservation, which end together.
#[derive(Debug, sqlx::Encode)]
pub struct Job {
    pub generation: String,
    pub account_id: Uuid,
    pub position: i64,
    /// The reservation's, µs.
    pub deadline: i64,
    pub kind: &'static str,
    pub model: String,
}
composite!(Job, "side_job");

#[derive(Debug, sqlx::Encode)]
pub struct Delivery {
    pub position: i64,
    pub account_id: Uuid,
    pub event_type: &'static str,
    pub subject: String,
}
composite!(Delivery, "side_delivery");

/// What we write to a person: JSON of a `MessageContent`.
#[derive(Debug, sqlx::Encode)]
pub struct StoredMessage {
    /// Of its MessageRequested.
    pub position: i64,
    pub account_id: Uuid,
    pub content: String,
}
composite!(StoredMessage, "side_message");

/// A lot that ends.
#[derive(Debug, sqlx::Encode)]
pub struct ExpiringLot {
    pub account_id: Uuid,
    pub lot: i64,
    /// µs.
    pub expires_at: i64,
}
composite!(ExpiringLot, "side_lot");

#[derive(Debug, sqlx::Encode)]
pub struct Claim {
    pub generation: String,
    pub attempt: i16,
    /// µs.
    pub lease_until: i64,
    /// µs; 0: nobody works on it, and nobody may before `lease_until`.
    pub lease_us: i64,
    /// Attempts so far that may have been paid and brought nothing.
    pub doubts: i16,
    /// Those that were refused before any work.
    pub unpaid: i16,
}
composite!(Claim, "side_claim");

#[derive(Debug, sqlx::Encode)]
pub struct SentFile {
    pub generation: String,
    pub ordinal: i16,
    pub file_id: String,
    pub unique_id: Option<String>,
}
composite!(SentFile, "side_file");

/// A telling that is over.
#[derive(Debug, sqlx::Encode)]
pub struct Told {
    pub subject: String,
    pub event_type: &'static str,
    /// Of the event that ended it: what came before is over.
    pub newer: i64,
}
composite!(Told, "side_told");

/// What outlives a person's erased accounts.
#[derive(Debug, sqlx::Encode)]
pub struct Kept {
    pub fingerprint: String,
    pub debt: i64,
    pub banned: bool,
}
composite!(Kept, "side_kept");

/// A broadcast's state, changed by this event.
#[derive(Debug, sqlx::Encode)]
pub struct BroadcastChange {
    pub broadcast: String,
    pub state: &'static str,
    /// Of a start: as many as there must be.
    pub recipients: Option<i32>,
    pub position: i64,
    /// Of a start: when the draft was written that was looked at.
    pub drafted_at: Option<i64>,
}
composite!(BroadcastChange, "side_broadcast");

/// A text in the place of a built-in one; nothing: the built-in one again.
#[derive(Debug, sqlx::Encode)]
pub struct TextChange {
    pub key: String,
    pub language: String,
    pub text: Option<String>,
    pub version: i64,
}
composite!(TextChange, "side_text");

/// The picture above a text; nothing: none any more.
#[derive(Debug, sqlx::Encode)]
pub struct PictureChange {
    pub key: String,
    pub language: String,
    pub sha256: Option<String>,
    pub version: i64,
}
composite!(PictureChange, "side_picture");

/// Somebody of the console; roles with commas between them; without a hash their password stays.
#[derive(Debug, sqlx::Encode)]
pub struct StaffChange {
    pub name: String,
    pub roles: String,
    pub password_hash: Option<String>,
    pub position: i64,
}
composite!(StaffChange, "side_staff");

#[derive(Debug, sqlx::Encode)]
pub struct Ban {
    pub account_id: Uuid,
    pub banned: bool,
}
composite!(Ban, "side_ban");

#[derive(Debug, Default, sqlx::Encode)]
pub struct Inserts {
    pub identities: Vec<Identity>,
    pub contexts: Vec<Context>,
    pub links: Vec<Link>,
    pub contents: Vec<Content>,
    pub outputs: Vec<StoredOutput>,
    pub payments: Vec<OpenPayment>,
    pub jobs: Vec<Job>,
    pub deliveries: Vec<Delivery>,
    pub lots: Vec<ExpiringLot>,
    pub refunds: Vec<OpenRefund>,
    pub messages: Vec<StoredMessage>,
}
composite!(Inserts, "side_inserts");

/// In the order in which they are made.
#[derive(Debug, Default, sqlx::Encode)]
pub struct Changes {
    pub claims: Vec<Claim>,
    pub files: Vec<SentFile>,
    pub told: Vec<Told>,
    pub kept: Vec<Kept>,
    pub closed_payments: Vec<String>,
    pub closed_jobs: Vec<String>,
    pub forgotten: Vec<Uuid>,
    pub closed_refunds: Vec<String>,
    pub broadcasts: Vec<BroadcastChange>,
    pub texts: Vec<TextChange>,
    pub bans: Vec<Ban>,
    pub staff: Vec<StaffChange>,
    pub pictures: Vec<PictureChange>,
}
composite!(Changes, "side_changes");

/// A batch's side rows.
#[derive(Debug, Default)]
pub struct Side {
    pub inserts: Inserts,
    pub changes: Changes,
}

impl Side {
    /// Of several changes of one row only the last: an UPDATE would take any one of them.
    pub fn settle(&mut self) {
        keep_last(&mut self.changes.claims, |claim| claim.generation.clone());
        keep_last(&mut self.changes.kept, |kept| kept.fingerprint.clone());
        keep_last(&mut self.changes.broadcasts, |broadcast| broadcast.broadcast.clone());
        keep_last(&mut self.changes.texts, |text| (text.key.clone(), text.language.clone()));
        keep_last(&mut self.changes.pictures, |picture| (picture.key.clone(), picture.language.clone()));
        keep_last(&mut self.changes.bans, |ban| ban.account_id);
    }
}

fn keep_last<T, K: Hash + Eq>(rows: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let last: HashMap<K, usize> = rows.iter().enumerate().map(|(index, row)| (key(row), index)).collect();
    if last.len() < rows.len() {
        let mut index = 0;
        rows.retain(|row| {
            index += 1;
            last.get(&key(row)) == Some(&(index - 1))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_claim_of_a_generation_stays() {
        let claim = |generation: &str, attempt| Claim {
            generation: generation.to_owned(),
            attempt,
            lease_until: 0,
            lease_us: 0,
            doubts: 0,
            unpaid: 0,
        };
        let mut side = Side::default();
        side.changes.claims = vec![claim("a", 1), claim("b", 1), claim("a", 2)];
        side.settle();
        let left: Vec<(&str, i16)> =
            side.changes.claims.iter().map(|c| (c.generation.as_str(), c.attempt)).collect();
        assert_eq!(left, [("b", 1), ("a", 2)]);
    }
}
