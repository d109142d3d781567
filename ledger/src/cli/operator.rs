//! An act of an operator at the command line, sent to whichever ledger leads.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Producer, commands::Command};
use secrecy::ExposeSecret as _;
use service::config::Env;
use service::ledger::{Done, Envelope, Ledger};
use service::nats::{self, NatsConfig};

use crate::console::{NEEDS_APPROVAL, put_aside};
use crate::{config, store};

/// A nats-server that is there answers at once; who is at a terminal is not kept waiting for one that is not.
const CONNECT: Duration = Duration::from_secs(5);

/// How an operator decides, whatever it is about.
#[derive(Args)]
pub struct Manner {
    /// Who decides: is named in the log; else this user.
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Print one JSON object; needs --yes.
    #[arg(long)]
    pub json: bool,
}

/// Who acts: as said, else the user of this machine.
pub fn named(given: Option<&str>) -> String {
    let user = || std::env::var("USER").ok().filter(|user| !user.is_empty());
    given.map(str::to_owned).or_else(system_user).or_else(user).unwrap_or_else(|| "cli".to_owned())
}

/// Whose this process is, by the system's own list; a directory service's users are not in it.
fn system_user() -> Option<String> {
    let uid = std::fs::metadata("/proc/self").ok()?.uid();
    name_of(uid, &std::fs::read_to_string("/etc/passwd").ok()?)
}

/// `name:password:uid:…`, a line each.
fn name_of(uid: u32, passwd: &str) -> Option<String> {
    let uid = uid.to_string();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&*uid))?;
    line.split(':').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// It waits for another administrator.
#[derive(Debug, thiserror::Error)]
#[error("{why}: it waits at /proposals of the console as {id}")]
pub struct PutAside {
    why: String,
    id: CommandId,
}

/// # Errors
/// NATS is away, nobody leads, the act is refused, or it is [`PutAside`].
pub async fn act(
    operator: &str,
    id: CommandId,
    account: AccountId,
    command: impl Into<Command>,
) -> anyhow::Result<Done> {
    let (account, command) = (AccountRef::Id(account), command.into());
    let envelope = Envelope { id, account, command, causation: None, trace_id: None };
    let (id, wanted) = (envelope.id.clone(), envelope.command.clone());
    match ledger().await?.acting(operator).send(envelope).await {
        Err(error) if error.code() == Some(NEEDS_APPROVAL) => {
            let url = config::database_url(Env::from_process())?;
            let pool = store::connect(url.expose_secret(), 1).await;
            let pool = pool.context("can't reach Postgres by DATABASE_URL")?;
            if !put_aside(&pool, operator, &id, account, &wanted).await? {
                bail!("{error}: it was decided before (see /proposals of the console)")
            }
            Err(PutAside { why: error.to_string(), id }.into())
        }
        sent => Ok(sent?),
    }
}

/// Whichever ledger leads.
///
/// # Errors
/// NATS is away.
pub async fn ledger() -> anyhow::Result<Ledger> {
    let mut env = Env::from_process();
    let nats = NatsConfig::read(&mut env);
    let nats = env.finish(nats)?;
    let connecting = tokio::time::timeout(CONNECT, nats::connect(&nats, "ledger")).await;
    let client = connecting.context("NATS at NATS_URL does not answer")??;
    Ok(Ledger::new(client, Producer::Console))
}

/// Where in the log the act stands: "position 7", "positions 7 to 9".
pub fn places(done: &Done) -> String {
    match done.events.as_slice() {
        [first, .., last] => format!("positions {} to {}", first.position, last.position),
        _ => format!("position {}", done.position),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_as_the_system_knows_them() {
        let passwd = "root:x:0:0:root:/r:/bin/sh\nmasha:x:1000:1000::/h/masha:/bin/sh\n";
        assert_eq!(name_of(0, passwd).as_deref(), Some("root"));
        assert_eq!(name_of(1_000, passwd).as_deref(), Some("masha"));
        assert_eq!(name_of(100, passwd), None);
        assert_eq!(named(Some("ada")), "ada");
    }
}
