//! Stand-ins for the three vendors Plantain talks to, with a people side and pages for the browser.
//!
//! One HTTP server holds everything: `/telegram`, `/yookassa/v3` and `/gemini` speak the vendors' own
//! protocols, as strictly as the vendors do; the rest is for people, tests and scripts (see README.md).
//! State lives in memory, and in one file when [`Options::state_file`] names it. Nothing here is real.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

mod arrivals;
mod blobs;
mod calendar;
mod clock;
mod desk;
mod faults;
mod gemini;
mod line;
mod options;
mod pages;
mod people;
mod reply;
mod router;
mod state_file;
mod telegram;
mod vendor;
mod world;
mod yookassa;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use options::{FloodLimits, GeminiLimits, Options};
pub use people::kinds::KINDS;

/// Open connections get this long to finish once shutdown was asked for.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// What can keep the sandbox from starting or make it stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the listener has no address")]
    Address(#[source] std::io::Error),
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
    #[error("the state file can't be used")]
    State(#[from] state_file::Error),
    #[error("the folder for arrivals can't be written")]
    Arrivals(#[source] std::io::Error),
    #[error("the HTTP server stopped")]
    Serve(#[source] std::io::Error),
}

/// Serves the sandbox on `listener` until `shutdown` is cancelled.
///
/// # Errors
/// When the state file is unreadable, or the server's socket fails.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Address)?;
    let world = world::World::open(options, address, shutdown.clone())?;
    let loops = vec![
        tokio::spawn(telegram::delivery::run(world.clone())),
        tokio::spawn(yookassa::notify::run(world.clone())),
        tokio::spawn(yookassa::expiry::run(world.clone())),
    ];
    let ended = CancellationToken::new();
    let saving = tokio::spawn(state_file::run(world.clone(), ended.clone()));
    let app = router::router(world.clone());
    let server =
        axum::serve(line::Doors::new(listener), app.into_make_service_with_connect_info::<line::Cut>())
            .with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let served = tokio::select! {
        served = server => served.map_err(Error::Serve),
        () = async { shutdown.cancelled().await; tokio::time::sleep(SHUTDOWN_GRACE).await } => Ok(()),
    };
    shutdown.cancel();
    for task in loops {
        // A loop that panicked has already said so; the others still need their end.
        let _ = task.await;
    }
    ended.cancel();
    let _ = saving.await;
    served
}
