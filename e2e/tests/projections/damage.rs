//! Rows changed, removed and added by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::crowd::Crowd;
use e2e::deeds::Deeds;
use e2e::{Role, judge};
use ledger::projections;
use ledger::verify::Kind;

use crate::hall::Hall;

const LINES: usize = 2;

/// A column of a table: its name, its type, whether it is of the key.
type Column = (String, String, bool);

fn columns(hall: &Hall, table: &str) -> Vec<Column> {
    hall.rows(&format!(
        "SELECT attname::text, format_type(atttypid, NULL), attnum = ANY(indkey::smallint[]) \
         FROM pg_attribute JOIN pg_index ON indrelid = attrelid AND indisprimary \
         WHERE attrelid = '{table}'::regclass AND attnum > 0 AND attgenerated = '' ORDER BY attnum"
    ))
}

/// Another value of this type: for a key one that nobody has.
fn other((column, of, key): &Column) -> String {
    match of.as_str() {
        "bigint" | "integer" | "smallint" if *key => format!("-1 - {column}"),
        "bigint" | "integer" | "smallint" => format!("coalesce({column}, 0) + 1"),
        "uuid" => "gen_random_uuid()".to_owned(),
        "date" => format!("coalesce({column}, date '2001-01-01') - 9999"),
        "boolean" => format!("{column} IS NOT TRUE"),
        _ => format!("coalesce({column}, '') || '~'"),
    }
}

/// Some row that people of today do not change: of the history's beginning. The trial balance is written
/// again with each posting; nobody pays in Stars today. What is open today is over soon; a history's accounts have
/// small numbers.
fn chosen(table: &str, key: &str, nth: usize) -> String {
    let quiet = match table {
        _ if table.contains("trial_balance") => "WHERE asset = 'XTR'",
        _ if table.ends_with("open") => "WHERE account_id::text LIKE '00000000-%'",
        _ => "",
    };
    format!("(SELECT ctid FROM {table} {quiet} ORDER BY {key} LIMIT 1 OFFSET {nth})")
}

/// Damages a table in as many ways as it can be: how often (only in the old one, only in the new one, differing).
fn damage(hall: &Hall, table: &str) -> (u64, u64, u64) {
    let columns = columns(hall, table);
    let keys: Vec<&Column> = columns.iter().filter(|(_, _, key)| *key).collect();
    let key = keys.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ");
    let list = |what: &dyn Fn(&Column) -> String| columns.iter().map(what).collect::<Vec<_>>().join(", ");
    let last = keys.last().expect("a key of more than the generated bucket");
    let copied = list(&|column| if column == *last { other(column) } else { column.0.clone() });
    let removed = hall.change(&format!("DELETE FROM {table} WHERE ctid = {}", chosen(table, &key, 2)));
    let changed = columns.iter().find(|(_, _, key)| !key).map_or(0, |column| {
        let (name, value) = (&column.0, other(column));
        hall.change(&format!("UPDATE {table} SET {name} = {value} WHERE ctid = {}", chosen(table, &key, 1)))
    });
    let added = hall.change(&format!(
        "INSERT INTO {table} ({}) SELECT {copied} FROM {table} WHERE ctid = {}",
        list(&|(name, ..)| name.clone()),
        chosen(table, &key, 0),
    ));
    (added, removed, changed)
}

/// (only in the old one, only in the new one, differing) of each table, as `ledger replay` says.
fn differences(answer: &serde_json::Value) -> BTreeMap<String, (u64, u64, u64)> {
    let all = answer["projections"].as_array().unwrap().iter();
    let tables = all.flat_map(|p| {
        let name = p["name"].as_str().unwrap();
        p["diff"]["tables"].as_array().unwrap_or_else(|| panic!("{name} was not compared: {p}"))
    });
    let n = |t: &serde_json::Value, what: &str| t[what].as_u64().unwrap();
    tables
        .map(|t| {
            (bare(t["table"].as_str().unwrap()), (n(t, "only_old"), n(t, "only_new"), n(t, "differing")))
        })
        .collect()
}

