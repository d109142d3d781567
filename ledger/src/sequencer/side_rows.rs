//! Which rows beside the log go with a command's events (docs/EVENTS.md, "side tables").

use proto_events::commands::{ChatContext, Command};
use proto_events::envelope::AccountRef;
use proto_events::events::DeliveryTrouble;
use proto_events::{AccountId, Attempt, Event, GenerationId, PaymentId};

use super::accounts::Loaded;
use super::queue::Request;
use crate::log::hex;
use crate::store::SideWrite;
use crate::store::side::{
    Claim, Content, Context, Delivery, ExpiringLot, Identity, Job, Link, OpenPayment, OpenReservation,
    SentFile, StoredOutput, Told,
};

/// How long a telling or a claim holds when the catalog does not say.
pub const LEASE_MS_DEFAULT: i64 = 30_000;

/// When and where the events stand.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Position of the first.
    pub first: i64,
    /// µs.
    pub now: i64,
    pub lease_ms: i64,
}

struct Sink<'a> {
    side: &'a mut Vec<SideWrite>,
    request: &'a Request,
    account: AccountId,
    moment: Moment,
    /// Nobody is there to be told, and nothing of theirs is kept.
    erased: bool,
}

/// Adds the rows that go with these events.
pub fn add(
    side: &mut Vec<SideWrite>,
    request: &Request,
    account: AccountId,
    loaded: &Loaded,
    events: &[Event],
    moment: Moment,
) {
    let erased = loaded.state.fingerprint().is_some();
    let mut sink = Sink { side, request, account, moment, erased };
    for (position, event) in (moment.first..).zip(events) {
        sink.event(position, event, loaded);
    }
}

