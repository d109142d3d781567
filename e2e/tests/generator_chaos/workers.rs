//! Two workers that die at every named step, again and again, and also at any moment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use e2e::dice::Dice;
use e2e::{Role, Stage};

/// As the generators have it: calls that are made again after one in doubt.
pub const RETRIES_IN_DOUBT: usize = 1;
/// What both have besides: a bad key beside the good one, little patience, some work at once.
const HABITS: [(&str, &str); 4] = [
    ("GEMINI_API_KEYS", "invalid-key,sandbox-key"),
    ("GENERATOR_RETRIES_IN_DOUBT", "1"),
    ("GENERATOR_CALL_TIMEOUT_SECONDS", "3"),
    ("GENERATOR_CONCURRENCY", "4"),
];
const BOTH: [Role; 2] = [Role::Generator, Role::Painter];
/// A point is armed to kill when it is reached for the first to this time.
const NTH_MAX: u64 = 8;
/// One life of so many is not armed, so that some last long enough for a call to time out.
const QUIET: u32 = 3;
/// Of a hundred looks, so many find a worker that is killed at that very moment.
const OUTRIGHT: u64 = 1;

pub struct Workers {
    points: Vec<String>,
    lives: u32,
    armed: usize,
    log: PathBuf,
    dice: Dice,
    /// Killed at any moment.
    pub outright: u32,
}

impl Workers {
    pub fn start(stage: &mut Stage, dice: Dice) -> Self {
        let log = stage.dir().join("generator.crashes");
        let mut workers = Self { points: points(), lives: 0, armed: 0, log, dice, outright: 0 };
        for role in BOTH {
            workers.spawn(stage, role);
        }
        workers
    }

    /// Brings back whoever has died, armed with the next point.
    pub fn look_after(&mut self, stage: &mut Stage) {
        for role in BOTH {
            if !stage.is_running(role) {
                self.spawn(stage, role);
            } else if self.dice.below(100) < OUTRIGHT {
                stage.kill9(role);
                self.outright += 1;
            }
        }
    }

    fn spawn(&mut self, stage: &mut Stage, role: Role) {
        self.lives += 1;
        if self.lives.is_multiple_of(QUIET) {
            return stage.spawn(role, &HABITS).unwrap();
        }
        let point = &self.points[self.armed % self.points.len()];
        self.armed += 1;
        let at = format!("{point}:{}", 1 + self.dice.below(NTH_MAX));
        let log = self.log.display().to_string();
        let arming = [("CRASH_AT", at.as_str()), ("CRASH_LOG", log.as_str())];
        stage.spawn(role, &[&HABITS[..], &arming].concat()).unwrap();
    }

    /// Every point has killed.
    pub fn all_have_died(&self) -> bool {
        self.deaths().len() == self.points.len()
    }

    /// How often each point has killed.
    pub fn deaths(&self) -> BTreeMap<String, u32> {
        let mut deaths = BTreeMap::new();
        for point in std::fs::read_to_string(&self.log).unwrap_or_default().lines() {
            *deaths.entry(point.to_owned()).or_default() += 1;
        }
        deaths
    }

    /// From here on nobody dies.
    pub fn rest(&mut self, stage: &mut Stage) {
        for role in BOTH {
            self.outright += u32::from(stage.is_running(role));
            stage.kill9(role);
            stage.start(role, &HABITS).unwrap();
        }
    }
}

/// The generator's crash points, from its source: a new one is tested as soon as it is there.
fn points() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![xtask::machine::paths::root().join("generator/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let named = text.split("fail_point!(\"").skip(1);
                found.extend(named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.len() >= 4, "the generator's points are not where they were: {found:?}");
    found
}
