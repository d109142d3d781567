//! The ledger service.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    ledger::cli::main().await
}
