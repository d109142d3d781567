//! How checkpoints are made: `CHECKPOINT_…` of the environment.

use std::path::PathBuf;
use std::time::Duration;

use service::config::{Env, Problems};

use super::note::{PublicKey, SecretKey};
use super::shelf::Shelf;

/// So many new events make a checkpoint, but at most one a second.
const EVERY_EVENTS: u64 = 1_000;
/// If there is anything new.
const EVERY_SECONDS: u64 = 10;

const KEY_FILE: &str = "the file that `ledger checkpoint-key` made";
const DIR: &str = "a folder outside the database's disk";

#[derive(Debug, Clone)]
pub struct ProofsConfig {
    /// `CHECKPOINT_KEY_FILE`: without it nothing is signed.
    pub key: Option<SecretKey>,
    /// `CHECKPOINT_VKEYS`: public keys of earlier times, whose checkpoints still count.
    pub earlier: Vec<PublicKey>,
    /// `CHECKPOINT_DIR`: where checkpoints are kept outside the database.
    pub shelf: Option<Shelf>,
    /// `CHECKPOINT_EVERY_EVENTS`
    pub every_events: u64,
    /// `CHECKPOINT_EVERY_SECONDS`
    pub every: Duration,
}

impl ProofsConfig {
    /// `None`: something is wrong, and said.
    pub fn read(env: &mut Env) -> Option<Self> {
        let key_file: Option<PathBuf> = env.optional("CHECKPOINT_KEY_FILE", KEY_FILE);
        let dir: Option<PathBuf> = env.optional("CHECKPOINT_DIR", DIR);
        let every_events = env.or("CHECKPOINT_EVERY_EVENTS", "a number of events from 1", EVERY_EVENTS);
        let every_seconds = env.or("CHECKPOINT_EVERY_SECONDS", "a number of seconds from 1", EVERY_SECONDS);
        let earlier = keys(env);
        if dir.is_some() && key_file.is_none() {
            let text = "is missing, but CHECKPOINT_DIR is set; make a key with `ledger checkpoint-key FILE`";
            env.problem("CHECKPOINT_KEY_FILE", text);
        }
        let key = key_file.as_ref().map(|path| secret(env, path));
        let shelf = dir.map(|dir| {
            let opened = Shelf::open(&dir);
            if let Err(error) = &opened {
                env.problem("CHECKPOINT_DIR", format!("{} can't be used: {error}", dir.display()));
            }
            opened.ok()
        });
        for (name, value) in
            [("CHECKPOINT_EVERY_EVENTS", every_events), ("CHECKPOINT_EVERY_SECONDS", every_seconds)]
        {
            if value == 0 {
                env.problem(name, "must be 1 or more");
            }
        }
        // The outer: was it asked for. The inner: does it work.
        let (key, shelf) =
            (key.map_or(Some(None), |k| k.map(Some))?, shelf.map_or(Some(None), |s| s.map(Some))?);
        let every = Duration::from_secs(every_seconds);
        Some(Self { key, earlier: earlier?, shelf, every_events: every_events.max(1), every })
    }

    /// For who only checks, where `ledger serve` has its configuration: whose checkpoints count.
    ///
    /// # Errors
    /// A key can't be used.
    pub fn keys_of(mut env: Env) -> Result<Vec<PublicKey>, Problems> {
        let file: Option<PathBuf> = env.optional("CHECKPOINT_KEY_FILE", KEY_FILE);
        let own = file.map(|path| secret(&mut env, &path));
        let own = own.into_iter().flatten().map(|key| key.public().clone());
        let all = own.chain(keys(&mut env).unwrap_or_default()).collect();
        env.finish(Some(all))
    }

    /// The same: where checkpoints are kept.
    pub fn dir_of(mut env: Env) -> Option<PathBuf> {
        env.optional("CHECKPOINT_DIR", DIR)
    }

    /// Whose checkpoints count: ours, and those of earlier keys.
    pub fn keys(&self) -> Vec<PublicKey> {
        self.key.iter().map(|k| k.public().clone()).chain(self.earlier.iter().cloned()).collect()
    }
}

fn secret(env: &mut Env, path: &std::path::Path) -> Option<SecretKey> {
    let read = std::fs::read_to_string(path)
        .map_err(|e| e.to_string())
        .and_then(|text| text.parse::<SecretKey>().map_err(|e| e.to_string()));
    if let Err(reason) = &read {
        let text =
            format!("{} can't be used: {reason}; make one with `ledger checkpoint-key`", path.display());
        env.problem("CHECKPOINT_KEY_FILE", text);
    }
    read.ok()
}

fn keys(env: &mut Env) -> Option<Vec<PublicKey>> {
    const NAME: &str = "CHECKPOINT_VKEYS";
    let text: Option<String> = env.optional(NAME, "public keys of checkpoints, with commas");
    let parsed: Result<Vec<_>, _> =
        text.iter().flat_map(|t| t.split(',')).map(|key| key.trim().parse()).collect();
    if let Err(reason) = &parsed {
        env.problem(NAME, format!("can't be understood: {reason}"));
    }
    parsed.ok()
}
