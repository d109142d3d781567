//! Every command that the bot has is in a transcript that was looked at, in both languages.

use std::collections::BTreeSet;
use std::path::Path;

/// The names in the bot's table of commands, as it stands in its source.
fn commands() -> BTreeSet<String> {
    let table = include_str!("../../../telegram-adapter/src/talk/command.rs");
    let table = table.split("match (name.").nth(1).and_then(|rest| rest.split("_ => Self::Unknown").next());
    let mut names = BTreeSet::new();
    for row in table.unwrap().lines().map(str::trim).filter(|row| row.starts_with("(\"")) {
        let (row, _) = row.split_once(',').unwrap();
        names.extend(row.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    names
}

/// What people write in the transcripts of a language, line by line.
fn written(lang: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bot/transcripts");
    let mut lines = Vec::new();
    for file in std::fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().ends_with(&format!(".{lang}.txt")) {
            let page = std::fs::read_to_string(path).unwrap();
            lines.extend(page.lines().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned));
        }
    }
    lines
}

#[test]
fn every_command_is_in_a_transcript_in_both_languages() {
    let all = commands();
    assert!(
        all.len() >= 25 && all.contains("start") && all.contains("buy"),
        "the table was not read: {all:?}"
    );
    for lang in ["ru", "en"] {
        let lines = written(lang);
        let names: BTreeSet<_> =
            lines.iter().filter_map(|line| line.strip_prefix('/')?.split_whitespace().next()).collect();
        let missing: Vec<_> = all.iter().filter(|name| !names.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "no transcript in {lang} has {missing:?}");
        let holds = |what: &str, line: &dyn Fn(&str) -> bool| {
            assert!(lines.iter().any(|one| line(one)), "no transcript in {lang} has {what}");
        };
        holds("a start by a friend's link", &|line| line.starts_with("/start <account>"));
        holds("a prompt behind its command", &|line| line.starts_with("/prompt "));
        holds("a command that there is not", &|line| {
            line.strip_prefix('/')
                .is_some_and(|name| !all.contains(name.split(' ').next().unwrap_or_default()))
        });
        holds("words that are no command", &|line| !line.starts_with(['/', '(', '🖼']));
        for command in ["grant", "ban", "unban", "message", "user"] {
            holds(&format!("/{command} of somebody"), &|line| line.starts_with(&format!("/{command} 7")));
        }
    }
}
