//! Generations: each request as it stands, what it was charged, what it cost us, how long it took.
//!
//! One row a generation, keyed as payments are. Cost: inserted once and changed three times in its
//! life; the steps of a busy ledger see most lives whole.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::events::{GenerationRequested, Settlement, Spent};
use proto_events::{Event, GenerationId};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::copy::Copy;
use super::payments::{bucket_of, by_id};
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::books::words::word;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "generations",
    version: 1,
    needs: Needs::Payload,
    pace: Duration::from_millis(500),
    tables: &[TableDef {
        suffix: "",
        columns: "position bigint NOT NULL, account_id uuid NOT NULL, tail bigint NOT NULL, kind text NOT NULL, \
            model text NOT NULL, catalog_version bigint NOT NULL, credits bigint NOT NULL, state text NOT NULL, \
            settlement text, charged bigint NOT NULL, reason text, attempts smallint NOT NULL, \
            cost_micro_usd bigint NOT NULL, outputs smallint NOT NULL, requested_at bigint NOT NULL, \
            started_at bigint, closed_at bigint, delivered_at bigint, delivery_trouble text, \
            bucket integer NOT NULL GENERATED ALWAYS AS ((position >> 18)::integer) STORED",
        key: "bucket, account_id, tail",
        indexes: &[],
        fillfactor: 70,
    }],
    make: |tables| Box::new(Generations { tables, rows: Rows::new(KEPT_MAX) }),
};

/// Generations that stay in memory; about 300 bytes each. Most are over within a minute.
const KEPT_MAX: usize = 100_000;

type Key = (Uuid, i64);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Generation {
    position: i64,
    kind: String,
    model: String,
    catalog_version: i64,
    credits: i64,
    state: String,
    settlement: Option<String>,
    charged: i64,
    reason: Option<String>,
    attempts: i16,
    cost: i64,
    outputs: i16,
    requested_at: i64,
    started_at: Option<i64>,
    closed_at: Option<i64>,
    delivered_at: Option<i64>,
    trouble: Option<String>,
}

struct Generations {
    tables: Tables,
    rows: Rows<Key, Generation>,
}

fn key_of(generation: GenerationId) -> Key {
    (generation.account().0, generation.tail().cast_signed())
}

/// Whose it is about.
pub(super) fn subject(event: &Event) -> Option<GenerationId> {
    match event {
        Event::GenerationRequested(e) => Some(e.generation),
        Event::GenerationStarted(e) => Some(e.generation),
        Event::GenerationAttempted(e) => Some(e.generation),
        Event::GenerationSucceeded(e) => Some(e.generation),
        Event::GenerationFailed(e) => Some(e.generation),
        Event::GenerationCanceled(e) => Some(e.generation),
        Event::GenerationDelivered(e) => Some(e.generation),
        Event::DeliveryFailed(e) => Some(e.generation),
        _ => None,
    }
}

pub(super) fn concerns(event_type: &str) -> bool {
    event_type.starts_with("Generation") || event_type == "DeliveryFailed"
}

impl Generation {
    fn new(position: i64, at: i64, e: &GenerationRequested) -> Self {
        Self {
            position,
            kind: word(&e.kind),
            model: e.model.to_string(),
            catalog_version: e.catalog_version,
            credits: e.credits.get(),
            state: "open".to_owned(),
            requested_at: at,
            ..Self::default()
        }
    }

    fn spend(&mut self, spent: &Spent) {
        self.cost = self.cost.saturating_add(spent.cost_micro_usd.map_or(0, |c| c.get()));
    }

    fn close(&mut self, state: &str, at: i64) {
        state.clone_into(&mut self.state);
        self.closed_at = Some(at);
    }

    fn evolve(&mut self, at: i64, event: &Event) {
        match event {
            Event::GenerationStarted(e) => {
                self.attempts = i16::try_from(e.attempt.get()).unwrap_or(i16::MAX);
                self.started_at.get_or_insert(at);
            }
            Event::GenerationAttempted(e) => self.spend(&e.spent),
            Event::GenerationSucceeded(e) => {
                self.spend(&e.spent);
                self.close("succeeded", at);
                self.settlement = Some(word(&e.settlement));
                self.charged = if e.settlement == Settlement::GivenAway { 0 } else { e.credits.get() };
                self.outputs = i16::try_from(e.outputs.len()).unwrap_or(i16::MAX);
                // A result that came after the deadline had made it a failure.
                self.reason = None;
            }
            Event::GenerationFailed(e) => {
                self.close("failed", at);
                self.reason = Some(word(&e.reason));
            }
            Event::GenerationCanceled(e) => {
                self.close("canceled", at);
                self.reason = Some(word(&e.by));
            }
            Event::GenerationDelivered(_) => self.delivered_at = Some(at),
            Event::DeliveryFailed(e) => self.trouble = Some(word(&e.reason)),
            _ => {}
        }
    }
}

