//! Which rows beside the log go with a command's events (docs/EVENTS.md, "side tables").

mod news;

use proto_events::commands::{ChatContext, Command, MadeOutput};
use proto_events::envelope::AccountRef;
use proto_events::events::{
    DeliveryTrouble, GenerationFailed, GenerationRequested, GenerationSucceeded, LotPart, PaymentOpened,
    RefundOpened, Settlement, Trouble,
};
use proto_events::{AccountId, Attempt, Event, GenerationId, Micros, PaymentId};

use super::accounts::Loaded;
use super::queue::Request;
use crate::store::side::{
    Claim, Content, Context, Delivery, ExpiringLot, Identity, Inserts, Job, Link, OpenPayment, OpenRefund,
    SentFile, Side, StoredOutput, Told,
};

/// How long a claim holds when the catalog does not say.
pub const LEASE_MS_DEFAULT: i64 = 30_000;
const QUARANTINED: &str = "PaymentQuarantined";

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
    side: &'a mut Side,
    request: &'a Request,
    account: AccountId,
    /// As the events leave it.
    loaded: &'a Loaded,
    moment: Moment,
    /// Nobody is there to be told, and nothing of theirs is kept.
    erased: bool,
}

/// Adds the rows that go with these events.
pub fn add(
    side: &mut Side,
    request: &Request,
    account: AccountId,
    loaded: &Loaded,
    events: &[Event],
    moment: Moment,
) {
    let erased = loaded.state.fingerprint().is_some();
    let mut sink = Sink { side, request, account, loaded, moment, erased };
    for (position, event) in (moment.first..).zip(events) {
        match event {
            Event::AccountOpened(_) => sink.identity(),
            Event::GenerationRequested(e) => sink.requested(position, e, events),
            _ => sink.event(position, event),
        }
    }
    sink.ends_again(events);
}

