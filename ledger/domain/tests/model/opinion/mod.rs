//! A second opinion: the rules of `docs/EVENTS.md` written once more, in another way.
//!
//! It shares the wire's types with the core and nothing else. It makes no events: it says whether a
//! command is refused and with what, and where every credit and every kopeck lies afterwards.
//! Slow and plain; the core must agree with it.

mod bills;
mod jobs;
mod purse;
mod shop;

use std::collections::{BTreeMap, HashMap};

use proto_events::catalog::Catalog;
use proto_events::commands::Command;
use proto_events::events::ProviderId;
use proto_events::*;

use crate::desk::Sent;
pub use purse::{Books, Mint, Purse};

type Verdict = Result<(), &'static str>;

fn must(holds: bool, code: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(code) }
}

/// What a command meets.
struct Setting<'a> {
    now: i64,
    catalog: &'a Catalog,
    /// Whose the provider's id is already.
    owner: Option<PaymentId>,
}

impl Setting<'_> {
    fn after(&self, ms: u32) -> i64 {
        self.now + i64::from(ms) * 1000
    }
}

#[derive(Debug, Clone, Default)]
pub struct Person {
    opened: bool,
    banned: bool,
    pub purse: Purse,
    bills: BTreeMap<PaymentId, bills::Bill>,
    jobs: BTreeMap<GenerationId, jobs::Job>,
    turns: u64,
}

impl Person {
    fn active(&self) -> Verdict {
        must(self.opened, "account_not_found")?;
        must(!self.banned, "account_banned")
    }
}

#[derive(Debug)]
pub struct Opinion {
    version: i64,
    catalog: Catalog,
    pub people: BTreeMap<AccountId, Person>,
    owners: HashMap<(&'static str, ProviderId), PaymentId>,
    done: BTreeMap<(Producer, CommandId), (AccountId, Command)>,
}

#[derive(Debug, PartialEq)]
pub enum Answer {
    Done,
    Again,
    Refused(&'static str),
}

impl Opinion {
    pub fn new(catalog: Catalog) -> Self {
        Self { version: 1, catalog, people: BTreeMap::new(), owners: HashMap::new(), done: BTreeMap::new() }
    }

    pub fn hear(&mut self, sent: &Sent, now: Micros) -> Answer {
        let key = (sent.producer, sent.id.clone());
        if let Some((account, first)) = self.done.get(&key) {
            // Two commands are the same when everything that means something is.
            let same = *account == sent.account
                && first.verb() == sent.command.verb()
                && first.meaning() == sent.command.meaning();
            return if same { Answer::Again } else { Answer::Refused("command_id_reused") };
        }
        match self.judge(sent, now) {
            Ok(()) => {
                self.done.insert(key, (sent.account, sent.command.clone()));
                Answer::Done
            }
            Err(code) => Answer::Refused(code),
        }
    }

    /// A new command of the wire does not compile until it has an opinion here.
    fn judge(&mut self, sent: &Sent, now: Micros) -> Verdict {
        let owner_key = match &sent.command {
            Command::PaymentRegister(c) => Some((c.rail.provider(), c.provider_payment_id.clone())),
            Command::PaymentSettle(c) => Some((c.rail.provider(), c.provider_payment_id.clone())),
            _ => None,
        };
        let owner = owner_key.as_ref().and_then(|key| self.owners.get(key)).copied();
        let on = Setting { now: now.get(), catalog: &self.catalog, owner };
        let person = self.people.entry(sent.account).or_default();
        let payment = PaymentId::derive(sent.account, sent.producer, &sent.id);
        let generation = GenerationId::derive(sent.account, sent.producer, &sent.id);
        match &sent.command {
            Command::AccountOpen(_) => {
                must(!person.opened, "account_exists")?;
                person.opened = true;
                person.purse.mint("welcome", on.catalog.bonuses.welcome.get(), None, None, on.now);
                Ok(())
            }
            Command::TopupOpen(c) => person.topup(c, payment, &on),
            Command::PaymentRegister(c) => person.register(c, &on).map(|()| self.own(owner_key, c.payment)),
            Command::PaymentSettle(c) => person.settle(c, &on).map(|()| self.own(owner_key, c.payment)),
            Command::PaymentCancel(c) => person.cancel(c),
            Command::GenerationRequest(c) => person.ask(c, generation, &on),
            Command::GenerationClaim(c) => person.claim(c, &on),
            Command::GenerationAttempt(c) => person.attempted(c, &on),
            Command::GenerationComplete(c) => person.complete(c, &on),
            Command::GenerationFail(c) => person.fail(c, &on),
            Command::ReservationExpire(c) => person.expire(c, &on),
            Command::DeliveryConfirm(c) => person.told(c.generation),
            Command::DeliveryFail(c) => person.not_told(c, &on),
            Command::CatalogPublish(c) => {
                must(c.version == self.version + 1, "version_not_next")?;
                must(shop::is_sound(&c.catalog), "catalog_invalid")?;
                (self.version, self.catalog) = (c.version, c.catalog.clone());
                Ok(())
            }
            Command::AccountBan(_)
            | Command::AccountUnban(_)
            | Command::AccountErase(_)
            | Command::ReferralRegister(_)
            | Command::ReferralBonus(_)
            | Command::CreditsGrant(_)
            | Command::CreditsRevoke(_)
            | Command::DebtForgive(_)
            | Command::LotsExpire(_)
            | Command::PaymentQuarantine(_)
            | Command::QuarantineResolve(_)
            | Command::RefundOpen(_)
            | Command::RefundSettle(_)
            | Command::RefundFail(_)
            | Command::GenerationCancel(_)
            | Command::OperatorAct(_)
            | Command::ProjectionSwap(_) => panic!("{} is not played yet", sent.command.verb()),
        }
    }

    fn own(&mut self, key: Option<(&'static str, ProviderId)>, payment: PaymentId) {
        self.owners.extend(key.map(|key| (key, payment)));
    }
}
