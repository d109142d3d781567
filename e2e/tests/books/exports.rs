//! Exports, read back by other programs.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ledger::books::trial_balance;
use ledger::books::words::plain_amount;
use ledger_domain::Asset;

use crate::office::{Office, sums};

/// Runs a program to its end; what it printed.
fn output(program: &mut Command) -> String {
    let output = program.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{program:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

fn python(script: &str, args: &[&str]) -> String {
    output(Command::new("python3").arg("-c").arg(script).args(args))
}

fn export(office: &Office, name: &str, args: &[&str]) -> PathBuf {
    let file = office.stage.dir().join(name);
    let path = file.display().to_string();
    let (code, said) = office.run(&[&["export"], args, &["-o", &path, "--json"]].concat());
    assert_eq!(code, 0, "{args:?}: {said}");
    let said: serde_json::Value = serde_json::from_str(&said).expect("one object");
    assert_eq!(said["bytes"], std::fs::metadata(&file).unwrap().len(), "{args:?}: {said}");
    file
}

/// (commodity, account) → balance, as hledger prints it, nothings left out.
fn balances(journal: &std::path::Path) -> BTreeMap<(String, String), String> {
    let hledger = xtask::machine::install::hledger::find_or_install().expect("hledger is had");
    output(Command::new(&hledger).args(["check", "--strict", "-f"]).arg(journal));
    let text =
        output(Command::new(&hledger).args(["balance", "--flat", "-N", "-O", "csv", "-f"]).arg(journal));
    let mut found = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (account, amounts) = line.trim_matches('"').split_once("\",\"").expect("two cells");
        for amount in amounts.split(", ") {
            if let Some((n, commodity)) = amount.split_once(' ') {
                found.insert((commodity.to_owned(), account.to_owned()), n.to_owned());
            }
        }
    }
    found
}

#[test]
fn hledger_takes_the_journal_and_comes_to_the_same_balances() {
    let mut office = Office::open("hledger", 8, 4_000, 2);
    let from = office.positions(1)[0].max(2).to_string();
    for (name, range) in
        [("whole", vec![]), ("part", vec!["--from", from.as_str()]), ("early", vec!["--to", "1500"])]
    {
        let journal =
            export(&office, &format!("{name}.journal"), &[&["--hledger"], range.as_slice()].concat());
        let through = if name == "early" { 1_500 } else { office.head() };
        let books =
            office.stage.rt.block_on(trial_balance::trial_balance(&office.stage.pool, through)).unwrap();
        let wanted: BTreeMap<(String, String), String> = books
            .lines()
            .filter(|l| l.balance() != 0)
            .map(|l| ((l.asset.code().to_owned(), l.account.to_owned()), plain_amount(l.balance(), l.asset)))
            .collect();
        assert_eq!(balances(&journal), wanted, "{name} {range:?}");
        println!("{name}: hledger agrees on {} balances", wanted.len());
    }
}

const READ_SHEET: &str = r#"
import sys, zipfile, xml.etree.ElementTree as ET
ns = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
book = zipfile.ZipFile(sys.argv[1])
assert book.testzip() is None
strings = []
if "xl/sharedStrings.xml" in book.namelist():
    strings = ["".join(t.text or "" for t in si.iter("{%s}t" % ns["m"]))
               for si in ET.fromstring(book.read("xl/sharedStrings.xml")).findall("m:si", ns)]
names = [s.get("name") for s in ET.fromstring(book.read("xl/workbook.xml")).find("m:sheets", ns)]
for number, name in enumerate(names, 1):
    sheet = ET.fromstring(book.read("xl/worksheets/sheet%d.xml" % number))
    frozen = sheet.find(".//m:pane[@state='frozen']", ns) is not None
    print("sheet", name, "frozen" if frozen else "loose", sep="\t")
    for row in sheet.find("m:sheetData", ns):
        cells = []
        for cell in row:
            kind, value, inline = cell.get("t"), cell.find("m:v", ns), cell.find("m:is", ns)
            if kind == "s": text = "s:" + strings[int(value.text)]
            elif inline is not None: text = "s:" + "".join(t.text or "" for t in inline.iter("{%s}t" % ns["m"]))
            else: text = "n:" + ("" if value is None else value.text)
            cells.append(cell.get("r").rstrip("0123456789") + "=" + text)
        print("\t".join(cells))
"#;

#[test]
fn a_workbook_is_read_by_others_with_typed_cells_and_the_same_sums() {
    let office = Office::open("xlsx", 8, 3_000, 2);
    let file = export(&office, "books.xlsx", &["--xlsx"]);
    let text = python(READ_SHEET, &[&file.display().to_string()]);
    let mut sheets: BTreeMap<&str, Vec<BTreeMap<&str, &str>>> = BTreeMap::new();
    let mut sheet = "";
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("sheet\t") {
            let (name, frozen) = head.split_once('\t').unwrap();
            assert!(name == "About" || frozen == "frozen", "{name} scrolls away");
            sheet = name;
        } else {
            sheets
                .entry(sheet)
                .or_default()
                .push(line.split('\t').filter_map(|c| c.split_once('=')).collect());
        }
    }
    assert_eq!(sheets.keys().copied().collect::<Vec<_>>(), ["About", "Postings", "Revenue", "Trial balance"]);
    let mut found: BTreeMap<(&str, &str), (f64, f64)> = BTreeMap::new();
    for row in &sheets["Postings"][1..] {
        let text = |column: &str| row[column].strip_prefix("s:").expect("a text");
        let number = |column: &str| {
            row.get(column).map_or(0.0, |c| c.strip_prefix("n:").expect("a number").parse().unwrap())
        };
        let sums = found.entry((text("F"), text("E"))).or_default();
        *sums = (sums.0 + number("G"), sums.1 + number("H"));
        assert!(number("A") > 0.0 && number("B") > 46_000.0, "position and time are numbers: {row:?}");
    }
    let wanted = sums(&office.history.rows, office.head());
    for ((asset, account), (debit, credit)) in &wanted {
        let scale = if *asset == Asset::Rub { 100.0 } else { 1.0 };
        let (d, c) = found.remove(&(asset.code(), account.as_str())).expect("the account has lines");
        assert_eq!(((d * scale).round() as i64, (c * scale).round() as i64), (*debit, *credit), "{account}");
    }
    assert!(found.is_empty());
}

