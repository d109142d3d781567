//! A second opinion: a model that knows nothing of lots, parts or floors of sums.
//!
//! Every credit is a coin of its own. A coin lies in the purse, is held for a job, or is gone; the
//! k-th coin of its mint to go earns the k-th share of the price. Slow and simple; the core must
//! agree with it on every refusal, every balance and every kopeck.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proto_events::commands::{Command, DeliveryFail};
use proto_events::events::*;
use proto_events::*;

use crate::auditor::Auditor;
use crate::random::take;
use crate::steps::{life, small_world};
use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Purse,
    Held(GenerationId),
    Gone,
}

#[derive(Debug, Clone)]
struct Coin {
    mint: usize,
    place: Place,
    /// Its payment was charged back while it was held.
    recalled: bool,
}

#[derive(Debug, Clone)]
struct Mint {
    size: i64,
    price: Option<i64>,
    ends: Option<i64>,
    payment: Option<PaymentId>,
    gone: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Job {
    Running,
    Made,
    Late,
    Over,
    Told,
}

#[derive(Debug, Clone)]
struct Work {
    job: Job,
    claims: i64,
    cost_known: bool,
    price: i64,
    deadline: i64,
    late_charge: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Bill {
    Open,
    Paid,
    Dropped,
}

#[derive(Debug, Clone)]
struct Invoice {
    bill: Bill,
    rail: Rail,
    credits: i64,
    price: Money,
    until: i64,
    registered: Option<ProviderId>,
}

#[derive(Debug, Clone, Default)]
struct Model {
    opened: bool,
    banned: bool,
    mints: Vec<Mint>,
    coins: Vec<Coin>,
    debt: i64,
    /// Minor units of every currency together: earned, or lost to expiry and refunds.
    earned: i64,
    works: BTreeMap<GenerationId, Work>,
    invoices: BTreeMap<PaymentId, Invoice>,
}

type Verdict = Result<(), &'static str>;

fn must(holds: bool, code: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(code) }
}

impl Model {
    fn mint(&mut self, size: i64, price: Option<i64>, ends: Option<i64>, payment: Option<PaymentId>) {
        let mint = self.mints.len();
        self.mints.push(Mint { size, price, ends, payment, gone: 0 });
        self.coins.extend((0..size).map(|_| Coin { mint, place: Place::Purse, recalled: false }));
    }

    /// The coin leaves for good and earns its share.
    fn lose(&mut self, coin: usize) {
        self.coins[coin].place = Place::Gone;
        let mint = &mut self.mints[self.coins[coin].mint];
        let share = |k: i64| i128::from(mint.price.unwrap_or(0)) * i128::from(k) / i128::from(mint.size);
        self.earned += i64::try_from(share(mint.gone + 1) - share(mint.gone)).unwrap();
        mint.gone += 1;
    }

    fn ended(&self, coin: &Coin, now: i64) -> bool {
        self.mints[coin.mint].ends.is_some_and(|at| at <= now)
    }

