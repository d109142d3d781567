//! Gemini ⇄ NATS: claims jobs from the ledger, has them made, stores the bytes, tells the ledger.
//!
//! [`jobs`] is the way of a job, [`gemini`] the vendor, [`picture`] what may come back, [`shelf`]
//! where it lies, [`cost`] what it cost. No state: what must last is in the ledger or on the shelf.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod config;
pub mod cost;
pub mod gemini;
pub mod jobs;
pub mod picture;
mod prices;
pub mod shelf;

use std::{sync::Arc, time::Duration};

use proto_events::Producer;
use service::{consumer, http, http::Health, ledger::Ledger, nats};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;
use jobs::{Desk, Tools, Worker};

/// The stream shows an event again when nothing was heard of it for so long.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How long open pages may keep a process that has been told to stop.
const LINGER: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no connection to NATS")]
    Nats(#[source] nats::ConnectError),
    #[error(transparent)]
    Client(gemini::BadClient),
    #[error("the health port is broken")]
    Http(#[source] std::io::Error),
}

/// Works until `shutdown`; then takes nothing new and lets what is under way end.
///
/// # Errors
/// NATS refuses us, or the listener breaks.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Error> {
    if config.cuts_calls_off() {
        let (drain_s, call_s) = (config.drain.as_secs(), config.gemini.call_timeout.as_secs());
        tracing::warn!(
            drain_s,
            call_s,
            "a stop cuts calls off that Google bills: GENERATOR_DRAIN_SECONDS is less than a call may take"
        );
    }
    let health = Health::new(&["nats", "ledger", "gemini"]);
    let serving = tokio::spawn(http::serve(listener, axum::Router::new(), health.clone(), shutdown.clone()));
    let connections = async {
        let client = nats::connect(&config.nats, "generator").await.map_err(Error::Nats)?;
        let media = nats::connect(&config.media, "media-generator").await.map_err(Error::Nats)?;
        Ok::<_, Error>((client, media))
    };
    let (client, media) = tokio::select! {
        connected = connections => connected?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let ledger = Ledger::new(client.clone(), Producer::Generator);
    let tools = Tools {
        prices: prices::Prices::new(&ledger),
        ledger: ledger.clone(),
        gemini: Arc::new(gemini::Gemini::new(config.gemini).map_err(Error::Client)?),
        shelf: shelf::Shelf::new(media.clone(), config.requests_bytes),
        worker: Worker::default(),
        retries_in_doubt: config.retries_in_doubt,
    };
    tracing::info!(worker = tools.worker.process(), concurrency = config.concurrency, "waiting for jobs");
    let desk = Desk::new(tools, config.concurrency, shutdown.clone());
    let report =
        service::report::run(ledger.clone(), health.clone(), env!("CARGO_PKG_VERSION"), shutdown.clone());
    let options = consumer::Options { in_flight_max: config.concurrency, ack_wait: ACK_WAIT };
    let hearing = {
        let desk = desk.clone();
        consumer::run(client.clone(), Producer::Generator, ledger, options, shutdown.clone(), move |event| {
            let desk = desk.clone();
            async move { desk.hear(event).await }
        })
    };
    let clients = [client.clone(), media.clone()];
    let watching = service::nats::watch(&clients, &health, "nats", &shutdown);
    tokio::join!(hearing, desk.sweep(health.clone()), desk.watch(health.clone()), watching, report);
    desk.drain(config.drain).await;
    // A page that somebody keeps open does not keep us.
    match tokio::time::timeout(LINGER, serving).await {
        Ok(Ok(served)) => served.map_err(Error::Http),
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}
