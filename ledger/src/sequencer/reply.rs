//! From outcomes to replies: a function of each command's events, so that a repeat gets the first
//! answer; a claim's answer carries the job's content besides, from its side table.
//!
//! Runs beside the sequencer. Phases: what needs nothing more is answered at once, then the jobs of the claims are
//! read and these are answered. Cost: one round trip for all claims of a group, none without claims.
//! Why two: that read stands in line with everybody's questions, and no payment's answer waits for those.

use std::collections::HashMap;

use proto_events::envelope::EventRef;
use proto_events::events::GenerationStarted;
use proto_events::queries::{ClaimedJob, Followed};
use proto_events::{Event, GenerationId, Position, Reply, Text};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::draft::Outcome;
use super::flight::Group;
use super::queue::ReplyTo;
use crate::log::{BadRow, Row};
use crate::store::{self, JobContent, answered};

pub struct Replier {
    pub pool: PgPool,
    pub incarnation: i64,
    pub lease_ms: u32,
}

/// Contents of the claimed jobs of a group, or why they could not be read.
type Jobs = Result<HashMap<String, JobContent>, String>;

/// What of a group waits for the jobs that it claims.
#[derive(Debug, Default)]
pub struct Later {
    waiting: Vec<(usize, ReplyTo, Outcome)>,
    claimed: Vec<String>,
    /// By place in the group; kept only where a repeat within the batch may ask for an earlier reply.
    kept: HashMap<usize, Reply>,
}

impl Replier {
    /// Sends those replies of a group that need nothing more. `rows`: those of the batch it was decided in.
    pub async fn at_once(&self, group: Group, rows: &[Row]) -> Later {
        let keeps = group.outcomes.iter().any(|outcome| matches!(outcome, Outcome::SameAs(_)));
        let mut later = Later::default();
        for (index, ((_, to), outcome)) in group.waiting.into_iter().zip(group.outcomes).enumerate() {
            let claimed = claimed(&outcome);
            if claimed.is_some() || matches!(outcome, Outcome::SameAs(_)) {
                later.claimed.extend(claimed);
                later.waiting.push((index, to, outcome));
                continue;
            }
            let reply = self.reply(outcome, rows, &Ok(HashMap::new()));
            to.send(&reply).await;
            if keeps {
                later.kept.insert(index, reply);
            }
        }
        later
    }

    /// Sends the others.
    pub async fn with_jobs(&self, later: Later, rows: &[Row]) {
        let Later { waiting, claimed, mut kept } = later;
        let jobs = self.jobs(&claimed).await;
        for (index, to, outcome) in waiting {
            let reply = match outcome {
                // Invariant: what it repeats stands before it.
                Outcome::SameAs(first) => kept.get(&first).cloned().unwrap_or_else(|| Reply::Failed {
                    message: "the first of two equal commands was not answered".to_owned(),
                }),
                outcome => self.reply(outcome, rows, &jobs),
            };
            to.send(&reply).await;
            kept.insert(index, reply);
        }
    }

    fn reply(&self, outcome: Outcome, rows: &[Row], jobs: &Jobs) -> Reply {
        match outcome {
            Outcome::Accepted { events, from, to } => self.done(&events, &rows[from..to], jobs),
            Outcome::Repeat(first) => match events_of(&first.rows) {
                Ok(events) => self.done(&events, &first.rows, jobs),
                Err(error) => Reply::Failed { message: error.to_string() },
            },
            Outcome::Refused(refusal) => Reply::Refused { refusal },
            Outcome::SameAs(_) => Reply::Failed { message: "a repeat has no answer of its own".to_owned() },
        }
    }

    async fn jobs(&self, claimed: &[String]) -> Jobs {
        if claimed.is_empty() {
            return Ok(HashMap::new());
        }
        let found = answered(store::job_contents(&self.pool, claimed)).await;
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
            system: job.system.as_deref().map(Text::lossy),
            conversation: job.conversation.as_deref().map(Text::lossy),
            followed: job.follows.as_deref().and_then(|id| id.parse().ok()).map(|id| followed(id, job)),
            doubts: u16::try_from(job.doubts).unwrap_or_default(),
            unpaid: u16::try_from(job.unpaid).unwrap_or_default(),
            lost: started.lost,
            lease_until: job.lease_until.try_into().unwrap_or_default(),
            lease_ms: self.lease_ms,
            deadline: job.deadline.try_into().unwrap_or_default(),
        };
        serde_json::to_value(job).map_err(|error| error.to_string())
    }
}

fn followed(generation: GenerationId, job: &JobContent) -> Followed {
    Followed { generation, file_ids: job.followed_files.iter().map(|f| Text::lossy(f)).collect() }
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

#[cfg(test)]
mod tests {
    use proto_events::commands::ReservationExpire;
    use proto_events::envelope::AccountRef;
    use proto_events::{AccountId, Attempt, CommandId, GenerationId, Producer, ReservationId};
    use sqlx::postgres::PgPoolOptions;
    use tokio::sync::oneshot;

    use super::*;
    use crate::sequencer::{Request, refused};

    fn waiting(id: &CommandId, to: oneshot::Sender<Reply>) -> (Request, ReplyTo) {
        let generation = GenerationId::derive(AccountId::CATALOG, Producer::Ledger, id);
        let request = Request {
            producer: Producer::Ledger,
            id: id.clone(),
            account: AccountRef::Telegram(1),
            actor: "system".into(),
            approval: None,
            causation: None,
            trace_id: None,
            command: ReservationExpire { reservation: ReservationId::of(generation) }.into(),
        };
        (request, ReplyTo::Here(to))
    }

    #[tokio::test]
    async fn what_needs_nothing_is_answered_while_a_claims_job_is_not_read_yet() {
        // Takes connections and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://nobody@127.0.0.1:{}/nothing", silent.local_addr().unwrap().port());
        let pool = PgPoolOptions::new().connect_lazy(&url).unwrap();
        let replier = Replier { pool, incarnation: 1, lease_ms: 1 };
        let id = CommandId::new("claim").unwrap();
        let started = GenerationStarted {
            generation: GenerationId::derive(AccountId::CATALOG, Producer::Ledger, &id),
            attempt: Attempt::ZERO.next(),
            worker: Text::lossy("w1"),
            lost: false,
        };
        let claim = Outcome::Accepted { events: vec![started.into()], from: 0, to: 0 };
        let (to_claim, mut claimed) = oneshot::channel();
        let (to_other, other) = oneshot::channel();
        let (to_same, mut same) = oneshot::channel();
        let group = Group {
            waiting: vec![waiting(&id, to_claim), waiting(&id, to_other), waiting(&id, to_same)],
            outcomes: vec![claim, Outcome::Refused(refused("no", "no")), Outcome::SameAs(0)],
        };
        let answering = tokio::spawn(async move {
            let later = replier.at_once(group, &[]).await;
            replier.with_jobs(later, &[]).await;
        });
        assert!(matches!(other.await.unwrap(), Reply::Refused { .. }));
        assert!(
            claimed.try_recv().is_err() && same.try_recv().is_err(),
            "the other one waited for the claim"
        );
        answering.await.unwrap();
        // Postgres said nothing: the same command again gets the content.
        for unanswered in [claimed, same] {
            assert!(matches!(unanswered.await.unwrap(), Reply::Failed { .. }));
        }
    }
}