/// A table's name without its instance.
fn bare(table: &str) -> String {
    table.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[test]
fn damaged_rows_are_named_and_gone_after_the_swap_while_people_go_on() {
    let hall = Hall::open("damaged rows");
    let (deeds, nats) = (Deeds::new(&hall.stage), hall.stage.client("ledger"));
    let crowd = Crowd::start(&hall.stage, &deeds, LINES, 1);

    let (mut done, mut names) = (BTreeMap::new(), BTreeMap::new());
    for definition in projections::ALL {
        for table in definition.tables {
            let table = hall.live(definition.name).tables().table(table.suffix);
            let damaged = damage(&hall, &table);
            println!("{table:<34} added {}, removed {}, changed {}", damaged.0, damaged.1, damaged.2);
            let sum: &mut u64 = names.entry(definition.name).or_default();
            *sum += damaged.0 + damaged.1 + damaged.2;
            done.insert(bare(&table), damaged);
        }
    }
    assert!(names.values().all(|n| *n >= 2), "some projection was not damaged: {names:?}");

    // Named, and nothing kept.
    let (code, answer) = hall.json(&["replay", "--all", "--diff-only"]);
    assert_eq!(code, 1, "{answer}");
    assert_eq!(differences(&answer), done);
    for projection in answer["projections"].as_array().unwrap() {
        for table in projection["diff"]["tables"].as_array().unwrap() {
            let of = |what: &str| table[what].as_u64().unwrap();
            let named = u64::try_from(table["named"].as_array().unwrap().len()).unwrap();
            assert_eq!(named, of("only_old") + of("only_new") + of("differing"), "{table}");
        }
    }
    hall.assert_nothing_left();
    let (report, sum) = (hall.stage.verify(), names.values().sum::<u64>());
    assert_eq!(
        (report.projections, report.findings_count as u64),
        (projections::ALL.len(), sum),
        "{report:#?}"
    );
    assert!(report.findings.iter().all(|finding| finding.kind == Kind::Projection), "{report:#?}");
    assert_eq!((report.findings.len() as u64, report.findings_unnamed), (sum, 0), "each row is named");

    // Swapped in: gone, and the log says so.
    let (code, answer) = hall.json(&["replay", "--all", "--swap", "--yes"]);
    assert_eq!(code, 0, "{answer}");
    assert_eq!(differences(&answer), done);
    let (code, answer) = hall.json(&["replay", "--all", "--diff-only"]);
    assert_eq!(code, 0, "{answer}");
    for definition in projections::ALL {
        assert_eq!((hall.live(definition.name).instance, hall.swaps(definition.name)), (2, 1));
    }
    let swaps = || -> Vec<(String, String)> {
        let acts = hall.live("operators").tables().main();
        let of =
            format!("SELECT actor, subject FROM {acts} WHERE type = 'ProjectionSwapped' ORDER BY subject");
        hall.rows(&of)
    };
    // People go on, so the projection is never at the log's end for long.
    let said = hall
        .stage
        .until("each swap to be told", || Some(swaps()).filter(|said| said.len() >= projections::ALL.len()));
    let mut swapped = projections::ALL.map(|d| ("system".to_owned(), format!("{0}: {0}_1 to {0}_2", d.name)));
    swapped.sort();
    assert_eq!(said, swapped, "each once");

    // Back to what was kept, brought up to date; and forward again.
    let (code, answer) = hall.json(&["replay", "--all", "--back", "--yes"]);
    assert_eq!(code, 0, "{answer}");
    assert_eq!(hall.live("lots").instance, 1);
    let (code, answer) = hall.json(&["replay", "--all", "--diff-only"]);
    assert_eq!((code, differences(&answer)), (1, done));
    // Said twice it does not go forward again; that has a word of its own.
    let (code, refused) = hall.json(&["replay", "--all", "--back", "--yes"]);
    let error = refused["projections"][0]["error"].as_str().unwrap_or_default();
    assert!(code == 1 && error.contains("is newer: --forward reads it"), "{refused}");
    assert_eq!(hall.live("lots").instance, 1);
    let (code, said, _) = hall.run(&["replay", "lots", "--forward", "--yes"]);
    assert_eq!(
        (code, said.as_str()),
        (0, "lots           forward from lots_1 to lots_2, which is read now\n")
    );
    let (code, said, _) = hall.run(&["replay", "lots", "--forward", "--yes"]);
    assert!(code == 1 && said.contains("lots_2 is the newest"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let (_, answer) = hall.json(&["replay", "--all", "--forward", "--yes"]);
    assert_eq!(
        (&answer["projections"][0]["from"], hall.live("balances").instance),
        (&"balances_1".into(), 2)
    );

    std::thread::sleep(Duration::from_millis(200));
    let crossed = crowd.finish(&hall.stage);
    assert!(!crossed.whole.is_empty() && !crossed.opened.is_empty());
    println!("meanwhile {} people went the whole way", crossed.whole.len());
    assert_eq!(deeds.witness.not_done(), Vec::<String>::new());
    assert_eq!(
        hall.stage.metric(Role::Ledger, "ledger_busy_total").unwrap_or(0.0),
        0.0,
        "somebody was told: busy"
    );
    hall.assert_nothing_left();
    judge::assert_at_rest(&hall.stage, &nats);
    judge::assert_whole_ways(&hall.stage, &crossed.whole);
}
