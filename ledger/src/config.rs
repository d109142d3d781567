//! What `ledger serve` is told by its environment.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use proto_events::Credits;
use proto_events::catalog::Catalog;
use secrecy::{ExposeSecret as _, SecretString};
use service::client::Hops;
use service::config::{Env, Problems};
use service::nats::NatsConfig;

use crate::console;
use crate::proofs::ProofsConfig;

#[derive(Debug)]
pub struct Config {
    /// `DATABASE_URL`
    pub database_url: SecretString,
    /// `PORT`: console, health and metrics.
    pub port: u16,
    /// `BIND`
    pub bind: IpAddr,
    /// `ADMIN_PASSWORD`: of the first administrator of the console, while nobody may sign in there.
    pub admin_password: Option<SecretString>,
    /// `FOUR_EYES_ABOVE`: so many credits; an operator's act about more needs another's word.
    pub four_eyes_above: Option<Credits>,
    /// `TRUSTED_PROXY_HOPS`: whose address tries to sign in.
    pub hops: Hops,
    /// `TELLING_LEASE_MS`: how long an adapter has the right to tell a person something.
    pub telling_lease_ms: u32,
    /// `OVERLAP_FROM`: so many commands must wait before a second batch is inserted while one commits.
    pub overlap_from: usize,
    /// `WRITE_PATH_ONLY`: for measurements: no projections, no relay.
    pub write_path_only: bool,
    /// `CATALOG_FILE`: what is published into an empty log instead of the default catalog.
    pub first_catalog: Catalog,
    /// `CHECKPOINT_…`: how the log is vouched for.
    pub proofs: ProofsConfig,
    /// `NATS_URL`, `NATS_NKEY_SEED_FILE`: the account LEDGER.
    pub nats: NatsConfig,
    /// `NATS_URL`, `NATS_MEDIA_NKEY_SEED_FILE`: the account MEDIA.
    pub media: NatsConfig,
}

/// An upload of a large picture over a slow line fits, and what was in hand when an adapter died is
/// told within half a minute.
const TELLING_LEASE_MS: u32 = 20_000;

const DATABASE_URL: &str = "where the log is: postgres://user:password@host:port/database";

/// For the commands that only need the database.
///
/// # Errors
/// `DATABASE_URL` is missing.
pub fn database_url(mut env: Env) -> Result<SecretString, Problems> {
    let url = env.secret("DATABASE_URL", DATABASE_URL);
    env.finish(url)
}

impl Config {
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn read(mut env: Env) -> Result<Self, Problems> {
        let database_url = env.secret("DATABASE_URL", DATABASE_URL);
        let port = env.or("PORT", "the port of the console: 0 to 65535", 8080);
        let bind = env.or("BIND", "the address to listen on", IpAddr::V4(Ipv4Addr::LOCALHOST));
        let admin_password = admin_password(&mut env);
        let four_eyes_above = four_eyes_above(&mut env);
        let hops = Hops::read(&mut env);
        let telling_lease_ms =
            env.or("TELLING_LEASE_MS", "how long a telling may take, ms", TELLING_LEASE_MS);
        let overlap_from = env.or(
            "OVERLAP_FROM",
            "how many commands must wait before two batches are under way at once",
            crate::sequencer::DEEP,
        );
        let write_path_only = env.or("WRITE_PATH_ONLY", "for measurements: true or false", false);
        let first_catalog = first_catalog(&mut env);
        let proofs = ProofsConfig::read(&mut env);
        let nats = NatsConfig::read(&mut env);
        let media = NatsConfig::read_media(&mut env);
        let config = database_url.zip(nats).zip(media).zip(first_catalog).zip(proofs).map(
            |((((database_url, nats), media), first_catalog), proofs)| Self {
                database_url,
                port,
                bind,
                admin_password,
                four_eyes_above,
                hops,
                telling_lease_ms,
                overlap_from,
                write_path_only,
                first_catalog,
                proofs,
                nats,
                media,
            },
        );
        env.finish(config)
    }
}

fn admin_password(env: &mut Env) -> Option<SecretString> {
    const NAME: &str = "ADMIN_PASSWORD";
    let password = env.optional_secret(NAME)?;
    if let Err(bad) = console::check_first_password(password.expose_secret()) {
        env.problem(NAME, format!("can't be the console's: {bad}"));
    }
    Some(password)
}

fn four_eyes_above(env: &mut Env) -> Option<Credits> {
    const NAME: &str = "FOUR_EYES_ABOVE";
    let what = "the most credits that one administrator moves alone: 0 to 1000000000000";
    let above: i64 = env.optional(NAME, what)?;
    let credits = Credits::new(above).ok();
    if credits.is_none() {
        env.problem(NAME, format!("is {above}; it is {what}"));
    }
    credits
}

fn first_catalog(env: &mut Env) -> Option<Catalog> {
    const NAME: &str = "CATALOG_FILE";
    let path: Option<PathBuf> = env.optional(NAME, "a file with a catalog as JSON");
    let read = match &path {
        None => Catalog::default_catalog().map_err(|e| e.to_string()),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|e| e.to_string())
            .and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string())),
    };
    match read {
        Ok(catalog) => Some(catalog),
        Err(reason) => {
            env.problem(NAME, format!("can't be used: {reason}; see proto-events/catalog.default.json"));
            None
        }
    }
}
