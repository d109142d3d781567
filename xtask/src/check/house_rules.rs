//! Rules of this repository that no linter knows. Each is a line a person can act on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Longer files are hard to hold in the head: move the tests to a sibling, then split by noun.
const LINES_MAX: usize = 600;

/// Words that say "not finished"; what is not finished is an issue.
const UNFINISHED: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("#[ign", "ore")];

/// Places of one person's machine.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/home", "/"), concat!("/Use", "rs/")];

/// One TLS stack, and no C libraries for it: (package in Cargo.lock, why not).
const BANNED: [(&str, &str); 4] = [
    ("openssl-sys", "TLS is rustls with ring"),
    ("native-tls", "TLS is rustls with ring"),
    ("aws-lc-sys", "TLS is rustls with ring"),
    ("aws-lc-rs", "TLS is rustls with ring"),
];

/// The core is synchronous and free of IO.
const NOT_IN_THE_CORE: [&str; 5] = ["tokio", "sqlx", "async-nats", "reqwest", "axum"];

/// What panics when nobody reads the stream any more, or the disk is full.
const PRINTS: [&str; 2] = [concat!("print", "!("), concat!("print", "ln!(")];

/// What leaves a connection of the pool in the middle of something when it is cut off.
const UNSAFE_TO_CUT: [&str; 4] = [
    concat!(".beg", "in()"),
    concat!(".beg", "in_with("),
    concat!("pool.copy_", "in"),
    concat!("pool.copy_", "out"),
];

/// Known bugs for tests. The feature is defined where it is used, and no default, no dependency and
/// no build of a service switches it on.
const PLANTED: &str = "planted-bugs";

/// Where the feature may be switched on: the tests that must catch the bugs.
const PLANTERS: [&str; 2] = ["xtask/src/chaos/", "xtask/src/check/house_rules.rs"];

/// Every breach in the checkout at `root`: file, line, rule.
pub fn broken(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    collect(root, &mut files).with_context(|| format!("cannot list {}", root.display()))?;
    files.sort();
    let mut broken = Vec::new();
    let explained = std::fs::read_to_string(root.join(".env.example")).unwrap_or_default();
    check_migrations(&files, &mut broken);
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        check_text(&name, &text, &mut broken);
        if name.ends_with("src/config.rs") {
            check_variables(&name, &text, &explained, &mut broken);
        }
    }
    Ok(broken)
}

/// Two of one number, and no ledger can migrate.
fn check_migrations(files: &[PathBuf], broken: &mut Vec<String>) {
    let numbers =
        files.iter().filter(|file| file.parent().is_some_and(|folder| folder.ends_with("migrations")));
    let numbers = numbers.filter_map(|file| file.file_name()?.to_str()?.split_once('_'));
    let numbers: Vec<&str> = numbers.map(|(number, _)| number).collect();
    let twice = numbers.windows(2).filter(|pair| pair[0] == pair[1]);
    broken.extend(twice.map(|pair| format!("migrations: there are two of the number {}", pair[0])));
}

