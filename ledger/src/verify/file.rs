//! An export, verified without Postgres: the same checks, chunks of lines instead of rows.
//!
//! One reader splits the file into runs of lines; they are parsed and checked on all cores; memory is a
//! few runs, and an entry an account.

use std::collections::VecDeque;
use std::io::BufRead;
use std::time::Instant;

use proto_events::amounts::INTEGER_MAX;

use super::anchors::{self, Anchors, What};
use super::chunk::{self, Chunk, Found};
use super::database::Options;
use super::finding::{Finding, Findings, Kind};
use super::merge::{Merge, Start};
use super::report::Report;
use super::{CHUNK, VerifyError};
use crate::log::{GENESIS, Row, hex};
use crate::proofs::export::{FORMAT, Footer, Header, Line};

/// Longer lines are no events: a payload is bounded by NATS' message.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// Verifies an export. `progress` is told (done, of).
///
/// # Errors
/// It can't be read, or is no export; what is wrong in it is in the report.
pub fn verify_file(
    mut input: impl BufRead,
    options: &Options,
    mut progress: impl FnMut(i64, i64),
) -> Result<Report, VerifyError> {
    let begun = Instant::now();
    let first = read_line(&mut input)?.ok_or(VerifyError::NoExport("it is empty"))?;
    let header: Header =
        serde_json::from_str(&first).map_err(|_| VerifyError::NoExport("its first line is no header"))?;
    if header.format != FORMAT {
        return Err(VerifyError::Format { found: header.format, known: FORMAT });
    }
    let (hash, frontier) = header.before().ok_or(VerifyError::NoExport("its header is not whole"))?;
    let (from, to) = (header.from, header.to);
    if !(from - 1..=INTEGER_MAX).contains(&to) {
        return Err(VerifyError::NoExport("its header has no such positions"));
    }
    let start = Start { after: from - 1, hash, frontier };
    let mut findings = Findings::default();
    let mut all = Vec::new();
    let own = ("the export".to_owned(), header.checkpoints.clone());
    for (place, notes) in std::iter::once(&own).chain(&options.outside) {
        all.extend(anchors::open(place, notes.iter().map(String::as_str), &options.keys, &mut findings));
    }
    let mut anchors = Anchors::new(all, &mut findings);
    if options.to.is_some_and(|wanted| wanted != to) || options.from.is_some_and(|wanted| wanted != from) {
        return Err(VerifyError::Part { from, to });
    }
    // The operator says where it is meant to end, not the file.
    anchors.keep(from - 1, options.to);
    let mut merge = Merge::new(start, anchors);
    merge.findings.extend(findings);

    let footer = std::thread::scope(|scope| {
        let mut running: VecDeque<std::thread::ScopedJoinHandle<'_, Chunk>> = VecDeque::new();
        let mut footer: Option<Footer> = None;
        let mut ended = false;
        let mut position = from;
        while !ended {
            let mut lines = Vec::new();
            // So that chunks begin blocks of the tree.
            let room = CHUNK - (position - 1) % CHUNK;
            while i64::try_from(lines.len()).unwrap_or(room) < room {
                match read_line(&mut input)? {
                    None => ended = true,
                    Some(line) if line.starts_with("{\"events\":") => {
                        footer = serde_json::from_str(&line).ok();
                        ended = true;
                    }
                    Some(line) => {
                        lines.push(line);
                        continue;
                    }
                }
                break;
            }
            let begin = position;
            position += i64::try_from(lines.len()).unwrap_or(0);
            running.push_back(scope.spawn(move || check(begin, lines)));
            while running.len() >= options.readers() || ended && !running.is_empty() {
                let Some(done) = running.pop_front() else { break };
                let mut chunk = done.join().map_err(|_| VerifyError::NoExport("a checker fell"))?;
                merge.take(&mut chunk);
                progress(merge.position - from + 1, to - from + 1);
            }
        }
        Ok::<_, VerifyError>(footer)
    })?;
    let more = read_line(&mut input)?.is_some();
    end(&mut merge, &header, footer.as_ref(), more);
    let report = Report::new(from, merge);
    let is_end = |finding: &Finding| finding.kind == Kind::TailMissing;
    Ok(Report {
        signatures_checked: !options.keys.is_empty(),
        seconds: begun.elapsed().as_secs_f64(),
        ends_early: report.findings_unnamed == 0 && !report.verified && report.findings.iter().all(is_end),
        ..report
    })
}

/// The file says itself where it ends; a whole log ends no earlier than its checkpoints.
fn end(merge: &mut Merge, header: &Header, footer: Option<&Footer>, more: bool) {
    if merge.position < header.to {
        merge.gap(header.to + 1);
    }
    merge.finish(What::File, header.to);
    let before = header.from == 1 && header.prev_hash != hex(&GENESIS);
    let beyond = merge.position > header.to;
    let head = [
        (before, "its header names an event before position 1"),
        (beyond, "it goes on after the position where its header says that it ends"),
        (more, "lines follow its last one"),
    ];
    let end = match footer {
        None => vec![(true, "its last line is missing: the file was cut short")],
        Some(footer) => vec![
            (footer.events != merge.events, "its last line says another number of events"),
            (footer.head != hex(&merge.hash), "its last line says another hash of the last event"),
            (
                merge.is_in_line() && footer.root != hex(&merge.frontier.root()),
                "its last line says another root of the tree",
            ),
        ],
    };
    for (_, what) in head.into_iter().chain(end).filter(|(wrong, _)| *wrong) {
        merge.findings.find(0, Kind::ExportDiffers, what);
    }
}

fn read_line(input: &mut impl BufRead) -> Result<Option<String>, VerifyError> {
    use std::io::Read as _;
    let mut line = String::new();
    let read = input.by_ref().take(LINE_BYTES_MAX).read_line(&mut line).map_err(VerifyError::File)?;
    if read == 0 {
        return Ok(None);
    }
    if line.ends_with('\n') {
        line.pop();
    }
    Ok(Some(line))
}

fn check(begin: i64, lines: Vec<String>) -> Chunk {
    let found = lines.into_iter().zip(begin..).map(|(line, position)| {
        let row = serde_json::from_str::<Line>(&line).map_err(|e| e.to_string());
        match row.and_then(|line| Row::try_from(line).map_err(|e| e.to_string())) {
            Ok(row) if row.position.max(row.version) > INTEGER_MAX => {
                Found::Bad(position, "its position or version is none".to_owned())
            }
            Ok(row) => Found::Row(row),
            Err(what) => Found::Bad(position, format!("its line can't be read: {what}")),
        }
    });
    chunk::check(found)
}
