//! Daily figures, by Moscow day: people new and active, who became a payer, generations by kind and
//! outcome, errors, costs, and how long generations took.
//!
//! Counters are added to, so no row is read before it is written. To count people once a day, and to
//! know a generation's kind and beginning at its end, three helper tables hold who was active, when
//! people came and first paid, and what is open.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::events::{Settlement, Spent, Trouble};
use proto_events::{Event, GenerationId};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::generations::{concerns as is_of_generation, subject};
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::books::moscow::Day;
use crate::books::words::word;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "daily",
    version: 1,
    needs: Needs::Payload,
    pace: Duration::from_secs(1),
    tables: &[
        TableDef {
            suffix: "",
            // `part` is the kind, rail or reason, empty where there is none.
            columns: "day date NOT NULL, figure text NOT NULL, part text NOT NULL, n bigint NOT NULL",
            key: "day, figure, part",
            indexes: &[],
            fillfactor: 50,
        },
        TableDef {
            suffix: "times",
            // From request to success; `slot` as `slot_of` has it.
            columns: "day date NOT NULL, kind text NOT NULL, slot smallint NOT NULL, n bigint NOT NULL",
            key: "day, kind, slot",
            indexes: &[],
            fillfactor: 50,
        },
        TableDef {
            suffix: "active",
            columns: "day date NOT NULL, account_id uuid NOT NULL",
            key: "day, account_id",
            indexes: &[],
            fillfactor: 90,
        },
        TableDef {
            suffix: "people",
            columns: "account_id uuid NOT NULL, opened date NOT NULL, first_paid date",
            key: "account_id",
            indexes: &[],
            fillfactor: 70,
        },
        TableDef {
            suffix: "open",
            columns: "account_id uuid NOT NULL, tail bigint NOT NULL, kind text NOT NULL, requested_at bigint NOT NULL",
            key: "account_id, tail",
            indexes: &[],
            fillfactor: 70,
        },
    ],
    make: |tables| Box::new(Daily { tables, people: Rows::new(KEPT_MAX), ..Daily::empty() }),
};

/// People that stay in memory; about 100 bytes each.
const KEPT_MAX: usize = 100_000;
/// Open generations, and those past their deadline, that stay in memory; when there are more all are
/// forgotten, and read again at need.
const OPEN_MAX: usize = 100_000;
/// (day, account) pairs that are known to be counted; when there are more all are forgotten.
const ACTIVE_MAX: usize = 500_000;

/// The slot of a time in a histogram: eight to each doubling, so that a percentile is read off to
/// 12 %.
pub fn slot_of(ms: i64) -> i16 {
    let ms = ms.clamp(8, 1 << 40);
    let log2 = 63 - ms.leading_zeros();
    let eighth = (ms >> (log2 - 3)) & 7;
    i16::try_from(i64::from(log2) * 8 + eighth).unwrap_or(i16::MAX)
}

/// The least time, ms, that is beyond a slot.
pub fn slot_end_ms(slot: i16) -> i64 {
    let (log2, eighth) = (u32::from(slot.unsigned_abs()) / 8, i64::from(slot.unsigned_abs()) % 8);
    (8 + eighth + 1) << (log2.saturating_sub(3))
}

/// A generation's account and tail.
type Key = (Uuid, i64);

#[derive(Debug, Clone, Copy)]
struct Person {
    opened: Day,
    first_paid: Option<Day>,
}

#[derive(Debug, Clone)]
struct Open {
    kind: String,
    requested_at: i64,
}

struct Daily {
    tables: Tables,
    /// Not written yet.
    counts: BTreeMap<(Day, &'static str, String), i64>,
    times: BTreeMap<(Day, String, i16), i64>,
    /// Counted as active.
    active: HashSet<(Day, Uuid)>,
    /// Perhaps active for the first time that day.
    seen: Vec<(Day, Uuid)>,
    people: Rows<Uuid, Person>,
    open: HashMap<Key, Open>,
    /// Of `open`: not in the table yet.
    fresh: HashSet<Key>,
    /// In the table, and over.
    closed: Vec<Key>,
}

fn key_of(generation: GenerationId) -> Key {
    (generation.account().0, generation.tail().cast_signed())
}

/// Only a person does these.
fn is_active(event: &Event) -> bool {
    matches!(event, Event::AccountOpened(_) | Event::GenerationRequested(_) | Event::PaymentOpened(_))
}

fn concerns(event_type: &str) -> bool {
    is_of_generation(event_type)
        || event_type.starts_with("Account")
        || event_type.starts_with("Payment")
        || event_type.starts_with("Refund")
        || event_type == "ReferralRegistered"
}

impl Daily {
    fn empty() -> Self {
        Self {
            tables: Tables::of(DEFINITION.name, 0),
            counts: BTreeMap::new(),
            times: BTreeMap::new(),
            active: HashSet::new(),
            seen: Vec::new(),
            people: Rows::new(0),
            open: HashMap::new(),
            fresh: HashSet::new(),
            closed: Vec::new(),
        }
    }