/// What a service's configuration reads is explained in `.env.example`.
fn check_variables(name: &str, text: &str, explained: &str, broken: &mut Vec<String>) {
    // The tests below may name variables that do not exist.
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_variable = |word: &&str| {
        word.len() > 3
            && word.contains('_')
            && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    for variable in code.split('"').filter(is_variable) {
        let says = |line: &str| line.trim_start_matches('#').starts_with(&format!("{variable}="));
        if !explained.lines().any(says) {
            broken.push(format!("{name}: {variable} is read here, but .env.example does not explain it"));
        }
    }
}

fn check_text(name: &str, text: &str, broken: &mut Vec<String>) {
    if name == "Cargo.lock" {
        let has = |package: &str| text.contains(&format!("name = \"{package}\"\n"));
        let found = BANNED.iter().filter(|(package, _)| has(package));
        broken.extend(found.map(|(package, why)| format!("{name}: {package} is in the tree; {why}")));
        return;
    }
    if name == "ledger/domain/Cargo.toml" {
        let found =
            NOT_IN_THE_CORE.iter().filter(|package| text.lines().any(|line| line.starts_with(**package)));
        broken.extend(found.map(|package| format!("{name}: the core has no IO, so no {package}")));
    }
    let is_code = name.ends_with(".rs");
    let prints = |line: &str| PRINTS.iter().any(|print| line.contains(print));
    let found = text.lines().enumerate().filter(|(_, line)| name.starts_with("ledger/src/") && prints(line));
    let why = "it panics when nobody reads; use what ledger/src/cli/out.rs has";
    broken.extend(found.map(|(index, line)| format!("{name}:{}: `{}`: {why}", index + 1, line.trim())));
    let unsafe_to_cut = |line: &str| UNSAFE_TO_CUT.iter().any(|call| line.contains(call));
    let found =
        text.lines().enumerate().filter(|(_, line)| name.starts_with("ledger/src/") && unsafe_to_cut(line));
    let why = "cut off, it leaves its connection in the middle of it; use store::begin or store::lend";
    broken.extend(found.map(|(index, line)| format!("{name}:{}: `{}`: {why}", index + 1, line.trim())));
    check_planted(name, text, broken);
    let lines = text.lines().count();
    if is_code && lines > LINES_MAX {
        broken.push(format!("{name}: {lines} lines, more than {LINES_MAX}"));
    }
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        for word in UNFINISHED.iter().filter(|word| is_code && line.contains(**word)) {
            broken.push(format!("{name}:{number}: `{word}`: finish it, or open an issue and leave it out"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| line.contains(**path)) {
            broken.push(format!("{name}:{number}: `{path}` is a path of one machine"));
        }
    }
}

fn check_planted(name: &str, text: &str, broken: &mut Vec<String>) {
    let defines = format!("{PLANTED} = [");
    let asks = format!("feature = \"{PLANTED}\"");
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.contains(PLANTED)) {
        let fine = match name.rsplit('.').next() {
            Some("toml") => line.starts_with('#') || line.starts_with(&defines),
            // Prose, and code that is only there with the feature.
            Some("rs") => line.contains(&asks) || line.trim_start().starts_with("//"),
            Some("md") => true,
            _ => false,
        };
        if !fine && !PLANTERS.iter().any(|place| name.starts_with(place)) {
            broken.push(format!("{name}:{}: `{PLANTED}` is for tests, and not switched on here", number + 1));
        }
    }
}

/// Text files people wrote, outside of git's and cargo's own folders.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    const KINDS: [&str; 12] =
        ["rs", "toml", "sql", "md", "html", "js", "css", "ftl", "json", "conf", "lock", "example"];
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            if name != "target" && !name.as_encoded_bytes().starts_with(b".") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(name: &str, text: &str) -> Vec<String> {
        let mut broken = Vec::new();
        check_text(name, text, &mut broken);
        broken
    }

    #[test]
    fn a_variable_that_is_not_explained_is_found() {
        let code = "env.or(\"SOME_PORT\"); env.or(\"OTHER_PORT\"); #[cfg(test)] \"TEST_ONLY\"";
        let mut broken = Vec::new();
        check_variables("a/src/config.rs", code, "# A port.\n#SOME_PORT=1\n", &mut broken);
        assert_eq!(
            broken,
            ["a/src/config.rs: OTHER_PORT is read here, but .env.example does not explain it"]
        );
    }

    #[test]
    fn each_rule_is_broken_by_its_example() {
        let unfinished = format!("// {}: later\n", UNFINISHED[0]);
        assert_eq!(breaches("a.rs", &unfinished).len(), 1);
        assert_eq!(breaches("a.md", &unfinished).len(), 0);
        assert_eq!(breaches("a.md", &format!("see {}me/x", MACHINE_PATHS[0])).len(), 1);
        assert_eq!(breaches("a.rs", &"\n".repeat(LINES_MAX + 1)).len(), 1);
        assert_eq!(breaches("Cargo.lock", "name = \"native-tls\"\n").len(), 1);
        assert_eq!(breaches("ledger/domain/Cargo.toml", "tokio.workspace = true\n").len(), 1);
        assert_eq!(breaches("ledger/Cargo.toml", "tokio.workspace = true\n").len(), 0);
        for print in PRINTS {
            let line = format!("    e{print}\"x\");\n    {print}\"x\");\n");
            assert_eq!(breaches("ledger/src/cli/x.rs", &line).len(), 2);
            assert_eq!(breaches("e2e/tests/x.rs", &line).len(), 0);
        }
        for call in UNSAFE_TO_CUT {
            assert_eq!(breaches("ledger/src/store/x.rs", &format!("    let tx = {call};\n")).len(), 1);
            assert_eq!(breaches("e2e/src/x.rs", &format!("    let tx = {call};\n")).len(), 0);
        }
        let planted = [
            ("ledger/Cargo.toml", format!("default = [\"{PLANTED}\"]"), 1),
            ("e2e/Cargo.toml", format!("ledger = {{ workspace = true, features = [\"{PLANTED}\"] }}"), 1),
            ("xtask/src/up/build.rs", format!("\"--features={PLANTED}\""), 1),
            ("ledger/Cargo.toml", format!("{PLANTED} = [\"ledger-domain/{PLANTED}\"]"), 0),
            ("ledger/src/x.rs", format!("#[cfg(feature = \"{PLANTED}\")]"), 0),
        ];
        for (name, line, count) in planted {
            assert_eq!(breaches(name, &line).len(), count, "{line}");
        }
    }
}
