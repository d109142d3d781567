//! Questions to the ledger and their answers. The name of a query is its struct in snake_case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::commands::Email;
use crate::commands::FileId;
use crate::envelope::AccountRef;
use crate::events::{
    DayNumber, DeliveryTrouble, GenerationKind, MediaType, PayMethod, ProviderId, RefundBy, Trouble,
};
use crate::{
    AccountId, Attempt, Credits, GenerationId, Micros, Money, PaymentId, Position, Provider, Rail, RefundId,
    Text,
};

macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty),* }
    )+};
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident),+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),+ }
    )+};
}

words! {
    PaymentState { Opened, Registered, Settled, Canceled }
    GenerationState { Open, Succeeded, Failed, Canceled, Delivered }
    RefundState { Opened, Settled, Failed }
}

wire! {
    AccountQuery { account: AccountRef }
    GenerationQuery { generation: GenerationId }
    PaymentQuery { payment: PaymentId }
    /// For `deliveries`: what nobody holds, oldest first.
    Sweep { limit: u16 }
    /// For `jobs`: what nobody holds and this worker could take.
    JobSweep {
        limit: u16,
        /// Models over their quota: their jobs are left out, so that they don't stand before those of others.
        #[serde(default)]
        resting: Vec<Text<64>>,
    }
    /// For `payments_open` and `refunds_open`: a page, oldest first, of those opened after this position.
    PaymentSweep {
        limit: u16, after: Position,
        /// Only of this account.
        account: Option<AccountId>,
    }
    /// For `payment_of`: which payment of ours has this id at the provider.
    ProviderQuery { provider: Provider, id: ProviderId }
    RefundQuery { refund: RefundId }
    /// For `known_to_us`: at most 100 of each; which of these, of the provider's, the log has as settled.
    KnownQuery { provider: Provider, payments: Vec<ProviderId>, refunds: Vec<ProviderId> }
    /// For `receipts_due`: a page of payments with an address and no second receipt, by their ids, after this one.
    ReceiptSweep { limit: u16, after: Text<64> }
    /// For `reconciled`: the newest days that the provider's adapter has completed.
    ReconciledQuery { provider: Provider }

    BalanceView { account: AccountId, available: Credits, reserved: Credits, debt: Credits }
    AccountView {
        account: AccountId, language: Text<8>, banned: bool,
        /// For receipts, as last given.
        email: Option<Email>,
    }
    CatalogView { version: i64, catalog: Catalog }
    GenerationView {
        generation: GenerationId, kind: GenerationKind, model: Text<64>, size: Option<Text<8>>,
        /// How many pictures it shows.
        references: u8,
        state: GenerationState, credits: Credits,
        /// The last attempt that was claimed; 0 before the first.
        attempt: Attempt,
        reason: Option<Trouble>,
    }
    PaymentView {
        /// Of its PaymentOpened.
        position: Position,
        payment: PaymentId, state: PaymentState, rail: Rail, package: Text<64>, credits: Credits, price: Money,
        provider_payment_id: Option<ProviderId>, checkout_url: Option<String>,
        opened_at: Micros, expires_at: Micros,
        method: Option<PayMethod>,
        /// Once it is settled.
        paid: Option<Money>,
        /// Settled, and the fee is not known.
        #[serde(default)]
        fee_unknown: bool,
        /// For the receipt; shown to the adapter of payments only.
        email: Option<Email>,
    }
    /// A refund as it stands, and what the provider must be told of its payment.
    RefundView {
        /// Of its RefundOpened.
        position: Position,
        refund: RefundId, payment: PaymentId, rail: Rail, state: RefundState, amount: Money, credits: Credits,
        by: RefundBy, opened_at: Micros,
        /// Of the payment.
        provider_payment_id: Option<ProviderId>, price: Money,
        /// Whose Stars they were; shown to the Telegram adapter only.
        telegram_user: Option<i64>,
        /// For the receipt; shown to the adapter of payments only.
        email: Option<Email>,
    }
    KnownPayment {
        id: ProviderId, payment: PaymentId,
        /// Settled, and the fee is not known. Stars have none.
        #[serde(default)]
        fee_unknown: bool,
    }
    KnownRefund { id: ProviderId, refund: RefundId }
    /// What `known_to_us` answers.
    KnownView { payments: Vec<KnownPayment>, refunds: Vec<KnownRefund> }
    /// What `reconciled` answers: newest first, at most 60.
    ReconciledView { days: Vec<DayNumber> }

    /// A job that nobody holds. `jobs` answers a list of these.
    OpenJob {
        generation: GenerationId, position: Position, attempt: Attempt, kind: GenerationKind, model: Text<64>,
    }
    /// A telling that nobody holds. `deliveries` answers a list of these.
    OpenDelivery { position: Position, r#type: String }

    /// What `generation_claim` answers: everything a worker needs.
    ClaimedJob {
        generation: GenerationId, attempt: Attempt, kind: GenerationKind, model: Text<64>,
        aspect_ratio: Option<Text<8>>, size: Option<Text<8>>, prompt: Text<4096>,
        references: Vec<FileId>,
        system: Option<Text<4096>>,
        conversation: Option<Text<64>>,
        /// For an edit: whose pictures it goes on with.
        followed: Option<Followed>,
        /// Earlier attempts whose calls ended in doubt: they may have been paid.
        doubts: u16,
        /// Earlier attempts that were refused before any work; they don't count toward `attempts_max`.
        unpaid: u16,
        /// Nothing is on record yet of the attempt before this one, which may have been paid.
        #[serde(default)]
        lost: bool,
        /// When the lease ends unless it is renewed, and how long a renewal holds.
        lease_until: Micros, lease_ms: u32,
        /// When the ledger gives the credits back.
        deadline: Micros,
    }
    /// A generation that another one goes on with, and where Telegram keeps what it made.
    Followed { generation: GenerationId, file_ids: Vec<FileId> }
    /// What `topup_open` answers.
    TopupOpened { payment: PaymentId, rail: Rail, credits: Credits, price: Money }
    /// What `generation_request` answers.
    GenerationAccepted { generation: GenerationId, credits: Credits }
    /// What `account_open` answers.
    AccountWelcomed { account: AccountId, welcome: Credits }
    /// What `account_erase` answers: credits that were given up, and a debt that waits for the
    /// person's next account.
    AccountGone { forfeited: Credits, debt_kept: Credits }
    /// What `refund_open` answers: what goes back, and how many credits it takes.
    RefundAccepted { refund: RefundId, amount: Money, credits: Credits }

    /// Where a made thing is.
    OutputPlace {
        object: Text<160>, sha256: Text<64>, media_type: MediaType, bytes: u32,
        width: Option<u32>, height: Option<u32>,
    }
    /// What `delivery_claim` answers: an event to tell, to whom and with what.
    Telling {
        position: Position, attempt: Attempt, account: AccountId, chat: i64, message: Option<i64>,
        status_message: Option<i64>, language: Text<8>, lease_until: Micros,
        balance: BalanceView, news: News,
    }
}

/// The event to tell, with what its text needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum News {
    /// The checkout link is ready.
    PaymentReady {
        payment: PaymentId,
        credits: Credits,
        price: Money,
        checkout_url: Option<String>,
    },
    PaymentSettled {
        payment: PaymentId,
        credits: Credits,
        price: Money,
    },
    PaymentCanceled {
        payment: PaymentId,
        credits: Credits,
        price: Money,
        reason: Text<128>,
    },
    /// Money went back: `credits` were taken for it, in part as debt if they were spent.
    RefundSettled {
        payment: PaymentId,
        amount: Money,
        credits: Credits,
    },
    /// Money that was to go back did not: what was taken for it is there again.
    RefundFailed {
        payment: PaymentId,
        amount: Money,
        credits: Credits,
    },
    GenerationSucceeded {
        generation: GenerationId,
        credits: Credits,
        prompt: Option<Text<4096>>,
        outputs: Vec<OutputPlace>,
        /// File ids of an earlier delivery of the same result.
        file_ids: Vec<FileId>,
    },
    GenerationFailed {
        generation: GenerationId,
        /// What was asked for.
        kind: Option<GenerationKind>,
        returned: Credits,
        reason: Trouble,
        /// What the model said instead of painting.
        text: Option<OutputPlace>,
    },
    /// It could not be delivered: its bytes were lost, or Telegram takes it in no form. What was
    /// charged came back.
    DeliveryFailed {
        generation: GenerationId,
        /// What was asked for.
        kind: Option<GenerationKind>,
        returned: Credits,
        reason: DeliveryTrouble,
    },
}

/// What `payments_open` answers a list of.
pub type OpenPayment = PaymentView;
