//! The next wake-up: the soonest of those that were wished for, and that one only.

use tokio::{sync::watch, time::Instant};

/// However many wish for a wake-up, one time is kept. The later ones are lost when it rings: a sweep is never far.
#[derive(Default)]
pub(super) struct Alarm(watch::Sender<Option<Instant>>);

impl Alarm {
    /// Rings then, if not before.
    pub(super) fn ring_at(&self, at: Instant) {
        self.0.send_if_modified(|next| {
            let sooner = next.is_none_or(|next| at < next);
            if sooner {
                *next = Some(at);
            }
            sooner
        });
    }

    /// Returns when it rings, at a time that was wished for before or meanwhile; it is not set any more then.
    pub(super) async fn rung(&self) {
        let mut wished = self.0.subscribe();
        loop {
            let next = *wished.borrow_and_update();
            let ringing = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ringing => break,
                // The sender is ours, so it is there.
                _ = wished.changed() => {}
            }
        }
        self.0.send_replace(None);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(20);
    const LATER: Duration = Duration::from_secs(100);

    #[tokio::test]
    async fn a_thousand_wishes_are_one_wait_until_the_soonest_of_them() {
        let (alarm, began) = (Alarm::default(), Instant::now());
        for n in 0..1_000 {
            alarm.ring_at(began + LATER * (1 + n % 60));
        }
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert_eq!(tasks, 0, "nobody sleeps for a wish");
        // Sooner, while it is waited for.
        tokio::join!(alarm.rung(), async { alarm.ring_at(began + MOMENT) });
        assert!((MOMENT..LATER).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert!(tokio::time::timeout(MOMENT, alarm.rung()).await.is_err(), "it rings once");
        alarm.ring_at(Instant::now());
        alarm.rung().await;
    }
}
