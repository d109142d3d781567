//! The sweep: every open payment of the ledger is opened at YooKassa, or polled there until it is
//! final. So neither the event stream nor notifications need to arrive.
//!
//! What is due when is kept in memory by [`agenda`]; losing it costs a call or two.

mod agenda;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use proto_events::{
    Event, PaymentId, Position, PublishedEvent, Rail,
    events::ProviderId,
    queries::{PaymentState, PaymentSweep, PaymentView},
};
use service::{
    consumer::Verdict,
    http::Health,
    ledger::{Ledger, SendError},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::agenda::{Agenda, Place};
use crate::{
    clock,
    open::{Opened, Opener},
    proof::{Outcome, Prover},
};

/// How long an opened payment may lie when the stream is silent. A sweep costs the ledger a look at the
/// account of each open payment.
const SWEEP_EVERY: Duration = Duration::from_secs(3);
/// Open payments in one page of a sweep, oldest first.
const SWEEP_LEN_MAX: u16 = 500;
/// Pages in one sweep: each payment closes within about an hour, so this is 10 000 an hour.
const PAGES_MAX: usize = 20;
/// Calls to YooKassa at once, besides those of notifications.
const CALLS_MAX: usize = 8;

/// Works off what the agenda says is due.
#[derive(Clone)]
pub struct Round {
    opener: Arc<Opener>,
    prover: Arc<Prover>,
    agenda: Arc<Mutex<Agenda>>,
    calls: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Round {
    pub fn new(opener: Opener, prover: Arc<Prover>) -> Self {
        Self {
            opener: Arc::new(opener),
            prover,
            agenda: Arc::default(),
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            tasks: TaskTracker::new(),
        }
    }

    /// An event of the stream: one try at once, so that the person has the link soon. What does not
    /// succeed is the sweep's.
    pub async fn hear(&self, event: PublishedEvent) -> Verdict {
        let opened = match event.event() {
            Ok(Event::PaymentOpened(opened)) => opened,
            Ok(_) => return Verdict::Done,
            Err(error) => {
                tracing::error!(position = %event.position, %error, "an event can't be read; the sweep will show its payment");
                return Verdict::Done;
            }
        };
        if opened.rail != Rail::Yookassa {
            return Verdict::Done;
        }
        let Some(place) = self.place(opened.payment, Instant::now()) else { return Verdict::Done };
        // The event may be old news: the ledger knows what is so now.
        match self.prover.view(opened.payment).await {
            Ok(Some(view)) => {
                let done = self.opener.open(&view).await;
                self.note_opened(place, done);
            }
            Ok(None) => self.put_back(place, |_, _| None),
            Err(error) => {
                tracing::warn!(payment = %opened.payment, %error, "the ledger did not show a payment");
                self.put_back(place, |_, _| None);
            }
        }
        Verdict::Done
    }

    /// Sweeps until told to stop; what is under way then is finished.
    pub async fn run(&self, health: Health, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ledger = self.prover.ledger.clone().with_deadline(SWEEP_EVERY * 2);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => break,
            }
            let open = all_open(&ledger).await;
            health.set("ledger", open.is_ok());
            match open {
                Ok(open) => self.sweep(&open),
                Err(error) => tracing::warn!(%error, "the ledger did not show its open payments"),
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn sweep(&self, open: &[PaymentView]) {
        let ours = || open.iter().filter(|view| view.rail == Rail::Yookassa);
        self.agenda().keep_only(ours().map(|view| view.payment).collect());
        for view in ours() {
            let Ok(call) = self.calls.clone().try_acquire_owned() else { return };
            let Some(place) = self.place(view.payment, first_due(view)) else { continue };
            let (this, view) = (self.clone(), view.clone());
            self.tasks.spawn(async move {
                match &view.provider_payment_id {
                    None => {
                        let opened = this.opener.open(&view).await;
                        this.note_opened(place, opened);
                    }
                    Some(id) => this.poll(place, &view, id).await,
                }
                drop(call);
            });
        }
    }

    async fn poll(&self, place: Place, view: &PaymentView, id: &ProviderId) {
        let age = clock::age(view.opened_at);
        match self.prover.prove(id).await {
            Ok(Outcome::Final) => self.put_back(place, |_, _| None),
            Ok(Outcome::Waiting) => self.put_back(place, |_, _| Some(agenda::poll_every(age))),
            Ok(Outcome::NotOurs) => self.put_back(place, |_, _| Some(agenda::POLL_MAX)),
            Err(error) => {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(payment = %view.payment, provider_payment_id = %id, error = why, "not polled");
                self.put_back(place, |tries, _| Some(agenda::retry_after(tries)));
            }
        }
    }

    fn note_opened(&self, place: Place, opened: Opened) {
        self.put_back(place, |tries, _| match opened {
            Opened::Done => None,
            Opened::Again => Some(agenda::retry_after(tries)),
            Opened::After(wait) => Some(wait.max(agenda::retry_after(tries))),
        });
    }

    fn place(&self, payment: PaymentId, first_due: Instant) -> Option<Place> {
        self.agenda().take(payment, first_due, Instant::now())
    }

    fn put_back(&self, place: Place, wait: impl FnOnce(u32, Instant) -> Option<Duration>) {
        let now = Instant::now();
        let after = wait(place.tries, now);
        self.agenda().put_back(place, after, now);
    }

    fn agenda(&self) -> std::sync::MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every open payment, page by page.
async fn all_open(ledger: &Ledger) -> Result<Vec<PaymentView>, SendError> {
    let mut open: Vec<PaymentView> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = open.last().map_or(Position::ZERO, |last| last.position);
        let query = PaymentSweep { limit: SWEEP_LEN_MAX, after };
        let page: Vec<PaymentView> = ledger.ask("payments_open", &query, None).await?;
        let is_last = page.len() < usize::from(SWEEP_LEN_MAX);
        open.extend(page);
        if is_last {
            return Ok(open);
        }
    }
    tracing::warn!(count = open.len(), "more payments are open than one sweep takes");
    Ok(open)
}

/// When a payment that is new to us is first looked at: to be opened at once; to be polled not before
/// the payer had time to pay.
fn first_due(view: &PaymentView) -> Instant {
    let young = view.state == PaymentState::Registered && clock::age(view.opened_at) < agenda::POLL_MIN;
    Instant::now() + if young { agenda::POLL_MIN } else { Duration::ZERO }
}
