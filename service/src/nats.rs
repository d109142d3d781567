//! A connection to NATS as one user of one account: its key, its private inboxes, its version.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event};
use tokio_util::sync::CancellationToken;

use crate::config::Env;
use crate::http::Health;

/// Older servers drop configuration they do not know without a word (docs: facts of NATS).
pub const VERSION_MIN: (u32, u32, u32) = (2, 15, 1);
/// How long a request waits for its answer before it counts as lost.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Tries to reach NATS at the start, and the pause between them: 30 s in all.
const CONNECT_TRIES: u32 = 60;
const CONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How often a connection is looked at for the health page.
const LOOK: Duration = Duration::from_secs(1);
/// A connection is dead after two pings without an answer: with this within 3 s, so that a ledger
/// that is cut off is replaced within 5 s.
const PING: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// `NATS_URL`
    pub url: String,
    /// `NATS_NKEY_SEED_FILE` or `NATS_MEDIA_NKEY_SEED_FILE`
    pub seed_file: PathBuf,
}

const URL: &str = "where NATS is: nats://host:port";
const SEED: &str = "the file with this service's nkey seed (SU…)";

impl NatsConfig {
    /// The service's own account.
    pub fn read(env: &mut Env) -> Option<Self> {
        Self::read_as(env, "NATS_NKEY_SEED_FILE")
    }

    /// The account MEDIA: pictures and sessions.
    pub fn read_media(env: &mut Env) -> Option<Self> {
        Self::read_as(env, "NATS_MEDIA_NKEY_SEED_FILE")
    }

    fn read_as(env: &mut Env, seed_variable: &'static str) -> Option<Self> {
        let url = env.required("NATS_URL", URL);
        let seed_file: Option<PathBuf> = env.required(seed_variable, SEED);
        if let Some(path) = &seed_file
            && !path.is_file()
        {
            env.problem(seed_variable, format!("there is no file {}; it is {SEED}", path.display()));
        }
        url.zip(seed_file).map(|(url, seed_file)| Self { url, seed_file })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the seed file {path} can't be used: {reason}")]
    Seed { path: PathBuf, reason: String },
    #[error("NATS at {url} can't be reached or refuses this user")]
    Unreachable {
        url: String,
        #[source]
        source: async_nats::ConnectError,
    },
    #[error("nats-server {found} is too old: 2.15.1 or newer is needed")]
    Version { found: String },
}

/// Connects, waiting up to 30 s for a server that is still starting. `user` is the user's name in
/// nats.conf (`telegram`, `media-telegram` …); its private inboxes are `_INBOX_<user>.>`.
///
/// # Errors
/// A wrong seed, an unreachable or an old server.
pub async fn connect(config: &NatsConfig, user: &str) -> Result<Client, ConnectError> {
    let bad_seed = |reason: String| ConnectError::Seed { path: config.seed_file.clone(), reason };
    let seed = tokio::fs::read_to_string(&config.seed_file).await.map_err(|e| bad_seed(e.to_string()))?;
    let seed = seed.trim().to_owned();
    nkeys::KeyPair::from_seed(&seed).map_err(|e| bad_seed(e.to_string()))?;
    let mut tries = 0;
    let client = loop {
        tries += 1;
        match options(&seed, user).connect(config.url.as_str()).await {
            Ok(client) => break client,
            Err(source) if tries >= CONNECT_TRIES => {
                return Err(ConnectError::Unreachable { url: config.url.clone(), source });
            }
            Err(error) => {
                tracing::debug!(%error, "NATS is not there yet");
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
        }
    };
    let found = client.server_info().version;
    if version(&found).is_none_or(|v| v < VERSION_MIN) {
        return Err(ConnectError::Version { found });
    }
    Ok(client)
}

/// Keeps `need` up while every one of these connections stands; until told to stop.
pub async fn watch(clients: &[Client], health: &Health, need: &'static str, shutdown: &CancellationToken) {
    while !shutdown.is_cancelled() {
        health.set(need, clients.iter().all(|client| client.connection_state() == State::Connected));
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

fn options(seed: &str, name: &str) -> ConnectOptions {
    let who = name.to_owned();
    ConnectOptions::with_nkey(seed.to_owned())
        .name(name)
        .custom_inbox_prefix(format!("_INBOX_{name}"))
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(PING)
        .event_callback(move |event| {
            let who = who.clone();
            async move { note(&who, &event) }
        })
}

fn note(who: &str, event: &Event) {
    match event {
        Event::ServerError(error) => {
            // A denied publish shows up nowhere else: its sender only sees a timeout.
            tracing::error!(connection = who, %error, "NATS refuses what this service does");
            metrics::counter!("nats_refusals_total", "connection" => who.to_owned()).increment(1);
        }
        Event::Disconnected => tracing::warn!(connection = who, "NATS is gone; reconnecting"),
        Event::Connected => tracing::info!(connection = who, "NATS is there"),
        Event::SlowConsumer(id) => {
            tracing::error!(connection = who, id, "a subscription is too slow; messages were lost")
        }
        other => tracing::debug!(connection = who, event = %other, "NATS event"),
    }
}

fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(['-', '+']).next()?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("2.9.10") < Some(VERSION_MIN));
        assert!(version("2.15.1") >= Some(VERSION_MIN));
        assert!(version("2.16.0-RC.1") >= Some(VERSION_MIN));
        assert_eq!(version("nonsense"), None);
    }
}
