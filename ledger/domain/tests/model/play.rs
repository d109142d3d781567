//! One life, played against the core and the model at once; and the shortest one that fails alike.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ledger_domain::Account;
use proto_events::{AccountId, Event};

use crate::audit::{Audit, Wrong, replay};
use crate::desk::{Answer, Desk, Sent};
use crate::dice::Dice;
use crate::opinion::{self, Opinion};
use crate::steps::{Step, life, play};
use crate::tally::Tally;

/// Commands of one life: at least this many, more in some.
pub const STEPS_MIN: usize = 130;
/// Long enough that what is over is forgotten.
const STEPS_LONG: usize = 1_500;

/// A life that went wrong.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub steps: Vec<Step>,
    pub wrong: Wrong,
    /// What was sent and answered, to the last.
    pub story: Vec<String>,
}

struct Life {
    desk: Desk,
    opinion: Opinion,
    audits: BTreeMap<AccountId, Audit>,
    story: Option<Vec<String>>,
}

/// The life of this seed; its counts go into `tally`.
pub fn play_seed(seed: u64, tally: &mut Tally) -> Result<(), Box<Failure>> {
    tally.sequences += 1;
    let steps = steps_of(seed);
    attempt(&steps, tally).map_err(|_| Box::new(shrink(seed, steps)))
}

/// What is wrong with the life of this seed, without looking for a shorter one.
#[cfg(feature = "planted-bugs")]
pub fn wrong_with(seed: u64) -> Option<Wrong> {
    attempt(&steps_of(seed), &mut Tally::default()).err()
}

/// The logs that the life of this seed leaves.
pub fn logs_of(seed: u64) -> Vec<Vec<Event>> {
    let mut desk = Desk::new();
    for step in steps_of(seed) {
        if let Some(sent) = play(step, &mut desk) {
            desk.send(&sent);
        }
    }
    desk.streams.into_values().map(|stream| stream.log).collect()
}

fn steps_of(seed: u64) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    let len = match dice.below(200) {
        0 => STEPS_LONG,
        1..=20 => STEPS_MIN * 3,
        _ => STEPS_MIN + dice.below(40),
    };
    life(&mut dice, len)
}

/// A panic is as wrong as a difference.
fn attempt(steps: &[Step], tally: &mut Tally) -> Result<(), Wrong> {
    let mut life = Life::new(None);
    caught(|| life.play(steps, tally))
}

/// Panics of the core are findings here, and are told with their life.
pub fn hush_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !PLAYING.get() {
            usual(info);
        }
    }));
}

thread_local! {
    static PLAYING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn caught<T>(play: impl FnOnce() -> Result<T, Wrong>) -> Result<T, Wrong> {
    PLAYING.set(true);
    let played = catch_unwind(AssertUnwindSafe(play));
    PLAYING.set(false);
    played.unwrap_or_else(|panic| Err(words_of(panic.as_ref())))
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> Wrong {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    format!("a panic: {}", text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words"))
}

/// Leaves out ever smaller runs of steps for as long as the rest still fails.
fn shrink(seed: u64, mut steps: Vec<Step>) -> Failure {
    let mut run = steps.len() / 2;
    while run > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + run).min(steps.len()));
            if attempt(&fewer, &mut Tally::default()).is_err() {
                steps = fewer;
            } else {
                at += run;
            }
        }
        run /= 2;
    }
    let mut life = Life::new(Some(Vec::new()));
    let told = caught(|| life.play(&steps, &mut Tally::default()));
    let wrong =
        told.err().unwrap_or_else(|| "it fails by chance: not all of it follows from the seed".to_owned());
    Failure { seed, steps, wrong, story: life.story.unwrap_or_default() }
}

impl Life {
    fn new(story: Option<Vec<String>>) -> Self {
        let desk = Desk::new();
        let opinion = Opinion::new(desk.catalog().clone());
        Self { desk, opinion, audits: BTreeMap::new(), story }
    }

    fn play(&mut self, steps: &[Step], tally: &mut Tally) -> Result<(), Wrong> {
        for step in steps {
            if let Some(sent) = play(*step, &mut self.desk) {
                self.send(&sent, tally)?;
            }
        }
        self.desk.streams.values().try_for_each(replay)
    }

    fn send(&mut self, sent: &Sent, tally: &mut Tally) -> Result<(), Wrong> {
        if let Some(story) = &mut self.story {
            let (at, id, command) = (self.desk.now, &sent.id, &sent.command);
            story.push(format!("{at} {} {} {id}: {command:?}", sent.account, sent.producer));
        }
        let answer = self.desk.send(sent);
        let lots = self.audits.get(&sent.account).map(Audit::lots).unwrap_or_default();
        let expected = self.opinion.hear(sent, self.desk.now, &lots);
        if let Some(story) = &mut self.story {
            story.push(format!("    {answer:?}"));
        }
        tally.answer(sent.command.verb(), &answer);
        let same = match (&answer, &expected) {
            (Answer::Done(events), opinion::Answer::Done) => !events.is_empty(),
            (Answer::Again, opinion::Answer::Again) => true,
            (Answer::Refused(code), opinion::Answer::Refused(other)) => code == other,
            _ => false,
        };
        if !same {
            return Err(format!("the core says {answer:?}, the model {expected:?}"));
        }
        self.compare(sent.account)
    }

    fn compare(&mut self, account: AccountId) -> Result<(), Wrong> {
        let Some(one) = self.desk.streams.get(&account) else { return Ok(()) };
        let audit = self.audits.entry(account).or_default();
        audit.read(one, self.desk.now)?;
        let Some(other) = self.opinion.people.get(&account) else { return Ok(()) };
        let (b, expected) = (audit.balance, other.purse.balance());
        if (b.available, b.reserved, b.debt) != expected {
            return Err(format!(
                "the balance is {b:?}, the model's (available, reserved, debt) {expected:?}"
            ));
        }
        shown(&one.state, expected)?;
        audit.compare(&other.purse.mints)?;
        let lines = |books: &opinion::Books| -> Vec<_> {
            books.iter().filter(|(_, sum)| **sum != 0).map(|(line, sum)| (line.clone(), *sum)).collect()
        };
        let (ours, theirs) = (lines(&audit.books), lines(&other.purse.books));
        if ours != theirs {
            return Err(format!("the books are\n    {ours:?}\nthe model's\n    {theirs:?}"));
        }
        Ok(())
    }
}

/// What people see is bounded by the type, however much there is.
fn shown(state: &Account, (available, reserved, debt): (i64, i64, i64)) -> Result<(), Wrong> {
    let most = proto_events::Credits::MAX.get();
    let b = state.balance();
    let same = b.available.get() == available.min(most)
        && b.reserved.get() == reserved.min(most)
        && b.debt.get() == debt.min(most);
    if same { Ok(()) } else { Err(format!("the state shows {b:?}")) }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.wrong)?;
        writeln!(f, "the shortest life that fails has {} steps:", self.steps.len())?;
        self.story.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
