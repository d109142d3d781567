//! A batch being decided: speculative state on top of what is committed and of what is in flight.
//!
//! Nothing here touches the database. State is changed in place; if the append fails, the batch names what
//! it touched ([`Drafted::forget`]), and that is loaded again from the log.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ledger_domain::{self as domain, CatalogStream, Facts, Kept, OperationsStream, Refusal};
use proto_events::commands::Command;
use proto_events::envelope::AccountRef;
use proto_events::events::DebtPayer;
use proto_events::{AccountId, CommandId, Credits, Event, Micros, PaymentId, Producer, Refused, Text};
use serde_json::json;

use super::accounts::{Accounts, Loaded};
use super::clock::Times;
use super::digest::digest;
use super::fingerprint::Fingerprints;
use super::known::{
    KEY_CLAIMED, KEY_INVITED, KEY_PAYMENT, KEY_QUARANTINED, KEY_REFUNDED, KEY_REWARDED, KEY_SETTLED,
    KEY_WELCOME, Known, bonus_key, inviter, payment_key, quarantine_key, refund_key,
};
use super::queue::Request;
use super::side_rows::{self, Moment};
use crate::log::{Digest, Hash, Row};
use crate::store::side::{self, Side};
use crate::store::{FirstAnswer, NaturalKey};

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

/// The streams that are nobody's.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    pub catalog: CatalogStream,
    pub operations: OperationsStream,
}

