//! The data folder: what lies where, what is secret, what `--fresh` deletes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::machine::{paths, postgres};

/// The database of the running system, and the role that owns it: it may create roles, and is no superuser.
pub const DATABASE: &str = "plantain";
pub const DATABASE_ROLE: &str = "plantain";

#[derive(Debug, Clone)]
pub struct Layout {
    pub data: PathBuf,
}

/// What `--fresh` deletes in the data folder; programs, downloads, keys and passwords stay.
const DELETED_WHEN_FRESH: [&str; 6] = ["postgres", "nats", "sandbox", "ledger", "logs", "state.json"];

impl Layout {
    pub fn open() -> Result<Self> {
        let layout = Self { data: paths::data_dir()? };
        for dir in ["bin", "logs", "keys", "sandbox", "ledger", "nats"] {
            let dir = layout.data.join(dir);
            std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        }
        Ok(layout)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.data.join("bin").join(name)
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.data.join("logs").join(format!("{name}.log"))
    }

    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    pub fn keys(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// Signs the checkpoints of the log.
    pub fn checkpoint_key(&self) -> PathBuf {
        self.keys().join("checkpoint.key")
    }

    /// Checkpoints outside the database.
    pub fn checkpoints(&self) -> PathBuf {
        self.data.join("ledger/checkpoints")
    }

    pub fn state(&self) -> PathBuf {
        self.data.join("state.json")
    }

    /// Held by the supervisor as long as it lives.
    pub fn lock(&self) -> PathBuf {
        self.data.join("up.lock")
    }

    pub fn nats_store(&self) -> PathBuf {
        self.data.join("nats")
    }

    pub fn sandbox_books(&self) -> PathBuf {
        self.data.join("sandbox/books.json")
    }

    /// Postgres' data, and why it is not in the data folder if it is not: the user it runs as may be
    /// unable to reach the checkout.
    pub fn postgres_data(&self) -> Result<(PathBuf, Option<String>)> {
        let user = postgres::unprivileged()?;
        let here = self.data.join("postgres");
        if postgres::can_enter(user, &self.data) {
            return Ok((here, None));
        }
        let name = paths::hex(&Sha256::digest(self.data.as_os_str().as_encoded_bytes())[..6]);
        let elsewhere = Path::new("/var/tmp").join(format!("plantain-data-{name}"));
        own_folder(&elsewhere)?;
        let why = format!("the user that runs Postgres cannot reach {}", self.data.display());
        Ok((elsewhere.join("postgres"), Some(why)))
    }

    pub fn fresh_paths(&self) -> Result<Vec<PathBuf>> {
        let mut all: Vec<PathBuf> = DELETED_WHEN_FRESH.iter().map(|name| self.data.join(name)).collect();
        let (postgres, _) = self.postgres_data()?;
        all.push(postgres);
        all.sort();
        all.dedup();
        Ok(all.into_iter().filter(|path| path.exists()).collect())
    }
}

/// Creates a folder in a place where anyone may create one, and refuses one that somebody else made.
fn own_folder(dir: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let found = dir.symlink_metadata()?;
    if !found.is_dir() || found.uid() != nix::unistd::geteuid().as_raw() {
        bail!("{} belongs to someone else: move it away", dir.display());
    }
    Ok(())
}

/// Passwords and made-up vendor keys, drawn once and kept in `secrets.json` (mode 600).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Secrets {
    /// The superuser's.
    pub postgres_password: String,
    /// The ledger's.
    pub database_password: String,
    /// Well formed and worthless: the sandbox' bot.
    pub telegram_bot_token: String,
    pub telegram_webhook_secret: String,
    pub yookassa_secret_key: String,
    pub yookassa_webhook_secret: String,
    pub gemini_api_key: String,
    pub admin_password: String,
}

/// The sandbox' shop.
pub const SANDBOX_SHOP_ID: &str = "100500";

impl Secrets {
    pub fn open(layout: &Layout) -> Result<Self> {
        let file = layout.data.join("secrets.json");
        if let Ok(text) = std::fs::read(&file) {
            let read = serde_json::from_slice(&text);
            return read.with_context(|| {
                format!("{} cannot be read; with `up --fresh` delete it first", file.display())
            });
        }
        let drawn = Self::draw()?;
        paths::write_private(&file, &serde_json::to_vec_pretty(&drawn)?)?;
        Ok(drawn)
    }

    fn draw() -> Result<Self> {
        let hex = paths::random_hex;
        // BotFather's form: the bot's id, a colon, 35 letters.
        let id = 7_000_000_000 + u64::from_str_radix(&hex(3)?, 16)?;
        let letters: String = format!("AA{}", hex(17)?).chars().take(35).collect();
        Ok(Self {
            postgres_password: hex(24)?,
            database_password: hex(24)?,
            telegram_bot_token: format!("{id}:{letters}"),
            telegram_webhook_secret: hex(16)?,
            yookassa_secret_key: format!("test_{}", hex(20)?),
            yookassa_webhook_secret: hex(16)?,
            gemini_api_key: format!("sandbox-{}", hex(16)?),
            admin_password: hex(8)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Scratch;

    #[test]
    fn secrets_are_drawn_once_and_well_formed() {
        let scratch = Scratch::new("secrets").unwrap();
        let layout = Layout { data: scratch.path().to_path_buf() };
        let (one, two) = (Secrets::open(&layout).unwrap(), Secrets::open(&layout).unwrap());
        assert_eq!(one.postgres_password, two.postgres_password);
        let (id, letters) = one.telegram_bot_token.split_once(':').unwrap();
        assert!(id.parse::<u64>().is_ok() && letters.len() == 35, "{}", one.telegram_bot_token);
    }

    #[test]
    fn fresh_spares_programs_keys_and_what_is_not_ours() {
        let scratch = Scratch::new("fresh").unwrap();
        let layout = Layout { data: scratch.path().to_path_buf() };
        for dir in ["postgres", "bin", "keys", "nats", "holiday pictures"] {
            std::fs::create_dir(layout.data.join(dir)).unwrap();
        }
        let names = |paths: Vec<PathBuf>| -> Vec<String> {
            paths.iter().filter_map(|p| Some(p.file_name()?.to_str()?.to_owned())).collect()
        };
        assert_eq!(names(layout.fresh_paths().unwrap()), ["nats", "postgres"]);
    }
}
