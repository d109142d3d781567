//! The second receipt of a prepayment (54-FZ): it offsets the first, once the credits are in the account.
//!
//! Where the shop's accountant has decided for `full_prepayment`, each settled payment with an address gets one, by
//! POST /receipts under a key of its own; near the end of the 24 h in which YooKassa remembers the key it is
//! looked for first. The ledger remembers which payments have theirs (`receipts_due`), so none is forgotten.

use std::sync::Arc;

use proto_events::{
    CommandId, Text,
    commands::{Operation, ReceiptDone},
    envelope::AccountRef,
    events::ProviderId,
    queries::{PaymentState, PaymentView, ReceiptSweep},
};
use service::ledger::SendError;

use crate::{
    clock,
    proof::{Away, Prover, word},
    receipt::Terms,
    yookassa::{Amount, Error, Listed, NewReceipt, ReceiptMade, Settlement, amount},
};

const PAGE: u16 = 50;
/// Receipts of one payment: two, as a rule.
const PAGES_MAX: u32 = 5;
/// As for payments.
const KEY_KNOWN_MS: i64 = 23 * 3_600_000;
/// A payment that is closed without money may still be paid; after a day it is not.
const CLOSED_AFTER_MS: i64 = 24 * 3_600_000;
/// In YooKassa's words: an offset of what was paid before.
const PREPAYMENT: &str = "prepayment";

pub struct Seconds {
    pub prover: Arc<Prover>,
    /// Of the second receipt; `None`: the shop gives none.
    pub terms: Option<Terms>,
}

impl Seconds {
    /// One look at all that are due.
    ///
    /// # Errors
    /// The ledger or YooKassa did not answer.
    pub async fn round(&self) -> Result<(), Away> {
        let Some(terms) = &self.terms else { return Ok(()) };
        let mut after = Text::default();
        loop {
            let query = ReceiptSweep { limit: PAGE, after: after.clone() };
            let due: Vec<PaymentView> =
                self.prover.ledger.ask("receipts_due", &query, None).await.map_err(Away::Ledger)?;
            for payment in &due {
                self.give(payment, terms).await?;
            }
            match due.last() {
                Some(last) if due.len() >= usize::from(PAGE) => {
                    after = Text::lossy(&last.payment.to_string())
                }
                _ => return Ok(()),
            }
        }
    }

    async fn give(&self, ours: &PaymentView, terms: &Terms) -> Result<(), Away> {
        match ours.state {
            PaymentState::Settled => {}
            PaymentState::Canceled if clock::now() > ours.expires_at.plus_ms(CLOSED_AFTER_MS) => {
                return self.done(ours, "none").await;
            }
            _ => return Ok(()),
        }
        let Some(theirs) = ours.provider_payment_id.clone() else { return Ok(()) };
        let Some(body) = body(ours, &theirs, terms) else { return self.done(ours, "currency").await };
        if clock::now() > ours.opened_at.plus_ms(KEY_KNOWN_MS)
            && let Some(made) = self.find(&theirs).await?
        {
            return self.done(ours, &made.id).await;
        }
        fail::fail_point!("payments.before_receipt");
        match self.prover.yookassa.receipt(&format!("second-{}", ours.payment), &body).await {
            Ok(made) => {
                fail::fail_point!("payments.receipt_made");
                metrics::counter!("payments_receipts_total").increment(1);
                self.done(ours, &made.id).await
            }
            Err(Error::Refused { code, parameter }) => {
                let reason = parameter.map_or(code.clone(), |parameter| format!("{code}: {parameter}"));
                tracing::error!(payment = %ours.payment, reason, "YooKassa refused a second receipt; an accountant must look");
                metrics::counter!("payments_receipts_refused_total").increment(1);
                self.done(ours, &format!("refused: {reason}")).await
            }
            Err(error) => Err(Away::YooKassa(error)),
        }
    }

    /// The receipt of this payment that offsets a prepayment.
    async fn find(&self, payment: &ProviderId) -> Result<Option<ReceiptMade>, Away> {
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = self.prover.yookassa.list_receipts(Listed::Of(payment), cursor.as_deref()).await;
            let page = page.map_err(Away::YooKassa)?;
            let offsets = |made: &ReceiptMade| made.settlements.iter().any(|s| s.r#type == PREPAYMENT);
            if let Some(made) = page.items.into_iter().find(offsets) {
                return Ok(Some(made));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(None)
    }

    async fn done(&self, ours: &PaymentView, receipt: &str) -> Result<(), Away> {
        let id = CommandId::new(format!("receipt:{}", ours.payment))
            .map_err(|error| Away::Ledger(SendError::Unknown(error.to_string())))?;
        let done = ReceiptDone { payment: ours.payment, receipt: Text::lossy(&word(receipt)) };
        let account = AccountRef::Id(ours.payment.account());
        let sent = self.prover.ledger.operate(id, account, Operation::ReceiptDone(done)).await;
        sent.map(|_| ()).map_err(Away::Ledger)
    }
}

/// The same for the same payment. `None`: it is not in rubles, or has no address any more.
fn body(ours: &PaymentView, theirs: &ProviderId, terms: &Terms) -> Option<NewReceipt> {
    let paid = ours.paid.unwrap_or(ours.price);
    let receipt = terms.receipt(ours.email.as_ref()?, ours.credits, paid)?;
    let amount = Amount { value: amount::format(paid)?, currency: paid.currency.code().to_owned() };
    Some(NewReceipt {
        r#type: "payment",
        payment_id: theirs.to_string(),
        customer: receipt.customer,
        items: receipt.items,
        send: true,
        settlements: vec![Settlement { r#type: PREPAYMENT.to_owned(), amount }],
        tax_system_code: receipt.tax_system_code,
    })
}
