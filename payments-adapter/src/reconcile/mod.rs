//! Finds what notifications did not bring: YooKassa's lists, page by page, against what the ledger knows.
//!
//! A round looks at what was taken since the last one, with an overlap: rows that appear while a list is paged
//! come at its top, so that a page never misses them for good. The first round of a process looks further
//! back than any notification is repeated. [`days`] uploads whole Moscow days, for the ledger to compare.

mod days;
mod lists;

use std::{sync::Arc, time::Duration};

use proto_events::{
    Micros, Provider,
    events::ProviderId,
    queries::{KnownQuery, KnownView},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    proof::{Away, Outcome, Prover},
    yookassa::{Listed, provider_id},
};

/// YooKassa repeats a notification for 24 h; a shop may have been away for a weekend.
const FIRST_LOOK_MS: i64 = 3 * 24 * 3_600_000;
/// How far a round looks before the last: lists lag, clocks differ, and a payment that nobody claims is waited
/// for half an hour.
const OVERLAP_MS: i64 = 3_600_000;
/// Refunds have one time, that of their making, and may end days after it.
const REFUNDS_LOOK_MS: i64 = 3 * 24 * 3_600_000;
/// Clocks may differ by so much.
const SLACK_MS: i64 = 5 * 60_000;

pub struct Reconciler {
    pub prover: Arc<Prover>,
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

impl Reconciler {
    /// Rounds until told to stop. One that fails is taken again, from where the last whole one began.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut from = clock::now().plus_ms(-FIRST_LOOK_MS);
        loop {
            let began = clock::now();
            match self.round(from, &shutdown).await {
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
            if let Err(error) = self.upload_days(clock::now()).await {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(error = why, "a day's books could not be uploaded; they are later");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    async fn round(&self, from: Micros, shutdown: &CancellationToken) -> Result<Found, Away> {
        let to = clock::now().plus_ms(SLACK_MS);
        let mut found = Found::default();
        let mut payments = self.payments(Listed::Taken { from, to });
        while let Some(page) = payments.next(&self.prover.yookassa).await? {
            let ids: Vec<ProviderId> = page.iter().filter_map(|payment| provider_id(&payment.id)).collect();
            let known = self.known(ids.clone(), Vec::new()).await?;
            found.seen += u64::try_from(ids.len()).unwrap_or(0);
            for id in ids.iter().filter(|id| !known.payments.iter().any(|known| known.id == **id)) {
                fail::fail_point!("payments.reconciling");
                found.unknown += 1;
                found.mended += u64::from(self.prover.prove(id).await?.outcome == Outcome::Final);
                if shutdown.is_cancelled() {
                    return Ok(found);
                }
            }
            // Telegram's word on a payment says nothing of the fee: YooKassa's does.
            for payment in page.iter().filter(|p| p.named().is_none() && p.income_amount.is_some()) {
                let Some(known) = known.payments.iter().find(|known| known.id.as_str() == payment.id) else {
                    continue;
                };
                let view = self.prover.view(known.payment).await.map_err(Away::Ledger)?;
                if view.is_some_and(|view| view.fee_unknown) {
                    self.prover.prove(&known.id).await?;
                }
            }
        }
        let from = from.min(clock::now().plus_ms(-REFUNDS_LOOK_MS));
        let mut refunds = self.refunds(Listed::Made { from, to });
        while let Some(page) = refunds.next(&self.prover.yookassa).await? {
            let ended = page.into_iter().filter(|refund| refund.status == "succeeded");
            let theirs: Vec<_> =
                ended.filter_map(|refund| Some((provider_id(&refund.id)?, refund))).collect();
            let known = self.known(Vec::new(), theirs.iter().map(|(id, _)| id.clone()).collect()).await?;
            found.seen += u64::try_from(theirs.len()).unwrap_or(0);
            for (id, _) in theirs.iter().filter(|(id, _)| !known.refunds.iter().any(|k| k.id == *id)) {
                fail::fail_point!("payments.reconciling");
                found.unknown += 1;
                match self.prover.prove_refund(id).await {
                    Ok(proof) => found.mended += u64::from(proof.outcome == Outcome::Final),
                    // One of ours has to end first.
                    Err(Away::TooEarly(why)) => {
                        tracing::info!(provider_refund_id = %id, why, "a refund waits")
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(found)
    }

    async fn known(&self, payments: Vec<ProviderId>, refunds: Vec<ProviderId>) -> Result<KnownView, Away> {
        let query = KnownQuery { provider: Provider::Yookassa, payments, refunds };
        self.prover.ledger.ask("known_to_us", &query, None).await.map_err(Away::Ledger)
    }
}
