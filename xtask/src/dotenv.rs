//! Configuration as people write it: the environment first, then the `.env` file of the checkout.
//!
//! Lenient: `KEY=VALUE`, with `export`, quotes, comments and empty lines; an empty value counts as not set.

use std::collections::BTreeMap;

use crate::machine::paths;

/// What is configured, the environment winning over `.env`.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    file: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

impl Variables {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(paths::root().join(".env")).unwrap_or_default();
        Self {
            file: parse(&text),
            environment: std::env::vars().filter(|(_, value)| !value.is_empty()).collect(),
        }
    }

    #[cfg(test)]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let file = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { file, environment: BTreeMap::new() }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.environment.get(name).or_else(|| self.file.get(name)).map(String::as_str)
    }

    /// Names in `.env`.
    pub fn in_file(&self) -> impl Iterator<Item = &str> {
        self.file.keys().map(String::as_str)
    }

    /// Names that only `.env` knows: services do not inherit them by themselves.
    pub fn only_in_file(&self) -> impl Iterator<Item = (&str, &str)> {
        let only = self.file.iter().filter(|(name, _)| !self.environment.contains_key(*name));
        only.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

pub fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let value = unquote(value.trim());
    (named && !value.is_empty()).then(|| (name.to_owned(), value))
}

/// A quoted value ends at its closing quote; an unquoted one at ` #`.
fn unquote(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote)
            && let Some((inside, _)) = rest.split_once(quote)
        {
            return inside.to_owned();
        }
    }
    if value.starts_with('#') {
        return String::new();
    }
    value.split(" #").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let text = "# comment\n\nA=1\n export B = two words # why\nC=\"x # y\" # z\nD='q'\nE=\n#F=6\nno line\nG=a=b#c\r\nH= # none\n\u{a0}=x";
        let read: Vec<(String, String)> = parse(text).into_iter().collect();
        let expected = [("A", "1"), ("B", "two words"), ("C", "x # y"), ("D", "q"), ("G", "a=b#c")];
        assert_eq!(read, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn the_environment_wins() {
        let mut variables = Variables::of(&[("A", "file"), ("B", "file")]);
        variables.environment.insert("A".into(), "environment".into());
        assert_eq!((variables.get("A"), variables.get("B")), (Some("environment"), Some("file")));
        assert_eq!(variables.only_in_file().collect::<Vec<_>>(), [("B", "file")]);
    }
}
