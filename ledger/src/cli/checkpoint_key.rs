//! `ledger checkpoint-key`: the key that signs checkpoints, and its public half for auditors.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::out::say;
use crate::proofs::SecretKey;

#[derive(Args)]
pub struct CheckpointKey {
    /// Where the secret key is, or is made (CHECKPOINT_KEY_FILE).
    file: PathBuf,
    /// The log's name, for ever, like shop.example.org/ledger
    /// (CHECKPOINT_ORIGIN)
    #[arg(
        long,
        value_name = "NAME",
        env = "CHECKPOINT_ORIGIN",
        hide_env = true,
        default_value = "plantain/ledger",
        verbatim_doc_comment
    )]
    origin: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &CheckpointKey) -> anyhow::Result<ExitCode> {
    let CheckpointKey { file, origin, json } = args;
    let made = !file.exists();
    if made {
        make(file, origin)?;
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let key: SecretKey = text.parse().with_context(|| format!("{} holds no key", file.display()))?;
    let vkey = key.public().to_string();
    if *json {
        say!("{}", serde_json::json!({"file": file.display().to_string(), "made": made, "vkey": vkey}))?;
    } else {
        say!("{} {}", if made { "Made" } else { "Found" }, file.display())?;
        say!("Its public key, for everybody who checks (`ledger verify --vkey`):\n{vkey}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn make(file: &std::path::Path, origin: &str) -> anyhow::Result<()> {
    // 366 random bits of the operating system, by the source that random ids come from.
    let seed = (0..3).fold(Sha256::new(), |hash, _| hash.chain_update(Uuid::new_v4().as_bytes())).finalize();
    let key = SecretKey::from_seed(origin, seed.into()).context("--origin can't be used")?;
    let created = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut out = created.with_context(|| format!("can't make {}", file.display()))?;
    out.write_all(key.reveal().as_bytes())?;
    out.sync_all()?;
    Ok(())
}
