//! Accounts: opened, banned, erased; who invited whom; what operators give and take.

use proto_events::AccountId;
use proto_events::commands::*;

use super::purse::New;
use super::{Person, Setting, Verdict, bills, must, refunds};

impl Person {
    pub(super) fn open(&mut self, c: &AccountOpen, on: &Setting) -> Verdict {
        must(!self.opened, "account_exists")?;
        (self.opened, self.banned) = (true, on.left_behind.banned);
        self.purse.owe(on.left_behind.debt);
        if !on.left_behind.welcomed {
            self.give("welcome", on.catalog.bonuses.welcome.get(), on);
            let inviter = c.inviter.as_ref().and_then(|payload| payload.parse().ok());
            self.inviter = inviter.filter(|_| on.inviter_known);
        }
        Ok(())
    }

    /// A free lot that lasts as long as the catalog says.
    pub(super) fn give(&mut self, source: &'static str, size: i64, on: &Setting) {
        let lasts = &on.catalog.lifetimes;
        let days = match source {
            "welcome" => lasts.welcome_days,
            "referral" => lasts.referral_days,
            "promo" => lasts.promo_days,
            "admin" => lasts.admin_days,
            "compensation" => lasts.compensation_days,
            other => panic!("{other} is not free"),
        };
        self.give_until(source, size, on.ends(days), on);
    }

    fn give_until(&mut self, source: &'static str, size: i64, ends: Option<i64>, on: &Setting) {
        let new = New { source: Some(source), size, price: None, ends, payment: None };
        self.purse.mint(new, on.now);
    }

    pub(super) fn ban(&mut self) -> Verdict {
        self.active()?;
        self.banned = true;
        Ok(())
    }

    pub(super) fn unban(&mut self) -> Verdict {
        self.is_there()?;
        must(self.banned, "account_not_banned")?;
        self.banned = false;
        Ok(())
    }

    pub(super) fn erase(&mut self, c: &AccountErase, on: &Setting) -> Verdict {
        self.is_there()?;
        must(self.purse.mints.iter().all(|m| m.held.is_empty()), "open_reservations")?;
        let unpaid = self.bills.values().any(|b| b.stage == bills::Stage::Open && b.until > on.now);
        let going_back = self.refunds.values().any(|r| r.stage == refunds::Stage::Open);
        must(!unpaid && !going_back && self.quarantine.is_empty(), "open_payments")?;
        // What is over is not lost by this.
        must(self.purse.spendable(on.now) == 0 || c.forfeit, "credits_would_be_lost")?;
        for mint in 0..self.purse.mints.len() {
            self.purse.end(mint, on.now);
        }
        let left = self.purse.spendable(on.now);
        self.purse.take_away(left, on.now);
        self.set_debt_aside();
        self.erased = true;
        Ok(())
    }

    pub(super) fn set_debt_aside(&mut self) {
        self.set_aside += self.purse.debt;
        self.purse.drop_debt(self.purse.debt, "owed");
    }

    pub(super) fn invited_by(&mut self, c: &ReferralRegister, account: AccountId, on: &Setting) -> Verdict {
        self.active()?;
        must(c.inviter != account, "self_referral")?;
        must(on.inviter_known, "inviter_not_found")?;
        must(self.inviter.is_none(), "already_invited")?;
        let fresh = !on.left_behind.gone_before && self.bills.is_empty() && self.jobs.is_empty();
        must(fresh, "account_known")?;
        self.inviter = Some(c.inviter);
        Ok(())
    }

    pub(super) fn bonus(&mut self, c: &ReferralBonus, account: AccountId, on: &Setting) -> Verdict {
        self.active()?;
        let bonuses = &on.catalog.bonuses;
        match c.side {
            ReferralSide::Invited => {
                must(c.invited == account && self.inviter.is_some(), "not_invited")?;
                must(!self.invited_bonus && !on.rewarded, "already_rewarded")?;
                let credits = bonuses.referral_invited.get();
                must(credits > 0, "bonus_off")?;
                self.invited_bonus = true;
                self.give("referral", credits, on);
            }
            ReferralSide::Inviter => {
                must(!on.rewarded, "already_rewarded")?;
                must(c.invited != account, "self_referral")?;
                let credits = bonuses.referral_inviter.get();
                must(credits > 0, "bonus_off")?;
                let day = on.now / 86_400_000_000;
                let today = self.bonus_days.iter().filter(|d| **d == day).count();
                must(today < usize::from(bonuses.referral_daily_max), "daily_bound")?;
                self.bonus_days.push(day);
                self.give("referral", credits, on);
            }
        }
        Ok(())
    }

    pub(super) fn grant(&mut self, c: &CreditsGrant, on: &Setting) -> Verdict {
        self.is_there()?;
        let (source, size) = (source(c.source), c.credits.get());
        match (c.expires_at, c.lasts_days) {
            (Some(at), _) => {
                must(at.get() > on.now, "end_in_the_past")?;
                self.give_until(source, size, Some(at.get()), on);
            }
            (None, Some(days)) => self.give_until(source, size, on.ends(Some(days)), on),
            (None, None) => self.give(source, size, on),
        }
        Ok(())
    }

    pub(super) fn revoke(&mut self, c: &CreditsRevoke, on: &Setting) -> Verdict {
        self.is_there()?;
        must(self.purse.take_away(c.credits.get(), on.now), "insufficient_credits")
    }

    pub(super) fn forgiven(&mut self, c: &DebtForgive) -> Verdict {
        self.is_there()?;
        must(c.credits.get() <= self.purse.debt, "debt_smaller")?;
        self.forgive(c.credits.get());
        Ok(())
    }

    /// `mint`: which of this account's grants the lot is, if it is one.
    pub(super) fn end_lot(&mut self, mint: Option<usize>, on: &Setting) -> Verdict {
        let there = |m: &super::Mint| m.purse + m.held() > 0;
        let mint = mint.filter(|i| there(&self.purse.mints[*i])).ok_or("lot_not_found")?;
        must(self.purse.mints[mint].over(on.now), "lot_not_expired")?;
        must(self.purse.mints[mint].purse > 0, "lot_held")?;
        self.purse.end(mint, on.now);
        Ok(())
    }
}

fn source(source: GrantSource) -> &'static str {
    match source {
        GrantSource::Promo => "promo",
        GrantSource::Admin => "admin",
        GrantSource::Compensation => "compensation",
    }
}
