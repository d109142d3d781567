//! The services: program, port, and what each of them, and nobody else, is told.

use std::{ffi::OsString, process::Command, time::Duration};

use super::layout::{DATABASE, DATABASE_ROLE, Layout, SANDBOX_SHOP_ID, Secrets};
use crate::{
    machine::{Keys, Plan, Signal},
    settings::Settings,
};

#[derive(Debug)]
pub(super) struct Service {
    pub name: &'static str,
    pub port: u16,
    pub plan: Plan,
    /// Killed when it has not ended by then.
    pub stop_within: Duration,
}

/// Each of them ends in less.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How long a call may take, and then the generator to tell of it, when nothing else is configured: see its `config.rs`.
const CALL_S: u64 = 150;
const SETTLE_S: u64 = 10;
/// What it needs besides: its page, its connections.
const GENERATOR_MARGIN_S: u64 = 10;

/// Longer than the generator waits for its calls: one that is cut off is billed.
fn generator_stop_within(settings: &Settings) -> Duration {
    let seconds = |name: &str| settings.variables.get(name).and_then(|text| text.trim().parse::<u64>().ok());
    let drain_s = seconds("GENERATOR_DRAIN_SECONDS")
        .unwrap_or_else(|| seconds("GENERATOR_CALL_TIMEOUT_SECONDS").unwrap_or(CALL_S) + SETTLE_S);
    STOP_WITHIN.max(Duration::from_secs(drain_s + GENERATOR_MARGIN_S))
}

/// The programs `up` runs: the services, and this one to supervise them.
pub(super) const PROGRAMS: [&str; 6] =
    ["ledger", "telegram-adapter", "payments-adapter", "generator", "sandbox", "xtask"];

/// Where the key that signs checkpoints is; `up` makes ours.
pub(super) const CHECKPOINT_KEY_FILE: &str = "CHECKPOINT_KEY_FILE";

/// Where they are kept outside the database.
pub(super) const CHECKPOINT_DIR: &str = "CHECKPOINT_DIR";

/// Variables that only some services may see: (name, services).
const PRIVATE: [(&str, &[&str]); 16] = [
    ("CHECKPOINT_KEY_FILE", &["ledger"]),
    ("DATABASE_URL", &["ledger"]),
    ("ADMIN_PASSWORD", &["ledger"]),
    ("NATS_NKEY_SEED_FILE", &[]),
    ("NATS_MEDIA_NKEY_SEED_FILE", &[]),
    ("TELEGRAM_BOT_TOKEN", &["telegram-adapter"]),
    ("TELEGRAM_PROXY", &["telegram-adapter"]),
    ("TELEGRAM_WEBHOOK_SECRET", &["telegram-adapter"]),
    ("YOOKASSA_PROVIDER_TOKEN", &["telegram-adapter"]),
    ("YOOKASSA_SHOP_ID", &["payments-adapter"]),
    ("YOOKASSA_SECRET_KEY", &["payments-adapter"]),
    ("YOOKASSA_WEBHOOK_SECRET", &["payments-adapter"]),
    ("GEMINI_API_KEY", &["generator"]),
    ("GEMINI_API_KEYS", &["generator"]),
    ("GEMINI_API_URL", &["generator"]),
    ("YOOKASSA_API_URL", &["payments-adapter"]),
];

/// The services in the order of their start: what others need comes first.
pub(super) fn services(settings: &Settings, layout: &Layout, secrets: &Secrets, keys: &Keys) -> Vec<Service> {
    let ports = &settings.ports;
    let telegram = telegram_variables(settings, secrets);
    let payments = payments_variables(settings, secrets);
    let generator = generator_variables(settings, secrets);
    let mut all = Vec::new();
    if settings.sandboxed.any() {
        let mut plan = plan("sandbox", settings, layout);
        plan.args = vec!["--state".into(), OsString::from(layout.sandbox_books())];
        plan.env.extend(sandbox_variables(settings, secrets));
        all.push(Service { name: "sandbox", port: ports.sandbox, plan, stop_within: STOP_WITHIN });
    }
    let mut ledger = plan("ledger", settings, layout).args(["serve", "--migrate"]);
    ledger.env.extend(connection(settings, keys, "ledger", true));
    ledger.env.push(("DATABASE_URL".into(), database_url(settings, secrets)));
    ledger.env.push(("PORT".into(), ports.ledger.to_string()));
    let key = layout.checkpoint_key().display().to_string();
    ledger.env.push(given(settings, CHECKPOINT_KEY_FILE, &key));
    ledger.env.push(given(settings, CHECKPOINT_DIR, &layout.checkpoints().display().to_string()));
    ledger.env.push(given(settings, "ADMIN_PASSWORD", &secrets.admin_password));
    all.push(Service { name: "ledger", port: ports.ledger, plan: ledger, stop_within: STOP_WITHIN });
    let adapters = [
        ("telegram-adapter", "telegram", true, "TELEGRAM_PORT", ports.telegram, telegram),
        ("payments-adapter", "payments", false, "PAYMENTS_PORT", ports.payments, payments),
        ("generator", "generator", true, "GENERATOR_PORT", ports.generator, generator),
    ];
    for (name, user, media, port_variable, port, variables) in adapters {
        let mut plan = plan(name, settings, layout);
        plan.env.extend(connection(settings, keys, user, media));
        plan.env.push((port_variable.into(), port.to_string()));
        plan.env.extend(variables);
        let stop_within = if name == "generator" { generator_stop_within(settings) } else { STOP_WITHIN };
        all.push(Service { name, port, plan, stop_within });
    }
    all
}

