//! The registry files of YooKassa: what it states of a day, payments and refunds, as CSV or XLSX.
//!
//! Phases: bytes → rows of text (`csv`, `xlsx`) → preamble, header, operations, totals (`sheet`). Columns are found by
//! their names (`columns`), of today's configurable registries and of the standard ones before, in Russian and English.
//!
//! Nothing is half-read: a file of an unknown layout, a row that can't be read, a total that does not add up, and a file
//! that ends before its totals are refused, with the place, what was found and what is allowed. Sizes are bounded.
//!
//! Source of names and forms: yookassa.ru/docs/support/merchant/payments/reports, and files as shops have them.

mod columns;
mod csv;
mod sheet;
mod totals;
mod values;
mod xlsx;

use std::collections::BTreeSet;
use std::fmt;

use proto_events::events::MoneyMoved;

use super::operation::Operation;
use crate::books::moscow::Day;

/// A year of a busy shop is 100 times smaller.
pub const BYTES_MAX: u64 = 64 << 20;
pub const ROWS_MAX: u64 = 1_000_000;

/// What a file holds, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// In the file's order.
    pub operations: Vec<Operation>,
    pub parts: Vec<Part>,
}

/// A table of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub kind: MoneyMoved,
    /// The days it is of, as it says itself.
    pub days: BTreeSet<Day>,
    pub rows: u64,
    /// The days of its rows' times: when payments were made, not when they were paid.
    pub made: BTreeSet<Day>,
}

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub file: String,
    /// Of an XLSX.
    pub sheet: Option<String>,
    /// From 1.
    pub line: Option<u64>,
    pub column: Option<String>,
    pub what: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(sheet) = &self.sheet {
            write!(f, ", sheet {sheet:?}")?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column:?}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for Refused {}

/// Reads a registry. `file` is its name, for what is said of it.
///
/// # Errors
/// As the module says.
pub fn read(file: &str, bytes: &[u8]) -> Result<Registry, Refused> {
    let refuse =
        |what: String| Err(Refused { file: file.to_owned(), sheet: None, line: None, column: None, what });
    if bytes.len() as u64 > BYTES_MAX {
        return refuse(format!("it has {} MB; at most {} MB are read", bytes.len() >> 20, BYTES_MAX >> 20));
    }
    match bytes {
        [] => refuse("it is empty; a registry has at least a header".to_owned()),
        [b'P', b'K', 3, 4, ..] => xlsx::read(file, bytes),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            refuse("it is an old Excel book (.xls); ask for CSV or XLSX".to_owned())
        }
        _ => csv::read(file, bytes),
    }
}

/// A cell as it is told: not more of it than helps.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
