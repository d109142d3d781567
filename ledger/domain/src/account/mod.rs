//! One person's account: the state that commands are decided against.

mod check;
mod decide;
mod erase;
mod evolve;

use proto_events::events::{LotSource, ProviderId};
use proto_events::{
    AccountId, Attempt, CommandId, Credits, GenerationId, LotId, Micros, Money, PaymentId, Producer,
    RefundId, Text,
};
use serde::{Deserialize, Serialize};

use crate::catalog::PublishedCatalog;
use crate::generations::Generations;
use crate::lots::{Balance, Purse};
use crate::payments::{Payments, Quarantines};
use crate::referrals::Referrals;
use crate::refunds::Refunds;
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
/// Bounded but for payments and refunds (some 200 bytes each): lots that are used up, reservations that are
/// closed and generations long over are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub(crate) version: i64,
    pub(crate) status: Status,
    pub(crate) banned: bool,
    /// Once it is erased.
    pub(crate) fingerprint: Option<Text<64>>,
    pub(crate) purse: Purse,
    pub(crate) payments: Payments,
    pub(crate) quarantines: Quarantines,
    pub(crate) refunds: Refunds,
    pub(crate) generations: Generations,
    pub(crate) referrals: Referrals,
}

/// What `decide` may know besides the account: looked up by the caller, fixed for the command.
/// [`Facts::new`] knows nothing but the command itself.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Of the events.
    pub now: Micros,
    /// By which lots end: never after `now`, and before it when the clock was set back, or has jumped ahead and is
    /// not trusted yet.
    pub calendar: Micros,
    pub account: AccountId,
    pub producer: Producer,
    pub command_id: &'a CommandId,
    pub catalog: Option<&'a PublishedCatalog>,
    /// For generation_claim: until when the last attempt is held.
    pub lease_until: Option<Micros>,
    /// For generation_claim: until when those of [`Account::in_hand`] are held.
    pub working: &'a [Micros],
    /// For payment_register, payment_settle and quarantine_resolve: the payment that has this provider id.
    pub provider_id_owner: Option<PaymentId>,
    /// For refund_settle, and refund_open with the provider's id: the refund that has it.
    pub refund_id_owner: Option<RefundId>,
    /// For payment_quarantine: in whose stream the provider's payment is, or was, in quarantine; the newest, if
    /// an account has taken it over from `operations`.
    pub quarantined: Option<AccountId>,
    /// For account_open and referral_register: this person had welcome credits before.
    pub welcome_spent: bool,
    /// For account_open, and for refund_fail in an erased account: what was left of it for the person's next.
    pub kept: Kept,
    /// For account_open and referral_register: the inviter has an account that is not erased.
    pub inviter_known: bool,
    /// For referral_bonus: this side has had its bonus for this person.
    pub rewarded: bool,
    /// Above so many credits an operator's act needs another's word; `None`: no act does.
    pub four_eyes_above: Option<Credits>,
    /// Who of us asks for it, by name; `None`: nobody of us.
    pub operator: Option<&'a str>,
    /// Who of us has agreed to it, by name.
    pub approver: Option<&'a str>,
    /// For account_erase: hex HMAC of the person, under the service's key.
    pub fingerprint: &'a str,
}

/// What outlives an erased account, under the person's fingerprint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    pub debt: Credits,
    pub banned: bool,
}

impl<'a> Facts<'a> {
    pub fn new(now: Micros, account: AccountId, producer: Producer, command_id: &'a CommandId) -> Self {
        Self {
            now,
            calendar: now,
            account,
            producer,
            command_id,
            catalog: None,
            lease_until: None,
            working: &[],
            provider_id_owner: None,
            refund_id_owner: None,
            quarantined: None,
            welcome_spent: false,
            kept: Kept::default(),
            inviter_known: false,
            rewarded: false,
            four_eyes_above: None,
            operator: None,
            approver: None,
            fingerprint: "",
        }
    }

    /// When a lot granted now ends, if it does.
    pub(crate) fn lot_end(&self, source: LotSource) -> Option<Micros> {
        let days = self.catalog?.catalog.lifetimes.of(source)?;
        Some(self.now.plus_ms(days.ms()))
    }
}

impl Account {
    /// Of the serialised form, for those who store it: another number is another form or another
    /// fold, and what was stored under it must be folded anew from the log.
    pub const FORMAT: i16 = 7;

    /// Something is left of this lot although its end is past by this time.
    pub fn outlives_its_end(&self, lot: LotId, time: Micros) -> bool {
        self.purse.lots.get(&lot).is_some_and(|lot| !lot.left.is_zero() && lot.is_past(time))
    }

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

    /// Of the person whose account this was, if it is erased.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    pub fn balance(&self) -> Balance {
        self.purse.balance()
    }

    pub(crate) fn must_be_open(&self) -> Result<(), Refusal> {
        if self.is_open() { Ok(()) } else { Err(Refusal::AccountNotFound) }
    }

    /// The last attempt that was claimed of a generation; `None`: it is not known any more, or never was.
    pub fn last_attempt(&self, generation: GenerationId) -> Option<Attempt> {
        self.generations.get(&generation).map(|g| g.attempt)
    }

    /// Open generations beside this one that somebody works on, if their leases hold. One whose last attempt is on
    /// record only waits.
    pub fn in_hand(&self, beside: GenerationId) -> impl Iterator<Item = GenerationId> {
        let all = self.generations.iter().filter(|(_, g)| g.is_in_hand());
        all.map(|(id, _)| *id).filter(move |id| *id != beside)
    }

    /// How many recorded attempts at a generation may have been paid although they brought nothing.
    pub fn doubts(&self, generation: GenerationId) -> u16 {
        self.generations.get(&generation).map_or(0, |g| g.doubts)
    }

    /// How many recorded attempts at a generation were refused before any work.
    pub fn unpaid(&self, generation: GenerationId) -> u16 {
        self.generations.get(&generation).map_or(0, |g| g.unpaid)
    }

    /// Under which id its provider knows a payment.
    pub fn provider_payment_id(&self, payment: PaymentId) -> Option<&ProviderId> {
        self.payments.get(&payment)?.provider_payment_id.as_ref()
    }

    /// How much of a payment's money went back, or is on its way; minor units.
    pub fn refunded(&self, payment: PaymentId) -> i64 {
        crate::refunds::money_back(&self.refunds, payment)
    }

    /// Refunds of a payment that are open or settled: what each gives back, and whether it is open.
    pub fn refunds_of(&self, payment: PaymentId) -> Vec<(RefundId, Money, bool)> {
        crate::refunds::standing(&self.refunds, payment)
    }

    /// Open, and not banned.
    pub(crate) fn must_be_active(&self) -> Result<(), Refusal> {
        self.must_be_open()?;
        if self.banned {
            return Err(Refusal::AccountBanned);
        }
        Ok(())
    }
}
