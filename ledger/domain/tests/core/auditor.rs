//! Keeps its own books of the lots from the events alone, and looks at every total.

use std::collections::{BTreeMap, BTreeSet};

use ledger_domain::{check, postings};
use proto_events::events::*;
use proto_events::{Currency, Event, GenerationId, LotId, Micros, PaymentId};

use crate::books::trial;
use crate::world::World;

#[derive(Debug, Clone)]
pub struct LotBook {
    pub granted: CreditsGranted,
    pub left: i64,
    pub reserved: i64,
    pub earned: i64,
}

impl LotBook {
    pub fn gone(&self) -> i64 {
        self.granted.credits.get() - self.left - self.reserved
    }

    /// These many leaving for good next.
    pub fn part(&self, n: i64) -> ConsumedPart {
        let revenue = self.granted.price.map(|p| {
            let at =
                |gone: i64| i128::from(p.minor()) * i128::from(gone) / i128::from(self.granted.credits.get());
            let minor = i64::try_from(at(self.gone() + n) - at(self.gone())).unwrap();
            proto_events::Money::new(minor, p.currency).unwrap()
        });
        ConsumedPart { lot: self.granted.lot, credits: crate::world::credits(n), revenue }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Auditor {
    pub lots: BTreeMap<LotId, LotBook>,
    pub refunded: BTreeSet<PaymentId>,
    read: usize,
    charged: BTreeSet<GenerationId>,
    succeeded: BTreeSet<GenerationId>,
    compensated: BTreeSet<GenerationId>,
    /// Price of paid lots that no payment stands behind.
    unfunded: BTreeMap<Currency, i64>,
}

impl Auditor {
    /// Reads what is new in the log, then looks at everything.
    pub fn audit(&mut self, world: &World) {
        for at in self.read..world.log.len() {
            self.event(&world.log[at], at, &world.log);
        }
        self.read = world.log.len();
        assert_eq!(check(&world.state), Ok(()));
        assert_eq!(usize::try_from(world.state.version()).unwrap(), world.log.len());
        let left: i64 = self.lots.values().map(|l| l.left).sum();
        let reserved: i64 = self.lots.values().map(|l| l.reserved).sum();
        let balance = world.balance();
        assert_eq!(world.effects(), balance, "effects sum to the balance");
        assert_eq!((left, reserved), (balance.0, balance.1), "lots hold the balance");
        for lot in self.lots.values() {
            assert!(lot.left >= 0 && lot.reserved >= 0 && lot.gone() >= 0, "{lot:?}");
            let price = lot.granted.price.map_or(0, |p| p.minor());
            let all = lot.gone() == lot.granted.credits.get();
            assert!(!all || lot.earned == price, "a used up lot earned its price: {lot:?}");
        }
        let spendable = self.spendable(world.now);
        assert!(balance.2 == 0 || spendable == 0, "a debt stands beside {spendable} credits");
    }

    pub fn spendable(&self, now: Micros) -> i64 {
        let lasts = |l: &&LotBook| l.granted.expires_at.is_none_or(|at| at > now);
        self.lots.values().filter(lasts).map(|l| l.left).sum()
    }

    /// The trial balance, at the end of a life.
    pub fn close(&self, world: &World) {
        let written = serde_json::to_string(&world.state).unwrap();
        assert_eq!(serde_json::from_str::<ledger_domain::Account>(&written).unwrap(), world.state);
        let sums = trial(&world.log);
        let sum = |account: &str, asset| sums.get(&(account.to_owned(), asset)).copied().unwrap_or(0);
        let credit = ledger_domain::Asset::Credit;
        let (available, reserved, debt) = world.balance();
        assert_eq!(sum("customer:available", credit), -available);
        assert_eq!(sum("customer:reserved", credit), -reserved);
        assert_eq!(sum("customer:debt", credit), debt);
        for currency in [Currency::Rub, Currency::Xtr] {
            let lots = self.lots.values().filter(|l| l.granted.price.is_some_and(|p| p.currency == currency));
            let owed: i64 = lots.map(|l| l.granted.price.unwrap().minor() - l.earned).sum();
            let unfunded = self.unfunded.get(&currency).copied().unwrap_or(0);
            assert_eq!(
                -sum("deferred", currency.into()),
                owed - unfunded,
                "deferred is what is not earned yet"
            );
        }
    }

    fn event(&mut self, event: &Event, at: usize, log: &[Event]) {
        let mut sums = BTreeMap::new();
        for posting in postings(event) {
            *sums.entry(posting.asset).or_insert(0) += posting.amount;
        }
        assert!(sums.values().all(|sum| *sum == 0), "postings sum to zero: {event:?}");
        match event {
            Event::CreditsGranted(e) => {
                assert_eq!(e.lot.get(), i64::try_from(at).unwrap() + 1, "a lot is named after its event");
                if let (Some(price), None) = (e.price, e.payment) {
                    *self.unfunded.entry(price.currency).or_default() += price.minor();
                }
                let book = LotBook { granted: e.clone(), left: e.credits.get(), reserved: 0, earned: 0 };
                assert!(self.lots.insert(e.lot, book).is_none());
            }
            Event::CreditsReserved(e) => {
                assert_eq!(e.taken.iter().map(|p| p.credits.get()).sum::<i64>(), e.credits.get());
                self.step(&e.taken, |lot, n| (lot.left, lot.reserved) = (lot.left - n, lot.reserved + n));
            }
            Event::ReservationCommitted(e) => {
                self.consume(&e.charged, |lot, n| lot.reserved -= n);
                self.step(&e.returned, |lot, n| (lot.left, lot.reserved) = (lot.left + n, lot.reserved - n));
            }
            Event::ReservationReleased(e) => self.give_back(&e.returned),
            Event::ReservationExpired(e) => self.give_back(&e.returned),
            Event::CreditsRevoked(e) => self.consume(&e.taken, |lot, n| lot.left -= n),
            Event::DebtPaid(e) => self.consume(&e.taken, |lot, n| lot.left -= n),
            Event::CreditsExpired(e) => {
                let part = ConsumedPart { lot: e.lot, credits: e.credits, revenue: e.revenue };
                self.consume(&[part], |lot, n| lot.left -= n);
            }
            Event::RefundOpened(e) => assert!(self.refunded.insert(e.payment)),
            Event::GenerationSucceeded(e) => self.success(e, at, log),
            Event::DeliveryFailed(e)
                if e.r#final && matches!(e.reason, DeliveryTrouble::BytesLost | DeliveryTrouble::Refused) =>
            {
                assert!(self.compensated.insert(e.generation), "compensated twice");
            }
            _ => {}
        }
    }

    /// One success a generation; a charge stands right before it, of what it says.
    fn success(&mut self, e: &GenerationSucceeded, at: usize, log: &[Event]) {
        assert!(self.succeeded.insert(e.generation), "two results of one generation");
        let committed = log[..at].iter().rev().find_map(|event| match event {
            Event::ReservationCommitted(e) => Some(e),
            _ => None,
        });
        if e.settlement != Settlement::GivenAway {
            assert!(self.charged.insert(e.generation), "charged twice");
            let charged: i64 = committed.unwrap().charged.iter().map(|p| p.credits.get()).sum();
            assert_eq!(charged, e.credits.get());
        }
    }

    fn give_back(&mut self, returned: &[LotPart]) {
        self.step(returned, |lot, n| (lot.left, lot.reserved) = (lot.left + n, lot.reserved - n));
    }

    fn step(&mut self, parts: &[LotPart], step: fn(&mut LotBook, i64)) {
        for part in parts {
            step(self.lots.get_mut(&part.lot).expect("a lot that was granted"), part.credits.get());
        }
    }

    fn consume(&mut self, parts: &[ConsumedPart], step: fn(&mut LotBook, i64)) {
        for part in parts {
            let lot = self.lots.get_mut(&part.lot).expect("a lot that was granted");
            assert!(!part.credits.is_zero());
            assert_eq!(part.revenue.map(|r| r.currency), lot.granted.price.map(|p| p.currency));
            step(lot, part.credits.get());
            lot.earned += part.revenue.map_or(0, |r| r.minor());
        }
    }
}