    fn add(&mut self, day: Day, figure: &'static str, part: impl Into<String>, n: i64) {
        if n != 0 {
            *self.counts.entry((day, figure, part.into())).or_default() += n;
        }
    }

    fn count(&mut self, day: Day, figure: &'static str, part: impl Into<String>) {
        self.add(day, figure, part, 1);
    }

    fn spend(&mut self, day: Day, kind: &str, spent: &Spent) {
        self.add(day, "cost_micro_usd", kind, spent.cost_micro_usd.map_or(0, |c| c.get()));
    }

    fn kind(&self, key: &Key) -> String {
        self.open.get(key).map_or_else(|| "unknown".to_owned(), |open| open.kind.clone())
    }

    fn close(&mut self, key: &Key) {
        if self.open.remove(key).is_some() && !self.fresh.remove(key) {
            self.closed.push(*key);
        }
    }

    fn paid(&mut self, account: Uuid, day: Day) {
        let Some(person) = self.people.get(&account).copied().filter(|p| p.first_paid.is_none()) else {
            return;
        };
        if let Some(row) = self.people.change_known(&account) {
            row.first_paid = Some(day);
        }
        self.count(day, "first_payers", "");
        // Of the people who came that day, so many have paid by now.
        self.count(person.opened, "new_people_paid", "");
    }

    fn generation(&mut self, entry: &Entry, event: &Event, key: Key) {
        let (at, day) = (entry.row.recorded_at, Day::of(entry.row.recorded_at));
        match event {
            Event::GenerationRequested(e) => {
                let kind = word(&e.kind);
                self.count(day, "requested", kind.as_str());
                self.open.insert(key, Open { kind, requested_at: at });
                self.fresh.insert(key);
            }
            Event::GenerationAttempted(e) => {
                self.count(day, "attempts_failed", word(&e.outcome));
                self.spend(day, &self.kind(&key), &e.spent);
            }
            Event::GenerationSucceeded(e) => {
                let kind = self.kind(&key);
                self.spend(day, &kind, &e.spent);
                self.count(day, "succeeded", kind.as_str());
                match e.settlement {
                    Settlement::Charged => {}
                    Settlement::Late => self.count(day, "late", kind.as_str()),
                    Settlement::GivenAway => self.count(day, "given_away", kind.as_str()),
                }
                if e.settlement != Settlement::GivenAway {
                    self.add(day, "credits_charged", kind.as_str(), e.credits.get());
                }
                if let Some(open) = self.open.get(&key) {
                    let slot = slot_of((at - open.requested_at) / 1_000);
                    *self.times.entry((day, kind, slot)).or_default() += 1;
                }
                self.close(&key);
            }
            Event::GenerationFailed(e) => {
                self.count(day, "failed", self.kind(&key));
                self.count(day, "failures", word(&e.reason));
                // After its deadline it may still succeed, late.
                if e.reason != Trouble::Deadline {
                    self.close(&key);
                }
            }
            Event::GenerationCanceled(_) => {
                self.count(day, "canceled", self.kind(&key));
                self.close(&key);
            }
            Event::GenerationDelivered(_) => self.count(day, "delivered", ""),
            Event::DeliveryFailed(e) => self.count(day, "delivery_failures", word(&e.reason)),
            _ => {}
        }
    }

    fn other(&mut self, entry: &Entry, event: &Event) {
        let (account, day) = (entry.row.account_id, Day::of(entry.row.recorded_at));
        match event {
            Event::AccountOpened(_) => {
                self.count(day, "new_people", "");
                let new = Person { opened: day, first_paid: None };
                *self.people.change(&account, || new) = new;
            }
            Event::AccountBanned(_) => self.count(day, "bans", ""),
            Event::AccountErased(_) => self.count(day, "erasures", ""),
            Event::ReferralRegistered(_) => self.count(day, "referrals", ""),
            Event::PaymentOpened(e) => self.count(day, "payments_opened", e.rail.as_str()),
            Event::PaymentCanceled(e) => self.count(day, "payments_canceled", e.rail.as_str()),
            Event::PaymentQuarantined(e) => self.count(day, "payments_quarantined", e.rail.as_str()),
            Event::PaymentSettled(e) => {
                self.count(day, "payments_settled", e.rail.as_str());
                self.paid(account, day);
            }
            Event::RefundOpened(e) => self.count(day, "refunds_opened", word(&e.by)),
            Event::RefundSettled(e) => self.count(day, "refunds_settled", e.rail.as_str()),
            _ => {}
        }
    }

