//! Reading the log: `ledger verify` beside bare SHA-256 of the same bytes, projections folded beside a
//! bare `fetch` of the same columns.

use std::fmt::Write;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::{PgPool, Row as _};

use super::stand::Stand;
use super::stats::short;
use crate::bulk::Size;

/// Cores that `ledger verify` uses here.
const CORES: usize = 2;
/// What of a row is hashed besides its texts: fixed columns and the lengths of all.
const FIXED_BYTES: i64 = 16 + 32 + 32 + 16 + 9 * 8 + 19 * 4;

#[derive(Debug, Default, Serialize)]
pub struct Read {
    pub log_events: i64,
    pub replay: Option<Replay>,
    pub verify: Option<Verify>,
}

#[derive(Debug, Serialize)]
pub struct Replay {
    pub balances_of_bare: f64,
    pub all_events_s: f64,
    pub balances_events_s: f64,
    pub bare_events_s: f64,
}

#[derive(Debug, Serialize)]
pub struct Verify {
    pub of_bare_sha256: f64,
    pub events_s: f64,
    pub bare_sha256_s: f64,
}

impl Read {
    pub fn add_to(&self, whole: &mut Value) {
        if let Some(replay) = &self.replay {
            whole["replay"] = json!(replay);
        }
        if let Some(verify) = &self.verify {
            whole["verify"] = json!(verify);
        }
    }

    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nReading a log of {} events, events/s", self.log_events)?;
        if let Some(r) = &self.replay {
            let (balances, bare) = (short(r.balances_events_s), short(r.bare_events_s));
            writeln!(
                out,
                "  replay balances  {balances}, {:.2} of a bare fetch of its columns ({bare})",
                r.balances_of_bare
            )?;
            writeln!(out, "  replay of all    {}", short(r.all_events_s))?;
        }
        if let Some(v) = &self.verify {
            let (verify, bare) = (short(v.events_s), short(v.bare_sha256_s));
            writeln!(
                out,
                "  verify           {verify}, {:.2} of bare SHA-256 on {CORES} cores ({bare})",
                v.of_bare_sha256
            )?;
        }
        Ok(())
    }
}

/// # Errors
/// The log can't be read, or does not verify.
pub fn measure(size: Size, replay: bool, verify: bool, say: &dyn Fn(&str)) -> Result<Read> {
    let stand = Stand::new(size, say)?;
    let log_events = stand.head()?;
    let mut read = Read { log_events, ..Read::default() };
    if verify {
        read.verify = Some(verified(&stand, log_events, say)?);
    }
    if replay {
        read.replay = Some(replayed(&stand, say)?);
    }
    Ok(read)
}

fn verified(stand: &Stand, events: i64, say: &dyn Fn(&str)) -> Result<Verify> {
    say("verifying");
    let begun = Instant::now();
    let output = stand.ledger(&["verify", "--json"])?;
    let events_s = events as f64 / begun.elapsed().as_secs_f64();
    let report: Value = serde_json::from_slice(&output.stdout).context("verify says no JSON")?;
    if report["verified"] != true {
        bail!("the log does not verify: {report}");
    }
    let bytes: i64 = stand.rt.block_on(async {
        let sql = "SELECT avg(length(type) + octet_length(payload) + length(producer) + length(command_id) \
            + length(actor))::bigint FROM (SELECT * FROM events ORDER BY position DESC LIMIT 100000) last";
        sqlx::query_scalar(sql).fetch_one(&stand.pool).await
    })?;
    let bare_sha256_s = sha256(usize::try_from(bytes + FIXED_BYTES)?);
    Ok(Verify { of_bare_sha256: events_s / bare_sha256_s, events_s, bare_sha256_s })
}

/// Messages of this length hashed a second, on all the cores that verify uses.
fn sha256(bytes: usize) -> f64 {
    const EACH: usize = 1_000_000;
    let message = vec![7u8; bytes];
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CORES {
            scope.spawn(|| {
                for _ in 0..EACH {
                    std::hint::black_box(Sha256::digest(std::hint::black_box(&message)));
                }
            });
        }
    });
    (EACH * CORES) as f64 / begun.elapsed().as_secs_f64()
}

fn replayed(stand: &Stand, say: &dyn Fn(&str)) -> Result<Replay> {
    let bare = stand.rt.block_on(bare_fetch(&stand.pool))?;
    let balances = rebuilt(stand, "balances", say)?;
    let all = rebuilt(stand, "--all", say)?;
    Ok(Replay {
        balances_of_bare: balances / bare,
        all_events_s: all,
        balances_events_s: balances,
        bare_events_s: bare,
    })
}

/// Events a second of a rebuild beside the live one, as it says itself: without the comparison after it.
fn rebuilt(stand: &Stand, what: &str, say: &dyn Fn(&str)) -> Result<f64> {
    say(&format!("rebuilding {what}"));
    let output = stand.ledger(&["replay", what, "--diff-only", "--json"])?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("ledger replay {what} says no JSON: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let projections = report["projections"].as_array().context("no projections")?;
    if let Some(failed) = projections.iter().find(|p| !p["error"].is_null()) {
        bail!("ledger replay {what}: {failed}");
    }
    // All were made in one pass over the log.
    projections.first().and_then(|p| p["events_s"].as_f64()).context("no rate")
}

/// Rows a second of the columns that balances fold from, by one connection, read and dropped.
async fn bare_fetch(pool: &PgPool) -> Result<f64> {
    let sql = "SELECT position, account_id, version, available_delta, reserved_delta, debt_delta \
        FROM events ORDER BY position";
    let begun = Instant::now();
    let mut rows = sqlx::query(sql).fetch(pool);
    let (mut count, mut sum) = (0u64, 0i64);
    while let Some(row) = rows.try_next().await? {
        let (delta, account): (i64, uuid::Uuid) = (row.try_get(3)?, row.try_get(1)?);
        sum = sum.wrapping_add(delta).wrapping_add(i64::from(account.as_bytes()[0]));
        count += 1;
    }
    std::hint::black_box(sum);
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
