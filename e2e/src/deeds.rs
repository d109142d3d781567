//! What people and adapters do, as commands to the ledger: the short way of a top-up and a picture
//! without the adapters.

use std::time::{Duration, Instant};

use proto_events::Producer;
use proto_events::commands::{
    AccountOpen, ChatContext, Command, DeliveryConfirm, GenerationClaim, GenerationComplete, GenerationFail,
    GenerationRequest, MadeOutput, PaymentRegister, PaymentSettle, TopupOpen,
};
use proto_events::envelope::AccountRef;
use proto_events::events::{GenerationKind, MediaType, Spent, Trouble};
use proto_events::queries::{AccountWelcomed, BalanceView, GenerationAccepted, TopupOpened};
use proto_events::{
    AccountId, Attempt, CommandId, Currency, GenerationId, Money, PaymentId, Position, Rail, Text,
};
use serde_json::json;
use service::ledger::{Done, Envelope, Ledger, SendError};

use crate::witness::Witness;

/// The three adapters' ways to the ledger.
#[derive(Clone)]
pub struct Deeds {
    pub telegram: Ledger,
    pub payments: Ledger,
    pub generator: Ledger,
    /// Hears every answer.
    pub witness: Witness,
}

pub fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).unwrap_or_else(|error| panic!("a test's text should fit: {error}"))
}

pub fn id(id: impl Into<String>) -> CommandId {
    CommandId::new(id).expect("a test's id is well-formed")
}

pub fn rubles(rubles: i64) -> Money {
    Money::new(rubles * 100, Currency::Rub).expect("a test's amount is in bounds")
}

pub fn envelope(id: CommandId, account: AccountRef, command: impl Into<Command>) -> Envelope {
    Envelope { id, account, command: command.into(), causation: None, trace_id: None }
}

const CONTEXT: ChatContext = ChatContext { chat: 1, message: 1, status_message: None };

impl Deeds {
    pub fn new(stage: &crate::Stage) -> Self {
        use proto_events::Producer::{Generator, Payments, Telegram};
        Self {
            telegram: stage.ledger_as(Telegram),
            payments: stage.ledger_as(Payments),
            generator: stage.ledger_as(Generator),
            witness: Witness::default(),
        }
    }

    /// The same connections, heard by another witness.
    #[must_use]
    pub fn heard_by(&self, witness: Witness) -> Self {
        Self { witness, ..self.clone() }
    }

    /// The same connections, for who gives up after this time.
    #[must_use]
    pub fn hasty(&self, deadline: Duration) -> Self {
        let hasty = |ledger: &Ledger| ledger.clone().with_deadline(deadline);
        let [telegram, payments, generator] = [&self.telegram, &self.payments, &self.generator].map(hasty);
        Self { telegram, payments, generator, witness: self.witness.clone() }
    }

    /// Sends as this adapter, and lets the witness hear the answer.
    pub async fn send(&self, producer: Producer, envelope: Envelope) -> Result<Done, SendError> {
        let ledger = match producer {
            Producer::Payments => &self.payments,
            Producer::Generator => &self.generator,
            _ => &self.telegram,
        };
        let (id, sent) = (envelope.id.clone(), Instant::now());
        let outcome = ledger.send(envelope).await;
        self.witness.note(producer, id, sent, &outcome);
        outcome
    }

    pub async fn start(&self, user: i64) -> Result<AccountId, SendError> {
        let command = AccountOpen { language: text("ru"), name: text("Ada"), inviter: None };
        let opened = self
            .send(
                Producer::Telegram,
                envelope(id(format!("start:1:{user}")), AccountRef::Telegram(user), command),
            )
            .await?;
        Ok(opened.result::<AccountWelcomed>().expect("account_open answers so, by docs/EVENTS.md").account)
    }

    pub async fn topup(&self, user: i64, nonce: &str) -> Result<PaymentId, SendError> {
        self.topup_in(user, nonce, Rail::Yookassa, CONTEXT).await
    }

    /// 100 credits, paid this way, in the person's own chat.
    pub async fn topup_by(&self, user: i64, nonce: &str, rail: Rail) -> Result<PaymentId, SendError> {
        self.topup_in(user, nonce, rail, ChatContext { chat: user, ..CONTEXT }).await
    }

    async fn topup_in(
        &self,
        user: i64,
        nonce: &str,
        rail: Rail,
        context: ChatContext,
    ) -> Result<PaymentId, SendError> {
        let package = if rail == Rail::Stars { "xtr-100" } else { "rub-100" };
        let command = TopupOpen { package: text(package), rail, context, email: None, method: None };
        let done = self
            .send(
                Producer::Telegram,
                envelope(id(format!("topup:1:{nonce}")), AccountRef::Telegram(user), command),
            )
            .await?;
        Ok(done.result::<TopupOpened>().expect("topup_open answers so, by docs/EVENTS.md").payment)
    }

    pub async fn register(&self, payment: PaymentId) -> Result<Done, SendError> {
        let command = PaymentRegister {
            payment,
            rail: Rail::Yookassa,
            provider_payment_id: text(&provider_id(payment)),
            checkout_url: Some(text("http://127.0.0.1/checkout")),
        };
        let account = AccountRef::Id(payment.account());
        self.send(Producer::Payments, envelope(id(format!("register:{payment}")), account, command)).await
    }