impl Fold for Generations {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let Some(first) = entries.first().map(|e| e.row.position) else { return Ok(()) };
            let (mut made, mut asked) = (HashSet::new(), Vec::new());
            for entry in entries.iter().filter(|e| concerns(&e.row.event_type)) {
                // What can't be read stops `take`.
                let Ok(event) = entry.event() else { continue };
                let Some(key) = subject(event).map(key_of) else { continue };
                match event {
                    Event::GenerationRequested(_) => drop(made.insert(key)),
                    _ if !made.contains(&key) => asked.push(key),
                    _ => {}
                }
            }
            let missing = self.rows.missing(asked);
            if missing.is_empty() {
                return Ok(());
            }
            for row in by_id(tx, &self.tables.main(), missing, first).await? {
                let generation = read(&row)?;
                self.rows.loaded((row.try_get("account_id")?, row.try_get("tail")?), generation);
            }
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let (position, at) = (entry.row.position, entry.row.recorded_at);
        if !concerns(&entry.row.event_type) {
            return Ok(());
        }
        let event = entry.event().map_err(|_| FoldError::unreadable(entry))?;
        let Some(key) = subject(event).map(key_of) else { return Ok(()) };
        if let Event::GenerationRequested(e) = event {
            *self.rows.change(&key, Generation::default) = Generation::new(position, at, e);
            return Ok(());
        }
        let row = self.rows.change_known(&key);
        row.ok_or_else(|| FoldError::broken(position, "it is about a generation that was never requested"))?
            .evolve(at, event);
        Ok(())
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let changed = self.rows.changed();
            let mut copy = Copy::new();
            for ((account, tail), g) in changed.new {
                copy.row(&[
                    &g.position,
                    account,
                    tail,
                    &g.kind,
                    &g.model,
                    &g.catalog_version,
                    &g.credits,
                    &g.state,
                    &g.settlement,
                    &g.charged,
                    &g.reason,
                    &g.attempts,
                    &g.cost,
                    &g.outputs,
                    &g.requested_at,
                    &g.started_at,
                    &g.closed_at,
                    &g.delivered_at,
                    &g.trouble,
                ]);
            }
            let into = format!(
                "{} (position, account_id, tail, kind, model, catalog_version, credits, state, settlement, charged, \
                    reason, attempts, cost_micro_usd, outputs, requested_at, started_at, closed_at, delivered_at, \
                    delivery_trouble)",
                self.tables.main()
            );
            copy.send(&mut *tx, &into).await?;
            let rows = changed.altered;
            if !rows.is_empty() {
                let sql = format!(
                    "UPDATE {} g SET state = u.state, settlement = u.settlement, charged = u.charged, reason = u.reason, \
                        attempts = u.attempts, cost_micro_usd = u.cost, outputs = u.outputs, started_at = u.started_at, \
                        closed_at = u.closed_at, delivered_at = u.delivered_at, delivery_trouble = u.trouble \
                     FROM unnest($1::integer[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], \
                        $8::smallint[], $9::bigint[], $10::smallint[], $11::bigint[], $12::bigint[], $13::bigint[], \
                        $14::text[]) u(bucket, account_id, tail, state, settlement, charged, reason, attempts, cost, \
                        outputs, started_at, closed_at, delivered_at, trouble) \
                     WHERE g.bucket = u.bucket AND g.account_id = u.account_id AND g.tail = u.tail",
                    self.tables.main()
                );
                let numbers =
                    |get: fn(&Generation) -> i64| rows.iter().map(|(_, g)| get(g)).collect::<Vec<_>>();
                let times = |get: fn(&Generation) -> Option<i64>| {
                    rows.iter().map(|(_, g)| get(g)).collect::<Vec<_>>()
                };
                sqlx::query(AssertSqlSafe(sql))
                    .bind(rows.iter().map(|(_, g)| bucket_of(g.position)).collect::<Vec<_>>())
                    .bind(rows.iter().map(|((account, _), _)| *account).collect::<Vec<_>>())
                    .bind(rows.iter().map(|((_, tail), _)| *tail).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, g)| g.state.as_str()).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, g)| g.settlement.as_deref()).collect::<Vec<_>>())
                    .bind(numbers(|g| g.charged))
                    .bind(rows.iter().map(|(_, g)| g.reason.as_deref()).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, g)| g.attempts).collect::<Vec<_>>())
                    .bind(numbers(|g| g.cost))
                    .bind(rows.iter().map(|(_, g)| g.outputs).collect::<Vec<_>>())
                    .bind(times(|g| g.started_at))
                    .bind(times(|g| g.closed_at))
                    .bind(times(|g| g.delivered_at))
                    .bind(rows.iter().map(|(_, g)| g.trouble.as_deref()).collect::<Vec<_>>())
                    .execute(tx)
                    .await?;
            }
            self.rows.written();
            Ok(())
        })
    }
}

fn read(row: &sqlx::postgres::PgRow) -> Result<Generation, sqlx::Error> {
    Ok(Generation {
        position: row.try_get("position")?,
        kind: row.try_get("kind")?,
        model: row.try_get("model")?,
        catalog_version: row.try_get("catalog_version")?,
        credits: row.try_get("credits")?,
        state: row.try_get("state")?,
        settlement: row.try_get("settlement")?,
        charged: row.try_get("charged")?,
        reason: row.try_get("reason")?,
        attempts: row.try_get("attempts")?,
        cost: row.try_get("cost_micro_usd")?,
        outputs: row.try_get("outputs")?,
        requested_at: row.try_get("requested_at")?,
        started_at: row.try_get("started_at")?,
        closed_at: row.try_get("closed_at")?,
        delivered_at: row.try_get("delivered_at")?,
        trouble: row.try_get("delivery_trouble")?,
    })
}
