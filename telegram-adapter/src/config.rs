//! The adapter's configuration, read from the environment; all problems are said at once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use service::config::{Env, Problems};
use service::nats::NatsConfig;

use crate::flood::Rate;
use crate::inbound::{PATH, Secret};
use crate::outbound::{self, Proxy};
use crate::shop::Shop;
use crate::ways::switch;

const TELEGRAM: &str = "https://api.telegram.org";

#[derive(Debug, Clone)]
pub struct Config {
    /// `TELEGRAM_BOT_TOKEN`
    pub token: SecretString,
    /// The number before the colon of the token: part of every command's id.
    pub bot: i64,
    /// `TELEGRAM_TEST_ENVIRONMENT`: the bot lives on Telegram's test servers, where Stars are for play.
    pub test_environment: bool,
    /// `TOPUP_YOOKASSA`, `TOPUP_METHODS`, `TOPUP_STARS`, `YOOKASSA_PROVIDER_TOKEN`, `YOOKASSA_RECEIPTS`,
    /// `SUPPORT_CONTACT`, `TERMS_URL`, `PRIVACY_URL`
    pub shop: Shop,
    /// `STARS_RECONCILE_SECONDS`
    pub stars_every: Duration,
    /// `TELEGRAM_API_URL`
    pub api_url: Url,
    /// `TELEGRAM_CHAT_PER_SECOND`, `TELEGRAM_PROXY`
    pub calls: outbound::Options,
    /// `TELEGRAM_WEBHOOK_URL` and `TELEGRAM_WEBHOOK_SECRET`, or neither; `TELEGRAM_TAKE_WEBHOOK`
    pub reach: Reach,
    /// `BIND`, `TELEGRAM_PORT`
    pub listen: SocketAddr,
    /// `ADMIN_TELEGRAM_ID`
    pub admins: Vec<i64>,
    /// `TELEGRAM_BURST`: what one person may send at once.
    pub burst: u32,
    /// `TELEGRAM_PER_MINUTE`: and how much a minute after that.
    pub per_minute: u32,
    /// `NATS_URL`, `NATS_NKEY_SEED_FILE`
    pub nats: NatsConfig,
    /// `NATS_URL`, `NATS_MEDIA_NKEY_SEED_FILE`
    pub media: NatsConfig,
}

/// How updates reach us.
#[derive(Debug, Clone)]
pub enum Reach {
    Webhook(Webhook),
    Polling {
        /// Whether a webhook that somebody else has set is to be taken away.
        take_webhook: bool,
    },
}

#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where Telegram sends updates to.
    pub url: Url,
    pub secret: Secret,
    /// Whether one that is set at another host is to be taken over.
    pub take: bool,
}

