//! Generations: each request as it stands, what it was charged and earned, what it cost us, how long it took.
//!
//! What all attempts spent is added up: tokens as billed, cost as billed and, apart, cost that is only estimated. What a
//! charge earned is in the ReservationCommitted before the success, found by its reservation's name.
//!
//! One row a generation, keyed as payments are. Cost: inserted once and changed three times in its
//! life; the steps of a busy ledger see most lives whole.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::events::{GenerationRequested, ReservationCommitted, Settlement, Spent};
use proto_events::{Currency, Event, GenerationId, ReservationId};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::copy::Copy;
use super::payments::{bucket_of, by_id};
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::books::words::word;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "generations",
    version: 3,
    needs: Needs::Payload,
    pace: Duration::from_millis(500),
    tables: &[TableDef {
        suffix: "",
        columns: "position bigint NOT NULL, account_id uuid NOT NULL, tail bigint NOT NULL, kind text NOT NULL, \
            model text NOT NULL, catalog_version bigint NOT NULL, credits bigint NOT NULL, state text NOT NULL, \
            settlement text, charged bigint NOT NULL, reason text, attempts smallint NOT NULL, \
            cost_micro_usd bigint NOT NULL, estimated_micro_usd bigint NOT NULL, model_version text, \
            prompt_tokens bigint NOT NULL, output_tokens bigint NOT NULL, thought_tokens bigint NOT NULL, \
            image_tokens bigint NOT NULL, latency_ms bigint NOT NULL, revenue_kopecks bigint NOT NULL, \
            revenue_stars bigint NOT NULL, outputs smallint NOT NULL, requested_at bigint NOT NULL, \
            started_at bigint, closed_at bigint, delivered_at bigint, delivery_trouble text, \
            bucket integer NOT NULL GENERATED ALWAYS AS ((position >> 18)::integer) STORED",
        key: "bucket, account_id, tail",
        // Everybody's, the newest first.
        indexes: &["position"],
        fillfactor: 70,
    }],
    make: |tables| Box::new(Generations { tables, rows: Rows::new(KEPT_MAX) }),
};

/// Generations that stay in memory; about 400 bytes each. Most are over within a minute.
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
    spent: Sums,
    /// What answered last.
    model_version: Option<String>,
    /// By the charge.
    kopecks: i64,
    stars: i64,
    outputs: i16,
    requested_at: i64,
    started_at: Option<i64>,
    closed_at: Option<i64>,
    delivered_at: Option<i64>,
    trouble: Option<String>,
}

/// Of all attempts together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    /// µ$, as billed.
    cost: i64,
    /// µ$ of calls whose bill never came.
    estimated: i64,
    prompt: i64,
    /// With those of pictures.
    output: i64,
    thought: i64,
    image: i64,
    latency_ms: i64,
}

impl Sums {
    fn add(&mut self, spent: &Spent) {
        let cost = spent.cost_micro_usd.map_or(0, |cost| cost.get());
        let usage = spent.usage.unwrap_or_default();
        let into = if spent.estimated { &mut self.estimated } else { &mut self.cost };
        *into = into.saturating_add(cost);
        self.prompt += i64::from(usage.prompt_tokens);
        self.output += i64::from(usage.output_tokens);
        self.thought += i64::from(usage.thought_tokens);
        self.image += i64::from(usage.image_tokens);
        self.latency_ms += i64::from(spent.latency_ms);
    }
}

struct Generations {
    tables: Tables,
    rows: Rows<Key, Generation>,
}

fn key_of(generation: GenerationId) -> Key {
    (generation.account().0, generation.tail().cast_signed())
}

/// The generations that a reservation may be of: its own, or that of which it is the late one.
fn reserved_for(reservation: ReservationId) -> [Key; 2] {
    let (account, tail) = (reservation.account().0, reservation.tail());
    [tail, tail ^ 0xf].map(|tail| (account, tail.cast_signed()))
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

fn is_read(event_type: &str) -> bool {
    concerns(event_type) || event_type == "ReservationCommitted"
}

const NEVER_REQUESTED: &str = "it is about a generation that was never requested";

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
        self.spent.add(spent);
        if let Some(version) = &spent.model_version {
            self.model_version = Some(version.to_string());
        }
    }

    fn earn(&mut self, charged: &ReservationCommitted) {
        for money in charged.charged.iter().filter_map(|part| part.revenue) {
            match money.currency {
                Currency::Rub => self.kopecks += money.minor(),
                Currency::Xtr => self.stars += money.minor(),
            }
        }
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
            for entry in entries.iter().filter(|e| is_read(&e.row.event_type)) {
                // What can't be read stops `take`.
                let Ok(event) = entry.event() else { continue };
                if let Event::ReservationCommitted(e) = event {
                    let [own, late] = reserved_for(e.reservation);
                    if !made.contains(&own) && self.rows.get(&own).is_none() {
                        asked.extend([own, late]);
                    }
                }
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
        if !is_read(&entry.row.event_type) {
            return Ok(());
        }
        let event = entry.event().map_err(|_| FoldError::unreadable(entry))?;
        if let Event::ReservationCommitted(e) = event {
            let of = reserved_for(e.reservation).into_iter().find(|key| self.rows.get(key).is_some());
            let row = of.and_then(|key| self.rows.change_known(&key));
            row.ok_or_else(|| FoldError::broken(position, NEVER_REQUESTED))?.earn(e);
            return Ok(());
        }
        let Some(key) = subject(event).map(key_of) else { return Ok(()) };
        if let Event::GenerationRequested(e) = event {
            *self.rows.change(&key, Generation::default) = Generation::new(position, at, e);
            return Ok(());
        }
        let row = self.rows.change_known(&key);
        row.ok_or_else(|| FoldError::broken(position, NEVER_REQUESTED))?.evolve(at, event);
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
                    &g.spent.cost,
                    &g.spent.estimated,
                    &g.model_version,
                    &g.spent.prompt,
                    &g.spent.output,
                    &g.spent.thought,
                    &g.spent.image,
                    &g.spent.latency_ms,
                    &g.kopecks,
                    &g.stars,
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
                    reason, attempts, cost_micro_usd, estimated_micro_usd, model_version, prompt_tokens, \
                    output_tokens, thought_tokens, image_tokens, latency_ms, revenue_kopecks, revenue_stars, \
                    outputs, requested_at, started_at, closed_at, delivered_at, \
                    delivery_trouble)",
                self.tables.main()
            );
            copy.send(&mut *tx, &into).await?;
            let rows = changed.altered;
            if !rows.is_empty() {
                alter(tx, &self.tables.main(), &rows).await?;
            }
            self.rows.written();
            Ok(())
        })
    }
}

