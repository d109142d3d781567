//! psql on the running system's database: for `demo`, and for anyone who wants to look.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result};

use super::{
    layout::{DATABASE, Layout, Secrets},
    state::State,
};
use crate::{
    machine::{install, postgres},
    settings::Settings,
};

/// psql, connected as the superuser of the private Postgres, or as DATABASE_URL says.
pub(crate) fn psql_command(layout: &Layout, state: &State) -> Result<Command> {
    let program = match &state.psql {
        Some(psql) => psql.clone(),
        None => install::postgres::find_or_install(None)?.program("psql"),
    };
    let mut psql = Command::new(program);
    psql.env("PGCONNECT_TIMEOUT", "10");
    if state.own_postgres {
        psql.args(["-h", "127.0.0.1", "-p", &state.ports.postgres.to_string(), "-U", postgres::SUPERUSER]);
        psql.args(["-d", DATABASE]).env("PGPASSWORD", Secrets::open(layout)?.postgres_password);
    } else {
        let url = Settings::read()?
            .database_url
            .context("the system runs on your Postgres: set DATABASE_URL here too")?;
        psql.args(["-d", &url]);
    }
    Ok(psql)
}

/// `cargo xtask psql …`: becomes psql.
pub fn psql(extra: &[String]) -> Result<()> {
    let layout = Layout::open()?;
    let state = State::running(&layout)?.context("nothing is running; `cargo xtask up` starts it")?;
    let error = psql_command(&layout, &state)?.args(extra).exec();
    Err(error).context("cannot run psql")
}
