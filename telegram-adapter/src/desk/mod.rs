//! The ledger, as this adapter asks it: every command with its id, every question it has.
//!
//! Ids are made from the thing itself (the person's message, the person and their button's nonce, the generation),
//! never from an update's id, which Telegram re-randomises: the same thing is the same command
//! however often it comes.

mod admin;
mod incidents;
mod money;
mod person;
mod prices;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::outbound::SentFile;
use proto_events::catalog::Catalog;
use proto_events::commands::{
    AccountOpen, ConsumerStuck, ContextUpdate, DeliveryClaim, DeliveryConfirm, DeliveryDone, DeliveryFail,
    DeliveryOutcome, DeliveryRenew, TopupOpen,
};
use proto_events::envelope::{AccountRef, TraceId};
use proto_events::events::DeliveryTrouble;
use proto_events::ids::BadId;
use proto_events::queries::{
    AccountQuery, AccountView, AccountWelcomed, BalanceView, CatalogView, GenerationQuery, GenerationView,
    OpenDelivery, PaymentQuery, PaymentView, Sweep, Telling, TopupOpened,
};
use proto_events::{AccountId, CommandId, GenerationId, PaymentId, Position, Producer, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service::ledger::{Done, Envelope, Ledger, SendError, operation_id};
use tokio::sync::Mutex;

pub use admin::Act;
pub use person::By;
use prices::Prices;

/// Longer than a take-over of the ledger (5 s). What takes longer is left to Telegram, which
/// sends the update again, or to the next sweep.
const PATIENCE: Duration = Duration::from_secs(12);

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Desk {
    ledger: Ledger,
    bot: i64,
    catalog: Arc<Mutex<Prices>>,
}

/// What is committed, and what it made.
pub struct Committed<T> {
    pub position: Position,
    pub result: T,
}

impl<T: DeserializeOwned> Committed<T> {
    fn read(done: &Done) -> Result<Self, SendError> {
        let unreadable = |e| SendError::Unknown(format!("its answer can't be read: {e}"));
        Ok(Self { position: done.position, result: done.result().map_err(unreadable)? })
    }
}

impl Desk {
    pub fn new(ledger: Ledger, bot: i64) -> Self {
        Self { ledger: ledger.with_deadline(PATIENCE), bot, catalog: Arc::default() }
    }

    /// The same desk with another patience.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self { ledger: self.ledger.clone().with_deadline(patience), ..self.clone() }
    }

    /// Of an account that is known to be there.
    pub async fn account_by_id(&self, account: AccountId) -> Result<AccountView, SendError> {
        self.ask("account", &AccountQuery { account: AccountRef::Id(account) }, None).await
    }

    /// `None`: nobody the ledger knows.
    pub async fn account(&self, user: i64) -> Result<Option<AccountView>, SendError> {
        match self.ask("account", &AccountQuery { account: AccountRef::Telegram(user) }, None).await {
            Err(error) if error.code() == Some("account_not_found") => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// `by`: what the person did, the same however often it arrives. Not the person alone: one whose
    /// account was erased may come again.
    pub async fn open_account(
        &self,
        user: i64,
        by: &str,
        command: AccountOpen,
        trace: &TraceId,
    ) -> Result<Committed<AccountWelcomed>, SendError> {
        let id = id(format!("start:{}:{by}", self.bot))?;
        self.send(id, AccountRef::Telegram(user), command.into(), Some(trace)).await
    }

    pub async fn balance(&self, user: i64, at_least: Option<Position>) -> Result<BalanceView, SendError> {
        self.ask("balance", &AccountQuery { account: AccountRef::Telegram(user) }, at_least).await
    }

    /// Whoever asks while it is being asked for waits for the same answer, also when that is none.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, SendError> {
        let mut known = self.catalog.lock().await;
        if let Some(answer) = known.answer(Instant::now()) {
            return answer;
        }
        let asked = self.ask::<CatalogView>("catalog", &serde_json::json!({}), None).await;
        known.learn(asked.map(|view| Arc::new(view.catalog)), Instant::now())
    }

    /// One intent is one payment, however often its button is pressed.
    pub async fn open_topup(
        &self,
        user: i64,
        nonce: &str,
        command: TopupOpen,
        trace: &TraceId,
    ) -> Result<Committed<TopupOpened>, SendError> {
        let id = id(format!("topup:{}:{user}:{nonce}", self.bot))?;
        self.send(id, AccountRef::Telegram(user), command.into(), Some(trace)).await
    }

    pub async fn payment(
        &self,
        payment: PaymentId,
        at_least: Option<Position>,
    ) -> Result<PaymentView, SendError> {
        self.ask("payment", &PaymentQuery { payment }, at_least).await
    }

    pub async fn generation(
        &self,
        generation: GenerationId,
        at_least: Option<Position>,
    ) -> Result<GenerationView, SendError> {
        self.ask("generation", &GenerationQuery { generation }, at_least).await
    }

    /// Where the status message of a picture is.
    pub async fn note_status(&self, generation: GenerationId, status_message: i64) -> Result<(), SendError> {
        let update = ContextUpdate { generation: Some(generation), payment: None, status_message };
        self.operate("context", generation, generation.account(), update.into()).await
    }

    /// Where the message with a payment's link is.
    pub async fn note_bill(&self, payment: PaymentId, status_message: i64) -> Result<(), SendError> {
        let update = ContextUpdate { generation: None, payment: Some(payment), status_message };
        self.operate("context", payment, payment.account(), update.into()).await
    }

    pub async fn deliveries(&self, limit: u16) -> Result<Vec<OpenDelivery>, SendError> {
        self.ask("deliveries", &Sweep { limit }, None).await
    }

    /// The right to tell an event. `None`: it was told, or somebody else is telling it.
    ///
    /// The claimant is this try's alone and the same in every repeat of its request: a grant whose
    /// answer was lost is granted again.
    pub async fn claim(&self, position: Position) -> Result<Option<Telling>, SendError> {
        let id = bad(operation_id("tell", position))?;
        // A position names its account; the ledger looks it up.
        let nobody = AccountRef::Id(AccountId::OPERATIONS);
        let claimant = Text::lossy(&uuid::Uuid::new_v4().to_string());
        match self.ledger.operate(id, nobody, DeliveryClaim { position, claimant }.into()).await {
            Ok(done) => Committed::read(&done).map(|claimed| Some(claimed.result)),
            Err(error) if matches!(error.code(), Some("delivery_done" | "delivery_held")) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Extends the right to tell; refused when it is gone.
    pub async fn keep_telling(&self, telling: &Telling) -> Result<(), SendError> {
        let renew = DeliveryRenew { position: telling.position, attempt: telling.attempt };
        self.operate("keep", telling.position, telling.account, renew.into()).await
    }

    pub async fn delivered(&self, generation: GenerationId, files: Vec<SentFile>) -> Result<(), SendError> {
        let id = id(format!("delivered:{generation}"))?;
        let (file_ids, unique_ids) = files.into_iter().map(|file| (file.file_id, file.unique_id)).unzip();
        let account = AccountRef::Id(generation.account());
        let sent =
            self.send_plain(id, account, DeliveryConfirm { generation, file_ids, unique_ids }.into()).await;
        known(sent, &["generation_delivered"])
    }

    pub async fn undelivered(
        &self,
        telling: &Telling,
        generation: GenerationId,
        reason: DeliveryTrouble,
    ) -> Result<(), SendError> {
        let id = id(format!("undelivered:{generation}:{}", telling.attempt))?;
        let command = DeliveryFail { generation, reason, r#final: true };
        let sent = self.send_plain(id, AccountRef::Id(telling.account), command.into()).await;
        known(sent, &["generation_delivered"])
    }

    pub async fn told(&self, telling: &Telling, outcome: DeliveryOutcome) -> Result<(), SendError> {
        let done = DeliveryDone { position: telling.position, attempt: telling.attempt, outcome };
        self.operate("told", telling.position, telling.account, done.into()).await
    }

    /// This telling is tried again and again, and why; `None`: it is over.
    pub async fn stuck(&self, telling: &Telling, why: Option<&str>) -> Result<(), SendError> {
        let tries = u32::try_from(telling.attempt.get()).unwrap_or(u32::MAX);
        let consumer = Text::lossy(Producer::Telegram.as_str());
        let stuck =
            ConsumerStuck { consumer, position: telling.position, tries, error: why.map(Text::lossy) };
        self.operate("stuck", telling.position, AccountId::OPERATIONS, stuck.into()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        name: &str,
        query: &impl Serialize,
        at_least: Option<Position>,
    ) -> Result<T, SendError> {
        self.ledger.ask(name, query, at_least).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        id: CommandId,
        account: AccountRef,
        command: proto_events::commands::Command,
        trace: Option<&TraceId>,
    ) -> Result<Committed<T>, SendError> {
        let envelope = Envelope { id, account, command, causation: None, trace_id: trace.cloned() };
        Committed::read(&self.ledger.send(envelope).await?)
    }

    async fn send_plain(
        &self,
        id: CommandId,
        account: AccountRef,
        command: proto_events::commands::Command,
    ) -> Result<(), SendError> {
        let envelope = Envelope { id, account, command, causation: None, trace_id: None };
        self.ledger.send(envelope).await.map(drop)
    }

    async fn operate(
        &self,
        kind: &str,
        subject: impl std::fmt::Display,
        account: AccountId,
        operation: proto_events::commands::Operation,
    ) -> Result<(), SendError> {
        let id = bad(operation_id(kind, subject))?;
        self.ledger.operate(id, AccountRef::Id(account), operation).await.map(drop)
    }
}

/// A refusal that says that it was so already.
fn known(sent: Result<(), SendError>, codes: &[&str]) -> Result<(), SendError> {
    match sent {
        Err(error) if error.code().is_some_and(|code| codes.contains(&code)) => Ok(()),
        sent => sent,
    }
}

fn id(text: String) -> Result<CommandId, SendError> {
    bad(CommandId::new(text))
}

/// Ids are made of numbers, nonces that were checked, and ids: they are always good ones.
fn bad(id: Result<CommandId, BadId>) -> Result<CommandId, SendError> {
    id.map_err(|error| SendError::Unknown(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_ids_hold_for_the_largest_of_telegrams_ids() {
        let chat = -9_007_199_254_740_991_i64;
        assert!(id(format!("msg:{chat}:{chat}:{chat}")).is_ok());
        assert!(id(format!("topup:{chat}:{chat}:{}", "n".repeat(24))).is_ok());
    }
}