/// Writes rows that the table has in another form.
async fn alter(tx: &mut PgConnection, table: &str, rows: &[(&Key, &Generation)]) -> Result<(), sqlx::Error> {
    let sql = format!(
        "UPDATE {table} g SET state = u.state, settlement = u.settlement, charged = u.charged, reason = u.reason, \
            attempts = u.attempts, cost_micro_usd = u.cost, estimated_micro_usd = u.estimated, \
            model_version = u.model_version, prompt_tokens = u.prompt, output_tokens = u.output, \
            thought_tokens = u.thought, image_tokens = u.image, latency_ms = u.latency, revenue_kopecks = u.kopecks, \
            revenue_stars = u.stars, outputs = u.outputs, started_at = u.started_at, closed_at = u.closed_at, \
            delivered_at = u.delivered_at, delivery_trouble = u.trouble \
         FROM unnest($1::integer[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], \
            $8::smallint[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], \
            $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::smallint[], $20::bigint[], \
            $21::bigint[], $22::bigint[], $23::text[]) u(bucket, account_id, tail, state, settlement, charged, reason, \
            attempts, cost, estimated, model_version, prompt, output, thought, image, latency, kopecks, stars, \
            outputs, started_at, closed_at, delivered_at, trouble) \
         WHERE g.bucket = u.bucket AND g.account_id = u.account_id AND g.tail = u.tail"
    );
    let numbers = |get: fn(&Generation) -> i64| rows.iter().map(|(_, g)| get(g)).collect::<Vec<_>>();
    let times = |get: fn(&Generation) -> Option<i64>| rows.iter().map(|(_, g)| get(g)).collect::<Vec<_>>();
    let words = |get: fn(&Generation) -> Option<&str>| rows.iter().map(|(_, g)| get(g)).collect::<Vec<_>>();
    sqlx::query(AssertSqlSafe(sql))
        .bind(rows.iter().map(|(_, g)| bucket_of(g.position)).collect::<Vec<_>>())
        .bind(rows.iter().map(|((account, _), _)| *account).collect::<Vec<_>>())
        .bind(rows.iter().map(|((_, tail), _)| *tail).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, g)| g.state.as_str()).collect::<Vec<_>>())
        .bind(words(|g| g.settlement.as_deref()))
        .bind(numbers(|g| g.charged))
        .bind(words(|g| g.reason.as_deref()))
        .bind(rows.iter().map(|(_, g)| g.attempts).collect::<Vec<_>>())
        .bind(numbers(|g| g.spent.cost))
        .bind(numbers(|g| g.spent.estimated))
        .bind(words(|g| g.model_version.as_deref()))
        .bind(numbers(|g| g.spent.prompt))
        .bind(numbers(|g| g.spent.output))
        .bind(numbers(|g| g.spent.thought))
        .bind(numbers(|g| g.spent.image))
        .bind(numbers(|g| g.spent.latency_ms))
        .bind(numbers(|g| g.kopecks))
        .bind(numbers(|g| g.stars))
        .bind(rows.iter().map(|(_, g)| g.outputs).collect::<Vec<_>>())
        .bind(times(|g| g.started_at))
        .bind(times(|g| g.closed_at))
        .bind(times(|g| g.delivered_at))
        .bind(words(|g| g.trouble.as_deref()))
        .execute(tx)
        .await?;
    Ok(())
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
        spent: Sums {
            cost: row.try_get("cost_micro_usd")?,
            estimated: row.try_get("estimated_micro_usd")?,
            prompt: row.try_get("prompt_tokens")?,
            output: row.try_get("output_tokens")?,
            thought: row.try_get("thought_tokens")?,
            image: row.try_get("image_tokens")?,
            latency_ms: row.try_get("latency_ms")?,
        },
        model_version: row.try_get("model_version")?,
        kopecks: row.try_get("revenue_kopecks")?,
        stars: row.try_get("revenue_stars")?,
        outputs: row.try_get("outputs")?,
        requested_at: row.try_get("requested_at")?,
        started_at: row.try_get("started_at")?,
        closed_at: row.try_get("closed_at")?,
        delivered_at: row.try_get("delivered_at")?,
        trouble: row.try_get("delivery_trouble")?,
    })
}