    async fn load_open(&mut self, tx: &mut PgConnection, asked: HashSet<Key>) -> Result<(), sqlx::Error> {
        if asked.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT o.account_id, o.tail, o.kind, o.requested_at FROM unnest($1::uuid[], $2::bigint[]) a(account, tail) \
             JOIN {} o ON o.account_id = a.account AND o.tail = a.tail",
            self.tables.table("open")
        );
        let (accounts, tails): (Vec<Uuid>, Vec<i64>) = asked.into_iter().unzip();
        let found: Vec<(Uuid, i64, String, i64)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(accounts).bind(tails).fetch_all(tx).await?;
        for (account, tail, kind, requested_at) in found {
            self.open.insert((account, tail), Open { kind, requested_at });
        }
        Ok(())
    }

    async fn load_people(&mut self, tx: &mut PgConnection, missing: Vec<Uuid>) -> Result<(), sqlx::Error> {
        if missing.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT account_id, opened - date '1970-01-01', first_paid - date '1970-01-01' FROM {} \
             WHERE account_id = ANY($1)",
            self.tables.table("people")
        );
        let found: Vec<(Uuid, i32, Option<i32>)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(missing).fetch_all(tx).await?;
        for (account, opened, first_paid) in found {
            self.people.loaded(account, Person { opened: Day(opened), first_paid: first_paid.map(Day) });
        }
        Ok(())
    }

    /// Writes who was active, and counts those who were not yet that day.
    async fn flush_active(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.seen.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {} (day, account_id) SELECT date '1970-01-01' + n, a \
             FROM unnest($1::integer[], $2::uuid[]) u(n, a) ON CONFLICT DO NOTHING \
             RETURNING day - date '1970-01-01'",
            self.tables.table("active")
        );
        let (days, accounts): (Vec<i32>, Vec<Uuid>) =
            self.seen.drain(..).map(|(day, id)| (day.0, id)).unzip();
        let new: Vec<(i32,)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(days).bind(accounts).fetch_all(tx).await?;
        for (day,) in new {
            self.count(Day(day), "active_people", "");
        }
        if self.active.len() > ACTIVE_MAX {
            self.active.clear();
        }
        Ok(())
    }

    async fn flush_people(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = self.people.changed().all();
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {} (account_id, opened, first_paid) \
             SELECT a, date '1970-01-01' + o, date '1970-01-01' + p \
             FROM unnest($1::uuid[], $2::integer[], $3::integer[]) u(a, o, p) \
             ON CONFLICT (account_id) DO UPDATE SET first_paid = excluded.first_paid",
            self.tables.table("people")
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(rows.iter().map(|(id, _)| **id).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.opened.0).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, p)| p.first_paid.map(|d| d.0)).collect::<Vec<_>>())
            .execute(tx)
            .await?;
        self.people.written();
        Ok(())
    }

    async fn flush_open(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let table = self.tables.table("open");
        if !self.closed.is_empty() {
            let sql = format!(
                "DELETE FROM {table} o USING unnest($1::uuid[], $2::bigint[]) c(account, tail) \
                 WHERE o.account_id = c.account AND o.tail = c.tail"
            );
            let (accounts, tails): (Vec<Uuid>, Vec<i64>) = self.closed.drain(..).unzip();
            sqlx::query(AssertSqlSafe(sql)).bind(accounts).bind(tails).execute(&mut *tx).await?;
        }
        let mut fresh: Vec<Key> = self.fresh.drain().collect();
        fresh.sort_unstable();
        let rows: Vec<(Key, &Open)> = fresh.iter().filter_map(|k| Some((*k, self.open.get(k)?))).collect();
        if !rows.is_empty() {
            let sql = format!(
                "INSERT INTO {table} (account_id, tail, kind, requested_at) \
                 SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[])"
            );
            sqlx::query(AssertSqlSafe(sql))
                .bind(rows.iter().map(|((account, _), _)| *account).collect::<Vec<_>>())
                .bind(rows.iter().map(|((_, tail), _)| *tail).collect::<Vec<_>>())
                .bind(rows.iter().map(|(_, o)| o.kind.as_str()).collect::<Vec<_>>())
                .bind(rows.iter().map(|(_, o)| o.requested_at).collect::<Vec<_>>())
                .execute(tx)
                .await?;
        }
        if self.open.len() > OPEN_MAX {
            self.open.clear();
        }
        Ok(())
    }

    async fn flush_counts(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !self.counts.is_empty() {
            let sql = format!(
                "INSERT INTO {} AS d (day, figure, part, n) SELECT date '1970-01-01' + day, figure, part, n \
                 FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[]) u(day, figure, part, n) \
                 ON CONFLICT (day, figure, part) DO UPDATE SET n = d.n + excluded.n",
                self.tables.main()
            );
            let rows = std::mem::take(&mut self.counts);
            sqlx::query(AssertSqlSafe(sql))
                .bind(rows.keys().map(|(day, _, _)| day.0).collect::<Vec<_>>())
                .bind(rows.keys().map(|(_, figure, _)| *figure).collect::<Vec<_>>())
                .bind(rows.keys().map(|(_, _, part)| part.as_str()).collect::<Vec<_>>())
                .bind(rows.values().copied().collect::<Vec<_>>())
                .execute(&mut *tx)
                .await?;
        }
        if self.times.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {} AS d (day, kind, slot, n) SELECT date '1970-01-01' + day, kind, slot, n \
             FROM unnest($1::integer[], $2::text[], $3::smallint[], $4::bigint[]) u(day, kind, slot, n) \
             ON CONFLICT (day, kind, slot) DO UPDATE SET n = d.n + excluded.n",
            self.tables.table("times")
        );
        let rows = std::mem::take(&mut self.times);
        sqlx::query(AssertSqlSafe(sql))
            .bind(rows.keys().map(|(day, _, _)| day.0).collect::<Vec<_>>())
            .bind(rows.keys().map(|(_, kind, _)| kind.as_str()).collect::<Vec<_>>())
            .bind(rows.keys().map(|(_, _, slot)| *slot).collect::<Vec<_>>())
            .bind(rows.values().copied().collect::<Vec<_>>())
            .execute(tx)
            .await?;
        Ok(())
    }
}

