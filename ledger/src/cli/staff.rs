//! `ledger operator`: who may sign in to the console.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use proto_events::commands::{OperatorAct, Role, StaffPut};
use proto_events::{AccountId, CommandId, Text};
use secrecy::ExposeSecret as _;
use serde_json::json;
use service::config::Env;
use sqlx::PgPool;
use uuid::Uuid;

use super::money::agreed;
use super::operator::{self, Manner};
use super::out::say;
use crate::console::{PASSWORD_CHARS_MIN, TOTP_RESET, hash_password};
use crate::store::Ended;
use crate::{config, store};

#[derive(Subcommand)]
pub enum Operator {
    /// Let somebody sign in, or change what they may do.
    Add(Add),
    /// Let somebody sign in no more; ends their sessions.
    Remove(Remove),
    /// Ask somebody for no code any more whose telephone is
    /// lost; ends their sessions.
    #[command(verbatim_doc_comment)]
    ResetTotp(Remove),
    /// Who may sign in.
    List {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum As {
    Finance,
    Operator,
    Administrator,
}

impl As {
    const fn role(self) -> Role {
        match self {
            Self::Finance => Role::Finance,
            Self::Operator => Role::Operator,
            Self::Administrator => Role::Administrator,
        }
    }
}

#[derive(Args)]
pub struct Add {
    /// 2 to 32 of a-z, 0-9, '.', '_', '-'; signs what they do.
    name: String,
    /// finance, operator or administrator; may be given more
    /// than once
    #[arg(long = "role", value_name = "ROLE", required = true)]
    #[arg(hide_possible_values = true, verbatim_doc_comment)]
    roles: Vec<As>,
    /// Why, for the log.
    #[arg(long)]
    reason: String,
    /// Read the password from the standard input; else one is
    /// drawn, and shown once
    #[arg(long, verbatim_doc_comment)]
    password_stdin: bool,
    /// They keep the password they have.
    #[arg(long, conflicts_with = "password_stdin")]
    keep_password: bool,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Args)]
pub struct Remove {
    /// Whom.
    name: String,
    /// Why, for the log.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    manner: Manner,
}

pub async fn run(what: Operator) -> anyhow::Result<ExitCode> {
    match what {
        Operator::Add(wish) => add(wish).await,
        Operator::Remove(wish) => remove(wish).await,
        Operator::ResetTotp(wish) => reset_totp(wish).await,
        Operator::List { json } => list(json).await,
    }
}

async fn add(wish: Add) -> anyhow::Result<ExitCode> {
    let roles: Vec<Role> = wish.roles.iter().map(|role| role.role()).collect();
    let password = password(&wish)?;
    let ask = format!("{} may then sign in as {}.", wish.name, words(&roles));
    if !agreed(&ask, wish.manner.yes, wish.manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    let done = put(&wish.name, roles, password.as_deref(), &wish.reason, &wish.manner).await;
    let drawn = password.filter(|_| !wish.password_stdin);
    let done = match done {
        // What waits has this one's hash, and nobody else knows it.
        Err(error) if error.is::<operator::PutAside>() => {
            match drawn {
                Some(password) if wish.manner.json => {
                    say!("{}", json!({"position": null, "name": wish.name, "password": password}))?;
                }
                Some(password) => say!("The password, shown this once, if it is agreed to: {password}")?,
                None => {}
            }
            return Err(error);
        }
        done => done?,
    };
    if wish.manner.json {
        say!("{}", json!({"position": done.position, "name": wish.name, "password": drawn}))?;
        return Ok(ExitCode::SUCCESS);
    }
    say!("Done, at {}.", operator::places(&done))?;
    if let Some(password) = drawn {
        say!("The password, shown this once: {password}")?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(wish: Remove) -> anyhow::Result<ExitCode> {
    let ask = format!("{} is signed out at once and may not sign in any more.", wish.name);
    if !agreed(&ask, wish.manner.yes, wish.manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    let all = staff().await?;
    if !all.iter().any(|one| one.name == wish.name) {
        bail!("nobody is called {}: see ledger operator list", wish.name);
    }
    let done = put(&wish.name, Vec::new(), None, &wish.reason, &wish.manner).await?;
    if wish.manner.json {
        say!("{}", json!({"position": done.position, "name": wish.name}))?;
    } else {
        say!("Done, at {}.", operator::places(&done))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Written down first: who is cut off between does it again.
async fn reset_totp(wish: Remove) -> anyhow::Result<ExitCode> {
    let pool = pool().await?;
    let Some(known) = store::totp(&pool, &wish.name).await? else {
        bail!("nobody called {} has a second factor: see ledger operator list", wish.name);
    };
    let ask = format!("{} is signed out at once and signs in by the password alone.", wish.name);
    if !agreed(&ask, wish.manner.yes, wish.manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    let id = CommandId::new(format!("totp_reset:{}", Uuid::new_v4().simple()))?;
    let command = OperatorAct {
        act: Text::lossy(TOTP_RESET),
        subject: Text::lossy(&wish.name),
        reason: Text::new(&wish.reason).context("a reason has 1 to 500 letters")?,
    };
    let operator = operator::named(wish.manner.operator.as_deref());
    let done = operator::act(&operator, id, AccountId::OPERATIONS, command).await?;
    store::forget_totp(&pool, &wish.name, known.id).await?;
    store::end_sessions(&pool, &wish.name, Ended::All).await?;
    if wish.manner.json {
        say!("{}", json!({"position": done.position, "name": wish.name}))?;
    } else {
        say!("Done, at {}.", operator::places(&done))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(json: bool) -> anyhow::Result<ExitCode> {
    let all = staff().await?;
    if json {
        let all: Vec<_> = all.iter().map(|one| json!({"name": one.name, "roles": one.roles})).collect();
        say!("{}", json!({"operators": all}))?;
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        say!("Nobody may sign in yet: ledger operator add NAME --role administrator")?;
    }
    for one in all {
        let may = if one.roles.is_empty() { "may not sign in".to_owned() } else { words(&one.roles) };
        say!("{:<32}  {may}", one.name)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn pool() -> anyhow::Result<PgPool> {
    let url = config::database_url(Env::from_process())?;
    store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")
}

async fn staff() -> anyhow::Result<Vec<store::Staff>> {
    Ok(store::staff(&pool().await?).await?)
}

fn words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

/// `None`: the one they have.
fn password(wish: &Add) -> anyhow::Result<Option<String>> {
    if wish.keep_password {
        return Ok(None);
    }
    if !wish.password_stdin {
        return Ok(Some(Uuid::new_v4().simple().to_string()));
    }
    let mut given = String::new();
    std::io::stdin().take(1_000).read_to_string(&mut given).context("the password can't be read")?;
    let given = given.trim_end_matches(['\n', '\r']).to_owned();
    ensure!(
        given.chars().count() >= PASSWORD_CHARS_MIN,
        "a password has at least {PASSWORD_CHARS_MIN} characters"
    );
    Ok(Some(given))
}

async fn put(
    name: &str,
    roles: Vec<Role>,
    password: Option<&str>,
    reason: &str,
    manner: &Manner,
) -> anyhow::Result<service::ledger::Done> {
    let hash = password.map(hash_password).transpose();
    let hash = hash.map_err(|error| anyhow::anyhow!("the password can't be hashed: {error}"))?;
    let password_hash = hash.as_deref().map(Text::new).transpose()?;
    let name = Text::new(name).context("a name has at most 32 letters")?;
    let reason = Text::new(reason).context("a reason has 1 to 500 letters")?;
    let id = CommandId::new(format!("staff:{}", Uuid::new_v4().simple()))?;
    let command = StaffPut { name, roles, password_hash, reason };
    operator::act(&operator::named(manner.operator.as_deref()), id, AccountId::OPERATIONS, command).await
}
