//! Operational commands: leases, tellings, contexts. They change no balance and leave no event.

mod incident;
pub mod message;
mod person;
mod staff;
mod telling;
mod vendor;

pub use telling::place;

use proto_events::commands::{DeliveryOutcome, Operation};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Position, Producer, Provider, Refused, Reply};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::log::BadRow;
use crate::sequencer::refused;
use crate::store::{self, DeliveryClaimed};

/// What a service may say that it needs.
const NEEDS_MAX: usize = 16;
/// Events that one consumer can't get done: with more of them something is broken that each of these shows.
const STUCK_MAX: i64 = 1_000;
/// What its consumer can't get done is told again within a hundred seconds; what was not for so long was done by somebody.
const TRIED_US: i64 = 300_000_000;

#[derive(Debug)]
pub struct OperationRequest {
    pub producer: Producer,
    pub account: AccountRef,
    pub operation: Operation,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Row(#[from] BadRow),
    #[error("{}", .0.message)]
    Refused(Refused),
}

/// When something is asked, and for how long the right to tell something holds.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The log's time, µs.
    pub now: i64,
    pub telling_lease_us: i64,
}

pub async fn run(pool: &PgPool, request: OperationRequest, incarnation: i64, moment: Moment) -> Reply {
    let verb = request.operation.verb();
    match perform(pool, request, moment).await {
        Ok(result) => Reply::Done { position: Position::ZERO, events: Vec::new(), result, incarnation },
        Err(Problem::Refused(refusal)) => Reply::Refused { refusal },
        Err(problem) => {
            tracing::error!(verb, error = %problem, "an operational command failed");
            Reply::Failed { message: "the ledger could not reach its database".to_owned() }
        }
    }
}

async fn perform(pool: &PgPool, request: OperationRequest, moment: Moment) -> Result<Value, Problem> {
    let Moment { now, telling_lease_us } = moment;
    match request.operation {
        Operation::GenerationRenew(c) => {
            let renewed = store::renew_lease(pool, &c.generation.to_string(), c.attempt.get(), now).await?;
            renewed.map(|until| json!({"lease_until": until})).ok_or_else(|| {
                Problem::Refused(refused("stale_attempt", "another attempt has this job, or it is closed"))
            })
        }
        Operation::DeliveryClaim(c) => claim(pool, c.position, &c.claimant, moment).await,
        Operation::DeliveryRenew(c) => {
            let (position, attempt) = (c.position.get(), c.attempt.get());
            let renewed = store::renew_delivery(pool, position, attempt, telling_lease_us, now).await?;
            renewed.map(|until| json!({"lease_until": until})).ok_or_else(|| {
                Problem::Refused(refused("stale_attempt", "another try has this telling, or it is told"))
            })
        }
        Operation::DeliveryDone(c) => {
            let (position, attempt) = (c.position.get(), c.attempt.get());
            let closed = match c.outcome {
                DeliveryOutcome::Blocked => store::delivery_blocked(pool, position, attempt, now).await?,
                DeliveryOutcome::Told | DeliveryOutcome::Refused => {
                    store::close_delivery(pool, position, attempt).await?
                }
            };
            Ok(json!({"closed": closed}))
        }
        Operation::ProfileUpdate(c) => person::update(pool, request.account, &c, now).await,
        Operation::PersonReach(c) => person::reach(pool, request.account, c.reachable, now).await,
        Operation::ReferencesPut(c) => person::put_references(pool, request.account, &c).await,
        Operation::ReferencesRemove(c) => person::remove_references(pool, request.account, &c).await,
        Operation::WishKeep(c) => person::keep_wish(pool, request.account, &c, now).await,
        Operation::SupportNote(c) => person::note_support(pool, request.account, c, now).await,
        Operation::AlbumPut(c) => person::put_album(pool, request.account, c, now).await,
        Operation::AlbumClaim(c) => person::claim_album(pool, &c, now).await,
        Operation::AlbumDone(c) => person::finish_album(pool, &c, now).await,
        Operation::ContextUpdate(c) => {
            let subject = c.generation.map(|g| g.to_string()).or(c.payment.map(|p| p.to_string()));
            let Some(subject) = subject else {
                return Err(Problem::Refused(refused("invalid", "name a generation or a payment")));
            };
            let account = resolve(pool, request.account).await?;
            let found = store::update_context(pool, account, &subject, c.status_message).await?;
            Ok(json!({"found": found}))
        }
        Operation::ConsumerDone(c) => {
            of_itself(request.producer, &c.consumer)?;
            let through = c.position.get();
            store::consumer_done(pool, &c.consumer, through).await?;
            store::forget_unstuck(pool, &c.consumer, through, now - TRIED_US).await?;
            Ok(Value::Null)
        }
        Operation::ConsumerStuck(c) => {
            of_itself(request.producer, &c.consumer)?;
            Ok(json!({"dropped": store::event_stuck(pool, &c, STUCK_MAX, now).await?}))
        }
        Operation::NoticeKeep(c) => {
            books_of(request.producer, c.provider)?;
            vendor::keep_notice(pool, c, now).await
        }
        Operation::ProviderRowsPut(c) => {
            books_of(request.producer, c.provider)?;
            vendor::put_rows(pool, &c).await
        }
        Operation::ReceiptDone(c) => {
            store::receipt_done(pool, &c.payment.to_string(), &c.receipt).await?;
            Ok(Value::Null)
        }
        Operation::BroadcastDraft(c) => message::draft(pool, &c, now).await,
        Operation::BroadcastClaim(c) => message::claim(pool, &c, now).await,
        Operation::BroadcastTold(c) => message::told(pool, &c, now).await,
        Operation::IncidentReport(c) => incident::report(pool, c, now).await,
        Operation::IncidentClaim(c) => incident::claim(pool, &c, now).await,
        Operation::IncidentTold(c) => incident::told(pool, &c, now).await,
        Operation::ServiceReport(c) => {
            if c.needs.len() > NEEDS_MAX {
                let why = format!("a service names at most {NEEDS_MAX} needs");
                return Err(Problem::Refused(refused("invalid", why)));
            }
            store::report_service(pool, request.producer, &c).await?;
            Ok(Value::Null)
        }
        // On the way that commands go: `inbox::retry`.
        Operation::LetterRetry(_) => {
            Err(Problem::Refused(refused("not_allowed", "a letter is sent again by the inbox")))
        }
        Operation::TextsKnown(c) => message::keep_texts(pool, &c, now).await,
        Operation::ProviderDayDone(c) => {
            books_of(request.producer, c.provider)?;
            store::provider_day_done(pool, c.provider, c.day, now).await?;
            Ok(Value::Null)
        }
    }
}

