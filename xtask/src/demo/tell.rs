//! The demo told to people, in 80 columns.

use anyhow::Result;

use super::{
    evidence::{Balance, Row},
    person::Line,
    picture::Picture,
};

const WIDTH: usize = 80;
const INDENT: usize = 10;

pub(super) fn line(line: &Line) {
    let mut text = line.text.clone();
    if line.picture.is_some() {
        text = format!("(a picture) {text}");
    }
    let mut first = true;
    for wrapped in wrap(&text, WIDTH - INDENT) {
        let who = if first { line.who } else { "" };
        println!("{who:>8}  {wrapped}");
        first = false;
    }
    if !line.buttons.is_empty() {
        let buttons: Vec<String> = line.buttons.iter().map(|text| format!("[{text}]")).collect();
        wrap(&buttons.join(" "), WIDTH - INDENT).iter().for_each(|row| println!("{:INDENT$}{row}", ""));
    }
}

pub(super) fn account(rows: &[Row], balance: &Balance) {
    println!("\nWhat the ledger wrote down:\n");
    println!("  {:>8}  {:<24} {:>10} {:>9} {:>6}", "position", "event", "available", "reserved", "debt");
    for row in rows {
        let [available, reserved, debt] = [row.available_delta, row.reserved_delta, row.debt_delta]
            .map(|n| if n == 0 { String::new() } else { format!("{n:+}") });
        let line = format!("  {:>8}  {:<24} {available:>10} {reserved:>9} {debt:>6}", row.position, row.kind);
        println!("{}", line.trim_end());
    }
    println!(
        "  {:>8}  {:<24} {:>10} {:>9} {:>6}",
        "", "balance", balance.available, balance.reserved, balance.debt
    );
}

pub(super) fn proofs(picture: &Picture, books: &[String], verified: &Result<String>) {
    println!();
    println!("  The picture      {} of {} bytes", picture.format, picture.bytes);
    println!("                   sha256 {}", picture.sha256);
    let agree = if books.is_empty() { "agree: one payment, one picture" } else { "do NOT agree" };
    println!("  Vendors' books   {agree}");
    println!("  The log          {}", if verified.is_ok() { "verified" } else { "NOT verified" });
}

/// Lines of at most `width` characters, broken at spaces; what has none is broken anywhere.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let joined = line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && joined > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            while line.chars().count() > width {
                let rest = line.chars().skip(width).collect();
                lines.push(line.chars().take(width).collect());
                line = rest;
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_words_and_breaks_what_is_too_long() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("пять\n\nслов", 10), ["пять", "", "слов"]);
    }
}
