//! A stage whose log begins with a random history of the whole domain, and what operators ask of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use e2e::dice::Dice;
use e2e::history::{self, History};
use e2e::{Role, Stage};
use ledger::projections::{self, Instance, State};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use xtask::machine::{Plan, Process};

/// Enough to have rows in every table.
const EVENTS: usize = 3_000;
const PEOPLE: usize = 40;

pub struct Hall {
    pub stage: Stage,
    pub history: History,
}

impl Hall {
    /// The ledger runs, and every projection is at the log's end.
    pub fn open(what: &str) -> Self {
        let mut hall = Self::closed(what);
        hall.stage.start(Role::Ledger, &[]).unwrap();
        e2e::judge::wait_for_projections(&hall.stage);
        hall
    }

    /// Nothing runs yet.
    pub fn closed(what: &str) -> Self {
        let stage = Stage::new().unwrap();
        let history = History::new(Dice::new(what), PEOPLE, EVENTS);
        stage.rt.block_on(history::append(&stage.pool, &history.rows)).unwrap();
        let hall = Self { stage, history };
        // A history's bonuses are in it.
        hall.change("UPDATE follow_ups SET position = (SELECT position FROM log_head)");
        hall
    }

    pub fn instances(&self) -> Vec<Instance> {
        self.stage.rt.block_on(projections::instances(&self.stage.pool)).unwrap()
    }

    pub fn find(&self, name: &str, state: State) -> Option<Instance> {
        self.instances().into_iter().find(|i| i.name == name && i.state == state)
    }

    pub fn live(&self, name: &str) -> Instance {
        self.find(name, State::Live).expect("it is live")
    }

    /// Everything that is neither read nor kept is gone: rows of the registry, and tables.
    pub fn assert_nothing_left(&self) {
        let instances = self.instances();
        let beside = instances.iter().filter(|i| [State::Building, State::Ready].contains(&i.state));
        assert_eq!(beside.map(|i| i.tables().name().to_owned()).collect::<Vec<_>>(), Vec::<String>::new());
        let wanted: BTreeSet<String> = instances
            .iter()
            .flat_map(|i| {
                let definition = projections::find(&i.name).unwrap();
                definition.tables.iter().map(|t| i.tables().table(t.suffix)).collect::<Vec<_>>()
            })
            .collect();
        let found: Vec<(String,)> = self
            .rows("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = 'projections'");
        assert_eq!(found.into_iter().map(|(name,)| name).collect::<BTreeSet<_>>(), wanted);
    }

    pub fn rows<T>(&self, sql: &str) -> Vec<T>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let asked = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&self.stage.pool);
        self.stage.rt.block_on(asked).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// As superuser; how many rows it changed.
    pub fn change(&self, sql: &str) -> u64 {
        let done = sqlx::query(AssertSqlSafe(sql)).execute(&self.stage.pool);
        self.stage.rt.block_on(done).unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    /// Runs `ledger …`; its exit code, what it said, and what it said on stderr.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        said(&self.stage.ledger_command(args).unwrap())
    }

    /// Runs `ledger … --json`; its exit code and the object.
    pub fn json(&self, args: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.run(&[args, &["--json"]].concat());
        let object = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out} {err}"));
        (code, object)
    }

    /// Starts `ledger …` beside the test, with more in its environment.
    pub fn start(&self, args: &[&str], extra: &[(&str, &str)]) -> Beside {
        let log = self.stage.dir().join(format!("{}.log", args.join("-")));
        let mut command = self.stage.ledger_command_plan(args).unwrap();
        command.envs(extra.iter().copied()).stdout(Stdio::null());
        let of = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
            Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned()))
        };
        let plan = Plan::new("replay", command.get_program(), log.clone())
            .args(args.iter().copied())
            .envs(command.get_envs().filter_map(of));
        Beside { process: Process::start(plan).unwrap(), log }
    }

    /// How often the log says that this projection was exchanged.
    pub fn swaps(&self, name: &str) -> usize {
        let log = self.stage.rt.block_on(Stage::log(&self.stage.pool));
        let swapped = log.iter().filter(|row| row.event_type == "ProjectionSwapped");
        swapped.filter(|row| row.payload.contains(&format!("\"projection\":\"{name}\""))).count()
    }
}

/// A command that runs while the test goes on.
pub struct Beside {
    pub process: Process,
    log: PathBuf,
}

impl Beside {
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for its end; its exit code and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let status = self.process.wait(e2e::stage::PATIENCE).expect("it ends");
        (status.code(), self.said())
    }
}

pub fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}