/// What a batch is to write, and how to take its speculation back.
#[derive(Debug, Default)]
pub struct Drafted {
    pub rows: Vec<Row>,
    pub keys: Vec<NaturalKey>,
    pub side: Side,
    /// Accounts whose state in memory is ahead of the log.
    touched: HashSet<AccountId>,
    people: HashMap<i64, AccountId>,
    streams_before: Option<Streams>,
    /// (kind, key) → owner.
    owners: HashMap<(&'static str, String), String>,
    /// Fingerprint → what erased accounts left.
    kept: HashMap<String, Kept>,
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
    pub fn forget(&self, accounts: &mut Accounts, streams: &mut Streams) {
        for account in &self.touched {
            accounts.forget(*account);
        }
        for user in self.people.keys() {
            accounts.forget_person(*user);
        }
        if let Some(before) = &self.streams_before {
            *streams = before.clone();
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
    streams: &'a mut Streams,
    fingerprints: Fingerprints,
    known: &'a Known,
    /// Batches in flight, oldest first: decided, and not in the log yet.
    ahead: &'a [Arc<Drafted>],
    /// Of the whole batch.
    times: Times,
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
    /// On top of the batches in flight: `accounts` and `streams` are as these leave them.
    pub fn new(
        accounts: &'a mut Accounts,
        streams: &'a mut Streams,
        known: &'a Known,
        ahead: &'a [Arc<Drafted>],
        position: i64,
        times: Times,
    ) -> Self {
        let (fingerprints, out) = (Fingerprints::default(), Drafted::default());
        Self { accounts, streams, fingerprints, known, ahead, times, position, out }
    }

    /// Under the service's key.
    pub fn for_people(mut self, fingerprints: Fingerprints) -> Self {
        self.fingerprints = fingerprints;
        self
    }

    /// The batch, chained on top of this hash; with its own last hash.
    pub fn done(mut self, mut prev_hash: Hash) -> (Drafted, Hash) {
        for row in &mut self.out.rows {
            prev_hash = row.chain(prev_hash);
        }
        self.out.side.settle();
        (self.out, prev_hash)
    }

    /// Decides one request on top of those before it.
    pub fn decide(&mut self, index: usize, request: &Request) -> Outcome {
        let (account, person) = match self.resolve(request) {
            Ok(found) => found,
            Err(refusal) => return self.erased_before(request).unwrap_or(Outcome::Refused(refusal)),
        };
        // Moved out and back, never copied: an account may have thousands of payments.
        let taken = self.accounts.take(account);
        let was_there = taken.is_some();
        let mut loaded = match person {
            Some(_) => Loaded { key: random_key(), ..Loaded::default() },
            None => taken.unwrap_or_default(),
        };
        let outcome = self.decide_on(index, request, account, person, &mut loaded);
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
        person: Option<i64>,
        loaded: &mut Loaded,
    ) -> Outcome {
        let digest = match digest(&loaded.key, account, &request.command) {
            Ok(digest) => digest,
            Err(error) => return Outcome::Refused(refused("invalid", error.to_string())),
        };
        let id = (request.producer, request.id.clone());
        let erased = loaded.state.fingerprint().is_some();
        match self.seen_before(&id, account, (!erased).then_some(&digest)) {
            None => {}
            // The account it erased was another: the person has come again since.
            Some(Outcome::Refused(refusal)) => {
                return self.erased_before(request).unwrap_or(Outcome::Refused(refusal));
            }
            Some(outcome) => return outcome,
        }
        let decided = self.decide_account(account, loaded, request, &request.command);
        let events = match decided {
            Ok(events) => request.approved(events),
            Err(refusal) => return Outcome::Refused(RefusedBy(refusal).into()),
        };
        let from = self.out.rows.len();
        let version = match account {
            AccountId::CATALOG => self.streams.catalog.version,
            AccountId::OPERATIONS => self.streams.operations.version,
            _ => loaded.state.version(),
        };
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
        let moment =
            Moment { first: self.position + nth(from), now: self.times.now, lease_ms: self.lease_ms() };
        let claims_from = self.out.side.changes.claims.len();
        side_rows::add(&mut self.out.side, request, account, loaded, &events, moment);
        self.keep(account, person, loaded, &events);
        for claim in &self.out.side.changes.claims[claims_from..] {
            self.out.leases.insert(claim.generation.clone(), claim.lease_until);
        }
        let to = self.out.rows.len();
        self.out.asked.insert(id, Asked { index, digest, account, from, to });
        Outcome::Accepted { events, from, to }
    }

    fn lease_ms(&self) -> i64 {
        self.streams
            .catalog
            .published
            .as_ref()
            .map_or(side_rows::LEASE_MS_DEFAULT, |p| p.catalog.limits.lease_ms.into())
    }

    /// The account a request is for, and the person if the account is to be made.
    fn resolve(&self, request: &Request) -> Result<(AccountId, Option<i64>), Refused> {
        let opens = matches!(request.command, Command::AccountOpen(_));
        let account = match request.account {
            AccountRef::Id(account) => Some(account),
            // Whose account is erased has none, also while the erasure is on its way.
            AccountRef::Telegram(user) => {
                self.accounts.person(user).filter(|a| self.accounts.fingerprint(*a).is_none())
            }
        };
        match (account, request.account) {
            (Some(account), _) if !fits_stream(&request.command, account) => {
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

    /// `digest`: nothing, if the account's key is erased; then the id alone tells.
    fn seen_before(
        &self,
        id: &(Producer, CommandId),
        account: AccountId,
        digest: Option<&Digest>,
    ) -> Option<Outcome> {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::NO_DEDUPE) {
            return None;
        }
        let same = |first: &Digest| digest.is_none_or(|digest| first == digest);
        if let Some(asked) = self.out.asked.get(id) {
            let same = asked.account == account && same(&asked.digest);
            return Some(if same { Outcome::SameAs(asked.index) } else { reused() });
        }
        let in_flight = || self.ahead.iter().find_map(|batch| batch.first_answer(id));
        let first = self.known.first_answers.get(id).cloned().or_else(in_flight)?;
        let same = first.account == account && same(&first.digest);
        Some(if same { Outcome::Repeat(first) } else { reused() })
    }

    /// A person asks again for the erasure of what is erased: the answer got lost. Nothing is left to tell
    /// the account by but the command's id.
    fn erased_before(&self, request: &Request) -> Option<Outcome> {
        if !matches!(request.command, Command::AccountErase(_)) {
            return None;
        }
        let erases = |rows: &[Row]| rows.last().is_some_and(|row| row.event_type == "AccountErased");
        let id = (request.producer, request.id.clone());
        if let Some(asked) = self.out.asked.get(&id) {
            return erases(&self.out.rows[asked.from..asked.to]).then_some(Outcome::SameAs(asked.index));
        }
        let in_flight = || self.ahead.iter().find_map(|batch| batch.first_answer(&id));
        let first = self.known.first_answers.get(&id).cloned().or_else(in_flight);
        first.filter(|first| erases(&first.rows)).map(Outcome::Repeat)
    }

    fn decide_account(
        &self,
        account: AccountId,
        loaded: &Loaded,
        request: &Request,
        command: &Command,
    ) -> Result<Vec<Event>, Refusal> {
        let owner = payment_key(command).and_then(|key| self.owner(KEY_PAYMENT, &key));
        let refund = refund_key(command).and_then(|key| self.owner(KEY_REFUNDED, &key));
        let quarantined = quarantine_key(command).and_then(|key| self.quarantined_in(&key));
        let bonus = bonus_key(command).and_then(|key| self.owner(KEY_REWARDED, &key));
        let fingerprint = self.fingerprint_of(account, loaded, request, command);
        let kept = self.kept(&fingerprint);
        let lease_until = match command {
            Command::GenerationClaim(c) => self.lease(&c.generation.to_string()),
            _ => None,
        };
        let working = self.working(loaded, command);
        let [now, calendar] =
            [self.times.now, self.times.calendar].map(|us| Micros::new(us).unwrap_or_default());
        let facts = Facts {
            catalog: self.streams.catalog.published.as_ref(),
            lease_until: lease_until.and_then(|us| Micros::new(us).ok()),
            working: &working,
            provider_id_owner: owner.and_then(|id| id.parse().ok()),
            refund_id_owner: refund.and_then(|id| id.parse().ok()),
            quarantined,
            welcome_spent: kept.is_some(),
            kept: kept.unwrap_or_default(),
            inviter_known: inviter(command).is_some_and(|i| self.known.people.inviters.contains(&i)),
            rewarded: bonus.is_some(),
            fingerprint: &fingerprint,
            four_eyes_above: self.streams.operations.four_eyes_above,
            operator: request.operator(),
            approver: request.approver(),
            calendar,
            ..Facts::new(now, account, request.producer, &request.id)
        };
        if let Command::CatalogPublish(c) = command {
            return domain::decide_catalog(&self.streams.catalog, c, &facts);
        }
        if account == AccountId::OPERATIONS {
            return domain::decide_operations(&self.streams.operations, command, &facts);
        }
        domain::decide(&loaded.state, command, &facts)
    }

    /// Of the person a command is about, where that matters; else nothing.
    fn fingerprint_of(
        &self,
        account: AccountId,
        loaded: &Loaded,
        request: &Request,
        command: &Command,
    ) -> String {
        match command {
            Command::AccountOpen(_) | Command::AccountErase(_) | Command::ReferralRegister(_) => {}
            Command::RefundFail(_) => return loaded.state.fingerprint().unwrap_or_default().to_owned(),
            _ => return String::new(),
        }
        let user = match request.account {
            AccountRef::Telegram(user) => Some(user),
            // Nobody hears of an account's id before its opening is in the database.
            AccountRef::Id(_) => self.known.people.users.get(&account).copied(),
        };
        user.map(|user| self.fingerprints.of(user)).unwrap_or_default()
    }

    /// The newest word on what erased accounts left: of this batch, of those in flight, of the database.
    fn kept(&self, fingerprint: &str) -> Option<Kept> {
        let in_flight = || self.ahead.iter().rev().find_map(|batch| batch.kept.get(fingerprint));
        let known = || self.known.people.kept.get(fingerprint);
        self.out.kept.get(fingerprint).or_else(in_flight).or_else(known).copied()
    }

    /// Writes down what an erasure leaves, a chargeback adds to it or takes back, and a new account takes over.
    fn keep(&mut self, account: AccountId, person: Option<i64>, loaded: &mut Loaded, events: &[Event]) {
        let fingerprint = match person {
            Some(user) => self.fingerprints.of(user),
            None => loaded.state.fingerprint().unwrap_or_default().to_owned(),
        };
        let before = self.kept(&fingerprint);
        let mut kept = before.unwrap_or_default();
        let erased = events.iter().any(|event| matches!(event, Event::AccountErased(_)));
        for event in events {
            match event {
                Event::DebtPaid(e) if e.by == DebtPayer::SetAside => {
                    kept.debt = kept.debt.checked_add(e.credits).unwrap_or(Credits::MAX);
                }
                Event::DebtCarried(e) => {
                    kept.debt = kept.debt.checked_sub(e.credits).unwrap_or(Credits::ZERO);
                }
                Event::AccountOpened(_) => kept.banned = false,
                _ => {}
            }
        }
        if erased {
            kept.banned = loaded.state.banned();
            loaded.key = [0; 32];
            self.out.side.changes.forgotten.push(account.0);
        }
        let changed = before.is_some_and(|before| before != kept);
        if !fingerprint.is_empty() && (erased || changed) {
            let (debt, banned) = (kept.debt.get(), kept.banned);
            let row = side::Kept { fingerprint: fingerprint.clone(), debt, banned };
            self.out.side.changes.kept.push(row);
            self.out.kept.insert(fingerprint, kept);
        }
    }

    fn owner(&self, kind: &'static str, key: &str) -> Option<&str> {
        let named = (kind, key.to_owned());
        let in_flight = || self.ahead.iter().find_map(|batch| batch.owners.get(&named));
        let known = || self.known.keys.get(&(kind.to_owned(), key.to_owned()));
        self.out.owners.get(&named).or_else(in_flight).or_else(known).map(String::as_str)
    }

    /// In whose stream; who has taken it over goes first.
    fn quarantined_in(&self, key: &str) -> Option<AccountId> {
        self.owner(KEY_CLAIMED, key).or_else(|| self.owner(KEY_QUARANTINED, key))?.parse().ok()
    }

    /// The newest word on a claim: of this batch, of those in flight, of the database.
    fn lease(&self, generation: &str) -> Option<i64> {
        let in_flight = || self.ahead.iter().rev().find_map(|batch| batch.leases.get(generation));
        let known = || self.known.leases.get(generation);
        self.out.leases.get(generation).or_else(in_flight).or_else(known).copied()
    }

    /// For a claim: until when others of the account's jobs are held.
    fn working(&self, loaded: &Loaded, command: &Command) -> Vec<Micros> {
        let Command::GenerationClaim(c) = command else { return Vec::new() };
        let others = loaded.state.in_hand(c.generation);
        others.filter_map(|other| Micros::new(self.lease(&other.to_string())?).ok()).collect()
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
            recorded_at: self.times.now,
            prev_hash: [0; 32],
            hash: [0; 32],
        })
    }

    fn apply(&mut self, account: AccountId, loaded: &mut Loaded, events: &[Event]) {
        for event in events {
            if account.is_person() {
                loaded.state = domain::evolve(std::mem::take(&mut loaded.state), event);
                continue;
            }
            self.out.streams_before.get_or_insert_with(|| self.streams.clone());
            let Streams { catalog, operations } = std::mem::take(self.streams);
            *self.streams = if account == AccountId::CATALOG {
                Streams { catalog: domain::evolve_catalog(catalog, event), operations }
            } else {
                Streams { catalog, operations: domain::evolve_operations(operations, event) }
            };
        }
    }

    /// The natural keys these events take.
    fn add_keys(&mut self, account: AccountId, request: &Request, events: &[Event]) {
        let first = self.position + nth(self.out.rows.len() - events.len());
        for (position, event) in (first..).zip(events) {
            for (kind, key, subject) in keys_of(account, request, event) {
                // A payment's key is taken by whatever comes first, its registration or its settlement.
                if kind == KEY_PAYMENT && self.owner(kind, &key).is_some() {
                    continue;
                }
                let taken_over = kind == KEY_QUARANTINED && self.owner(kind, &key).is_some();
                let kind = if taken_over { KEY_CLAIMED } else { kind };
                self.out.owners.insert((kind, key.clone()), subject.clone());
                self.out.keys.push(NaturalKey { kind, key, account_id: account.0, subject, position });
            }
        }
    }
}

/// Kind, key and subject of what an event takes.
fn keys_of(account: AccountId, request: &Request, event: &Event) -> Vec<(&'static str, String, String)> {
    let payment =
        |payment: PaymentId| payment_key(&request.command).map(|key| (KEY_PAYMENT, key, payment.to_string()));
    match event {
        Event::AccountOpened(_) => vec![(KEY_WELCOME, account.to_string(), account.to_string())],
        Event::ReferralRegistered(e) => vec![(KEY_INVITED, account.to_string(), e.inviter.to_string())],
        Event::PaymentRegistered(e) => payment(e.payment).into_iter().collect(),
        Event::PaymentSettled(e) => {
            let key = e.rail.key(&e.provider_payment_id);
            let settled = (KEY_SETTLED, key, e.payment.to_string());
            std::iter::once(settled).chain(payment(e.payment)).collect()
        }
        Event::CreditsGranted(_) => {
            let key = bonus_key(&request.command);
            key.map(|key| (KEY_REWARDED, key, account.to_string())).into_iter().collect()
        }
        Event::RefundSettled(e) => {
            let key = e.rail.key(&e.provider_refund_id);
            vec![(KEY_REFUNDED, key, e.refund.to_string())]
        }
        Event::PaymentQuarantined(e) => {
            let key = e.rail.key(&e.provider_payment_id);
            vec![(KEY_QUARANTINED, key, account.to_string())]
        }
        _ => Vec::new(),
    }
}

/// Is the command for this stream: the catalog's, that of operations, or a person's?
fn fits_stream(command: &Command, account: AccountId) -> bool {
    match (command, account) {
        (Command::CatalogPublish(_), _) => account == AccountId::CATALOG,
        (_, AccountId::CATALOG) => false,
        (_, AccountId::OPERATIONS) => domain::is_operations(command),
        (Command::OperatorAct(_) | Command::ProjectionSwap(_) | Command::ReconciliationRecord(_), _) => false,
        _ => true,
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

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
