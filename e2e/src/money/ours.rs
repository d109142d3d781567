//! What the log has of payments, refunds and accounts; what breaks a rule on the way is said at once.

use std::collections::{BTreeMap, BTreeSet};

use ledger::log::Row;
use proto_events::catalog::Catalog;
use proto_events::events::{
    ConsumedPart, CreditsGranted, DebtPayer, LotPart, PaymentOpened, QuarantineOutcome, RefundOpened,
};
use proto_events::{AccountId, Event, LotId, PaymentId, RefundId};

use super::Sides;

#[derive(Debug, Default)]
pub(super) struct Ours {
    pub payments: BTreeMap<PaymentId, Payment>,
    pub refunds: BTreeMap<RefundId, Refund>,
    pub accounts: BTreeMap<AccountId, Account>,
    /// Provider's ids that a person has, or had, to look at.
    pub quarantined: BTreeSet<String>,
    /// Of those, what a person has settled for the money and credits that they named.
    pub by_hand: BTreeSet<String>,
    /// In words.
    pub found: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Payment {
    /// By the catalog: credits, and their price.
    pub sold: i64,
    pub price: i64,
    /// The provider's key of it.
    pub settled: Option<(String, Sides)>,
    pub granted: i64,
    /// Of what was granted: never spent, and gone, since it ended or an operator or an erasure took it.
    lapsed: i64,
    refunds: Vec<RefundId>,
}

#[derive(Debug, Clone)]
pub(super) struct Refund {
    pub payment: PaymentId,
    pub amount: i64,
    /// As the log has it, and what its money bought.
    pub credits: i64,
    pub bought: i64,
    pub taken: i64,
    /// Of a failed one: given back, or no longer owed.
    pub restored: i64,
    pub failed: bool,
    pub settled: bool,
}

#[derive(Debug, Default)]
pub(super) struct Account {
    /// The sums of what the rows say: available, reserved, debt.
    pub balance: (i64, i64, i64),
    pub reserved: i64,
    /// Credits that came and went besides payments and refunds: gifts, pictures, ends of lots, debts put aside.
    pub besides: i64,
}

#[derive(Default)]
struct Reader {
    ours: Ours,
    catalogs: BTreeMap<i64, Catalog>,
    /// Which payment a lot is of.
    lots: BTreeMap<(AccountId, LotId), PaymentId>,
    /// The refund that failed last.
    failed: Option<RefundId>,
}

pub(super) fn read(log: &[Row]) -> Ours {
    let mut reader = Reader::default();
    for row in log {
        let event =
            row.event().unwrap_or_else(|error| panic!("position {}: {}", row.position, error.in_full()));
        let account = AccountId(row.account_id);
        let (available, reserved, debt) = &mut reader.account(account).balance;
        *available += row.available_delta;
        *reserved += row.reserved_delta;
        *debt += row.debt_delta;
        reader.credits(account, &event);
        reader.money(event);
    }
    reader.ours
}

fn parts(parts: &[LotPart]) -> i64 {
    parts.iter().map(|part| part.credits.get()).sum()
}

fn consumed(parts: &[ConsumedPart]) -> i64 {
    parts.iter().map(|part| part.credits.get()).sum()
}

impl Reader {
    fn account(&mut self, account: AccountId) -> &mut Account {
        self.ours.accounts.entry(account).or_default()
    }

    fn payment(&mut self, payment: PaymentId) -> &mut Payment {
        self.ours.payments.entry(payment).or_default()
    }

    fn refund(&mut self, refund: RefundId) -> &mut Refund {
        self.ours.refunds.get_mut(&refund).unwrap_or_else(|| panic!("{refund} ends, and was never opened"))
    }

    /// Of payments, refunds and their quarantine.
    fn money(&mut self, event: Event) {
        match event {
            Event::CatalogPublished(e) => drop(self.catalogs.insert(e.version, e.catalog)),
            Event::PaymentOpened(e) => self.opened(&e),
            Event::PaymentSettled(e) => {
                let (paid, net) = (e.amount.minor(), e.net.map(|net| net.minor()));
                let sides = Sides { paid, refunded: 0, fee: net.map(|net| paid - net) };
                let settled = (e.rail.key(&e.provider_payment_id), sides);
                if self.payment(e.payment).settled.replace(settled).is_some() {
                    self.ours.found.push(format!("{} was settled twice", e.payment));
                }
            }
            Event::PaymentFeeRecorded(e) => match &mut self.payment(e.payment).settled {
                Some((_, sides)) if sides.fee.is_none() => sides.fee = Some(e.fee.minor()),
                _ => self.ours.found.push(format!("{} has a second fee, or none was due", e.payment)),
            },
            Event::PaymentQuarantined(e) => {
                self.ours.quarantined.insert(e.rail.key(&e.provider_payment_id));
            }
            Event::QuarantineResolved(e) if e.outcome == QuarantineOutcome::Settled => {
                self.ours.by_hand.insert(e.rail.key(&e.provider_payment_id));
            }
            Event::RefundOpened(e) => self.refund_opened(&e),
            Event::RefundSettled(e) => {
                let refund = self.refund(e.refund);
                refund.settled = true;
                let payment = refund.payment;
                if let Some((_, sides)) = &mut self.payment(payment).settled {
                    sides.refunded += e.amount.minor();
                }
            }
            Event::RefundFailed(e) => {
                self.refund(e.refund).failed = true;
                self.failed = Some(e.refund);
            }
            _ => {}
        }
    }

