//! Configuration from the environment: all that is missing or wrong is said at once.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub name: &'static str,
    pub text: String,
}

/// Everything that keeps a service from starting, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration can't be used ({} to mend; .env.example explains each):", self.0.len())?;
        self.0.iter().try_for_each(|p| write!(f, "\n  {}: {}", p.name, p.text))
    }
}

impl std::error::Error for Problems {}

/// The variables, and what was found wrong with them so far.
#[derive(Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Env {
    pub fn from_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::from_map(variables)
    }

    pub fn from_map(variables: BTreeMap<String, String>) -> Self {
        Self { variables, problems: Vec::new() }
    }

    /// The text of a variable; an empty one counts as absent.
    fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    pub fn problem(&mut self, name: &'static str, text: impl Into<String>) {
        self.problems.push(Problem { name, text: text.into() });
    }

    /// `what`: for people, what it is and what is allowed.
    pub fn optional<T: FromStr>(&mut self, name: &'static str, what: &'static str) -> Option<T> {
        let parsed = self.text(name)?.parse();
        if parsed.is_err() {
            self.problem(name, format!("can't be understood; it is {what}"));
        }
        parsed.ok()
    }

    pub fn required<T: FromStr>(&mut self, name: &'static str, what: &'static str) -> Option<T> {
        if self.text(name).is_none() {
            self.problem(name, format!("is missing; it is {what}"));
            return None;
        }
        self.optional(name, what)
    }

    pub fn or<T: FromStr>(&mut self, name: &'static str, what: &'static str, default: T) -> T {
        self.optional(name, what).unwrap_or(default)
    }

    pub fn optional_secret(&mut self, name: &'static str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    pub fn secret(&mut self, name: &'static str, what: &'static str) -> Option<SecretString> {
        let secret = self.optional_secret(name);
        if secret.is_none() {
            self.problem(name, format!("is missing; it is {what}"));
        }
        secret
    }

    /// The configuration, if nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish<C>(self, config: Option<C>) -> Result<C, Problems> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(Problems(self.problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        Env::from_map(variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn all_problems_are_said_at_once_in_words_a_person_can_act_on() {
        let mut env = env(&[("PORT", "http"), ("NATS_URL", "  ")]);
        let port: Option<u16> = env.optional("PORT", "a port, 0 to 65535");
        let url: Option<String> = env.required("NATS_URL", "where NATS is, nats://host:port");
        let token = env.secret("TOKEN", "the bot's token from BotFather");
        let problems = env.finish(port.zip(url).zip(token)).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "the configuration can't be used (3 to mend; .env.example explains each):\n  \
             PORT: can't be understood; it is a port, 0 to 65535\n  \
             NATS_URL: is missing; it is where NATS is, nats://host:port\n  \
             TOKEN: is missing; it is the bot's token from BotFather"
        );
    }

    #[test]
    fn a_wrong_value_is_never_replaced_by_the_default() {
        let mut env = env(&[("PORT", "99999")]);
        let port = env.or("PORT", "a port", 8080u16);
        assert!(env.finish(Some(port)).is_err());
    }
}
