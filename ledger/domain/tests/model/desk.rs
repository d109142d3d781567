//! The core at work: what the ledger keeps around it, in its simplest form.
//!
//! One catalog, some people, a clock moved by hand; and what Postgres holds for the sequencer: who
//! has which id of a provider, until when a claim holds, which command ids were answered. A command
//! id that was answered gets its first answer.

use std::collections::{BTreeMap, HashMap};

use ledger_domain::{
    Account, CatalogStream, Facts, PublishedCatalog, decide, decide_catalog, evolve, evolve_catalog,
};
use proto_events::catalog::Catalog;
use proto_events::commands::{CatalogPublish, Command};
use proto_events::events::ProviderId;
use proto_events::*;

use crate::shop::first_catalog;

pub const PEOPLE: usize = 3;
const SECOND: i64 = 1_000_000;
const START: i64 = 1_800_000_000 * SECOND;

/// A command as its producer sends it, once or several times.
#[derive(Debug, Clone)]
pub struct Sent {
    pub person: usize,
    pub producer: Producer,
    pub id: CommandId,
    pub command: Command,
    pub account: AccountId,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Done(Vec<Event>),
    /// This id was done before.
    Again,
    Refused(&'static str),
}

#[derive(Debug, Clone)]
pub struct Person {
    pub id: AccountId,
    pub state: Account,
    pub log: Vec<Event>,
}

#[derive(Debug, Clone)]
pub struct Desk {
    pub now: Micros,
    pub people: Vec<Person>,
    pub shop: CatalogStream,
    /// Commands sent so far, for fresh ids.
    pub sent: Vec<Sent>,
    /// Commands that were written and are still under way.
    pub drawer: Vec<Sent>,
    owners: HashMap<(&'static str, ProviderId), PaymentId>,
    leases: BTreeMap<GenerationId, Micros>,
    done: BTreeMap<(Producer, CommandId), (AccountId, &'static str, String)>,
    written: u32,
}

impl Desk {
    pub fn new() -> Self {
        let publish = CatalogPublish { version: 1, catalog: first_catalog() };
        let events = decide_catalog(&CatalogStream::default(), &publish).expect("a catalog to sell from");
        let person = |n: usize| Person {
            id: format!("a{n:07x}-0000-4000-8000-00000000000a").parse().unwrap(),
            state: Account::default(),
            log: Vec::new(),
        };
        Self {
            now: Micros::new(START).unwrap(),
            people: (0..PEOPLE).map(person).collect(),
            shop: events.iter().fold(CatalogStream::default(), evolve_catalog),
            sent: Vec::new(),
            drawer: Vec::new(),
            owners: HashMap::new(),
            leases: BTreeMap::new(),
            done: BTreeMap::new(),
            written: 0,
        }
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
        let answer = match &sent.command {
            Command::CatalogPublish(c) => self.publish(c),
            _ => self.decide(sent),
        };
        if matches!(answer, Answer::Done(_)) {
            self.done.insert(key, meaning);
        }
        answer
    }

    fn publish(&mut self, c: &CatalogPublish) -> Answer {
        match decide_catalog(&self.shop, c) {
            Ok(events) => {
                self.shop = events.iter().fold(std::mem::take(&mut self.shop), evolve_catalog);
                Answer::Done(events)
            }
            Err(refusal) => Answer::Refused(refusal.code()),
        }
    }

    fn decide(&mut self, sent: &Sent) -> Answer {
        let facts = Facts {
            catalog: self.shop.published.as_ref(),
            lease_until: match &sent.command {
                Command::GenerationClaim(c) => self.leases.get(&c.generation).copied(),
                _ => None,
            },
            provider_id_owner: self.owner(&sent.command),
            ..Facts::new(self.now, sent.account, sent.producer, &sent.id)
        };
        let events = match decide(&self.people[sent.person].state, &sent.command, &facts) {
            Ok(events) => events,
            Err(refusal) => return Answer::Refused(refusal.code()),
        };
        let person = &mut self.people[sent.person];
        for event in &events {
            person.state = evolve(std::mem::take(&mut person.state), event);
            person.log.push(event.clone());
        }
        self.keep(&sent.command, &events);
        Answer::Done(events)
    }

    fn owner(&self, command: &Command) -> Option<PaymentId> {
        let key = match command {
            Command::PaymentRegister(c) => (c.rail.provider(), c.provider_payment_id.clone()),
            Command::PaymentSettle(c) => (c.rail.provider(), c.provider_payment_id.clone()),
            _ => return None,
        };
        self.owners.get(&key).copied()
    }

    /// Side rows, as the ledger writes them with the events.
    fn keep(&mut self, command: &Command, events: &[Event]) {
        for event in events {
            match event {
                Event::PaymentRegistered(e) => {
                    self.owners.insert((e.rail.provider(), e.provider_payment_id.clone()), e.payment);
                }
                Event::PaymentSettled(e) => {
                    self.owners.insert((e.rail.provider(), e.provider_payment_id.clone()), e.payment);
                }
                Event::GenerationStarted(e) => {
                    let lease = i64::from(self.catalog().limits.lease_ms);
                    self.leases.insert(e.generation, self.now.plus_ms(lease));
                }
                Event::GenerationAttempted(e) => {
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
}
