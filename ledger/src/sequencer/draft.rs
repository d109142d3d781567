//! A batch being decided: speculative state on top of what is committed.
//!
//! Nothing here touches the database. If the append fails, the draft is thrown away and the
//! committed state is as it was.

use std::collections::HashMap;

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

#[derive(Debug)]
pub struct Draft<'a> {
    accounts: &'a mut Accounts,
    known: &'a Known,
    /// µs, of the whole batch.
    now: i64,
    position: i64,
    pub rows: Vec<Row>,
    pub keys: Vec<NaturalKey>,
    pub side: Vec<SideWrite>,
    pub touched: HashMap<AccountId, Loaded>,
    pub catalog: CatalogStream,
    pub people: HashMap<i64, AccountId>,
    owners: HashMap<String, String>,
    asked: HashMap<(Producer, CommandId), (usize, Digest)>,
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
    pub fn new(
        accounts: &'a mut Accounts,
        catalog: &CatalogStream,
        known: &'a Known,
        position: i64,
        now: i64,
    ) -> Self {
        Self {
            accounts,
            known,
            now,
            position,
            rows: Vec::new(),
            keys: Vec::new(),
            side: Vec::new(),
            touched: HashMap::new(),
            catalog: catalog.clone(),
            people: HashMap::new(),
            owners: HashMap::new(),
            asked: HashMap::new(),
        }
    }

    /// Decides one request on top of those before it.
    pub fn decide(&mut self, index: usize, request: &Request) -> Outcome {
        let (account, mut loaded, person) = match self.resolve(request) {
            Ok(found) => found,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let digest = match digest(&loaded.key, account, &request.command) {
            Ok(digest) => digest,
            Err(error) => return Outcome::Refused(refused("invalid", error.to_string())),
        };
        let id = (request.producer, request.id.clone());
        if let Some(outcome) = self.seen_before(&id, account, &digest) {
            return outcome;
        }
        let decided = match &request.command {
            Command::CatalogPublish(c) => domain::decide_catalog(&self.catalog, c),
            command => self.decide_account(account, &loaded, request, command),
        };
        let events = match decided {
            Ok(events) => events,
            Err(refusal) => return Outcome::Refused(RefusedBy(refusal).into()),
        };
        let from = self.rows.len();
        let version =
            if account == AccountId::CATALOG { self.catalog.version } else { loaded.state.version() };
        for (ordinal, event) in events.iter().enumerate() {
            match self.row(request, account, version, ordinal, digest, event) {
                Ok(row) => self.rows.push(row),
                Err(error) => {
                    self.rows.truncate(from);
                    return Outcome::Refused(refused("invalid", error.to_string()));
                }
            }
        }
        self.apply(account, &mut loaded, &events);
        self.add_keys(account, request, &events);
        let moment = Moment { first: self.position + nth(from), now: self.now, lease_ms: self.lease_ms() };
        side_rows::add(&mut self.side, request, account, &loaded, &events, moment);
        if let Some(user) = person {
            self.people.insert(user, account);
        }
        self.touched.insert(account, loaded);
        self.asked.insert(id, (index, digest));
        Outcome::Accepted { events, from, to: self.rows.len() }
    }

    /// The draft's rows on top of the chain; the last hash.
    pub fn chain(&mut self, mut prev_hash: Hash) -> Hash {
        for row in &mut self.rows {
            prev_hash = row.chain(prev_hash);
        }
        prev_hash
    }

    /// Makes the draft's state the committed one.
    pub fn commit(self, catalog: &mut CatalogStream) {
        *catalog = self.catalog;
        for (user, account) in self.people {
            self.accounts.know(user, account);
        }
        for (account, loaded) in self.touched {
            if account.is_person() {
                self.accounts.put(account, loaded);
            }
        }
    }

    fn lease_ms(&self) -> i64 {
        self.catalog
            .published
            .as_ref()
            .map_or(side_rows::LEASE_MS_DEFAULT, |p| p.catalog.limits.lease_ms.into())
    }

    /// The account a request is for, its state, and the person if the account is to be made.
    fn resolve(&mut self, request: &Request) -> Result<(AccountId, Loaded, Option<i64>), Refused> {
        let opens = matches!(request.command, Command::AccountOpen(_));
        let publishes = matches!(request.command, Command::CatalogPublish(_));
        let account = match request.account {
            AccountRef::Id(account) => Some(account),
            AccountRef::Telegram(user) => {
                self.people.get(&user).copied().or_else(|| self.accounts.person(user))
            }
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
            (Some(account), _) => {
                let loaded = match self.touched.get(&account) {
                    Some(loaded) => loaded.clone(),
                    None => self.accounts.get(account).cloned().unwrap_or_default(),
                };
                Ok((account, loaded, None))
            }
            (None, AccountRef::Telegram(user)) if opens => {
                let loaded = Loaded { key: random_key(), ..Loaded::default() };
                Ok((AccountId::random(), loaded, Some(user)))
            }
            (None, _) => Err(RefusedBy(Refusal::AccountNotFound).into()),
        }
    }

    fn seen_before(
        &self,
        id: &(Producer, CommandId),
        account: AccountId,
        digest: &Digest,
    ) -> Option<Outcome> {
        if let Some(first) = self.known.first_answers.get(id) {
            let same = first.account == account && first.digest == *digest;
            return Some(if same { Outcome::Repeat(first.clone()) } else { reused() });
        }
        let (index, first) = self.asked.get(id)?;
        Some(if first == digest { Outcome::SameAs(*index) } else { reused() })
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
            Command::GenerationClaim(c) => self.known.leases.get(&c.generation.to_string()).copied(),
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
        let known = || self.known.keys.get(&(KEY_PAYMENT.to_owned(), key.to_owned()));
        self.owners.get(key).or_else(known).and_then(|id| id.parse().ok())
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
            position: self.position + nth(self.rows.len()),
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
                self.catalog = domain::evolve_catalog(std::mem::take(&mut self.catalog), event);
            } else {
                loaded.state = domain::evolve(std::mem::take(&mut loaded.state), event);
            }
        }
    }

    /// The natural keys these events take.
    fn add_keys(&mut self, account: AccountId, request: &Request, events: &[Event]) {
        let first = self.position + nth(self.rows.len() - events.len());
        for (position, event) in (first..).zip(events) {
            let mut take = |kind, key: String, subject: String| {
                self.keys.push(NaturalKey { kind, key, account_id: account.0, subject, position });
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
                self.keys.push(NaturalKey {
                    kind: KEY_PAYMENT,
                    key: key.clone(),
                    account_id: account.0,
                    subject: subject.clone(),
                    position,
                });
                self.owners.insert(key, subject);
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