    /// The terms are the catalog's.
    fn opened(&mut self, e: &PaymentOpened) {
        let package = self.catalogs.get(&e.catalog_version).and_then(|catalog| catalog.package(&e.package));
        match package.map(|package| (package.credits, package.price)) {
            Some((credits, price)) => {
                let payment = self.payment(e.payment);
                (payment.sold, payment.price) = (credits.get(), price.minor());
                if (credits, price) != (e.credits, e.price) {
                    self.ours.found.push(format!("{} is not on the catalog's terms", e.payment));
                }
            }
            None => self.ours.found.push(format!("{}: its catalog sells no {}", e.payment, e.package)),
        }
    }

    /// Its credits are floors of the whole so far, less what was taken before; what lapsed was not bought back.
    fn refund_opened(&mut self, e: &RefundOpened) {
        let Ours { payments, refunds, .. } = &mut self.ours;
        let payment = payments.entry(e.payment).or_default();
        let standing = payment.refunds.iter().filter_map(|id| refunds.get(id)).filter(|r| !r.failed);
        let (money, taken) = standing.fold((0, 0), |(money, taken), r| (money + r.amount, taken + r.bought));
        payment.refunds.push(e.refund);
        let paid = payment.settled.as_ref().map_or(0, |(_, sides)| sides.paid);
        let whole =
            i128::from(payment.granted) * i128::from(money + e.amount.minor()) / i128::from(paid.max(1));
        let whole = i64::try_from(whole).unwrap_or(i64::MAX).min(payment.granted - payment.lapsed);
        let refund = Refund {
            payment: e.payment,
            amount: e.amount.minor(),
            credits: e.credits.get(),
            bought: (whole - taken).max(0),
            taken: 0,
            restored: 0,
            failed: false,
            settled: false,
        };
        refunds.insert(e.refund, refund);
    }

    /// What an event does to the credits of its account.
    fn credits(&mut self, account: AccountId, event: &Event) {
        match event {
            Event::CreditsGranted(e) => self.granted(account, e),
            Event::CreditsReserved(e) => self.account(account).reserved += e.credits.get(),
            Event::ReservationCommitted(e) => {
                let account = self.account(account);
                account.reserved -= consumed(&e.charged) + parts(&e.returned);
                account.besides -= consumed(&e.charged);
            }
            Event::ReservationReleased(e) => self.account(account).reserved -= parts(&e.returned),
            Event::ReservationExpired(e) => self.account(account).reserved -= parts(&e.returned),
            Event::CreditsRevoked(e) => match e.refund {
                Some(refund) => self.refund(refund).taken += consumed(&e.taken),
                None => e.taken.iter().for_each(|part| self.lapse(account, part.lot, part.credits.get())),
            },
            Event::CreditsExpired(e) => self.lapse(account, e.lot, e.credits.get()),
            Event::DebtIncurred(e) => self.refund(e.refund).taken += e.credits.get(),
            Event::DebtCarried(e) => self.account(account).besides -= e.credits.get(),
            Event::DebtPaid(e) => match (e.by, self.failed) {
                // As many credits leave as are no longer owed.
                (DebtPayer::Lots, _) => self.account(account).besides += e.credits.get() - consumed(&e.taken),
                // Follows its failure in the same command.
                (DebtPayer::Undone, Some(refund)) => self.refund(refund).restored += e.credits.get(),
                _ => self.account(account).besides += e.credits.get(),
            },
            _ => {}
        }
    }

    fn granted(&mut self, account: AccountId, e: &CreditsGranted) {
        let Some(payment) = e.payment else { return self.account(account).besides += e.credits.get() };
        self.lots.insert((account, e.lot), payment);
        match e.restores {
            Some(refund) => self.refund(refund).restored += e.credits.get(),
            None => self.payment(payment).granted += e.credits.get(),
        }
    }

    fn lapse(&mut self, account: AccountId, lot: LotId, credits: i64) {
        self.account(account).besides -= credits;
        if let Some(payment) = self.lots.get(&(account, lot)).copied() {
            self.payment(payment).lapsed += credits;
        }
    }
}
