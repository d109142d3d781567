//! Stars that the shop gives back. The credits are gone already when a refund is open; here Telegram is
//! asked, and what it says is recorded: settled, or failed, which brings the credits back.
//!
//! Telegram has no key for a repeat, but gives a charge back once: asking again is safe, and "already
//! refunded" is success. A doubt is resolved by its book before it is asked again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proto_events::commands::{RefundFail, RefundSettle};
use proto_events::events::ProviderId;
use proto_events::queries::{RefundState, RefundView};
use proto_events::{Micros, Position, Rail, RefundId, Text};
use service::ledger::SendError;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::book::Book;
use crate::clock;
use crate::desk::Desk;
use crate::outbound::{Error, Telegram};

/// When the event stream is silent. An open refund is rare.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const PAGE: u16 = 100;
/// Open refunds in one sweep.
const PAGES_MAX: usize = 20;
/// After a try that settled nothing: 2 s, doubled up to this. Stars that were withdrawn, or a Telegram that
/// is down, may take a person days.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Refunds {
    desk: Desk,
    telegram: Telegram,
    book: Book,
    wake: Arc<Notify>,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Over,
    Again,
}

impl Refunds {
    pub fn new(desk: Desk, telegram: Telegram, book: Book) -> Self {
        Self { desk, telegram, book, wake: Arc::default() }
    }

    /// A refund was opened: look at once.
    pub fn hear(&self) {
        self.wake.notify_one();
    }

