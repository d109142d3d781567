//! What a batch must know before it decides, fetched with one round trip a question; none for fresh
//! ids and accounts in memory.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ledger_domain::Kept;
use proto_events::commands::Command;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Attempt, CommandId, GenerationId, Producer};
use sqlx::PgPool;

use super::accounts::{Accounts, Loaded};
use super::draft::Drafted;
use super::fingerprint::Fingerprints;
use super::fresh::Fresh;
use super::queue::Request;
use crate::log::BadRow;
use crate::snapshots;
use crate::store::{self, FirstAnswer, answered};

/// Kind of natural key: a provider's payment, whoever registered or settled it.
pub const KEY_PAYMENT: &str = "payment";
/// Kind of natural key: the provider's money was credited.
pub const KEY_SETTLED: &str = "settled";
/// Kind of natural key: a person's welcome credits.
pub const KEY_WELCOME: &str = "welcome";
/// Kind of natural key: who was invited.
pub const KEY_INVITED: &str = "invited";
/// Kind of natural key: this side had its bonus for this person.
pub const KEY_REWARDED: &str = "rewarded";
/// Kind of natural key: the provider gave money back.
pub const KEY_REFUNDED: &str = "refunded";
/// Kind of natural key: a person had to look at the provider's payment.
pub const KEY_QUARANTINED: &str = "quarantined";
/// Kind of natural key: what was quarantined as nobody's turned out to be an account's.
pub const KEY_CLAIMED: &str = "claimed";

#[derive(Debug, Default)]
pub struct Known {
    pub first_answers: HashMap<(Producer, CommandId), FirstAnswer>,
    /// (kind, key) → owner.
    pub keys: HashMap<(String, String), String>,
    /// Generation → lease, µs.
    pub leases: HashMap<String, i64>,
    pub people: People,
}

/// What is known of people beyond their open accounts.
#[derive(Debug, Default)]
pub struct People {
    /// Fingerprint → what erased accounts left; present for whoever had one.
    pub kept: HashMap<String, Kept>,
    /// Who is said to have invited, and has an account.
    pub inviters: HashSet<AccountId>,
    /// Whose account is to be erased, or says who invited them.
    pub users: HashMap<AccountId, i64>,
}

/// The natural key under which a provider's payment is known.
pub fn payment_key(command: &Command) -> Option<String> {
    let (rail, id) = match command {
        Command::PaymentRegister(c) => (c.rail, &c.provider_payment_id),
        Command::PaymentSettle(c) => (c.rail, &c.provider_payment_id),
        Command::QuarantineResolve(c) => (c.rail, &c.provider_payment_id),
        _ => return None,
    };
    Some(rail.key(id))
}

/// The natural key of a refund of a provider.
pub fn refund_key(command: &Command) -> Option<String> {
    match command {
        Command::RefundSettle(c) => Some(c.rail.key(&c.provider_refund_id)),
        Command::RefundOpen(c) => c.provider_refund_id.as_ref().map(|id| c.rail.key(id)),
        _ => None,
    }
}

/// The natural key of a quarantine.
pub fn quarantine_key(command: &Command) -> Option<String> {
    match command {
        Command::PaymentQuarantine(c) => Some(c.rail.key(&c.provider_payment_id)),
        _ => None,
    }
}

/// The natural key of a referral's bonus to one side.
pub fn bonus_key(command: &Command) -> Option<String> {
    match command {
        Command::ReferralBonus(c) => Some(format!("{}:{}", c.invited, c.side.as_str())),
        _ => None,
    }
}

/// What else is asked for by its natural key.
fn rare_keys(command: &Command) -> impl Iterator<Item = (&'static str, String)> {
    let payment = payment_key(command).map(|key| (KEY_PAYMENT, key));
    let refund = refund_key(command).map(|key| (KEY_REFUNDED, key));
    let quarantine = quarantine_key(command)
        .into_iter()
        .flat_map(|key| [KEY_QUARANTINED, KEY_CLAIMED].map(|kind| (kind, key.clone())));
    let bonus = bonus_key(command).map(|key| (KEY_REWARDED, key));
    payment.into_iter().chain(refund).chain(quarantine).chain(bonus)
}

/// The account that is said to have invited.
pub fn inviter(command: &Command) -> Option<AccountId> {
    match command {
        Command::AccountOpen(c) => c.inviter.as_ref()?.parse().ok(),
        Command::ReferralRegister(c) => Some(c.inviter),
        _ => None,
    }
}

impl Known {
    /// Looks up what these requests need, and loads their accounts.
    pub async fn gather(
        pool: &PgPool,
        requests: &[&Request],
        accounts: &mut Accounts,
        ahead: &[Arc<Drafted>],
        fresh: &Fresh,
        fingerprints: Fingerprints,
    ) -> Result<Self, BadRow> {
        accounts.evict();
        accounts.make_room_for_people(requests.len(), ahead);
        let ids: Vec<_> = requests
            .iter()
            .filter(|r| fresh.maybe_command(r.producer, &r.id))
            .map(|r| (r.producer, r.id.clone()))
            .filter(|id| !ahead.iter().any(|batch| batch.holds(id)))
            .collect();
        let mut known = Self::default();
        if !ids.is_empty() {
            known.first_answers = answered(store::first_answers(pool, &ids)).await?;
        }
        find_people(pool, requests, accounts).await?;
        load(pool, requests, accounts).await?;
        known.owners(pool, requests, accounts, fresh).await?;
        known.leases(pool, requests, accounts).await?;
        known.people = People::gather(pool, requests, accounts, fingerprints).await?;
        Ok(known)
    }

