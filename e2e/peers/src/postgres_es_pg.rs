//! postgres-es: an account is an aggregate. Two modes of three: the aggregate kept whole beside its events,
//! and snapshots every 20 events; the third reads all of an account's events each time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_aggregate_cqrs, postgres_snapshot_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPool;

use crate::{ACCOUNTS, IN_FLIGHT, Operation, Rates, workers};

const SNAPSHOT_EVERY: usize = 20;
/// Of the crate's own db/init.sql: the tables, without its test rows and users.
const SCHEMA: &str = "
    CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL,
        payload json NOT NULL, metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence));
    CREATE TABLE snapshots (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        last_sequence bigint CHECK (last_sequence >= 0) NOT NULL,
        current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL, payload json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence));";

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Account {
    available: i64,
    reserved: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Happened {
    ToppedUp { credits: i64, reference: String },
    Reserved { credits: i64, reference: String },
    Committed { credits: i64, reference: String },
}

impl DomainEvent for Happened {
    fn event_type(&self) -> String {
        match self {
            Self::ToppedUp { .. } => "ToppedUp",
            Self::Reserved { .. } => "Reserved",
            Self::Committed { .. } => "Committed",
        }
        .to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug)]
struct NotEnough;

impl std::fmt::Display for NotEnough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not enough credits")
    }
}

impl std::error::Error for NotEnough {}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = (Operation, String);
    type Event = Happened;
    type Error = NotEnough;
    type Services = ();

    async fn handle(
        &mut self,
        (operation, reference): Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), NotEnough> {
        let credits = operation.credits();
        let event = match operation {
            Operation::Topup => Happened::ToppedUp { credits, reference },
            Operation::Reserve if self.available >= credits => Happened::Reserved { credits, reference },
            Operation::Commit if self.reserved >= credits => Happened::Committed { credits, reference },
            _ => return Err(NotEnough),
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Happened) {
        match event {
            Happened::ToppedUp { credits, .. } => self.available += credits,
            Happened::Reserved { credits, .. } => {
                self.available -= credits;
                self.reserved += credits;
            }
            Happened::Committed { credits, .. } => self.reserved -= credits,
        }
    }
}

pub async fn measure(pool: PgPool, time: Duration) -> Result<Rates> {
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    let whole = Arc::new(postgres_aggregate_cqrs(pool.clone(), Vec::new(), ()));
    let snapshots = Arc::new(postgres_snapshot_cqrs(pool, Vec::new(), SNAPSHOT_EVERY, ()));
    let mut progress = [vec![0; ACCOUNTS], vec![0; ACCOUNTS]];
    let mut rates = Vec::new();
    for in_flight in IN_FLIGHT {
        let mut best: f64 = 0.0;
        for ((name, framework), progress) in [("w", &whole), ("s", &snapshots)].into_iter().zip(&mut progress)
        {
            best = best.max(one(framework, name, in_flight, time / 2, progress).await?);
        }
        rates.push((in_flight, best));
    }
    Ok(rates)
}

async fn one(
    framework: &Arc<PostgresCqrs<Account>>,
    name: &'static str,
    in_flight: usize,
    time: Duration,
    progress: &mut [usize],
) -> Result<f64> {
    let framework = Arc::clone(framework);
    workers(in_flight, time, progress, move |account, step| {
        let framework = Arc::clone(&framework);
        async move {
            let command = (Operation::of_step(step), format!("{name}:{account}:{step}"));
            let done = framework.execute(&format!("{name}-{account}"), command).await;
            done.map_err(|error| anyhow!("{error}"))?;
            Ok(1)
        }
    })
    .await
}
