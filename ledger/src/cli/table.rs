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
}
