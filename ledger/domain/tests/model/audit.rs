//! The invariants, held against the events alone and looked at after each of them.
//!
//! For one person: parts fit their lots, a lot's parts add up to its price, each reservation ends
//! once, balances are never negative, postings sum to zero, the typed effect is what the payload
//! and the postings say, and what is held less the debt is what was granted less what has gone.

use std::collections::BTreeMap;

use ledger_domain::{Account, Effect, check, effect, evolve, postings};
use proto_events::events::*;
use proto_events::{Currency, Event, LotId, Micros, ReservationId};

use crate::desk::Stream;
use crate::opinion::{Books, Mint};

/// What is wrong, in words.
pub type Wrong = String;

macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

#[derive(Debug, Clone)]
struct Lot {
    granted: CreditsGranted,
    left: i64,
    reserved: i64,
    earned: i64,
}

impl Lot {
    fn gone(&self) -> i64 {
        self.granted.credits.get() - self.left - self.reserved
    }
}

/// One person's books, kept from the log.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    lots: BTreeMap<LotId, Lot>,
    /// Open: what it holds. `None`: it has ended.
    reservations: BTreeMap<ReservationId, Option<i64>>,
    pub balance: Effect,
    /// Granted − gone for good − owed: what should be held less the debt.
    worth: i64,
    pub books: Books,
    read: usize,
}

impl Audit {
    /// Reads what is new in the log. Between the events of one command only what holds there is
    /// asked; after the last, everything.
    pub fn read(&mut self, person: &Stream, now: Micros) -> Result<(), Wrong> {
        for event in &person.log[self.read..] {
            self.read += 1;
            self.event(event).map_err(|wrong| format!("{wrong}\n    in {event:?}"))?;
        }
        self.look(person, now)
    }

    fn event(&mut self, event: &Event) -> Result<(), Wrong> {
        let moved = self.moved(event)?;
        let columns = effect(event);
        ensure!(columns == moved, "the effect columns say {columns:?}, the payload {moved:?}");
        self.post(event, moved)?;
        let b = &mut self.balance;
        b.available += moved.available;
        b.reserved += moved.reserved;
        b.debt += moved.debt;
        ensure!(b.available >= 0 && b.reserved >= 0 && b.debt >= 0, "a balance is negative: {b:?}");
        let held = b.available + b.reserved - b.debt;
        ensure!(held == self.worth, "{held} are held less debt, granted less gone are {}", self.worth);
        let stored = event.payload().map_err(|e| format!("not canonical: {e}"))?;
        let back = Event::decode(event.type_name(), event.schema_version(), &stored);
        ensure!(back.as_ref().is_ok_and(|back| back == event), "reads back as {back:?}");
        Ok(())
    }

    fn post(&mut self, event: &Event, moved: Effect) -> Result<(), Wrong> {
        let (mut sums, mut customer) = (BTreeMap::new(), Effect::default());
        for posting in postings(event) {
            *sums.entry(posting.asset).or_insert(0i128) += i128::from(posting.amount);
            match posting.account.as_ref() {
                // What we owe the person is a credit balance; what the person owes us is a debit.
                "customer:available" => customer.available -= posting.amount,
                "customer:reserved" => customer.reserved -= posting.amount,
                "customer:debt" => customer.debt += posting.amount,
                _ => {}
            }
            let line = (posting.account.into_owned(), posting.asset.code());
            *self.books.entry(line).or_default() += i128::from(posting.amount);
        }
        ensure!(sums.values().all(|sum| *sum == 0), "postings don't sum to zero: {sums:?}");
        ensure!(customer == moved, "the postings move {customer:?}, the payload {moved:?}");
        Ok(())
    }

