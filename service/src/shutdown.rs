//! SIGTERM and SIGINT end a service cleanly.

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
