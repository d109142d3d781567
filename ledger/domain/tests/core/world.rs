//! A small world to play in: one account, a catalog, a clock moved by hand.

use ledger_domain::{
    Account, CatalogStream, Effect, Facts, Kept, PublishedCatalog, Refusal, check, decide, decide_catalog,
    effect, evolve, evolve_catalog,
};
use proto_events::catalog::Catalog;
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::*;

pub const SECOND: i64 = 1_000_000;
pub const START: i64 = 1_800_000_000 * SECOND;

#[derive(Debug, Clone)]
pub struct World {
    pub id: AccountId,
    pub state: Account,
    pub log: Vec<Event>,
    pub now: Micros,
    /// How far the calendar is behind.
    pub behind_seconds: i64,
    pub catalog: Option<PublishedCatalog>,
    pub lease_until: Option<Micros>,
    /// Until when others of the account's jobs are held.
    pub working: Vec<Micros>,
    pub provider_id_owner: Option<PaymentId>,
    pub refund_id_owner: Option<RefundId>,
    pub quarantined: Option<AccountId>,
    pub welcome_spent: bool,
    pub kept: Kept,
    pub inviter_known: bool,
    pub rewarded: bool,
    /// Who sends the next commands.
    pub producer: Producer,
    commands: u32,
}

pub fn text<const N: usize>(s: &str) -> Text<N> {
    Text::new(s).unwrap()
}

pub fn credits(n: i64) -> Credits {
    Credits::new(n).unwrap()
}

pub fn rub(kopecks: i64) -> Money {
    Money::new(kopecks, Currency::Rub).unwrap()
}

pub fn attempt(n: i64) -> Attempt {
    Attempt::new(n).unwrap()
}

pub fn context() -> ChatContext {
    ChatContext { chat: 7, message: 1, status_message: None }
}

/// As the ledger itself publishes.
pub fn published(stream: &CatalogStream, command: &CatalogPublish) -> Result<Vec<Event>, Refusal> {
    published_by((None, None, None), stream, command)
}

/// Above which amount another's word is needed, who publishes, and who agrees.
pub fn published_by(
    (above, operator, approver): (Option<i64>, Option<&str>, Option<&str>),
    stream: &CatalogStream,
    command: &CatalogPublish,
) -> Result<Vec<Event>, Refusal> {
    let id = CommandId::new("catalog:1").unwrap();
    let facts = Facts {
        four_eyes_above: above.map(credits),
        operator,
        approver,
        ..Facts::new(Micros::new(START).unwrap(), AccountId::CATALOG, Producer::Console, &id)
    };
    decide_catalog(stream, command, &facts)
}

/// An account that is not opened yet, under the default catalog.
pub fn nobody() -> World {
    let stream = CatalogStream::default();
    let publish = CatalogPublish { version: 1, catalog: Catalog::default_catalog().unwrap(), reason: None };
    let events = published(&stream, &publish).unwrap();
    let stream = events.iter().fold(stream, evolve_catalog);
    World {
        id: "a0000000-0000-4000-8000-00000000000a".parse().unwrap(),
        state: Account::default(),
        log: Vec::new(),
        now: Micros::new(START).unwrap(),
        behind_seconds: 0,
        catalog: stream.published,
        lease_until: None,
        working: Vec::new(),
        provider_id_owner: None,
        refund_id_owner: None,
        quarantined: None,
        welcome_spent: false,
        kept: Kept::default(),
        inviter_known: true,
        rewarded: false,
        producer: Producer::Telegram,
        commands: 0,
    }
}

/// A person with welcome credits: 5 of them, in lot 2.
pub fn person() -> World {
    nobody().did(open_account())
}

/// A person with 100 paid credits, priced 100.00 RUB, in lot 2, and no welcome credits.
pub fn payer() -> World {
    let mut world = nobody();
    world.welcome_spent = true;
    world.did(open_account()).paid("rub-100")
}

pub fn open_account() -> AccountOpen {
    AccountOpen { language: text("en"), name: text("N"), inviter: None }
}

pub fn topup(package: &str, rail: Rail) -> TopupOpen {
    TopupOpen { package: text(package), rail, context: context(), email: None, method: None }
}

