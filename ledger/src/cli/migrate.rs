//! `ledger migrate`.

use secrecy::ExposeSecret as _;
use service::config::Env;

use crate::{config, store};

pub async fn run() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process())?;
    store::migrate(url.expose_secret()).await?;
    println!("The database is up to date.");
    Ok(())
}
