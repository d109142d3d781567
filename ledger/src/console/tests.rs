use std::collections::BTreeSet;
use std::path::Path;

use super::lang::{EN, RU, Texts};

fn names(ftl: &str) -> BTreeSet<String> {
    let lines = ftl.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    lines.filter_map(|line| line.split_once(" =")).map(|(name, _)| name.to_owned()).collect()
}

/// What stands in quotes in the pages, and what is put together there.
fn used() -> String {
    let (mut folders, mut code) =
        (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console")], String::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                code += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    code
}

#[test]
fn both_languages_say_the_same_things_and_all_of_them_somewhere() {
    Texts::read().unwrap();
    let (ru, en) = (names(RU), names(EN));
    assert_eq!(ru, en, "each text is in both languages");
    let code = used();
    let said = |name: &str| code.contains(&format!("\"{name}\""));
    let put_together = |name: &String| {
        let stem = name.strip_suffix("-more").unwrap_or(name);
        let of_acts = stem.strip_prefix("done-").is_some_and(|act| code.contains(&format!("done={act}")));
        // As in `format!("role-{role}")`.
        let from_parts =
            stem.match_indices('-').any(|(at, _)| code.contains(&format!("\"{}-{{", &stem[..at])));
        said(stem) || from_parts || of_acts
    };
    let unused: Vec<&String> = ru.iter().filter(|name| !said(name) && !put_together(name)).collect();
    assert!(unused.is_empty(), "nobody says {unused:?}");
}

#[test]
fn each_text_that_is_asked_for_is_there() {
    let (code, known) = (used(), names(RU));
    let mut asked = 0;
    for call in [".t(\"", ".with(\""] {
        for part in code.split(call).skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(known.contains(name), "there is no text {name}");
            asked += 1;
        }
    }
    assert!(asked > 30, "only {asked} texts were found");
}
