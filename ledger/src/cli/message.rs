//! `ledger message`: words to one person.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use proto_events::commands::MessageRequest;
use proto_events::events::MessageKind;
use proto_events::{AccountId, CommandId, Text};
use secrecy::ExposeSecret as _;
use serde_json::json;
use service::config::Env;
use sqlx::PgPool;

use super::content::{self, Parts};
use super::money::agreed;
use super::operator::{self, Manner};
use super::out::{self, say};
use crate::{config, store};

#[derive(Args)]
pub struct Wish {
    /// An account, or telegram:ID.
    to: String,
    /// Telegram's HTML; - reads the standard input.
    text: Option<String>,
    /// The text is in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
    #[command(flatten)]
    parts: Parts,
    #[command(flatten)]
    manner: Manner,
}

pub async fn run(wish: Wish) -> anyhow::Result<ExitCode> {
    let content = wish.parts.content(content::text(wish.text.as_deref(), wish.text_file.as_ref())?)?;
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    let account = find(&pool, &wish.to).await?;
    let Some((_, language)) = store::own_chat(&pool, account).await? else {
        bail!("{} is nobody whom the bot knows", wish.to);
    };
    if !wish.manner.json {
        out::text(format_args!(
            "To {account}, who is spoken to in {language}:\n{}",
            content::paper(&content)
        ))?;
    }
    if !agreed("It is sent at once.", wish.manner.yes, wish.manner.json)? {
        say!("Nothing was sent.")?;
        return Ok(ExitCode::from(1));
    }
    let name = uuid::Uuid::new_v4().simple().to_string();
    let id = CommandId::new(format!("message:{name}"))?;
    let command = MessageRequest { message: Text::lossy(&name), kind: MessageKind::Text, content };
    let who = operator::named(wish.manner.operator.as_deref());
    let done = operator::act(&who, id, account, command).await?;
    if wish.manner.json {
        say!("{}", json!({"position": done.position, "account": account, "message": name}))?;
    } else {
        say!("Sent, at {}.", operator::places(&done))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// By the account, or by Telegram's number of the person.
async fn find(pool: &PgPool, to: &str) -> anyhow::Result<AccountId> {
    if let Some(user) = to.strip_prefix("telegram:") {
        let user: i64 = user.parse().with_context(|| format!("{to:?} names nobody: write telegram:12345"))?;
        let found = store::accounts_of_people(pool, &[user]).await?;
        return found.get(&user).copied().with_context(|| format!("nobody with an account is {to}"));
    }
    to.parse().ok().with_context(|| format!("{to:?} is no account: give its id, or telegram:12345"))
}
