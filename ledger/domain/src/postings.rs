//! Double entry: what an event does to the books, a function of the event alone.
//!
//! Each asset of an event's postings sums to zero, so that a trial balance does.
//! `X → Y n` of `docs/EVENTS.md` debits X and credits Y by n.

use std::borrow::Cow;

use proto_events::events::{ConsumedPart, DebtPayer, LotSource, RevokeReason};
use proto_events::{Currency, Event, Money};
use serde::Serialize;

use crate::effect::{consumed, parts};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Asset {
    Credit,
    Rub,
    Xtr,
}

impl Asset {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Credit => "CREDIT",
            Self::Rub => "RUB",
            Self::Xtr => "XTR",
        }
    }
}

impl From<Currency> for Asset {
    fn from(currency: Currency) -> Self {
        match currency {
            Currency::Rub => Self::Rub,
            Currency::Xtr => Self::Xtr,
        }
    }
}

/// One line of the books. `amount` > 0 is a debit, < 0 a credit, never 0; credits or minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Posting {
    pub account: Cow<'static, str>,
    pub asset: Asset,
    pub amount: i64,
}

const AVAILABLE: &str = "customer:available";
const RESERVED: &str = "customer:reserved";
const DEBT: &str = "customer:debt";
const OWED: &str = "owed";
const FORGIVEN: &str = "forgiven";
const CONSUMED: &str = "consumed";
const EXPIRED: &str = "expired";
const REVOKED: &str = "revoked";
const DEFERRED: &str = "deferred";
const REVENUE: &str = "revenue";
const BREAKAGE: &str = "breakage";
const REFUNDS: &str = "refunds";
const FEES: &str = "fees";

#[derive(Default)]
struct Book(Vec<Posting>);

impl Book {
    fn post(
        &mut self,
        asset: Asset,
        debit: impl Into<Cow<'static, str>>,
        credit: impl Into<Cow<'static, str>>,
        n: i64,
    ) {
        if n != 0 {
            self.0.push(Posting { account: debit.into(), asset, amount: n });
            self.0.push(Posting { account: credit.into(), asset, amount: -n });
        }
    }

    fn credits(&mut self, debit: &'static str, credit: &'static str, n: i64) {
        self.post(Asset::Credit, debit, credit, n);
    }

    fn money(
        &mut self,
        debit: impl Into<Cow<'static, str>>,
        credit: impl Into<Cow<'static, str>>,
        money: Money,
    ) {
        self.post(money.currency.into(), debit, credit, money.minor());
    }

    /// What the parts earned leaves `deferred`.
    fn earned(&mut self, credit: &'static str, parts: &[ConsumedPart]) {
        for revenue in parts.iter().filter_map(|p| p.revenue) {
            self.money(DEFERRED, credit, revenue);
        }
    }
}

fn issued(source: LotSource) -> &'static str {
    match source {
        LotSource::Purchase => "issued:purchase",
        LotSource::Welcome => "issued:welcome",
        LotSource::Referral => "issued:referral",
        LotSource::Promo => "issued:promo",
        LotSource::Admin => "issued:admin",
        LotSource::Compensation => "issued:compensation",
    }
}

/// The event's lines in the books, as `docs/EVENTS.md` has them.
pub fn postings(event: &Event) -> Vec<Posting> {
    let mut book = Book::default();
    match event {
        Event::CreditsGranted(e) if e.restores.is_some() => {
            book.credits(REVOKED, AVAILABLE, e.credits.get());
            if let Some(price) = e.price {
                book.money(REFUNDS, DEFERRED, price);
            }
        }
        Event::CreditsGranted(e) => book.credits(issued(e.source), AVAILABLE, e.credits.get()),
        Event::CreditsReserved(e) => book.credits(AVAILABLE, RESERVED, e.credits.get()),
        Event::ReservationCommitted(e) => {
            book.credits(RESERVED, CONSUMED, consumed(&e.charged));
            book.credits(RESERVED, AVAILABLE, parts(&e.returned));
            book.earned(REVENUE, &e.charged);
        }
        Event::ReservationReleased(e) => book.credits(RESERVED, AVAILABLE, parts(&e.returned)),
        Event::ReservationExpired(e) => book.credits(RESERVED, AVAILABLE, parts(&e.returned)),
        Event::CreditsRevoked(e) => {
            book.credits(AVAILABLE, REVOKED, consumed(&e.taken));
            let kept = matches!(e.reason, RevokeReason::Erasure | RevokeReason::Operator);
            book.earned(if kept { BREAKAGE } else { REFUNDS }, &e.taken);
        }
        Event::CreditsExpired(e) => {
            book.credits(AVAILABLE, EXPIRED, e.credits.get());
            if let Some(revenue) = e.revenue {
                book.money(DEFERRED, BREAKAGE, revenue);
            }
        }
        Event::DebtIncurred(e) => book.credits(DEBT, OWED, e.credits.get()),
        Event::DebtCarried(e) => book.credits(DEBT, OWED, e.credits.get()),
        Event::DebtPaid(e) => {
            let payer = if e.by == DebtPayer::Forgiven { FORGIVEN } else { OWED };
            book.credits(payer, DEBT, e.credits.get());
            book.credits(AVAILABLE, CONSUMED, consumed(&e.taken));
            book.earned(REVENUE, &e.taken);
        }
        Event::PaymentSettled(e) => {
            let clearing = format!("clearing:{}", e.rail.as_str());
            book.money(clearing.clone(), DEFERRED, e.amount);
            // Invariant: `decide` lets no net of another currency or above the amount through.
            if let Some(net) = e.net.filter(|net| net.currency == e.amount.currency) {
                book.post(net.currency.into(), FEES, clearing, e.amount.minor() - net.minor());
            }
        }
        Event::PaymentFeeRecorded(e) => {
            book.money(FEES, format!("clearing:{}", e.rail.as_str()), e.fee);
        }
        Event::RefundSettled(e) => {
            book.money(REFUNDS, format!("clearing:{}", e.rail.as_str()), e.amount);
        }
        _ => {}
    }
    book.0
}
