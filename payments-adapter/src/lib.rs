//! YooKassa ⇄ NATS: opens payments, proves and settles them, cancels what is over.
//!
//! [`open`] makes a payment at YooKassa, [`refunds`] gives money back, [`notify`] is the door for notifications,
//! [`poll`] makes the stream dispensable and [`reconcile`] the notifications, [`proof`] is the only way in which
//! anything is believed.
//! No state: what must last is in the ledger and in YooKassa's books.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

mod agenda;
mod catch_up;
mod clock;
pub mod config;
pub mod notify;
pub mod open;
pub mod poll;
pub mod proof;
pub mod receipt;
pub mod reconcile;
pub mod refunds;
pub mod second_receipt;
pub mod yookassa;

use std::{sync::Arc, time::Duration};

use proto_events::Producer;
use service::{consumer, http, http::Health, ledger::Ledger, nats};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;
use open::Opener;
use poll::Round;
use proof::Prover;
use receipt::Terms;
use reconcile::Reconciler;
use refunds::Returner;
use second_receipt::Seconds;

/// Events in hand at once; each is one call to YooKassa.
const IN_FLIGHT_MAX: usize = 8;
/// Longer than a call to YooKassa may take.
const ACK_WAIT: Duration = Duration::from_secs(60);
/// YooKassa waits for the answer to a notification: it is better told 503 than left waiting.
const NOTIFY_ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long calls and requests under way may keep a process that has been told to stop.
const LINGER: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no connection to NATS")]
    Nats(#[source] nats::ConnectError),
    #[error(transparent)]
    Client(yookassa::BadClient),
    #[error("the port for notifications is broken")]
    Http(#[source] std::io::Error),
}

/// Works until `shutdown`; then takes nothing new and lets what is under way end.
///
/// # Errors
/// NATS refuses us, or the listener breaks.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Error> {
    let health = Health::new(&["nats", "ledger"]);
    let client = tokio::select! {
        client = nats::connect(&config.nats, "payments") => client.map_err(Error::Nats)?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let ledger = Ledger::new(client.clone(), Producer::Payments);
    let prover = Arc::new(Prover {
        ledger: ledger.clone().with_deadline(NOTIFY_ANSWER_WITHIN),
        yookassa: yookassa::YooKassa::new(config.yookassa).map_err(Error::Client)?,
        expected: config.expected,
        told: proof::Told::default(),
    });
    let opener =
        Opener { prover: prover.clone(), return_url: config.return_url, receipts: config.receipts.clone() };
    let terms = config.receipts.as_ref().and_then(Terms::second);
    let returner = Returner { prover: prover.clone(), receipts: config.receipts };
    let reconciler = Reconciler {
        seconds: Seconds { prover: prover.clone(), terms },
        prover: prover.clone(),
        every: config.reconcile_every,
    };
    let router = notify::router(config.door, prover.clone());
    let serving = tokio::spawn(http::serve(listener, router, health.clone(), shutdown.clone()));
    let round = Round::new(opener, returner, prover);
    let version = env!("CARGO_PKG_VERSION");
    let report = service::report::run(ledger.clone(), health.clone(), version, shutdown.clone());
    let options = consumer::Options { in_flight_max: IN_FLIGHT_MAX, ack_wait: ACK_WAIT };
    let hearing = {
        let round = round.clone();
        consumer::run(client.clone(), Producer::Payments, ledger, options, shutdown.clone(), move |event| {
            let round = round.clone();
            async move { round.hear(event).await }
        })
    };
    tracing::info!("waiting for payments");
    let working = async {
        let watching = service::nats::watch(std::slice::from_ref(&client), &health, "nats", &shutdown);
        let sweeping = round.run(health.clone(), shutdown.clone());
        tokio::join!(hearing, sweeping, reconciler.run(shutdown.clone()), watching, report)
    };
    tokio::select! {
        _ = working => {}
        // Every step can be taken again by the next process.
        () = async { shutdown.cancelled().await; tokio::time::sleep(LINGER).await } => {
            tracing::warn!("stopped in the middle of a call");
        }
    }
    match tokio::time::timeout(LINGER, serving).await {
        Ok(Ok(served)) => served.map_err(Error::Http),
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}
