//! What a person asked for: held, made, told.

use proto_events::commands::*;
use proto_events::events::{DeliveryTrouble, Trouble};
use proto_events::{GenerationId, ReservationId};

use super::{Person, Setting, Verdict, must, shop};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Running,
    /// Nothing came in time; a result may still.
    Late,
    /// Made, and not told yet.
    Made,
    Over,
    Told,
}

#[derive(Debug, Clone)]
pub struct Job {
    pub stage: Stage,
    pub claims: i64,
    /// Of these, how many the vendor turned away unpaid.
    pub turned_away: i64,
    /// What the last attempt cost is on record.
    pub cost_known: bool,
    /// What the one before it cost is not, and may still be told.
    pub cost_missing: bool,
    pub price: i64,
    pub deadline: i64,
    pub held_until: i64,
    pub late_charge: bool,
    /// When it last changed, in turns of the person.
    pub touched: u64,
}

/// How many of those that are over, and of those that wait, are remembered.
const OVER_MAX: usize = 64;
const WAITING_MAX: usize = 256;

impl Person {
    pub(super) fn ask(&mut self, c: &GenerationRequest, id: GenerationId, on: &Setting) -> Verdict {
        self.active()?;
        let price = shop::price(on.catalog, c)?;
        must(c.follows.is_none_or(|old| old.account() == id.account()), "generation_not_found")?;
        let limits = &on.catalog.limits;
        let running = self.jobs.values().filter(|job| job.stage == Stage::Running).count();
        must(running < usize::from(limits.running_per_person_max), "too_many_running")?;
        must(self.purse.hold(id, price, on.now), "insufficient_credits")?;
        let job = Job {
            stage: Stage::Running,
            claims: 0,
            turned_away: 0,
            cost_known: false,
            cost_missing: false,
            price,
            deadline: on.after(limits.reservation_ms),
            held_until: 0,
            late_charge: false,
            touched: 0,
        };
        self.jobs.insert(id, job);
        self.touch(id);
        Ok(())
    }

