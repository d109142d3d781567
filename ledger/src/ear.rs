//! Does this process hear commands? It sends a message to an inbox of its own, again and again, and
//! listens.
//!
//! The connection's state does not tell: cut off in one direction only, a client goes on as connected
//! while commands still come in, or says so again and again while the server never hears it. An echo goes
//! there and back. Cost: two messages a look.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Subject, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const LOOK: Duration = Duration::from_millis(250);
/// Looks without an echo: 3 s. Counted, not measured, so that a process that was stopped hears first what
/// has come meanwhile.
const DEAF: u32 = 12;
/// The same for a leader that was deaf when it took over, 30 s: nobody else was there, and deadlines need
/// a leader with NATS down too.
const STILL_DEAF: u32 = 120;

#[derive(Clone)]
pub struct Ear {
    nats: Client,
    /// Looks since the last echo.
    silent: Arc<AtomicU32>,
}

impl Ear {
    /// Listens until told to stop. Before the first look it takes the connection's word.
    pub fn start(nats: Client, stop: CancellationToken) -> Self {
        let ear = Self { nats, silent: Arc::default() };
        let listening = ear.clone();
        tokio::spawn(async move { stop.run_until_cancelled(listening.listen()).await });
        ear
    }

    pub fn hears(&self) -> bool {
        self.is_connected() && self.silent() < DEAF
    }

    /// Returns when a leader has heard nothing for too long.
    pub async fn hears_no_more(self) {
        let (mut from, mut patience) = if self.hears() { (0, DEAF) } else { (self.silent(), STILL_DEAF) };
        loop {
            if self.hears() {
                (from, patience) = (0, DEAF);
            } else if self.silent().saturating_sub(from) >= patience {
                return tracing::warn!("NATS is gone: no commands are heard");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn silent(&self) -> u32 {
        self.silent.load(Relaxed)
    }

    fn is_connected(&self) -> bool {
        self.nats.connection_state() == State::Connected
    }

    async fn listen(self) {
        let inbox = Subject::from(self.nats.new_inbox());
        let mut echoes: Option<Subscriber> = None;
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let echo = async {
                match &mut echoes {
                    Some(echoes) => echoes.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                heard = echo => match heard {
                    Some(_) => self.silent.store(0, Relaxed),
                    None => echoes = None,
                },
                _ = tick.tick() => {
                    self.silent.store(self.silent().saturating_add(1), Relaxed);
                    if echoes.is_none() {
                        echoes = self.nats.subscribe(inbox.clone()).now_or_never().and_then(Result::ok);
                    }
                    // Never waited for: what is cut off takes nothing, and nothing is kept for later.
                    if self.is_connected() {
                        let _ = self.nats.publish(inbox.clone(), Bytes::new()).now_or_never();
                    }
                }
            }
        }
    }
}
