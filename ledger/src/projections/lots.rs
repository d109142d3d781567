//! Lots: of each grant of credits what is left, held and gone, and what its money has become.
//!
//! One row a lot, changed as it is spent. Invariant: the parts of a lot add up to its credits, and
//! once it is used up the parts of its price add up to its price.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::events::{ConsumedPart, CreditsGranted, LotPart, RevokeReason};
use proto_events::{Currency, Event, LotId};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::copy::Copy;
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::books::words::{currency_of, word};
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "lots",
    version: 1,
    needs: Needs::Payload,
    pace: Duration::from_millis(500),
    tables: &[TableDef {
        suffix: "",
        columns: "account_id uuid NOT NULL, lot bigint NOT NULL, position bigint NOT NULL, \
            granted_at bigint NOT NULL, source text NOT NULL, credits bigint NOT NULL, price_minor bigint, \
            currency text, payment text, expires_at bigint, \
            available bigint NOT NULL CHECK (available >= 0), reserved bigint NOT NULL CHECK (reserved >= 0), \
            consumed bigint NOT NULL, expired bigint NOT NULL, revoked bigint NOT NULL, \
            recognised bigint NOT NULL, breakage bigint NOT NULL, refunded bigint NOT NULL",
        key: "account_id, lot",
        indexes: &[],
        fillfactor: 70,
    }],
    make: |tables| Box::new(Lots { tables, rows: Rows::new(KEPT_MAX) }),
};

/// Lots that stay in memory; about 300 bytes each.
const KEPT_MAX: usize = 100_000;

pub(super) type Key = (Uuid, i64);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lot {
    pub position: i64,
    pub granted_at: i64,
    pub source: String,
    pub credits: i64,
    /// Minor units of the whole lot.
    pub price: Option<(i64, Currency)>,
    pub payment: Option<String>,
    pub expires_at: Option<i64>,
    pub available: i64,
    pub reserved: i64,
    pub consumed: i64,
    pub expired: i64,
    pub revoked: i64,
    /// Of the price, minor units: earned by use, kept when credits expired or were given up, taken
    /// out for refunds.
    pub recognised: i64,
    pub breakage: i64,
    pub refunded: i64,
}

/// Where credits of a lot are, or have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Available,
    Reserved,
    Consumed,
    Expired,
    Revoked,
}

/// What the money of credits that left for good has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Recognised,
    Breakage,
    Refunded,
}

/// A part of a lot that goes from one place to another.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    pub lot: LotId,
    credits: i64,
    from: Place,
    to: Place,
    /// Minor units, of credits that leave for good.
    money: Option<(i64, Became)>,
}

/// What an event does to lots that there are.
pub fn moves(event: &Event) -> Vec<Move> {
    use Became::{Breakage, Recognised, Refunded};
    use Place::{Available, Consumed, Expired, Reserved, Revoked};
    let within = |parts: &[LotPart], from: Place, to: Place| {
        let one = |p: &LotPart| Move { lot: p.lot, credits: p.credits.get(), from, to, money: None };
        parts.iter().map(one).collect::<Vec<_>>()
    };
    let gone = |parts: &[ConsumedPart], from: Place, to: Place, became: Became| {
        let money = |p: &ConsumedPart| Some((p.revenue.map_or(0, |m| m.minor()), became));
        let one = |p: &ConsumedPart| Move { lot: p.lot, credits: p.credits.get(), from, to, money: money(p) };
        parts.iter().map(one).collect::<Vec<_>>()
    };
    match event {
        Event::CreditsReserved(e) => within(&e.taken, Available, Reserved),
        Event::ReservationCommitted(e) => {
            [gone(&e.charged, Reserved, Consumed, Recognised), within(&e.returned, Reserved, Available)]
                .concat()
        }
        Event::ReservationReleased(e) => within(&e.returned, Reserved, Available),
        Event::ReservationExpired(e) => within(&e.returned, Reserved, Available),
        Event::CreditsRevoked(e) => {
            let kept = matches!(e.reason, RevokeReason::Erasure | RevokeReason::Operator);
            gone(&e.taken, Available, Revoked, if kept { Breakage } else { Refunded })
        }
        Event::CreditsExpired(e) => {
            let part = ConsumedPart { lot: e.lot, credits: e.credits, revenue: e.revenue };
            gone(&[part], Available, Expired, Breakage)
        }
        Event::DebtPaid(e) => gone(&e.taken, Available, Consumed, Recognised),
        _ => Vec::new(),
    }
}

