//! `ledger serve`.

use clap::Args;
use secrecy::ExposeSecret as _;
use service::config::Env;

use crate::{config, serve, store};

#[derive(Args)]
pub struct Serve {
    /// Migrate first.
    #[arg(long)]
    migrate: bool,
    /// Go on with a restored database that is behind its
    /// checkpoints or the event stream: what came after
    /// is given up, and a new incarnation of the log
    /// begins. Give it once, not for ever
    #[arg(long, value_name = "WHY", verbatim_doc_comment)]
    accept_restore: Option<String>,
}

pub async fn run(args: Serve) -> anyhow::Result<()> {
    let config = config::Config::read(Env::from_process())?;
    service::telemetry::init("ledger");
    if args.migrate {
        store::migrate(config.database_url.expose_secret()).await?;
    }
    serve::run(config, args.accept_restore, service::shutdown::token()).await
}
