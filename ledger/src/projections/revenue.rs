//! Revenue by Moscow day, currency and where the money came from: what was paid in, kept by
//! providers, earned by use, kept when credits lapsed, taken out for refunds, paid back.
//!
//! An event that earns names a lot; which rail a paid lot came by is kept in a second table, one
//! short row a purchase. Cost: that row, and a handful of day rows a step.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::events::{ConsumedPart, CreditsGranted, RevokeReason};
use proto_events::{Event, Money, PaymentId, Rail};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::copy::Copy;
use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::books::moscow::Day;
use crate::books::words::word;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "revenue",
    version: 2,
    needs: Needs::Payload,
    pace: Duration::from_millis(500),
    tables: &[
        TableDef {
            suffix: "",
            // `origin`: the rail of a purchase, else the source of the lot. All in minor units.
            columns: "day date NOT NULL, currency text NOT NULL, origin text NOT NULL, \
                paid bigint NOT NULL, fees bigint NOT NULL, recognised bigint NOT NULL, breakage bigint NOT NULL, \
                refunded bigint NOT NULL, restored bigint NOT NULL, paid_back bigint NOT NULL",
            key: "day, currency, origin",
            indexes: &[],
            fillfactor: 50,
        },
        TableDef {
            suffix: "lots",
            columns: "account_id uuid NOT NULL, lot bigint NOT NULL, tail bigint, origin text NOT NULL",
            key: "account_id, lot",
            indexes: &[],
            fillfactor: 90,
        },
    ],
    make: |tables| {
        Box::new(Revenue {
            tables,
            lots: Rows::new(KEPT_MAX),
            days: BTreeMap::new(),
            settled: None,
            restored: HashMap::new(),
        })
    },
};

/// Paid lots that stay in memory; about 100 bytes each.
const KEPT_MAX: usize = 200_000;

/// An account and a lot.
type Key = (Uuid, i64);

#[derive(Debug, Clone, Default)]
struct Paid {
    /// Of the payment's id.
    tail: Option<i64>,
    origin: String,
}

/// What a day adds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub paid: i64,
    pub fees: i64,
    pub recognised: i64,
    pub breakage: i64,
    pub refunded: i64,
    pub restored: i64,
    pub paid_back: i64,
}

struct Revenue {
    tables: Tables,
    lots: Rows<Key, Paid>,
    /// Not written yet.
    days: BTreeMap<(Day, &'static str, String), Figures>,
    /// The last payment that was settled: its grant follows in the same command.
    settled: Option<(PaymentId, Rail)>,
    /// Origins of payments whose refund failed, for the grant that restores them.
    restored: HashMap<PaymentId, String>,
}

fn concerns(event_type: &str) -> bool {
    matches!(
        event_type,
        "PaymentSettled"
            | "CreditsGranted"
            | "ReservationCommitted"
            | "CreditsRevoked"
            | "CreditsExpired"
            | "DebtPaid"
            | "RefundSettled"
            | "PaymentFeeRecorded"
    )
}

/// The lots that earn by this event.
fn earning(event: &Event) -> Vec<i64> {
    let of = |parts: &[ConsumedPart]| -> Vec<i64> {
        parts.iter().filter(|p| p.revenue.is_some()).map(|p| p.lot.get()).collect()
    };
    match event {
        Event::ReservationCommitted(e) => of(&e.charged),
        Event::CreditsRevoked(e) => of(&e.taken),
        Event::DebtPaid(e) => of(&e.taken),
        Event::CreditsExpired(e) if e.revenue.is_some() => vec![e.lot.get()],
        _ => Vec::new(),
    }
}

impl Revenue {
    fn day(&mut self, entry: &Entry, money: Money, origin: &str) -> &mut Figures {
        let key = (Day::of(entry.row.recorded_at), money.currency.code(), origin.to_owned());
        self.days.entry(key).or_default()
    }

    fn earn(
        &mut self,
        entry: &Entry,
        lot: i64,
        money: Money,
        field: fn(&mut Figures) -> &mut i64,
    ) -> Result<(), FoldError> {
        let paid = self.lots.get(&(entry.row.account_id, lot)).map(|paid| paid.origin.clone());
        let origin = paid.ok_or_else(|| {
            FoldError::broken(entry.row.position, format!("lot {lot} earns, and was never granted for money"))
        })?;
        *field(self.day(entry, money, &origin)) += money.minor();
        Ok(())
    }

