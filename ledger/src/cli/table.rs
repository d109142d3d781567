//! Tables on a terminal of 80 columns.

/// Columns a line may have.
pub const WIDTH: usize = 80;

/// `text` in exactly `width` columns, cut with `…` if it is longer.
pub fn left(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:<width$}");
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// `text` at the right edge of `width` columns; a number is never cut.
pub fn right(text: &str, width: usize) -> String {
    format!("{text:>width$}")
}

/// `text` in lines of at most `width` columns, broken at spaces, or where it must be; at least one.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if !line.is_empty() && line.chars().count() + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        }
        while word.len() > width {
            lines.push(word.drain(..width).collect());
        }
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.extend(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `head`, and beside it columns of text with their widths, each in as many lines as it needs.
pub fn beside(head: &str, columns: &[(&str, usize)]) -> String {
    let columns: Vec<(Vec<String>, usize)> =
        columns.iter().map(|(text, width)| (wrapped(text, *width), *width)).collect();
    let height = columns.iter().map(|(lines, _)| lines.len()).max().unwrap_or(1);
    let empty = " ".repeat(head.chars().count());
    let mut out = String::new();
    for n in 0..height {
        let mut row = if n == 0 { head.to_owned() } else { empty.clone() };
        for (lines, width) in &columns {
            row.push(' ');
            row.push_str(&left(lines.get(n).map_or("", String::as_str), *width));
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// A line across.
pub fn rule() -> String {
    "─".repeat(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_column() {
        assert_eq!(left("ab", 4), "ab  ");
        assert_eq!(left("abcdef", 4), "abc…");
        assert_eq!(right("12", 4), "  12");
    }

    #[test]
    fn what_does_not_fit_its_column_goes_on_below() {
        assert_eq!(wrapped("refund of what was spent", 12), ["refund of", "what was", "spent"]);
        assert_eq!(wrapped("operator:masha", 9), ["operator:", "masha"]);
        assert_eq!((wrapped("", 4), wrapped("abcd", 4)), (vec![String::new()], vec!["abcd".to_owned()]));
        let rows = beside("12:00", &[("one two", 4), ("operator:masha", 9)]);
        assert_eq!(rows, "12:00 one  operator:\n      two  masha\n");
    }
}
