//! The proof of a refund: ours is settled or failed, one made in YooKassa's cabinet is opened and settled at once.

use proto_events::{
    Money, PaymentId, SomeMoney, Text,
    commands::{PaymentQuarantine, RefundFail, RefundOpen, RefundSettle},
    events::{PaymentProblem, PaymentSeen, ProviderId},
    queries::{PaymentState, PaymentView, RefundQuery, RefundState, RefundView},
};
use service::ledger::SendError;

use super::{Away, Outcome, Proof, Prover, found, word};
use crate::{
    clock,
    yookassa::{self, Refund, provider_id},
};

/// How long a refund that is more than we have left is asked again: one of ours may be under way, and fail.
const EXCEEDS_FOR_MS: i64 = 3_600_000;

impl Prover {
    /// # Errors
    /// YooKassa or the ledger did not answer; nothing is lost by trying again.
    pub async fn prove_refund(&self, id: &ProviderId) -> Result<Proof, Away> {
        let theirs = match self.yookassa.get_refund(id).await {
            Ok(refund) => refund,
            Err(yookassa::Error::NotFound) => {
                tracing::warn!(provider_refund_id = %id, "YooKassa has no such refund");
                metrics::counter!("payments_unknown_total").increment(1);
                return Ok(Proof::nobodys(Outcome::Unknown));
            }
            Err(error) => return Err(Away::YooKassa(error)),
        };
        if theirs.id != id.as_str() {
            tracing::error!(provider_refund_id = %id, "YooKassa showed another refund than was asked for");
            return Ok(Proof::nobodys(Outcome::NotOurs));
        }
        self.judge_refund(id, &theirs).await
    }

    /// `theirs` comes from YooKassa itself.
    ///
    /// # Errors
    /// As [`Prover::prove_refund`].
    pub async fn judge_refund(&self, id: &ProviderId, theirs: &Refund) -> Result<Proof, Away> {
        fail::fail_point!("payments.refund_proved");
        if let Some(refund) = theirs.ours() {
            let query = RefundQuery { refund };
            let view =
                found(self.ledger.ask::<RefundView>("refund", &query, None).await).map_err(Away::Ledger)?;
            if let Some(ours) = view.filter(|ours| is_this(ours, theirs)) {
                match (ours.state, theirs.status.as_str()) {
                    (RefundState::Opened, "succeeded") => return self.settle_refund(id, theirs, &ours).await,
                    (RefundState::Opened, "canceled") => {
                        return self.fail_refund(&ours, &why_canceled(theirs)).await;
                    }
                    (RefundState::Opened, _) => return Ok(Proof::of(ours.payment, Outcome::Waiting)),
                    // It was given up here and the money went all the same; or it was settled by another, and this is
                    // one more, unless the ledger knows this very one.
                    (RefundState::Failed | RefundState::Settled, "succeeded") => {}
                    (RefundState::Failed | RefundState::Settled, _) => {
                        return Ok(Proof::of(ours.payment, Outcome::Final));
                    }
                }
            }
        }
        match theirs.status.as_str() {
            "succeeded" => self.made_elsewhere(id, theirs).await,
            "pending" => Ok(Proof::nobodys(Outcome::Waiting)),
            _ => Ok(Proof::nobodys(Outcome::NotOurs)),
        }
    }

    async fn settle_refund(
        &self,
        id: &ProviderId,
        theirs: &Refund,
        ours: &RefundView,
    ) -> Result<Proof, Away> {
        let command = RefundSettle {
            refund: ours.refund,
            rail: ours.rail,
            provider_refund_id: id.clone(),
            amount: ours.amount,
            refunded_at: theirs.made(),
        };
        let sent =
            self.send(ours.payment, &format!("refunded:{}:{id}", ours.rail.as_str()), command.into()).await;
        fail::fail_point!("payments.refund_settled");
        match sent {
            // By another way than this one, which may be one more.
            Err(SendError::Refused(refused)) if refused.code.as_str() == "refund_closed" => {
                Err(Away::TooEarly("the refund has ended meanwhile; how, is looked up"))
            }
            sent => self.told(sent, ours, "settled"),
        }
    }

