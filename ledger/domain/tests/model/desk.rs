//! The core at work: what the ledger keeps around it, in its simplest form.
//!
//! One catalog, some people, a clock moved by hand; and what Postgres holds for the sequencer: who
//! has which id of a provider, until when a claim holds, what an erased account left behind, which
//! command ids were answered. A command id that was answered gets its first answer.

use std::collections::{BTreeMap, HashMap, HashSet};

use ledger_domain::{
    Account, CatalogStream, Facts, Kept, OperationsStream, PublishedCatalog, decide, decide_catalog,
    decide_operations, evolve, evolve_catalog, evolve_operations,
};
use proto_events::catalog::Catalog;
use proto_events::commands::{CatalogPublish, Command, ReferralSide, RefundOpen};
use proto_events::events::{DebtPayer, LotSource, ProviderId};
use proto_events::*;

use crate::shop::first_catalog;

pub const PEOPLE: usize = 3;
const SECOND: i64 = 1_000_000;
const START: i64 = 1_800_000_000 * SECOND;

/// A command as its producer sends it, once or several times.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Who is behind the account, if it is a person's.
    pub person: usize,
    pub producer: Producer,
    pub id: CommandId,
    pub account: AccountId,
    pub command: Command,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Done(Vec<Event>),
    /// This id was done before.
    Again,
    Refused(&'static str),
}

/// One account, of one of the people.
#[derive(Debug, Clone)]
pub struct Stream {
    pub person: usize,
    pub state: Account,
    pub log: Vec<Event>,
}

/// What is known of a person beside the accounts.
#[derive(Debug, Clone, Default)]
struct Known {
    welcomed: bool,
    kept: Kept,
}

