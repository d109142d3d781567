//! Telegram's book of Stars compared with the log, again and again.
//!
//! At the start its last three days are read, later what was written since, with some overlap. A payment
//! that the log does not know is a message that was lost: it is credited by what its invoice said. Stars
//! that went back without a word of ours take their credits along. An hour after a Moscow day is over its
//! rows go to the ledger, which compares the two and names what disagrees.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use proto_events::Micros;
use proto_events::commands::PROVIDER_ROWS_MAX;
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
    /// The number after the last row that was dealt with.
    done: Option<u64>,
    odd: HashSet<(Side, ProviderId)>,
}

impl Reconciler {
    pub fn new(desk: Desk, till: Till, book: Book, every: Duration) -> Self {
        Self { desk, till, book, every, done: None, odd: HashSet::new() }
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
        let (rows, end) = match self.done {
            Some(done) => self.book.from(done.saturating_sub(OVERLAP)).await?,
            None => {
                let end = self.book.end().await?;
                (self.book.since(back(now, BACK_US)).await?, end)
            }
        };
        for rows in rows.chunks(PROVIDER_ROWS_MAX) {
            self.find(rows).await?;
        }
        self.done = Some(end);
        self.hand_over(now).await
    }

    /// Brings into the log what it does not know of these rows: payments before what gives them back.
    async fn find(&mut self, rows: &[Row]) -> Result<(), Broken> {
        let ids = |side: Side| rows.iter().filter(|r| r.side == side).map(|r| r.id.clone()).collect();
        let known = self.desk.known(ids(Side::Paid), ids(Side::Returned)).await?;
        let paid: HashSet<&ProviderId> = known.payments.iter().map(|known| &known.id).collect();
        let returned: HashSet<&ProviderId> = known.refunds.iter().map(|known| &known.id).collect();
        for row in rows {
            let known = match row.side {
                Side::Paid => paid.contains(&row.id),
                Side::Returned => returned.contains(&row.id),
            };
            let key = (row.side, row.id.clone());
            if known || self.odd.contains(&key) {
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
            if odd && self.odd.len() < ODD_MAX {
                self.odd.insert(key);
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
        let mut days: BTreeMap<i32, Vec<Row>> = (first..=last).map(|day| (day, Vec::new())).collect();
        for row in self.book.since(clock::day_start(from)).await? {
            let day = clock::moscow_day(row.at).and_then(|day| days.get_mut(&day.get()));
            if let Some(rows) = day {
                rows.push(row);
            }
        }
        for (day, rows) in days {
            for rows in rows.chunks(PROVIDER_ROWS_MAX) {
                self.desk.put_rows(rows.iter().map(Row::for_books).collect()).await?;
            }
            let Some(number) = DayNumber::new(day) else { continue };
            self.desk.day_done(number).await?;
            tracing::info!(day, rows = rows.len(), "a day of Telegram's book of Stars was handed over");
        }
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
