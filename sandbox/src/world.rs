//! What the whole sandbox shares. One lock over all state: everything done under it is short and
//! synchronous, and every change bumps a counter that waiters (long polls, deliveries, the state
//! file) watch.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    arrivals::Arrivals,
    blobs::Blobs,
    clock::Clock,
    clock::wall_ms,
    faults::Faults,
    gemini,
    gemini::limits::{GeminiLimits, Quotas},
    gemini::studio::Studio,
    options::FloodLimits,
    options::Options,
    people::events::ChatEvent,
    state_file, telegram,
    telegram::flood::Flood,
    yookassa,
};

/// A page that reads slower than this many events behind is told to reload.
const EVENTS_BEHIND_MAX: usize = 16_384;

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) base_url: String,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
    pub(crate) arrivals: Arrivals,
    pub(crate) faults: Faults,
    pub(crate) blobs: Blobs,
    pub(crate) flood: Mutex<Flood>,
    pub(crate) quotas: Quotas,
    pub(crate) studio: Studio,
    pub(crate) events: broadcast::Sender<ChatEvent>,
    pub(crate) shutdown: CancellationToken,
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

/// Everything that outlives a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) clock_ms: i64,
    pub(crate) settings: Settings,
    pub(crate) telegram: telegram::state::Telegram,
    pub(crate) yookassa: yookassa::state::YooKassa,
    pub(crate) gemini: gemini::books::Gemini,
}

/// What can be changed while running (`PUT /settings`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) yookassa_notify_url: Option<String>,
    pub(crate) flood: FloodLimits,
    pub(crate) group_privacy: bool,
    pub(crate) gemini_latency_ms: u64,
    pub(crate) gemini_limits: GeminiLimits,
    pub(crate) gemini_prepainted: bool,
}

impl World {
    pub(crate) fn open(
        options: Options,
        address: SocketAddr,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        let mut state = state_file::load(options.state_file.as_deref())?;
        // Options win over what was kept: they were given for this run.
        state.settings = Settings {
            yookassa_notify_url: options.yookassa_notify_url.clone(),
            flood: options.flood,
            group_privacy: options.group_privacy,
            gemini_latency_ms: options.gemini_latency_ms,
            gemini_limits: options.gemini_limits,
            gemini_prepainted: options.gemini_prepainted,
        };
        state.yookassa.reindex();
        state.telegram.dates_follow_clock = options.dates_follow_clock;
        let blobs = Blobs::open(options.state_file.as_deref().map(state_file::blob_folder))
            .map_err(state_file::Error::Io)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .user_agent("plantain-sandbox")
            .build()
            .map_err(Error::Client)?;
        let base_url = options.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(address)));
        Ok(Arc::new(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            clock: Clock::new(options.clock_speed, state.clock_ms),
            http,
            arrivals: Arrivals::open(options.arrivals_dir.as_deref()).map_err(Error::Arrivals)?,
            faults: Faults::default(),
            blobs,
            flood: Mutex::default(),
            quotas: Quotas::default(),
            studio: Studio::default(),
            events: broadcast::channel(EVENTS_BEHIND_MAX).0,
            shutdown,
            state: Mutex::new(state),
            version: watch::channel(0).0,
            options,
        }))
    }

    /// Reads state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes state and wakes whoever waits for a change. Never call it from inside itself.
    pub(crate) fn change<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let result = act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// What a date shows: real time, or the clock when dates follow it.
    pub(crate) fn date_ms(&self) -> i64 {
        if self.options.dates_follow_clock { self.clock.now_ms() } else { wall_ms() }
    }

    /// A receiver that sees every change made after this call.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(crate) fn tell(&self, event: ChatEvent) {
        // Nobody listening is the usual case.
        let _ = self.events.send(event);
    }
}

/// A listener on all addresses is reached by loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], address.port())) } else { address }
}
