//! A second opinion: the rules of `docs/EVENTS.md` written once more, in another way.
//!
//! It shares the wire's types with the core and nothing else. It makes no events: it says whether a
//! command is refused and with what, and where every credit and every kopeck lies afterwards.
//! Slow and plain; the core must agree with it.

mod accounts;
mod bills;
mod jobs;
mod purse;
mod refunds;
mod shop;

use std::collections::{BTreeMap, HashMap, HashSet};

use proto_events::catalog::Catalog;
use proto_events::commands::{Command, QuarantineVerdict, ReferralSide, RefundOpen};
use proto_events::events::ProviderId;
use proto_events::*;

use crate::desk::Sent;
pub use purse::{Books, Mint, Purse};

type Verdict = Result<(), &'static str>;

fn must(holds: bool, code: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(code) }
}

/// What a person brings along from accounts that were erased.
#[derive(Debug, Clone, Copy, Default)]
struct LeftBehind {
    welcomed: bool,
    /// Had an account before this one.
    gone_before: bool,
    banned: bool,
    debt: i64,
}

/// What a command meets.
struct Setting<'a> {
    now: i64,
    catalog: &'a Catalog,
    /// Whose the provider's id of a payment, of a refund is already.
    owner: Option<PaymentId>,
    refund_owner: Option<RefundId>,
    /// Whose quarantine the provider's payment is, or was, in; the last that took it.
    quarantined: Option<AccountId>,
    inviter_known: bool,
    /// This side has had its bonus for this person.
    rewarded: bool,
    left_behind: LeftBehind,
}

impl Setting<'_> {
    fn after(&self, ms: u32) -> i64 {
        self.now + i64::from(ms) * 1000
    }

    fn ends(&self, days: Option<Days>) -> Option<i64> {
        days.map(|days| self.now + days.get() * 86_400_000_000)
    }
}

/// One account of one person.
#[derive(Debug, Clone, Default)]
pub struct Person {
    opened: bool,
    erased: bool,
    banned: bool,
    pub purse: Purse,
    bills: BTreeMap<PaymentId, bills::Bill>,
    refunds: BTreeMap<RefundId, refunds::Refund>,
    /// Open ones, by provider and its id.
    /// Whose, and whether it is money that has gone.
    quarantine: BTreeMap<(&'static str, String), (PaymentId, bool)>,
    jobs: BTreeMap<GenerationId, jobs::Job>,
    turns: u64,
    inviter: Option<AccountId>,
    invited_bonus: bool,
    /// The day of each bonus for inviting.
    bonus_days: Vec<i64>,
    set_aside: i64,
}

impl Person {
    fn is_there(&self) -> Verdict {
        must(self.opened && !self.erased, "account_not_found")
    }

