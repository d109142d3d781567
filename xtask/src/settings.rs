//! What `up` is told: ports, vendors' keys, other servers than our own. All problems are reported at once.

use anyhow::{Result, bail};

use crate::dotenv::Variables;

/// Where everything listens, on loopback. Each field names its variable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ports {
    /// PORT: the ledger and its console.
    pub ledger: u16,
    /// TELEGRAM_PORT: Telegram's webhook.
    pub telegram: u16,
    /// PAYMENTS_PORT: YooKassa's notifications.
    pub payments: u16,
    /// GENERATOR_PORT: health only.
    pub generator: u16,
    /// SANDBOX_PORT: the vendors' stand-ins and the chat page.
    pub sandbox: u16,
    /// POSTGRES_PORT
    pub postgres: u16,
    /// NATS_PORT
    pub nats: u16,
    /// NATS_MONITOR_PORT
    pub nats_monitor: u16,
}

/// (variable, default, what listens there). Below 32768: from there on Linux gives ports to outgoing connections,
/// which hold them for a minute after they are closed.
pub const PORTS: [(&str, u16, &str); 8] = [
    ("PORT", 8080, "console and ledger"),
    ("TELEGRAM_PORT", 8081, "Telegram's webhook"),
    ("PAYMENTS_PORT", 8082, "payments' notifications"),
    ("GENERATOR_PORT", 8083, "generator's health"),
    ("SANDBOX_PORT", 8090, "sandbox"),
    ("POSTGRES_PORT", 25432, "Postgres"),
    ("NATS_PORT", 24222, "NATS"),
    ("NATS_MONITOR_PORT", 28222, "NATS' monitor"),
];

#[derive(Debug, Clone)]
pub struct Settings {
    pub ports: Ports,
    /// DATABASE_URL: a Postgres of yours instead of a private one.
    pub database_url: Option<String>,
    /// NATS_URL: a NATS of yours, with this repository's nats.conf and our keys.
    pub nats_url: Option<String>,
    /// Whether the sandbox stands in for each vendor.
    pub sandboxed: Sandboxed,
    pub variables: Variables,
}

/// Which vendors the sandbox stands in for: those without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sandboxed {
    pub telegram: bool,
    pub yookassa: bool,
    pub gemini: bool,
}

impl Sandboxed {
    pub fn any(self) -> bool {
        self.telegram || self.yookassa || self.gemini
    }
}

impl Settings {
    pub fn read() -> Result<Self> {
        Self::from(Variables::read())
    }

    pub fn from(variables: Variables) -> Result<Self> {
        let mut problems = Vec::new();
        let [ledger, telegram, payments, generator, sandbox, postgres, nats, nats_monitor] =
            PORTS.map(|(name, default, _)| port(&variables, name, default, &mut problems));
        let ports = Ports { ledger, telegram, payments, generator, sandbox, postgres, nats, nats_monitor };
        same_ports(&ports, &mut problems);
        let set = |name: &str| variables.get(name).is_some();
        if set("YOOKASSA_SHOP_ID") != set("YOOKASSA_SECRET_KEY") {
            problems.push(
                "YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY go together: one of them is not set".to_owned(),
            );
        }
        let sandboxed = Sandboxed {
            telegram: !set("TELEGRAM_BOT_TOKEN"),
            yookassa: !set("YOOKASSA_SHOP_ID"),
            gemini: !set("GEMINI_API_KEY") && !set("GEMINI_API_KEYS"),
        };
        if let Some(format) = variables.get("LOG_FORMAT")
            && !["text", "json"].contains(&format)
        {
            problems.push(format!("LOG_FORMAT is `{format}`: it is `text` or `json`"));
        }
        if !problems.is_empty() {
            bail!("the configuration (environment and .env) has problems:\n  - {}", problems.join("\n  - "));
        }
        let [database_url, nats_url] =
            ["DATABASE_URL", "NATS_URL"].map(|name| variables.get(name).map(str::to_owned));
        Ok(Self { ports, database_url, nats_url, sandboxed, variables })
    }

    /// The ports this run will use: (variable, port, what for).
    pub fn used_ports(&self) -> Vec<(&'static str, u16, &'static str)> {
        let all =
            self.ports.in_order().into_iter().zip(PORTS).map(|(port, (name, _, what))| (name, port, what));
        all.filter(|(name, _, _)| match *name {
            "SANDBOX_PORT" => self.sandboxed.any(),
            "POSTGRES_PORT" => self.database_url.is_none(),
            "NATS_PORT" | "NATS_MONITOR_PORT" => self.nats_url.is_none(),
            _ => true,
        })
        .collect()
    }
}

impl Ports {
    fn in_order(&self) -> [u16; 8] {
        [
            self.ledger,
            self.telegram,
            self.payments,
            self.generator,
            self.sandbox,
            self.postgres,
            self.nats,
            self.nats_monitor,
        ]
    }
}

fn port(variables: &Variables, name: &str, default: u16, problems: &mut Vec<String>) -> u16 {
    let Some(text) = variables.get(name) else { return default };
    match text.parse::<u16>() {
        Ok(port) if port > 0 => port,
        _ => {
            problems.push(format!("{name} is `{text}`: it is a port, 1 to 65535"));
            default
        }
    }
}

fn same_ports(ports: &Ports, problems: &mut Vec<String>) {
    let numbers = ports.in_order();
    for (i, number) in numbers.iter().enumerate() {
        if let Some(j) = numbers[..i].iter().position(|other| other == number) {
            problems.push(format!("{} and {} are both {number}", PORTS[j].0, PORTS[i].0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_default_is_among_the_ports_of_outgoing_connections() {
        assert!(PORTS.iter().all(|(_, port, _)| *port < 32_768));
    }

    #[test]
    fn without_keys_everything_is_sandboxed_on_the_usual_ports() {
        let settings = Settings::from(Variables::of(&[])).unwrap();
        assert_eq!(settings.sandboxed, Sandboxed { telegram: true, yookassa: true, gemini: true });
        assert_eq!(settings.used_ports().len(), 8);
        assert_eq!(settings.ports.postgres, 25432);
    }

    #[test]
    fn keys_switch_to_the_real_vendors_and_addresses_to_other_servers() {
        let settings = Settings::from(Variables::of(&[
            ("TELEGRAM_BOT_TOKEN", "1:a"),
            ("YOOKASSA_SHOP_ID", "1"),
            ("YOOKASSA_SECRET_KEY", "k"),
            ("GEMINI_API_KEYS", "a,b"),
            ("DATABASE_URL", "postgres://x"),
            ("NATS_URL", "nats://x"),
            ("PORT", "9000"),
        ]))
        .unwrap();
        assert!(!settings.sandboxed.any());
        let ports: Vec<u16> = settings.used_ports().into_iter().map(|(_, port, _)| port).collect();
        assert_eq!(ports, [9000, 8081, 8082, 8083]);
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let variables = [
            ("PORT", "http"),
            ("NATS_PORT", "25432"),
            ("YOOKASSA_SHOP_ID", "1"),
            ("LOG_FORMAT", "xml"),
            ("SANDBOX_PORT", "0"),
        ];
        let error = Settings::from(Variables::of(&variables)).unwrap_err().to_string();
        for part in [
            "PORT is `http`",
            "POSTGRES_PORT and NATS_PORT are both 25432",
            "YOOKASSA_SECRET_KEY",
            "xml",
            "`0`",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}
