//! What can be set from outside. Every problem is reported at once.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use service::{
    config::{Env, Problems},
    nats::NatsConfig,
};

use crate::{gemini, gemini::Safety, shelf};

const URL: &str = "https://generativelanguage.googleapis.com";
const PORT: u16 = 8083;
const CONCURRENCY: usize = 4;
/// Each call holds some MB (see [`gemini`]), and all of them together what requests may.
const CONCURRENCY_MAX: usize = 64;
/// A 4K picture takes about a minute; twice that and half again is patience enough.
const CALL_TIMEOUT_S: u64 = 150;
const CALL_TIMEOUT_S_MAX: u64 = 3_600;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After a call: what it takes to store the result and to tell the ledger.
const SETTLE_S: u64 = 10;
/// A call whose outcome nobody knows is made once more: the person waits for a picture, and twice its cost is cents.
const RETRIES_IN_DOUBT: u16 = 1;
const RETRIES_IN_DOUBT_MAX: u16 = 5;
const MB: usize = 1 << 20;
const REQUESTS_MB_MAX: usize = 4_096;
/// More keys than anyone has; a ring that long is a mistake in the list.
const KEYS_MAX: usize = 100;

#[derive(Debug)]
pub struct Config {
    /// BIND and GENERATOR_PORT
    pub listen: SocketAddr,
    /// NATS_URL, NATS_NKEY_SEED_FILE
    pub nats: NatsConfig,
    /// NATS_URL, NATS_MEDIA_NKEY_SEED_FILE
    pub media: NatsConfig,
    /// GEMINI_API_URL, GEMINI_API_KEYS or GEMINI_API_KEY, GEMINI_SAFETY, GENERATOR_CALL_TIMEOUT_SECONDS
    pub gemini: gemini::Options,
    /// GENERATOR_CONCURRENCY: calls at once
    pub concurrency: usize,
    /// GENERATOR_DRAIN_SECONDS: how long a stop waits for calls under way; unset, as long as one may take. A call that is
    /// cut off is billed, and made once more by whoever comes after.
    pub drain: Duration,
    /// GENERATOR_RETRIES_IN_DOUBT: how often a call is made again whose outcome is not known
    pub retries_in_doubt: u16,
    /// GENERATOR_REQUESTS_MB: what all requests under way may hold in memory together
    pub requests_bytes: usize,
}

impl Config {
    /// # Errors
    /// Everything that is missing or wrong, a line each.
    pub fn read(mut env: Env) -> Result<Self, Problems> {
        let nats = NatsConfig::read(&mut env);
        let media = NatsConfig::read_media(&mut env);
        let keys = keys(&mut env);
        let url = url(&mut env);
        let bind =
            env.or("BIND", "the address to listen on, such as 127.0.0.1", IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = env.or("GENERATOR_PORT", "the port of /health, 0 to 65535", PORT);
        let concurrency =
            within(&mut env, "GENERATOR_CONCURRENCY", "calls at once", CONCURRENCY, 1..=CONCURRENCY_MAX);
        let safety = safety(&mut env);
        let retries_in_doubt = within(
            &mut env,
            "GENERATOR_RETRIES_IN_DOUBT",
            "calls",
            RETRIES_IN_DOUBT,
            0..=RETRIES_IN_DOUBT_MAX,
        );
        let requests_mb = within(
            &mut env,
            "GENERATOR_REQUESTS_MB",
            "megabytes",
            shelf::REQUESTS_BYTES_MAX / MB,
            shelf::REQUEST_BYTES_MAX / MB..=REQUESTS_MB_MAX,
        );
        let call = within(
            &mut env,
            "GENERATOR_CALL_TIMEOUT_SECONDS",
            "seconds",
            CALL_TIMEOUT_S,
            1..=CALL_TIMEOUT_S_MAX,
        );
        let drain_max_s = CALL_TIMEOUT_S_MAX + SETTLE_S;
        let drain = within(&mut env, "GENERATOR_DRAIN_SECONDS", "seconds", call + SETTLE_S, 0..=drain_max_s);
        let (call, drain) = (Duration::from_secs(call), Duration::from_secs(drain));
        let config = (|| {
            let gemini = gemini::Options {
                url: url?,
                keys,
                call_timeout: call,
                connect_timeout: CONNECT_TIMEOUT,
                safety,
                probe_after: gemini::PROBE_AFTER,
            };
            Some(Self {
                listen: SocketAddr::new(bind, port),
                nats: nats?,
                media: media?,
                gemini,
                concurrency,
                drain,
                retries_in_doubt,
                requests_bytes: requests_mb * MB,
            })
        })();
        env.finish(config)
    }

    /// Does a stop not wait for as long as a call may take?
    pub fn cuts_calls_off(&self) -> bool {
        self.drain < self.gemini.call_timeout
    }
}

/// `GEMINI_API_KEYS`, comma-separated, goes before `GEMINI_API_KEY`.
fn keys(env: &mut Env) -> Vec<SecretString> {
    let several = env.optional_secret("GEMINI_API_KEYS");
    let one = env.optional_secret("GEMINI_API_KEY");
    let Some(list) = several.or(one) else {
        env.problem(
            "GEMINI_API_KEYS",
            "is not set: one or several keys of Google's AI Studio, with commas (or GEMINI_API_KEY with one)",
        );
        return Vec::new();
    };
    let keys: Vec<&str> =
        list.expose_secret().split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    if keys.is_empty() || keys.len() > KEYS_MAX {
        env.problem(
            "GEMINI_API_KEYS",
            format!("holds {} keys; 1 to {KEYS_MAX} with commas are allowed", keys.len()),
        );
    }
    if let Some(at) = keys.iter().position(|key| !key.bytes().all(|b| b.is_ascii_graphic())) {
        env.problem(
            "GEMINI_API_KEYS",
            format!("key {} holds a space or a character that no key has", at + 1),
        );
    }
    keys.into_iter().map(SecretString::from).collect()
}

fn url(env: &mut Env) -> Option<Url> {
    let what = "the base address of the Gemini API, http or https, without /v1beta";
    let text: String = env.or("GEMINI_API_URL", what, URL.to_owned());
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() => Some(url),
        _ => {
            env.problem("GEMINI_API_URL", format!("is not {what}"));
            None
        }
    }
}