    /// Who has the provider's payments: by the account's own word, by the filter's, else by the table's.
    async fn owners(
        &mut self,
        pool: &PgPool,
        requests: &[&Request],
        accounts: &Accounts,
        fresh: &Fresh,
    ) -> Result<(), sqlx::Error> {
        let mut asked = Vec::new();
        for request in requests {
            let (payment, provider_id) = match &request.command {
                Command::PaymentRegister(c) => (c.payment, &c.provider_payment_id),
                Command::PaymentSettle(c) => (c.payment, &c.provider_payment_id),
                command => {
                    asked.extend(rare_keys(command).filter(|(kind, key)| fresh.maybe_key(kind, key)));
                    continue;
                }
            };
            let Some(key) = payment_key(&request.command) else { continue };
            let state = accounts.peek(payment.account());
            if state.and_then(|s| s.provider_payment_id(payment)).is_some_and(|id| id == provider_id) {
                self.keys.insert((KEY_PAYMENT.to_owned(), key), payment.to_string());
            } else if fresh.maybe_key(KEY_PAYMENT, &key) {
                asked.push((KEY_PAYMENT, key));
            }
        }
        if !asked.is_empty() {
            self.keys.extend(answered(store::owners_of_keys(pool, &asked)).await?);
        }
        Ok(())
    }

    /// Until when claims hold, of what is claimed and of what its person has in work besides; what was never
    /// claimed is not asked about.
    async fn leases(
        &mut self,
        pool: &PgPool,
        requests: &[&Request],
        accounts: &Accounts,
    ) -> Result<(), sqlx::Error> {
        let mut claimed: HashSet<GenerationId> = HashSet::new();
        for request in requests {
            let Command::GenerationClaim(c) = &request.command else { continue };
            let Some(state) = accounts.peek(c.generation.account()) else { continue };
            let before = state.last_attempt(c.generation).is_some_and(|attempt| attempt > Attempt::ZERO);
            claimed.extend(before.then_some(c.generation).into_iter().chain(state.in_hand(c.generation)));
        }
        if !claimed.is_empty() {
            let claimed: Vec<String> = claimed.iter().map(ToString::to_string).collect();
            self.leases = answered(store::leases(pool, &claimed)).await?;
        }
        Ok(())
    }
}

impl People {
    /// No round trip for commands that ask for nothing here.
    async fn gather(
        pool: &PgPool,
        requests: &[&Request],
        accounts: &Accounts,
        fingerprints: Fingerprints,
    ) -> Result<Self, sqlx::Error> {
        let mut found = Self::default();
        let mut asked: HashSet<String> = HashSet::new();
        let mut leaving: Vec<AccountId> = Vec::new();
        for request in requests {
            match (&request.command, request.account) {
                (Command::AccountOpen(_) | Command::AccountErase(_), AccountRef::Telegram(user)) => {
                    asked.insert(fingerprints.of(user));
                }
                (Command::AccountErase(_) | Command::ReferralRegister(_), AccountRef::Id(account)) => {
                    leaving.push(account);
                }
                (Command::ReferralRegister(_), AccountRef::Telegram(user)) => {
                    asked.insert(fingerprints.of(user));
                }
                // A chargeback of an account that is erased, and its failure.
                (Command::RefundOpen(_) | Command::RefundFail(_), AccountRef::Id(account)) => {
                    asked.extend(accounts.fingerprint(account).map(str::to_owned));
                }
                _ => {}
            }
        }
        if !leaving.is_empty() {
            found.users = answered(store::people_of_accounts(pool, &leaving)).await?;
            asked.extend(found.users.values().map(|user| fingerprints.of(*user)));
        }
        if !asked.is_empty() {
            let asked: Vec<String> = asked.into_iter().collect();
            found.kept = answered(store::kept(pool, &asked)).await?;
        }
        let inviters: Vec<AccountId> = requests.iter().filter_map(|r| inviter(&r.command)).collect();
        if !inviters.is_empty() {
            found.inviters = answered(store::account_keys(pool, &inviters)).await?.into_keys().collect();
        }
        Ok(found)
    }
}

async fn find_people(
    pool: &PgPool,
    requests: &[&Request],
    accounts: &mut Accounts,
) -> Result<(), sqlx::Error> {
    let strangers: Vec<i64> = requests
        .iter()
        .filter_map(|r| match r.account {
            AccountRef::Telegram(user) if accounts.person(user).is_none() => Some(user),
            _ => None,
        })
        .collect();
    if !strangers.is_empty() {
        for (user, account) in answered(store::accounts_of_people(pool, &strangers)).await? {
            accounts.know(user, account);
        }
    }
    Ok(())
}

async fn load(pool: &PgPool, requests: &[&Request], accounts: &mut Accounts) -> Result<(), BadRow> {
    let wanted: HashSet<AccountId> = requests
        .iter()
        .filter_map(|r| match r.account {
            AccountRef::Id(account) => Some(account),
            AccountRef::Telegram(user) => accounts.person(user),
        })
        .filter(|account| account.is_person())
        .collect();
    let missing: Vec<AccountId> = wanted.into_iter().filter(|a| !accounts.has(*a)).collect();
    if !missing.is_empty() {
        let keys = answered(store::account_keys(pool, &missing)).await?;
        for (account, state) in snapshots::load(pool, &missing).await? {
            let key = keys.get(&account).copied().unwrap_or_default();
            accounts.put(account, Loaded { state, key });
        }
    }
    Ok(())
}
