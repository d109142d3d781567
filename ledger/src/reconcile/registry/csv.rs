//! CSV: UTF-8 with or without a mark, or Windows-1251; semicolons, commas or tabs.

use std::borrow::Cow;

use super::columns::Columns;
use super::sheet::{LAYOUTS, Sheet};
use super::{Refused, Registry, shown};

const DELIMITERS: [(u8, &str); 3] = [(b';', ";"), (b',', ","), (b'\t', "\t")];
/// In how many lines a header must come.
const PREAMBLE_MAX: usize = 100;

pub fn read(file: &str, bytes: &[u8]) -> Result<Registry, Refused> {
    let refused =
        |line, what: String| Refused { file: file.to_owned(), sheet: None, line, column: None, what };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.contains(&0) {
        let what = "it is no text in UTF-8 or Windows-1251; allowed: CSV and XLSX";
        return Err(refused(None, what.to_owned()));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1251.decode_without_bom_handling(bytes).0,
    };
    let Some((delimiter, joint)) = delimiter(&text) else {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let what = format!("no header that is known; it begins {}; allowed: {LAYOUTS}", shown(first.trim()));
        return Err(refused(None, what));
    };
    let mut registry = Registry::default();
    let mut rows = 0;
    let mut sheet = Sheet::new(file, None, joint, &mut registry, &mut rows);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(refused(Some(line), format!("it can't be read: {error}"))),
        }
        let line = record.position().map_or(line, |place| line_of(&text, place));
        let cells: Vec<&str> = record.iter().map(str::trim).collect();
        sheet.row(line, &cells)?;
    }
    sheet.end(true)?;
    Ok(registry)
}

/// Where a record begins: its place is before the empty lines that were passed over.
fn line_of(text: &str, place: &csv::Position) -> u64 {
    let rest =
        usize::try_from(place.byte()).ok().and_then(|byte| text.as_bytes().get(byte..)).unwrap_or_default();
    let passed = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    place.line() + passed.filter(|byte| **byte == b'\n').count() as u64
}

/// What parts the cells of the first header.
fn delimiter(text: &str) -> Option<(u8, &'static str)> {
    for line in text.lines().take(PREAMBLE_MAX) {
        for (delimiter, joint) in DELIMITERS {
            let cells: Vec<&str> = line.split(char::from(delimiter)).collect();
            if !matches!(Columns::of(&cells), Ok(None)) {
                return Some((delimiter, joint));
            }
        }
    }
    None
}
