//! The sweep: every open payment of the ledger is opened at YooKassa, or polled there until it is
//! final, and every open refund is given back. So neither the event stream nor notifications need to arrive.
//!
//! What is due when is kept in memory by [`agenda`]; losing it costs a call or two.

use std::{collections::HashSet, sync::Arc, time::Duration};

use proto_events::{
    Event, PaymentId, Position, Provider, PublishedEvent, Rail, RefundId,
    events::ProviderId,
    queries::{PaymentState, PaymentSweep, PaymentView, RefundQuery, RefundView},
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

use crate::{
    agenda::{self, Agenda, Place},
    clock,
    open::{Opened, Opener},
    proof::{Outcome, Prover, open_refunds},
    refunds::Returner,
};

/// How long an opened payment may lie when the stream is silent. A sweep costs the ledger a look at the
/// account of each open payment.
const SWEEP_EVERY: Duration = Duration::from_secs(3);
/// Open payments in one page of a sweep, oldest first: few enough to be looked up within a second.
const SWEEP_LEN_MAX: u16 = 100;
/// For an event that a newer version can read.
const UNREAD: Duration = Duration::from_secs(20);
/// Pages in one sweep: each payment closes within about an hour, so this is 10 000 an hour.
const PAGES_MAX: usize = 100;
/// How long the ledger is waited for, once a page: a slow one is not asked the same again meanwhile,
/// which would only make it slower. As long as a take-over.
const PAGE_WITHIN: Duration = Duration::from_secs(5);
/// Calls to YooKassa at once, besides those of notifications.
const CALLS_MAX: usize = 8;
/// The same for refunds, which wait for no payment.
const RETURNS_MAX: usize = 4;

/// Works off what the agenda says is due.
#[derive(Clone)]
pub struct Round {
    opener: Arc<Opener>,
    returner: Arc<Returner>,
    prover: Arc<Prover>,
    agenda: Agenda<PaymentId>,
    returns: Agenda<RefundId>,
    calls: Arc<Semaphore>,
    returning: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Round {
    pub fn new(opener: Opener, returner: Returner, prover: Arc<Prover>) -> Self {
        Self {
            opener: Arc::new(opener),
            returner: Arc::new(returner),
            prover,
            agenda: Agenda::default(),
            returns: Agenda::default(),
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            returning: Arc::new(Semaphore::new(RETURNS_MAX)),
            tasks: TaskTracker::new(),
        }
    }

    /// An event of the stream: one try at once, so that the person has the link soon. What does not
    /// succeed is the sweep's.
    pub async fn hear(&self, event: PublishedEvent) -> Verdict {
        let opened = match event.event() {
            Ok(Event::PaymentOpened(opened)) => opened,
            Ok(Event::RefundOpened(opened)) => {
                self.hear_refund(opened.refund).await;
                return Verdict::Done;
            }
            Ok(Event::PaymentSettled(e)) if e.net.is_none() && e.rail.provider() == Provider::Yookassa => {
                self.hear_settled(&e.provider_payment_id).await;
                return Verdict::Done;
            }
            Ok(_) => return Verdict::Done,
            Err(error) => {
                tracing::error!(position = %event.position, %error, "an event can't be read; the sweep will show its payment");
                return Verdict::Failed { why: error.to_string(), again: UNREAD };
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
                note_opened(place, done);
            }
            Ok(None) => place.put_back(None, Instant::now()),
            Err(error) => {
                tracing::warn!(payment = %opened.payment, %error, "the ledger did not show a payment");
                place.put_back(None, Instant::now());
            }
        }
        Verdict::Done
    }

    /// Settled by another's word: one try at once. What fails is left to the lists.
    async fn hear_settled(&self, id: &ProviderId) {
        if let Err(error) = self.prover.catch_up(id).await {
            let why: &dyn std::error::Error = &error;
            tracing::warn!(provider_payment_id = %id, error = why, "its fee and refunds are not known yet; the lists bring them");
        }
    }

    /// A refund was opened: one try at once. The rail is in what the ledger shows.
    async fn hear_refund(&self, refund: RefundId) {
        let Some(place) = self.returns.take(refund, Instant::now(), Instant::now()) else { return };
        let asked = self.prover.ledger.ask::<RefundView>("refund", &RefundQuery { refund }, None).await;
        let next = match asked {
            Ok(view) if view.rail != Rail::Stars => self.returner.give_back(&view, place.tries).await,
            Ok(_) | Err(SendError::Refused(_)) => None,
            Err(error) => {
                tracing::warn!(%refund, %error, "the ledger did not show a refund");
                None
            }
        };
        place.put_back(next, Instant::now());
    }

    /// Sweeps until told to stop; what is under way then is finished.
    pub async fn run(&self, health: Health, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ledger = self.prover.ledger.clone().with_deadline(PAGE_WITHIN).with_patience(PAGE_WITHIN);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => break,
            }
            let open = all_open(&ledger).await;
            let refunds = open_refunds(&ledger, None).await;
            health.set("ledger", open.is_ok());
            match open {
                Ok(open) => self.sweep(&open),
                Err(error) => tracing::warn!(%error, "the ledger did not show its open payments"),
            }
            match refunds {
                Ok(open) => self.sweep_refunds(open),
                Err(error) => tracing::warn!(%error, "the ledger did not show its open refunds"),
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn sweep(&self, open: &[PaymentView]) {
        let ours = || open.iter().filter(|view| view.rail == Rail::Yookassa);
        self.agenda.keep_only(&ours().map(|view| view.payment).collect::<HashSet<_>>());
        // Who waits for a link goes before who has one.
        let waits = |view: &&PaymentView| view.provider_payment_id.is_none();
        for view in ours().filter(waits).chain(ours().filter(|view| !waits(view))) {
            let Some(place) = self.place(view.payment, first_due(view)) else { continue };
            let (this, view) = (self.clone(), view.clone());
            // In hand while it waits for its turn, so that each waits once, in order.
            self.tasks.spawn(async move {
                let Ok(_call) = this.calls.clone().acquire_owned().await else { return };
                match &view.provider_payment_id {
                    None => {
                        let opened = this.opener.open(&view).await;
                        note_opened(place, opened);
                    }
                    Some(id) => this.poll(place, &view, id).await,
                }
            });
        }
    }

    fn sweep_refunds(&self, open: Vec<RefundView>) {
        self.returns.keep_only(&open.iter().map(|view| view.refund).collect::<HashSet<_>>());
        for view in open {
            let Some(place) = self.returns.take(view.refund, Instant::now(), Instant::now()) else {
                continue;
            };
            let this = self.clone();
            self.tasks.spawn(async move {
                let Ok(_call) = this.returning.clone().acquire_owned().await else { return };
                let next = this.returner.give_back(&view, place.tries).await;
                place.put_back(next, Instant::now());
            });
        }
    }

    async fn poll(&self, place: Place<PaymentId>, view: &PaymentView, id: &ProviderId) {
        let age = clock::age(view.opened_at);
        let after = match self.prover.prove(id).await.map(|proof| proof.outcome) {
            Ok(Outcome::Final) => None,
            Ok(Outcome::Waiting) => Some(agenda::poll_every(age)),
            Ok(Outcome::NotOurs | Outcome::Quarantined | Outcome::Unknown) => Some(agenda::POLL_MAX),
            Err(error) => {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(payment = %view.payment, provider_payment_id = %id, error = why, "not polled");
                Some(agenda::retry_after(place.tries))
            }
        };
        place.put_back(after, Instant::now());
    }

    fn place(&self, payment: PaymentId, first_due: Instant) -> Option<Place<PaymentId>> {
        self.agenda.take(payment, first_due, Instant::now())
    }
}

fn note_opened(place: Place<PaymentId>, opened: Opened) {
    let after = match opened {
        Opened::Done => None,
        Opened::Again => Some(agenda::retry_after(place.tries)),
        Opened::After(wait) => Some(wait.max(agenda::retry_after(place.tries))),
    };
    place.put_back(after, Instant::now());
}

/// Every open payment, page by page.
async fn all_open(ledger: &Ledger) -> Result<Vec<PaymentView>, SendError> {
    let mut open: Vec<PaymentView> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = open.last().map_or(Position::ZERO, |last| last.position);
        let query = PaymentSweep { limit: SWEEP_LEN_MAX, after, account: None };
        let page: Vec<PaymentView> = ledger.ask("payments_open", &query, None).await?;
        // A short page is not the last: one that can't be read is left out of it.
        if page.is_empty() {
            return Ok(open);
        }
        open.extend(page);
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
