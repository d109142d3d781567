//! Long words in pieces that Telegram takes. It counts UTF-16 units, of what a person sees.

/// Bot API: 1–4096 characters of a message.
pub const MESSAGE_UNITS_MAX: usize = 4096;

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
/// half full; else anywhere.
pub fn split(text: &str, units_max: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut left = text.trim();
    while !left.is_empty() {
        let (piece, rest) = left.split_at(piece_len(left, units_max));
        pieces.push(piece.trim_end());
        left = rest.trim_start();
    }
    pieces.retain(|piece| !is_blank(piece));
    pieces
}

/// The beginning of it, with an ellipsis where it does not fit.
pub fn cut(text: &str, units_max: usize) -> String {
    let text = text.trim();
    if units(text) <= units_max {
        return text.to_owned();
    }
    let fits = prefix_len(text, units_max.saturating_sub(1));
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
    breaks.into_iter().flatten().find(|at| *at * 2 >= fits).unwrap_or(fits)
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
