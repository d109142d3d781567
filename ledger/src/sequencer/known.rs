//! What a batch must know before it decides, fetched with one round trip a question.

use std::collections::{HashMap, HashSet};

use proto_events::commands::Command;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Producer};
use sqlx::PgPool;

use super::accounts::{Accounts, Loaded};
use super::queue::Request;
use crate::log::BadRow;
use crate::store::{self, FirstAnswer, answered};

/// Kind of natural key: a provider's payment, whoever registered or settled it.
pub const KEY_PAYMENT: &str = "payment";
/// Kind of natural key: the provider's money was credited.
pub const KEY_SETTLED: &str = "settled";
/// Kind of natural key: a person's welcome credits.
pub const KEY_WELCOME: &str = "welcome";

#[derive(Debug, Default)]
pub struct Known {
    pub first_answers: HashMap<(Producer, CommandId), FirstAnswer>,
    /// (kind, key) → owner.
    pub keys: HashMap<(String, String), String>,
    /// Generation → lease, µs.
    pub leases: HashMap<String, i64>,
}

/// The natural key under which a provider's payment is known.
pub fn payment_key(command: &Command) -> Option<String> {
    match command {
        Command::PaymentRegister(c) => Some(format!("{}:{}", c.rail.provider(), c.provider_payment_id)),
        Command::PaymentSettle(c) => Some(format!("{}:{}", c.rail.provider(), c.provider_payment_id)),
        _ => None,
    }
}

impl Known {
    /// Looks up what these requests need, and loads their accounts.
    pub async fn gather(
        pool: &PgPool,
        requests: &[Request],
        accounts: &mut Accounts,
    ) -> Result<Self, BadRow> {
        accounts.evict();
        accounts.make_room_for_people(requests.len());
        let ids: Vec<_> = requests.iter().map(|r| (r.producer, r.id.clone())).collect();
        let first_answers = answered(store::first_answers(pool, &ids)).await?;
        find_people(pool, requests, accounts).await?;
        load(pool, requests, accounts).await?;
        let keys: Vec<(&'static str, String)> =
            requests.iter().filter_map(|r| payment_key(&r.command)).map(|key| (KEY_PAYMENT, key)).collect();
        let keys = if keys.is_empty() {
            HashMap::new()
        } else {
            answered(store::owners_of_keys(pool, &keys)).await?
        };
        let claimed: Vec<String> = requests
            .iter()
            .filter_map(|r| match &r.command {
                Command::GenerationClaim(c) => Some(c.generation.to_string()),
                _ => None,
            })
            .collect();
        let leases =
            if claimed.is_empty() { HashMap::new() } else { answered(store::leases(pool, &claimed)).await? };
        Ok(Self { first_answers, keys, leases })
    }
}

async fn find_people(
    pool: &PgPool,
    requests: &[Request],
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

async fn load(pool: &PgPool, requests: &[Request], accounts: &mut Accounts) -> Result<(), BadRow> {
    let wanted: HashSet<AccountId> = requests
        .iter()
        .filter_map(|r| match r.account {
            AccountRef::Id(account) => Some(account),
            AccountRef::Telegram(user) => accounts.person(user),
        })
        .filter(|account| account.is_person())
        .collect();
    let missing: Vec<AccountId> = wanted.into_iter().filter(|a| accounts.get(*a).is_none()).collect();
    if !missing.is_empty() {
        for (account, stored) in answered(store::load_accounts(pool, &missing)).await? {
            accounts.put(account, Loaded::fold(&stored)?);
        }
    }
    Ok(())
}