impl Lot {
    fn place(&mut self, place: Place) -> &mut i64 {
        match place {
            Place::Available => &mut self.available,
            Place::Reserved => &mut self.reserved,
            Place::Consumed => &mut self.consumed,
            Place::Expired => &mut self.expired,
            Place::Revoked => &mut self.revoked,
        }
    }

    /// As it is granted.
    pub fn new(position: i64, granted_at: i64, e: &CreditsGranted) -> Self {
        Self {
            position,
            granted_at,
            source: word(&e.source),
            credits: e.credits.get(),
            price: e.price.map(|p| (p.minor(), p.currency)),
            payment: e.payment.map(|p| p.to_string()),
            expires_at: e.expires_at.map(|at| at.get()),
            available: e.credits.get(),
            ..Self::default()
        }
    }

    /// `None`: the credits are not there.
    pub fn make(&mut self, step: &Move) -> Option<()> {
        let left = self.place(step.from).checked_sub(step.credits).filter(|n| *n >= 0)?;
        *self.place(step.from) = left;
        *self.place(step.to) += step.credits;
        match step.money {
            Some((minor, Became::Recognised)) => self.recognised += minor,
            Some((minor, Became::Breakage)) => self.breakage += minor,
            Some((minor, Became::Refunded)) => self.refunded += minor,
            None => {}
        }
        Some(())
    }

    /// What is wrong with it, if anything.
    fn fault(&self) -> Option<&'static str> {
        let money = self.recognised + self.breakage + self.refunded;
        let price = self.price.map_or(0, |(minor, _)| minor);
        let is_used_up = self.available == 0 && self.reserved == 0;
        if self.available + self.reserved + self.consumed + self.expired + self.revoked != self.credits {
            return Some("its parts do not add up to its credits");
        }
        if is_used_up && money != price {
            return Some("it is used up, and the parts of its price do not add up to it");
        }
        (money > price).then_some("more was made of its price than it is")
    }
}

struct Lots {
    tables: Tables,
    rows: Rows<Key, Lot>,
}

impl Lots {
    fn step(&mut self, entry: &Entry, step: &Move) -> Result<(), FoldError> {
        let broken = |what: &str| FoldError::broken(entry.row.position, format!("lot {}: {what}", step.lot));
        let row = self.rows.change_known(&(entry.row.account_id, step.lot.get()));
        let row = row.ok_or_else(|| broken("it was never granted"))?;
        row.make(step).ok_or_else(|| broken("it has not as many credits there"))?;
        match row.fault() {
            Some(what) => Err(broken(what)),
            None => Ok(()),
        }
    }
}

/// Types that touch lots, told before a payload is read.
fn concerns(event_type: &str) -> bool {
    event_type.starts_with("Credits") || event_type.starts_with("Reservation") || event_type == "DebtPaid"
}