    fn active(&self) -> Verdict {
        self.is_there()?;
        must(!self.banned, "account_banned")
    }
}

type ProviderKey = (&'static str, ProviderId);

#[derive(Debug)]
pub struct Opinion {
    version: i64,
    catalog: Catalog,
    pub people: BTreeMap<AccountId, Person>,
    /// Accounts that were erased, by person, with the debt that nobody has taken on yet.
    gone: BTreeMap<usize, Vec<AccountId>>,
    carried: BTreeMap<usize, i64>,
    owners: HashMap<ProviderKey, PaymentId>,
    refund_owners: HashMap<ProviderKey, RefundId>,
    quarantined: HashMap<ProviderKey, AccountId>,
    rewarded: HashSet<(AccountId, ReferralSide)>,
    /// Quarantines that name no account, and are open.
    strays: HashSet<ProviderKey>,
    /// By their ids: `sent`, `held` or `over`.
    broadcasts: HashMap<String, &'static str>,
    /// Digests, by language and text.
    pictures: HashMap<(String, String), String>,
    four_eyes: Option<Credits>,
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
        Self {
            version: 1,
            catalog,
            people: BTreeMap::new(),
            gone: BTreeMap::new(),
            carried: BTreeMap::new(),
            owners: HashMap::new(),
            refund_owners: HashMap::new(),
            quarantined: HashMap::new(),
            rewarded: HashSet::new(),
            strays: HashSet::new(),
            broadcasts: HashMap::new(),
            pictures: HashMap::new(),
            four_eyes: None,
            done: BTreeMap::new(),
        }
    }

    /// `lots`: the names of this account's lots, in the order they were granted. The model makes no
    /// events, so it can't name them.
    pub fn hear(&mut self, sent: &Sent, now: Micros, lots: &[LotId]) -> Answer {
        let key = (sent.producer, sent.id.clone());
        if let Some((account, first)) = self.done.get(&key) {
            // Two commands are the same when everything that means something is.
            let same = *account == sent.account
                && first.verb() == sent.command.verb()
                && first.meaning() == sent.command.meaning();
            return if same { Answer::Again } else { Answer::Refused("command_id_reused") };
        }
        let verdict = match sent.account {
            AccountId::CATALOG => self.publish(&sent.command),
            AccountId::OPERATIONS => self.operate(sent),
            _ => self.judge(sent, now.get(), lots),
        };
        match verdict {
            Ok(()) => {
                self.remember(sent);
                self.done.insert(key, (sent.account, sent.command.clone()));
                Answer::Done
            }
            Err(code) => Answer::Refused(code),
        }
    }

    fn publish(&mut self, command: &Command) -> Verdict {
        let Command::CatalogPublish(c) = command else { return Err("account_not_found") };
        must(c.version == self.version + 1, "version_not_next")?;
        must(shop::is_sound(&c.catalog), "catalog_invalid")?;
        (self.version, self.catalog) = (c.version, c.catalog.clone());
        Ok(())
    }

    /// The stream of operations.
    fn operate(&mut self, sent: &Sent) -> Verdict {
        match &sent.command {
            Command::OperatorAct(_)
            | Command::ContentPut(_)
            | Command::StaffPut(_)
            | Command::ProjectionSwap(_)
            | Command::ReconciliationRecord(_) => Ok(()),
            Command::FourEyesSet(c) => {
                must(c.above != self.four_eyes, "unchanged")?;
                self.four_eyes = c.above;
                Ok(())
            }
            Command::PicturePut(c) => {
                let place = (c.language.to_string(), c.key.to_string());
                let there = self.pictures.get(&place).cloned();
                must(there.as_deref() == c.replaces.as_deref(), "picture_differs")?;
                let next = c.picture.as_ref().map(|picture| picture.sha256.to_string());
                must(there != next, "unchanged")?;
                match next {
                    Some(next) => self.pictures.insert(place, next),
                    None => self.pictures.remove(&place),
                };
                Ok(())
            }
            Command::BroadcastStart(c) => {
                let there = self.broadcasts.get(c.broadcast.as_str()).copied();
                must(there != Some("over"), "broadcast_finished")?;
                must(there != Some("sent"), "broadcast_running")?;
                self.broadcasts.insert(c.broadcast.to_string(), "sent");
                Ok(())
            }
            Command::BroadcastPause(c) => {
                let there = self.broadcasts.get(c.broadcast.as_str()).copied();
                must(there != Some("over"), "broadcast_finished")?;
                must(there == Some("sent"), "broadcast_not_running")?;
                self.broadcasts.insert(c.broadcast.to_string(), "held");
                Ok(())
            }
            Command::BroadcastFinish(c) => {
                let there = self.broadcasts.get(c.broadcast.as_str()).copied();
                must(there != Some("over"), "broadcast_finished")?;
                must(there.is_some(), "broadcast_not_running")?;
                self.broadcasts.insert(c.broadcast.to_string(), "over");
                Ok(())
            }
            Command::PaymentQuarantine(c) => {
                let key = (c.rail.provider().as_str(), c.provider_payment_id.clone());
                must(!self.quarantined.contains_key(&key), "already_quarantined")?;
                must(sent.producer != Producer::Console, "quarantine_not_found")?;
                self.strays.insert(key);
                Ok(())
            }
            Command::QuarantineResolve(c) => {
                let key = (c.rail.provider().as_str(), c.provider_payment_id.clone());
                must(self.strays.contains(&key), "quarantine_not_found")?;
                must(c.verdict == QuarantineVerdict::Dismiss, "payment_not_found")?;
                self.strays.remove(&key);
                Ok(())
            }
            _ => Err("account_not_found"),
        }
    }

    fn setting(&self, sent: &Sent, now: i64) -> Setting<'_> {
        let there = |id: &AccountId| self.people.get(id).is_some_and(|p| p.is_there().is_ok());
        let gone = self.gone.get(&sent.person).map(Vec::as_slice).unwrap_or_default();
        let (mut owner, mut refund_owner, mut quarantined, mut inviter_known) = (None, None, None, false);
        let mut rewarded = false;
        match &sent.command {
            Command::PaymentRegister(c) => owner = self.owner(c.rail, &c.provider_payment_id),
            Command::PaymentSettle(c) => owner = self.owner(c.rail, &c.provider_payment_id),
            Command::QuarantineResolve(c) => owner = self.owner(c.rail, &c.provider_payment_id),
            Command::PaymentQuarantine(c) => {
                let key = (c.rail.provider().as_str(), c.provider_payment_id.clone());
                quarantined = self.quarantined.get(&key).copied();
            }
            Command::RefundSettle(c) => refund_owner = self.refund_owner(c.rail, &c.provider_refund_id),
            Command::RefundOpen(RefundOpen { rail, provider_refund_id: Some(id), .. }) => {
                refund_owner = self.refund_owner(*rail, id);
            }
            Command::AccountOpen(c) => {
                let inviter = c.inviter.as_ref().and_then(|payload| payload.parse().ok());
                inviter_known = inviter.is_some_and(|id| there(&id));
            }
            Command::ReferralRegister(c) => inviter_known = there(&c.inviter),
            Command::ReferralBonus(c) => rewarded = self.rewarded.contains(&(c.invited, c.side)),
            _ => {}
        }
        let left_behind = LeftBehind {
            welcomed: !gone.is_empty(),
            gone_before: !gone.is_empty(),
            banned: gone.last().and_then(|id| self.people.get(id)).is_some_and(|p| p.banned),
            debt: self.carried.get(&sent.person).copied().unwrap_or(0),
        };
        let catalog = &self.catalog;
        Setting { now, catalog, owner, refund_owner, quarantined, inviter_known, rewarded, left_behind }
    }

