//! What the ledger is told about a job. Ids are derived from the job and the attempt, for ever.

use std::time::Duration;

use proto_events::{
    AccountId, Attempt, CommandId, GenerationId, Refused,
    commands::{
        Command, GenerationAttempt, GenerationClaim, GenerationComplete, GenerationFail, Incident,
        IncidentReport, MadeOutput,
    },
    envelope::AccountRef,
    events::{Spent, Trouble},
    queries::{ClaimedJob, GenerationQuery, GenerationState, GenerationView},
};
use service::ledger::{Done, Envelope, SendError};
use tokio::time::Instant;

use super::Tools;
use crate::shelf::Stored;

/// Between two rounds of asking a ledger that does not answer.
const ROUND_EVERY: Duration = Duration::from_secs(1);

/// For a report, which is made again after it: the page is to stay true meanwhile.
const REPORT_MAX: Duration = Duration::from_secs(2);

/// What a claim brought.
pub(super) enum Claim {
    /// With when it was first asked for: the lease may run since then.
    Ours { job: Box<ClaimedJob>, asked: Instant },
    /// No attempt is left; someone must close the job.
    Exhausted,
    /// Another's, gone on, closed, to wait for the person's other job, or the ledger is away: the sweep shows it again
    /// when it can be claimed.
    NotOurs,
}

/// Invariant: 120 bytes are enough for every id built here: a generation's id is 51, a
/// worker's at most 39.
pub(super) fn command_id(text: &str) -> Option<CommandId> {
    CommandId::new(text).inspect_err(|error| tracing::error!(%error, "a command id was built wrong")).ok()
}

/// Whether administrators are to believe that nothing is made. False: the ledger has not heard it.
pub(super) async fn report_shut(tools: &Tools, shut: bool) -> bool {
    let report = IncidentReport { incident: Incident::GeneratorShut, open: shut };
    let Some(id) = command_id("incident:generator") else { return true };
    let ledger = tools.ledger.clone().with_deadline(REPORT_MAX);
    match ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), report.into()).await {
        Ok(_) => true,
        Err(SendError::Refused(refused)) => {
            tracing::warn!(code = %refused.code, "the ledger takes no report of an incident");
            true
        }
        Err(error) => {
            tracing::debug!(%error, "an incident could not be reported yet");
            false
        }
    }
}

pub(super) async fn claim(tools: &Tools, generation: GenerationId, attempt: Attempt) -> Claim {
    let worker = tools.worker.claims();
    let Some(id) = command_id(&format!("claim:{generation}:{attempt}:{worker}")) else {
        return Claim::NotOurs;
    };
    let command = GenerationClaim { generation, worker, attempt };
    let asked = Instant::now();
    match tools.ledger.send(envelope(generation, id, command.into())).await {
        Ok(done) => match done.result::<ClaimedJob>() {
            Ok(job) => Claim::Ours { job: Box::new(job), asked },
            Err(error) => {
                tracing::error!(%generation, %attempt, %error, "the ledger's claimed job can't be read");
                Claim::NotOurs
            }
        },
        Err(SendError::Refused(refused)) if refused.code.as_str() == "attempts_exhausted" => Claim::Exhausted,
        Err(SendError::Refused(refused)) => {
            tracing::info!(%generation, %attempt, code = %refused.code, "not claimed");
            Claim::NotOurs
        }
        Err(error) => {
            tracing::warn!(%generation, %attempt, %error, "whether it is claimed is not known");
            Claim::NotOurs
        }
    }
}

/// An attempt that will be followed by another, which nobody may claim before `wait` has passed. True
/// when it is on record.
pub(super) async fn attempted(
    tools: &Tools,
    generation: GenerationId,
    attempt: Attempt,
    outcome: Trouble,
    spent: Spent,
    wait: Duration,
) -> bool {
    let retry_after_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    let command = GenerationAttempt { generation, attempt, outcome, spent, retry_after_ms };
    until_answered(tools, generation, &format!("attempted:{generation}:{attempt}"), command.into())
        .await
        .is_ok()
}

