//! Questions, answered from committed state only.

mod message;
mod money;
mod person;
mod reading;
mod result;
mod views;

pub use message::view as broadcast_view;
pub use money::{payment_now, payment_of_provider, refund_now};
pub use person::references;

use std::time::Duration;

use proto_events::envelope::AccountRef;
use proto_events::events::GenerationKind;
use proto_events::queries::{
    AccountQuery, BalanceView, BroadcastQuery, CatalogView, ContentsQuery, GenerationQuery, JobSweep,
    OpenDelivery, OpenJob, PaymentQuery, PeopleQuery, QueueView, RefundQuery, StatisticsQuery, Sweep,
    TotalsView,
};
use proto_events::{
    AccountId, Attempt, Credits, Event, Money, Position, Producer, QueryReply, Refused, Text,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::log::{BadRow, Row};
use crate::projections::{self, Standing};
use crate::sequencer::refused;
use crate::store::{self, Thing};

/// How long `at_least` may make a query wait.
const WAIT: Duration = Duration::from_secs(5);
/// How long a reading waits for its projection when no position was asked for.
const MOMENT: Duration = Duration::from_millis(500);
/// Rows a sweep may ask for.
const SWEEP_MAX: u16 = 500;

#[derive(Debug)]
pub struct Question {
    pub producer: Producer,
    pub name: String,
    pub at_least: Option<Position>,
    pub body: Value,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Row(#[from] BadRow),
    #[error("{}", .0.message)]
    Refused(Refused),
    #[error("position {0} has not been reached yet")]
    NotYet(Position),
}

/// `now`: the log's time, µs.
pub async fn answer(
    pool: &PgPool,
    committed: watch::Receiver<Position>,
    question: Question,
    now: i64,
) -> QueryReply {
    match find(pool, committed, &question, now).await {
        Ok((position, result)) => QueryReply::Ok { position, result },
        Err(Problem::Refused(refusal)) => QueryReply::Refused { refusal },
        Err(problem) => {
            tracing::warn!(query = question.name, error = %problem, "a query could not be answered");
            QueryReply::Failed { message: problem.to_string() }
        }
    }
}

async fn find(
    pool: &PgPool,
    mut committed: watch::Receiver<Position>,
    question: &Question,
    now: i64,
) -> Result<(Position, Value), Problem> {
    if let Some(at_least) = question.at_least {
        let reached = tokio::time::timeout(WAIT, committed.wait_for(|p| *p >= at_least)).await;
        if !matches!(reached, Ok(Ok(_))) {
            return Err(Problem::NotYet(at_least));
        }
    }
    let position = *committed.borrow();
    let body = &question.body;
    let reader = reading::Reader { pool, at_least: question.at_least, committed: position, now, about: None };
    let result = match question.name.as_str() {
        "balance" => return balance(pool, read(body)?, position).await,
        "account" => json(person::account(pool, read(body)?).await?),
        "catalog" => json(catalog(pool).await?),
        "generation" => {
            let GenerationQuery { generation } = read(body)?;
            let rows = rows_about(pool, generation.account(), generation.to_string()).await?;
            json(views::generation(&rows, generation)?.ok_or_else(|| not_found("generation"))?)
        }
        "result" => {
            let GenerationQuery { generation } = read(body)?;
            json(result::result(pool, generation).await?.ok_or_else(|| not_found("generation"))?)
        }
        "payment" => {
            let PaymentQuery { payment } = read(body)?;
            let view = money::payment(pool, payment, question.producer).await?;
            json(view.ok_or_else(|| not_found("payment"))?)
        }
        "payment_of" => {
            let view = money::payment_of(pool, &read(body)?, question.producer).await?;
            json(view.ok_or_else(|| not_found("payment"))?)
        }
        "refund" => {
            let RefundQuery { refund } = read(body)?;
            let view = money::refund(pool, refund, question.producer).await?;
            json(view.ok_or_else(|| not_found("refund"))?)
        }
        "jobs" => json(jobs(pool, read(body)?, now).await?),
        "deliveries" => {
            let Sweep { limit } = read(body)?;
            json(deliveries(pool, rows(limit), now).await?)
        }
        "references" => {
            let AccountQuery { account } = read(body)?;
            json(references(pool, resolve(pool, account).await?).await?)
        }
        "albums_due" => {
            let Sweep { limit } = read(body)?;
            json(person::albums_due(pool, rows(limit), now).await?)
        }
        "wish" => json(person::wish(pool, read(body)?).await?),
        "generation_of_file" => json(person::generation_of_file(pool, read(body)?).await?),
        "support_of" => json(person::support_of(pool, read(body)?).await?),
        "queue" => json(queue(pool, read(body)?, now).await?),
        "history" => json(reading::history(reader, read(body)?).await?),
        "statement" => json(reading::statement(reader, read(body)?).await?),
        "totals" => {
            let AccountQuery { account } = read(body)?;
            let account = resolve(pool, account).await?;
            json(reading::totals(reader.about(account), account).await?)
        }
        "referrals" => {
            let AccountQuery { account } = read(body)?;
            let account = resolve(pool, account).await?;
            json(reading::referrals(reader.about(account), account).await?)
        }
        "people" => {
            let PeopleQuery { find } = read(body)?;
            json(reading::people(reader, &find).await?)
        }
        "statistics" => {
            let StatisticsQuery { days } = read(body)?;
            json(reading::statistics(reader, days).await?)
        }
        "broadcast" => {
            let BroadcastQuery { broadcast } = read(body)?;
            json(message::broadcast(pool, &broadcast).await?)
        }
        "broadcasts" => json(message::broadcasts(pool).await?),
        "contents" => {
            let ContentsQuery { after } = read(body)?;
            json(message::contents(pool, after).await?)
        }
        "pictures" => {
            let ContentsQuery { after } = read(body)?;
            json(message::pictures(pool, after).await?)
        }
        "picture" => json(message::picture(pool, &read(body)?).await?),
        "payments_open" => json(money::payments_open(pool, read(body)?, question.producer).await?),
        "refunds_open" => json(money::refunds_open(pool, read(body)?, question.producer).await?),
        "known_to_us" => json(money::known(pool, &read(body)?).await?),
        "receipts_due" => json(money::receipts_due(pool, read(body)?, question.producer).await?),
        "reconciled" => json(money::reconciled(pool, &read(body)?).await?),
        _ => Err(Problem::Refused(refused("unknown_verb", "there is no such query"))),
    };
    Ok((position, result?))
}

/// An account's life in figures and what it has paid, less what went back: by all that is committed, or as far as the projections
/// come in a moment.
///
/// # Errors
/// Postgres does not answer, or there are no projections yet.
pub async fn life_in_figures(pool: &PgPool, account: AccountId) -> Result<(TotalsView, Vec<Money>), Problem> {
    let head = store::head(pool).await?;
    let committed = Position::new(head.position).unwrap_or_default();
    let reader =
        reading::Reader { pool, at_least: None, committed, now: head.recorded_at, about: Some(account) };
    Ok((reading::totals(reader, account).await?, reading::paid(reader, account).await?))
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Problem> {
    serde_json::from_value(body.clone())
        .map_err(|error| Problem::Refused(refused("invalid", format!("the query can't be read: {error}"))))
}

/// As many as a sweep gets.
fn rows(limit: u16) -> i64 {
    limit.clamp(1, SWEEP_MAX).into()
}

fn json(answer: impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(answer).map_err(|e| Problem::Postgres(sqlx::Error::Encode(Box::new(e))))
}

fn not_found(what: &str) -> Problem {
    Problem::Refused(refused(&format!("{what}_not_found"), format!("there is no such {what}")))
}

async fn resolve(pool: &PgPool, account: AccountRef) -> Result<AccountId, Problem> {
    match account {
        AccountRef::Id(account) => Ok(account),
        AccountRef::Telegram(user) => {
            store::accounts_of_people(pool, &[user]).await?.remove(&user).ok_or_else(|| not_found("account"))
        }
    }
}

async fn rows_about(pool: &PgPool, account: AccountId, id: String) -> Result<Vec<Row>, Problem> {
    let mut found = store::events_about(pool, &[Thing { account, id: id.clone(), after: 0 }]).await?;
    Ok(found.remove(&id).unwrap_or_default())
}

/// As committed now. `committed` is where the log was when it was asked for.
async fn balance(
    pool: &PgPool,
    query: AccountQuery,
    committed: Position,
) -> Result<(Position, Value), Problem> {
    let account = resolve(pool, query.account).await?;
    match projections::balance(pool, account).await? {
        Standing::Known(available, reserved, debt) => {
            let credits = |n| Credits::new(n).unwrap_or_default();
            let (available, reserved, debt) = (credits(available), credits(reserved), credits(debt));
            Ok((committed, json(BalanceView { account, available, reserved, debt })?))
        }
        Standing::Nobody => Err(not_found("account")),
        Standing::Unread => Err(Problem::NotYet(committed)),
    }
}

async fn catalog(pool: &PgPool) -> Result<CatalogView, Problem> {
    let newest = store::newest_of_type(pool, AccountId::CATALOG, store::CATALOG_PUBLISHED).await?;
    match newest.as_ref().map(Row::event).transpose()? {
        Some(Event::CatalogPublished(e)) => Ok(CatalogView { version: e.version, catalog: e.catalog }),
        _ => Err(not_found("catalog")),
    }
}

async fn jobs(pool: &PgPool, sweep: JobSweep, now: i64) -> Result<Vec<OpenJob>, Problem> {
    let limits = catalog(pool).await?.catalog.limits;
    let resting: Vec<String> = sweep.resting.iter().map(Text::to_string).collect();
    let working_max = limits.working_per_person_max.into();
    let open = store::open_jobs(pool, rows(sweep.limit), working_max, now, &resting).await?;
    Ok(open
        .into_iter()
        .filter_map(|job| {
            Some(OpenJob {
                generation: job.generation.parse().ok()?,
                position: job.position.try_into().ok()?,
                attempt: Attempt::new(job.attempt).ok()?,
                kind: GenerationKind::named(&job.kind)?,
                model: Text::lossy(&job.model),
            })
        })
        .collect())
}

async fn queue(pool: &PgPool, query: GenerationQuery, now: i64) -> Result<QueueView, Problem> {
    let working_max = catalog(pool).await?.catalog.limits.working_per_person_max.into();
    let before = store::jobs_before(pool, &query.generation.to_string(), working_max, now).await?;
    let before = before.ok_or_else(|| not_found("generation"))?;
    Ok(QueueView { before: u32::try_from(before).unwrap_or(u32::MAX) })
}

async fn deliveries(pool: &PgPool, limit: i64, now: i64) -> Result<Vec<OpenDelivery>, Problem> {
    let open = store::open_deliveries(pool, limit, now).await?;
    let open = open.into_iter().filter_map(|(position, account, r#type)| {
        Some(OpenDelivery { position: position.try_into().ok()?, account: AccountId(account), r#type })
    });
    Ok(open.collect())
}
