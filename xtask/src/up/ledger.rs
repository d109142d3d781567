//! The ledger's own command line on the running system: `cargo xtask ledger verify`.

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

use super::{
    layout::{Layout, Secrets},
    services::ledger_command,
    state::State,
};
use crate::{machine::Keys, settings::Settings};

/// `cargo xtask ledger …`: becomes the ledger's program, told what `up` tells it.
pub fn ledger(extra: &[String]) -> Result<()> {
    let layout = Layout::open()?;
    let state = State::running(&layout)?.context("nothing is running; `cargo xtask up` starts it")?;
    // This shell may be told other things than the one that started the system: what was started counts.
    let mut settings = Settings { ports: state.ports.clone(), ..Settings::read()? };
    if state.own_postgres {
        settings.database_url = None;
    }
    let (secrets, keys) = (Secrets::open(&layout)?, Keys::open(&layout.keys())?);
    let error = ledger_command(&settings, &layout, &secrets, &keys).args(extra).exec();
    Err(error).context("cannot run the ledger")
}
