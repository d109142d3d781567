//! Money that goes back, and the credits it had bought.

use proto_events::commands::*;
use proto_events::events::ProviderId;
use proto_events::{Money, PaymentId, Rail, RefundId};

use super::bills;
use super::purse::{New, Recall};
use super::{Person, Setting, Verdict, must};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Open,
    Settled,
    Failed,
}

#[derive(Debug, Clone)]
pub struct Refund {
    pub stage: Stage,
    pub payment: PaymentId,
    pub amount: Money,
    pub credits: i64,
}

impl Person {
    pub(super) fn open_refund(&mut self, c: &RefundOpen, id: RefundId, on: &Setting) -> Verdict {
        let bill = self.bill(c.payment, c.rail)?.clone();
        must(c.provider_refund_id.is_none() || on.refund_owner.is_none(), "refund_id_taken")?;
        must(bill.stage == bills::Stage::Paid, "payment_not_settled")?;
        let before = self.refunds.values().filter(|r| r.payment == c.payment && r.stage != Stage::Failed);
        let (money, credits) = before.fold((0, 0), |(m, n), r| (m + r.amount.minor(), n + r.credits));
        let amount = Money::from(c.amount);
        let fits = amount.currency == bill.price.currency && amount.minor() + money <= bill.price.minor();
        must(fits, "refund_exceeds_payment")?;
        must(c.rail != Rail::Stars || amount == bill.price, "refund_not_whole")?;
        // So much of the price bought so many of the credits; but what lapsed can't be asked back.
        let bought = i128::from(bill.credits) * i128::from(money + amount.minor());
        let bought = i64::try_from(bought / i128::from(bill.price.minor())).unwrap();
        let lapsed = self.purse.lapsed.get(&c.payment).copied().unwrap_or(0);
        let wanted = (bought.min(bill.credits - lapsed) - credits).max(0);
        self.refunds.insert(id, Refund { stage: Stage::Open, payment: c.payment, amount, credits: wanted });
        let recall = Recall { payment: c.payment, wanted, taken: 0, moved: 0, owed: 0 };
        self.purse.recalls.insert(id, recall);
        self.purse.recall();
        self.purse.pay_debt(on.now);
        if self.erased {
            self.set_debt_aside();
        }
        if let Some(theirs) = &c.provider_refund_id {
            self.no_longer_odd(c.rail, theirs);
            self.refunds.get_mut(&id).expect("just made").stage = Stage::Settled;
            let clearing = format!("clearing:{}", c.rail.as_str());
            self.purse.post(amount.currency.code(), "refunds", &clearing, amount.minor());
        }
        Ok(())
    }

    fn refund(&mut self, id: RefundId, rail: Rail) -> Result<&mut Refund, &'static str> {
        let refund = self.refunds.get_mut(&id).ok_or("refund_not_found")?;
        must(self.bills[&refund.payment].rail == rail, "rail_differs")?;
        Ok(refund)
    }

    /// A refund that waited for a person has been applied.
    fn no_longer_odd(&mut self, rail: Rail, theirs: &ProviderId) {
        let key = (rail.provider().as_str(), theirs.to_string());
        if self.quarantine.get(&key).is_some_and(|(_, gone)| *gone) {
            self.quarantine.remove(&key);
        }
    }

    pub(super) fn settle_refund(&mut self, c: &RefundSettle, on: &Setting) -> Verdict {
        let refund = self.refund(c.refund, c.rail)?;
        must(on.refund_owner.is_none_or(|owner| owner == c.refund), "refund_id_taken")?;
        must(refund.stage == Stage::Open, "refund_closed")?;
        must(c.amount == refund.amount, "amount_differs")?;
        refund.stage = Stage::Settled;
        let clearing = format!("clearing:{}", c.rail.as_str());
        self.purse.post(c.amount.currency.code(), "refunds", &clearing, c.amount.minor());
        self.no_longer_odd(c.rail, &c.provider_refund_id);
        Ok(())
    }

    /// The debt it made is undone; what it took, and what paid that debt, comes back as one lot with
    /// the money that had moved.
    pub(super) fn fail_refund(&mut self, c: &RefundFail, on: &Setting) -> Verdict {
        let refund = self.refund(c.refund, c.rail)?;
        must(refund.stage == Stage::Open, "refund_closed")?;
        refund.stage = Stage::Failed;
        let (payment, currency) = (refund.payment, refund.amount.currency);
        let recall = self.purse.recalls.remove(&c.refund).expect("made with the refund");
        if self.erased {
            // It was set aside; as much as nobody took over is undone here.
            let back = recall.owed.min(on.left_behind.debt);
            self.purse.owe(back);
            self.set_aside -= back;
        }
        let undone = recall.owed.min(self.purse.debt);
        self.purse.drop_debt(undone, "owed");
        let new = New {
            source: None,
            size: recall.taken + recall.owed - undone,
            price: Money::new(recall.moved, currency).ok(),
            ends: on.ends(on.catalog.lifetimes.purchase_days),
            payment: Some(payment),
        };
        self.purse.mint(new, on.now);
        Ok(())
    }

    /// Of refunds that are open; a forgiven debt does not come back as credits.
    pub(super) fn forgive(&mut self, mut n: i64) {
        self.purse.drop_debt(n, "forgiven");
        for (id, refund) in &self.refunds {
            if refund.stage == Stage::Open
                && let Some(recall) = self.purse.recalls.get_mut(id)
            {
                let part = n.min(recall.owed);
                (n, recall.owed) = (n - part, recall.owed - part);
            }
        }
    }
}