impl Fold for Daily {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let (mut made, mut open) = (HashSet::new(), HashSet::new());
            let (mut opened, mut people) = (HashSet::new(), Vec::new());
            for entry in entries.iter().filter(|e| concerns(&e.row.event_type)) {
                // What can't be read stops `take`.
                let Ok(event) = entry.event() else { continue };
                match event {
                    Event::GenerationRequested(e) => drop(made.insert(key_of(e.generation))),
                    Event::AccountOpened(_) => drop(opened.insert(entry.row.account_id)),
                    Event::PaymentSettled(_) => people.push(entry.row.account_id),
                    // These don't ask for the kind.
                    Event::GenerationDelivered(_)
                    | Event::DeliveryFailed(_)
                    | Event::GenerationStarted(_) => {}
                    _ => open.extend(subject(event).map(key_of)),
                }
            }
            open.retain(|key| !made.contains(key) && !self.open.contains_key(key));
            people.retain(|account| !opened.contains(account));
            self.load_open(tx, open).await?;
            let missing = self.people.missing(people);
            self.load_people(tx, missing).await
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        if !concerns(&entry.row.event_type) {
            return Ok(());
        }
        let event = entry.event().map_err(|_| FoldError::unreadable(entry))?;
        if is_active(event) {
            let seen = (Day::of(entry.row.recorded_at), entry.row.account_id);
            if self.active.insert(seen) {
                self.seen.push(seen);
            }
        }
        match subject(event) {
            Some(generation) => self.generation(entry, event, key_of(generation)),
            None => self.other(entry, event),
        }
        Ok(())
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            self.flush_active(tx).await?;
            self.flush_people(tx).await?;
            self.flush_open(tx).await?;
            self.flush_counts(tx).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_its_times_to_an_eighth() {
        for ms in [8, 9, 15, 16, 17, 100, 999, 1_000, 12_345, 600_000, 86_400_000] {
            let end = slot_end_ms(slot_of(ms));
            assert!(ms < end && end <= ms + ms / 8 + 1, "{ms} in a slot that ends at {end}");
            assert!(slot_of(end) == slot_of(ms) + 1, "{ms}");
        }
        assert_eq!((slot_of(-5), slot_of(0)), (slot_of(8), slot_of(8)));
    }
}
