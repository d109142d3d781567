//! Telegram's book of Stars compared with the log, again and again.
//!
//! At the start its last three days are read, later what was written since, with some overlap. A payment
//! that the log does not know is a message that was lost: it is credited by what its invoice said. Stars
//! that went back without a word of ours take their credits along. The whole book is walked through besides, a
//! few pages a round: money that a person credited late may have gone back long before. An hour after a Moscow
//! day is over its rows go to the ledger, which compares the two and names what disagrees. Rows are read by the
//! page, and a round that breaks off is taken up where it was.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proto_events::Micros;
use proto_events::commands::ProviderRow;
use proto_events::events::{DayNumber, ProviderId};
use service::ledger::SendError;
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::row::{Row, Side};
use crate::clock;
use crate::desk::Desk;
use crate::outbound;
use crate::till::{Came, Till, Went};

/// Telegram keeps an update for a day; two more for an adapter that was down.
const BACK_US: i64 = 3 * clock::DAY_US;
/// Read again each time: what another instance, or a crash, has left.
const OVERLAP: u64 = 100;
/// Of the whole book, in one round: at the default of a round in 5 min, a quarter of a million rows a day.
const WALK_PAGES: usize = 10;
/// Rows stand in the order of their times, and Telegram has many clocks.
const SLACK_US: i64 = 3600 * 1_000_000;
/// After a day's end, until its books are taken as whole.
const SETTLING_US: i64 = 3600 * 1_000_000;
/// Days handed over in one round.
const DAYS_MAX: i32 = 31;
/// Rows that a person must look into, and that are not tried at each round.
const ODD_MAX: usize = 10_000;

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("Telegram's book of Stars can't be read: {0}")]
    Telegram(#[from] outbound::Error),
    #[error(transparent)]
    Ledger(#[from] SendError),
}

pub struct Reconciler {
    desk: Desk,
    till: Till,
    book: Book,
    every: Duration,
    /// Where the first look began, before which only the walk goes; the number after the last row dealt with.
    done: Option<(u64, u64)>,
    /// How far the walk through the whole book is.
    walked: u64,
    /// Whether the log knew the payment when the row was tried: what a person credits later is tried again.
    odd: HashMap<(Side, ProviderId), bool>,
}

impl Reconciler {
    pub fn new(desk: Desk, till: Till, book: Book, every: Duration) -> Self {
        Self { desk, till, book, every, done: None, walked: 0, odd: HashMap::new() }
    }

    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let round = tokio::select! {
                () = shutdown.cancelled() => return,
                round = self.round(clock::now()) => round,
            };
            let outcome = if round.is_ok() { "done" } else { "later" };
            metrics::counter!("telegram_star_rounds_total", "outcome" => outcome).increment(1);
            if let Err(error) = round {
                tracing::warn!(%error, "Stars could not be compared with the log");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    async fn round(&mut self, now: Micros) -> Result<(), Broken> {
        let (first, done) = match self.done {
            Some(known) => known,
            None => {
                let first = self.book.since(back(now, BACK_US)).await?;
                (first, first)
            }
        };
        let mut number = done.saturating_sub(OVERLAP).max(first);
        loop {
            let page = self.book.page(number).await?;
            if page.next == number {
                break;
            }
            self.find(&page.rows).await?;
            number = page.next;
            self.done = Some((first, number.max(done)));
        }
        if number < done {
            // Not even what was read before is there: it is another book.
            (self.done, self.walked) = (None, 0);
            return Err(self.book.moved().into());
        }
        self.done = Some((first, number));
        self.walk().await?;
        self.hand_over(now).await
    }

    /// A few pages more of the whole book, from its beginning again after its end. Only what names a payment of
    /// ours: what the bot sold before there was this log is none of its business.
    async fn walk(&mut self) -> Result<(), Broken> {
        for _ in 0..WALK_PAGES {
            let mut page = self.book.page(self.walked).await?;
            page.rows.retain(|row| row.charge().payment().is_some());
            self.find(&page.rows).await?;
            if page.next == self.walked {
                self.walked = 0;
                break;
            }
            self.walked = page.next;
        }
        Ok(())
    }

    /// Brings into the log what it does not know of these rows: payments before what gives them back.
    async fn find(&mut self, rows: &[Row]) -> Result<(), Broken> {
        if rows.is_empty() {
            return Ok(());
        }
        let ids: HashSet<&ProviderId> = rows.iter().map(|row| &row.id).collect();
        let returned = rows.iter().filter(|row| row.side == Side::Returned).map(|row| row.id.clone());
        let known = self.desk.known(ids.into_iter().cloned().collect(), returned.collect()).await?;
        let paid: HashSet<&ProviderId> = known.payments.iter().map(|known| &known.id).collect();
        let returned: HashSet<&ProviderId> = known.refunds.iter().map(|known| &known.id).collect();
        for row in rows {
            let is_paid = paid.contains(&row.id);
            let known = match row.side {
                Side::Paid => is_paid,
                Side::Returned => returned.contains(&row.id),
            };
            let key = (row.side, row.id.clone());
            if known || self.odd.get(&key).is_some_and(|was_paid| *was_paid || !is_paid) {
                continue;
            }
            let odd = match row.side {
                Side::Paid => {
                    let came = self.till.take(&row.charge()).await?;
                    tracing::warn!(charge = %row.id, ?came, "a payment was found in Telegram's book of Stars");
                    came != Came::Credited
                }
                Side::Returned => {
                    let went = self.till.give_back(&row.returned()).await?;
                    tracing::warn!(charge = %row.id, ?went, "a refund was found in Telegram's book of Stars");
                    went == Went::Odd
                }
            };
            if odd && (self.odd.len() < ODD_MAX || self.odd.contains_key(&key)) {
                self.odd.insert(key, is_paid);
            }
        }
        Ok(())
    }

    /// Every finished day that the ledger does not have yet.
    async fn hand_over(&self, now: Micros) -> Result<(), Broken> {
        let Some((first, last)) = due(self.desk.reconciled().await?.first().copied(), now) else {
            return Ok(());
        };
        let Some(from) = DayNumber::new(first) else { return Ok(()) };
        let mut number = self.book.since(back(clock::day_start(from), SLACK_US)).await?;
        let (days, mut count) = (first..=last, 0);
        loop {
            let page = self.book.page(number).await?;
            if page.next == number {
                break;
            }
            number = page.next;
            let is_due = |row: &&Row| clock::moscow_day(row.at).is_some_and(|day| days.contains(&day.get()));
            let rows: Vec<ProviderRow> = page.rows.iter().filter(is_due).map(Row::for_books).collect();
            count += rows.len();
            if !rows.is_empty() {
                self.desk.put_rows(rows).await?;
            }
        }
        for day in days.filter_map(DayNumber::new) {
            self.desk.day_done(day).await?;
        }
        tracing::info!(first, last, rows = count, "days of Telegram's book of Stars were handed over");
        Ok(())
    }
}

fn back(now: Micros, us: i64) -> Micros {
    Micros::new((now.get() - us).max(0)).unwrap_or_default()
}

/// The first and the last day to hand over. The ledger's newest is the one before; if it has none,
/// yesterday begins.
fn due(newest: Option<DayNumber>, now: Micros) -> Option<(i32, i32)> {
    let yesterday = clock::moscow_day(back(now, SETTLING_US))?.get() - 1;
    let first = newest.map_or(yesterday, |newest| newest.get() + 1);
    (first <= yesterday).then_some((first, yesterday.min(first + DAYS_MAX - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_is_due_an_hour_after_its_end_and_none_is_left_out() {
        let day = |number| DayNumber::new(number).unwrap();
        // 2026-11-22 in Moscow is day 20779.
        let begin = clock::day_start(day(20_779)).get();
        let at = |seconds: i64| Micros::new(begin + seconds * 1_000_000).unwrap();
        assert_eq!(due(None, at(3_599)), Some((20_777, 20_777)), "yesterday is not whole yet");
        assert_eq!(due(None, at(3_600)), Some((20_778, 20_778)));
        assert_eq!(due(Some(day(20_778)), at(80_000)), None);
        assert_eq!(due(Some(day(20_775)), at(3_600)), Some((20_776, 20_778)));
        assert_eq!(due(Some(day(20_000)), at(3_600)), Some((20_001, 20_031)));
    }
}
