//! One person's account: the state that commands are decided against.

mod check;
mod decide;
mod evolve;

use proto_events::{AccountId, CommandId, Micros, PaymentId, Producer};
use serde::{Deserialize, Serialize};

use crate::catalog::PublishedCatalog;
use crate::generations::Generations;
use crate::lots::{Balance, Purse};
use crate::payments::Payments;
use crate::refusal::Refusal;

pub use check::{Broken, check};
pub use decide::decide;
pub use evolve::evolve;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    #[default]
    NotOpened,
    Open,
    Erased,
}

/// The fold of an account's events; [`Default`] is one that is not opened.
///
/// Bounded but for payments (some 200 bytes each): lots that are used up, reservations that are
/// closed and generations long over are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub(crate) version: i64,
    pub(crate) status: Status,
    pub(crate) banned: bool,
    pub(crate) purse: Purse,
    pub(crate) payments: Payments,
    pub(crate) generations: Generations,
}

/// What `decide` may know besides the account: looked up by the caller, fixed for the command.
/// [`Facts::new`] knows nothing but the command itself.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub now: Micros,
    pub account: AccountId,
    pub producer: Producer,
    pub command_id: &'a CommandId,
    pub catalog: Option<&'a PublishedCatalog>,
    /// For generation_claim: until when the last attempt is held.
    pub lease_until: Option<Micros>,
    /// For payment_register and payment_settle: the payment that has this provider id.
    pub provider_id_owner: Option<PaymentId>,
    /// For account_open: this person had welcome credits before.
    pub welcome_spent: bool,
}

impl<'a> Facts<'a> {
    pub fn new(now: Micros, account: AccountId, producer: Producer, command_id: &'a CommandId) -> Self {
        Self {
            now,
            account,
            producer,
            command_id,
            catalog: None,
            lease_until: None,
            provider_id_owner: None,
            welcome_spent: false,
        }
    }
}

impl Account {
    /// Of the serialised form, for those who store it: another number is another form or another
    /// fold, and what was stored under it must be folded anew from the log.
    pub const FORMAT: i16 = 1;

    /// Events so far.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Opened, and not erased.
    pub fn is_open(&self) -> bool {
        self.status == Status::Open
    }

    pub fn banned(&self) -> bool {
        self.banned
    }

    pub fn balance(&self) -> Balance {
        self.purse.balance()
    }

    pub(crate) fn must_be_active(&self) -> Result<(), Refusal> {
        if !self.is_open() {
            return Err(Refusal::AccountNotFound);
        }
        if self.banned {
            return Err(Refusal::AccountBanned);
        }
        Ok(())
    }
}