/// The ledger's program as `up` runs it, for its other subcommands; the caller adds the arguments.
pub(crate) fn ledger_command(
    settings: &Settings,
    layout: &Layout,
    secrets: &Secrets,
    keys: &Keys,
) -> Command {
    let mut command = Command::new(layout.program("ledger"));
    for service in services(settings, layout, secrets, keys).into_iter().filter(|s| s.name == "ledger") {
        service.plan.env_remove.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.envs(service.plan.env);
    }
    command
}

/// What all have in common: the program, the log, `.env`, no proxy on the way to loopback.
fn plan(name: &str, settings: &Settings, layout: &Layout) -> Plan {
    let mut plan = Plan::new(name, layout.program(name), layout.log(name));
    plan.on_our_death = Signal::SIGTERM;
    plan.env.extend(settings.variables.only_in_file().map(|(n, v)| (n.to_owned(), v.to_owned())));
    // Its words go to a file.
    plan.env.push(("NO_COLOR".to_owned(), "1".to_owned()));
    for name in ["NO_PROXY", "no_proxy"] {
        let before = settings.variables.get(name).map(|value| format!("{value},")).unwrap_or_default();
        plan.env.push((name.to_owned(), format!("{before}127.0.0.1,localhost")));
    }
    let foreign =
        PRIVATE.iter().filter(|(_, services)| !services.contains(&name)).map(|(variable, _)| *variable);
    let foreign: Vec<String> = foreign.map(str::to_owned).collect();
    plan.env.retain(|(variable, _)| !foreign.contains(variable));
    plan.env_remove = foreign;
    plan
}

fn connection(settings: &Settings, keys: &Keys, user: &str, media: bool) -> Vec<(String, String)> {
    let own = || format!("nats://127.0.0.1:{}", settings.ports.nats);
    let seed = |user: &str| keys.seed_file(user).display().to_string();
    let mut variables = vec![
        ("NATS_URL".to_owned(), settings.nats_url.clone().unwrap_or_else(own)),
        ("NATS_NKEY_SEED_FILE".to_owned(), seed(user)),
    ];
    if media {
        variables.push(("NATS_MEDIA_NKEY_SEED_FILE".to_owned(), seed(&format!("media-{user}"))));
    }
    variables
}

pub(super) fn database_url(settings: &Settings, secrets: &Secrets) -> String {
    let own = || {
        let (password, port) = (&secrets.database_password, settings.ports.postgres);
        format!("postgres://{DATABASE_ROLE}:{password}@127.0.0.1:{port}/{DATABASE}")
    };
    settings.database_url.clone().unwrap_or_else(own)
}

/// The configured value, or ours.
fn given(settings: &Settings, name: &str, ours: &str) -> (String, String) {
    (name.to_owned(), settings.variables.get(name).unwrap_or(ours).to_owned())
}

fn telegram_variables(settings: &Settings, secrets: &Secrets) -> Vec<(String, String)> {
    if !settings.sandboxed.telegram {
        // The token came with the environment; a webhook without a secret gets one.
        let webhook = settings.variables.get("TELEGRAM_WEBHOOK_URL").is_some();
        let secret = given(settings, "TELEGRAM_WEBHOOK_SECRET", &secrets.telegram_webhook_secret);
        return if webhook { vec![secret] } else { Vec::new() };
    }
    vec![
        given(settings, "TELEGRAM_API_URL", &format!("http://127.0.0.1:{}/telegram", settings.ports.sandbox)),
        ("TELEGRAM_BOT_TOKEN".into(), secrets.telegram_bot_token.clone()),
        (
            "TELEGRAM_WEBHOOK_URL".into(),
            format!("http://127.0.0.1:{}/telegram/webhook", settings.ports.telegram),
        ),
        ("TELEGRAM_WEBHOOK_SECRET".into(), secrets.telegram_webhook_secret.clone()),
    ]
}

