//! Flood control. Telegram counts what a bot sends to a chat and over all chats, and says 429 with a pause when it
//! is too much. What it says is obeyed by all instances; what it publishes of its limits is kept to before it says so.
//!
//! Phases of a call: the gate ([`Flood::pass`]) → Telegram → on a 429 the gate is shut ([`Flood::limited`]), for that
//! chat, or for all when several chats are limited within a moment → the others are told (`live.flood`, losable:
//! whoever misses it learns it from Telegram). A call that has to arrive waits at the gate within its caller's
//! patience, in the order of coming; one that is only for the eye never waits and is dropped.
//! Bounds: a message a second and a burst of five for a person, a third of that for a group; a change for the eye every
//! 3 s a message, a draft each second. Nothing is kept over all chats but by who asks for a [`Pace`]. Memory: see `gate`.

mod gate;
mod pace;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::Client;
use futures_util::StreamExt as _;
use proto_events::media::FloodNotice;
use proto_events::subjects::LIVE_FLOOD;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use gate::{Admission, Gate};
pub use pace::{BROADCAST_PER_SECOND, Pace};

use crate::outbound::Error;

/// Telegram (FAQ): about one a second in a chat; short bursts pass.
const PER_SECOND: f64 = 1.0;
const BURST: f64 = 5.0;
/// A status is looked at, not read letter by letter; more often Telegram counts it as a flood.
const EDIT_EVERY: Duration = Duration::from_secs(3);
/// Of drafts Telegram publishes no limit.
const DRAFT_EVERY: Duration = Duration::from_secs(1);
/// What others say is believed for so long at most; what Telegram says itself is obeyed whatever it is.
const HEARD_MAX: Duration = Duration::from_secs(3_600);
/// Notices that wait for NATS; more are not told.
const UNTOLD_MAX: usize = 64;
/// Between tries to hear the others.
const PAUSE: Duration = Duration::from_secs(1);

/// Messages a chat takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: PER_SECOND, burst: BURST }
    }
}

/// What a call is to flood control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Not limited by chats: answers to taps, questions, the bot's own affairs.
    Free,
    /// Has to arrive. Counts as so many messages; 0 for what only takes away.
    Sent { chat: i64, count: u32 },
    /// Only for the eye: now or not at all.
    Glance { chat: i64, of: Glance },
}

impl Traffic {
    pub const fn one(chat: i64) -> Self {
        Self::Sent { chat, count: 1 }
    }

    pub const fn removal(chat: i64) -> Self {
        Self::Sent { chat, count: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Glance {
    /// A status, by its message.
    Edit(i64),
    Draft(i64),
    Action,
}

impl Glance {
    const fn every(self) -> Option<Duration> {
        match self {
            Self::Edit(_) => Some(EDIT_EVERY),
            Self::Draft(_) => Some(DRAFT_EVERY),
            Self::Action => None,
        }
    }
}

/// A handle, cheap to clone; one for all calls of a process.
#[derive(Clone)]
pub struct Flood(Arc<Inner>);

struct Inner {
    gate: Mutex<Gate>,
    told: mpsc::Sender<FloodNotice>,
    /// Until it is served.
    untold: Mutex<Option<mpsc::Receiver<FloodNotice>>>,
}

impl Flood {
    pub fn new(rate: Rate) -> Self {
        let (told, untold) = mpsc::channel(UNTOLD_MAX);
        Self(Arc::new(Inner { gate: Mutex::new(Gate::new(rate)), told, untold: Mutex::new(Some(untold)) }))
    }

    /// Waits until the call may go out, `deadline` at the latest.
    ///
    /// # Errors
    /// [`Error::Flood`], at once: the gate stays shut for longer, or the call is only for the eye.
    pub async fn pass(&self, traffic: Traffic, deadline: Instant) -> Result<(), Error> {
        let (began, mut paid) = (Instant::now(), false);
        loop {
            let now = Instant::now();
            let patience = deadline.saturating_duration_since(now);
            match self.gate(|gate| gate.admit(traffic, &mut paid, patience, now)) {
                Admission::Go => {
                    if now > began {
                        metrics::histogram!("telegram_flood_wait_seconds")
                            .record((now - began).as_secs_f64());
                    }
                    return Ok(());
                }
                Admission::Wait(wait) => tokio::time::sleep(wait).await,
                Admission::No(rest) => {
                    count(if matches!(traffic, Traffic::Glance { .. }) { "dropped" } else { "handed_on" });
                    return Err(Error::Flood(rest));
                }
            }
        }
    }

    /// Telegram has answered with a 429.
    pub fn limited(&self, traffic: Traffic, pause: Duration) {
        let (Traffic::Sent { chat, .. } | Traffic::Glance { chat, .. }) = traffic else { return };
        let all = self.gate(|gate| gate.limited(Some(chat), pause, Instant::now()));
        count("chat_limited");
        self.tell(Some(chat), pause);
        if let Some(rest) = all {
            tracing::warn!(rest_s = rest.as_secs(), "Telegram limits the bot as a whole");
            count("all_limited");
            self.tell(None, rest);
        }
    }

    fn tell(&self, chat: Option<i64>, pause: Duration) {
        let for_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        if self.0.told.try_send(FloodNotice { chat, for_ms }).is_err() {
            count("untold");
        }
    }

    /// Tells the other instances and hears them, until told to stop; once a process. `media` is a connection to the
    /// account MEDIA.
    pub async fn serve(&self, media: Client, shutdown: CancellationToken) {
        let untold = self.0.untold.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut untold) = untold else { return };
        loop {
            let mut notices = match media.subscribe(LIVE_FLOOD).await {
                Ok(notices) => notices,
                Err(error) => {
                    tracing::warn!(%error, "what other instances learn of flood control can't be heard yet");
                    tokio::select! { () = shutdown.cancelled() => return, () = tokio::time::sleep(PAUSE) => continue }
                }
            };
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    notice = notices.next() => match notice {
                        Some(notice) => self.hear(&notice.payload),
                        None => break,
                    },
                    notice = untold.recv() => {
                        let Some(notice) = notice else { return };
                        say(&media, &notice).await;
                    }
                }
            }
            tokio::select! { () = shutdown.cancelled() => return, () = tokio::time::sleep(PAUSE) => {} }
        }
    }

    /// Also our own comes back, and changes nothing.
    fn hear(&self, payload: &[u8]) {
        let Ok(FloodNotice { chat, for_ms }) = serde_json::from_slice(payload) else {
            tracing::warn!("a notice of flood control can't be read");
            return;
        };
        let pause = Duration::from_millis(for_ms).min(HEARD_MAX);
        self.gate(|gate| gate.limited(chat, pause, Instant::now()));
        count("heard");
    }

    fn gate<T>(&self, act: impl FnOnce(&mut Gate) -> T) -> T {
        // Each step of the gate leaves it whole.
        act(&mut self.0.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn say(media: &Client, notice: &FloodNotice) {
    let said = match serde_json::to_vec(notice) {
        Ok(payload) => media.publish(LIVE_FLOOD, payload.into()).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = said {
        tracing::debug!(error, "what flood control asks for was not told to other instances");
    }
}

fn count(what: &'static str) {
    metrics::counter!("telegram_flood_total", "what" => what).increment(1);
}
