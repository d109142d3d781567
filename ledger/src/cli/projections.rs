//! `ledger projections`: what there is to read, and how far it is.

use std::process::ExitCode;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use service::config::Env;

use super::out::{folded, say};
use super::replay::grouped;
use crate::projections::{self, Instance, State};
use crate::{config, store};

#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    instance: Instance,
    /// Events between it and the head of the log.
    lag: i64,
    /// This program's version of the fold, if it knows the projection.
    code_version: Option<i64>,
}

pub async fn run(json: bool) -> anyhow::Result<ExitCode> {
    let url = config::database_url(Env::from_process())?;
    let pool =
        store::connect(url.expose_secret(), 1).await.context("can't reach Postgres by DATABASE_URL")?;
    // The head last: a lag is never below zero.
    let instances = projections::instances(&pool).await?;
    let head = store::head(&pool).await?.position;
    let lines: Vec<Line> = instances
        .into_iter()
        .map(|instance| Line {
            lag: (head - instance.position).max(0),
            code_version: projections::find(&instance.name).map(|definition| definition.version),
            instance,
        })
        .collect();
    if json {
        say!("{}", serde_json::json!({ "head": head, "projections": lines }))?;
    } else {
        print(head, &lines)?;
    }
    let stands = |l: &Line| l.instance.state == State::Live && l.instance.failure.is_some();
    Ok(if lines.iter().any(stands) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn print(head: i64, lines: &[Line]) -> anyhow::Result<()> {
    say!("The log ends at {}.", grouped(head))?;
    say!(
        "{:<22} {:>7} {:<9} {:>13} {:>11} {:>9}",
        "instance",
        "version",
        "state",
        "position",
        "lag",
        "events/s"
    )?;
    for Line { instance: i, lag, code_version } in lines {
        let (position, lag) = (grouped(i.position), grouped(*lag));
        let rate = i.rate.map(grouped).unwrap_or_default();
        say!(
            "{:<22} {:>7} {:<9} {position:>13} {lag:>11} {rate:>9}",
            i.tables().name(),
            i.version,
            i.state.as_str()
        )?;
        if let (Some(stage), Some(target)) = (&i.stage, i.target) {
            let dead = if i.is_worked_on() { "" } else { "; its worker is silent" };
            let left = i.left_s().map(|s| format!(", {s} s left")).unwrap_or_default();
            match i.percent() {
                Some(percent) => say!("  {stage}: {percent} % of {}{left}{dead}", grouped(target))?,
                None => say!("  {stage}{dead}")?,
            }
        }
        if let Some(failure) = &i.failure {
            let at = grouped(i.failed_at.unwrap_or(i.position));
            say!("{}", folded(&format!("  STANDS at {at}: {failure}"), 2))?;
        }
        if let Some(why) = &i.wish_refused {
            say!("{}", folded(&format!("  not swapped in: {why}"), 2))?;
        }
        if i.state == State::Live && *code_version != Some(i.version) {
            let wanted = code_version.map_or("nothing".to_owned(), |v| format!("version {v}"));
            say!("  not continued: this ledger folds {wanted}")?;
        }
    }
    Ok(())
}
