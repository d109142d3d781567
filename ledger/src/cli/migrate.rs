//! `ledger migrate`.

use secrecy::ExposeSecret as _;
use service::config::Env;

use super::out::say;
use crate::{config, store};

pub async fn run() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process())?;
    store::migrate(url.expose_secret()).await?;
    say!("The database is up to date.")?;
    Ok(())
}