    /// What the payload says, with every part put into its lot.
    fn moved(&mut self, event: &Event) -> Result<Effect, Wrong> {
        let none = Effect::default();
        Ok(match event {
            Event::CreditsGranted(e) => {
                let n = e.credits.get();
                ensure!(n > 0, "a grant of nothing");
                let at = i64::try_from(self.read).unwrap();
                ensure!(e.lot.get() == at, "lot {} is not named after event {at}", e.lot);
                self.lots.insert(e.lot, Lot { granted: e.clone(), left: n, reserved: 0, earned: 0 });
                self.worth += n;
                Effect { available: n, ..none }
            }
            Event::CreditsReserved(e) => {
                let n = self
                    .each(&e.taken, |lot, n| (lot.left, lot.reserved) = (lot.left - n, lot.reserved + n))?;
                ensure!(n == e.credits.get(), "{n} are taken where {} are reserved", e.credits);
                let new = self.reservations.insert(e.reservation, Some(n)).is_none();
                ensure!(new, "a second reservation {}", e.reservation);
                Effect { available: -n, reserved: n, debt: 0 }
            }
            Event::ReservationCommitted(e) => {
                let charged = self.gone(&e.charged, |lot, n| lot.reserved -= n)?;
                let returned = self.back(&e.returned)?;
                self.end(e.reservation, charged + returned)?;
                Effect { available: returned, reserved: -charged - returned, debt: 0 }
            }
            Event::ReservationReleased(e) => self.ended(e.reservation, &e.returned)?,
            Event::ReservationExpired(e) => self.ended(e.reservation, &e.returned)?,
            Event::CreditsRevoked(e) => {
                Effect { available: -self.gone(&e.taken, |lot, n| lot.left -= n)?, ..none }
            }
            Event::CreditsExpired(e) => {
                let part = ConsumedPart { lot: e.lot, credits: e.credits, revenue: e.revenue };
                Effect { available: -self.gone(&[part], |lot, n| lot.left -= n)?, ..none }
            }
            Event::DebtIncurred(e) => {
                self.worth -= e.credits.get();
                Effect { debt: e.credits.get(), ..none }
            }
            Event::DebtCarried(e) => {
                self.worth -= e.credits.get();
                Effect { debt: e.credits.get(), ..none }
            }
            Event::DebtPaid(e) => {
                let taken = self.gone(&e.taken, |lot, n| lot.left -= n)?;
                let due = if e.by == DebtPayer::Lots { e.credits.get() } else { 0 };
                ensure!(taken == due, "{taken} are taken to pay a debt of {}", e.credits);
                self.worth += e.credits.get();
                Effect { available: -taken, reserved: 0, debt: -e.credits.get() }
            }
            _ => none,
        })
    }

    fn ended(&mut self, id: ReservationId, returned: &[LotPart]) -> Result<Effect, Wrong> {
        let n = self.back(returned)?;
        self.end(id, n)?;
        Ok(Effect { available: n, reserved: -n, debt: 0 })
    }

    fn end(&mut self, id: ReservationId, n: i64) -> Result<(), Wrong> {
        let open = self.reservations.insert(id, None).flatten();
        ensure!(open == Some(n), "reservation {id} ends with {n} and held {open:?}");
        Ok(())
    }

    fn back(&mut self, parts: &[LotPart]) -> Result<i64, Wrong> {
        self.each(parts, |lot, n| (lot.left, lot.reserved) = (lot.left + n, lot.reserved - n))
    }

    fn each(&mut self, parts: &[LotPart], step: fn(&mut Lot, i64)) -> Result<i64, Wrong> {
        let mut sum = 0;
        for part in parts {
            ensure!(part.credits.get() > 0, "a part of nothing");
            let lot = self.lots.get_mut(&part.lot).ok_or_else(|| format!("no lot {}", part.lot))?;
            step(lot, part.credits.get());
            let sound = lot.left >= 0 && lot.reserved >= 0 && lot.gone() >= 0;
            ensure!(sound, "more leaves lot {} than is there", part.lot);
            sum += part.credits.get();
        }
        Ok(sum)
    }

