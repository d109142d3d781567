//! Judges what bots have sent, for `cargo xtask conformance --telegram`: a line of JSON a check.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Parser;
use e2e::botapi::{Judgement, controls, read_folder};
use serde_json::json;

/// A finding is told in full once, and counted from there on.
const TOLD_PER_METHOD_MAX: usize = 10;

#[derive(Debug, Parser)]
struct Cli {
    /// A SANDBOX_ARRIVALS_DIR
    #[arg(long, value_name = "FOLDER")]
    arrivals: PathBuf,
    /// This method must have been recorded
    #[arg(long, value_name = "METHOD")]
    must: String,
}

fn check(group: &str, name: &str, ok: bool, detail: &str) {
    println!("{}", json!({"group": group, "check": name, "ok": ok, "detail": detail}));
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let arrivals = read_folder(&cli.arrivals)?;
    let judgement = Judgement::of(&arrivals);
    if judgement.judged() == 0 {
        bail!("no call of the Bot API in {}", cli.arrivals.display());
    }
    for (method, count) in &judgement.counts {
        let found: Vec<&str> = judgement
            .findings
            .iter()
            .filter(|finding| &finding.method == method)
            .map(|finding| finding.why.as_str())
            .collect();
        let mut detail = format!("{} judged", count.judged);
        if count.refused > 0 {
            detail += &format!(", {} refused by the sandbox", count.refused);
        }
        if !found.is_empty() {
            let told = found.iter().take(TOLD_PER_METHOD_MAX).copied().collect::<Vec<_>>().join("; ");
            detail += &format!(", {} findings: {told}", found.len());
        }
        check("requests", method, found.is_empty(), &detail);
    }
    let recorded = judgement.counts.contains_key(&cli.must);
    check("recorded", &cli.must, recorded, if recorded { "" } else { "was never sent: what was judged?" });
    for (method, planted) in controls::plant(&arrivals) {
        let detail = match planted.missed.as_slice() {
            [] => format!("{} planted, all found", planted.made),
            missed => format!("{} planted, not found: {}", planted.made, missed.join("; ")),
        };
        check("controls", &method, planted.missed.is_empty(), &detail);
    }
    Ok(())
}
