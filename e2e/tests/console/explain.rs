//! No page scans: every statement that the console sends is explained by Postgres itself while pages are walked, and judged
//! by its plan and by the rows it read.
//!
//! A plan may read a table that grows by an index whose first column is bounded, and not more than [`ROWS_MAX`] rows of it;
//! the log here is several times as long.

use std::collections::{BTreeMap, BTreeSet};

use e2e::bulk::{Size, write};
use e2e::dice::Dice;
use e2e::pages::{self, Facts};
use e2e::{Role, Stage};
use ledger::console::Need;
use ledger::store;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use xtask::machine::Postgres;

use crate::desk::{PASSWORD, Seat};
use crate::full::fills;

const SIZE: Size = Size { events: 60_000, accounts: 600 };
/// What one statement may read: a stretch of the log (`STRETCH` of the log's page).
const ROWS_MAX: f64 = 20_000.0;
/// Rows of each table of operations, as years make them.
const FULL: i32 = 5_000;
/// An index may be read from one end without a bound as far as a page goes.
const FROM_AN_END_MAX: f64 = 500.0;
/// How often each example is asked, each time with other facts.
const ROUNDS: usize = 3;
/// Few rows, however long the log: one each for a projection, a consumer, somebody who signs in, a text of the bot's and the picture
/// above it, a quarantine that a person has decided, what is open with a provider. All others are [`FULL`].
const SMALL: [&str; 14] = [
    "builtin_texts",
    "contents",
    "text_pictures",
    "catalog_draft",
    "projection_instances",
    "projection_works",
    "log_head",
    "staff",
    "staff_totp",
    "consumers",
    "_sqlx_migrations",
    "payments_1_resolved",
    "open_payments",
    "open_refunds",
];

/// A stage on a Postgres that explains what it does.
fn open() -> Stage {
    let settings = [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("max_connections", "200"),
        ("log_line_prefix", "%a|"),
    ];
    let mut stage = Stage::on(Postgres::start_temporary_with(&settings).unwrap()).unwrap();
    stage.rt.block_on(write::write(&stage.database_url(), SIZE, |_| ())).unwrap();
    for (name, value) in [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
        ("auto_explain.log_format", "json"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
    ] {
        let sql = format!("ALTER DATABASE {} SET {name} = '{value}'", stage.database());
        stage.sql(sqlx::query(AssertSqlSafe(sql)).execute(&stage.pool));
    }
    stage.start(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)]).unwrap();
    stage.until("the projections and the first administrator", || {
        let sql = "SELECT (SELECT count(*) FROM staff) = 1 AND (SELECT count(*) FROM projection_instances) > 0 AND \
             (SELECT min(position) FROM projection_instances WHERE state = 'live') >= $1";
        let there = sqlx::query_scalar(sql).bind(SIZE.events as i64).fetch_one(&stage.pool);
        stage.sql::<bool>(there).then_some(())
    });
    fills(&stage, FULL);
    stage
}

/// What Postgres has explained so far.
struct Explained<'a> {
    stage: &'a Stage,
    read: usize,
    /// Of each index its first column, as in conditions.
    leading: BTreeMap<String, String>,
}

impl<'a> Explained<'a> {
    fn new(stage: &'a Stage) -> Self {
        let sql = "SELECT c.relname::text, pg_get_indexdef(i.indexrelid, 1, false) FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indexrelid";
        let rows: Vec<(String, String)> = stage.sql(sqlx::query_as(sql).fetch_all(&stage.pool));
        let leading = rows.into_iter().map(|(index, first)| (index, bare(&first))).collect();
        let mut explained = Self { stage, read: 0, leading };
        explained.take();
        explained
    }

    /// The plans of the console's statements since it was asked last.
    fn take(&mut self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.stage.postgres.log()).unwrap();
        let new = log.get(self.read..).unwrap_or_default();
        self.read = log.len();
        // What goes on from the line before begins with a tab.
        let entries = new.replace("\n\t", "\t");
        let begin = format!("{}|LOG:  duration:", store::PAGES_NAME);
        let entries = entries.lines().filter(|entry| entry.starts_with(&begin));
        let plans = entries.filter_map(|entry| entry.split_once("plan:")).map(|(_, plan)| plan);
        plans.map(|plan| serde_json::from_str(plan).unwrap_or_else(|e| panic!("{e}: {plan}"))).collect()
    }

    /// What is wrong with a statement.
    fn faults(&self, explained: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.judge((&explained["Plan"], None, false), &mut found);
        found
    }

    /// A node of the plan, the table that it is about if it does not say that itself, and whether there is a LIMIT above it.
    fn judge(&self, (node, relation, is_limited): (&Value, Option<&str>, bool), found: &mut Vec<String>) {
        let kind = node["Node Type"].as_str().unwrap_or_default();
        // What a bitmap is made of does not say its table.
        let relation = node["Relation Name"].as_str().or(relation);
        if let Some(relation) = relation.filter(|relation| !SMALL.contains(relation)) {
            let rows = rows_read(node);
            if kind.contains("Seq Scan") {
                found.push(format!("{relation} is read from end to end"));
            }
            if rows > ROWS_MAX {
                found.push(format!("{rows} rows of {relation} are read"));
            }
            if let Some(index) = node["Index Name"].as_str() {
                let condition = bare(node["Index Cond"].as_str().unwrap_or_default());
                let first = self.leading.get(index).map(String::as_str).unwrap_or("nothing");
                let bounded = condition.contains(first) && condition != format!("{first}ISNOTNULL");
                if !(bounded || is_limited && rows <= FROM_AN_END_MAX) {
                    found.push(format!("all of {index} of {relation} is read: {condition:?}"));
                }
            }
        }
        let is_limited = is_limited || kind == "Limit";
        for below in node["Plans"].as_array().into_iter().flatten() {
            let relation = relation.filter(|_| kind.starts_with("Bitmap"));
            self.judge((below, relation, is_limited), found);
        }
    }
}

