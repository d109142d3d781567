//! Reads the configuration and runs the adapter until it is told to stop.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

use std::process::ExitCode;

use telegram_adapter::{config::Config, run};

#[tokio::main]
async fn main() -> ExitCode {
    service::telemetry::init("telegram-adapter");
    service::shutdown::ended("telegram-adapter", serve().await)
}

async fn serve() -> anyhow::Result<()> {
    let config = Config::read(service::config::Env::from_process())?;
    run(config, service::shutdown::token()).await?;
    Ok(())
}
