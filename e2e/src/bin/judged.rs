//! A console with a log in it, for a judge of its API: `cargo xtask conformance --console`.

use std::collections::BTreeSet;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use e2e::dice::Dice;
use e2e::history::{self, History};
use e2e::pages::{self, Facts};
use e2e::{Role, Stage};
use ledger::console::Need;
use ledger::store;
use proto_events::commands::Role as May;
use sha2::{Digest as _, Sha256};

const ADMINISTRATOR: &str = "admin";
const TOKEN_LIVES_US: i64 = 3_600_000_000;
const SEED: u64 = 7;
const ACCOUNTS: usize = 6;
const EVENTS: usize = 3_000;
/// How often an address is asked for with something else in it.
const ROUNDS: usize = 3;

/// The judge is given `--base URL --addresses FILE`, and a token in CONSOLE_TOKEN.
#[derive(Debug, Parser)]
struct Cli {
    /// The judge's command
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    judge: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let Cli { judge } = Cli::parse();
    let (program, words) = judge.split_first().context("a judge has a program")?;
    let mut stage = Stage::new()?;
    let mut dice = Dice::seeded(SEED);
    let history = History::new(dice.fork(), ACCOUNTS, EVENTS);
    stage.rt.block_on(history::append(&stage.pool, &history.rows))?;
    stage.start(Role::Ledger, &[("ADMIN_PASSWORD", "correct horse battery")])?;
    stage.until("the first administrator", || {
        let there = sqlx::query_scalar("SELECT count(*) FROM staff").fetch_one(&stage.pool);
        (stage.sql::<i64>(there) == 1).then_some(())
    });
    let token = token(&stage)?;
    let addresses = stage.dir().join("addresses");
    std::fs::write(&addresses, asked(&stage, &mut dice)?.join("\n"))?;
    let mut command = Command::new(program);
    command.args(words).args(["--base", &stage.url(Role::Ledger)]).arg("--addresses").arg(&addresses);
    command.env("CONSOLE_TOKEN", token).env("NO_PROXY", "127.0.0.1").stdin(Stdio::null());
    let ended = command.status().with_context(|| format!("cannot run {program}"))?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Of somebody who may see everything, as `/tokens` makes one.
fn token(stage: &Stage) -> Result<String> {
    let token = format!("plantain_{}", uuid::Uuid::new_v4().simple());
    let hash: [u8; 32] = Sha256::digest(&token).into();
    let put =
        store::put_api_token(&stage.pool, "judge", "judge", &hash, &May::ALL, ADMINISTRATOR, TOKEN_LIVES_US);
    ensure!(stage.rt.block_on(put)?, "there is a token of the judge's already");
    Ok(token)
}

/// Every address of the API with something of the log in it.
fn asked(stage: &Stage, dice: &mut Dice) -> Result<Vec<String>> {
    let payments = stage.client("payments");
    let facts = stage.rt.block_on(Facts::prepare(&stage.pool, &payments, dice, 200))?;
    let _in_runtime = stage.rt.enter();
    let pages = pages::all(&stage.pool, &stage.client("ledger"))?;
    let of_api = |page: &&pages::Page| page.path.starts_with("/api/v1") && page.need != Need::Nothing;
    let mut addresses = BTreeSet::new();
    for page in pages.iter().filter(of_api).filter(|page| !page.path.ends_with("/openapi.json")) {
        for asked in page.asked.iter().flat_map(|asked| [asked; ROUNDS]) {
            addresses.insert(facts.fill(asked, dice)?);
        }
    }
    Ok(addresses.into_iter().collect())
}
