//! Long words in pieces that Telegram takes. It counts UTF-16 units, of what a person sees.

use std::ops::Range;

/// Bot API: 1–4096 characters of a message.
pub const MESSAGE_UNITS_MAX: usize = 4096;

/// More than any emoji has; what has more is cut within.
const CHARACTER_PARTS_MAX: usize = 16;

pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Whether nothing of it is seen: white space, joiners and marks without a shape. Telegram takes no such message.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fffc}')
    })
}

/// Pieces of at most so many units, at least 2; without the white space between them, and without those that are
/// blank. Cut between paragraphs, else lines, else sentences, else words, whichever leaves a piece that is at least
/// half full; else anywhere but within what is seen as one character.
pub fn split(text: &str, units_max: usize) -> Vec<&str> {
    ranges(text, units_max, |_| false).into_iter().map(|range| &text[range]).collect()
}

/// Where the pieces are. `keeps_indent` says of a place whether white space that begins a line there belongs to it.
pub(super) fn ranges(
    text: &str,
    units_max: usize,
    keeps_indent: impl Fn(usize) -> bool,
) -> Vec<Range<usize>> {
    let end = text.trim_end().len();
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < end {
        let left = &text[at..end];
        let white = left.len() - left.trim_start().len();
        // Of code, up to the line that begins with it.
        let line = left[..white].rfind('\n').map_or(0, |last| last + 1);
        at += if keeps_indent(at + line) { line } else { white };
        let left = &text[at..end];
        let len = piece_len(left, units_max);
        let piece = left[..len].trim_end();
        if !is_blank(piece) {
            pieces.push(at..at + piece.len());
        }
        at += len;
    }
    pieces
}

/// The beginning of it, with an ellipsis where it does not fit.
pub fn cut(text: &str, units_max: usize) -> String {
    let text = text.trim();
    if units(text) <= units_max {
        return text.to_owned();
    }
    let fits = between_characters(text, prefix_len(text, units_max.saturating_sub(1)));
    format!("{}…", text[..fits].trim_end())
}

/// In bytes.
fn piece_len(text: &str, units_max: usize) -> usize {
    let fits = prefix_len(text, units_max);
    if fits == text.len() {
        return fits;
    }
    let head = &text[..fits];
    let after = |end: &str| head.rfind(end).map(|at| at + end.len());
    let sentence = [". ", "! ", "? ", "… "].into_iter().filter_map(after).max();
    let ends_here = text[fits..].starts_with(char::is_whitespace);
    let word = if ends_here { Some(fits) } else { head.rfind(char::is_whitespace) };
    let breaks = [after("\n\n"), after("\n"), sentence, word];
    breaks.into_iter().flatten().find(|at| *at * 2 >= fits).unwrap_or_else(|| between_characters(text, fits))
}

/// The last place up to `fits` that is not within what is seen as one character, as a flag or a family is.
fn between_characters(text: &str, fits: usize) -> usize {
    let mut at = fits;
    for _ in 0..CHARACTER_PARTS_MAX {
        let (Some(before), after) = (text[..at].chars().next_back(), text[at..].chars().next()) else {
            break;
        };
        let flag = |c: char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
        let flags = text[..at].chars().rev().take_while(|c| flag(*c)).count();
        let halved = flags % 2 == 1 && after.is_some_and(flag);
        if before != '\u{200d}' && !after.is_some_and(is_mark) && !halved {
            return at;
        }
        at -= before.len_utf8();
    }
    fits
}

/// Belongs to the character before it: joiners, accents, shapes and colours of emoji.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

/// The longest beginning of so many units; at least one character, so that there is an end.
fn prefix_len(text: &str, units_max: usize) -> usize {
    let (mut units, mut len) = (0, 0);
    for c in text.chars() {
        units += c.len_utf16();
        if units > units_max && len > 0 {
            break;
        }
        len += c.len_utf8();
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_whole_and_nothing_makes_no_message() {
        assert_eq!(split(" a b\n", 10), ["a b"]);
        assert_eq!(split("1234567890", 10), ["1234567890"]);
        assert_eq!(split(" \n\t", 10), Vec::<&str>::new());
        assert_eq!(split("ab \u{200b}\u{feff}\n", 2), ["ab"], "what nobody sees");
        assert_eq!(split("a\u{200d}b", 10), ["a\u{200d}b"]);
    }

    #[test]
    fn it_is_cut_where_a_reader_would_pause() {
        assert_eq!(split("one two.\n\nthree four", 12), ["one two.", "three four"]);
        assert_eq!(split("one two\nthree four", 12), ["one two", "three four"]);
        assert_eq!(split("It is. So it was", 10), ["It is.", "So it was"]);
        assert_eq!(split("one two three", 9), ["one two", "three"]);
        assert_eq!(split("a\n\nbcdefgh ijk", 10), ["a\n\nbcdefgh", "ijk"], "not a piece of one letter");
        assert_eq!(split("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(split("ab👨‍👩‍👧cd", 9), ["ab", "👨‍👩‍👧c", "d"], "a family stays together");
        assert_eq!(split("a🇷🇺🇩🇪", 8), ["a🇷🇺", "🇩🇪"]);
        assert_eq!(split("abe\u{301}f", 3), ["ab", "e\u{301}f"]);
    }

    #[test]
    fn nothing_that_is_seen_is_lost_and_no_piece_is_too_long_by_telegrams_count() {
        let text = "Жили-были 🦊🦊 и 👩‍👩‍👧. Они рисовали!\n\n".repeat(300) + &"я".repeat(9_000);
        for max in [2, 7, 60, MESSAGE_UNITS_MAX] {
            let pieces = split(&text, max);
            assert!(pieces.iter().all(|piece| !piece.is_empty() && units(piece) <= max), "{max}");
            let solid = |text: &str| {
                text.chars().filter(|c| !is_blank(c.encode_utf8(&mut [0; 4]))).collect::<String>()
            };
            assert_eq!(solid(&pieces.concat()), solid(&text), "{max}");
        }
        assert!(split(&text, MESSAGE_UNITS_MAX).len() <= 7, "pieces are full");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("a 🦊🦊", 5), "a 🦊…");
        assert_eq!(units(&cut(&"🦊".repeat(5_000), 4_096)), 4_095);
    }
}
