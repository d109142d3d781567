//! Finds what notifications did not bring: YooKassa's lists, page by page, against what the ledger knows.
//!
//! A round looks at what was taken since the last one, with an overlap: rows that appear while a list is paged
//! come at its top, so that a page never misses them for good. The first round of a process looks further
//! back than any notification is repeated; how far for refunds, [`refunds`] says. [`days`] uploads whole Moscow days,
//! for the ledger to compare, and proves what was missed of days on which nobody ran.

mod days;
mod followed;
mod refunds;

use std::{sync::Arc, time::Duration};

use proto_events::{
    Micros, Provider,
    events::ProviderId,
    queries::{KnownQuery, KnownView},
};
use tokio_util::sync::CancellationToken;

use self::followed::Followed;
use crate::{
    clock,
    proof::{Away, Outcome, Proof, Prover},
    second_receipt::Seconds,
    yookassa::{Listed, Payment, provider_id},
};

/// YooKassa repeats a notification for 24 h; a shop may have been away for a weekend.
const FIRST_LOOK_MS: i64 = 3 * 24 * 3_600_000;
/// How far a round looks before the last: lists lag, clocks differ, and a payment that nobody claims is waited
/// for half an hour.
const OVERLAP_MS: i64 = 3_600_000;
/// Clocks may differ by so much.
const SLACK_MS: i64 = 5 * 60_000;

pub struct Reconciler {
    pub prover: Arc<Prover>,
    pub seconds: Seconds,
    /// PAYMENTS_RECONCILE_SECONDS
    pub every: Duration,
}

/// What a round found.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    seen: u64,
    unknown: u64,
    mended: u64,
}

/// Failures in a row after which nobody answers; before that, one that can't be proven does not hide the others.
const FAILURES_MAX: u32 = 3;

#[derive(Default)]
struct Tally {
    found: Found,
    in_a_row: u32,
    first: Option<Away>,
}

impl Tally {
    fn unknown(&mut self, id: &ProviderId, proven: Result<Proof, Away>) -> Result<(), Away> {
        self.found.unknown += 1;
        self.told(id, proven)
    }

    /// # Errors
    /// Nobody answers.
    fn told(&mut self, id: &ProviderId, proven: Result<Proof, Away>) -> Result<(), Away> {
        match proven {
            Ok(proof) => {
                self.in_a_row = 0;
                self.found.mended += u64::from(proof.outcome == Outcome::Final);
            }
            // One of ours has to end first.
            Err(Away::TooEarly(why)) => tracing::info!(provider_id = %id, why, "it waits"),
            Err(error) => {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(provider_id = %id, error = why, "it can't be proven now");
                self.in_a_row += 1;
                if self.in_a_row >= FAILURES_MAX {
                    return Err(error);
                }
                self.first.get_or_insert(error);
            }
        }
        Ok(())
    }

    /// Everything so far was proven.
    const fn is_whole(&self) -> bool {
        self.first.is_none()
    }

    /// The round was whole, if everything in it was proven.
    fn done(self) -> Result<Found, Away> {
        self.first.map_or(Ok(self.found), Err)
    }
}

impl Reconciler {
    /// Rounds until told to stop. One that fails is taken again, from where the last whole one began.
    pub async fn run(&self, shutdown: CancellationToken) {
        let (mut from, mut followed) = (clock::now().plus_ms(-FIRST_LOOK_MS), Followed::new(self.every));
        loop {
            let began = clock::now();
            match self.round(from, &mut followed, &shutdown).await {
                Ok(found) => {
                    from = began.plus_ms(-OVERLAP_MS);
                    metrics::counter!("payments_reconciled_total", "what" => "seen").increment(found.seen);
                    metrics::counter!("payments_reconciled_total", "what" => "mended")
                        .increment(found.mended);
                    let Found { seen, unknown, mended } = found;
                    if unknown > 0 {
                        tracing::warn!(
                            seen,
                            unknown,
                            mended,
                            "reconciled: YooKassa had what the ledger did not"
                        );
                    } else {
                        tracing::debug!(seen, "reconciled: nothing is missing");
                    }
                }
                Err(error) => {
                    let why: &dyn std::error::Error = &error;
                    tracing::warn!(error = why, "a round of reconciliation broke off; it is taken again");
                }
            }
            if let Err(error) = self.upload_days(clock::now(), &mut followed).await {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(error = why, "a day's books could not be uploaded; they are later");
            }
            if let Err(error) = self.seconds.round().await {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(error = why, "second receipts could not be given; they are later");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    async fn round(
        &self,
        from: Micros,
        followed: &mut Followed,
        shutdown: &CancellationToken,
    ) -> Result<Found, Away> {
        let to = clock::now().plus_ms(SLACK_MS);
        let mut tally = Tally::default();
        let mut payments = self.prover.yookassa.payments(Listed::Taken { from, to });
        while let Some(page) = payments.next().await.map_err(Away::YooKassa)? {
            self.payments_of(&page, &mut tally).await?;
            if shutdown.is_cancelled() {
                return tally.done();
            }
        }
        self.look_at_refunds((from, to), followed, &mut tally).await?;
        tally.done()
    }

    async fn payments_of(&self, page: &[Payment], tally: &mut Tally) -> Result<(), Away> {
        let ids: Vec<ProviderId> = page.iter().filter_map(|payment| provider_id(&payment.id)).collect();
        let known = self.known(ids.clone(), Vec::new()).await?;
        tally.found.seen += u64::try_from(ids.len()).unwrap_or(0);
        for id in ids.iter().filter(|id| !known.payments.iter().any(|known| known.id == **id)) {
            fail::fail_point!("payments.reconciling");
            tally.unknown(id, self.prover.prove(id).await)?;
        }
        // Telegram's word and a person's say nothing of the fee: YooKassa's does.
        for known in known.payments.iter().filter(|known| known.fee_unknown) {
            let tells = |theirs: &&Payment| theirs.id == known.id.as_str() && theirs.income_amount.is_some();
            if page.iter().any(|theirs| tells(&theirs)) {
                tally.told(&known.id, self.prover.catch_up(&known.id).await)?;
            }
        }
        Ok(())
    }

    async fn known(&self, payments: Vec<ProviderId>, refunds: Vec<ProviderId>) -> Result<KnownView, Away> {
        let query = KnownQuery { provider: Provider::Yookassa, payments, refunds };
        self.prover.ledger.ask("known_to_us", &query, None).await.map_err(Away::Ledger)
    }
}