    fn owner(&self, rail: Rail, id: &ProviderId) -> Option<PaymentId> {
        self.owners.get(&(rail.provider().as_str(), id.clone())).copied()
    }

    fn refund_owner(&self, rail: Rail, id: &ProviderId) -> Option<RefundId> {
        self.refund_owners.get(&(rail.provider().as_str(), id.clone())).copied()
    }

    fn judge(&mut self, sent: &Sent, now: i64, lots: &[LotId]) -> Verdict {
        let mut person = self.people.remove(&sent.account).unwrap_or_default();
        let on = self.setting(sent, now);
        let verdict = person.judge(sent, &on, lots);
        if verdict.is_ok() {
            if matches!(sent.command, Command::AccountOpen(_)) {
                self.carried.remove(&sent.person);
            }
            *self.carried.entry(sent.person).or_default() += std::mem::take(&mut person.set_aside);
            if matches!(sent.command, Command::AccountErase(_)) {
                self.gone.entry(sent.person).or_default().push(sent.account);
            }
        }
        self.people.insert(sent.account, person);
        verdict
    }

    /// Whichever bill has this id of the provider now.
    fn remember_paid(&mut self, rail: Rail, id: &ProviderId) {
        let is_it = |b: &bills::Bill| {
            b.stage == bills::Stage::Paid && b.rail == rail && b.registered.as_ref() == Some(id)
        };
        let of = |p: &Person| p.bills.iter().find(|(_, b)| is_it(b)).map(|(id, _)| *id);
        if let Some(payment) = self.people.values().find_map(of) {
            self.owners.insert((rail.provider().as_str(), id.clone()), payment);
        }
    }

