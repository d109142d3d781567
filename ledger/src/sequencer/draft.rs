//! A batch being decided: speculative state on top of what is committed and of what is in flight.
//!
//! Nothing here touches the database. State is changed in place; if the append fails, the batch names what
//! it touched ([`Drafted::forget`]), and that is loaded again from the log.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ledger_domain::{self as domain, CatalogStream, Facts, Refusal};
use proto_events::commands::Command;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Event, Micros, PaymentId, Producer, Refused, Text};
use serde_json::json;

use super::accounts::{Accounts, Loaded};
use super::digest::digest;
use super::known::{KEY_PAYMENT, KEY_SETTLED, KEY_WELCOME, Known, payment_key};
use super::queue::Request;
use super::side_rows::{self, Moment};
use crate::log::{Digest, Hash, Row};
use crate::store::{FirstAnswer, NaturalKey, SideWrite};

/// What became of one request of the batch.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Its events, as rows of the draft `[from, to)`.
    Accepted {
        events: Vec<Event>,
        from: usize,
        to: usize,
    },
    /// It was accepted before, in an earlier batch.
    Repeat(FirstAnswer),
    /// It is the same as an earlier request of this batch.
    SameAs(usize),
    Refused(Refused),
}

/// What a batch is to write, and how to take its speculation back.
#[derive(Debug, Default)]
pub struct Drafted {
    pub rows: Vec<Row>,
    pub keys: Vec<NaturalKey>,
    pub side: Vec<SideWrite>,
    /// Accounts whose state in memory is ahead of the log.
    touched: HashSet<AccountId>,
    people: HashMap<i64, AccountId>,
    catalog_before: Option<CatalogStream>,
    owners: HashMap<String, String>,
    /// Generation → until when the last claim holds, µs.
    leases: HashMap<String, i64>,
    asked: HashMap<(Producer, CommandId), Asked>,
}

/// A command accepted in this batch.
#[derive(Debug)]
struct Asked {
    index: usize,
    digest: Digest,
    account: AccountId,
    /// Its rows: `[from, to)`.
    from: usize,
    to: usize,
}

impl Drafted {
    /// Takes the batch back: what it touched is loaded again when it is asked for. Of several batches
    /// the newest goes first.
    pub fn forget(&self, accounts: &mut Accounts, catalog: &mut CatalogStream) {
        for account in &self.touched {
            accounts.forget(*account);
        }
        for user in self.people.keys() {
            accounts.forget_person(*user);
        }
        if let Some(before) = &self.catalog_before {
            *catalog = before.clone();
        }
    }

    /// People whose accounts this batch opens.
    pub fn people(&self) -> impl Iterator<Item = (i64, AccountId)> {
        self.people.iter().map(|(user, account)| (*user, *account))
    }

    /// Commands that this batch accepts.
    pub fn commands(&self) -> impl Iterator<Item = (Producer, &CommandId)> {
        self.asked.keys().map(|(producer, id)| (*producer, id))
    }

    /// Is this command among them?
    pub fn holds(&self, id: &(Producer, CommandId)) -> bool {
        self.asked.contains_key(id)
    }

    fn first_answer(&self, id: &(Producer, CommandId)) -> Option<FirstAnswer> {
        let asked = self.asked.get(id)?;
        let rows = self.rows[asked.from..asked.to].to_vec();
        Some(FirstAnswer { digest: asked.digest, account: asked.account, rows })
    }
}

#[derive(Debug)]
pub struct Draft<'a> {
    accounts: &'a mut Accounts,
    catalog: &'a mut CatalogStream,
    known: &'a Known,
    /// Batches in flight, oldest first: decided, and not in the log yet.
    ahead: &'a [Arc<Drafted>],
    /// µs, of the whole batch.
    now: i64,
    position: i64,
    out: Drafted,
}

pub fn refused(code: &str, message: impl Into<String>) -> Refused {
    Refused { code: Text::lossy(code), message: message.into(), details: serde_json::Value::Null }
}

impl From<RefusedBy> for Refused {
    fn from(RefusedBy(refusal): RefusedBy) -> Self {
        Self { code: Text::lossy(refusal.code()), message: refusal.to_string(), details: refusal.details() }
    }
}

/// The core's refusal on its way to the wire.
pub struct RefusedBy(pub Refusal);

impl<'a> Draft<'a> {
    /// On top of the batches in flight: `accounts` and `catalog` are as these leave them.
    pub fn new(
        accounts: &'a mut Accounts,
        catalog: &'a mut CatalogStream,
        known: &'a Known,
        ahead: &'a [Arc<Drafted>],
        position: i64,
        now: i64,
    ) -> Self {
        Self { accounts, catalog, known, ahead, now, position, out: Drafted::default() }
    }

    /// The batch, chained on top of this hash; with its own last hash.
    pub fn done(mut self, mut prev_hash: Hash) -> (Drafted, Hash) {
        for row in &mut self.out.rows {
            prev_hash = row.chain(prev_hash);
        }
        (self.out, prev_hash)
    }

