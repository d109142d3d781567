//! XLSX, sheet by sheet. What it inflates to is bounded before it is read.

use std::io::{Cursor, Read as _};

use calamine::{Data, DataRef, Reader as _, Xlsx, XlsxError};
use zip::ZipArchive;

use super::sheet::{LAYOUTS, Sheet};
use super::{Refused, Registry};

/// All parts together.
const INFLATED_MAX: u64 = 512 << 20;
const PARTS_MAX: usize = 1_000;
/// A registry has some twenty; what stands further right is not looked at.
const COLUMNS_MAX: u32 = 256;
/// Texts that a book may say it shares: room is made for as many before they are read.
const SHARED_MAX: u64 = 16_000_000;
/// Within which the list of shared texts must begin.
const HEAD_BYTES: u64 = 4_096;

pub fn read(file: &str, bytes: &[u8]) -> Result<Registry, Refused> {
    let refused =
        |what: String| Refused { file: file.to_owned(), sheet: None, line: None, column: None, what };
    let broken = |error: XlsxError| refused(format!("it is no XLSX book that can be read: {error}"));
    bounded(bytes).map_err(refused)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let mut registry = Registry::default();
    let mut rows = 0;
    for name in book.sheet_names() {
        let mut cells = match book.worksheet_cells_reader(&name) {
            Ok(cells) => cells,
            // A chart.
            Err(XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(broken(error)),
        };
        let mut sheet = Sheet::new(file, Some(&name), " ", &mut registry, &mut rows);
        let mut row: Vec<String> = Vec::new();
        let mut current = 0;
        while let Some(cell) = cells.next_cell().map_err(broken)? {
            let (line, column) = cell.get_position();
            if line < current {
                return Err(sheet.refused(Some(u64::from(line) + 1), None, "its rows are not in order"));
            }
            if line > current {
                flush(&mut sheet, current, &mut row)?;
                current = line;
            }
            let text = text_of(cell.get_value());
            if column < COLUMNS_MAX && !text.is_empty() {
                let place = column as usize;
                row.resize(row.len().max(place + 1), String::new());
                row[place] = text;
            }
        }
        flush(&mut sheet, current, &mut row)?;
        sheet.end(false)?;
    }
    if registry.parts.is_empty() {
        return Err(refused(format!("no sheet with a header that is known; allowed: {LAYOUTS}")));
    }
    Ok(registry)
}

/// Cells at the end of a row that are empty are not in the file: rows are as wide as their table.
fn flush(sheet: &mut Sheet<'_>, line: u32, row: &mut Vec<String>) -> Result<(), Refused> {
    let width = sheet.width().max(row.len());
    if row.iter().any(|cell| !cell.is_empty()) {
        row.resize(width, String::new());
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        sheet.row(u64::from(line) + 1, &cells)?;
    }
    row.clear();
    Ok(())
}

fn text_of(value: &DataRef<'_>) -> String {
    match Data::from(value.clone()) {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.trim().to_owned(),
        Data::Int(n) => n.to_string(),
        Data::Float(n) => number(n),
        Data::Bool(is) => is.to_string(),
        Data::Error(error) => format!("{error:?}"),
        Data::DateTime(at) => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            format!("{day:02}.{month:02}.{year:04} {hour:02}:{minute:02}:{second:02}")
        }
    }
}

/// As it was typed: sums of an office program may be off by a billionth.
fn number(n: f64) -> String {
    let text = format!("{n:.6}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Inflates everything once and counts, since what parts say of their size need not be so.
fn bounded(bytes: &[u8]) -> Result<(), String> {
    let broken = |error: &dyn std::fmt::Display| format!("it is no XLSX book that can be read: {error}");
    let mut book = ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken(&e))?;
    if book.len() > PARTS_MAX {
        return Err(format!("it has {} parts; allowed: {PARTS_MAX}", book.len()));
    }
    let mut left = INFLATED_MAX;
    for index in 0..book.len() {
        let mut part = book.by_index(index).map_err(|e| broken(&e))?;
        let shared = part.name().map_err(|e| broken(&e))?.to_lowercase().ends_with("sharedstrings.xml");
        let mut head = Vec::new();
        let mut read = part.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(|e| broken(&e))? as u64;
        if shared && !counts_soundly(&head) {
            return Err(format!(
                "its list of shared texts says nothing sound of how many they are; allowed: {SHARED_MAX}"
            ));
        }
        read += std::io::copy(&mut part.take(left), &mut std::io::sink()).map_err(|e| broken(&e))?;
        left = match left.checked_sub(read) {
            Some(left) if left > 0 => left,
            _ => return Err(format!("it inflates to more than {} MB", INFLATED_MAX >> 20)),
        };
    }
    Ok(())
}

/// The list of shared texts begins at once, and says a number of them that fits, or none.
fn counts_soundly(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let Some(begin) = text.find("<sst").or_else(|| text.find(":sst")) else { return false };
    let Some(end) = text[begin..].find('>') else { return false };
    let tag = &text[begin..begin + end];
    tag.split("uniqueCount").skip(1).all(|rest| {
        let digits: String =
            rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().is_ok_and(|n| n <= SHARED_MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_they_were_typed() {
        for (n, wanted) in [
            (100.05, "100.05"),
            (9.569_999_999_999_999, "9.57"),
            (0.1 + 0.2, "0.3"),
            (1_234_567.0, "1234567"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(n), wanted);
        }
    }

    #[test]
    fn a_book_that_says_to_share_too_many_texts_is_not_opened() {
        assert!(counts_soundly(b"<?xml?><sst count=\"9\" uniqueCount=\"9\">"));
        assert!(counts_soundly(b"<?xml?><x:sst xmlns:x=\"u\">"));
        assert!(!counts_soundly(b"<?xml?><sst uniqueCount=\"99999999999999\">"));
        assert!(!counts_soundly(b"<?xml?><sst uniqueCount=\"99999999999999999999999\">"));
        assert!(!counts_soundly(b"<\0s\0s\0t\0"));
    }
}
