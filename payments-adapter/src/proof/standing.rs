//! What stands about refunds: those that are open here, and those of a payment that YooKassa has under our name.

use proto_events::{
    Money, PaymentId, Position, RefundId,
    events::{ProviderId, RefundBy},
    queries::{PaymentSweep, RefundView},
};
use service::ledger::{Ledger, SendError};

use super::{Away, Prover};
use crate::yookassa::{self, Listed, Refund};

/// In one page.
const PAGE: u16 = 100;
/// Of open refunds; more than 10 000 are not open at once.
const PAGES_MAX: usize = 100;
/// Of the refunds of one payment at YooKassa; one has a few.
const LIST_PAGES_MAX: u32 = 20;

/// Every open refund, oldest first.
///
/// # Errors
/// The ledger did not answer.
pub async fn open_refunds(ledger: &Ledger) -> Result<Vec<RefundView>, SendError> {
    let mut open: Vec<RefundView> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = open.last().map_or(Position::ZERO, |last| last.position);
        let query = PaymentSweep { limit: PAGE, after };
        let page: Vec<RefundView> = ledger.ask("refunds_open", &query, None).await?;
        if page.is_empty() {
            break;
        }
        open.extend(page);
    }
    Ok(open)
}

impl Prover {
    /// The oldest refund of so much of this payment that an operator opened and that has not ended.
    pub(super) async fn open_refund_of(
        &self,
        payment: PaymentId,
        amount: Money,
    ) -> Result<Option<RefundView>, Away> {
        let open = open_refunds(&self.ledger).await.map_err(Away::Ledger)?;
        let same = |view: &RefundView| {
            view.payment == payment && view.amount == amount && view.by == RefundBy::Operator
        };
        Ok(open.into_iter().find(same))
    }

    /// Among YooKassa's refunds of the payment, the one with our name; one that ended well goes before others.
    ///
    /// # Errors
    /// YooKassa did not answer, or has more of them than can be looked through.
    pub async fn named(&self, refund: RefundId, payment: &ProviderId) -> Result<Option<Refund>, Away> {
        let (mut best, mut cursor) = (None::<Refund>, None);
        for _ in 0..LIST_PAGES_MAX {
            let page = self.yookassa.list_refunds(Listed::Of(payment), cursor.as_deref()).await;
            let page = page.map_err(Away::YooKassa)?;
            for found in page.items.into_iter().filter(|found| found.ours() == Some(refund)) {
                if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
                    best = Some(found);
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(best);
            }
        }
        // Half a look must not pass for a look that found nothing.
        let too_long = || Away::YooKassa(yookassa::Error::Unknown { codes: "the list is too long".into() });
        best.map(Some).ok_or_else(too_long)
    }
}

fn rank(refund: &Refund) -> u8 {
    match refund.status.as_str() {
        "succeeded" => 2,
        "canceled" => 0,
        _ => 1,
    }
}
