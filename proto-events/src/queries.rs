//! Questions to the ledger and their answers. The name of a query is its struct in snake_case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::commands::{Email, FileId, GenerationRequest, Incident, MessageContent, Photo, Segment};
use crate::envelope::AccountRef;
use crate::events::{
    CanceledBy, DayNumber, DeliveryTrouble, GenerationKind, LotSource, MediaType, PayMethod, PaymentProblem,
    ProviderId, RefundBy, TextPicture, Trouble,
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
    BroadcastState { Draft, Running, Paused, Finished }
    /// What a line of a statement is about, for people.
    LineKind {
        Welcome, Referral, Promo, Admin, Compensation, Purchase, Restored, Picture, Edit, Answer, Returned, Refund,
        Revoked, Expired, Debt, DebtForgiven
    }
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
    /// For `generation_of_file`: which generation of the account made this file, by Telegram's unique id.
    FileQuery { account: AccountRef, unique_id: Text<64> }
    /// For `history` and `statement`: a page, newest first, of what is older than this position; absent: from the newest.
    PageQuery {
        account: AccountRef, limit: u16,
        #[serde(default)]
        before: Option<Position>,
    }
    /// For `support_of`: for whom a message in an administrator's chat stands.
    SupportQuery { chat: i64, message: i64 }
    /// For `contents` and `pictures`: what was changed after this version; 0: all.
    ContentsQuery { after: i64 }
    /// For `picture`: the bytes of a picture above a text, from this one on.
    PictureQuery { sha256: Text<64>, from: u32 }
    BroadcastQuery { broadcast: Text<64> }
    /// For `people`: a Telegram id, an account id, an @name or a part of a name; at most ten are answered.
    PeopleQuery { find: Text<128> }
    /// For `statistics`: the last days, today among them, by Moscow.
    StatisticsQuery { days: u16 }
    /// For `reconciled`: the newest days that the provider's adapter has completed.
    ReconciledQuery { provider: Provider }

    BalanceView { account: AccountId, available: Credits, reserved: Credits, debt: Credits }
    AccountView {
        account: AccountId, language: Text<8>, banned: bool,
        /// For receipts, as last given.
        email: Option<Email>,
        #[serde(default)]
        settings: Settings,
        /// The conversation that chat goes on with.
        #[serde(default)]
        conversation: Text<64>,
        /// What the person was asked and has not answered yet, and when.
        #[serde(default)]
        awaits: Option<Awaited>,
        /// The person could not be reached when something was last told.
        #[serde(default)]
        away: bool,
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

    /// What `references`, `references_put` and `references_remove` answer: oldest first.
    ReferencesView { photos: Vec<Photo> }
    /// An album whose parts have come and that nobody holds. `albums_due` answers a list of these.
    OpenAlbum { account: AccountId, chat: i64, group: Text<64> }
    /// A part of an album.
    AlbumPart { message: i64, photo: Photo, caption: Option<Text<4096>> }
    /// What `album_claim` answers: the parts by their messages, and whose they are.
    ClaimedAlbum { account: AccountId, telegram_user: i64, parts: Vec<AlbumPart>, lease_until: Micros }
    /// What `wish` answers; refused `wish_not_found` when there is none.
    WishView { request: GenerationRequest, kept_at: Micros }
    /// What `result` answers, of a generation: what was asked for, and what it made. Refused `generation_not_found` also when the
    /// account forgot what was asked.
    ResultView {
        request: GenerationRequest, state: GenerationState, outputs: Vec<OutputPlace>, file_ids: Vec<FileId>,
        /// It could not be delivered, and will not be.
        #[serde(default)]
        lost: bool,
    }
    /// What `generation_of_file` answers; refused `generation_not_found`.
    FileOf { generation: GenerationId }
    /// What `queue` answers: how many jobs are taken before this one. Refused `generation_not_found` when it does not wait.
    QueueView { before: u32 }
    /// A request of a person's. `history` answers a list of these, newest first.
    HistoryItem {
        /// Of its GenerationRequested.
        position: Position,
        generation: GenerationId, kind: GenerationKind, model: Text<64>, state: GenerationState, at: Micros,
        /// What was charged in the end; while it is open, what is held.
        credits: Credits,
        prompt: Option<Text<4096>>,
        /// Where Telegram keeps what it made.
        file_ids: Vec<FileId>,
        reason: Option<Trouble>,
    }
    /// A change of what a person has. `statement` answers a list of these, newest first.
    LineView {
        position: Position, at: Micros, kind: LineKind,
        /// Added to what is available, or taken from it.
        change: i64,
        /// Available after it.
        left: Credits,
        /// That was paid or went back.
        money: Option<Money>,
        generation: Option<GenerationId>,
    }
    /// What `totals` answers: an account's life in figures.
    TotalsView {
        opened_at: Micros, spent: Credits, bought: Credits, given: Credits,
        pictures: u32, answers: u32, invited: u32, earned_by_invites: Credits,
        /// What ends next.
        ends: Option<Ending>,
    }
    Ending { credits: Credits, at: Micros }
    /// What `referrals` answers: how many came by the person's link, what that brought, and the newest of them.
    ReferralsView { invited: u32, earned: Credits, newest: Vec<InvitedView> }
    /// One who came: the first letter of the name, when, and what it brought the inviter.
    InvitedView { initial: Text<8>, at: Micros, credits: Credits }
    /// What `support_of` answers; refused `note_not_found`.
    SupportView { account: AccountId, telegram_user: i64, language: Text<8> }
    /// What `contents` answers: texts that stand in the place of built-in ones (absent: the built-in one again).
    ContentsView {
        version: i64, texts: Vec<ContentView>,
        /// Of the log; versions of another one say nothing.
        #[serde(default)]
        incarnation: i64,
    }
    ContentView { key: Text<64>, language: Text<8>, text: Option<Text<4096>> }
    /// What `pictures` answers: pictures that stand above texts (absent: none does any more).
    PicturesView {
        version: i64, pictures: Vec<PictureView>,
        /// Of the log; versions of another one say nothing.
        #[serde(default)]
        incarnation: i64,
    }
    PictureView { key: Text<64>, language: Text<8>, picture: Option<TextPicture> }
    /// What `picture` answers; refused `picture_not_found`.
    PicturePart {
        /// Of the whole.
        bytes: u32,
        /// Base64 of at most 512 KiB; empty: there is no more.
        part: String,
    }
    /// What `broadcast` answers; `broadcasts` a list of these, newest first.
    BroadcastView {
        broadcast: Text<64>, state: BroadcastState, segment: Segment, content: MessageContent,
        recipients: u32, sent: u32, failed: u32, blocked: u32, drafted_at: Micros,
        /// Of the event that brought it into this state; 0 before it was started.
        #[serde(default)]
        changed: Position,
    }
    /// What `broadcast_draft` answers: how many it is for, and when it was written down, by which a start names it.
    BroadcastDrafted {
        broadcast: Text<64>, recipients: u32,
        #[serde(default)]
        drafted_at: Micros,
    }
    Recipient { account: AccountId, chat: i64, language: Text<8> }
    /// What `broadcast_claim` answers.
    ClaimedBroadcast {
        broadcast: Text<64>, content: MessageContent, recipients: Vec<Recipient>, lease_until: Micros,
    }
    /// What `incident_claim` answers.
    ClaimedIncident { incident: Incident, open: bool, since: Micros }
    /// A person, for administrators. `people` answers a list of these.
    PersonView {
        account: AccountId, telegram_user: i64, name: Text<128>, language: Text<8>, banned: bool, away: bool,
        balance: BalanceView, totals: TotalsView,
        /// What was paid less what went back, by currency.
        paid: Vec<Money>,
    }
    /// What `statistics` answers: newest day first, and of all time.
    StatisticsView { people: u32, away: u32, days: Vec<DayView> }
    DayView {
        day: DayNumber, new_people: u32, active_people: u32, pictures: u32, answers: u32, failed: u32,
        payments: u32, paid: Vec<Money>, spent: Credits, cost_micro_usd: i64,
    }

    /// A job that nobody holds. `jobs` answers a list of these.
    OpenJob {
        generation: GenerationId, position: Position, attempt: Attempt, kind: GenerationKind, model: Text<64>,
    }
    /// A telling that nobody holds. `deliveries` answers a list of these.
    OpenDelivery { position: Position, account: AccountId, r#type: String }

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
        /// The first that this account has paid.
        #[serde(default)]
        first: bool,
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
    /// Credits were given, by an operator or for an invitation.
    CreditsGranted {
        credits: Credits,
        source: LotSource,
        expires_at: Option<Micros>,
        /// Of a referral's bonus: whether this person was the one who invited.
        inviter: bool,
    },
    /// An operator took credits.
    CreditsRevoked {
        credits: Credits,
    },
    /// A lot's time was over.
    CreditsExpired {
        credits: Credits,
    },
    /// An operator let a debt go.
    DebtForgiven {
        credits: Credits,
    },
    AccountBanned {},
    AccountUnbanned {},
    GenerationCanceled {
        generation: GenerationId,
        kind: Option<GenerationKind>,
        returned: Credits,
        by: CanceledBy,
    },
    /// We write to the person.
    Message {
        message: Text<64>,
        content: MessageContent,
    },
    /// For administrators: money waits for a person's decision.
    PaymentQuarantined {
        rail: Rail,
        problems: Vec<PaymentProblem>,
    },
}

/// What a person has chosen; absent: as the catalog has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    pub model: Option<Text<64>>,
    pub aspect_ratio: Option<Text<8>>,
    pub size: Option<Text<8>>,
    /// Pictures come as files, not as photos.
    pub as_file: bool,
}

/// What the adapter waits for, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Awaited {
    pub what: Text<256>,
    pub since: Micros,
}

/// What `payments_open` answers a list of.
pub type OpenPayment = PaymentView;
