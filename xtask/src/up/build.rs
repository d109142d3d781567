//! Builds the services and copies their programs aside, so that later builds do not touch what runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{layout::Layout, services::PROGRAMS};
use crate::machine::paths;

/// Cargo's progress goes to the terminal; its messages tell where each program is.
pub(super) fn build_and_copy(layout: &Layout, release: bool) -> Result<()> {
    let mut cargo = cargo();
    // The whole workspace, as `cargo xtask test` builds it: chosen packages would have other features of
    // what they depend on, and all of that would be compiled twice.
    cargo.args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"]);
    if release {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the services do not build (cargo's messages are above)");
    }
    let built = executables(&output.stdout);
    for program in PROGRAMS {
        let from = built.get(program).with_context(|| format!("cargo built no program `{program}`"))?;
        copy(from, layout, program)?;
    }
    Ok(())
}

/// The cargo that runs us, or the one in PATH.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(paths::root()).stdin(Stdio::null());
    // `cargo xtask` runs us with variables about the package xtask. Build scripts (ring's) look at them, and
    // would run again whenever cargo is called the other way: minutes of compiling, each time.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|of| name.starts_with(of))
        {
            cargo.env_remove(&*name);
        }
    }
    cargo
}

/// Program name → file, from cargo's JSON messages.
pub(crate) fn executables(messages: &[u8]) -> BTreeMap<String, PathBuf> {
    let lines = String::from_utf8_lossy(messages);
    let programs = lines.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(message["executable"].as_str()?)))
    });
    programs.collect()
}

/// By rename: a running program's file stays what it was.
fn copy(from: &Path, layout: &Layout, name: &str) -> Result<()> {
    let to = layout.program(name);
    let temporary = to.with_added_extension("new");
    std::fs::copy(from, &temporary)
        .and_then(|_| std::fs::rename(&temporary, &to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"ledger"},"executable":"/t/ledger"}
{"reason":"build-finished","success":true}"#;
        let found = executables(messages);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("ledger".to_owned(), PathBuf::from("/t/ledger"))]
        );
    }
}
