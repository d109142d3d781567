//! Rows beside the log, written in the transaction that appends the events they belong to.
//!
//! A batch's rows go in at most three statements, in the order of a row's life: inserts, updates,
//! deletes. Each statement takes all tables at once as one JSON document, so that a batch costs
//! the same few round trips whatever is in it.

use std::collections::BTreeMap;

use proto_events::commands::MadeOutput;
use serde::Serialize;
use sqlx::PgConnection;
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
    CloseReservation(String),
    ClosePayment(String),
    CloseJob(String),
}

#[derive(Default, Serialize)]
struct Inserts<'a> {
    identities: Vec<&'a Identity>,
    contexts: Vec<&'a Context>,
    links: Vec<&'a Link>,
    contents: Vec<&'a Content>,
    outputs: Vec<&'a StoredOutput>,
    reservations: Vec<&'a OpenReservation>,
    payments: Vec<&'a OpenPayment>,
    jobs: Vec<&'a Job>,
    deliveries: Vec<&'a Delivery>,
}

#[derive(Default, Serialize)]
struct Updates<'a> {
    /// The last of each generation: an UPDATE would take any one of several.
    #[serde(serialize_with = "values")]
    claims: BTreeMap<&'a str, &'a Claim>,
    files: Vec<&'a SentFile>,
    told: Vec<&'a Told>,
}

#[derive(Default, Serialize)]
struct Deletes<'a> {
    reservations: Vec<&'a str>,
    payments: Vec<&'a str>,
    jobs: Vec<&'a str>,
}

const INSERT: &str = "
WITH identities AS (SELECT * FROM jsonb_to_recordset($1::jsonb->'identities')
        AS x(telegram_user_id bigint, account_id uuid, key text, language text, name text)),
    a AS (INSERT INTO telegram_identities SELECT telegram_user_id, account_id FROM identities),
    b AS (INSERT INTO account_keys SELECT account_id, decode(key, 'hex') FROM identities),
    c AS (INSERT INTO profiles SELECT account_id, language, name FROM identities),
    d AS (INSERT INTO chat_contexts SELECT * FROM jsonb_to_recordset($1::jsonb->'contexts')
        AS x(subject text, account_id uuid, chat bigint, message bigint, status_message bigint)),
    e AS (INSERT INTO payment_links SELECT * FROM jsonb_to_recordset($1::jsonb->'links')
        AS x(payment text, account_id uuid, checkout_url text)),
    f AS (INSERT INTO generation_contents SELECT generation, account_id, prompt,
            ARRAY(SELECT jsonb_array_elements_text(file_refs))
        FROM jsonb_to_recordset($1::jsonb->'contents')
        AS x(generation text, account_id uuid, prompt text, file_refs jsonb)),
    g AS (INSERT INTO generation_outputs (generation, ordinal, account_id, object, sha256, media_type, bytes, width,
            height)
        SELECT * FROM jsonb_to_recordset($1::jsonb->'outputs')
        AS x(generation text, ordinal smallint, account_id uuid, object text, sha256 text, media_type text,
            bytes bigint, width bigint, height bigint)),
    h AS (INSERT INTO open_reservations SELECT * FROM jsonb_to_recordset($1::jsonb->'reservations')
        AS x(reservation text, account_id uuid, deadline bigint)),
    i AS (INSERT INTO open_payments SELECT * FROM jsonb_to_recordset($1::jsonb->'payments')
        AS x(payment text, account_id uuid, rail text, position bigint)),
    j AS (INSERT INTO jobs SELECT * FROM jsonb_to_recordset($1::jsonb->'jobs')
        AS x(generation text, account_id uuid, position bigint)),
    k AS (INSERT INTO deliveries SELECT * FROM jsonb_to_recordset($1::jsonb->'deliveries')
        AS x(position bigint, account_id uuid, type text, subject text))
SELECT 1";

const UPDATE: &str = "
WITH a AS (UPDATE jobs SET attempt = x.attempt, lease_until = x.lease_until, lease_us = x.lease_us
        FROM jsonb_to_recordset($1::jsonb->'claims') 
            AS x(generation text, attempt smallint, lease_until bigint, lease_us bigint)
        WHERE jobs.generation = x.generation),
    b AS (UPDATE generation_outputs SET file_id = x.file_id
        FROM jsonb_to_recordset($1::jsonb->'files') AS x(generation text, ordinal smallint, file_id text)
        WHERE generation_outputs.generation = x.generation AND generation_outputs.ordinal = x.ordinal),
    c AS (UPDATE deliveries SET outcome = x.outcome
        FROM jsonb_to_recordset($1::jsonb->'told') AS x(subject text, type text, outcome text)
        WHERE deliveries.subject = x.subject AND deliveries.type = x.type AND deliveries.outcome IS NULL)
SELECT 1";

const DELETE: &str = "
WITH a AS (DELETE FROM open_reservations USING jsonb_array_elements_text($1::jsonb->'reservations') AS x(id)
        WHERE reservation = x.id),
    b AS (DELETE FROM open_payments USING jsonb_array_elements_text($1::jsonb->'payments') AS x(id)
        WHERE payment = x.id),
    c AS (DELETE FROM jobs USING jsonb_array_elements_text($1::jsonb->'jobs') AS x(id) WHERE generation = x.id)
SELECT 1";

/// Writes a batch's rows inside the append's transaction.
pub(super) async fn write(connection: &mut PgConnection, writes: &[SideWrite]) -> Result<(), sqlx::Error> {
    let (mut inserts, mut updates, mut deletes) =
        (Inserts::default(), Updates::default(), Deletes::default());
    let mut counts = [0usize; 3];
    for write in writes {
        counts[sort(write, &mut inserts, &mut updates, &mut deletes)] += 1;
    }
    let documents = [(INSERT, json(&inserts)?), (UPDATE, json(&updates)?), (DELETE, json(&deletes)?)];
    for ((sql, document), count) in documents.into_iter().zip(counts) {
        if count > 0 {
            sqlx::query(sql).bind(document).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

fn values<S: serde::Serializer>(claims: &BTreeMap<&str, &Claim>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(claims.values())
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
    }
    0
}
