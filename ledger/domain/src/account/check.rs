//! The invariants of an account, looked at from outside.

use std::collections::BTreeMap;

use proto_events::{GenerationId, LotId, PaymentId, ReservationId};

use super::Account;
use crate::generations::GenerationState;

/// What must never be true between two commands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("{count} events did not fit the account they were written to")]
    Misfits { count: u32 },
    #[error("a balance is negative: available {available}, reserved {reserved}, debt {debt}")]
    Negative { available: i64, reserved: i64, debt: i64 },
    #[error("lots hold {lots} credits but {available} are available")]
    Available { lots: i64, available: i64 },
    #[error(
        "lots hold {lots} reserved credits, open reservations {reservations}, and {reserved} are reserved"
    )]
    Reserved { lots: i64, reservations: i64, reserved: i64 },
    #[error("lot {lot}: {reserved} credits are reserved, open reservations hold {held}")]
    LotReserved { lot: LotId, reserved: i64, held: i64 },
    #[error("lot {lot} holds more than it was granted, or nothing")]
    LotSize { lot: LotId },
    #[error("a debt of {debt} stands beside {available} available credits")]
    DebtUnpaid { debt: i64, available: i64 },
    #[error("reservation {reservation} belongs to no open generation")]
    ReservationWithoutJob { reservation: ReservationId },
    #[error("open generation {generation} has no reservation")]
    JobWithoutReservation { generation: GenerationId },
    #[error("lot {lot} belongs to payment {payment}, which was not settled")]
    LotUnpaid { lot: LotId, payment: PaymentId },
}

/// Do all invariants hold? Between two commands they do; between events of one they need not.
///
/// # Errors
/// The first that does not.
pub fn check(state: &Account) -> Result<(), Broken> {
    if state.purse.misfits > 0 {
        return Err(Broken::Misfits { count: state.purse.misfits });
    }
    let t = state.purse.totals;
    if t.available < 0 || t.reserved < 0 || t.debt < 0 {
        return Err(Broken::Negative { available: t.available, reserved: t.reserved, debt: t.debt });
    }
    lots(state)?;
    jobs(state)
}

fn lots(state: &Account) -> Result<(), Broken> {
    let purse = &state.purse;
    let mut held: BTreeMap<LotId, i64> = BTreeMap::new();
    for part in purse.reservations.values().flat_map(|r| &r.taken) {
        *held.entry(part.lot).or_default() += part.credits.get();
    }
    for lot in purse.lots.values() {
        if lot.gone() < 0 || lot.is_used_up() {
            return Err(Broken::LotSize { lot: lot.id });
        }
        let (reserved, held) = (lot.reserved.get(), held.get(&lot.id).copied().unwrap_or_default());
        if reserved != held {
            return Err(Broken::LotReserved { lot: lot.id, reserved, held });
        }
        if let Some(payment) = lot.payment
            && !state
                .payments
                .get(&payment)
                .is_some_and(|p| p.state == crate::payments::PaymentState::Settled)
        {
            return Err(Broken::LotUnpaid { lot: lot.id, payment });
        }
    }
    let left: i64 = purse.lots.values().map(|lot| lot.left.get()).sum();
    if left != purse.totals.available {
        return Err(Broken::Available { lots: left, available: purse.totals.available });
    }
    let (reserved, held) = (purse.lots.values().map(|lot| lot.reserved.get()).sum(), held.values().sum());
    if reserved != purse.totals.reserved || held != reserved {
        let of = purse.totals.reserved;
        return Err(Broken::Reserved { lots: reserved, reservations: held, reserved: of });
    }
    // Lots with an end may be past it and wait for their expiry.
    let lasting: i64 = purse.lots.values().filter(|l| l.expires_at.is_none()).map(|l| l.left.get()).sum();
    if purse.totals.debt > 0 && lasting > 0 {
        return Err(Broken::DebtUnpaid { debt: purse.totals.debt, available: lasting });
    }
    Ok(())
}

fn jobs(state: &Account) -> Result<(), Broken> {
    let open =
        |id: &GenerationId| state.generations.get(id).is_some_and(|g| g.state == GenerationState::Open);
    for (reservation, held) in &state.purse.reservations {
        if *reservation != ReservationId::of(held.generation) || !open(&held.generation) {
            return Err(Broken::ReservationWithoutJob { reservation: *reservation });
        }
    }
    let jobs = state.generations.iter().filter(|(_, g)| g.state == GenerationState::Open);
    for (generation, _) in jobs {
        if !state.purse.reservations.contains_key(&ReservationId::of(*generation)) {
            return Err(Broken::JobWithoutReservation { generation: *generation });
        }
    }
    Ok(())
}