/// What lies in the store is the result. When the job was closed meanwhile by whoever no longer wants it, its cost alone
/// goes on record.
pub(super) async fn complete(tools: &Tools, generation: GenerationId, attempt: Attempt, stored: Stored) {
    let Stored { outputs, spent } = stored;
    let bytes: u64 = outputs.iter().map(|output| u64::from(output.bytes)).sum();
    let command = GenerationComplete { generation, attempt, outputs, spent: spent.clone(), charge: None };
    let id = format!("complete:{generation}:{attempt}");
    match until_answered(tools, generation, &id, command.into()).await {
        Ok(_) => {
            tracing::info!(%generation, %attempt, bytes, "made and completed");
            count("succeeded");
            fail::fail_point!("generator.completed");
        }
        Err(Some(refused)) if refused.code.as_str() == "generation_closed" => {
            attempted(tools, generation, attempt, Trouble::Canceled, spent, Duration::ZERO).await;
        }
        Err(Some(refused)) if refused.code.as_str() == "stale_attempt" => {
            tracing::warn!(%generation, %attempt, "left for the next attempt: the claim was lost");
            metrics::counter!("generator_results_left_total").increment(1);
        }
        Err(_) => {}
    }
}

pub(super) async fn fail(
    tools: &Tools,
    generation: GenerationId,
    attempt: Attempt,
    reason: Trouble,
    spent: Spent,
    text: Option<MadeOutput>,
) {
    let command = GenerationFail { generation, attempt, reason, spent: spent.clone(), text };
    let id = format!("fail:{generation}:{attempt}");
    match until_answered(tools, generation, &id, command.into()).await {
        Ok(_) => {
            tracing::warn!(%generation, %attempt, ?reason, "failed; its credits go back");
            count("failed");
        }
        // Closed, or another's by now: what it cost is on record all the same.
        Err(Some(_)) if spent != Spent::default() => {
            attempted(tools, generation, attempt, reason, spent, Duration::ZERO).await;
        }
        Err(_) => {}
    }
}

/// Has somebody said that the result is not wanted? False also when the ledger does not answer.
pub(super) async fn is_canceled(tools: &Tools, generation: GenerationId) -> bool {
    view(tools, generation).await.is_some_and(|view| view.state == GenerationState::Canceled)
}

/// How a job stands; `None` when the ledger does not say.
pub(super) async fn view(tools: &Tools, generation: GenerationId) -> Option<GenerationView> {
    tools.ledger.ask("generation", &GenerationQuery { generation }, None).await.ok()
}

/// How a job ended, as the metrics have it.
pub(super) fn count(outcome: &'static str) {
    metrics::counter!("generator_jobs_total", "outcome" => outcome).increment(1);
}

/// As it is on the wire.
pub(super) fn word(trouble: Trouble) -> String {
    serde_json::to_value(trouble).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Sends the same command until the ledger has answered it: the call behind it was paid. A ledger that
/// has let the job go on refuses it. The caller's task is dropped when the process ends.
async fn until_answered(
    tools: &Tools,
    generation: GenerationId,
    id: &str,
    command: Command,
) -> Result<Done, Option<Refused>> {
    let Some(id) = command_id(id) else { return Err(None) };
    loop {
        match tools.ledger.send(envelope(generation, id.clone(), command.clone())).await {
            Ok(done) => return Ok(done),
            Err(SendError::Refused(refused)) => {
                tracing::warn!(%generation, command = %id, code = %refused.code, message = refused.message, "the ledger refused");
                return Err(Some(refused));
            }
            Err(error) => tracing::warn!(%generation, command = %id, %error, "not answered; the same again"),
        }
        tokio::time::sleep(ROUND_EVERY).await;
    }
}

fn envelope(generation: GenerationId, id: CommandId, command: Command) -> Envelope {
    Envelope { id, account: AccountRef::Id(generation.account()), command, causation: None, trace_id: None }
}
