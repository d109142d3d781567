//! Whole Moscow days of YooKassa's books, uploaded for the ledger to compare with the log.
//!
//! A day is uploaded an hour after its end, with an hour of the days beside it, so that what two clocks date
//! differently is found. Days that were missed, because nobody ran, follow. What the ledger does not know of a day is
//! proven before the day is compared: a round alone looks no further back than notifications are repeated.

use proto_events::{
    AccountId, CommandId, Micros, Provider,
    commands::{Operation, PROVIDER_ROWS_MAX, ProviderDayDone, ProviderRow, ProviderRowsPut},
    envelope::AccountRef,
    events::{DayNumber, MoneyMoved},
    queries::{ReconciledQuery, ReconciledView},
};
use service::ledger::SendError;

use super::{Reconciler, Tally, followed::Followed};
use crate::{
    clock,
    proof::Away,
    yookassa::{Listed, Payment, Refund, provider_id},
};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// UTC+3 all year.
const MOSCOW_US: i64 = 3 * HOUR_US;
/// After a day's end, until its books are read.
const SETTLED_US: i64 = HOUR_US;
/// Of the days beside a day.
const MARGIN_US: i64 = HOUR_US;
/// How many days back are made up for.
const MISSED_MAX: i32 = 31;

/// The newest day whose books are read by this time.
pub(super) fn newest(now: Micros) -> i32 {
    let ended = (now.get() + MOSCOW_US - SETTLED_US).div_euclid(DAY_US) - 1;
    i32::try_from(ended).unwrap_or(0)
}

/// Which days are to be uploaded, oldest first: all since the newest that was, or the newest alone.
fn due(done: &[DayNumber], now: Micros) -> Vec<i32> {
    let newest = newest(now);
    let first = match done.iter().map(|day| day.get()).max() {
        Some(last) => (last + 1).max(newest - MISSED_MAX + 1),
        None => newest,
    };
    (first..=newest).collect()
}

impl Reconciler {
    pub(super) async fn upload_days(&self, now: Micros, followed: &mut Followed) -> Result<(), Away> {
        let query = ReconciledQuery { provider: Provider::Yookassa };
        let asked = self.prover.ledger.ask::<ReconciledView>("reconciled", &query, None).await;
        let done = asked.map_err(Away::Ledger)?.days;
        for day in due(&done, now) {
            let rows = self.upload(day, followed).await?;
            tracing::info!(day, rows, "a day of YooKassa's books is uploaded");
        }
        Ok(())
    }

    async fn upload(&self, day: i32, followed: &mut Followed) -> Result<usize, Away> {
        let start = i64::from(day) * DAY_US - MOSCOW_US;
        let at = |us: i64| Micros::new(us).unwrap_or_default();
        let (from, to) = (at(start - MARGIN_US), at(start + DAY_US + MARGIN_US));
        let (mut count, mut tally) = (0, Tally::default());
        let mut payments = self.prover.yookassa.payments(Listed::Taken { from, to });
        while let Some(page) = payments.next().await.map_err(Away::YooKassa)? {
            self.payments_of(&page, &mut tally).await?;
            count += self.put(day, page.iter().filter_map(of_payment).collect()).await?;
        }
        let mut refunds = self.prover.yookassa.refunds(Listed::Made { from, to });
        while let Some(page) = refunds.next().await.map_err(Away::YooKassa)? {
            self.refunds_of(&page, (from, newest(clock::now())), followed, &mut tally).await?;
            count += self.put(day, page.iter().filter_map(of_refund).collect()).await?;
        }
        if let Err(error) = tally.done() {
            let why: &dyn std::error::Error = &error;
            tracing::warn!(
                day,
                error = why,
                "something of a day can't be proven now; the comparison will name it"
            );
        }
        let Some(number) = DayNumber::new(day) else { return Ok(count) };
        fail::fail_point!("payments.day_uploaded");
        let whole = ProviderDayDone { provider: Provider::Yookassa, day: number };
        self.operate(day, Operation::ProviderDayDone(whole)).await?;
        Ok(count)
    }

    async fn put(&self, day: i32, rows: Vec<ProviderRow>) -> Result<usize, Away> {
        let count = rows.len();
        for rows in rows.chunks(PROVIDER_ROWS_MAX) {
            let put = ProviderRowsPut { provider: Provider::Yookassa, rows: rows.to_vec() };
            self.operate(day, Operation::ProviderRowsPut(put)).await?;
        }
        Ok(count)
    }

    async fn operate(&self, day: i32, operation: Operation) -> Result<(), Away> {
        let id = CommandId::new(format!("books:yookassa:{day}"))
            .map_err(|error| Away::Ledger(SendError::Unknown(error.to_string())))?;
        let nobody = AccountRef::Id(AccountId::OPERATIONS);
        self.prover.ledger.operate(id, nobody, operation).await.map(|_| ()).map_err(Away::Ledger)
    }
}

/// `None` for what is not taken, or can't be read: the log of the adapter's rounds has it.
fn of_payment(payment: &Payment) -> Option<ProviderRow> {
    let amount = payment.amount.money()?;
    let fits = |net: &proto_events::Money| net.currency == amount.currency && net.minor() <= amount.minor();
    (payment.status == "succeeded").then_some(())?;
    Some(ProviderRow {
        of: MoneyMoved::Payment,
        id: provider_id(&payment.id)?,
        payment_id: None,
        amount,
        net: payment.income_amount.as_ref().and_then(|net| net.money()).filter(fits),
        at: payment.captured()?,
    })
}

fn of_refund(refund: &Refund) -> Option<ProviderRow> {
    (refund.status == "succeeded").then_some(())?;
    Some(ProviderRow {
        of: MoneyMoved::Refund,
        id: provider_id(&refund.id)?,
        payment_id: provider_id(&refund.payment_id),
        amount: refund.amount.money()?,
        net: None,
        at: refund.made()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Midnight of Moscow at the beginning of that day, and so many hours.
    fn at(day: i64, hours: i64) -> Micros {
        Micros::new(day * DAY_US - MOSCOW_US + hours * HOUR_US).unwrap()
    }

    #[test]
    fn a_day_is_due_an_hour_after_its_end_and_missed_ones_follow() {
        let done = |days: &[i32]| days.iter().map(|d| DayNumber::new(*d).unwrap()).collect::<Vec<_>>();
        assert_eq!(due(&[], at(20_000, 0)), [19_998]);
        assert_eq!(due(&[], at(20_000, 1)), [19_999]);
        assert_eq!(due(&done(&[19_999, 19_998]), at(20_000, 23)), Vec::<i32>::new());
        assert_eq!(due(&done(&[19_996]), at(20_000, 2)), [19_997, 19_998, 19_999]);
        assert_eq!(due(&done(&[10]), at(20_000, 2)).len(), 31);
    }
}
