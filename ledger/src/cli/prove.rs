//! `ledger prove`: proofs about the log, and their check without it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use secrecy::ExposeSecret as _;
use service::config::Env;

use super::out::{folded, say, tell};
use super::vouchers;
use crate::proofs::PublicKey;
use crate::proofs::proof::{self, Claim, Proof, ProofError};
use crate::{config, store};

#[derive(Subcommand)]
pub enum Prove {
    /// Prove that an event is in the log of the newest checkpoint.
    Inclusion {
        /// Of the event.
        position: i64,
        /// Print the proof itself, with all that its check needs.
        #[arg(long)]
        json: bool,
    },
    /// Prove that the log has only grown since an older checkpoint.
    Consistency {
        /// The older checkpoint's size.
        #[arg(long, value_name = "SIZE")]
        from: i64,
        /// The newer one's; by default the newest.
        #[arg(long, value_name = "SIZE")]
        to: Option<i64>,
        /// Print the proof itself, with all that its check needs.
        #[arg(long)]
        json: bool,
    },
    /// Check a proof; needs neither a database nor a network.
    Check {
        /// What `--json` printed.
        file: PathBuf,
        /// The public key of checkpoints (CHECKPOINT_VKEY); else
        /// that of CHECKPOINT_KEY_FILE
        #[arg(long, value_name = "KEY", env = "CHECKPOINT_VKEY", hide_env = true, verbatim_doc_comment)]
        vkey: Vec<PublicKey>,
        /// Print the outcome as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(what: Prove) -> anyhow::Result<ExitCode> {
    let (proof, json) = match what {
        Prove::Check { file, vkey, json } => return check(&file, &vouchers::keys(vkey)?, json),
        Prove::Inclusion { position, json } => {
            let mut connection = connect().await?;
            (proof::inclusion(&mut connection, position).await, json)
        }
        Prove::Consistency { from, to, json } => {
            let mut connection = connect().await?;
            (proof::consistency(&mut connection, from, to).await, json)
        }
    };
    let proof = match proof {
        Err(error @ ProofError::Differs) => {
            tell!("ledger: {error}");
            return Ok(ExitCode::from(1));
        }
        proof => proof?,
    };
    if json {
        say!("{}", serde_json::to_string(&proof)?)?;
    } else {
        print(&proof)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn connect() -> anyhow::Result<sqlx::pool::PoolConnection<sqlx::Postgres>> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    Ok(pool.acquire().await?)
}

fn print(proof: &Proof) -> anyhow::Result<()> {
    let (path, notes) = match &proof.claim {
        Claim::Inclusion { event, leaf, path, checkpoint } => {
            say!("event     position {}, {}", event.position, event.r#type)?;
            say!("account   {}", event.account_id)?;
            say!("hash      {}", event.hash)?;
            say!("leaf      {leaf}")?;
            (path, vec![checkpoint])
        }
        Claim::Consistency { path, older, newer } => (path, vec![older, newer]),
    };
    for (n, hash) in path.iter().enumerate() {
        say!("path {n:>3}  {hash}")?;
    }
    for note in notes {
        // Signed as they are: long lines stay whole.
        say!("")?;
        note.trim_end().lines().try_for_each(|line| say!("{}", format!("  {line}").trim_end()))?;
    }
    let proved = proof::check(proof, &[])?;
    say!("\nIt proves that\n{}", folded(&format!("{}.", proved.what), 0))?;
    say!("With --json it is printed for `ledger prove check FILE --vkey KEY`.")?;
    Ok(())
}

fn check(file: &PathBuf, keys: &[PublicKey], json: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let proof: Proof =
        serde_json::from_str(&text).with_context(|| format!("{} is no proof", file.display()))?;
    let outcome = proof::check(&proof, keys);
    if json {
        let said = match &outcome {
            Ok(proved) => serde_json::json!({"proved": true, "proof": proved}),
            Err(why) => serde_json::json!({"proved": false, "why": why.to_string()}),
        };
        say!("{said}")?;
    } else {
        match &outcome {
            Ok(proved) => {
                say!("Proved:\n{}", folded(&format!("{}.", proved.what), 0))?;
                if !proved.signature_checked {
                    say!("Who signed its checkpoint was not checked: give --vkey KEY, which")?;
                    say!("`ledger checkpoint-key FILE` prints where the log is kept.")?;
                }
            }
            Err(why) => say!("{}", folded(&format!("NOT PROVED: {why}."), 2))?,
        }
    }
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