    fn parts(
        &mut self,
        entry: &Entry,
        parts: &[ConsumedPart],
        field: fn(&mut Figures) -> &mut i64,
    ) -> Result<(), FoldError> {
        for part in parts {
            if let Some(money) = part.revenue {
                self.earn(entry, part.lot.get(), money, field)?;
            }
        }
        Ok(())
    }

    fn grant(&mut self, entry: &Entry, e: &CreditsGranted) {
        let Some(price) = e.price else { return };
        let settled = self.settled.filter(|(payment, _)| Some(*payment) == e.payment);
        let origin = match (settled, e.payment.and_then(|p| self.restored.get(&p))) {
            (_, Some(origin)) if e.restores.is_some() => origin.clone(),
            (Some((_, rail)), _) => rail.as_str().to_owned(),
            _ => word(&e.source),
        };
        if e.restores.is_some() {
            self.day(entry, price, &origin).restored += price.minor();
        }
        let tail = e.payment.map(|p| p.tail().cast_signed());
        if let Some(payment) = e.payment {
            // For a restoration later in the same step.
            self.restored.insert(payment, origin.clone());
        }
        *self.lots.change(&(entry.row.account_id, e.lot.get()), Paid::default) = Paid { tail, origin };
    }

    /// The settlement in front of these events, when a step begins inside its command.
    async fn load_settled(&mut self, tx: &mut PgConnection, first: &Entry) -> Result<(), sqlx::Error> {
        if first.row.ordinal == 0 || self.settled.is_some() {
            return Ok(());
        }
        let sql = "SELECT schema_version, payload FROM events WHERE position >= $1 AND position < $2 \
                   AND type = 'PaymentSettled' ORDER BY position DESC LIMIT 1";
        let found: Option<(i16, String)> = sqlx::query_as(sql)
            .bind(first.row.position - i64::from(first.row.ordinal))
            .bind(first.row.position)
            .fetch_optional(tx)
            .await?;
        let event =
            found.and_then(|(version, payload)| Event::decode("PaymentSettled", version, &payload).ok());
        if let Some(Event::PaymentSettled(e)) = event {
            self.settled = Some((e.payment, e.rail));
        }
        Ok(())
    }

    /// Where the payments came from that these events restore.
    async fn load_restored(
        &mut self,
        tx: &mut PgConnection,
        payments: &[PaymentId],
    ) -> Result<(), sqlx::Error> {
        if payments.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT DISTINCT a.n, l.origin FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY a(account, tail, n) \
             JOIN {} l ON l.account_id = a.account AND l.tail = a.tail",
            self.tables.table("lots")
        );
        let found: Vec<(i64, String)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(payments.iter().map(|p| p.account().0).collect::<Vec<_>>())
            .bind(payments.iter().map(|p| p.tail().cast_signed()).collect::<Vec<_>>())
            .fetch_all(tx)
            .await?;
        for (n, origin) in found {
            if let Some(payment) = usize::try_from(n - 1).ok().and_then(|n| payments.get(n)) {
                self.restored.insert(*payment, origin);
            }
        }
        Ok(())
    }