    pub async fn run(&self, shutdown: CancellationToken) {
        // Refund → when it is tried again, and how often it was.
        let mut later: HashMap<RefundId, (Instant, u32)> = HashMap::new();
        while !shutdown.is_cancelled() {
            match self.open().await {
                Ok(open) => {
                    later.retain(|refund, _| open.iter().any(|view| view.refund == *refund));
                    for view in &open {
                        let (due, tries) = later.get(&view.refund).copied().unwrap_or((Instant::now(), 0));
                        if due > Instant::now() || shutdown.is_cancelled() {
                            continue;
                        }
                        match self.give_back(view).await {
                            Tried::Over => later.remove(&view.refund),
                            Tried::Again => {
                                later.insert(view.refund, (Instant::now() + pause(tries), tries + 1))
                            }
                        };
                    }
                }
                Err(error) => tracing::warn!(%error, "the ledger did not show its open refunds"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(SWEEP_EVERY.min(next_due(&later))) => {}
            }
        }
    }

    async fn open(&self) -> Result<Vec<RefundView>, SendError> {
        let mut open: Vec<RefundView> = Vec::new();
        for _ in 0..PAGES_MAX {
            let after = open.last().map_or(Position::ZERO, |last| last.position);
            let page = self.desk.refunds_open(PAGE, after).await?;
            let is_last = page.len() < usize::from(PAGE);
            open.extend(page);
            if is_last {
                break;
            }
        }
        open.retain(|view| view.rail == Rail::Stars && view.state == RefundState::Opened);
        Ok(open)
    }

    async fn give_back(&self, view: &RefundView) -> Tried {
        let refund = view.refund;
        let Some(charge) = &view.provider_payment_id else {
            tracing::error!(%refund, "a refund of Stars whose payment has no charge");
            return Tried::Again;
        };
        let asked = match view.telegram_user {
            Some(user) => self.ask(user, charge).await,
            // Whose account is erased: Telegram's book still knows who paid.
            None => self.ask_by_book(charge).await,
        };
        let outcome = match asked {
            Ok(Answer::Returned(at)) => self.settle(view, charge, at).await,
            Ok(Answer::Never(reason)) => self.fail(view, reason).await,
            Err(error) => {
                tracing::warn!(%refund, %error, "Stars could not be given back yet");
                metrics::counter!("telegram_star_refunds_total", "outcome" => "later").increment(1);
                return Tried::Again;
            }
        };
        match outcome {
            Ok(()) => Tried::Over,
            Err(error) => {
                tracing::error!(%refund, %error, "what became of a refund is not recorded; it is asked again");
                Tried::Again
            }
        }
    }

    async fn ask(&self, user: i64, charge: &ProviderId) -> Result<Answer, Error> {
        let Ok(id) = u64::try_from(user) else { return Ok(Answer::Never("USER_ID_INVALID")) };
        match self.telegram.refund_stars(id, charge.as_str()).await {
            Ok(()) => {
                fail::fail_point!("telegram.stars_returned");
                Ok(Answer::Returned(self.returned_at(charge).await))
            }
            Err(error) => match verdict(&error) {
                Verdict::Already => Ok(Answer::Returned(self.returned_at(charge).await)),
                Verdict::Never(reason) => self.believe(user, charge, reason).await,
                Verdict::Doubt => match self.book.returned(charge).await? {
                    Some(row) => Ok(Answer::Returned(row.at)),
                    None => Err(error),
                },
                Verdict::Later => Err(error),
            },
        }
    }

    async fn ask_by_book(&self, charge: &ProviderId) -> Result<Answer, Error> {
        match self.book.find(charge).await?.paid {
            Some(row) => self.ask(row.user, charge).await,
            None => Ok(Answer::Never("CHARGE_NOT_FOUND")),
        }
    }

    /// A no for good brings the credits back, so the book is looked at before it is believed.
    async fn believe(&self, user: i64, charge: &ProviderId, reason: &'static str) -> Result<Answer, Error> {
        let found = self.book.find(charge).await?;
        match (found.returned, found.paid) {
            (Some(row), _) => Ok(Answer::Returned(row.at)),
            (None, Some(row)) if row.user != user => match u64::try_from(row.user) {
                Ok(payer) => {
                    self.telegram.refund_stars(payer, charge.as_str()).await?;
                    Ok(Answer::Returned(self.returned_at(charge).await))
                }
                Err(_) => Ok(Answer::Never(reason)),
            },
            (None, _) => Ok(Answer::Never(reason)),
        }
    }

    /// By Telegram's clock, since days are compared by it; by ours if its book can't be read now.
    async fn returned_at(&self, charge: &ProviderId) -> Micros {
        match self.book.returned(charge).await {
            Ok(row) => row.map_or_else(clock::now, |row| row.at),
            Err(error) => {
                tracing::warn!(%charge, %error, "when Stars went back is not known");
                clock::now()
            }
        }
    }

    async fn settle(&self, view: &RefundView, charge: &ProviderId, at: Micros) -> Result<(), SendError> {
        let settle = RefundSettle {
            refund: view.refund,
            rail: Rail::Stars,
            provider_refund_id: charge.clone(),
            amount: view.amount,
            refunded_at: Some(at),
        };
        let settled = self.desk.settle_refund(settle).await;
        fail::fail_point!("telegram.refund_settled");
        self.note(view, "returned", &settled);
        known(settled)
    }

    async fn fail(&self, view: &RefundView, reason: &'static str) -> Result<(), SendError> {
        let fail = RefundFail { refund: view.refund, rail: Rail::Stars, reason: Text::lossy(reason) };
        let failed = self.desk.fail_refund(fail).await;
        self.note(view, "failed", &failed);
        known(failed)
    }

    fn note(&self, view: &RefundView, outcome: &'static str, recorded: &Result<(), SendError>) {
        metrics::counter!("telegram_star_refunds_total", "outcome" => outcome).increment(1);
        let refused = recorded.as_ref().err().and_then(SendError::code);
        tracing::info!(refund = %view.refund, outcome, refused, "Telegram was asked to give Stars back");
    }
}

enum Answer {
    Returned(Micros),
    /// Telegram will not, for this reason.
    Never(&'static str),
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Already,
    Never(&'static str),
    Doubt,
    Later,
}

fn verdict(error: &Error) -> Verdict {
    const NEVER: [&str; 3] = ["CHARGE_NOT_FOUND", "CHARGE_ID_INVALID", "USER_ID_INVALID"];
    match error.refused() {
        Some(words) if words.contains("CHARGE_ALREADY_REFUNDED") => Verdict::Already,
        Some(words) => {
            NEVER.into_iter().find(|never| words.contains(never)).map_or(Verdict::Later, Verdict::Never)
        }
        None if matches!(error, Error::InDoubt(_)) => Verdict::Doubt,
        None => Verdict::Later,
    }
}

/// Refusals that say that it was so already.
fn known(sent: Result<(), SendError>) -> Result<(), SendError> {
    match sent {
        Err(error) if matches!(error.code(), Some("refund_closed" | "command_id_reused")) => Ok(()),
        sent => sent,
    }
}

fn pause(tries: u32) -> Duration {
    PAUSE_MIN.saturating_mul(1 << tries.min(8)).min(PAUSE_MAX)
}

fn next_due(later: &HashMap<RefundId, (Instant, u32)>) -> Duration {
    let next = later.values().map(|(due, _)| *due).min();
    next.map_or(SWEEP_EVERY, |due| due.saturating_duration_since(Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_telegram_says_is_final_only_where_it_names_the_charge_or_the_person() {
        let said = |words: &str| verdict(&Error::Refused(words.to_owned()));
        assert_eq!(said("Bad Request: CHARGE_ALREADY_REFUNDED"), Verdict::Already);
        assert_eq!(said("Bad Request: CHARGE_NOT_FOUND"), Verdict::Never("CHARGE_NOT_FOUND"));
        assert_eq!(said("Bad Request: USER_ID_INVALID"), Verdict::Never("USER_ID_INVALID"));
        assert_eq!(said("Bad Request: BALANCE_TOO_LOW"), Verdict::Later);
        assert_eq!(verdict(&Error::InDoubt("no answer in time".to_owned())), Verdict::Doubt);
        assert_eq!(verdict(&Error::NotReached(String::new())), Verdict::Later);
        assert_eq!(verdict(&Error::Blocked("Forbidden: user is deactivated".to_owned())), Verdict::Later);
    }

    #[test]
    fn pauses_grow_to_their_bound() {
        assert_eq!([0, 1, 3, 30].map(|tries| pause(tries).as_secs()), [2, 4, 16, 300]);
    }
}
