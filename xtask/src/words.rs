//! Words for a terminal of 80 columns.

pub const WIDTH: usize = 80;

/// What is quoted, such as a log's lines, is indented by so much and stays as it is.
pub const QUOTED: &str = "    ";

/// Lines of at most 80 columns, broken at spaces; what is broken off begins two columns further in than its line.
/// A longer word stays whole: it is a path or a key, to be copied.
pub fn folded(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(folded_line).collect();
    lines.join("\n")
}

fn folded_line(line: &str) -> String {
    if line.starts_with(QUOTED) || line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let words = line.trim_start_matches(' ');
    let margin = " ".repeat(line.len() - words.len());
    let (mut lines, mut current) = (Vec::new(), margin.clone());
    let mut begun = false;
    for word in words.split(' ') {
        if begun && current.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut current, format!("{margin}  ")));
            begun = false;
        }
        if begun {
            current.push(' ');
        }
        current.push_str(word);
        begun = true;
    }
    lines.push(current);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_quotes_are_not() {
        let long = "word ".repeat(30);
        let text = folded(&format!("  - {long}\n    {long}"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[..2].iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(lines[1].starts_with("    word"));
        assert_eq!(lines[2], format!("    {long}"));
        let path = format!("/{}", "x".repeat(90));
        assert_eq!(folded(&format!("cannot read {path}")), format!("cannot read\n  {path}"));
        assert_eq!(folded(&path), path);
    }
}