    /// The provider will not: what was taken for it comes back.
    ///
    /// # Errors
    /// The ledger did not answer.
    pub async fn fail_refund(&self, ours: &RefundView, reason: &str) -> Result<Proof, Away> {
        let command = RefundFail { refund: ours.refund, rail: ours.rail, reason: Text::lossy(reason) };
        let id = format!("refund_failed:{}:{}", ours.rail.as_str(), ours.refund);
        let sent = self.send(ours.payment, &id, command.into()).await;
        self.told(sent, ours, "failed")
    }

    fn told(
        &self,
        sent: Result<(), SendError>,
        ours: &RefundView,
        what: &'static str,
    ) -> Result<Proof, Away> {
        let refund = ours.refund;
        match sent {
            Ok(()) => {
                tracing::info!(%refund, what, "a refund ended");
                metrics::counter!("payments_refunds_total", "what" => what).increment(1);
                Ok(Proof::of(ours.payment, Outcome::Final))
            }
            Err(SendError::Refused(refused)) if refused.code.as_str() == "refund_closed" => {
                Ok(Proof::of(ours.payment, Outcome::Final))
            }
            Err(SendError::Refused(refused)) => {
                tracing::error!(%refund, what, code = %refused.code, message = refused.message, "the ledger refused the end of a refund; a person must look");
                metrics::counter!("payments_wrong_total").increment(1);
                Ok(Proof::of(ours.payment, Outcome::NotOurs))
            }
            Err(error) => Err(Away::Ledger(error)),
        }
    }

    /// In the cabinet, by support, by the bank: its credits are taken back and it is settled, in one command.
    async fn made_elsewhere(&self, id: &ProviderId, theirs: &Refund) -> Result<Proof, Away> {
        let Some(paid) = provider_id(&theirs.payment_id) else {
            tracing::error!(provider_refund_id = %id, "a refund of a payment whose id has an unknown form");
            return Ok(Proof::nobodys(Outcome::NotOurs));
        };
        let mut ours = self.known_by(&paid).await.map_err(Away::Ledger)?;
        if ours.as_ref().is_none_or(|ours| ours.state != PaymentState::Settled) {
            // The payment comes first: it may be one that we have not heard of yet.
            let proof = self.prove(&paid).await?;
            ours = self.known_by(&paid).await.map_err(Away::Ledger)?;
            if ours.as_ref().is_none_or(|ours| ours.state != PaymentState::Settled) {
                tracing::warn!(provider_refund_id = %id, provider_payment_id = %paid, outcome = proof.outcome.word(), "a refund of a payment that is not settled here");
                let outcome = if proof.outcome == Outcome::Quarantined {
                    Outcome::Quarantined
                } else {
                    Outcome::NotOurs
                };
                return Ok(Proof { outcome, payment: proof.payment });
            }
        }
        let Some(ours) = ours else { return Ok(Proof::nobodys(Outcome::NotOurs)) };
        if self.knows_refund(id).await? {
            return Ok(Proof::of(ours.payment, Outcome::Final));
        }
        // Known by that id, and settled by another: whose money it was is for a person to say.
        if ours.provider_payment_id.as_ref() != Some(&paid) {
            return self.odd_refund(id, theirs, &ours).await;
        }
        let Some(amount) = theirs.amount.money().and_then(some) else {
            return self.odd_refund(id, theirs, &ours).await;
        };
        if let Some(proof) = self.in_place_of_ours(id, theirs, ours.payment, &paid).await? {
            return Ok(proof);
        }
        let command = RefundOpen {
            payment: ours.payment,
            rail: ours.rail,
            amount,
            reason: Text::lossy("made at the provider"),
            provider_refund_id: Some(id.clone()),
            refunded_at: theirs.made(),
            version: None,
        };
        let sent =
            self.send(ours.payment, &format!("chargeback:{}:{id}", ours.rail.as_str()), command.into()).await;
        fail::fail_point!("payments.refund_taken");
        match sent {
            Ok(()) => {
                tracing::warn!(payment = %ours.payment, provider_refund_id = %id, "a refund that was made at YooKassa is applied");
                metrics::counter!("payments_refunds_total", "what" => "elsewhere").increment(1);
                Ok(Proof::of(ours.payment, Outcome::Final))
            }
            Err(SendError::Refused(refused)) => match refused.code.as_str() {
                "refund_id_taken" => Ok(Proof::of(ours.payment, Outcome::Final)),
                // One of ours may be open, and may fail.
                "refund_exceeds_payment" if is_young(theirs) => {
                    Err(Away::TooEarly("a refund made at YooKassa is more than is left here so far"))
                }
                _ => self.odd_refund(id, theirs, &ours).await,
            },
            Err(error) => Err(Away::Ledger(error)),
        }
    }

