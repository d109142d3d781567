//! Top-ups.

use proto_events::commands::*;
use proto_events::events::{PaymentProblem, ProviderId};
use proto_events::{AccountId, Money, PaymentId, Producer, Rail};

use super::purse::New;
use super::{Person, Setting, Verdict, must};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Open,
    Paid,
    Dropped,
}

#[derive(Debug, Clone)]
pub struct Bill {
    pub stage: Stage,
    pub rail: Rail,
    pub credits: i64,
    pub price: Money,
    pub until: i64,
    pub registered: Option<ProviderId>,
    /// Somebody said what the provider kept.
    pub fee_told: bool,
}

impl Person {
    pub(super) fn topup(&mut self, c: &TopupOpen, id: PaymentId, on: &Setting) -> Verdict {
        self.active()?;
        let package = on.catalog.packages.iter().find(|p| p.id == c.package).ok_or("package_unknown")?;
        must(package.rails.contains(&c.rail), "rail_off")?;
        must(c.method.is_none() || c.rail == Rail::Yookassa, "method_off")?;
        let open = self.bills.values().filter(|b| b.stage == Stage::Open && b.until > on.now).count();
        must(open < usize::from(on.catalog.limits.payments_open_max), "too_many_open")?;
        let bill = Bill {
            stage: Stage::Open,
            rail: c.rail,
            credits: package.credits.get(),
            price: package.price,
            until: on.after(on.catalog.limits.payment_ms),
            registered: None,
            fee_told: false,
        };
        self.bills.insert(id, bill);
        Ok(())
    }