fn of_itself(producer: Producer, consumer: &str) -> Result<(), Problem> {
    if consumer == producer.as_str() {
        return Ok(());
    }
    Err(Problem::Refused(refused("not_allowed", "a consumer reports only for itself")))
}

/// Each adapter speaks for its own provider.
fn books_of(producer: Producer, provider: Provider) -> Result<(), Problem> {
    let speaks = match provider {
        Provider::Yookassa => Producer::Payments,
        Provider::Telegram => Producer::Telegram,
    };
    if producer == speaks {
        return Ok(());
    }
    let why = format!("{producer} does not speak for {}", provider.as_str());
    Err(Problem::Refused(refused("not_allowed", why)))
}

async fn resolve(pool: &PgPool, account: AccountRef) -> Result<AccountId, Problem> {
    match account {
        AccountRef::Id(account) => Ok(account),
        AccountRef::Telegram(user) => store::accounts_of_people(pool, &[user])
            .await?
            .remove(&user)
            .ok_or_else(|| Problem::Refused(refused("account_not_found", "nobody has this account"))),
    }
}

async fn claim(pool: &PgPool, position: Position, claimant: &str, moment: Moment) -> Result<Value, Problem> {
    let Moment { now, telling_lease_us } = moment;
    match store::claim_delivery(pool, position.get(), claimant, telling_lease_us, now).await? {
        DeliveryClaimed::Yours { attempt, lease_until, account, event_type: _, subject } => {
            store::telling_tried(pool, position.get(), attempt, STUCK_MAX, now).await?;
            let telling = telling::build(pool, position, account, &subject, attempt, lease_until).await?;
            let Some(telling) = telling else {
                store::close_delivery(pool, position.get(), attempt).await?;
                return Err(Problem::Refused(refused("delivery_done", "there is nobody left to tell")));
            };
            serde_json::to_value(telling).map_err(|e| Problem::Postgres(sqlx::Error::Encode(Box::new(e))))
        }
        DeliveryClaimed::Held { until } => {
            let mut refusal = refused("delivery_held", "another instance is telling it");
            refusal.details = json!({"until": until});
            Err(Problem::Refused(refusal))
        }
        DeliveryClaimed::Parked => {
            let why = "the person can't be reached; it waits until they can";
            Err(Problem::Refused(refused("delivery_done", why)))
        }
        DeliveryClaimed::Done => {
            Err(Problem::Refused(refused("delivery_done", "it was told, or was never to be told")))
        }
    }
}

fn unwritten(error: serde_json::Error) -> Problem {
    Problem::Postgres(sqlx::Error::Encode(Box::new(error)))
}
