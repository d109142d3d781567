//! SIGTERM and SIGINT end a service cleanly, and what ends it otherwise is said to people.

use std::io::Write as _;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT. Call inside the runtime.
pub fn token() -> CancellationToken {
    let token = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        match signal(kind) {
            Ok(mut stream) => {
                let token = token.clone();
                tokio::spawn(async move {
                    stream.recv().await;
                    tracing::info!("told to stop");
                    token.cancel();
                });
            }
            Err(error) => tracing::error!(%error, "signals can't be listened for"),
        }
    }
    token
}

/// How a service ends: the error with its causes as the last lines of the log. No backtrace, whatever
/// `RUST_BACKTRACE` says: what is wrong with a configuration must stand last.
pub fn ended(program: &str, outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // Nobody is left to be told if stderr is closed.
    let _ = writeln!(std::io::stderr(), "{program}: {error:#}");
    ExitCode::FAILURE
}