impl Sink<'_> {
    fn push(&mut self, write: SideWrite) {
        let is_theirs = matches!(
            write,
            SideWrite::Context(_)
                | SideWrite::Link(_)
                | SideWrite::Content(_)
                | SideWrite::Output(_)
                | SideWrite::Delivery(_)
        );
        if !(self.erased && is_theirs) {
            self.side.push(write);
        }
    }

    fn event(&mut self, position: i64, event: &Event, loaded: &Loaded) {
        match event {
            Event::AccountOpened(_) => self.identity(loaded),
            Event::PaymentOpened(e) => self.payment_opened(position, e.payment, e.rail.as_str()),
            Event::PaymentRegistered(e) => {
                self.link(e.payment);
                self.tell(position, "PaymentRegistered", e.payment.to_string());
            }
            Event::PaymentSettled(e) => {
                self.push(SideWrite::ClosePayment(e.payment.to_string()));
                self.told(e.payment.to_string(), "PaymentRegistered", "overtaken");
                self.told(e.payment.to_string(), "PaymentCanceled", "overtaken");
                self.tell(position, "PaymentSettled", e.payment.to_string());
            }
            Event::PaymentCanceled(e) => {
                self.push(SideWrite::ClosePayment(e.payment.to_string()));
                self.told(e.payment.to_string(), "PaymentRegistered", "overtaken");
                self.tell(position, "PaymentCanceled", e.payment.to_string());
            }
            Event::CreditsGranted(e) => {
                if let Some(expires_at) = e.expires_at {
                    let (account_id, lot) = (self.account.0, e.lot.get());
                    let expires_at = expires_at.get();
                    self.push(SideWrite::ExpiringLot(ExpiringLot { account_id, lot, expires_at }));
                }
            }
            Event::CreditsReserved(e) => self.push(SideWrite::OpenReservation(OpenReservation {
                reservation: e.reservation.to_string(),
                account_id: self.account.0,
                deadline: e.deadline.get(),
            })),
            Event::ReservationCommitted(e) => {
                self.push(SideWrite::CloseReservation(e.reservation.to_string()))
            }
            Event::ReservationReleased(e) => {
                self.push(SideWrite::CloseReservation(e.reservation.to_string()))
            }
            Event::ReservationExpired(e) => self.push(SideWrite::CloseReservation(e.reservation.to_string())),
            _ => self.generation(position, event),
        }
    }

    fn generation(&mut self, position: i64, event: &Event) {
        match event {
            Event::GenerationRequested(e) => self.requested(position, e.generation),
            Event::GenerationStarted(e) => {
                let lease_us = self.moment.lease_ms * 1_000;
                self.claim(e.generation, e.attempt, self.moment.now + lease_us, lease_us);
            }
            // The attempt is over: others may claim as soon as the vendor may be asked again.
            Event::GenerationAttempted(e) => {
                let free_at = match &self.request.command {
                    Command::GenerationAttempt(c) => self.moment.now + i64::from(c.retry_after_ms) * 1_000,
                    _ => 0,
                };
                self.claim(e.generation, e.attempt, free_at, 0);
            }
            Event::GenerationSucceeded(e) => {
                self.outputs(e.generation);
                self.push(SideWrite::CloseJob(e.generation.to_string()));
                self.told(e.generation.to_string(), "GenerationFailed", "overtaken");
                self.tell(position, "GenerationSucceeded", e.generation.to_string());
            }
            Event::GenerationFailed(e) => {
                self.push(SideWrite::CloseJob(e.generation.to_string()));
                self.tell(position, "GenerationFailed", e.generation.to_string());
            }
            Event::GenerationCanceled(e) => self.push(SideWrite::CloseJob(e.generation.to_string())),
            Event::GenerationDelivered(e) => {
                self.files(e.generation);
                self.told(e.generation.to_string(), "GenerationSucceeded", "told");
            }
            Event::DeliveryFailed(e) if e.r#final => {
                self.told(e.generation.to_string(), "GenerationSucceeded", "failed");
                // These are compensated.
                if matches!(e.reason, DeliveryTrouble::BytesLost | DeliveryTrouble::Refused) {
                    self.tell(position, "DeliveryFailed", e.generation.to_string());
                }
            }
            _ => {}
        }
    }

    fn identity(&mut self, loaded: &Loaded) {
        if let (Command::AccountOpen(c), AccountRef::Telegram(user)) =
            (&self.request.command, self.request.account)
        {
            self.push(SideWrite::Identity(Identity {
                telegram_user_id: user,
                account_id: self.account.0,
                key: hex(&loaded.key),
                language: c.language.to_string(),
                name: c.name.to_string(),
            }));
        }
    }

    fn context(&mut self, subject: String, context: ChatContext) {
        self.push(SideWrite::Context(Context {
            subject,
            account_id: self.account.0,
            chat: context.chat,
            message: context.message,
            status_message: context.status_message,
        }));
    }

    fn payment_opened(&mut self, position: i64, payment: PaymentId, rail: &'static str) {
        if let Command::TopupOpen(c) = &self.request.command {
            self.context(payment.to_string(), c.context);
        }
        self.push(SideWrite::OpenPayment(OpenPayment {
            payment: payment.to_string(),
            account_id: self.account.0,
            rail,
            position,
        }));
    }

    fn link(&mut self, payment: PaymentId) {
        if let Command::PaymentRegister(c) = &self.request.command
            && let Some(url) = &c.checkout_url
        {
            self.push(SideWrite::Link(Link {
                payment: payment.to_string(),
                account_id: self.account.0,
                checkout_url: url.to_string(),
            }));
        }
    }

    fn requested(&mut self, position: i64, generation: GenerationId) {
        if let Command::GenerationRequest(c) = &self.request.command {
            self.context(generation.to_string(), c.context);
            self.push(SideWrite::Content(Content {
                generation: generation.to_string(),
                account_id: self.account.0,
                prompt: c.prompt.to_string(),
                file_refs: c.references.iter().map(ToString::to_string).collect(),
                position,
            }));
        }
        self.push(SideWrite::Job(Job {
            generation: generation.to_string(),
            account_id: self.account.0,
            position,
        }));
    }

    fn claim(&mut self, generation: GenerationId, attempt: Attempt, lease_until: i64, lease_us: i64) {
        let generation = generation.to_string();
        self.push(SideWrite::Claim(Claim { generation, attempt: attempt.get(), lease_until, lease_us }));
    }

    fn outputs(&mut self, generation: GenerationId) {
        if let Command::GenerationComplete(c) = &self.request.command {
            for (ordinal, made) in c.outputs.iter().enumerate() {
                self.push(SideWrite::Output(StoredOutput {
                    generation: generation.to_string(),
                    ordinal,
                    account_id: self.account.0,
                    made: made.clone(),
                }));
            }
        }
    }

    fn files(&mut self, generation: GenerationId) {
        if let Command::DeliveryConfirm(c) = &self.request.command {
            for (ordinal, file_id) in c.file_ids.iter().enumerate() {
                self.push(SideWrite::SentFile(SentFile {
                    generation: generation.to_string(),
                    ordinal,
                    file_id: file_id.to_string(),
                }));
            }
        }
    }

    fn tell(&mut self, position: i64, event_type: &'static str, subject: String) {
        self.push(SideWrite::Delivery(Delivery {
            position,
            account_id: self.account.0,
            r#type: event_type,
            subject,
        }));
    }

    fn told(&mut self, subject: String, event_type: &'static str, outcome: &'static str) {
        self.push(SideWrite::Told(Told { subject, r#type: event_type, outcome }));
    }
}
