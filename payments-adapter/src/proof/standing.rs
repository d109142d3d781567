//! What stands about refunds: those that are open here, and those of a payment that YooKassa has under our name.

use proto_events::{
    AccountId, PaymentId, Position, Provider, RefundId,
    events::{ProviderId, RefundBy},
    queries::{KnownQuery, KnownView, PaymentSweep, RefundView},
};
use service::ledger::{Ledger, SendError};

use super::{Away, Prover};
use crate::yookassa::{self, Listed, Refund, provider_id};

/// Nobody sees a refund fail and makes it by hand sooner: one made sooner only happens to be of the same amount.
const BY_HAND_AFTER_MS: i64 = 20_000;
/// In one page.
const PAGE: u16 = 100;
/// Of open refunds; more than 10 000 are not open at once.
const PAGES_MAX: usize = 100;
/// Of the refunds of one payment at YooKassa; one has a few.
const LIST_PAGES_MAX: u32 = 20;

/// Every open refund, or those of one account, oldest first.
///
/// # Errors
/// The ledger did not answer.
pub async fn open_refunds(ledger: &Ledger, account: Option<AccountId>) -> Result<Vec<RefundView>, SendError> {
    let mut open: Vec<RefundView> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = open.last().map_or(Position::ZERO, |last| last.position);
        let query = PaymentSweep { limit: PAGE, after, account };
        let page: Vec<RefundView> = ledger.ask("refunds_open", &query, None).await?;
        if page.is_empty() {
            return Ok(open);
        }
        open.extend(page);
    }
    tracing::warn!(count = open.len(), "more refunds are open than one sweep takes");
    Ok(open)
}

impl Prover {
    /// The oldest refund of so much of this payment that an operator opened, that has not ended, and in whose place this
    /// one at YooKassa may have been made by hand: it has no name of ours, and came too late for chance.
    pub(super) async fn open_refund_like(
        &self,
        payment: PaymentId,
        theirs: &Refund,
    ) -> Result<Option<RefundView>, Away> {
        if theirs.ours().is_some() {
            return Ok(None);
        }
        let open = open_refunds(&self.ledger, Some(payment.account())).await.map_err(Away::Ledger)?;
        Ok(open.into_iter().find(|ours| ours.payment == payment && is_like(ours, theirs)))
    }

    /// Of the payment's refunds at YooKassa, one that somebody may have made by hand in place of ours, and that the
    /// ledger does not know.
    ///
    /// # Errors
    /// YooKassa or the ledger did not answer.
    pub async fn in_its_place(
        &self,
        ours: &RefundView,
        payment: &ProviderId,
    ) -> Result<Option<Refund>, Away> {
        let mut pages = self.yookassa.refunds(Listed::Of(payment));
        while let Some(page) = pages.next().await.map_err(Away::YooKassa)? {
            for theirs in page.into_iter().filter(|theirs| theirs.ours().is_none() && is_like(ours, theirs)) {
                let Some(id) = provider_id(&theirs.id) else { continue };
                if theirs.status != "canceled" && !self.knows_refund(&id).await? {
                    return Ok(Some(theirs));
                }
            }
        }
        Ok(None)
    }

    /// The log has this refund of YooKassa's as settled.
    pub(super) async fn knows_refund(&self, id: &ProviderId) -> Result<bool, Away> {
        let (payments, refunds) = (Vec::new(), vec![id.clone()]);
        let query = KnownQuery { provider: Provider::Yookassa, payments, refunds };
        let known: KnownView = self.ledger.ask("known_to_us", &query, None).await.map_err(Away::Ledger)?;
        Ok(!known.refunds.is_empty())
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

/// An operator's, of the same amount, and made when a person could have seen that ours was not.
fn is_like(ours: &RefundView, theirs: &Refund) -> bool {
    let late = theirs.made().is_some_and(|made| made >= ours.opened_at.plus_ms(BY_HAND_AFTER_MS));
    ours.by == RefundBy::Operator && theirs.amount.money() == Some(ours.amount) && late
}

fn rank(refund: &Refund) -> u8 {
    match refund.status.as_str() {
        "succeeded" => 2,
        "canceled" => 0,
        _ => 1,
    }
}
