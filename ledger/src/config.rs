//! What `ledger serve` is told by its environment.

use std::net::{IpAddr, Ipv4Addr};

use secrecy::SecretString;
use service::config::{Env, Problems};
use service::nats::NatsConfig;

#[derive(Debug)]
pub struct Config {
    /// `DATABASE_URL`
    pub database_url: SecretString,
    /// `PORT`: console, health and metrics.
    pub port: u16,
    /// `BIND`
    pub bind: IpAddr,
    /// `NATS_URL`, `NATS_NKEY_SEED_FILE`: the account LEDGER.
    pub nats: NatsConfig,
    /// `NATS_URL`, `NATS_MEDIA_NKEY_SEED_FILE`: the account MEDIA.
    pub media: NatsConfig,
}

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
        let nats = NatsConfig::read(&mut env);
        let media = NatsConfig::read_media(&mut env);
        let config = database_url.zip(nats).zip(media).map(|((database_url, nats), media)| Self {
            database_url,
            port,
            bind,
            nats,
            media,
        });
        env.finish(config)
    }
}