    /// Parts leave their lots for good, each with its share of the price.
    fn gone(&mut self, parts: &[ConsumedPart], step: fn(&mut Lot, i64)) -> Result<i64, Wrong> {
        let mut sum = 0;
        for part in parts {
            sum += self.each(&[LotPart { lot: part.lot, credits: part.credits }], step)?;
            let Some(lot) = self.lots.get_mut(&part.lot) else { continue };
            let (price, paid) = (lot.granted.price, part.revenue);
            let same = price.map(|p| p.currency) == paid.map(|p| p.currency);
            ensure!(same, "a part earns {paid:?} of a lot priced {price:?}");
            lot.earned += paid.map_or(0, |p| p.minor());
            let due = price.map_or(0, |p| {
                i128::from(p.minor()) * i128::from(lot.gone()) / i128::from(lot.granted.credits.get())
            });
            let earned = lot.earned;
            ensure!(i128::from(earned) == due, "lot {} earned {earned}, {due} is due", part.lot);
        }
        self.worth -= sum;
        Ok(sum)
    }

    fn look(&self, person: &Stream, now: Micros) -> Result<(), Wrong> {
        check(&person.state).map_err(|broken| format!("an invariant of the core is broken: {broken}"))?;
        let length = i64::try_from(person.log.len()).unwrap();
        ensure!(person.state.version() == length, "version {} of {length} events", person.state.version());
        let sum = |of: fn(&Lot) -> i64| self.lots.values().map(of).sum::<i64>();
        let lots = (sum(|lot| lot.left), sum(|lot| lot.reserved));
        let b = self.balance;
        ensure!(lots == (b.available, b.reserved), "lots hold {lots:?}, the balance is {b:?}");
        let open: i64 = self.reservations.values().flatten().sum();
        ensure!(open == b.reserved, "open reservations hold {open} of {}", b.reserved);
        let lasting = |lot: &&Lot| lot.granted.expires_at.is_none_or(|at| at > now);
        let left: i64 = self.lots.values().filter(lasting).map(|lot| lot.left).sum();
        ensure!(b.debt == 0 || left == 0, "a debt of {} stands beside {left} credits", b.debt);
        for currency in [Currency::Rub, Currency::Xtr] {
            let of = |lot: &&Lot| {
                lot.granted.price.filter(|p| p.currency == currency).map(|p| p.minor() - lot.earned)
            };
            let unearned: i128 = self.lots.values().filter_map(|lot| of(&lot)).map(i128::from).sum();
            let line = ("deferred".to_owned(), currency.code());
            let deferred = -self.books.get(&line).copied().unwrap_or(0);
            ensure!(deferred == unearned, "{deferred} are deferred, {unearned} are not earned yet");
        }
        Ok(())
    }

    pub fn lots(&self) -> Vec<LotId> {
        self.lots.keys().copied().collect()
    }

    /// Lot by lot, in the order they were granted, against the model's mints.
    pub fn compare(&self, mints: &[Mint]) -> Result<(), Wrong> {
        let ours: Vec<_> = self.lots.values().map(|l| (l.left, l.reserved, l.gone(), l.earned)).collect();
        let theirs: Vec<_> = mints.iter().map(|m| (m.purse, m.held(), m.gone, m.earned())).collect();
        ensure!(ours == theirs, "lots (left, held, gone, earned) are {ours:?}, the model has {theirs:?}");
        Ok(())
    }
}

/// The log folded anew is the live state, also from a state that was written down half-way.
pub fn replay(person: &Stream) -> Result<(), Wrong> {
    let fold = |state, events: &[Event]| events.iter().fold(state, evolve);
    let (before, after) = person.log.split_at(person.log.len() / 2);
    let half = fold(Account::default(), before);
    let written = serde_json::to_string(&half).map_err(|e| e.to_string())?;
    let read: Account = serde_json::from_str(&written).map_err(|e| e.to_string())?;
    ensure!(fold(half, after) == person.state, "the log folds to another state");
    ensure!(fold(read, after) == person.state, "a state that was written down folds on to another");
    Ok(())
}