    pub(super) fn bill(&mut self, id: PaymentId, rail: Rail) -> Result<&mut Bill, &'static str> {
        let bill = self.bills.get_mut(&id).ok_or("payment_not_found")?;
        must(bill.rail == rail, "rail_differs")?;
        Ok(bill)
    }

    pub(super) fn register(&mut self, c: &PaymentRegister, on: &Setting) -> Verdict {
        let bill = self.bill(c.payment, c.rail)?;
        must(bill.stage == Stage::Open, "payment_closed")?;
        must(on.owner.is_none_or(|owner| owner == c.payment), "provider_id_taken")?;
        must(bill.registered.is_none(), "already_registered")?;
        bill.registered = Some(c.provider_payment_id.clone());
        Ok(())
    }

    /// `another`: the name of a bill that is paid once more.
    pub(super) fn settle(&mut self, c: &PaymentSettle, another: PaymentId, on: &Setting) -> Verdict {
        let bill = self.bill(c.payment, c.rail)?;
        must(on.owner.is_none_or(|owner| owner == c.payment), "provider_id_taken")?;
        let known = bill.registered.as_ref().unwrap_or(&c.provider_payment_id);
        let mut target = c.payment;
        if bill.stage == Stage::Paid {
            must(*known != c.provider_payment_id && c.rail != Rail::Yookassa, "payment_settled")?;
            target = another;
        } else {
            must(*known == c.provider_payment_id, "provider_id_differs")?;
        }
        must(c.amount == bill.price, "amount_differs")?;
        let net = c.net.unwrap_or(c.amount);
        let fits = net.currency == c.amount.currency && net.minor() <= c.amount.minor();
        must(fits, "amount_differs")?;
        let (credits, twin) = (bill.credits, bill.clone());
        self.bills.entry(target).or_insert(twin);
        self.paid(target, c.rail, &c.provider_payment_id, c.amount, credits, on);
        self.bills.get_mut(&target).expect("it is paid").fee_told = c.net.is_some();
        let clearing = format!("clearing:{}", c.rail.as_str());
        let fee = c.amount.minor() - net.minor();
        self.purse.post(c.amount.currency.code(), "fees", &clearing, fee);
        Ok(())
    }

    fn paid(
        &mut self,
        id: PaymentId,
        rail: Rail,
        provider_id: &ProviderId,
        amount: Money,
        credits: i64,
        on: &Setting,
    ) {
        self.quarantine.remove(&(rail.provider().as_str(), provider_id.to_string()));
        let bill = self.bills.get_mut(&id).expect("it is paid");
        (bill.stage, bill.rail, bill.credits, bill.price) = (Stage::Paid, rail, credits, amount);
        (bill.registered, bill.fee_told) = (Some(provider_id.clone()), false);
        let clearing = format!("clearing:{}", rail.as_str());
        self.purse.post(amount.currency.code(), &clearing, "deferred", amount.minor());
        let ends = on.ends(on.catalog.lifetimes.purchase_days);
        let source = Some("purchase");
        self.purse.mint(New { source, size: credits, price: Some(amount), ends, payment: Some(id) }, on.now);
    }

    pub(super) fn quarantine(&mut self, c: &PaymentQuarantine, by: Producer, on: &Setting) -> Verdict {
        let id = c.payment.ok_or("payment_not_found")?;
        let bill = self.bills.get(&id).ok_or("payment_not_found")?;
        let same = bill.registered.as_ref() == Some(&c.provider_payment_id);
        must(!(bill.stage == Stage::Paid && same), "payment_settled")?;
        let nobodys = on.quarantined == Some(AccountId::OPERATIONS);
        must(nobodys || on.quarantined.is_none(), "already_quarantined")?;
        // A person can only say whose it is.
        must(nobodys || by != Producer::Console, "quarantine_not_found")?;
        let gone = c.problems.contains(&PaymentProblem::RefundExceeds);
        self.quarantine.insert((c.rail.provider().as_str(), c.provider_payment_id.to_string()), (id, gone));
        Ok(())
    }

    /// A person's word goes before what was agreed.
    pub(super) fn resolve(&mut self, c: &QuarantineResolve, another: PaymentId, on: &Setting) -> Verdict {
        let key = (c.rail.provider().as_str(), c.provider_payment_id.to_string());
        let (id, gone) = *self.quarantine.get(&key).ok_or("quarantine_not_found")?;
        if let QuarantineVerdict::Settle { amount, credits, .. } = c.verdict {
            must(!gone, "quarantine_is_refund")?;
            must(on.owner.is_none_or(|owner| owner == id), "provider_id_taken")?;
            let bill = self.bills[&id].clone();
            let paid = bill.stage == Stage::Paid;
            // The same letters are another id at another provider.
            let same = bill.registered.as_ref() == Some(&c.provider_payment_id)
                && bill.rail.provider() == c.rail.provider();
            must(!(paid && same), "payment_settled")?;
            let id = if paid { another } else { id };
            self.bills.entry(id).or_insert(bill);
            self.paid(id, c.rail, &c.provider_payment_id, amount.into(), credits.get(), on);
        }
        let bill = self.bills.get_mut(&id).expect("it was there");
        let same = bill.registered.as_ref() == Some(&c.provider_payment_id);
        if c.verdict == QuarantineVerdict::Dismiss && bill.stage == Stage::Open && same {
            bill.stage = Stage::Dropped;
        }
        self.quarantine.remove(&key);
        Ok(())
    }

    pub(super) fn fee(&mut self, c: &PaymentFee) -> Verdict {
        let bill = self.bill(c.payment, c.rail)?;
        must(bill.stage == Stage::Paid, "payment_not_settled")?;
        must(bill.registered.as_ref() == Some(&c.provider_payment_id), "provider_id_differs")?;
        must(!bill.fee_told, "fee_known")?;
        let kept = bill.price.minor() - c.net.minor();
        must(c.net.currency == bill.price.currency && kept >= 0, "amount_differs")?;
        bill.fee_told = true;
        let (currency, clearing) = (c.net.currency.code(), format!("clearing:{}", c.rail.as_str()));
        self.purse.post(currency, "fees", &clearing, kept);
        Ok(())
    }

    /// `ours`: the ledger itself or a person here, who wait for the end.
    pub(super) fn cancel(&mut self, c: &PaymentCancel, ours: bool, on: &Setting) -> Verdict {
        let bill = self.bill(c.payment, c.rail)?;
        must(bill.stage != Stage::Paid, "payment_settled")?;
        must(bill.stage == Stage::Open, "payment_closed")?;
        must(!ours || bill.until <= on.now, "deadline_ahead")?;
        bill.stage = Stage::Dropped;
        Ok(())
    }
}
