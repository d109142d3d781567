//! What an event does to a balance: the typed columns of its row.

use proto_events::Event;
use proto_events::events::{ConsumedPart, LotPart};

/// Credits added to each part of a balance; negative when taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effect {
    pub available: i64,
    pub reserved: i64,
    pub debt: i64,
}

/// A function of the event alone.
pub fn effect(event: &Event) -> Effect {
    let none = Effect::default();
    match event {
        Event::CreditsGranted(e) => Effect { available: e.credits.get(), ..none },
        Event::CreditsReserved(e) => {
            let n = e.credits.get();
            Effect { available: -n, reserved: n, debt: 0 }
        }
        Event::ReservationCommitted(e) => {
            let (charged, returned) = (consumed(&e.charged), parts(&e.returned));
            Effect { available: returned, reserved: -charged.saturating_add(returned), debt: 0 }
        }
        Event::ReservationReleased(e) => back(&e.returned),
        Event::ReservationExpired(e) => back(&e.returned),
        Event::CreditsRevoked(e) => Effect { available: -consumed(&e.taken), ..none },
        Event::CreditsExpired(e) => Effect { available: -e.credits.get(), ..none },
        Event::DebtIncurred(e) => Effect { debt: e.credits.get(), ..none },
        Event::DebtCarried(e) => Effect { debt: e.credits.get(), ..none },
        Event::DebtPaid(e) => Effect { available: -consumed(&e.taken), debt: -e.credits.get(), ..none },
        _ => none,
    }
}

fn back(returned: &[LotPart]) -> Effect {
    let n = parts(returned);
    Effect { available: n, reserved: -n, debt: 0 }
}

/// Credits of these parts. Each is at most 10^9, so that only a forged event could overflow.
pub(crate) fn parts(parts: &[LotPart]) -> i64 {
    parts.iter().fold(0i64, |sum, p| sum.saturating_add(p.credits.get()))
}

pub(crate) fn consumed(parts: &[ConsumedPart]) -> i64 {
    parts.iter().fold(0i64, |sum, p| sum.saturating_add(p.credits.get()))
}
