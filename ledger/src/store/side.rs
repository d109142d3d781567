//! Rows beside the log, written in the transaction that appends the events they belong to.
//!
//! A batch's rows are at most three JSON documents, in the order of a row's life: inserts, updates,
//! deletes. Each holds all tables at once, so that they cost no round trips of their own.

use std::collections::BTreeMap;

use proto_events::commands::MadeOutput;
use serde::Serialize;
use uuid::Uuid;

#[derive(Debug, Serialize)]
pub struct Identity {
    pub telegram_user_id: i64,
    pub account_id: Uuid,
    /// Hex.
    pub key: String,
    pub language: String,
    pub name: String,
}

#[derive(Debug, Serialize)]
pub struct Context {
    pub subject: String,
    pub account_id: Uuid,
    pub chat: i64,
    pub message: i64,
    pub status_message: Option<i64>,
}

#[derive(Debug, Serialize)]
pub struct Link {
    pub payment: String,
    pub account_id: Uuid,
    pub checkout_url: String,
}

#[derive(Debug, Serialize)]
pub struct Content {
    pub generation: String,
    pub account_id: Uuid,
    pub prompt: String,
    pub file_refs: Vec<String>,
    pub position: i64,
}

#[derive(Debug, Serialize)]
pub struct StoredOutput {
    pub generation: String,
    pub ordinal: usize,
    pub account_id: Uuid,
    #[serde(flatten)]
    pub made: MadeOutput,
}

#[derive(Debug, Serialize)]
pub struct OpenReservation {
    pub reservation: String,
    pub account_id: Uuid,
    pub deadline: i64,
}

#[derive(Debug, Serialize)]
pub struct OpenPayment {
    pub payment: String,
    pub account_id: Uuid,
    pub rail: &'static str,
    pub position: i64,
}

#[derive(Debug, Serialize)]
pub struct Job {
    pub generation: String,
    pub account_id: Uuid,
    pub position: i64,
}

#[derive(Debug, Serialize)]
pub struct Delivery {
    pub position: i64,
    pub account_id: Uuid,
    pub r#type: &'static str,
    pub subject: String,
}

#[derive(Debug, Serialize)]
pub struct Claim {
    pub generation: String,
    pub attempt: i64,
    /// µs.
    pub lease_until: i64,
    /// µs.
    pub lease_us: i64,
}

#[derive(Debug, Serialize)]
pub struct SentFile {
    pub generation: String,
    pub ordinal: usize,
    pub file_id: String,
}

#[derive(Debug, Serialize)]
pub struct Told {
    pub subject: String,
    pub r#type: &'static str,
    pub outcome: &'static str,
}

/// A lot that ends.
#[derive(Debug, Serialize)]
pub struct ExpiringLot {
    pub account_id: Uuid,
    pub lot: i64,
    /// µs.
    pub expires_at: i64,
}

/// What outlives a person's erased accounts.
#[derive(Debug, Serialize)]
pub struct KeptRow {
    pub fingerprint: String,
    pub debt: i64,
    pub banned: bool,
}

/// One row to write, change or delete.
#[derive(Debug)]
pub enum SideWrite {
    Identity(Identity),
    Context(Context),
    Link(Link),
    Content(Content),
    Output(StoredOutput),
    OpenReservation(OpenReservation),
    OpenPayment(OpenPayment),
    Job(Job),
    Delivery(Delivery),
    Claim(Claim),
    SentFile(SentFile),
    Told(Told),
    ExpiringLot(ExpiringLot),
    Kept(KeptRow),
    CloseReservation(String),
    ClosePayment(String),
    CloseJob(String),
    /// Who the person is, and the account's key.
    ForgetPerson(Uuid),
}

#[derive(Default, Serialize)]
struct Inserts<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identities: Vec<&'a Identity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contexts: Vec<&'a Context>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<&'a Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contents: Vec<&'a Content>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<&'a StoredOutput>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reservations: Vec<&'a OpenReservation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    payments: Vec<&'a OpenPayment>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<&'a Job>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<&'a Delivery>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lots: Vec<&'a ExpiringLot>,
}

#[derive(Default, Serialize)]
struct Updates<'a> {
    /// The last of each generation: an UPDATE would take any one of several.
    #[serde(serialize_with = "values", skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<&'a str, &'a Claim>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<&'a SentFile>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    told: Vec<&'a Told>,
    /// The last of each person: an upsert takes a row once.
    #[serde(serialize_with = "values", skip_serializing_if = "BTreeMap::is_empty")]
    kept: BTreeMap<&'a str, &'a KeptRow>,
}

#[derive(Default, Serialize)]
struct Deletes<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reservations: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    payments: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    people: Vec<Uuid>,
}

/// A batch's side rows as the functions `log_side_insert` and `log_side_change` take them; `None`: nothing.
#[derive(Debug, Default)]
pub struct Documents {
    pub inserts: Option<String>,
    pub updates: Option<String>,
    pub deletes: Option<String>,
}

/// Sorted into documents.
///
/// # Errors
/// A bug: a row that is no JSON.
pub fn documents(writes: &[SideWrite]) -> Result<Documents, sqlx::Error> {
    let (mut inserts, mut updates, mut deletes) =
        (Inserts::default(), Updates::default(), Deletes::default());
    let mut counts = [0usize; 3];
    for write in writes {
        counts[sort(write, &mut inserts, &mut updates, &mut deletes)] += 1;
    }
    Ok(Documents {
        inserts: (counts[0] > 0).then(|| json(&inserts)).transpose()?,
        updates: (counts[1] > 0).then(|| json(&updates)).transpose()?,
        deletes: (counts[2] > 0).then(|| json(&deletes)).transpose()?,
    })
}

fn values<S: serde::Serializer>(
    rows: &BTreeMap<&str, &impl Serialize>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.values())
}

fn json(document: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(document).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}

/// Puts the write where it belongs; answers which statement that is.
fn sort<'a>(
    write: &'a SideWrite,
    inserts: &mut Inserts<'a>,
    updates: &mut Updates<'a>,
    deletes: &mut Deletes<'a>,
) -> usize {
    match write {
        SideWrite::Identity(row) => inserts.identities.push(row),
        SideWrite::Context(row) => inserts.contexts.push(row),
        SideWrite::Link(row) => inserts.links.push(row),
        SideWrite::Content(row) => inserts.contents.push(row),
        SideWrite::Output(row) => inserts.outputs.push(row),
        SideWrite::OpenReservation(row) => inserts.reservations.push(row),
        SideWrite::OpenPayment(row) => inserts.payments.push(row),
        SideWrite::Job(row) => inserts.jobs.push(row),
        SideWrite::Delivery(row) => inserts.deliveries.push(row),
        SideWrite::ExpiringLot(row) => inserts.lots.push(row),
        SideWrite::Claim(row) => {
            updates.claims.insert(&row.generation, row);
            return 1;
        }
        SideWrite::SentFile(row) => {
            updates.files.push(row);
            return 1;
        }
        SideWrite::Told(row) => {
            updates.told.push(row);
            return 1;
        }
        SideWrite::Kept(row) => {
            updates.kept.insert(&row.fingerprint, row);
            return 1;
        }
        SideWrite::CloseReservation(id) => {
            deletes.reservations.push(id);
            return 2;
        }
        SideWrite::ClosePayment(id) => {
            deletes.payments.push(id);
            return 2;
        }
        SideWrite::CloseJob(id) => {
            deletes.jobs.push(id);
            return 2;
        }
        SideWrite::ForgetPerson(account) => {
            deletes.people.push(*account);
            return 2;
        }
    }
    0
}