pub fn picture() -> GenerationRequest {
    GenerationRequest::new(GenerationKind::Picture, text("a plantain"), context())
}

/// Costs 1 credit.
pub fn words() -> GenerationRequest {
    GenerationRequest { kind: GenerationKind::Text, ..picture() }
}

pub fn spent() -> Spent {
    Spent {
        usage: None,
        model_version: None,
        cost_micro_usd: Some(MicroUsd::new(39_000).unwrap()),
        estimated: false,
        latency_ms: 900,
    }
}

pub fn output() -> MadeOutput {
    MadeOutput {
        object: text("o/1"),
        sha256: text("ab"),
        media_type: MediaType::Jpeg,
        bytes: 1000,
        width: Some(1024),
        height: Some(1024),
    }
}

impl World {
    pub fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        let id = self.next_id();
        let facts = Facts {
            catalog: self.catalog.as_ref(),
            lease_until: self.lease_until,
            working: &self.working,
            provider_id_owner: self.provider_id_owner,
            refund_id_owner: self.refund_id_owner,
            quarantined: self.quarantined,
            welcome_spent: self.welcome_spent,
            kept: self.kept,
            inviter_known: self.inviter_known,
            rewarded: self.rewarded,
            fingerprint: "f00d",
            calendar: Micros::new(self.now.get() - self.behind_seconds * SECOND).unwrap(),
            ..Facts::new(self.now, self.id, self.producer, &id)
        };
        decide(&self.state, command, &facts)
    }

    /// What the command would bring; the world stays as it is.
    pub fn when(&self, command: impl Into<Command>) -> Result<Vec<Event>, Refusal> {
        self.decide(&command.into())
    }

    pub fn refusal(&self, command: impl Into<Command>) -> Refusal {
        self.when(command).expect_err("a refusal")
    }

    /// Does it, and goes on.
    pub fn act(&mut self, command: impl Into<Command>) -> Result<Vec<Event>, Refusal> {
        let events = self.decide(&command.into())?;
        assert!(!events.is_empty(), "a command that is not refused makes an event");
        self.happen(events.clone());
        assert_eq!(check(&self.state), Ok(()));
        self.commands += 1;
        Ok(events)
    }

    pub fn happen(&mut self, events: Vec<Event>) {
        for event in events {
            self.state = evolve(std::mem::take(&mut self.state), &event);
            self.log.push(event);
        }
    }

    #[must_use]
    pub fn did(mut self, command: impl Into<Command>) -> Self {
        self.act(command).unwrap();
        self
    }

    #[must_use]
    pub fn happened(mut self, event: impl Into<Event>) -> Self {
        self.happen(vec![event.into()]);
        self
    }

    #[must_use]
    pub fn later(mut self, seconds: i64) -> Self {
        self.now = Micros::new(self.now.get() + seconds * SECOND).unwrap();
        self
    }

    #[must_use]
    pub fn paid(self, package: &str) -> Self {
        let world = self.did(topup(package, Rail::Yookassa));
        let settle = world.settle();
        world.did(settle)
    }

    /// A free lot.
    #[must_use]
    pub fn granted(self, n: i64, expires_at: Option<Micros>) -> Self {
        let lot = LotId::new(self.state.version() + 1).unwrap();
        self.happened(grant(lot, n, expires_at))
    }

    /// (available, reserved, debt)
    pub fn balance(&self) -> (i64, i64, i64) {
        let b = self.state.balance();
        (b.available.get(), b.reserved.get(), b.debt.get())
    }

    pub fn effects(&self) -> (i64, i64, i64) {
        let sum = self.log.iter().map(effect).fold(Effect::default(), |a, b| Effect {
            available: a.available + b.available,
            reserved: a.reserved + b.reserved,
            debt: a.debt + b.debt,
        });
        (sum.available, sum.reserved, sum.debt)
    }

    /// The payment opened last.
    pub fn payment(&self) -> PaymentOpened {
        let opened = |e: &Event| match e {
            Event::PaymentOpened(e) => Some(e.clone()),
            _ => None,
        };
        self.log.iter().rev().find_map(opened).expect("a payment")
    }

    /// The generation requested last.
    pub fn generation(&self) -> GenerationId {
        let requested = |e: &Event| match e {
            Event::GenerationRequested(e) => Some(e.generation),
            _ => None,
        };
        self.log.iter().rev().find_map(requested).expect("a generation")
    }

    pub fn register(&self) -> PaymentRegister {
        let PaymentOpened { payment, rail, .. } = self.payment();
        PaymentRegister { payment, rail, provider_payment_id: text("y-1"), checkout_url: None }
    }

    pub fn settle(&self) -> PaymentSettle {
        let PaymentOpened { payment, rail, price, .. } = self.payment();
        let provider_payment_id = text("y-1");
        PaymentSettle {
            payment,
            rail,
            provider_payment_id,
            amount: price,
            net: None,
            test: false,
            paid_at: None,
            context: None,
        }
    }

    pub fn cancel(&self) -> PaymentCancel {
        let PaymentOpened { payment, rail, .. } = self.payment();
        PaymentCancel {
            payment,
            rail,
            provider_payment_id: None,
            party: text("merchant"),
            reason: text("expired"),
        }
    }

    pub fn claim(&self, n: i64) -> GenerationClaim {
        GenerationClaim { generation: self.generation(), worker: text("w1"), attempt: attempt(n) }
    }

    pub fn attempted(&self, n: i64) -> GenerationAttempt {
        let outcome = Trouble::VendorError;
        GenerationAttempt {
            generation: self.generation(),
            attempt: attempt(n),
            outcome,
            spent: spent(),
            retry_after_ms: 0,
        }
    }

    pub fn complete(&self, n: i64) -> GenerationComplete {
        let outputs = vec![output()];
        let (generation, attempt) = (self.generation(), attempt(n));
        GenerationComplete { generation, attempt, outputs, spent: spent(), charge: None }
    }

    pub fn fail(&self, n: i64) -> GenerationFail {
        let (generation, attempt, reason) = (self.generation(), attempt(n), Trouble::Policy);
        GenerationFail { generation, attempt, reason, spent: spent(), text: None }
    }

    pub fn expire(&self) -> ReservationExpire {
        ReservationExpire { reservation: ReservationId::of(self.generation()) }
    }

    pub fn confirm(&self) -> DeliveryConfirm {
        DeliveryConfirm { generation: self.generation(), file_ids: Vec::new(), unique_ids: Vec::new() }
    }

    pub fn lost(&self) -> DeliveryFail {
        DeliveryFail { generation: self.generation(), reason: DeliveryTrouble::BytesLost, r#final: false }
    }

    pub fn refused(&self) -> DeliveryFail {
        DeliveryFail { generation: self.generation(), reason: DeliveryTrouble::Refused, r#final: true }
    }

    pub fn blocked(&self) -> DeliveryFail {
        DeliveryFail { generation: self.generation(), reason: DeliveryTrouble::Blocked, r#final: false }
    }

    fn next_id(&self) -> CommandId {
        CommandId::new(format!("c:{}", self.commands)).unwrap()
    }

    /// Past the deadline of a reservation made now.
    #[must_use]
    pub fn past_deadline(self) -> Self {
        let ms = self.catalog.as_ref().unwrap().catalog.limits.reservation_ms;
        self.later(i64::from(ms) / 1000 + 1)
    }
}

pub fn grant(lot: LotId, n: i64, expires_at: Option<Micros>) -> CreditsGranted {
    CreditsGranted {
        lot,
        source: LotSource::Promo,
        credits: credits(n),
        price: None,
        expires_at,
        payment: None,
        restores: None,
        cause: None,
        reason: None,
        day: None,
    }
}

pub fn part(lot: i64, n: i64) -> LotPart {
    LotPart { lot: LotId::new(lot).unwrap(), credits: credits(n) }
}

pub fn consumed(lot: i64, n: i64, revenue: Option<i64>) -> ConsumedPart {
    ConsumedPart { lot: LotId::new(lot).unwrap(), credits: credits(n), revenue: revenue.map(rub) }
}

/// The types of these events.
pub fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}
