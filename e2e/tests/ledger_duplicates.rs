//! The same commands from ten producers at once, shuffled, late, while the ledger is killed: each
//! is one decision, and everybody gets its first answer.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::deeds::Deeds;
use e2e::witness::{Said, Witness};
use e2e::{Role, Stage, dice, judge, supervisor};

const PRODUCERS: usize = 10;
const PEOPLE: i64 = 6;
/// How far the producers are apart.
const APART: Duration = Duration::from_millis(400);

/// Everybody's whole way, in an order of its own, with pauses.
async fn all_ways(deeds: Deeds, mut chance: dice::Dice) {
    let mut people: Vec<i64> = (1..=PEOPLE).collect();
    chance.shuffle(&mut people);
    let mut ways = Vec::new();
    for user in people {
        let (deeds, pause) = (deeds.clone(), chance.up_to(APART));
        // Not all at once, but not one after the other either.
        ways.push(tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            deeds.whole_way(user).await
        }));
        tokio::time::sleep(chance.up_to(APART)).await;
    }
    for way in ways {
        way.await.expect("a way broke off").expect("a command was refused or never answered");
    }
}

fn kill_thrice(stage: &mut Stage, chance: &mut dice::Dice, finished: impl Fn() -> bool) -> u32 {
    let mut kills = 0;
    while !finished() && kills < 3 {
        std::thread::sleep(Duration::from_millis(300) + chance.up_to(APART));
        stage.kill9(Role::Ledger);
        stage.start(Role::Ledger, &[]).expect("the ledger starts");
        kills += 1;
    }
    supervisor::watch(stage, Role::Ledger, &[], "the producers to finish", |_| finished());
    kills
}

/// A claim's answer also says how its lease stands now: that may differ.
fn without_lease(mut said: Said) -> Said {
    if let Said::Done { events, result } = &mut said
        && events.iter().all(|e| e.r#type.as_str() == "GenerationStarted")
    {
        for now in ["lease_until", "deadline"] {
            result[now].take();
        }
    }
    said
}

#[test]
fn ten_producers_of_the_same_commands_get_the_same_answers_and_one_decision() {
    let mut stage = Stage::with_ledger().unwrap();
    let mut chance = dice::Dice::new("ten_producers_of_the_same_commands");
    let producers: Vec<Deeds> = (0..PRODUCERS).map(|_| Deeds::new(&stage)).collect();
    let tasks: Vec<_> =
        producers.iter().map(|deeds| stage.rt.spawn(all_ways(deeds.clone(), chance.fork()))).collect();
    let kills =
        kill_thrice(&mut stage, &mut chance, || tasks.iter().all(tokio::task::JoinHandle::is_finished));
    for task in tasks {
        stage.rt.block_on(task).unwrap();
    }
    let before = stage.rt.block_on(Stage::log(&stage.pool));
    // Long after: everything once more, by one who was not there, to a ledger that was not there.
    assert!(stage.stop(Role::Ledger));
    stage.start(Role::Ledger, &[]).unwrap();
    let late = producers[0].heard_by(Witness::default());
    stage.rt.block_on(all_ways(late.clone(), chance.fork()));
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_eq!(log.len(), before.len(), "a repeat left a trace");

    let mut first: BTreeMap<(&str, String), Said> = BTreeMap::new();
    let mut answers = 0;
    for deeds in producers.iter().chain([&late]) {
        assert_eq!(deeds.witness.lies(&log), Vec::<String>::new());
        assert_eq!(deeds.witness.not_done(), Vec::<String>::new());
        for answer in deeds.witness.answers() {
            answers += 1;
            let key = (answer.producer.as_str(), answer.id.to_string());
            let answer = without_lease(answer.said);
            let said = first.entry(key.clone()).or_insert_with(|| answer.clone());
            assert_eq!(*said, answer, "{key:?} was answered in two ways");
        }
    }
    println!("{answers} answers to {} commands, {kills} kills, {} events", first.len(), log.len());
    assert_eq!(first.len(), usize::try_from(PEOPLE).unwrap() * 11);
    judge::assert_at_rest(&stage, &stage.client("ledger"));
    judge::assert_whole_ways(&stage, &(1..=PEOPLE).collect::<Vec<_>>());
}
