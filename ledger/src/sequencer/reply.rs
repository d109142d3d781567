//! From outcomes to replies: a function of each command's events, so that a repeat gets the first
//! answer; a claim's answer carries the job's content besides, from its side table.

use std::collections::HashMap;

use ledger_domain::CatalogStream;
use proto_events::envelope::EventRef;
use proto_events::events::{GenerationRequested, GenerationStarted};
use proto_events::queries::ClaimedJob;
use proto_events::{Event, GenerationId, Position, Reply, Text};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::draft::Outcome;
use crate::log::{BadRow, Row};
use crate::store::{self, JobContent, answered};

/// Replies in the order of the outcomes.
pub async fn all(
    pool: &PgPool,
    outcomes: Vec<Outcome>,
    rows: &[Row],
    incarnation: i64,
    catalog: &CatalogStream,
) -> Vec<Reply> {
    let lease_ms = catalog.published.as_ref().map_or(0, |p| p.catalog.limits.lease_ms);
    let mut replies: Vec<Reply> = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let reply = match outcome {
            Outcome::Accepted { events, from, to } => {
                done(pool, &events, &rows[from..to], incarnation, lease_ms).await
            }
            Outcome::Repeat(first) => {
                match first.rows.iter().map(Row::event).collect::<Result<Vec<_>, _>>() {
                    Ok(events) => done(pool, &events, &first.rows, incarnation, lease_ms).await,
                    Err(error) => Reply::Failed { message: error.to_string() },
                }
            }
            Outcome::SameAs(index) => replies[index].clone(),
            Outcome::Refused(refusal) => Reply::Refused { refusal },
        };
        replies.push(reply);
    }
    replies
}

async fn done(pool: &PgPool, events: &[Event], rows: &[Row], incarnation: i64, lease_ms: u32) -> Reply {
    let refs: Vec<EventRef> = rows
        .iter()
        .map(|row| EventRef {
            position: Position::new(row.position).unwrap_or_default(),
            r#type: Text::lossy(&row.event_type),
        })
        .collect();
    let mut result = ledger_domain::result(events);
    // The core does not know which account it decides for; the row does.
    if let (Some(Event::AccountOpened(_)), Some(row), Some(fields)) =
        (events.first(), rows.first(), result.as_object_mut())
    {
        fields.insert("account".to_owned(), json!(row.account()));
    }
    if let [Event::GenerationStarted(started)] = events {
        match claimed_job(pool, started, lease_ms).await {
            Ok(job) => result = job,
            // The claim stands; the same command again gets the content.
            Err(error) => return Reply::Failed { message: error.to_string() },
        }
    }
    let position = refs.last().map_or(Position::ZERO, |r| r.position);
    Reply::Done { position, events: refs, result, incarnation }
}

async fn claimed_job(pool: &PgPool, started: &GenerationStarted, lease_ms: u32) -> Result<Value, BadRow> {
    let id = started.generation;
    let found = answered(store::job_contents(pool, &[id.to_string()])).await?;
    let requested = requested(pool, id).await?;
    let (Some(content), Some(requested)) = (found.into_iter().next(), requested) else {
        return Err(BadRow::Column(sqlx::Error::RowNotFound));
    };
    let job = job(started, requested, content, lease_ms);
    serde_json::to_value(job).map_err(|e| BadRow::Column(sqlx::Error::Encode(Box::new(e))))
}

async fn requested(pool: &PgPool, id: GenerationId) -> Result<Option<GenerationRequested>, BadRow> {
    let stored: HashMap<_, _> = answered(store::load_accounts(pool, &[id.account()])).await?;
    for row in stored.values().flat_map(|s| &s.rows).filter(|r| r.event_type == "GenerationRequested") {
        if let Event::GenerationRequested(e) = row.event()?
            && e.generation == id
        {
            return Ok(Some(e));
        }
    }
    Ok(None)
}

fn job(
    started: &GenerationStarted,
    requested: GenerationRequested,
    content: JobContent,
    lease_ms: u32,
) -> ClaimedJob {
    ClaimedJob {
        generation: started.generation,
        attempt: started.attempt,
        kind: requested.kind,
        model: requested.model,
        aspect_ratio: requested.aspect_ratio,
        size: requested.size,
        prompt: Text::lossy(&content.prompt),
        references: content.file_refs.iter().map(|f| Text::lossy(f)).collect(),
        lease_until: content.lease_until.try_into().unwrap_or_default(),
        lease_ms,
        deadline: content.deadline.try_into().unwrap_or_default(),
    }
}
