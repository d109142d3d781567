//! Ceilings: what this Postgres and this NATS give on this machine at this moment, without a ledger.
//!
//! The rows are those of the commands that are measured, decided and chained beforehand; they go into a
//! log of the same length in the same Postgres, with the same tables and indexes.
//! - `batches`: by one connection, 1 000 events a transaction, with their natural keys and side rows:
//!   the denominator of every ratio;
//! - `events`: the same events alone, nothing beside them;
//! - `single`: one event a transaction, durable: what the latency at 1 in flight is measured against;
//! - `round trips` of NATS, request and reply, for each number in flight.

use std::time::Instant;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use ledger::inbox::{NAMES_KEY, Names};
use ledger::sequencer::{Offline, Written};
use sqlx::{Connection as _, PgConnection, PgPool};

use super::stand::Stand;
use super::stats::percentile;
use crate::bulk::insert;
use crate::bulk::script::Script;

/// Events in a transaction of the ceilings; commands that make about so many.
const BATCH_COMMANDS: usize = 662;
/// For each of the single inserts.
const SINGLES: usize = 400;

/// A log beside the measured one, in a database of its own on the same server.
pub struct Twin {
    script: Script,
    connection: PgConnection,
    now: i64,
}

impl Twin {
    /// Opens accounts of its own on the copy of the log.
    pub fn new(stand: &Stand, accounts: usize) -> Result<Self> {
        let (url, database) = (stand.log.url(), crate::bulk::kept::TWIN);
        let url = url.rsplit_once('/').map_or(url.clone(), |(server, _)| format!("{server}/{database}"));
        stand.rt.block_on(async {
            let pool = PgPool::connect(&url).await?;
            let names = Names::new(ledger::store::service_key(&pool, NAMES_KEY).await?);
            let offline = Offline::at_head(&pool).await?;
            let now = sqlx::query_scalar("SELECT now_us()").fetch_one(&pool).await?;
            let mut script = Script::new(offline, names, &format!("twin:{now}"), 3);
            let mut connection = PgConnection::connect(&url).await?;
            sqlx::raw_sql(ledger::store::BY_KEYS).execute(&mut connection).await?;
            let users = (0..accounts).map(|n| 3_000_000_000 + i64::try_from(n).unwrap_or(0));
            write(&mut connection, &script.open(users, now)?, true).await?;
            // So that the mix is an even one.
            write(&mut connection, &script.commands(accounts * 25, now)?, true).await?;
            Ok(Self { script, connection, now })
        })
    }

    /// Events a second, with their keys and side rows or alone, and Postgres' processor time for each, µs.
    pub fn batches(&mut self, stand: &mut Stand, count: usize, beside: bool) -> Result<(f64, f64)> {
        let batches: Vec<Written> =
            (0..count).map(|_| self.script.commands(BATCH_COMMANDS, self.now)).collect::<Result<_>>()?;
        let events = batches.iter().map(|b| b.rows.len()).sum::<usize>() as f64;
        let connection = &mut self.connection;
        let before = stand.cpu();
        let begun = Instant::now();
        stand.rt.block_on(async {
            for batch in &batches {
                write(connection, batch, beside).await?;
            }
            anyhow::Ok(())
        })?;
        let rate = events / begun.elapsed().as_secs_f64();
        let cost_us = (stand.cpu() - before).postgres / events * 1e6;
        stand.rt.block_on(async {
            if !beside {
                // What was left out, so that later batches find the rows they change.
                for batch in &batches {
                    insert::keys(connection, &batch.keys).await?;
                    insert::side(connection, &batch.side).await?;
                }
            }
            Ok((rate, cost_us))
        })
    }

    /// Median milliseconds of a durable insert of one event.
    pub fn single_ms(&mut self, stand: &Stand) -> Result<f64> {
        let written = self.script.commands(SINGLES * 2 / 3, self.now)?;
        let connection = &mut self.connection;
        stand.rt.block_on(async {
            let mut times = Vec::new();
            for row in &written.rows {
                let begun = Instant::now();
                insert::events(connection, std::slice::from_ref(row)).await?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            insert::keys(connection, &written.keys).await?;
            insert::side(connection, &written.side).await?;
            insert::head(connection, &written.rows).await?;
            times.sort_by(f64::total_cmp);
            Ok(percentile(&times, 0.5))
        })
    }
}

/// One transaction, durable when it returns.
async fn write(connection: &mut PgConnection, batch: &Written, beside: bool) -> Result<()> {
    let mut tx = connection.begin().await?;
    insert::events(&mut tx, &batch.rows).await?;
    if beside {
        insert::keys(&mut tx, &batch.keys).await?;
        insert::side(&mut tx, &batch.side).await?;
    }
    insert::head(&mut tx, &batch.rows).await?;
    tx.commit().await?;
    Ok(())
}

/// Round trips a second and their median, ms, of requests that are answered at once by an echo in this
/// process, on the way that commands go: an adapter's account, the ledger's account, and back.
pub fn round_trips(stand: &Stand, in_flight: usize, count: usize) -> Result<(f64, f64)> {
    let (asker, echo) = (stand.client("telegram")?, stand.client("ledger")?);
    stand.rt.block_on(async {
        // Nobody else listens there: the ledger takes commands by verbs, and does not run now.
        let mut questions = echo.subscribe("qry.ledger.telegram.echo").await?;
        echo.flush().await?;
        let answering = tokio::spawn(async move {
            while let Some(question) = questions.next().await {
                if let Some(reply) = question.reply {
                    let _ = echo.publish(reply, question.payload).await;
                }
            }
        });
        let mut answers = asker.subscribe("_INBOX_telegram.echo.*").await?;
        asker.flush().await?;
        let body = bytes::Bytes::from(vec![b'x'; 350]);
        let mut sent_at = vec![Instant::now(); in_flight];
        let mut times = Vec::with_capacity(count);
        let begun = Instant::now();
        let mut sent = 0;
        let mut free: Vec<usize> = (0..in_flight).collect();
        while times.len() < count {
            while sent < count
                && let Some(slot) = free.pop()
            {
                sent_at[slot] = Instant::now();
                let reply = format!("_INBOX_telegram.echo.{slot}");
                asker.publish_with_reply("qry.ledger.telegram.echo", reply, body.clone()).await?;
                sent += 1;
            }
            let answer = answers.next().await.context("NATS is gone")?;
            let slot: usize = answer.subject.rsplit('.').next().context("a slot")?.parse()?;
            times.push(sent_at[slot].elapsed().as_secs_f64() * 1e3);
            free.push(slot);
        }
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        answering.abort();
        times.sort_by(f64::total_cmp);
        Ok((rate, percentile(&times, 0.5)))
    })
}
