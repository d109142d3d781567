//! A payment that another's word has settled here: Telegram's, or a person's, long after it was paid.
//!
//! Such a word says nothing of the fee, nor of what went back before. Both are asked of YooKassa: the refunds first,
//! so that whoever dies in between finds the fee unknown still, and does both again.

use proto_events::events::ProviderId;

use crate::{
    proof::{Away, Proof, Prover},
    yookassa::{Listed, provider_id},
};

impl Prover {
    /// Applies what went back of it, and tells its fee.
    ///
    /// # Errors
    /// As [`Prover::prove`].
    pub async fn catch_up(&self, payment: &ProviderId) -> Result<Proof, Away> {
        let mut refunds = self.yookassa.refunds(Listed::Of(payment));
        while let Some(page) = refunds.next().await.map_err(Away::YooKassa)? {
            for theirs in page.iter().filter(|refund| refund.status == "succeeded") {
                let Some(id) = provider_id(&theirs.id) else { continue };
                self.judge_refund(&id, theirs).await?;
            }
        }
        fail::fail_point!("payments.refunds_caught_up");
        self.prove(payment).await
    }
}