impl Sink<'_> {
    /// Where rows go that are a person's own: nowhere, once the account is erased.
    fn theirs(&mut self) -> Option<&mut Inserts> {
        (!self.erased).then_some(&mut self.side.inserts)
    }

    fn event(&mut self, position: i64, event: &Event) {
        match event {
            Event::PaymentOpened(e) => self.payment_opened(position, e),
            Event::PaymentRegistered(e) => {
                self.link(e.payment);
                self.tell(position, "PaymentRegistered", e.payment.to_string());
            }
            Event::PaymentSettled(e) => {
                self.close_payment(position, e.payment);
                self.told(position, e.payment.to_string(), "PaymentCanceled");
                self.told(position, e.rail.key(&e.provider_payment_id), QUARANTINED);
                self.tell(position, "PaymentSettled", e.payment.to_string());
            }
            Event::PaymentCanceled(e) => {
                self.close_payment(position, e.payment);
                self.tell(position, "PaymentCanceled", e.payment.to_string());
            }
            Event::RefundOpened(e) => self.refund_opened(position, e),
            Event::RefundSettled(e) => {
                self.side.changes.closed_refunds.push(e.refund.to_string());
                self.tell(position, "RefundSettled", e.refund.to_string());
            }
            Event::RefundFailed(e) => {
                self.side.changes.closed_refunds.push(e.refund.to_string());
                self.tell(position, "RefundFailed", e.refund.to_string());
            }
            Event::PaymentQuarantined(e) => self.quarantined(position, e),
            Event::QuarantineResolved(e) => {
                self.told(position, e.rail.key(&e.provider_payment_id), QUARANTINED);
            }
            Event::GenerationRequested(_)
            | Event::GenerationStarted(_)
            | Event::GenerationAttempted(_)
            | Event::GenerationSucceeded(_)
            | Event::GenerationFailed(_)
            | Event::GenerationCanceled(_)
            | Event::GenerationDelivered(_)
            | Event::DeliveryFailed(_) => self.generation(position, event),
            Event::BroadcastStarted(e) => {
                let recipients = i32::try_from(e.recipients).unwrap_or(i32::MAX);
                self.broadcast(position, &e.broadcast, "running", Some(recipients));
            }
            Event::BroadcastPaused(e) => self.broadcast(position, &e.broadcast, "paused", None),
            Event::BroadcastFinished(e) => self.broadcast(position, &e.broadcast, "finished", None),
            Event::OperatorActed(_) => self.act(position),
            Event::PictureChanged(e) => self.picture(position, e),
            _ => self.account(position, event),
        }
    }

    /// Parts that came back to a lot whose end the log has seen, but the calendar has not (it was set back, or is not
    /// trusted yet): the timer has forgotten the lot if what was not held of it has expired. It asks again once the
    /// calendar is where the log is now.
    fn ends_again(&mut self, events: &[Event]) {
        let returned = events.iter().flat_map(returned);
        let now = self.moment.now;
        let time = Micros::new(now).unwrap_or_default();
        for lot in returned.map(|part| part.lot).filter(|lot| self.loaded.state.outlives_its_end(*lot, time))
        {
            let (account_id, lot, expires_at) = (self.account.0, lot.get(), now);
            self.side.inserts.lots.push(ExpiringLot { account_id, lot, expires_at });
        }
    }

    fn generation(&mut self, position: i64, event: &Event) {
        match event {
            Event::GenerationStarted(e) => {
                let lease_us = self.moment.lease_ms * 1_000;
                self.claim(e.generation, e.attempt, self.moment.now + lease_us, lease_us);
            }
            // It was claimed over: the lease is another's.
            Event::GenerationAttempted(e)
                if self.loaded.state.last_attempt(e.generation) > Some(e.attempt) => {}
            // The attempt is over: others may claim as soon as the vendor may be asked again.
            Event::GenerationAttempted(e) => {
                let free_at = match &self.request.command {
                    Command::GenerationAttempt(c) => self.moment.now + i64::from(c.retry_after_ms) * 1_000,
                    _ => 0,
                };
                self.claim(e.generation, e.attempt, free_at, 0);
            }
            Event::GenerationSucceeded(e) => self.succeeded(position, e),
            Event::GenerationFailed(e) => {
                self.words(e);
                self.close_job(e.generation);
                self.tell(position, "GenerationFailed", e.generation.to_string());
            }
            Event::GenerationCanceled(e) => {
                self.close_job(e.generation);
                self.tell(position, "GenerationCanceled", e.generation.to_string());
            }
            Event::GenerationDelivered(e) => {
                self.files(e.generation);
                self.told(position, e.generation.to_string(), "GenerationSucceeded");
            }
            Event::DeliveryFailed(e) if e.r#final => {
                self.told(position, e.generation.to_string(), "GenerationSucceeded");
                // These are compensated.
                if matches!(e.reason, DeliveryTrouble::BytesLost | DeliveryTrouble::Refused) {
                    self.tell(position, "DeliveryFailed", e.generation.to_string());
                }
            }
            _ => {}
        }
    }

    fn identity(&mut self) {
        if let (Command::AccountOpen(c), AccountRef::Telegram(user)) =
            (&self.request.command, self.request.account)
        {
            self.side.inserts.identities.push(Identity {
                telegram_user_id: user,
                account_id: self.account.0,
                key: self.loaded.key.to_vec(),
                language: c.language.to_string(),
                name: c.name.to_string(),
            });
        }
    }

    /// One that a bill brought once more is told where it was paid.
    fn payment_opened(&mut self, position: i64, e: &PaymentOpened) {
        let account_id = self.account.0;
        let (place, email) = match &self.request.command {
            Command::TopupOpen(c) => (Some(c.context), c.email.as_ref().map(ToString::to_string)),
            Command::PaymentSettle(c) => (c.context, None),
            _ => (None, None),
        };
        if let Some(ChatContext { chat, message, status_message }) = place
            && let Some(theirs) = self.theirs()
        {
            let subject = e.payment.to_string();
            theirs.contexts.push(Context { subject, account_id, chat, message, status_message, email });
        }
        let (payment, rail, expires_at) = (e.payment.to_string(), e.rail.as_str(), e.expires_at.get());
        self.side.inserts.payments.push(OpenPayment { payment, account_id, rail, position, expires_at });
    }

    fn refund_opened(&mut self, position: i64, e: &RefundOpened) {
        if let Command::RefundOpen(c) = &self.request.command {
            self.side.inserts.refunds.push(OpenRefund {
                refund: e.refund.to_string(),
                account_id: self.account.0,
                payment: e.payment.to_string(),
                rail: c.rail.as_str(),
                position,
            });
        }
    }

    fn link(&mut self, payment: PaymentId) {
        let account_id = self.account.0;
        if let Command::PaymentRegister(c) = &self.request.command
            && let Some(url) = &c.checkout_url
            && let Some(theirs) = self.theirs()
        {
            let (payment, checkout_url) = (payment.to_string(), url.to_string());
            theirs.links.push(Link { payment, account_id, checkout_url });
        }
    }

    fn close_payment(&mut self, position: i64, payment: PaymentId) {
        self.side.changes.closed_payments.push(payment.to_string());
        self.told(position, payment.to_string(), "PaymentRegistered");
    }

    /// The job is open as long as its reservation is (`ledger_domain`: they begin and end in one command).
    fn requested(&mut self, position: i64, e: &GenerationRequested, events: &[Event]) {
        let (account_id, generation) = (self.account.0, e.generation);
        if let Command::GenerationRequest(c) = &self.request.command
            && let Some(theirs) = self.theirs()
        {
            theirs.contents.push(Content {
                generation: generation.to_string(),
                account_id,
                prompt: c.prompt.to_string(),
                file_refs: c.references.iter().map(ToString::to_string).collect(),
                position,
                chat: c.context.chat,
                message: c.context.message,
                status_message: c.context.status_message,
                system: c.system.as_ref().map(ToString::to_string),
                conversation: c.conversation.as_ref().map(ToString::to_string),
                follows: c.follows.map(|followed| followed.to_string()),
            });
        }
        let deadline = events.iter().find_map(|event| match event {
            Event::CreditsReserved(e) if e.generation == generation => Some(e.deadline.get()),
            _ => None,
        });
        if let Some(deadline) = deadline {
            let (generation, kind, model) = (generation.to_string(), e.kind.as_str(), e.model.to_string());
            self.side.inserts.jobs.push(Job { generation, account_id, position, deadline, kind, model });
        }
    }

    fn claim(&mut self, generation: GenerationId, attempt: Attempt, lease_until: i64, lease_us: i64) {
        let doubts = small(self.loaded.state.doubts(generation).into());
        let unpaid = small(self.loaded.state.unpaid(generation).into());
        let (generation, attempt) = (generation.to_string(), small(attempt.get()));
        self.side.changes.claims.push(Claim { generation, attempt, lease_until, lease_us, doubts, unpaid });
    }

    fn close_job(&mut self, generation: GenerationId) {
        self.side.changes.closed_jobs.push(generation.to_string());
    }

    fn succeeded(&mut self, position: i64, e: &GenerationSucceeded) {
        if let Command::GenerationComplete(c) = &self.request.command {
            self.outputs(e.generation, &c.outputs);
        }
        match e.settlement {
            Settlement::Charged => self.close_job(e.generation),
            // It had failed by its deadline, and its job was closed then.
            Settlement::Late | Settlement::GivenAway => {
                self.told(position, e.generation.to_string(), "GenerationFailed");
            }
        }
        self.tell(position, "GenerationSucceeded", e.generation.to_string());
    }

    /// What was said instead of a picture. Nothing else may still come for one that failed so.
    fn words(&mut self, e: &GenerationFailed) {
        if let Command::GenerationFail(c) = &self.request.command
            && e.reason == Trouble::TextInstead
        {
            self.outputs(e.generation, c.text.as_slice());
        }
    }

    fn outputs(&mut self, generation: GenerationId, made: &[MadeOutput]) {
        let account_id = self.account.0;
        if let Some(theirs) = self.theirs() {
            theirs.outputs.extend((0..).zip(made).map(|(ordinal, made)| StoredOutput {
                generation: generation.to_string(),
                ordinal,
                account_id,
                object: made.object.to_string(),
                sha256: made.sha256.to_string(),
                media_type: made.media_type.as_str(),
                bytes: made.bytes.into(),
                width: made.width.map(Into::into),
                height: made.height.map(Into::into),
            }));
        }
    }

    fn files(&mut self, generation: GenerationId) {
        if let Command::DeliveryConfirm(c) = &self.request.command {
            let names = c.unique_ids.iter().map(|name| Some(name.to_string())).chain(std::iter::repeat(None));
            let files = (0..).zip(c.file_ids.iter().zip(names));
            self.side.changes.files.extend(files.map(|(ordinal, (file_id, unique_id))| SentFile {
                generation: generation.to_string(),
                ordinal,
                file_id: file_id.to_string(),
                unique_id,
            }));
        }
    }

    fn tell(&mut self, position: i64, event_type: &'static str, subject: String) {
        let account_id = self.account.0;
        if let Some(theirs) = self.theirs() {
            theirs.deliveries.push(Delivery { position, account_id, event_type, subject });
        }
    }

    /// Tellings of this before this position are over.
    fn told(&mut self, newer: i64, subject: String, event_type: &'static str) {
        self.side.changes.told.push(Told { subject, event_type, newer });
    }
}

/// What of a reservation goes back to its lots.
fn returned(event: &Event) -> &[LotPart] {
    match event {
        Event::ReservationCommitted(e) => &e.returned,
        Event::ReservationReleased(e) => &e.returned,
        Event::ReservationExpired(e) => &e.returned,
        _ => &[],
    }
}

/// Attempts are far fewer than a column holds.
fn small(attempt: i64) -> i16 {
    i16::try_from(attempt).unwrap_or(i16::MAX)
}
