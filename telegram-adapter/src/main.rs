//! Reads the configuration and runs the adapter until it is told to stop.

use telegram_adapter::{config::Config, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    service::telemetry::init("telegram-adapter");
    let config = Config::read(service::config::Env::from_process())?;
    run(config, service::shutdown::token()).await?;
    Ok(())
}
