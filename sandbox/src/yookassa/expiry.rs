//! Payments nobody finished: pending ones after an hour, held ones at the end of their hold.

use std::sync::Arc;

use super::payments::{PENDING_MS, give_up};
use crate::world::{State, World};

pub(crate) async fn run(world: Arc<World>) {
    let mut changes = world.changes();
    loop {
        changes.mark_unchanged();
        let now = world.clock.now_ms();
        let next = world.read(|state| state.yookassa.next_deadline());
        if next.is_some_and(|deadline| deadline <= now) {
            world.change(|state| {
                for id in state.yookassa.take_due(now) {
                    expire(&world, state, &id);
                }
            });
            continue;
        }
        tokio::select! {
            () = world.shutdown.cancelled() => return,
            _ = changes.changed() => {}
            () = world.clock.sleep_until(next.unwrap_or(now + PENDING_MS)) => {}
        }
    }
}

fn expire(world: &World, state: &mut State, id: &str) {
    let pending = state.yookassa.payment(id).is_some_and(|payment| payment.status() == "pending");
    let reason = if pending { "expired_on_confirmation" } else { "expired_on_capture" };
    // A payment finished in between is no longer open, and that is fine.
    let _ = give_up(world, state, id, "yoo_money", reason);
}