fn payments_variables(settings: &Settings, secrets: &Secrets) -> Vec<(String, String)> {
    let secret = given(settings, "YOOKASSA_WEBHOOK_SECRET", &secrets.yookassa_webhook_secret);
    if !settings.sandboxed.yookassa {
        return vec![secret];
    }
    vec![
        given(
            settings,
            "YOOKASSA_API_URL",
            &format!("http://127.0.0.1:{}/yookassa/v3", settings.ports.sandbox),
        ),
        ("YOOKASSA_SHOP_ID".into(), SANDBOX_SHOP_ID.to_owned()),
        ("YOOKASSA_SECRET_KEY".into(), secrets.yookassa_secret_key.clone()),
        secret,
    ]
}

fn generator_variables(settings: &Settings, secrets: &Secrets) -> Vec<(String, String)> {
    if !settings.sandboxed.gemini {
        return Vec::new();
    }
    vec![
        given(settings, "GEMINI_API_URL", &format!("http://127.0.0.1:{}/gemini", settings.ports.sandbox)),
        ("GEMINI_API_KEY".into(), secrets.gemini_api_key.clone()),
    ]
}

fn sandbox_variables(settings: &Settings, secrets: &Secrets) -> Vec<(String, String)> {
    let (_, secret) = given(settings, "YOOKASSA_WEBHOOK_SECRET", &secrets.yookassa_webhook_secret);
    let notify = format!("http://127.0.0.1:{}/yookassa/webhook/{secret}", settings.ports.payments);
    vec![
        ("SANDBOX_PORT".into(), settings.ports.sandbox.to_string()),
        ("SANDBOX_YOOKASSA_NOTIFY_URL".into(), notify),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dotenv::Variables, machine::Scratch};

    fn told(pairs: &[(&str, &str)]) -> Vec<(&'static str, Vec<(String, String)>)> {
        let scratch = Scratch::new("services").unwrap();
        let layout = Layout { data: scratch.path().to_path_buf() };
        let settings = Settings::from(Variables::of(pairs)).unwrap();
        let secrets = Secrets::open(&layout).unwrap();
        let keys = Keys::open(&layout.keys()).unwrap();
        services(&settings, &layout, &secrets, &keys).into_iter().map(|s| (s.name, s.plan.env)).collect()
    }

    #[test]
    fn each_service_is_told_its_own_secrets_only() {
        let pairs = [("TELEGRAM_BOT_TOKEN", "1:real"), ("GEMINI_API_KEY", "real"), ("RUST_LOG", "debug")];
        for (name, env) in told(&pairs) {
            let has = |variable: &str| env.iter().any(|(n, _)| n == variable);
            assert_eq!(has("TELEGRAM_BOT_TOKEN"), name == "telegram-adapter", "{name}");
            assert_eq!(has("GEMINI_API_KEY"), name == "generator", "{name}");
            assert_eq!(has("DATABASE_URL"), name == "ledger", "{name}");
            assert_eq!(has("YOOKASSA_SECRET_KEY"), name == "payments-adapter", "{name}");
            assert_eq!(has("NATS_NKEY_SEED_FILE"), name != "sandbox", "{name}");
            assert_eq!(
                has("NATS_MEDIA_NKEY_SEED_FILE"),
                !["sandbox", "payments-adapter"].contains(&name),
                "{name}"
            );
            assert!(has("RUST_LOG"));
        }
    }

    #[test]
    fn only_the_vendor_without_a_key_is_replaced() {
        let all = told(&[("TELEGRAM_BOT_TOKEN", "1:real"), ("GEMINI_API_KEYS", "a,b")]);
        let url = |service: &str, variable: &str| {
            let (_, env) = all.iter().find(|(name, _)| *name == service).unwrap();
            env.iter().find(|(n, _)| n == variable).map(|(_, v)| v.clone())
        };
        assert_eq!(url("telegram-adapter", "TELEGRAM_API_URL"), None);
        assert_eq!(url("generator", "GEMINI_API_URL"), None);
        assert_eq!(url("payments-adapter", "YOOKASSA_API_URL").unwrap(), "http://127.0.0.1:8090/yookassa/v3");
        assert!(all.iter().any(|(name, _)| *name == "sandbox"));
    }

    #[test]
    fn without_a_sandboxed_vendor_there_is_no_sandbox() {
        let all = told(&[
            ("TELEGRAM_BOT_TOKEN", "1:real"),
            ("GEMINI_API_KEYS", "a,b"),
            ("YOOKASSA_SHOP_ID", "1"),
            ("YOOKASSA_SECRET_KEY", "k"),
        ]);
        assert!(all.iter().all(|(name, _)| *name != "sandbox"));
    }
}