impl Config {
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn read(mut env: Env) -> Result<Self, Problems> {
        let token = token(&mut env);
        let api_url =
            url(&mut env, "TELEGRAM_API_URL", "the Bot API's address, https://api.telegram.org if absent");
        let api_url = api_url.or_else(|| Url::parse(TELEGRAM).ok());
        let calls = outbound::Options { rate: rate(&mut env), proxy: proxy(&mut env) };
        let take_webhook = switch(&mut env, "TELEGRAM_TAKE_WEBHOOK", false);
        let reach = webhook(&mut env, take_webhook);
        let reach = reach.map_or(Reach::Polling { take_webhook }, Reach::Webhook);
        let bind = env.or("BIND", "an IP address to listen on", IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = env.or("TELEGRAM_PORT", "a port, 0 to 65535; 8081 if absent", 8081_u16);
        let admins = admins(&mut env);
        let burst = pace(
            &mut env,
            "TELEGRAM_BURST",
            "how many messages of one person are taken at once, 1 to 10000",
            20,
        );
        let per_minute =
            pace(&mut env, "TELEGRAM_PER_MINUTE", "how many a minute after that, 1 to 10000", 60);
        let test_environment = switch(&mut env, "TELEGRAM_TEST_ENVIRONMENT", false);
        let shop = Shop::read(&mut env);
        let stars_every = stars_every(&mut env);
        let nats = NatsConfig::read(&mut env);
        let media = NatsConfig::read_media(&mut env);
        let config = (|| {
            let (bot, token) = token?;
            let listen = SocketAddr::new(bind, port);
            let token = if test_environment { on_test_servers(&token) } else { token };
            Some(Self {
                token,
                bot,
                test_environment,
                shop,
                stars_every,
                api_url: api_url?,
                calls,
                reach,
                listen,
                admins,
                burst,
                per_minute,
                nats: nats?,
                media: media?,
            })
        })();
        env.finish(config)
    }

    /// Whether Telegram is on this machine, as the sandbox is.
    pub fn is_at_home(&self) -> bool {
        matches!(self.api_url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
    }
}

/// The token and the bot's id in it.
fn token(env: &mut Env) -> Option<(i64, SecretString)> {
    const NAME: &str = "TELEGRAM_BOT_TOKEN";
    const WHAT: &str = "the bot's token from @BotFather, 123456789:AA…";
    let token = env.secret(NAME, WHAT)?;
    let bot = token.expose_secret().split_once(':').and_then(|(bot, key)| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        (!key.is_empty() && key.bytes().all(plain)).then(|| bot.parse().ok())?
    });
    if bot.is_none_or(|bot: i64| bot <= 0) {
        env.problem(NAME, format!("can't be understood; it is {WHAT}"));
        return None;
    }
    bot.map(|bot| (bot, token))
}

/// Methods of Telegram's test servers are at `/bot<token>/test/<method>`.
fn on_test_servers(token: &SecretString) -> SecretString {
    format!("{}/test", token.expose_secret()).into()
}

fn proxy(env: &mut Env) -> Option<Proxy> {
    const NAME: &str = "TELEGRAM_PROXY";
    let address = env.optional_secret(NAME)?;
    let proxy = Proxy::read(address);
    if proxy.is_none() {
        let what =
            "http://, https://, socks5:// or socks5h:// and name:password@host:port, or just host:port";
        env.problem(NAME, format!("can't be understood; it is {what}"));
    }
    proxy
}

/// Five seconds' worth go at once, as by default.
fn rate(env: &mut Env) -> Rate {
    const NAME: &str = "TELEGRAM_CHAT_PER_SECOND";
    const WHAT: &str = "how many messages a second a chat takes, 1 to 1000; 1 is what Telegram takes";
    let per_second: u16 = env.or(NAME, WHAT, 1);
    if !(1..=1_000).contains(&per_second) {
        env.problem(NAME, format!("is {per_second}; it is {WHAT}"));
    }
    let Rate { per_second: default, burst } = Rate::default();
    let times = f64::from(per_second) / default;
    Rate { per_second: default * times, burst: burst * times }
}

fn pace(env: &mut Env, name: &'static str, what: &'static str, default: u32) -> u32 {
    let number: u32 = env.or(name, what, default);
    if !(1..=10_000).contains(&number) {
        env.problem(name, format!("is {number}; it is {what}"));
    }
    number
}

fn stars_every(env: &mut Env) -> Duration {
    const NAME: &str = "STARS_RECONCILE_SECONDS";
    const WHAT: &str = "how often Telegram's book of Stars is compared with the log, 1 to 86400 seconds";
    let seconds: u64 = env.or(NAME, WHAT, 300);
    if !(1..=86_400).contains(&seconds) {
        env.problem(NAME, format!("is {seconds}; it is {WHAT}"));
    }
    Duration::from_secs(seconds)
}

fn webhook(env: &mut Env, take: bool) -> Option<Webhook> {
    const SECRET: &str = "TELEGRAM_WEBHOOK_SECRET";
    const WHAT: &str = "1 to 256 of A-Z a-z 0-9 _ - that Telegram is to send with each update";
    let url =
        url(env, "TELEGRAM_WEBHOOK_URL", "the public https address of this service; long polling if absent");
    let secret = env.optional_secret(SECRET);
    if let Some(secret) = &secret {
        let text = secret.expose_secret();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=256).contains(&text.len()) || !text.bytes().all(plain) {
            env.problem(SECRET, format!("can't be used; it is {WHAT}"));
            return None;
        }
    }
    let mut url = url?;
    if url.path() == "/" {
        url.set_path(PATH);
    }
    let Some(secret) = secret else {
        env.problem(SECRET, format!("is missing, and TELEGRAM_WEBHOOK_URL needs it; it is {WHAT}"));
        return None;
    };
    Some(Webhook { url, secret: Secret(secret), take })
}

fn url(env: &mut Env, name: &'static str, what: &'static str) -> Option<Url> {
    let url: Url = env.optional(name, what)?;
    if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
        env.problem(name, format!("begins neither with https:// nor http://; it is {what}"));
        return None;
    }
    Some(url)
}