    /// Decides one request on top of those before it.
    pub fn decide(&mut self, index: usize, request: &Request) -> Outcome {
        let (account, person) = match self.resolve(request) {
            Ok(found) => found,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        // Moved out and back, never copied: an account may have thousands of payments.
        let taken = self.accounts.take(account);
        let was_there = taken.is_some();
        let mut loaded = match person {
            Some(_) => Loaded { key: random_key(), ..Loaded::default() },
            None => taken.unwrap_or_default(),
        };
        let outcome = self.decide_on(index, request, account, &mut loaded);
        let accepted = matches!(outcome, Outcome::Accepted { .. });
        if account.is_person() && (was_there || accepted) {
            self.accounts.put(account, loaded);
        }
        if accepted {
            self.out.touched.insert(account);
            if let Some(user) = person {
                self.accounts.know(user, account);
                self.out.people.insert(user, account);
            }
        }
        outcome
    }

    fn decide_on(
        &mut self,
        index: usize,
        request: &Request,
        account: AccountId,
        loaded: &mut Loaded,
    ) -> Outcome {
        let digest = match digest(&loaded.key, account, &request.command) {
            Ok(digest) => digest,
            Err(error) => return Outcome::Refused(refused("invalid", error.to_string())),
        };
        let id = (request.producer, request.id.clone());
        if let Some(outcome) = self.seen_before(&id, account, &digest) {
            return outcome;
        }
        let decided = match &request.command {
            Command::CatalogPublish(c) => domain::decide_catalog(self.catalog, c),
            command => self.decide_account(account, loaded, request, command),
        };
        let events = match decided {
            Ok(events) => events,
            Err(refusal) => return Outcome::Refused(RefusedBy(refusal).into()),
        };
        let from = self.out.rows.len();
        let version =
            if account == AccountId::CATALOG { self.catalog.version } else { loaded.state.version() };
        for (ordinal, event) in events.iter().enumerate() {
            match self.row(request, account, version, ordinal, digest, event) {
                Ok(row) => self.out.rows.push(row),
                Err(error) => {
                    self.out.rows.truncate(from);
                    return Outcome::Refused(refused("invalid", error.to_string()));
                }
            }
        }
        self.apply(account, loaded, &events);
        self.add_keys(account, request, &events);
        let moment = Moment { first: self.position + nth(from), now: self.now, lease_ms: self.lease_ms() };
        let side_from = self.out.side.len();
        side_rows::add(&mut self.out.side, request, account, loaded, &events, moment);
        for write in &self.out.side[side_from..] {
            if let SideWrite::Claim(claim) = write {
                self.out.leases.insert(claim.generation.clone(), claim.lease_until);
            }
        }
        let to = self.out.rows.len();
        self.out.asked.insert(id, Asked { index, digest, account, from, to });
        Outcome::Accepted { events, from, to }
    }

    fn lease_ms(&self) -> i64 {
        self.catalog
            .published
            .as_ref()
            .map_or(side_rows::LEASE_MS_DEFAULT, |p| p.catalog.limits.lease_ms.into())
    }

    /// The account a request is for, and the person if the account is to be made.
    fn resolve(&self, request: &Request) -> Result<(AccountId, Option<i64>), Refused> {
        let opens = matches!(request.command, Command::AccountOpen(_));
        let publishes = matches!(request.command, Command::CatalogPublish(_));
        let account = match request.account {
            AccountRef::Id(account) => Some(account),
            AccountRef::Telegram(user) => self.accounts.person(user),
        };
        match (account, request.account) {
            (Some(account), _)
                if publishes != (account == AccountId::CATALOG) || account == AccountId::OPERATIONS =>
            {
                Err(refused("invalid", "this command is not for that stream"))
            }
            (Some(_), AccountRef::Id(_)) if opens => {
                Err(refused("invalid", "account_open names a person: {\"telegram\": user id}"))
            }
            (Some(account), _) => Ok((account, None)),
            (None, AccountRef::Telegram(user)) if opens => Ok((AccountId::random(), Some(user))),
            (None, _) => Err(RefusedBy(Refusal::AccountNotFound).into()),
        }
    }

    fn seen_before(
        &self,
        id: &(Producer, CommandId),
        account: AccountId,
        digest: &Digest,
    ) -> Option<Outcome> {
        if let Some(asked) = self.out.asked.get(id) {
            let same = asked.digest == *digest;
            return Some(if same { Outcome::SameAs(asked.index) } else { reused() });
        }
        let in_flight = || self.ahead.iter().find_map(|batch| batch.first_answer(id));
        let first = self.known.first_answers.get(id).cloned().or_else(in_flight)?;
        let same = first.account == account && first.digest == *digest;
        Some(if same { Outcome::Repeat(first) } else { reused() })
    }

    fn decide_account(
        &self,
        account: AccountId,
        loaded: &Loaded,
        request: &Request,
        command: &Command,
    ) -> Result<Vec<Event>, Refusal> {
        let owner = payment_key(command).and_then(|key| self.owner(&key));
        let lease_until = match command {
            Command::GenerationClaim(c) => self.lease(&c.generation.to_string()),
            _ => None,
        };
        let now = Micros::new(self.now).unwrap_or_default();
        let facts = Facts {
            catalog: self.catalog.published.as_ref(),
            lease_until: lease_until.and_then(|us| Micros::new(us).ok()),
            provider_id_owner: owner,
            ..Facts::new(now, account, request.producer, &request.id)
        };
        domain::decide(&loaded.state, command, &facts)
    }

    fn owner(&self, key: &str) -> Option<PaymentId> {
        let in_flight = || self.ahead.iter().find_map(|batch| batch.owners.get(key));
        let known = || self.known.keys.get(&(KEY_PAYMENT.to_owned(), key.to_owned()));
        self.out.owners.get(key).or_else(in_flight).or_else(known).and_then(|id| id.parse().ok())
    }

    /// The newest word on a claim: of this batch, of those in flight, of the database.
    fn lease(&self, generation: &str) -> Option<i64> {
        let in_flight = || self.ahead.iter().rev().find_map(|batch| batch.leases.get(generation));
        let known = || self.known.leases.get(generation);
        self.out.leases.get(generation).or_else(in_flight).or_else(known).copied()
    }

    fn row(
        &self,
        request: &Request,
        account: AccountId,
        version: i64,
        ordinal: usize,
        request_digest: Digest,
        event: &Event,
    ) -> Result<Row, proto_events::canonical::NotCanonical> {
        let effect = domain::effect(event);
        // Invariant: a command makes a handful of events.
        let ordinal = i16::try_from(ordinal).unwrap_or(i16::MAX);
        Ok(Row {
            position: self.position + nth(self.out.rows.len()),
            account_id: account.0,
            version: version + 1 + i64::from(ordinal),
            event_type: event.type_name().to_owned(),
            schema_version: event.schema_version(),
            available_delta: effect.available,
            reserved_delta: effect.reserved,
            debt_delta: effect.debt,
            payload: event.payload()?,
            producer: request.producer.as_str().to_owned(),
            command_id: request.id.as_str().to_owned(),
            ordinal,
            request_digest,
            actor: request.actor.clone(),
            causation: request.causation.map(proto_events::Position::get),
            trace_id: request
                .trace_id
                .as_ref()
                .and_then(|t| uuid::Uuid::try_parse(t.as_str()).ok())
                .map(uuid::Uuid::into_bytes),
            recorded_at: self.now,
            prev_hash: [0; 32],
            hash: [0; 32],
        })
    }

    fn apply(&mut self, account: AccountId, loaded: &mut Loaded, events: &[Event]) {
        for event in events {
            if account == AccountId::CATALOG {
                self.out.catalog_before.get_or_insert_with(|| self.catalog.clone());
                *self.catalog = domain::evolve_catalog(std::mem::take(self.catalog), event);
            } else {
                loaded.state = domain::evolve(std::mem::take(&mut loaded.state), event);
            }
        }
    }

    /// The natural keys these events take.
    fn add_keys(&mut self, account: AccountId, request: &Request, events: &[Event]) {
        let first = self.position + nth(self.out.rows.len() - events.len());
        for (position, event) in (first..).zip(events) {
            let mut take = |kind, key: String, subject: String| {
                self.out.keys.push(NaturalKey { kind, key, account_id: account.0, subject, position });
            };
            match event {
                Event::AccountOpened(_) => take(KEY_WELCOME, account.to_string(), account.to_string()),
                Event::PaymentSettled(e) => {
                    let key = format!("{}:{}", e.rail.provider(), e.provider_payment_id);
                    take(KEY_SETTLED, key, e.payment.to_string());
                }
                _ => {}
            }
            let payment = match event {
                Event::PaymentRegistered(e) => Some(e.payment),
                Event::PaymentSettled(e) => Some(e.payment),
                _ => None,
            };
            if let (Some(payment), Some(key)) = (payment, payment_key(&request.command))
                && self.owner(&key).is_none()
            {
                let subject = payment.to_string();
                self.out.keys.push(NaturalKey {
                    kind: KEY_PAYMENT,
                    key: key.clone(),
                    account_id: account.0,
                    subject: subject.clone(),
                    position,
                });
                self.out.owners.insert(key, subject);
            }
        }
    }
}

/// The place after the head of the draft's row with this index.
fn nth(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX - 1) + 1
}

fn reused() -> Outcome {
    let mut refusal =
        refused("command_id_reused", "a command with this id came before and asked for something else");
    refusal.details = json!({"hint": "a new request takes a new id"});
    Outcome::Refused(refusal)
}

fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    key
}
