//! Markdown that breaks off: what its end has opened is closed, so that a text that grows looks as it will look.
//!
//! Only the last paragraph counts, for formatting ends with it; lines of code that were opened go on by themselves.
//! It is a guess for the eye: what is finished is not read by this.

/// The text, with closing marks where its last paragraph lacks them; without a mark at the very end that opens nothing
/// yet, and without the address of a link that is not there in full.
pub(super) fn mended(text: &str) -> String {
    let text = text.trim_end();
    let start = text.rfind("\n\n").map_or(0, |at| at + 2);
    if in_fence(text) {
        // A fence that is being closed is not yet a line of code.
        let line = text.rfind('\n').map_or(0, |at| at + 1);
        let closing = !text[line..].is_empty() && text[line..].chars().all(|c| matches!(c, '`' | '~'));
        return if closing && line > 0 && text[line..].len() < 3 {
            text[..line].to_owned()
        } else {
            text.to_owned()
        };
    }
    let tail = without_address(&text[start..]);
    let open = open_marks(&tail);
    let mut mended = format!("{}{tail}", &text[..start]);
    for mark in open.iter().rev() {
        mended.truncate(mended.trim_end().len());
        if mended.ends_with(mark.as_str()) {
            // Nothing stands behind it: it opens nothing yet.
            mended.truncate(mended.len() - mark.len());
        } else {
            mended.push_str(mark);
        }
    }
    mended
}

/// Whether its end is within fenced lines of code.
fn in_fence(text: &str) -> bool {
    let mut open: Option<(char, usize)> = None;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(mark) = line.chars().next().filter(|c| matches!(c, '`' | '~')) else { continue };
        let len = line.chars().take_while(|c| *c == mark).count();
        let rest = line[len..].trim();
        match open {
            None if len >= 3 && !(mark == '`' && rest.contains('`')) => open = Some((mark, len)),
            Some((same, at_least)) if mark == same && len >= at_least && rest.is_empty() => open = None,
            _ => {}
        }
    }
    open.is_some()
}

/// `[label](https://exa` → `label`.
fn without_address(tail: &str) -> String {
    let Some(open) = tail.rfind('[') else { return tail.to_owned() };
    let Some((label, address)) = tail[open + 1..].split_once("](") else { return tail.to_owned() };
    if address.contains([')', '\n', ' ']) || label.contains('\n') {
        return tail.to_owned();
    }
    let head = tail[..open].strip_suffix('!').unwrap_or(&tail[..open]);
    format!("{head}{label}")
}

/// The marks that are open at the end, outermost first. Underscores are not looked at: more often they stand in names.
fn open_marks(tail: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut rest = tail;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            let escaped = rest.chars().nth(1);
            before = escaped.unwrap_or(' ');
            rest = &rest[1 + escaped.map_or(0, char::len_utf8)..];
            continue;
        }
        if !matches!(c, '*' | '~' | '`') {
            before = c;
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let len = rest.chars().take_while(|mark| *mark == c).count();
        let (run, behind) = rest.split_at(len);
        let after = behind.chars().next().unwrap_or(' ');
        if c == '`' {
            // Code goes to the same number of backticks, and nothing in it counts.
            match closing(behind, len) {
                Some(end) => rest = &behind[end..],
                None => {
                    open.push(run.to_owned());
                    return open;
                }
            }
            before = '`';
            continue;
        }
        let marks = marks(c, len);
        let closed = marks.iter().filter_map(|mark| open.iter().position(|is| is == mark)).min();
        match closed {
            Some(at) if !before.is_whitespace() => open.truncate(at),
            None if !before.is_alphanumeric() && !after.is_whitespace() || behind.is_empty() => {
                open.extend(marks.iter().map(|mark| (*mark).to_owned()));
            }
            _ => {}
        }
        before = c;
        rest = behind;
    }
    open
}

/// Where code ends that so many backticks began, in bytes behind these.
fn closing(behind: &str, len: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = behind[at..].find('`') {
        let from = at + found;
        let run = behind[from..].chars().take_while(|c| *c == '`').count();
        at = from + run;
        if run == len {
            return Some(at);
        }
    }
    None
}

const fn marks(c: char, len: usize) -> &'static [&'static str] {
    match (c, len) {
        ('*', 1) => &["*"],
        ('*', 2) => &["**"],
        ('*', 3) => &["**", "*"],
        ('~', 2) => &["~~"],
        _ => &[],
    }
}
