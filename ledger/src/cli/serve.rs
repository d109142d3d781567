//! `ledger serve`.

use secrecy::ExposeSecret as _;
use service::config::Env;

use crate::{config, serve, store};

pub async fn run(migrate: bool) -> anyhow::Result<()> {
    let config = config::Config::read(Env::from_process())?;
    service::telemetry::init("ledger");
    if migrate {
        store::migrate(config.database_url.expose_secret()).await?;
    }
    serve::run(config, service::shutdown::token()).await
}
