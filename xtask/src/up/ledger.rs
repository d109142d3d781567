//! The ledger's own command line on the running system: `cargo xtask ledger verify`. What needs no database works
//! also when nothing runs.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use super::{
    build,
    layout::{Layout, Secrets},
    services::{CHECKPOINT_DIR, CHECKPOINT_KEY_FILE, ledger_command},
    state::State,
};
use crate::{machine::Keys, settings::Settings};

/// `cargo xtask ledger …`: becomes the ledger's program, told what `up` tells it. Nothing said is `--help`.
pub fn ledger(extra: &[String]) -> Result<()> {
    let layout = Layout::open()?;
    let help = ["--help".to_owned()];
    let words = if extra.is_empty() { &help } else { extra };
    let mut command = match State::running(&layout)? {
        Some(state) => beside(&layout, &state)?,
        None if needs_no_system(words) => alone(&layout)?,
        None => anyhow::bail!("nothing is running; `cargo xtask up` starts it"),
    };
    let error = command.args(words).exec();
    Err(error).context("cannot run the ledger")
}

fn beside(layout: &Layout, state: &State) -> Result<Command> {
    // This shell may be told other things than the one that started the system: what was started counts.
    let mut settings = Settings { ports: state.ports.clone(), ..Settings::read()? };
    if state.own_postgres {
        settings.database_url = None;
    }
    let (secrets, keys) = (Secrets::open(layout)?, Keys::open(&layout.keys())?);
    Ok(ledger_command(&settings, layout, &secrets, &keys))
}

/// The program of the last `up`, or a new one; told who vouches for the log, if one was ever kept here.
fn alone(layout: &Layout) -> Result<Command> {
    if !layout.program("ledger").exists() {
        build::build_and_copy(layout, false)?;
    }
    let mut command = Command::new(layout.program("ledger"));
    let kept = [(CHECKPOINT_KEY_FILE, layout.checkpoint_key()), (CHECKPOINT_DIR, layout.checkpoints())];
    let variables = Settings::read()?.variables;
    for (name, ours) in kept {
        match variables.get(name) {
            Some(theirs) => command.env(name, theirs),
            None if ours.exists() => command.env(name, ours),
            None => &mut command,
        };
    }
    Ok(command)
}

/// Commands that need neither a database nor anything else that `up` starts.
pub fn needs_no_system(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let says = |word: &str| words.contains(&word);
    let asks = says("--help") || says("-h") || says("--version") || says("-V");
    let of_a_file = || words.iter().any(|word| *word == "--file" || word.starts_with("--file="));
    asks || match words.as_slice() {
        ["help" | "checkpoint-key", ..] | ["prove", "check" | "help", ..] => true,
        ["verify", ..] => of_a_file(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_database_is_known() {
        let offline = |words: &str| needs_no_system(&words.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for words in [
            "--help",
            "-V",
            "help verify",
            "statement --help",
            "verify --json --file log.ndjson",
            "verify --file=log.ndjson",
            "prove check proof.json",
            "checkpoint-key new.key",
        ] {
            assert!(offline(words), "{words}");
        }
        for words in
            ["verify", "verify --json", "prove inclusion 7", "statement telegram:1", "export --ndjson"]
        {
            assert!(!offline(words), "{words}");
        }
    }
}
