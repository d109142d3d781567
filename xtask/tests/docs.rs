//! What README.md, ARCHITECTURE.md and the decision records name is there: files, functions, commands.

use std::path::Path;
use std::process::Command;

use xtask::machine::paths;

/// Forges and mail show larger ones badly.
const PICTURE_BYTES_MAX: u64 = 300_000;

/// Places of the data folder, not of the checkout.
const IN_THE_DATA_FOLDER: [&str; 2] = ["logs/", "keys/"];

/// Each page with its text.
fn pages() -> Vec<(String, String)> {
    let root = paths::root();
    let mut names = vec!["README.md".to_owned(), "ARCHITECTURE.md".to_owned()];
    for entry in std::fs::read_dir(root.join("docs/adr")).unwrap() {
        names.push(format!("docs/adr/{}", entry.unwrap().file_name().into_string().unwrap()));
    }
    names.into_iter().map(|name| (name.clone(), std::fs::read_to_string(root.join(&name)).unwrap())).collect()
}

/// What stands between two marks, on one line.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let parts = text.split(open).skip(1);
    parts.filter_map(|part| part.split_once(close)).map(|(inside, _)| inside).collect()
}

/// Everything in backticks outside of code blocks.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let ours = !IN_THE_DATA_FOLDER.iter().any(|folder| word.starts_with(folder));
    word.contains('/') && !word.starts_with('/') && word.chars().all(plain) && ours
}

#[test]
fn every_file_that_is_named_is_there() {
    let root = paths::root();
    let mut missing = Vec::new();
    for (page, text) in pages() {
        let mut check = |base: &Path, path: &str| {
            if !base.join(path).exists() {
                missing.push(format!("{page}: {path}"));
            }
        };
        quoted(&text).into_iter().filter(|word| is_path(word)).for_each(|path| check(&root, path));
        let folder = root.join(&page);
        let folder = folder.parent().unwrap();
        let links = between(&text, "](", ")").into_iter().chain(between(&text, "src=\"", "\""));
        links.filter(|link| !link.contains("://")).for_each(|link| check(folder, link));
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// ARCHITECTURE.md names a function as `name` (`file`).
#[test]
fn every_function_that_is_named_is_in_its_file() {
    let text = std::fs::read_to_string(paths::root().join("ARCHITECTURE.md")).unwrap();
    // A line may be broken between the two.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut named = 0;
    for (before, after) in
        text.match_indices("` (`").map(|(at, mark)| (&text[..at], &text[at + mark.len()..]))
    {
        let function = before.rsplit('`').next().unwrap();
        let file = after.split('`').next().unwrap();
        if !file.ends_with(".rs") || !function.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            continue;
        }
        named += 1;
        let code = std::fs::read_to_string(paths::root().join(file)).unwrap_or_default();
        let is_there =
            [format!("fn {function}("), format!("fn {function}<")].iter().any(|fun| code.contains(fun));
        assert!(is_there, "{file} has no function {function}");
    }
    assert!(named > 20, "only {named} functions were found: is the page written otherwise now?");
}

/// The ledger's command line has a file or a folder a command, and a field an option.
fn of_the_ledger(command: &str, option: &str) -> bool {
    let name = command.split_whitespace().nth(1).unwrap_or_default().replace('-', "_");
    let (cli, field) =
        (paths::root().join("ledger/src/cli"), option.trim_start_matches('-').replace('-', "_"));
    let folder = std::fs::read_dir(cli.join(&name)).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = folder.chain([cli.join(format!("{name}.rs"))]);
    files
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .any(|text| text.contains(&format!(" {field}: ")))
}

#[test]
fn every_command_that_is_named_is_one() {
    let mut seen = 0;
    for (page, text) in pages() {
        let commands = text.split("cargo xtask ").skip(1);
        for command in commands.map(|rest| rest.split(['`', '\n', '#', '|']).next().unwrap()) {
            let mut words = command.split_whitespace();
            let Some(task) = words.next() else { continue };
            let options: Vec<&str> = words.filter(|word| word.starts_with("--")).collect();
            let help = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["help", task]).output().unwrap();
            assert!(help.status.success(), "{page}: there is no `cargo xtask {task}`");
            let help = String::from_utf8(help.stdout).unwrap();
            for option in options {
                let known =
                    if task == "ledger" { of_the_ledger(command, option) } else { help.contains(option) };
                assert!(known, "{page}: `cargo xtask {command}` has no {option}");
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} commands were found");
}

#[test]
fn pictures_are_small() {
    for entry in std::fs::read_dir(paths::root().join("docs/pictures")).unwrap() {
        let entry = entry.unwrap();
        assert!(entry.metadata().unwrap().len() < PICTURE_BYTES_MAX, "{:?} is too large", entry.file_name());
    }
}
