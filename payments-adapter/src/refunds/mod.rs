//! Gives money back at YooKassa for a refund that was opened here, until YooKassa has said how it ended.
//!
//! The ledger has taken the credits back already. POST /refunds under Idempotence-Key = our refund id, always in
//! the same words; a repeat within 24 h finds the first one, after that it is looked for first. A definite
//! refusal gives the credits back. YooKassa notifies success only: what is pending is asked for until it ends.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proto_events::{
    events::{ProviderId, RefundBy},
    queries::{RefundState, RefundView},
};

use crate::{
    agenda, clock,
    proof::{Away, Outcome, Prover},
    receipt::Terms,
    yookassa::{self, Amount, Error, METADATA_PAYMENT, METADATA_REFUND, NewRefund, Refund, provider_id},
};

/// As for payments: an hour is left of the 24 for clocks that differ and calls that lie about.
const KEY_KNOWN_MS: i64 = 23 * 3_600_000;
/// A person must act; asking more often only fills the log.
const ACCESS_AGAIN: Duration = Duration::from_secs(60);
/// A refund so young has not been tried before, also by a process that has died since.
const FRESH: Duration = Duration::from_secs(10);
/// Banks take days.
const PENDING_MAX: Duration = Duration::from_secs(3600);

/// What became of a try: when the next one is due, if it has not ended.
pub type Next = Option<Duration>;

pub struct Returner {
    pub prover: Arc<Prover>,
    /// Where the shop gives receipts.
    pub receipts: Option<Terms>,
}

impl Returner {
    /// One try. Safe to repeat at any time, also by several processes at once. `tries`: without an outcome, so far.
    pub async fn give_back(&self, ours: &RefundView, tries: u32) -> Next {
        let again = Some(agenda::retry_after(tries));
        match self.step(ours, tries).await {
            Ok(Outcome::Waiting) => {
                let age = clock::age(ours.opened_at);
                Some((age / 4).clamp(agenda::POLL_MIN, PENDING_MAX))
            }
            Ok(Outcome::Final | Outcome::Quarantined) => None,
            // It is said in the log; a person looks.
            Ok(Outcome::NotOurs | Outcome::Unknown) => Some(PENDING_MAX),
            Err(Away::YooKassa(Error::Access { codes })) => {
                tracing::error!(refund = %ours.refund, codes, "YooKassa does not let us refund: check YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY");
                metrics::counter!("payments_access_refused_total").increment(1);
                Some(ACCESS_AGAIN)
            }
            Err(Away::YooKassa(Error::TooMany { after })) => after.or(again),
            Err(error) => {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(refund = %ours.refund, error = why, "a refund's outcome is not known; the same again");
                again
            }
        }
    }

    async fn step(&self, ours: &RefundView, tries: u32) -> Result<Outcome, Away> {
        if ours.state != RefundState::Opened {
            return Ok(Outcome::Final);
        }
        let Some(payment) = &ours.provider_payment_id else {
            tracing::error!(refund = %ours.refund, "a refund of a payment that has no id at YooKassa; a person must look");
            return Ok(Outcome::NotOurs);
        };
        let young = clock::now() < ours.opened_at.plus_ms(KEY_KNOWN_MS);
        // Made there already: it needs no request, only its end.
        if !young || ours.by == RefundBy::Provider {
            if let Some(theirs) = self.prover.named(ours.refund, payment).await? {
                return self.end(&theirs).await;
            }
            if ours.by == RefundBy::Provider {
                return Ok(Outcome::Waiting);
            }
        }
        // What did not go through at once, somebody may have made by hand meanwhile.
        let first = tries == 0 && clock::age(ours.opened_at) < FRESH;
        if !first && let Some(theirs) = self.prover.in_its_place(ours, payment).await? {
            tracing::warn!(refund = %ours.refund, "a refund was made at YooKassa in place of ours; ours is not");
            return self.end(&theirs).await;
        }
        let Some(body) = self.body(ours, payment) else {
            return self.fail(ours, "currency").await;
        };
        fail::fail_point!("payments.before_refund");
        match self.prover.yookassa.refund(ours.refund, &body).await {
            Ok(theirs) => {
                fail::fail_point!("payments.refunded");
                metrics::counter!("payments_refunds_asked_total").increment(1);
                self.as_it_is_now(theirs).await
            }
            // The key was used with other words (a receipt's terms changed), or what is refused may be there.
            Err(Error::Refused { code, parameter }) => match self.prover.named(ours.refund, payment).await? {
                Some(theirs) => self.end(&theirs).await,
                None => {
                    let reason = parameter.map_or(code.clone(), |parameter| format!("{code}: {parameter}"));
                    tracing::error!(refund = %ours.refund, reason, "YooKassa refused to give money back");
                    self.fail(ours, &reason).await
                }
            },
            Err(error) => Err(Away::YooKassa(error)),
        }
    }

    /// The answer to a repeated request is that of the first: a refund that was pending then may have ended.
    async fn as_it_is_now(&self, theirs: Refund) -> Result<Outcome, Away> {
        if theirs.status != "pending" {
            return self.end(&theirs).await;
        }
        match provider_id(&theirs.id) {
            Some(id) => Ok(self.prover.prove_refund(&id).await?.outcome),
            None => self.end(&theirs).await,
        }
    }

    async fn end(&self, theirs: &Refund) -> Result<Outcome, Away> {
        let Some(id) = provider_id(&theirs.id) else {
            tracing::error!("YooKassa's id of a refund has an unknown form");
            return Ok(Outcome::NotOurs);
        };
        Ok(self.prover.judge_refund(&id, theirs).await?.outcome)
    }

    async fn fail(&self, ours: &RefundView, reason: &str) -> Result<Outcome, Away> {
        Ok(self.prover.fail_refund(ours, reason).await?.outcome)
    }

    /// The same for the same refund, whenever and by whomever it is built. `None`: not in rubles.
    fn body(&self, ours: &RefundView, payment: &ProviderId) -> Option<NewRefund> {
        let receipt = match (&self.receipts, &ours.email) {
            (Some(terms), Some(email)) => Some(terms.receipt(email, ours.credits, ours.amount)?),
            _ => None,
        };
        Some(NewRefund {
            payment_id: payment.to_string(),
            amount: Amount {
                value: yookassa::amount::format(ours.amount)?,
                currency: ours.amount.currency.code().to_owned(),
            },
            description: format!("Plantain: возврат {}", ours.refund),
            receipt,
            metadata: BTreeMap::from([
                (METADATA_REFUND, ours.refund.to_string()),
                (METADATA_PAYMENT, ours.payment.to_string()),
            ]),
        })
    }
}
