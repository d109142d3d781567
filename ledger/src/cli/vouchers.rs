//! Who vouches for the log, for the commands that check: keys and checkpoints, as they are given, or else as
//! `ledger serve` has them in its environment.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use service::config::Env;

use crate::proofs::{ProofsConfig, PublicKey, notes_in, shelf};

/// Where from, and the notes.
pub type Notes = (String, Vec<String>);

/// Those that are given, or that of CHECKPOINT_KEY_FILE with its earlier ones.
pub fn keys(given: Vec<PublicKey>) -> anyhow::Result<Vec<PublicKey>> {
    Ok(if given.is_empty() { ProofsConfig::keys_of(Env::from_process())? } else { given })
}

/// Those that are given, or those in CHECKPOINT_DIR, if there are any yet. Not those beside another log's key.
pub fn checkpoints(given: &[PathBuf], keys: &[PublicKey]) -> anyhow::Result<Vec<Notes>> {
    if !given.is_empty() {
        return given.iter().map(|path| notes_at(path)).collect();
    }
    let Some(dir) = ProofsConfig::dir_of(Env::from_process()).filter(|_| keys.is_empty()) else {
        return Ok(Vec::new());
    };
    // Empty until the first is signed, some seconds after the start of a log.
    match std::fs::metadata(dir.join(shelf::HISTORY)) {
        Ok(file) if file.len() > 0 => Ok(vec![notes_at(&dir)?]),
        _ => Ok(Vec::new()),
    }
}

/// The notes in a file, or in all files of a folder of checkpoints.
fn notes_at(path: &Path) -> anyhow::Result<Notes> {
    let path = if path.is_dir() { path.join(shelf::HISTORY) } else { path.to_owned() };
    let text = std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    // A single note has no blank line behind it.
    let text = if text.ends_with("\n\n") { text } else { text + "\n" };
    let (notes, _) = notes_in(&text);
    if notes.is_empty() {
        bail!("{} holds no checkpoint", path.display());
    }
    Ok((path.display().to_string(), notes.into_iter().map(str::to_owned).collect()))
}
