//! The NATS users and their keys: made once, kept, private to their owner.
//!
//! nats.conf reads the public keys from variables (`NATS_LEDGER_NKEY` and so on); each service gets only the
//! file with its own seed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nkeys::KeyPair;

use super::paths;

/// Every user in nats.conf.
pub const USERS: [&str; 7] =
    ["ledger", "telegram", "payments", "generator", "media-ledger", "media-telegram", "media-generator"];

#[derive(Debug, Clone)]
pub struct Keys {
    dir: PathBuf,
    public: Vec<(&'static str, String)>,
}

impl Keys {
    /// Reads the keys in `dir`, making those that are not there.
    pub fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let public = USERS.map(|user| Ok((user, public_key(&seed_path(dir, user))?)));
        Ok(Self { dir: dir.to_path_buf(), public: public.into_iter().collect::<Result<_>>()? })
    }

    /// The file with the seed of `user`, which is one of [`USERS`].
    pub fn seed_file(&self, user: &str) -> PathBuf {
        seed_path(&self.dir, user)
    }

    /// What nats.conf reads: `NATS_<USER>_NKEY` → public key.
    pub fn environment(&self) -> Vec<(String, String)> {
        let name = |user: &str| format!("NATS_{}_NKEY", user.to_uppercase().replace('-', "_"));
        self.public.iter().map(|(user, key)| (name(user), key.clone())).collect()
    }
}

fn seed_path(dir: &Path, user: &str) -> PathBuf {
    dir.join(format!("{user}.nk"))
}

fn public_key(file: &Path) -> Result<String> {
    if !file.exists() {
        let seed = KeyPair::new_user().seed().context("cannot make a key")?;
        paths::write_private(file, format!("{seed}\n").as_bytes())?;
    }
    let seed = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let pair =
        KeyPair::from_seed(seed.trim()).with_context(|| format!("{} holds no nkey seed", file.display()))?;
    Ok(pair.public_key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Scratch;

    #[test]
    fn keys_are_made_once_and_kept() {
        let scratch = Scratch::new("keys").unwrap();
        let (first, second) = (Keys::open(scratch.path()).unwrap(), Keys::open(scratch.path()).unwrap());
        assert_eq!(first.environment(), second.environment());
        let environment = first.environment();
        assert_eq!(environment.len(), USERS.len());
        assert!(
            environment.iter().any(|(name, key)| name == "NATS_MEDIA_LEDGER_NKEY" && key.starts_with('U'))
        );
        assert!(std::fs::read_to_string(first.seed_file("telegram")).unwrap().starts_with("SU"));
    }

    #[test]
    fn a_damaged_seed_is_named() {
        let scratch = Scratch::new("keys").unwrap();
        std::fs::write(scratch.path().join("ledger.nk"), "nonsense").unwrap();
        assert!(Keys::open(scratch.path()).unwrap_err().to_string().contains("ledger.nk"));
    }
}
