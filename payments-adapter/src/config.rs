//! What can be set from outside. Every problem is reported at once.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use service::{
    client::Hops,
    config::{Env, Problems},
    nats::NatsConfig,
};

use crate::{
    notify::{Door, address::Filter},
    proof::Expected,
    receipt::Terms,
    yookassa,
};

const URL: &str = "https://api.yookassa.ru/v3";
const PORT: u16 = 8082;
const RECONCILE_SECONDS: u32 = 300;
/// Opens Telegram, where the bot has told the person already how it went.
const RETURN_URL: &str = "https://t.me/";
/// YooKassa's secret keys of test shops begin so, those of real ones with `live_`.
const TEST_KEY: &str = "test_";

#[derive(Debug)]
pub struct Config {
    /// BIND and PAYMENTS_PORT
    pub listen: SocketAddr,
    /// NATS_URL, NATS_NKEY_SEED_FILE
    pub nats: NatsConfig,
    /// YOOKASSA_API_URL, YOOKASSA_SHOP_ID, YOOKASSA_SECRET_KEY
    pub yookassa: yookassa::Options,
    /// YOOKASSA_SHOP_ID, YOOKASSA_TEST_SHOP, YOOKASSA_SHARED_SHOP
    pub expected: Expected,
    /// YOOKASSA_RETURN_URL: where the payer comes back to
    pub return_url: String,
    /// YOOKASSA_WEBHOOK_SECRET, YOOKASSA_WEBHOOK_ADDRESSES, TRUSTED_PROXY_HOPS
    pub door: Door,
    /// YOOKASSA_RECEIPTS, YOOKASSA_VAT_CODE, YOOKASSA_PAYMENT_SUBJECT, YOOKASSA_PAYMENT_MODE, YOOKASSA_TAX_SYSTEM_CODE
    pub receipts: Option<Terms>,
    /// PAYMENTS_RECONCILE_SECONDS
    pub reconcile_every: Duration,
}