const READ_CSV: &str = r#"
import csv, sys
from decimal import Decimal
sums = {}
for row in csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")):
    d, c = sums.setdefault((row["asset"], row["book"]), [Decimal(0), Decimal(0)])
    sums[(row["asset"], row["book"])] = [d + Decimal(row["debit"] or 0), c + Decimal(row["credit"] or 0)]
for (asset, book), (d, c) in sorted(sums.items()): print(asset, book, d - c, sep=",")
"#;

#[test]
fn csv_is_read_by_others_and_a_broken_export_leaves_the_old_file() {
    let office = Office::open("csv", 8, 2_000, 2);
    let postings = export(&office, "postings.csv", &["--csv"]);
    let sums_of = |file: &std::path::Path| python(READ_CSV, &[&file.display().to_string()]);
    let balance = export(&office, "balance.csv", &["--csv", "--what", "trial-balance"]);
    assert_eq!(sums_of(&postings), sums_of(&balance));
    assert!(sums_of(&balance).lines().count() > 10);
    let rows = |file: &std::path::Path| std::fs::read_to_string(file).unwrap().matches("\r\n").count();
    let events =
        export(&office, "events.csv", &["--csv", "--what", "events", "--from", "11", "--to", "60", "--bom"]);
    assert_eq!(rows(&events), 51);
    assert!(std::fs::read_to_string(&events).unwrap().starts_with("\u{feff}position,time,"));
    let account = office.history.accounts()[0].to_string();
    for what in [&["revenue"][..], &["statement", "--account", &account]] {
        assert!(rows(&export(&office, "other.csv", &[&["--csv", "--what"], what].concat())) > 2, "{what:?}");
    }
    // A log that breaks off in the middle: exit 2, the old file whole, nothing left beside it.
    let before = std::fs::read(&postings).unwrap();
    office.stage.rt.block_on(async {
        for sql in ["ALTER TABLE events DISABLE TRIGGER ALL", "DELETE FROM events WHERE position = 1000"] {
            sqlx::query(sql).execute(&office.stage.pool).await.unwrap();
        }
    });
    let path = postings.display().to_string();
    let (code, said) = office.run(&["export", "--csv", "-o", &path]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("1000 is missing"), "{said}");
    assert_eq!(std::fs::read(&postings).unwrap(), before);
    let left = std::fs::read_dir(office.stage.dir()).unwrap().flatten();
    let left: Vec<_> =
        left.map(|e| e.file_name().into_string().unwrap()).filter(|n| n.contains(".csv.")).collect();
    assert!(left.is_empty(), "{left:?}");
    std::io::stdout().flush().unwrap();
}
