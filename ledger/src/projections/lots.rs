//! Lots: of each grant of credits what is left, held and gone, and what its money has become.
//!
//! One row a lot, changed as it is spent. Invariant: the parts of a lot add up to its credits, and
//! once it is used up the parts of its price add up to its price.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::events::{ConsumedPart, LotPart, RevokeReason};
use proto_events::{Currency, Event, LotId, PaymentId};
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

#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy)]
enum Place {
    Available,
    Reserved,
    Consumed,
    Expired,
    Revoked,
}

/// What the money of credits that left for good has become.
#[derive(Debug, Clone, Copy)]
enum Became {
    Recognised,
    Breakage,
    Refunded,
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

    /// `None`: they are not there.
    fn shift(&mut self, credits: i64, from: Place, to: Place) -> Option<()> {
        let left = self.place(from).checked_sub(credits).filter(|n| *n >= 0)?;
        *self.place(from) = left;
        *self.place(to) += credits;
        Some(())
    }

    fn earn(&mut self, minor: i64, became: Became) {
        match became {
            Became::Recognised => self.recognised += minor,
            Became::Breakage => self.breakage += minor,
            Became::Refunded => self.refunded += minor,
        }
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

/// The lots an event touches, without the one it makes.
fn touched(event: &Event) -> Vec<LotId> {
    let of = |parts: &[LotPart]| parts.iter().map(|p| p.lot).collect::<Vec<_>>();
    let gone = |parts: &[ConsumedPart]| parts.iter().map(|p| p.lot).collect::<Vec<_>>();
    match event {
        Event::CreditsReserved(e) => of(&e.taken),
        Event::ReservationCommitted(e) => [gone(&e.charged), of(&e.returned)].concat(),
        Event::ReservationReleased(e) => of(&e.returned),
        Event::ReservationExpired(e) => of(&e.returned),
        Event::CreditsRevoked(e) => gone(&e.taken),
        Event::CreditsExpired(e) => vec![e.lot],
        Event::DebtPaid(e) => gone(&e.taken),
        _ => Vec::new(),
    }
}

struct Lots {
    tables: Tables,
    rows: Rows<Key, Lot>,
}

impl Lots {
    fn grant(&mut self, entry: &Entry, e: &proto_events::events::CreditsGranted) {
        let row = &entry.row;
        *self.rows.change(&(row.account_id, e.lot.get()), Lot::default) = Lot {
            position: row.position,
            granted_at: row.recorded_at,
            source: word(&e.source),
            credits: e.credits.get(),
            price: e.price.map(|p| (p.minor(), p.currency)),
            payment: e.payment.map(|p: PaymentId| p.to_string()),
            expires_at: e.expires_at.map(|at| at.get()),
            available: e.credits.get(),
            ..Lot::default()
        };
    }

    fn shift(
        &mut self,
        entry: &Entry,
        lot: LotId,
        step: impl FnOnce(&mut Lot) -> Option<()>,
    ) -> Result<(), FoldError> {
        let broken = |what: &str| FoldError::broken(entry.row.position, format!("lot {lot}: {what}"));
        let row = self.rows.change_known(&(entry.row.account_id, lot.get()));
        let row = row.ok_or_else(|| broken("it was never granted"))?;
        step(row).ok_or_else(|| broken("it has not as many credits there"))?;
        match row.fault() {
            Some(what) => Err(broken(what)),
            None => Ok(()),
        }
    }

    fn back(&mut self, entry: &Entry, parts: &[LotPart]) -> Result<(), FoldError> {
        parts.iter().try_for_each(|part| {
            let n = part.credits.get();
            self.shift(entry, part.lot, |lot| lot.shift(n, Place::Reserved, Place::Available))
        })
    }

    fn gone(
        &mut self,
        entry: &Entry,
        parts: &[ConsumedPart],
        (from, to): (Place, Place),
        became: Became,
    ) -> Result<(), FoldError> {
        parts.iter().try_for_each(|part| {
            self.shift(entry, part.lot, |lot| {
                lot.earn(part.revenue.map_or(0, |m| m.minor()), became);
                lot.shift(part.credits.get(), from, to)
            })
        })
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
                let keys = touched(event).into_iter().map(|lot| (entry.row.account_id, lot.get()));
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
        use Became::{Breakage, Recognised, Refunded};
        use Place::{Available, Consumed, Expired, Reserved, Revoked};
        if !concerns(&entry.row.event_type) {
            return Ok(());
        }
        match entry.event().map_err(|_| FoldError::unreadable(entry))? {
            Event::CreditsGranted(e) => {
                self.grant(entry, e);
                Ok(())
            }
            Event::CreditsReserved(e) => e.taken.iter().try_for_each(|part| {
                let n = part.credits.get();
                self.shift(entry, part.lot, |lot| lot.shift(n, Available, Reserved))
            }),
            Event::ReservationCommitted(e) => {
                self.gone(entry, &e.charged, (Reserved, Consumed), Recognised)?;
                self.back(entry, &e.returned)
            }
            Event::ReservationReleased(e) => self.back(entry, &e.returned),
            Event::ReservationExpired(e) => self.back(entry, &e.returned),
            Event::CreditsRevoked(e) => {
                let kept = matches!(e.reason, RevokeReason::Erasure | RevokeReason::Operator);
                let became = if kept { Breakage } else { Refunded };
                self.gone(entry, &e.taken, (Available, Revoked), became)
            }
            Event::CreditsExpired(e) => self.shift(entry, e.lot, |lot| {
                lot.earn(e.revenue.map_or(0, |m| m.minor()), Breakage);
                lot.shift(e.credits.get(), Available, Expired)
            }),
            Event::DebtPaid(e) => self.gone(entry, &e.taken, (Available, Consumed), Recognised),
            _ => Ok(()),
        }
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
