//! disintegrate-postgres: a decision reads the account's events and appends if none was added meanwhile.
//!
//! Version 4 writes hexadecimal numbers in one of its functions, which Postgres knows from 16 on; its
//! schema is made here with the same numbers in decimal, and nothing else changed.

use std::time::Duration;

use anyhow::Result;
use disintegrate::serde::json::Json;
use disintegrate::{Decision, Event, NoSnapshot, StateMutate, StateQuery};
use disintegrate_postgres::PgEventStore;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPool;

use crate::{ACCOUNTS, IN_FLIGHT, Operation, Rates, workers};

/// Under serializable isolation a decision is often asked to be made again.
const TRIES: usize = 1_000;
const SCHEMA: &str = "
    CREATE SEQUENCE seq_event_event_id;
    CREATE TABLE event (event_id BIGINT PRIMARY KEY DEFAULT nextval('seq_event_event_id'),
        event_type VARCHAR(255), payload BYTEA, inserted_at TIMESTAMP DEFAULT now());
    CREATE INDEX idx_event_type_btree ON event(event_type);
    ALTER TABLE event ADD COLUMN account TEXT;
    CREATE INDEX idx_event_account ON event (account) WHERE account IS NOT NULL;
    CREATE FUNCTION event_store_current_epoch() RETURNS BIGINT AS $$
    DECLARE
        persisted_event_id BIGINT;
        pending_event_id BIGINT;
        db_id INT;
    BEGIN
        SELECT COALESCE(MAX(event_id), 0) INTO persisted_event_id FROM event;
        SELECT oid INTO db_id FROM pg_database WHERE datname = current_database();
        SELECT MIN((l3.objid::bigint << 32) + l2.objid::bigint) INTO pending_event_id FROM pg_locks l1
            INNER JOIN pg_locks l2 ON l1.pid = l2.pid INNER JOIN pg_locks l3 ON l1.pid = l3.pid
            WHERE l1.classid = db_id AND l2.classid = 1 AND l3.classid = 2 AND l1.locktype = 'advisory';
        RETURN LEAST(COALESCE(pending_event_id, persisted_event_id), persisted_event_id);
    END;
    $$ LANGUAGE plpgsql;
    CREATE FUNCTION event_store_begin_epoch() RETURNS void AS $$
    DECLARE
        id BIGINT;
        db_id INT;
    BEGIN
        SELECT last_value INTO id FROM seq_event_event_id;
        SELECT oid INTO db_id FROM pg_database WHERE datname = current_database();
        PERFORM pg_try_advisory_xact_lock_shared(db_id, 0);
        PERFORM pg_try_advisory_xact_lock_shared(1, (id & 4294967295)::bit(32)::integer);
        PERFORM pg_try_advisory_xact_lock_shared(2, (id >> 32)::bit(32)::integer);
    END;
    $$ LANGUAGE plpgsql;";

#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[stream(AccountEvent, [ToppedUp, Reserved, Committed])]
enum Happened {
    ToppedUp {
        #[id]
        account: String,
        credits: i64,
        reference: String,
    },
    Reserved {
        #[id]
        account: String,
        credits: i64,
        reference: String,
    },
    Committed {
        #[id]
        account: String,
        credits: i64,
        reference: String,
    },
}

#[derive(Debug, Default, Clone, StateQuery, Serialize, Deserialize)]
#[state_query(AccountEvent)]
struct Account {
    #[id]
    account: String,
    available: i64,
    reserved: i64,
}

impl StateMutate for Account {
    fn mutate(&mut self, event: Self::Event) {
        match event {
            AccountEvent::ToppedUp { credits, .. } => self.available += credits,
            AccountEvent::Reserved { credits, .. } => {
                self.available -= credits;
                self.reserved += credits;
            }
            AccountEvent::Committed { credits, .. } => self.reserved -= credits,
        }
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

#[derive(Debug, Clone)]
struct Step {
    account: String,
    operation: Operation,
    reference: String,
}

impl Decision for Step {
    type Event = Happened;
    type StateQuery = Account;
    type Error = NotEnough;

    fn state_query(&self) -> Account {
        Account { account: self.account.clone(), ..Account::default() }
    }

    fn process(&self, state: &Account) -> Result<Vec<Happened>, NotEnough> {
        let (account, reference) = (self.account.clone(), self.reference.clone());
        let credits = self.operation.credits();
        Ok(vec![match self.operation {
            Operation::Topup => Happened::ToppedUp { account, credits, reference },
            Operation::Reserve if state.available >= credits => {
                Happened::Reserved { account, credits, reference }
            }
            Operation::Commit if state.reserved >= credits => {
                Happened::Committed { account, credits, reference }
            }
            _ => return Err(NotEnough),
        }])
    }
}

pub async fn measure(pool: PgPool, time: Duration) -> Result<Rates> {
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    let store = PgEventStore::new_uninitialized(pool, Json::<Happened>::default());
    let mut progress = vec![0; ACCOUNTS];
    let mut rates = Vec::new();
    for in_flight in IN_FLIGHT {
        let store = store.clone();
        let rate = workers(in_flight, time, &mut progress, move |account, step| {
            let maker = disintegrate_postgres::decision_maker(store.clone(), NoSnapshot);
            async move {
                let decision = Step {
                    account: account.to_string(),
                    operation: Operation::of_step(step),
                    reference: format!("{account}:{step}"),
                };
                for _ in 0..TRIES {
                    if maker.make(decision.clone()).await.is_ok() {
                        return Ok(1);
                    }
                }
                anyhow::bail!("a decision was not accepted in {TRIES} tries")
            }
        })
        .await?;
        rates.push((in_flight, rate));
    }
    Ok(rates)
}