impl Fold for Lots {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let (mut made, mut asked) = (std::collections::HashSet::new(), Vec::new());
            for entry in entries.iter().filter(|e| concerns(&e.row.event_type)) {
                // What can't be read stops `take`.
                let Ok(event) = entry.event() else { continue };
                if let Event::CreditsGranted(e) = event {
                    made.insert((entry.row.account_id, e.lot.get()));
                }
                let keys = moves(event).into_iter().map(|step| (entry.row.account_id, step.lot.get()));
                asked.extend(keys.filter(|key| !made.contains(key)));
            }
            let missing = self.rows.missing(asked);
            if missing.is_empty() {
                return Ok(());
            }
            let sql = format!(
                "SELECT l.* FROM unnest($1::uuid[], $2::bigint[]) a(account, lot) \
                 JOIN {} l ON l.account_id = a.account AND l.lot = a.lot",
                self.tables.main()
            );
            let (accounts, lots): (Vec<Uuid>, Vec<i64>) = missing.into_iter().unzip();
            for row in sqlx::query(AssertSqlSafe(sql)).bind(accounts).bind(lots).fetch_all(tx).await? {
                self.rows.loaded((row.try_get("account_id")?, row.try_get("lot")?), read(&row)?);
            }
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let row = &entry.row;
        if !concerns(&row.event_type) {
            return Ok(());
        }
        let event = entry.event().map_err(|_| FoldError::unreadable(entry))?;
        if let Event::CreditsGranted(e) = event {
            *self.rows.change(&(row.account_id, e.lot.get()), Lot::default) =
                Lot::new(row.position, row.recorded_at, e);
        }
        moves(event).iter().try_for_each(|step| self.step(entry, step))
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let changed = self.rows.changed();
            let mut copy = Copy::new();
            for ((account, lot), l) in changed.new {
                let (price, currency) = (l.price.map(|(minor, _)| minor), l.price.map(|(_, c)| c.code()));
                copy.row(&[
                    account,
                    lot,
                    &l.position,
                    &l.granted_at,
                    &l.source,
                    &l.credits,
                    &price,
                    &currency,
                    &l.payment,
                    &l.expires_at,
                    &l.available,
                    &l.reserved,
                    &l.consumed,
                    &l.expired,
                    &l.revoked,
                    &l.recognised,
                    &l.breakage,
                    &l.refunded,
                ]);
            }
            let into = format!(
                "{} (account_id, lot, position, granted_at, source, credits, price_minor, currency, payment, \
                    expires_at, available, reserved, consumed, expired, revoked, recognised, breakage, refunded)",
                self.tables.main()
            );
            copy.send(&mut *tx, &into).await?;
            let rows = changed.altered;
            if !rows.is_empty() {
                let sql = format!(
                    "UPDATE {} l SET available = u.available, reserved = u.reserved, consumed = u.consumed, \
                        expired = u.expired, revoked = u.revoked, recognised = u.recognised, breakage = u.breakage, \
                        refunded = u.refunded \
                     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], \
                        $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) u(account_id, lot, available, \
                        reserved, consumed, expired, revoked, recognised, breakage, refunded) \
                     WHERE l.account_id = u.account_id AND l.lot = u.lot",
                    self.tables.main()
                );
                let numbers = |get: fn(&Lot) -> i64| rows.iter().map(|(_, l)| get(l)).collect::<Vec<_>>();
                sqlx::query(AssertSqlSafe(sql))
                    .bind(rows.iter().map(|((account, _), _)| *account).collect::<Vec<_>>())
                    .bind(rows.iter().map(|((_, lot), _)| *lot).collect::<Vec<_>>())
                    .bind(numbers(|l| l.available))
                    .bind(numbers(|l| l.reserved))
                    .bind(numbers(|l| l.consumed))
                    .bind(numbers(|l| l.expired))
                    .bind(numbers(|l| l.revoked))
                    .bind(numbers(|l| l.recognised))
                    .bind(numbers(|l| l.breakage))
                    .bind(numbers(|l| l.refunded))
                    .execute(tx)
                    .await?;
            }
            self.rows.written();
            Ok(())
        })
    }
}

fn read(row: &sqlx::postgres::PgRow) -> Result<Lot, sqlx::Error> {
    let currency = row.try_get::<Option<&str>, _>("currency")?;
    let price = row.try_get::<Option<i64>, _>("price_minor")?;
    Ok(Lot {
        position: row.try_get("position")?,
        granted_at: row.try_get("granted_at")?,
        source: row.try_get("source")?,
        credits: row.try_get("credits")?,
        price: price.zip(currency.map(currency_of)),
        payment: row.try_get("payment")?,
        expires_at: row.try_get("expires_at")?,
        available: row.try_get("available")?,
        reserved: row.try_get("reserved")?,
        consumed: row.try_get("consumed")?,
        expired: row.try_get("expired")?,
        revoked: row.try_get("revoked")?,
        recognised: row.try_get("recognised")?,
        breakage: row.try_get("breakage")?,
        refunded: row.try_get("refunded")?,
    })
}