    pub async fn settle(&self, payment: PaymentId, amount: Money) -> Result<Done, SendError> {
        self.settle_as(payment, &provider_id(payment), amount).await
    }

    pub async fn settle_as(
        &self,
        payment: PaymentId,
        provider: &str,
        amount: Money,
    ) -> Result<Done, SendError> {
        let command = PaymentSettle {
            payment,
            rail: Rail::Yookassa,
            provider_payment_id: text(provider),
            amount,
            net: None,
            test: false,
            paid_at: None,
            context: None,
        };
        let account = AccountRef::Id(payment.account());
        self.send(Producer::Payments, envelope(id(format!("settle:yookassa:{provider}")), account, command))
            .await
    }

    pub async fn request(&self, user: i64, message: i64) -> Result<GenerationId, SendError> {
        let context = ChatContext { chat: user, message, status_message: None };
        let prompt = text("a plantain leaf in the rain");
        self.order(GenerationRequest::new(GenerationKind::Picture, prompt, context)).await
    }

    /// Asks for a generation, in the person's own chat.
    pub async fn order(&self, command: GenerationRequest) -> Result<GenerationId, SendError> {
        let ChatContext { chat: user, message, .. } = command.context;
        let done = self
            .send(
                Producer::Telegram,
                envelope(id(format!("msg:1:{user}:{message}")), AccountRef::Telegram(user), command),
            )
            .await?;
        Ok(done
            .result::<GenerationAccepted>()
            .expect("generation_request answers so, by docs/EVENTS.md")
            .generation)
    }

    /// A picture is asked for and made, for 10 credits.
    pub async fn picture(&self, user: i64, message: i64) -> Result<GenerationId, SendError> {
        let generation = self.request(user, message).await?;
        self.claim(generation, 1).await?;
        self.complete(generation, 1).await?;
        Ok(generation)
    }

    pub async fn claim(&self, generation: GenerationId, attempt: i64) -> Result<Done, SendError> {
        let attempt = Attempt::new(attempt).expect("a test's attempts are counted from 1");
        let command = GenerationClaim { generation, worker: text("w1"), attempt };
        let account = AccountRef::Id(generation.account());
        self.send(
            Producer::Generator,
            envelope(id(format!("claim:{generation}:{attempt}:w1")), account, command),
        )
        .await
    }

    pub async fn complete(&self, generation: GenerationId, attempt: i64) -> Result<Done, SendError> {
        let attempt = Attempt::new(attempt).expect("a test's attempts are counted from 1");
        let output = MadeOutput {
            object: text(&format!("{generation}/1/0")),
            sha256: text(&"0".repeat(64)),
            media_type: MediaType::Png,
            bytes: 1000,
            width: Some(1024),
            height: Some(1024),
        };
        let command = GenerationComplete {
            generation,
            attempt,
            outputs: vec![output],
            spent: Spent::default(),
            charge: None,
        };
        let account = AccountRef::Id(generation.account());
        self.send(
            Producer::Generator,
            envelope(id(format!("complete:{generation}:{attempt}")), account, command),
        )
        .await
    }

    pub async fn fail(&self, generation: GenerationId, attempt: i64) -> Result<Done, SendError> {
        let attempt = Attempt::new(attempt).expect("a test's attempts are counted from 1");
        let (reason, spent) = (Trouble::Policy, Spent::default());
        let command = GenerationFail { generation, attempt, reason, spent, text: None };
        let account = AccountRef::Id(generation.account());
        self.send(Producer::Generator, envelope(id(format!("fail:{generation}:{attempt}")), account, command))
            .await
    }

    pub async fn delivered(&self, generation: GenerationId) -> Result<Done, SendError> {
        let command = DeliveryConfirm { generation, file_ids: vec![text("file-1")], unique_ids: Vec::new() };
        let account = AccountRef::Id(generation.account());
        self.send(Producer::Telegram, envelope(id(format!("delivered:{generation}")), account, command)).await
    }

    pub async fn balance(&self, user: i64, at_least: Position) -> Result<(i64, i64, i64), SendError> {
        let query = json!({"account": AccountRef::Telegram(user)});
        let view: BalanceView = self.telegram.ask("balance", &query, Some(at_least)).await?;
        Ok((view.available.get(), view.reserved.get(), view.debt.get()))
    }

    /// A person's whole way: opened, topped up by 100 credits, one picture made and delivered, one
    /// refused. Ends with 5 + 100 − 10 = 95 credits. Answers the last position.
    pub async fn whole_way(&self, user: i64) -> Result<Position, SendError> {
        self.start(user).await?;
        let payment = self.topup(user, &format!("n{user}")).await?;
        self.register(payment).await?;
        self.settle(payment, rubles(100)).await?;
        let made = self.picture(user, 1).await?;
        self.delivered(made).await?;
        let refused = self.request(user, 2).await?;
        self.claim(refused, 1).await?;
        Ok(self.fail(refused, 1).await?.position)
    }
}

/// What the provider would call this payment.
pub fn provider_id(payment: PaymentId) -> String {
    format!("prov-{:016x}", payment.tail())
}