    /// Ids of providers that are taken from now on.
    fn remember(&mut self, sent: &Sent) {
        match &sent.command {
            Command::PaymentRegister(c) => {
                self.owners.insert((c.rail.provider().as_str(), c.provider_payment_id.clone()), c.payment);
            }
            Command::PaymentSettle(c) => self.remember_paid(c.rail, &c.provider_payment_id),
            Command::ReferralBonus(c) => {
                self.rewarded.insert((c.invited, c.side));
            }
            Command::PaymentQuarantine(c) => {
                let key = (c.rail.provider().as_str(), c.provider_payment_id.clone());
                self.quarantined.insert(key, sent.account);
            }
            Command::QuarantineResolve(c) if c.verdict != QuarantineVerdict::Dismiss => {
                self.remember_paid(c.rail, &c.provider_payment_id);
            }
            Command::RefundOpen(RefundOpen { rail, provider_refund_id: Some(theirs), .. }) => {
                let refund = RefundId::derive(sent.account, sent.producer, &sent.id);
                self.refund_owners.insert((rail.provider().as_str(), theirs.clone()), refund);
            }
            Command::RefundSettle(c) => {
                self.refund_owners
                    .insert((c.rail.provider().as_str(), c.provider_refund_id.clone()), c.refund);
            }
            _ => {}
        }
    }
}

impl Person {
    /// A new command of the wire does not compile until it has an opinion here.
    fn judge(&mut self, sent: &Sent, on: &Setting, lots: &[LotId]) -> Verdict {
        let Sent { account, producer, id, .. } = sent;
        match &sent.command {
            Command::AccountOpen(c) => self.open(c, on),
            Command::AccountBan(_) => self.ban(),
            Command::AccountUnban(_) => self.unban(),
            Command::AccountErase(c) => self.erase(c, on),
            Command::ReferralRegister(c) => self.invited_by(c, *account, on),
            Command::ReferralBonus(c) => self.bonus(c, *account, on),
            Command::CreditsGrant(c) => self.grant(c, on),
            Command::CreditsRevoke(c) => self.revoke(c, on),
            Command::DebtForgive(c) => self.forgiven(c),
            Command::LotsExpire(c) => self.end_lot(lots.iter().position(|lot| *lot == c.lot), on),
            Command::TopupOpen(c) => self.topup(c, PaymentId::derive(*account, *producer, id), on),
            Command::PaymentRegister(c) => self.register(c, on),
            Command::PaymentSettle(c) => self.settle(c, PaymentId::derive(*account, *producer, id), on),
            Command::PaymentFee(c) => self.fee(c),
            Command::PaymentCancel(c) => {
                self.cancel(c, [Producer::Ledger, Producer::Console].contains(producer), on)
            }
            Command::PaymentQuarantine(c) => self.quarantine(c, *producer, on),
            Command::QuarantineResolve(c) => self.resolve(c, PaymentId::derive(*account, *producer, id), on),
            Command::RefundOpen(c) => self.open_refund(c, RefundId::derive(*account, *producer, id), on),
            Command::RefundSettle(c) => self.settle_refund(c, on),
            Command::RefundFail(c) => self.fail_refund(c, on),
            Command::GenerationRequest(c) => self.ask(c, GenerationId::derive(*account, *producer, id), on),
            Command::GenerationClaim(c) => self.claim(c, on),
            Command::GenerationAttempt(c) => self.attempted(c, on),
            Command::GenerationComplete(c) => self.complete(c, on),
            Command::GenerationFail(c) => self.fail(c, on),
            Command::GenerationCancel(c) => self.drop_job(c.generation, on),
            Command::ReservationExpire(c) => self.expire(c, on),
            Command::DeliveryConfirm(c) => self.told(c.generation),
            Command::DeliveryFail(c) => self.not_told(c, on),
            Command::MessageRequest(_) => self.is_there(),
            // For streams that are nobody's.
            Command::CatalogPublish(_)
            | Command::OperatorAct(_)
            | Command::ContentPut(_)
            | Command::PicturePut(_)
            | Command::StaffPut(_)
            | Command::FourEyesSet(_)
            | Command::BroadcastStart(_)
            | Command::BroadcastPause(_)
            | Command::BroadcastFinish(_)
            | Command::ProjectionSwap(_)
            | Command::ReconciliationRecord(_) => Err("account_not_found"),
        }
    }
}