impl Config {
    /// # Errors
    /// Everything that is missing or wrong, a line each.
    pub fn read(mut env: Env) -> Result<Self, Problems> {
        let nats = NatsConfig::read(&mut env);
        let shop_id = shop_id(&mut env);
        let what = "the shop's secret key from YooKassa's cabinet (test_… or live_…)";
        let secret_key = env.secret("YOOKASSA_SECRET_KEY", what);
        let what = "the base address of YooKassa's API, http or https, ending in /v3";
        let url = url(&mut env, "YOOKASSA_API_URL", what, URL);
        let what = "where the payer comes back to, such as https://t.me/<the bot's name>";
        let return_url = url_text(&mut env, "YOOKASSA_RETURN_URL", what, RETURN_URL);
        let bind =
            env.or("BIND", "the address to listen on, such as 127.0.0.1", IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = env.or("PAYMENTS_PORT", "the port of YooKassa's notifications, 0 to 65535", PORT);
        let door =
            Door { secret: webhook_secret(&mut env), filter: filter(&mut env), hops: Hops::read(&mut env) };
        let test: Option<bool> =
            env.optional("YOOKASSA_TEST_SHOP", "true or false; without it, told by the secret key");
        let what = "true if others sell by this shop too: payments that nobody claims are then let be";
        let shared_shop = env.or("YOOKASSA_SHARED_SHOP", what, false);
        let receipts = receipts(&mut env);
        let what = "how often YooKassa's lists are read, in seconds: 1 to 86400";
        let reconcile: u32 = env.or("PAYMENTS_RECONCILE_SECONDS", what, RECONCILE_SECONDS);
        if !(1..=86_400).contains(&reconcile) {
            env.problem("PAYMENTS_RECONCILE_SECONDS", format!("is {reconcile}; it is {what}"));
        }
        let config = (|| {
            let (shop_id, secret_key) = (shop_id?, secret_key?);
            let test = test.unwrap_or_else(|| secret_key.expose_secret().starts_with(TEST_KEY));
            Some(Self {
                listen: SocketAddr::new(bind, port),
                nats: nats?,
                yookassa: yookassa::Options { url: url?, shop_id: shop_id.clone(), secret_key },
                expected: Expected { shop_id, test, shared_shop },
                return_url,
                door,
                receipts,
                reconcile_every: Duration::from_secs(reconcile.into()),
            })
        })();
        env.finish(config)
    }
}

/// Receipts are off unless they are said to be on: then an accountant has decided the rest.
fn receipts(env: &mut Env) -> Option<Terms> {
    let what = "`on` if the shop gives receipts (54-FZ) through YooKassa, else `off`";
    let on: String = env.or("YOOKASSA_RECEIPTS", what, "off".to_owned());
    let vat: Option<u8> = env.optional("YOOKASSA_VAT_CODE", VAT);
    let subject: String = env.or("YOOKASSA_PAYMENT_SUBJECT", WORD, "service".to_owned());
    let mode: String = env.or("YOOKASSA_PAYMENT_MODE", MODE, "full_payment".to_owned());
    let tax_system_code: Option<u8> = env.optional("YOOKASSA_TAX_SYSTEM_CODE", TAX);
    if !["on", "off"].contains(&on.as_str()) {
        env.problem("YOOKASSA_RECEIPTS", format!("is {on:?}; it is {what}"));
    }
    if vat.is_some_and(|code| !(1..=12).contains(&code)) || (on == "on" && vat.is_none()) {
        env.problem("YOOKASSA_VAT_CODE", format!("is needed for receipts: {VAT}"));
    }
    if tax_system_code.is_some_and(|code| !(1..=6).contains(&code)) {
        env.problem("YOOKASSA_TAX_SYSTEM_CODE", format!("is out of its bounds: {TAX}"));
    }
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if !word(&subject) {
        env.problem("YOOKASSA_PAYMENT_SUBJECT", format!("is {subject:?}; it is {WORD}"));
    }
    if !MODES.contains(&mode.as_str()) {
        env.problem("YOOKASSA_PAYMENT_MODE", format!("is {mode:?}; it is {MODE}"));
    }
    let terms = Terms { vat_code: vat?, payment_subject: subject, payment_mode: mode, tax_system_code };
    (on == "on").then_some(terms)
}

const VAT: &str = "the code of the VAT rate in YooKassa's table, 1 to 12 (1: none)";
const TAX: &str = "the code of the tax system, 1 to 6, if the shop has several";
const WORD: &str = "what is sold, in YooKassa's words, such as service";
const MODE: &str = "full_payment, or full_prepayment if a second receipt follows, or another of YooKassa's";
/// YooKassa's table of payment modes.
const MODES: [&str; 7] = [
    "full_prepayment",
    "partial_prepayment",
    "advance",
    "full_payment",
    "partial_payment",
    "credit",
    "credit_payment",
];

fn shop_id(env: &mut Env) -> Option<String> {
    let what = "the shop's id from YooKassa's cabinet, digits";
    let id: Option<String> = env.required("YOOKASSA_SHOP_ID", what);
    if id.as_ref().is_some_and(|id| !id.bytes().all(|b| b.is_ascii_alphanumeric())) {
        env.problem("YOOKASSA_SHOP_ID", format!("is not {what}"));
    }
    id
}

fn url(env: &mut Env, name: &'static str, what: &'static str, default: &str) -> Option<Url> {
    Url::parse(&url_text(env, name, what, default)).ok()
}

/// The text is kept as it was written.
fn url_text(env: &mut Env, name: &'static str, what: &'static str, default: &str) -> String {
    let text: String = env.or(name, what, default.to_owned());
    let parsed = Url::parse(&text);
    if !parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        env.problem(name, format!("can't be understood; it is {what}"));
    }
    text
}