    /// Coins that can be spent, best first.
    fn spendable(&self, now: i64) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.coins.len())
            .filter(|i| self.coins[*i].place == Place::Purse && !self.ended(&self.coins[*i], now))
            .collect();
        all.sort_by_key(|i| {
            let mint = &self.mints[self.coins[*i].mint];
            (mint.ends.unwrap_or(i64::MAX), mint.price.is_some(), self.coins[*i].mint)
        });
        all
    }

    fn pay_debt(&mut self, now: i64) {
        for coin in self.spendable(now) {
            if self.debt > 0 {
                self.debt -= 1;
                self.lose(coin);
            }
        }
    }

    fn held(&self, id: GenerationId) -> Vec<usize> {
        (0..self.coins.len()).filter(|i| self.coins[*i].place == Place::Held(id)).collect()
    }

    fn give_back(&mut self, id: GenerationId, now: i64) {
        for coin in self.held(id) {
            self.coins[coin].place = Place::Purse;
            if self.coins[coin].recalled {
                self.lose(coin);
            } else if self.ended(&self.coins[coin], now) {
                // What lies in the purse of the same mint goes with it.
                let mint = self.coins[coin].mint;
                for other in 0..self.coins.len() {
                    if self.coins[other].mint == mint && self.coins[other].place == Place::Purse {
                        self.lose(other);
                    }
                }
            }
        }
        self.pay_debt(now);
    }

    fn charge(&mut self, id: GenerationId, now: i64) {
        for coin in self.held(id) {
            self.debt += i64::from(self.coins[coin].recalled);
            self.lose(coin);
        }
        self.pay_debt(now);
    }

    fn charge_back(&mut self, payment: PaymentId, now: i64) {
        let of_it = |m: &Self, i: &usize| m.mints[m.coins[*i].mint].payment == Some(payment);
        for i in (0..self.coins.len()).filter(|i| of_it(self, i)).collect::<Vec<_>>() {
            match self.coins[i].place {
                Place::Purse => self.lose(i),
                Place::Held(_) => self.coins[i].recalled = true,
                Place::Gone => self.debt += 1,
            }
        }
        self.pay_debt(now);
    }

    fn active(&self) -> Verdict {
        must(self.opened, "account_not_found")?;
        must(!self.banned, "account_banned")
    }

    fn invoice(&mut self, id: PaymentId, rail: Rail) -> Result<&mut Invoice, &'static str> {
        let invoice = self.invoices.get_mut(&id).ok_or("payment_not_found")?;
        must(invoice.rail == rail, "rail_differs")?;
        Ok(invoice)
    }

    fn work(&mut self, id: GenerationId) -> Result<&mut Work, &'static str> {
        self.works.get_mut(&id).ok_or("generation_not_found")
    }

    fn command(&mut self, command: &Command, world: &World, new: NewIds) -> Verdict {
        match command {
            Command::AccountOpen(_) => {
                must(!self.opened, "account_exists")?;
                self.opened = true;
                self.mint(5, None, None, None);
                Ok(())
            }
            Command::TopupOpen(_)
            | Command::PaymentRegister(_)
            | Command::PaymentSettle(_)
            | Command::PaymentCancel(_) => self.bill(command, world, new),
            Command::GenerationRequest(c) => self.ask(c, world, new),
            Command::DeliveryConfirm(c) => self.told(c.generation),
            Command::DeliveryFail(c) => self.untold(c, world.now.get()),
            other => self.labour(other, world),
        }
    }

    fn bill(&mut self, command: &Command, world: &World, new: NewIds) -> Verdict {
        let (now, taken) = (world.now.get(), world.provider_id_owner);
        match command {
            Command::TopupOpen(c) => {
                self.active()?;
                let (credits, price, rails): (_, _, &[Rail]) = match c.package.as_str() {
                    "odd" => (37, crate::world::rub(10_001), &[Rail::Yookassa, Rail::TelegramYookassa]),
                    "stars" => (13, Money::new(50, Currency::Xtr).unwrap(), &[Rail::Stars]),
                    _ => return Err("package_unknown"),
                };
                must(rails.contains(&c.rail), "rail_off")?;
                let open = self.invoices.values().filter(|i| i.bill == Bill::Open && i.until > now).count();
                must(open < 3, "too_many_open")?;
                let (rail, until) = (c.rail, now + 100_000_000);
                let invoice = Invoice { bill: Bill::Open, rail, credits, price, until, registered: None };
                self.invoices.insert(new.payment, invoice);
            }
            Command::PaymentRegister(c) => {
                let invoice = self.invoice(c.payment, c.rail)?;
                must(invoice.bill == Bill::Open, "payment_closed")?;
                must(taken.is_none_or(|owner| owner == c.payment), "provider_id_taken")?;
                must(invoice.registered.is_none(), "already_registered")?;
                invoice.registered = Some(c.provider_payment_id.clone());
            }
            Command::PaymentSettle(c) => {
                let invoice = self.invoice(c.payment, c.rail)?;
                must(taken.is_none_or(|owner| owner == c.payment), "provider_id_taken")?;
                must(invoice.bill != Bill::Paid, "payment_settled")?;
                let known = invoice.registered.get_or_insert(c.provider_payment_id.clone()).clone();
                must(known == c.provider_payment_id, "provider_id_differs")?;
                must(c.amount == invoice.price, "amount_differs")?;
                invoice.bill = Bill::Paid;
                let (size, price) = (invoice.credits, invoice.price.minor());
                self.mint(size, Some(price), None, Some(c.payment));
                self.pay_debt(now);
            }
            Command::PaymentCancel(c) => {
                let invoice = self.invoice(c.payment, c.rail)?;
                must(invoice.bill != Bill::Paid, "payment_settled")?;
                must(invoice.bill == Bill::Open, "payment_closed")?;
                invoice.bill = Bill::Dropped;
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn ask(&mut self, c: &proto_events::commands::GenerationRequest, world: &World, new: NewIds) -> Verdict {
        self.active()?;
        let picture = c.kind != GenerationKind::Text;
        let extra = match (picture, c.size.as_deref()) {
            (_, None) | (true, Some("1K")) => 0,
            (true, Some("2K")) => 5,
            (true, Some("4K")) => 20,
            _ => return Err("ability_missing"),
        };
        let running = self.works.values().filter(|w| w.job == Job::Running).count();
        must(running < 3, "too_many_running")?;
        let price = if picture { 10 + extra } else { 1 };
        let now = world.now.get();
        let coins = self.spendable(now);
        let need = usize::try_from(price).unwrap();
        must(coins.len() >= need, "insufficient_credits")?;
        for coin in &coins[..need] {
            self.coins[*coin].place = Place::Held(new.generation);
        }
        let deadline = now + 60_000_000;
        let work =
            Work { job: Job::Running, claims: 0, cost_known: false, price, deadline, late_charge: false };
        self.works.insert(new.generation, work);
        Ok(())
    }

    fn labour(&mut self, command: &Command, world: &World) -> Verdict {
        let now = world.now.get();
        match command {
            Command::GenerationClaim(c) => {
                let work = self.work(c.generation)?;
                must(work.job == Job::Running, "generation_closed")?;
                must(world.lease_until.is_none(), "generation_held")?;
                must(work.claims < 3, "attempts_exhausted")?;
                must(c.attempt.get() == work.claims + 1, "stale_attempt")?;
                (work.claims, work.cost_known) = (work.claims + 1, false);
            }
            Command::GenerationAttempt(c) => {
                let work = self.work(c.generation)?;
                let fresh = c.attempt.get() == work.claims && work.claims > 0 && !work.cost_known;
                must(fresh, "stale_attempt")?;
                work.cost_known = true;
            }
            Command::GenerationComplete(c) => {
                let work = self.work(c.generation)?;
                must(matches!(work.job, Job::Running | Job::Late), "generation_closed")?;
                must(c.attempt.get() == work.claims && work.claims > 0, "stale_attempt")?;
                must(!c.outputs.is_empty(), "no_outputs")?;
                let (was, price) = (work.job, work.price);
                work.job = Job::Made;
                self.take_pay(c.generation, was, price, now);
            }
            Command::GenerationFail(c) => {
                let work = self.work(c.generation)?;
                must(work.job == Job::Running, "generation_closed")?;
                must(c.attempt.get() == work.claims, "stale_attempt")?;
                (work.job, work.cost_known) = (Job::Over, work.claims > 0);
                self.give_back(c.generation, now);
            }
            Command::ReservationExpire(c) => {
                let id = self.works.keys().copied().find(|id| {
                    let late = self.works[id].late_charge && ReservationId::late(*id) == c.reservation;
                    ReservationId::of(*id) == c.reservation || late
                });
                let id = id.ok_or("reservation_not_found")?;
                let work = self.work(id)?;
                let open = work.job == Job::Running && c.reservation == ReservationId::of(id);
                must(open, "reservation_closed")?;
                must(now >= work.deadline, "deadline_ahead")?;
                work.job = Job::Late;
                self.give_back(id, now);
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    /// A made thing is paid from what is held, or late from the purse, or not at all.
    fn take_pay(&mut self, id: GenerationId, was: Job, price: i64, now: i64) {
        if was == Job::Late {
            let coins = self.spendable(now);
            let Some(coins) = coins.get(..usize::try_from(price).unwrap()) else {
                self.works.get_mut(&id).unwrap().price = 0;
                return;
            };
            for coin in coins {
                self.coins[*coin].place = Place::Held(id);
            }
            self.works.get_mut(&id).unwrap().late_charge = true;
        }
        self.charge(id, now);
    }

    fn undelivered(&mut self, id: GenerationId) -> Result<&mut Work, &'static str> {
        let work = self.work(id)?;
        must(matches!(work.job, Job::Made | Job::Told), "generation_not_succeeded")?;
        must(work.job == Job::Made, "generation_delivered")?;
        Ok(work)
    }

    fn told(&mut self, id: GenerationId) -> Verdict {
        self.undelivered(id)?.job = Job::Told;
        Ok(())
    }

    fn untold(&mut self, c: &DeliveryFail, now: i64) -> Verdict {
        let work = self.undelivered(c.generation)?;
        if c.reason == DeliveryTrouble::BytesLost || c.reason == DeliveryTrouble::Refused && c.r#final {
            work.job = Job::Told;
            let price = work.price;
            if price > 0 {
                self.mint(price, None, None, None);
                self.pay_debt(now);
            }
        }
        Ok(())
    }

    /// What no command brings yet is told to the model by its event.
    fn event(&mut self, event: &Event, now: i64) {
        match event {
            Event::CreditsGranted(e) => {
                let (price, ends) = (e.price.map(Money::minor), e.expires_at.map(Micros::get));
                self.mint(e.credits.get(), price, ends, e.payment);
            }
            Event::RefundOpened(e) => self.charge_back(e.payment, now),
            Event::AccountBanned(_) => self.banned = true,
            Event::AccountUnbanned(_) => self.banned = false,
            _ => {}
        }
    }

    fn count(&self, place: fn(&Place) -> bool) -> i64 {
        i64::try_from(self.coins.iter().filter(|c| place(&c.place)).count()).unwrap()
    }

    fn balance(&self) -> (i64, i64, i64) {
        (self.count(|p| *p == Place::Purse), self.count(|p| matches!(p, Place::Held(_))), self.debt)
    }
}

/// Ids that a command would give; the model does not derive them.
#[derive(Clone, Copy)]
struct NewIds {
    payment: PaymentId,
    generation: GenerationId,
}

/// Every minor unit that left `deferred`.
fn earned(log: &[Event]) -> i64 {
    let minor =
        |parts: &[ConsumedPart]| parts.iter().filter_map(|p| p.revenue).map(Money::minor).sum::<i64>();
    log.iter()
        .map(|event| match event {
            Event::ReservationCommitted(e) => minor(&e.charged),
            Event::CreditsRevoked(e) => minor(&e.taken),
            Event::DebtPaid(e) => minor(&e.taken),
            Event::CreditsExpired(e) => e.revenue.map_or(0, Money::minor),
            _ => 0,
        })
        .sum()
}

proptest! {
    // PROPTEST_CASES says how many; a failing life is shrunk and printed whole.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_core_agrees_with_a_purse_of_single_coins(steps in life()) {
        let (mut world, mut auditor, mut model) = (small_world(), Auditor::default(), Model::default());
        for step in steps {
            let before = world.log.len();
            let mut then = world.clone();
            let refused = take(&mut world, &auditor, &step);
            auditor.audit(&world);
            let new = NewIds { payment: then.next_payment(), generation: then.next_generation() };
            let expected = match step.command(&mut then) {
                Some(command) => {
                    let mut tried = model.clone();
                    let verdict = tried.command(&command, &then, new);
                    if verdict.is_ok() {
                        model = tried;
                    }
                    verdict.err()
                }
                None => {
                    world.log[before..].iter().for_each(|event| model.event(event, world.now.get()));
                    None
                }
            };
            prop_assert_eq!(refused, expected, "{:?}", step);
            prop_assert_eq!(world.balance(), model.balance(), "{:?}", step);
            prop_assert_eq!(earned(&world.log), model.earned, "{:?}", step);
        }
    }
}