    /// We could not make ours, so somebody made it by hand: it is that one, and not one more. `None`: it is one more.
    async fn in_place_of_ours(
        &self,
        id: &ProviderId,
        theirs: &Refund,
        payment: PaymentId,
        paid: &ProviderId,
    ) -> Result<Option<Proof>, Away> {
        let Some(ours) = self.open_refund_like(payment, theirs).await? else { return Ok(None) };
        match self.named(ours.refund, paid).await? {
            // It ends by its own; then this is one more.
            Some(_) => Err(Away::TooEarly("a refund of the same amount has been made for us")),
            None => self.settle_refund(id, theirs, &ours).await.map(Some),
        }
    }

    /// A refund that does not fit its payment: for a person.
    async fn odd_refund(&self, id: &ProviderId, theirs: &Refund, ours: &PaymentView) -> Result<Proof, Away> {
        let amount = theirs.amount.money();
        let written = || Text::lossy(&format!("{} {}", theirs.amount.value, theirs.amount.currency));
        let seen = PaymentSeen {
            amount,
            status: Text::lossy(&format!("refund {}", word(&theirs.status))),
            test: None,
            other_amount: amount.is_none().then(written),
            shop: None,
            named: theirs.ours().map(|refund| Text::lossy(&refund.to_string())),
        };
        let command = PaymentQuarantine {
            payment: Some(ours.payment),
            rail: ours.rail,
            provider_payment_id: id.clone(),
            problems: vec![PaymentProblem::RefundExceeds],
            seen,
        };
        let outcome = self.give_to_a_person(Some(ours.payment), ours.rail, id, command).await?;
        Ok(Proof::of(ours.payment, outcome))
    }
}

/// Its words agree with ours: anyone may write a name into metadata.
fn is_this(ours: &RefundView, theirs: &Refund) -> bool {
    let payment = ours.provider_payment_id.as_ref().map(|id| id.as_str());
    let same = theirs.amount.money() == Some(ours.amount) && payment == Some(theirs.payment_id.as_str());
    if !same {
        tracing::error!(refund = %ours.refund, provider_refund_id = word(&theirs.id), "a refund at YooKassa has the name of one of ours, but is another");
    }
    same
}

fn is_young(theirs: &Refund) -> bool {
    theirs.made().is_some_and(|at| clock::now() < at.plus_ms(EXCEEDS_FOR_MS))
}

fn some(money: Money) -> Option<SomeMoney> {
    SomeMoney::new(money.minor(), money.currency).ok()
}

pub(crate) fn why_canceled(theirs: &Refund) -> String {
    let details = theirs.cancellation_details.as_ref();
    let of = |get: fn(&yookassa::Cancellation) -> &str| {
        details.map(get).filter(|w| !w.is_empty()).unwrap_or("not_said")
    };
    format!("{}: {}", of(|d| &d.party), of(|d| &d.reason))
}