fn webhook_secret(env: &mut Env) -> Option<SecretString> {
    let secret = env.optional_secret("YOOKASSA_WEBHOOK_SECRET");
    let fits = |text: &str| {
        (8..=256).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if secret.as_ref().is_some_and(|secret| !fits(secret.expose_secret())) {
        env.problem(
            "YOOKASSA_WEBHOOK_SECRET",
            "must be 8 to 256 of A-Z a-z 0-9 _ and -: it is a part of an address",
        );
    }
    secret
}

fn filter(env: &mut Env) -> Option<Filter> {
    let what = "address ranges with commas (185.71.76.0/27), or `yookassa` for those it publishes";
    let ranges: String = env.optional("YOOKASSA_WEBHOOK_ADDRESSES", what)?;
    let filter = Filter::parse(&ranges);
    if filter.is_none() {
        env.problem("YOOKASSA_WEBHOOK_ADDRESSES", format!("can't be understood; it is {what}"));
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let seed = std::env::current_exe().unwrap().display().to_string();
        let mut variables = vec![("NATS_URL", "nats://127.0.0.1:1"), ("NATS_NKEY_SEED_FILE", seed.as_str())];
        variables.extend_from_slice(pairs);
        let map = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Config::read(Env::from_map(map)).map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_least_is_a_shop_and_its_key_which_says_whether_it_is_a_test() {
        let config = read(&[("YOOKASSA_SHOP_ID", "100500"), ("YOOKASSA_SECRET_KEY", "test_x")]).unwrap();
        assert!(config.expected.test && config.door.secret.is_none() && config.door.filter.is_none());
        assert_eq!(config.yookassa.url.as_str(), URL);
        assert!(!format!("{config:?}").contains("test_x"));
        let config = read(&[("YOOKASSA_SHOP_ID", "1"), ("YOOKASSA_SECRET_KEY", "live_x")]).unwrap();
        assert!(!config.expected.test);
        let real =
            [("YOOKASSA_SHOP_ID", "1"), ("YOOKASSA_SECRET_KEY", "live_x"), ("YOOKASSA_TEST_SHOP", "true")];
        assert!(read(&real).unwrap().expected.test);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let said = read(&[
            ("YOOKASSA_SHOP_ID", "a:b"),
            ("YOOKASSA_API_URL", "ftp://x"),
            ("YOOKASSA_RETURN_URL", "t.me"),
            ("YOOKASSA_WEBHOOK_SECRET", "a/b"),
            ("YOOKASSA_WEBHOOK_ADDRESSES", "300.1.1.1"),
            ("TRUSTED_PROXY_HOPS", "99"),
            ("YOOKASSA_TEST_SHOP", "maybe"),
            ("PAYMENTS_PORT", "x"),
            ("YOOKASSA_RECEIPTS", "on"),
            ("YOOKASSA_PAYMENT_MODE", "later"),
            ("YOOKASSA_PAYMENT_SUBJECT", "a service"),
            ("YOOKASSA_TAX_SYSTEM_CODE", "9"),
            ("PAYMENTS_RECONCILE_SECONDS", "0"),
        ])
        .unwrap_err();
        for name in [
            "YOOKASSA_SHOP_ID",
            "YOOKASSA_SECRET_KEY",
            "YOOKASSA_API_URL",
            "YOOKASSA_RETURN_URL",
            "YOOKASSA_WEBHOOK_SECRET",
            "YOOKASSA_WEBHOOK_ADDRESSES",
            "TRUSTED_PROXY_HOPS",
            "YOOKASSA_TEST_SHOP",
            "PAYMENTS_PORT",
            "YOOKASSA_VAT_CODE",
            "YOOKASSA_PAYMENT_MODE",
            "YOOKASSA_PAYMENT_SUBJECT",
            "YOOKASSA_TAX_SYSTEM_CODE",
            "PAYMENTS_RECONCILE_SECONDS",
        ] {
            assert!(said.contains(&format!("{name}:")), "{name} is not in {said}");
        }
    }
}