/// Without what Postgres adds for itself.
fn bare(sql: &str) -> String {
    sql.chars().filter(|c| !" ()\"".contains(*c)).collect()
}

/// Those that a scan gave on and those that it threw away.
fn rows_read(node: &Value) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let thrown = ["Rows Removed by Filter", "Rows Removed by Index Recheck"].map(number);
    (number("Actual Rows") + thrown.iter().sum::<f64>()) * number("Actual Loops")
}

#[test]
fn no_statement_of_a_page_scans_the_log() {
    let stage = open();
    let mut dice = Dice::new("pages to be explained");
    let payments = stage.client("payments");
    let facts = stage.rt.block_on(Facts::prepare(&stage.pool, &payments, &mut dice, 200)).unwrap();
    let in_runtime = stage.rt.enter();
    let pages = pages::all(&stage.pool, &stage.client("ledger")).unwrap();
    drop(in_runtime);
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let nobody = Seat::new(&stage);
    stage.until("proofs of the whole log", || {
        let answer = admin.gets(&format!("/log/{}/proof", SIZE.events));
        answer.status.is_success().then_some(())
    });
    let mut explained = Explained::new(&stage);
    let (mut judged, mut different, mut silent, mut bad) = (0, BTreeSet::new(), Vec::new(), BTreeMap::new());
    for page in &pages {
        let mut of_page = 0;
        for asked in page.asked.iter().flat_map(|asked| [asked; ROUNDS]) {
            let address = facts.fill(asked, &mut dice).unwrap();
            let seat = if page.need == Need::Nothing { &nobody } else { &admin };
            let answer = seat.gets(&address);
            assert!(
                answer.status.is_success() || answer.status.is_redirection(),
                "{address}: {}: what can be asked of it belongs in pages.rs",
                answer.status
            );
            for statement in explained.take() {
                of_page += 1;
                let text = statement["Query Text"].as_str().unwrap_or_default().to_owned();
                let faults = explained.faults(&statement);
                if !faults.is_empty() {
                    bad.entry(text.clone())
                        .or_insert_with(|| format!("{address}: {faults:?}\n{}", statement["Plan"]));
                }
                different.insert(text);
            }
        }
        judged += of_page;
        if of_page == 0 && page.need != Need::Nothing {
            silent.push(&page.path);
        }
    }
    println!("{judged} statements judged, {} different ones, of {} pages", different.len(), pages.len());
    assert!(silent.is_empty(), "nothing was heard of what these ask, not even who is signed in: {silent:?}");
    assert!(bad.is_empty(), "{} statements scan: {bad:#?}", bad.len());
    assert!(different.len() >= 20, "only {} different statements were heard", different.len());
    finds_what_is_planted(&stage, &mut explained);
}

/// The control: statements that do scan, over a connection like those of the pages.
fn finds_what_is_planted(stage: &Stage, explained: &mut Explained<'_>) {
    let pages = stage.rt.block_on(store::connect_pages(&stage.database_url(), 1)).unwrap();
    for (planted, wanted) in [
        ("SELECT count(*) FROM events WHERE type = 'CreditsGranted'", "events"),
        ("SELECT max(position) FROM events WHERE account_id = gen_random_uuid()", "events"),
        ("SELECT position FROM events WHERE position > 0 AND type = 'Nothing'", "rows of events are read"),
        ("SELECT type FROM events ORDER BY position DESC LIMIT 1000", "all of events_pkey of events is read"),
        ("SELECT count(*) FROM natural_keys", "natural_keys"),
    ] {
        stage.sql(sqlx::query(planted).fetch_all(&pages));
        let heard = explained.take();
        let found: Vec<_> = heard.iter().flat_map(|statement| explained.faults(statement)).collect();
        assert!(found.iter().any(|fault| fault.contains(wanted)), "{planted}: {found:?} in {heard:?}");
    }
    let looked_up = "SELECT type FROM events WHERE position >= 5 ORDER BY position LIMIT 10";
    stage.sql(sqlx::query(looked_up).fetch_all(&pages));
    let heard = explained.take();
    assert!(
        !heard.is_empty() && heard.iter().all(|statement| explained.faults(statement).is_empty()),
        "{heard:?}"
    );
}