fn admins(env: &mut Env) -> Vec<i64> {
    const NAME: &str = "ADMIN_TELEGRAM_ID";
    const WHAT: &str = "the administrators' Telegram user ids, with commas between them";
    let Some(list) = env.optional::<String>(NAME, WHAT) else { return Vec::new() };
    let ids = list.split([',', ' ', ';']).filter(|id| !id.is_empty()).map(str::parse);
    match ids.collect::<Result<Vec<i64>, _>>() {
        Ok(ids) if ids.iter().all(|id| *id > 0) => ids,
        _ => {
            env.problem(NAME, format!("can't be understood; it is {WHAT}"));
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, Problems> {
        let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let mut all = vec![
            ("TELEGRAM_BOT_TOKEN", "123:AA-b_c"),
            ("NATS_URL", "nats://127.0.0.1:24222"),
            ("NATS_NKEY_SEED_FILE", seed),
            ("NATS_MEDIA_NKEY_SEED_FILE", seed),
        ];
        all.extend(variables);
        Config::read(Env::from_map(all.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()))
    }

    fn problems(variables: &[(&str, &str)]) -> Vec<&'static str> {
        read(variables).unwrap_err().0.iter().map(|problem| problem.name).collect()
    }

    #[test]
    fn a_token_is_enough_for_long_polling() {
        let config = read(&[]).unwrap();
        assert_eq!((config.bot, config.api_url.as_str()), (123, "https://api.telegram.org/"));
        assert!(matches!(config.reach, Reach::Polling { take_webhook: false }));
        assert!(config.calls.proxy.is_none());
        assert_eq!(config.listen.to_string(), "127.0.0.1:8081");
    }

    #[test]
    fn a_webhook_needs_its_secret_and_gets_its_path() {
        let url = ("TELEGRAM_WEBHOOK_URL", "https://bot.example.org");
        let config = read(&[url, ("TELEGRAM_WEBHOOK_SECRET", "s-3_cret")]).unwrap();
        let Reach::Webhook(webhook) = config.reach else { panic!("long polling") };
        assert_eq!(webhook.url.as_str(), "https://bot.example.org/telegram/webhook");
        assert!(!webhook.take);
        let taking =
            read(&[url, ("TELEGRAM_WEBHOOK_SECRET", "s-3_cret"), ("TELEGRAM_TAKE_WEBHOOK", "on")]).unwrap();
        assert!(matches!(taking.reach, Reach::Webhook(webhook) if webhook.take));
        assert_eq!(problems(&[url]), ["TELEGRAM_WEBHOOK_SECRET"]);
        assert_eq!(problems(&[url, ("TELEGRAM_WEBHOOK_SECRET", "with space")]), ["TELEGRAM_WEBHOOK_SECRET"]);
        assert_eq!(
            problems(&[url, ("TELEGRAM_WEBHOOK_SECRET", &"x".repeat(257))]),
            ["TELEGRAM_WEBHOOK_SECRET"]
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once_and_no_secret_is_shown() {
        let wrong = [
            ("TELEGRAM_BOT_TOKEN", "CANARY"),
            ("TELEGRAM_API_URL", "ftp://x"),
            ("TELEGRAM_PORT", "http"),
            ("TELEGRAM_PROXY", "ftp://anna:CANARY@proxy.example.org:21"),
            ("TELEGRAM_CHAT_PER_SECOND", "0"),
            ("TELEGRAM_TAKE_WEBHOOK", "perhaps"),
            ("ADMIN_TELEGRAM_ID", "1,anna"),
            ("SUPPORT_CONTACT", "nobody here"),
            ("TERMS_URL", "terms.txt"),
            ("NATS_NKEY_SEED_FILE", "/nowhere"),
        ];
        let mut names = problems(&wrong);
        names.sort_unstable();
        let mut expected: Vec<_> = wrong.iter().map(|(name, _)| *name).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert!(!read(&wrong).unwrap_err().to_string().contains("CANARY"));
    }

    #[test]
    fn a_proxy_is_one_that_can_be_used_and_its_password_is_not_shown() {
        for address in
            ["http://10.0.0.1:3128", "https://p.example.org", "socks5h://anna:CANARY@p.example.org:1080"]
        {
            let config = read(&[("TELEGRAM_PROXY", address)]).unwrap();
            assert!(config.calls.proxy.is_some(), "{address}");
            assert!(!format!("{config:?}").contains("CANARY"));
        }
        for bad in ["p.example.org:3128", "socks4://p.example.org:1080", "http://", "socks5:", "17"] {
            assert_eq!(problems(&[("TELEGRAM_PROXY", bad)]), ["TELEGRAM_PROXY"], "{bad}");
        }
    }

    #[test]
    fn administrators_are_one_or_several() {
        assert_eq!(read(&[("ADMIN_TELEGRAM_ID", "7")]).unwrap().admins, [7]);
        assert_eq!(read(&[("ADMIN_TELEGRAM_ID", "7, 8,9")]).unwrap().admins, [7, 8, 9]);
    }
}
