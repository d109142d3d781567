//! Payments nobody finished: pending ones after an hour, held ones at the end of their hold.

use std::sync::Arc;

use super::payments::{PENDING_MS, give_up};
use crate::world::World;

pub(crate) async fn run(world: Arc<World>) {
    let mut changes = world.changes();
    loop {
        changes.mark_unchanged();
        let now = world.clock.now_ms();
        let open: Vec<(String, i64, bool)> = world.read(|state| {
            let payments = state.yookassa.payments.iter();
            payments
                .filter(|payment| matches!(payment.status(), "pending" | "waiting_for_capture"))
                .map(|payment| (payment.id().to_owned(), payment.deadline_ms, payment.status() == "pending"))
                .collect()
        });
        for (id, _, pending) in open.iter().filter(|(_, deadline, _)| *deadline <= now) {
            let reason = if *pending { "expired_on_confirmation" } else { "expired_on_capture" };
            // A payment finished in between is no longer open, and that is fine.
            let _ = world.change(|state| give_up(&world, state, id, "yoo_money", reason));
        }
        let next = open.iter().map(|(_, deadline, _)| *deadline).filter(|deadline| *deadline > now).min();
        tokio::select! {
            () = world.shutdown.cancelled() => return,
            _ = changes.changed() => {}
            () = world.clock.sleep_until(next.unwrap_or(now + PENDING_MS)) => {}
        }
    }
}
