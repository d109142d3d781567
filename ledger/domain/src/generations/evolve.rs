//! Folding events into generations.

use proto_events::events::{GenerationFailed, GenerationSucceeded, Settlement, Trouble};
use proto_events::{Attempt, Event, GenerationId};

use super::delivery::is_lost;
use super::prune::prune;
use super::{Generation, GenerationState as State, Generations};

/// `false`: the event does not fit. `version` is the account's, after the event.
pub(crate) fn evolve(generations: &mut Generations, event: &Event, version: i64) -> bool {
    let Some(id) = subject(event) else { return true };
    let fits = step(generations, event);
    if let Some(changed) = generations.get_mut(&id) {
        changed.changed = version;
        if changed.state != State::Open {
            prune(generations);
        }
    }
    fits
}

/// The generation an event is about.
fn subject(event: &Event) -> Option<GenerationId> {
    Some(match event {
        Event::GenerationRequested(e) => e.generation,
        Event::GenerationStarted(e) => e.generation,
        Event::GenerationAttempted(e) => e.generation,
        Event::GenerationSucceeded(e) => e.generation,
        Event::GenerationFailed(e) => e.generation,
        Event::GenerationCanceled(e) => e.generation,
        Event::GenerationDelivered(e) => e.generation,
        Event::DeliveryFailed(e) => e.generation,
        _ => return None,
    })
}

fn step(generations: &mut Generations, event: &Event) -> bool {
    match event {
        Event::GenerationRequested(e) => {
            let generation = Generation {
                state: State::Open,
                attempt: Attempt::ZERO,
                recorded: false,
                lost: false,
                unpaid: 0,
                doubts: 0,
                late: false,
                credits: e.credits,
                changed: 0,
            };
            generations.insert(e.generation, generation).is_none()
        }
        Event::GenerationStarted(e) => change(generations, e.generation, |g| {
            let next = e.attempt.get() == g.attempt.get() + 1;
            let lost = g.lacks_record_of(g.attempt);
            (g.attempt, g.recorded, g.lost) = (e.attempt, false, lost);
            next && g.state == State::Open && e.lost == lost
        }),
        Event::GenerationAttempted(e) => change(generations, e.generation, |g| {
            let first = g.lacks_record_of(e.attempt);
            if e.attempt == g.attempt {
                g.recorded = true;
            } else {
                g.lost = false;
            }
            // Invariant: not more than attempts, and of these there are 1000 at most.
            g.unpaid = g.unpaid.saturating_add(e.outcome.is_unpaid().into());
            g.doubts = g.doubts.saturating_add(e.outcome.is_in_doubt().into());
            first
        }),
        Event::GenerationSucceeded(e) => change(generations, e.generation, |g| succeed(g, e)),
        Event::GenerationFailed(e) => change(generations, e.generation, |g| fail(g, e)),
        Event::GenerationCanceled(e) => {
            change(generations, e.generation, |g| g.step(State::Open, State::Canceled))
        }
        Event::GenerationDelivered(e) => {
            change(generations, e.generation, |g| g.step(State::Succeeded, State::Delivered))
        }
        Event::DeliveryFailed(e) if is_lost(e) => {
            change(generations, e.generation, |g| g.step(State::Succeeded, State::Lost))
        }
        Event::DeliveryFailed(e) => change(generations, e.generation, |g| g.state == State::Succeeded),
        _ => true,
    }
}

fn change(all: &mut Generations, id: GenerationId, step: impl FnOnce(&mut Generation) -> bool) -> bool {
    all.get_mut(&id).is_some_and(step)
}

fn succeed(g: &mut Generation, e: &GenerationSucceeded) -> bool {
    let from = match e.settlement {
        Settlement::Charged => State::Open,
        Settlement::Late | Settlement::GivenAway => State::TimedOut,
    };
    g.credits = e.credits;
    g.late = e.settlement == Settlement::Late;
    g.step(from, State::Succeeded) && g.attempt == e.attempt
}

fn fail(g: &mut Generation, e: &GenerationFailed) -> bool {
    let to = if e.reason == Trouble::Deadline { State::TimedOut } else { State::Failed };
    g.step(State::Open, to)
}

impl Generation {
    /// Goes to the new state, and says whether it came from the right one.
    fn step(&mut self, from: State, to: State) -> bool {
        std::mem::replace(&mut self.state, to) == from
    }
}