/// `GEMINI_SAFETY`: `HARM_CATEGORY_HARASSMENT=BLOCK_ONLY_HIGH`, several with commas. What Google knows of both it says itself.
fn safety(env: &mut Env) -> Vec<Safety> {
    let name = "GEMINI_SAFETY";
    let what = "CATEGORY=THRESHOLD, as Google names them, several with commas";
    let text: String = env.or(name, what, String::new());
    let mut settings = Vec::new();
    for setting in text.split(',').map(str::trim).filter(|setting| !setting.is_empty()) {
        let plain =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        match setting.split_once('=').filter(|(category, threshold)| plain(category) && plain(threshold)) {
            Some((category, threshold)) => {
                settings.push(Safety { category: category.to_owned(), threshold: threshold.to_owned() });
            }
            None => env.problem(name, format!("{setting:?} is not {what}")),
        }
    }
    settings
}

fn within<N>(
    env: &mut Env,
    name: &'static str,
    what: &'static str,
    default: N,
    bounds: RangeInclusive<N>,
) -> N
where
    N: FromStr + Display + PartialOrd,
{
    let value = env.or(name, what, default);
    if !bounds.contains(&value) {
        env.problem(name, format!("is {value}; {} to {} {what} are allowed", bounds.start(), bounds.end()));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<Config, Problems> {
        let seed = xtask::machine::Scratch::new("generator-config").unwrap();
        let file = seed.path().join("seed.nk");
        std::fs::write(&file, "SUANBOPKDAWMS6AOHCIWPPYVMTRHSD7TEVOD6Q2JAW5HZIKAF5MOD5KK4E").unwrap();
        let file = file.to_str().unwrap();
        let always = [
            ("NATS_URL", "nats://127.0.0.1:4222"),
            ("NATS_NKEY_SEED_FILE", file),
            ("NATS_MEDIA_NKEY_SEED_FILE", file),
            ("GEMINI_API_KEY", "k"),
        ];
        let all = always.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(Env::from_map(all.collect()))
    }

    #[test]
    fn a_stop_waits_for_as_long_as_a_call_may_take_unless_told_otherwise() {
        let of = |more: &[(&str, &str)]| {
            let config = read(more).unwrap();
            (config.drain.as_secs(), config.cuts_calls_off())
        };
        assert_eq!(of(&[]), (160, false));
        let call = ("GENERATOR_CALL_TIMEOUT_SECONDS", "3600");
        assert_eq!(of(&[call]), (3_610, false));
        assert_eq!(of(&[call, ("GENERATOR_DRAIN_SECONDS", "20")]), (20, true));
        assert!(read(&[("GENERATOR_DRAIN_SECONDS", "9999")]).is_err());
    }
}
