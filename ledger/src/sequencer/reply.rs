//! From outcomes to replies: a function of each command's events, so that a repeat gets the first
//! answer; a claim's answer carries the job's content besides, from its side table.
//!
//! Runs beside the sequencer. Cost: one round trip for all claims of a group, none without claims.

use std::collections::HashMap;

use proto_events::envelope::EventRef;
use proto_events::events::GenerationStarted;
use proto_events::queries::ClaimedJob;
use proto_events::{Event, Position, Reply, Text};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::draft::Outcome;
use super::flight::Group;
use crate::log::{BadRow, Row};
use crate::store::{self, JobContent, answered};

pub struct Replier {
    pub pool: PgPool,
    pub incarnation: i64,
    pub lease_ms: u32,
}

/// Contents of the claimed jobs of a group, or why they could not be read.
type Jobs = Result<HashMap<String, JobContent>, String>;

impl Replier {
    /// Sends the group's replies. `rows`: those of the batch it was decided in.
    pub async fn answer(&self, group: Group, rows: &[Row]) {
        let jobs = self.jobs(&group.outcomes).await;
        // Only a repeat within the batch asks for an earlier reply.
        let keeps = group.outcomes.iter().any(|outcome| matches!(outcome, Outcome::SameAs(_)));
        let mut kept: Vec<Reply> = Vec::new();
        for ((_, to), outcome) in group.waiting.into_iter().zip(group.outcomes) {
            let reply = match outcome {
                Outcome::Accepted { events, from, to } => self.done(&events, &rows[from..to], &jobs),
                Outcome::Repeat(first) => match events_of(&first.rows) {
                    Ok(events) => self.done(&events, &first.rows, &jobs),
                    Err(error) => Reply::Failed { message: error.to_string() },
                },
                Outcome::SameAs(index) => kept[index].clone(),
                Outcome::Refused(refusal) => Reply::Refused { refusal },
            };
            to.send(&reply).await;
            if keeps {
                kept.push(reply);
            }
        }
    }

    async fn jobs(&self, outcomes: &[Outcome]) -> Jobs {
        let claimed: Vec<String> = outcomes.iter().filter_map(claimed).collect();
        if claimed.is_empty() {
            return Ok(HashMap::new());
        }
        let found = answered(store::job_contents(&self.pool, &claimed)).await;
        let found = found.map_err(|error: BadRow| error.in_full())?;
        Ok(found.into_iter().map(|job| (job.generation.clone(), job)).collect())
    }

    fn done(&self, events: &[Event], rows: &[Row], jobs: &Jobs) -> Reply {
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
            match self.claimed_job(started, jobs) {
                Ok(job) => result = job,
                // The claim stands; the same command again gets the content.
                Err(message) => return Reply::Failed { message },
            }
        }
        let position = refs.last().map_or(Position::ZERO, |r| r.position);
        Reply::Done { position, events: refs, result, incarnation: self.incarnation }
    }

    fn claimed_job(&self, started: &GenerationStarted, jobs: &Jobs) -> Result<Value, String> {
        let jobs = jobs.as_ref().map_err(Clone::clone)?;
        let job = jobs.get(&started.generation.to_string()).ok_or("the job's content is gone")?;
        let Event::GenerationRequested(requested) = &job.requested else {
            return Err("the job's request is not where it should be".to_owned());
        };
        let job = ClaimedJob {
            generation: started.generation,
            attempt: started.attempt,
            kind: requested.kind,
            model: requested.model.clone(),
            aspect_ratio: requested.aspect_ratio.clone(),
            size: requested.size.clone(),
            prompt: Text::lossy(&job.prompt),
            references: job.file_refs.iter().map(|f| Text::lossy(f)).collect(),
            lease_until: job.lease_until.try_into().unwrap_or_default(),
            lease_ms: self.lease_ms,
            deadline: job.deadline.try_into().unwrap_or_default(),
        };
        serde_json::to_value(job).map_err(|error| error.to_string())
    }
}

fn events_of(rows: &[Row]) -> Result<Vec<Event>, BadRow> {
    rows.iter().map(Row::event).collect()
}

/// The generation whose claim this outcome answers.
fn claimed(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Accepted { events, .. } => match events.as_slice() {
            [Event::GenerationStarted(started)] => Some(started.generation.to_string()),
            _ => None,
        },
        Outcome::Repeat(first) => match events_of(&first.rows).as_deref() {
            Ok([Event::GenerationStarted(started)]) => Some(started.generation.to_string()),
            _ => None,
        },
        _ => None,
    }
}
