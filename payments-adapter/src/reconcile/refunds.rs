//! Refunds that YooKassa has and the ledger does not.
//!
//! A refund has one time, that of its making, may end weeks after it, and only its success is told. So each round
//! looks three days back, and what is pending is asked for by its id until it ends. At a start, and once a Moscow day,
//! a round looks a year back: what was pending is remembered by nobody but YooKassa, and a payment that a person
//! has settled since may have gone back before. What says nothing to us is remembered: [`super::followed`].
//!
//! Cost: a call to YooKassa and a question to the ledger for each 100 refunds, a call for each that is pending, and
//! once a day two calls and two questions for each that is not ours.

use std::collections::HashSet;

use proto_events::{Micros, events::ProviderId};

use super::{
    Reconciler, Tally, days,
    followed::{Followed, Turn},
};
use crate::{
    clock,
    proof::{Away, Outcome},
    yookassa::{Listed, Refund, provider_id},
};

const LOOK_MS: i64 = 3 * 24 * 3_600_000;
const FAR_MS: i64 = 365 * 24 * 3_600_000;

impl Reconciler {
    /// `since` and `to`: what the round looks through at least.
    ///
    /// # Errors
    /// YooKassa or the ledger did not answer.
    pub(super) async fn look_at_refunds(
        &self,
        (since, to): (Micros, Micros),
        followed: &mut Followed,
        tally: &mut Tally,
    ) -> Result<(), Away> {
        let (now, today) = (clock::now(), days::newest(clock::now()));
        let far = followed.begin_far(today);
        let from = since.min(now.plus_ms(if far { -FAR_MS } else { -LOOK_MS }));
        let mut listed = HashSet::new();
        let mut pages = self.prover.yookassa.refunds(Listed::Made { from, to });
        while let Some(page) = pages.next().await.map_err(Away::YooKassa)? {
            for (theirs, id) in page.iter().filter_map(|theirs| Some((theirs, provider_id(&theirs.id)?))) {
                if theirs.status == "pending" {
                    followed.pending.insert(id.clone());
                }
                listed.insert(id);
            }
            self.refunds_of(&page, (now.plus_ms(-LOOK_MS), today), followed, tally).await?;
            let is_over = |theirs: &&Refund| theirs.status != "pending";
            for id in page.iter().filter(is_over).filter_map(|theirs| provider_id(&theirs.id)) {
                followed.pending.remove(&id);
            }
        }
        for id in followed.pending.difference(&listed).cloned().collect::<Vec<_>>() {
            let proven = self.prover.prove_refund(&id).await;
            if proven.as_ref().is_ok_and(|proof| proof.outcome != Outcome::Waiting) {
                followed.pending.remove(&id);
            }
            tally.told(&id, proven)?;
        }
        if far && tally.is_whole() {
            followed.end_far(today);
        }
        Ok(())
    }

    /// Proves what the ledger does not know, unless it was asked for in vain `today`. Of those made before `young`, what
    /// is of a payment that is settled here: the others say nothing before somebody has settled it.
    pub(super) async fn refunds_of(
        &self,
        page: &[Refund],
        (young, today): (Micros, i32),
        followed: &mut Followed,
        tally: &mut Tally,
    ) -> Result<(), Away> {
        let ended: Vec<(&Refund, ProviderId)> = page
            .iter()
            .filter(|refund| refund.status == "succeeded")
            .filter_map(|refund| Some((refund, provider_id(&refund.id)?)))
            .collect();
        let payments = ended.iter().filter_map(|(refund, _)| provider_id(&refund.payment_id)).collect();
        let known = self.known(payments, ended.iter().map(|(_, id)| id.clone()).collect()).await?;
        tally.found.seen += u64::try_from(ended.len()).unwrap_or(0);
        for (refund, id) in &ended {
            let settled = known.payments.iter().any(|known| known.id.as_str() == refund.payment_id);
            let speaks = refund.made().is_none_or(|at| at >= young) || settled;
            if !speaks || known.refunds.iter().any(|known| known.id == *id) {
                continue;
            }
            let turn = followed.turn(id, settled, today);
            if turn == Turn::Rest {
                continue;
            }
            fail::fail_point!("payments.reconciling");
            let proven = self.prover.prove_refund(id).await;
            followed.asked(id, settled, today, &proven);
            match turn {
                Turn::First => tally.unknown(id, proven)?,
                Turn::Again | Turn::Rest => tally.told(id, proven)?,
            }
        }
        Ok(())
    }
}
