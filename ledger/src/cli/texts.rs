//! `ledger texts`: the bot's words, and those in their place.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use proto_events::commands::ContentPut;
use proto_events::{AccountId, CommandId, Text};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use service::config::Env;
use sqlx::PgPool;

use super::content;
use super::money::agreed;
use super::operator::{self, Manner};
use super::out::{self, say};
use super::table::{WIDTH, left, rule};
use crate::store::BotText;
use crate::{config, store, texts};

#[derive(Subcommand)]
pub enum Texts {
    /// All texts: whose words stand where, and how they begin.
    List {
        /// Only in this language.
        #[arg(long)]
        language: Option<String>,
        /// Only those in the place of a built-in one.
        #[arg(long)]
        own: bool,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// A text: built in, and in its place.
    Show {
        key: String,
        /// Only in this language.
        #[arg(long)]
        language: Option<String>,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Put words in the place of a built-in text.
    Set(Set),
    /// Take the built-in text again.
    Reset(Reset),
}

#[derive(Args)]
pub struct Set {
    key: String,
    /// ru or en.
    language: String,
    /// Fluent, as behind `key =`; - reads the standard input.
    text: Option<String>,
    /// The text is in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
    /// Why; stays in the log, so it must name nobody.
    #[arg(long, default_value = "edited", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Args)]
pub struct Reset {
    key: String,
    /// ru or en.
    language: String,
    /// Why; stays in the log, so it must name nobody.
    #[arg(long, default_value = "taken back", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    manner: Manner,
}

pub async fn run(what: Texts) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    match what {
        Texts::List { language, own, json } => {
            let mut all = store::bot_texts(&pool, None, language.as_deref()).await?;
            all.retain(|text| !own || text.own.is_some());
            shown(&all, json, list)
        }
        Texts::Show { key, language, json } => {
            let found = store::bot_texts(&pool, Some(&key), language.as_deref()).await?;
            if found.is_empty() {
                bail!("the bot has no text {key:?}; `ledger texts list` shows them");
            }
            shown(&found, json, paper)
        }
        Texts::Set(wish) => set(&pool, &wish).await,
        Texts::Reset(wish) => reset(&pool, &wish).await,
    }
}

fn shown(texts: &[BotText], json: bool, paper: fn(&[BotText]) -> String) -> anyhow::Result<ExitCode> {
    if json {
        let one = |t: &BotText| json!({"key": t.key, "language": t.language, "builtin": t.builtin, "own": t.own, "picture": t.picture});
        say!("{}", texts.iter().map(one).collect::<Value>())?;
    } else {
        out::text(format_args!("{}", paper(texts)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(texts: &[BotText]) -> String {
    let mut out = String::new();
    for text in texts {
        let words = text.own.as_ref().unwrap_or(&text.builtin);
        let begins = words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let whose = if text.own.is_some() { "own" } else { "" };
        let picture = if text.picture.is_some() { "pic" } else { "" };
        let row = format!(
            "{} {} {} {} {}",
            left(&text.language, 2),
            left(&text.key, 28),
            left(whose, 3),
            left(picture, 3),
            left(begins, WIDTH - 40)
        );
        out += row.trim_end();
        out.push('\n');
    }
    if out.is_empty() { "There is none.\n".to_owned() } else { out }
}

/// The words themselves are not folded: they may be copied into a file.
fn paper(texts: &[BotText]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for text in texts {
        let whose = if text.own.is_some() { "built in, not used" } else { "built in" };
        let _ = writeln!(out, "{}/{}, {whose}\n{}\n{}", text.language, text.key, rule(), text.builtin);
        if let Some(sha256) = &text.picture {
            let _ = writeln!(out, "\n{}/{}, with a picture above it:\n{sha256}", text.language, text.key);
        }
        if let Some(own) = &text.own {
            let _ = writeln!(out, "\n{}/{}, in its place\n{}\n{own}", text.language, text.key, rule());
        }
        out.push('\n');
    }
    out
}

async fn find(pool: &PgPool, key: &str, language: &str) -> anyhow::Result<BotText> {
    let found = store::bot_texts(pool, Some(key), Some(language)).await?.pop();
    found.with_context(|| {
        format!("the bot has no text {key:?} in {language:?}; `ledger texts list` shows them")
    })
}

async fn set(pool: &PgPool, wish: &Set) -> anyhow::Result<ExitCode> {
    let there = find(pool, &wish.key, &wish.language).await?;
    let Some(words) = content::text(wish.text.as_deref(), wish.text_file.as_ref())? else {
        bail!("give the text in words, by --text-file, or - for the standard input");
    };
    let words = words.trim().to_owned();
    if let Err(unfit) = texts::check(&there.builtin, &words) {
        bail!("it can't stand in the place of {}/{}: {unfit}", wish.language, wish.key);
    }
    let text = Text::new(words).context("a text has at most 4096 characters")?;
    if !wish.manner.json {
        let before = there.own.as_ref().unwrap_or(&there.builtin);
        out::text(format_args!("Now:\n{before}\n{}\nThen:\n{text}\n{}\n", rule(), rule()))?;
    }
    put(&wish.manner, (&wish.key, &wish.language), Some(text), &wish.reason).await
}

async fn reset(pool: &PgPool, wish: &Reset) -> anyhow::Result<ExitCode> {
    let there = find(pool, &wish.key, &wish.language).await?;
    if there.own.is_none() {
        bail!("{}/{} is the built-in text already", wish.language, wish.key);
    }
    put(&wish.manner, (&wish.key, &wish.language), None, &wish.reason).await
}

async fn put(
    manner: &Manner,
    (key, language): (&str, &str),
    text: Option<Text<4096>>,
    reason: &str,
) -> anyhow::Result<ExitCode> {
    if !agreed("Everybody reads it within a minute.", manner.yes, manner.json)? {
        say!("Nothing was changed.")?;
        return Ok(ExitCode::from(1));
    }
    let command = ContentPut {
        key: Text::lossy(key),
        language: Text::lossy(language),
        text,
        reason: Text::new(reason).context("--reason is at most 500 characters")?,
    };
    let id = CommandId::new(format!("content:{}", uuid::Uuid::new_v4().simple()))?;
    let who = operator::named(manner.operator.as_deref());
    let done = operator::act(&who, id, AccountId::OPERATIONS, command).await?;
    if manner.json {
        say!("{}", json!({"position": done.position, "key": key, "language": language}))?;
    } else {
        say!("Done, at {}.", operator::places(&done))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_fits_its_paper() {
        let text = |own: Option<&str>| BotText {
            key: "a-key-that-is-much-longer-than-it-should-be".to_owned(),
            language: "ru".to_owned(),
            builtin: format!("\n{}", "слово ".repeat(40)),
            own: own.map(str::to_owned),
            version: 0,
            beside: Some(Vec::new()),
            picture: own.map(|_| "0a".repeat(32)),
        };
        let all = list(&[text(None), text(Some("own words"))]);
        assert!(all.lines().all(|line| line.chars().count() <= 80), "{all}");
        assert!(all.contains(" own pic own words"), "{all}");
    }
}