    async fn load_lots(&mut self, tx: &mut PgConnection, asked: Vec<Key>) -> Result<(), sqlx::Error> {
        let missing = self.lots.missing(asked);
        if missing.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT l.account_id, l.lot, l.tail, l.origin FROM unnest($1::uuid[], $2::bigint[]) a(account, lot) \
             JOIN {} l ON l.account_id = a.account AND l.lot = a.lot",
            self.tables.table("lots")
        );
        let (accounts, lots): (Vec<Uuid>, Vec<i64>) = missing.into_iter().unzip();
        let found: Vec<(Uuid, i64, Option<i64>, String)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(accounts).bind(lots).fetch_all(tx).await?;
        for (account, lot, tail, origin) in found {
            self.lots.loaded((account, lot), Paid { tail, origin });
        }
        Ok(())
    }

    async fn flush_lots(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut copy = Copy::new();
        for ((account, lot), paid) in self.lots.changed().new {
            copy.row(&[account, lot, &paid.tail, &paid.origin]);
        }
        copy.send(tx, &format!("{} (account_id, lot, tail, origin)", self.tables.table("lots"))).await?;
        self.lots.written();
        Ok(())
    }

    async fn flush_days(&mut self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = &self.days;
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {} AS d (day, currency, origin, paid, fees, recognised, breakage, refunded, restored, \
                paid_back) \
             SELECT date '1970-01-01' + n, c, o, a1, a2, a3, a4, a5, a6, a7 \
             FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], \
                $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) u(n, c, o, a1, a2, a3, a4, a5, a6, a7) \
             ON CONFLICT (day, currency, origin) DO UPDATE SET paid = d.paid + excluded.paid, \
                fees = d.fees + excluded.fees, recognised = d.recognised + excluded.recognised, \
                breakage = d.breakage + excluded.breakage, refunded = d.refunded + excluded.refunded, \
                restored = d.restored + excluded.restored, paid_back = d.paid_back + excluded.paid_back",
            self.tables.main()
        );
        let sums = |get: fn(&Figures) -> i64| rows.values().map(get).collect::<Vec<_>>();
        sqlx::query(AssertSqlSafe(sql))
            .bind(rows.keys().map(|(day, _, _)| day.0).collect::<Vec<_>>())
            .bind(rows.keys().map(|(_, currency, _)| *currency).collect::<Vec<_>>())
            .bind(rows.keys().map(|(_, _, origin)| origin.as_str()).collect::<Vec<_>>())
            .bind(sums(|f| f.paid))
            .bind(sums(|f| f.fees))
            .bind(sums(|f| f.recognised))
            .bind(sums(|f| f.breakage))
            .bind(sums(|f| f.refunded))
            .bind(sums(|f| f.restored))
            .bind(sums(|f| f.paid_back))
            .execute(tx)
            .await?;
        self.days.clear();
        Ok(())
    }
}

impl Fold for Revenue {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let Some(first) = entries.first() else { return Ok(()) };
            self.load_settled(tx, first).await?;
            let (mut made, mut asked, mut restored) = (HashSet::new(), Vec::new(), Vec::new());
            for entry in entries.iter().filter(|e| concerns(&e.row.event_type)) {
                // What can't be read stops `take`.
                let Ok(event) = entry.event() else { continue };
                if let Event::CreditsGranted(e) = event {
                    made.insert((entry.row.account_id, e.lot.get()));
                    restored.extend(e.payment.filter(|_| e.restores.is_some()));
                }
                let keys = earning(event).into_iter().map(|lot| (entry.row.account_id, lot));
                asked.extend(keys.filter(|key| !made.contains(key)));
            }
            self.load_restored(tx, &restored).await?;
            self.load_lots(tx, asked).await
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        if !concerns(&entry.row.event_type) {
            return Ok(());
        }
        match entry.event().map_err(|_| FoldError::unreadable(entry))? {
            Event::PaymentSettled(e) => {
                self.settled = Some((e.payment, e.rail));
                let fees = e.net.map_or(0, |net| e.amount.minor() - net.minor());
                let day = self.day(entry, e.amount, e.rail.as_str());
                day.paid += e.amount.minor();
                day.fees += fees;
                Ok(())
            }
            Event::PaymentFeeRecorded(e) => {
                self.day(entry, e.fee, e.rail.as_str()).fees += e.fee.minor();
                Ok(())
            }
            Event::CreditsGranted(e) => {
                self.grant(entry, e);
                Ok(())
            }
            Event::ReservationCommitted(e) => self.parts(entry, &e.charged, |f| &mut f.recognised),
            Event::DebtPaid(e) => self.parts(entry, &e.taken, |f| &mut f.recognised),
            Event::CreditsRevoked(e)
                if matches!(e.reason, RevokeReason::Erasure | RevokeReason::Operator) =>
            {
                self.parts(entry, &e.taken, |f| &mut f.breakage)
            }
            Event::CreditsRevoked(e) => self.parts(entry, &e.taken, |f| &mut f.refunded),
            Event::CreditsExpired(e) => match e.revenue {
                Some(money) => self.earn(entry, e.lot.get(), money, |f| &mut f.breakage),
                None => Ok(()),
            },
            Event::RefundSettled(e) => {
                self.day(entry, e.amount, e.rail.as_str()).paid_back += e.amount.minor();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            self.flush_lots(tx).await?;
            self.restored.clear();
            self.flush_days(tx).await
        })
    }
}