    fn job(&mut self, id: GenerationId) -> Result<&mut Job, &'static str> {
        self.jobs.get_mut(&id).ok_or("generation_not_found")
    }

    pub(super) fn claim(&mut self, c: &GenerationClaim, on: &Setting) -> Verdict {
        let job = self.job(c.generation)?;
        must(job.stage == Stage::Running, "generation_closed")?;
        must(job.held_until <= on.now, "generation_held")?;
        let limits = &on.catalog.limits;
        let left = job.claims - job.turned_away < i64::from(limits.attempts_max) && job.claims < 1000;
        must(left, "attempts_exhausted")?;
        must(c.attempt.get() == job.claims + 1, "stale_attempt")?;
        let at_work = |job: &&Job| {
            job.stage == Stage::Running && job.claims > 0 && !job.cost_known && job.held_until > on.now
        };
        // Not this one: it is not held.
        let others = self.jobs.values().filter(at_work).count();
        must(others < usize::from(limits.working_per_person_max), "person_busy")?;
        let job = self.job(c.generation)?;
        job.cost_missing = job.claims > 0 && !job.cost_known;
        (job.claims, job.cost_known) = (job.claims + 1, false);
        job.held_until = on.after(on.catalog.limits.lease_ms);
        self.touch(c.generation);
        Ok(())
    }

    pub(super) fn attempted(&mut self, c: &GenerationAttempt, on: &Setting) -> Verdict {
        let job = self.job(c.generation)?;
        let named = c.attempt.get();
        let last = named == job.claims && job.claims > 0 && !job.cost_known;
        let before = named == job.claims - 1 && job.cost_missing;
        must(last || before, "stale_attempt")?;
        let idle = matches!(c.outcome, Trouble::Overloaded | Trouble::RateLimited | Trouble::Unreachable);
        job.turned_away += i64::from(idle);
        if last {
            job.cost_known = true;
            job.held_until = on.after(c.retry_after_ms);
        } else {
            job.cost_missing = false;
        }
        self.touch(c.generation);
        Ok(())
    }

    pub(super) fn complete(&mut self, c: &GenerationComplete, on: &Setting) -> Verdict {
        let job = self.job(c.generation)?;
        must(matches!(job.stage, Stage::Running | Stage::Late), "generation_closed")?;
        must(c.attempt.get() == job.claims && job.claims > 0, "stale_attempt")?;
        must(!c.outputs.is_empty(), "no_outputs")?;
        let price = c.charge.map_or(job.price, |charge| charge.get());
        must(price <= job.price, "charge_too_large")?;
        let late = job.stage == Stage::Late;
        (job.stage, job.cost_known, job.cost_missing) = (Stage::Made, true, false);
        // Late, it is paid from the purse if that holds enough, else a gift.
        let paid = !late || self.purse.hold(c.generation, price, on.now);
        let job = self.job(c.generation)?;
        (job.late_charge, job.price) = (late && paid, if paid { price } else { 0 });
        if paid {
            self.purse.charge(c.generation, price, on.now);
        }
        self.touch(c.generation);
        Ok(())
    }

    pub(super) fn drop_job(&mut self, id: GenerationId, on: &Setting) -> Verdict {
        let job = self.job(id)?;
        must(job.stage == Stage::Running, "generation_closed")?;
        job.stage = Stage::Over;
        self.purse.give_back(id, on.now);
        self.touch(id);
        Ok(())
    }

    pub(super) fn fail(&mut self, c: &GenerationFail, on: &Setting) -> Verdict {
        let job = self.job(c.generation)?;
        must(job.stage == Stage::Running, "generation_closed")?;
        must(c.attempt.get() == job.claims, "stale_attempt")?;
        (job.stage, job.cost_known) = (Stage::Over, job.claims > 0);
        self.purse.give_back(c.generation, on.now);
        self.touch(c.generation);
        Ok(())
    }

    pub(super) fn expire(&mut self, c: &ReservationExpire, on: &Setting) -> Verdict {
        let made = |(id, job): (&GenerationId, &Job)| {
            let late = job.late_charge && ReservationId::late(*id) == c.reservation;
            (late || ReservationId::of(*id) == c.reservation).then_some(*id)
        };
        let id = self.jobs.iter().find_map(made).ok_or("reservation_not_found")?;
        let job = self.job(id)?;
        let open = job.stage == Stage::Running && c.reservation == ReservationId::of(id);
        must(open, "reservation_closed")?;
        must(on.now >= job.deadline, "deadline_ahead")?;
        job.stage = Stage::Late;
        self.purse.give_back(id, on.now);
        self.touch(id);
        Ok(())
    }

    fn untold(&mut self, id: GenerationId) -> Result<&mut Job, &'static str> {
        let job = self.job(id)?;
        must(matches!(job.stage, Stage::Made | Stage::Told), "generation_not_succeeded")?;
        must(job.stage == Stage::Made, "generation_delivered")?;
        Ok(job)
    }

    pub(super) fn told(&mut self, id: GenerationId) -> Verdict {
        self.untold(id)?.stage = Stage::Told;
        self.touch(id);
        Ok(())
    }

    /// What can never be told brings its price back.
    pub(super) fn not_told(&mut self, c: &DeliveryFail, on: &Setting) -> Verdict {
        let lost = c.reason == DeliveryTrouble::BytesLost;
        let refused = c.reason == DeliveryTrouble::Refused && c.r#final;
        let job = self.untold(c.generation)?;
        let price = job.price;
        if lost || refused {
            job.stage = Stage::Told;
            // Nobody is left in an erased account.
            if !self.erased {
                self.give("compensation", price, on);
            }
        }
        self.touch(c.generation);
        Ok(())
    }

    /// Remembers the newest of those that are over, and of those that wait.
    pub(super) fn touch(&mut self, id: GenerationId) {
        self.turns += 1;
        self.jobs.get_mut(&id).expect("it was just changed").touched = self.turns;
        let classes: [(&[Stage], usize); 2] =
            [(&[Stage::Over, Stage::Told], OVER_MAX), (&[Stage::Made, Stage::Late], WAITING_MAX)];
        for (stages, max) in classes {
            let of_class = self.jobs.iter().filter(|(_, job)| stages.contains(&job.stage));
            let mut all: Vec<_> = of_class.map(|(id, job)| (job.touched, *id)).collect();
            all.sort_unstable();
            for (_, id) in &all[..all.len().saturating_sub(max)] {
                self.jobs.remove(id);
            }
        }
    }
}