type ProviderKey = (&'static str, ProviderId);

#[derive(Debug, Clone)]
pub struct Desk {
    pub now: Micros,
    pub streams: BTreeMap<AccountId, Stream>,
    /// The account that each person has now, or would open.
    pub current: Vec<AccountId>,
    pub shop: CatalogStream,
    operations: OperationsStream,
    /// Commands sent so far.
    pub sent: Vec<Sent>,
    /// Commands that were written and are still under way.
    pub drawer: Vec<Sent>,
    known: Vec<Known>,
    owners: HashMap<ProviderKey, PaymentId>,
    refund_owners: HashMap<ProviderKey, RefundId>,
    quarantined: HashMap<ProviderKey, AccountId>,
    /// Who was invited, and which side has had its bonus for that.
    rewarded: HashSet<(AccountId, ReferralSide)>,
    leases: BTreeMap<GenerationId, Micros>,
    /// The last attempt of each.
    claimed: BTreeMap<GenerationId, Attempt>,
    done: BTreeMap<(Producer, CommandId), (AccountId, &'static str, String)>,
    written: u32,
}

impl Desk {
    pub fn new() -> Self {
        let publish = CatalogPublish { version: 1, catalog: first_catalog(), reason: None };
        let id = CommandId::new("catalog:1").expect("a command id");
        let now = Micros::new(START).expect("a time");
        let facts = Facts::new(now, AccountId::CATALOG, Producer::Ledger, &id);
        let events =
            decide_catalog(&CatalogStream::default(), &publish, &facts).expect("a catalog to sell from");
        let mut desk = Self {
            now: Micros::new(START).unwrap(),
            streams: BTreeMap::new(),
            current: Vec::new(),
            shop: events.iter().fold(CatalogStream::default(), evolve_catalog),
            operations: OperationsStream::default(),
            sent: Vec::new(),
            drawer: Vec::new(),
            known: vec![Known::default(); PEOPLE],
            owners: HashMap::new(),
            refund_owners: HashMap::new(),
            quarantined: HashMap::new(),
            rewarded: HashSet::new(),
            leases: BTreeMap::new(),
            claimed: BTreeMap::new(),
            done: BTreeMap::new(),
            written: 0,
        };
        desk.current = (0..PEOPLE).map(|person| desk.new_account(person)).collect();
        desk
    }

    fn new_account(&mut self, person: usize) -> AccountId {
        let n = self.streams.len();
        let id: AccountId = format!("a{n:07x}-0000-4000-8000-00000000000a").parse().unwrap();
        self.streams.insert(id, Stream { person, state: Account::default(), log: Vec::new() });
        id
    }

    pub fn catalog(&self) -> &Catalog {
        &self.published().catalog
    }

    pub fn published(&self) -> &PublishedCatalog {
        self.shop.published.as_ref().expect("published at the start")
    }

    pub fn fresh_id(&mut self) -> CommandId {
        self.written += 1;
        CommandId::new(format!("c:{}", self.written)).unwrap()
    }

    pub fn later(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    pub fn send(&mut self, sent: &Sent) -> Answer {
        self.sent.push(sent.clone());
        let key = (sent.producer, sent.id.clone());
        let meaning = (sent.account, sent.command.verb(), sent.command.meaning().to_string());
        if let Some(first) = self.done.get(&key) {
            return if *first == meaning { Answer::Again } else { Answer::Refused("command_id_reused") };
        }
        match self.decide(sent) {
            Ok(events) => {
                self.done.insert(key, meaning);
                for event in &events {
                    self.happen(sent, event);
                }
                Answer::Done(events)
            }
            Err(refusal) => Answer::Refused(refusal.code()),
        }
    }

    fn decide(&self, sent: &Sent) -> Result<Vec<Event>, ledger_domain::Refusal> {
        let working = self.working(sent);
        let facts = Facts { working: &working, ..self.facts(sent) };
        match (&sent.command, sent.account) {
            (Command::CatalogPublish(c), AccountId::CATALOG) => decide_catalog(&self.shop, c, &facts),
            (command, AccountId::OPERATIONS) => decide_operations(&self.operations, command, &facts),
            (command, account) => decide(&self.streams[&account].state, command, &facts),
        }
    }

    fn facts<'a>(&'a self, sent: &'a Sent) -> Facts<'a> {
        let mut facts = Facts {
            catalog: self.shop.published.as_ref(),
            fingerprint: "f1",
            ..Facts::new(self.now, sent.account, sent.producer, &sent.id)
        };
        let known = self.streams.get(&sent.account).map(|stream| &self.known[stream.person]);
        let is_open = |id| self.streams.get(&id).is_some_and(|stream| stream.state.is_open());
        let owner =
            |rail: Rail, id: &ProviderId| self.owners.get(&(rail.provider().as_str(), id.clone())).copied();
        match &sent.command {
            Command::AccountOpen(c) => {
                facts.welcome_spent = known.is_some_and(|known| known.welcomed);
                facts.kept = known.map(|known| known.kept).unwrap_or_default();
                let inviter = c.inviter.as_ref().and_then(|payload| payload.parse().ok());
                facts.inviter_known = inviter.is_some_and(is_open);
            }
            Command::ReferralRegister(c) => {
                // Before this account: its own welcome doesn't count.
                let person = self.streams.get(&sent.account).map(|stream| stream.person);
                facts.welcome_spent = person.is_some_and(|person| self.has_gone_before(person, sent.account));
                facts.inviter_known = is_open(c.inviter);
            }
            Command::ReferralBonus(c) => facts.rewarded = self.rewarded.contains(&(c.invited, c.side)),
            Command::RefundFail(_) => facts.kept = known.map(|known| known.kept).unwrap_or_default(),
            Command::GenerationClaim(c) => facts.lease_until = self.leases.get(&c.generation).copied(),
            Command::PaymentRegister(c) => facts.provider_id_owner = owner(c.rail, &c.provider_payment_id),
            Command::PaymentSettle(c) => facts.provider_id_owner = owner(c.rail, &c.provider_payment_id),
            Command::QuarantineResolve(c) => facts.provider_id_owner = owner(c.rail, &c.provider_payment_id),
            Command::PaymentQuarantine(c) => {
                let key = (c.rail.provider().as_str(), c.provider_payment_id.clone());
                facts.quarantined = self.quarantined.get(&key).copied();
            }
            Command::RefundSettle(c) => {
                let key = (c.rail.provider().as_str(), c.provider_refund_id.clone());
                facts.refund_id_owner = self.refund_owners.get(&key).copied();
            }
            Command::RefundOpen(RefundOpen { rail, provider_refund_id: Some(id), .. }) => {
                let key = (rail.provider().as_str(), id.clone());
                facts.refund_id_owner = self.refund_owners.get(&key).copied();
            }
            _ => {}
        }
        facts
    }

    /// For a claim: until when others of the account's jobs are held.
    fn working(&self, sent: &Sent) -> Vec<Micros> {
        match (&sent.command, self.streams.get(&sent.account)) {
            (Command::GenerationClaim(c), Some(stream)) => {
                stream.state.in_hand(c.generation).filter_map(|id| self.leases.get(&id).copied()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Had this person an account before this one?
    fn has_gone_before(&self, person: usize, account: AccountId) -> bool {
        self.streams.iter().any(|(id, stream)| stream.person == person && *id < account)
    }

    /// Folds the event, and keeps what the ledger keeps beside the log.
    fn happen(&mut self, sent: &Sent, event: &Event) {
        match sent.account {
            AccountId::CATALOG => self.shop = evolve_catalog(std::mem::take(&mut self.shop), event),
            AccountId::OPERATIONS => {
                self.operations = evolve_operations(std::mem::take(&mut self.operations), event);
            }
            account => {
                let stream = self.streams.get_mut(&account).expect("it decided");
                stream.state = evolve(std::mem::take(&mut stream.state), event);
                stream.log.push(event.clone());
                let person = stream.person;
                self.remember(person, account, event);
            }
        }
        self.keep(sent, event);
    }

    /// What a person leaves behind, and finds again.
    fn remember(&mut self, person: usize, account: AccountId, event: &Event) {
        let banned = self.streams[&account].state.banned();
        let known = &mut self.known[person];
        match event {
            Event::CreditsGranted(e) if e.source == LotSource::Welcome => known.welcomed = true,
            Event::DebtPaid(e) if e.by == DebtPayer::SetAside => {
                known.kept.debt =
                    Credits::new((known.kept.debt.get() + e.credits.get()).min(Credits::MAX.get()))
                        .expect("within the bound");
            }
            Event::DebtCarried(e) => {
                known.kept.debt = known.kept.debt.checked_sub(e.credits).expect("no more than was left");
            }
            Event::AccountErased(_) => {
                (known.welcomed, known.kept.banned) = (true, banned);
                self.current[person] = self.new_account(person);
            }
            _ => {}
        }
    }

    /// Side rows and natural keys.
    fn keep(&mut self, Sent { account, command, .. }: &Sent, event: &Event) {
        match event {
            Event::CreditsGranted(_) => {
                if let Command::ReferralBonus(c) = command {
                    self.rewarded.insert((c.invited, c.side));
                }
            }
            Event::PaymentRegistered(e) => {
                self.owners.insert((e.rail.provider().as_str(), e.provider_payment_id.clone()), e.payment);
            }
            Event::PaymentSettled(e) => {
                self.owners.insert((e.rail.provider().as_str(), e.provider_payment_id.clone()), e.payment);
            }
            Event::PaymentQuarantined(e) => {
                let key = (e.rail.provider().as_str(), e.provider_payment_id.clone());
                self.quarantined.insert(key, *account);
            }
            Event::RefundSettled(e) => {
                self.refund_owners
                    .insert((e.rail.provider().as_str(), e.provider_refund_id.clone()), e.refund);
            }
            Event::GenerationStarted(e) => {
                let lease = i64::from(self.catalog().limits.lease_ms);
                self.leases.insert(e.generation, self.now.plus_ms(lease));
                self.claimed.insert(e.generation, e.attempt);
            }
            Event::GenerationAttempted(e) if Some(e.attempt) == self.claimed.get(&e.generation).copied() => {
                let wait = match command {
                    Command::GenerationAttempt(c) => i64::from(c.retry_after_ms),
                    _ => 0,
                };
                self.leases.insert(e.generation, self.now.plus_ms(wait));
            }
            _ => {}
        }
    }
}
