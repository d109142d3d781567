//! `payments-adapter`: reads its configuration from the environment and works until it is told to stop.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

use std::process::ExitCode;

use anyhow::Context;
use payments_adapter::Config;
use service::config::Env;

#[tokio::main]
async fn main() -> ExitCode {
    service::telemetry::init("payments-adapter");
    service::shutdown::ended("payments-adapter", serve().await)
}

async fn serve() -> anyhow::Result<()> {
    let config = Config::read(Env::from_process())?;
    let listen = config.listen;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("BIND and PAYMENTS_PORT: can't listen on {listen}"))?;
    payments_adapter::run(config, listener, service::shutdown::token()).await?;
    Ok(())
}
