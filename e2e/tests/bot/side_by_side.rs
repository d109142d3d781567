//! Two instances behind one address take turns with people's updates: whoever takes one, each chat is answered in order, what
//! Telegram limits both let be, and nothing comes twice.

use std::collections::HashMap;
use std::time::Duration;

use e2e::dice::Dice;
use e2e::people::{Person, buttons, is_picture};
use e2e::round::Round;
use e2e::{Role, Stage};
use serde_json::{Value, json};

const FIRST: i64 = 8_200;
const PEOPLE: usize = 25;
/// Commands whose answers begin with a line that no other message has.
const READING: [&str; 6] = ["/help", "/terms", "/privacy", "/settings", "/referral", "/nonsense"];
/// Of each person; with /start and a top-up, which is two, 40.
const COMMANDS: usize = 29;
const WORDS: usize = 5;
const PICTURES: usize = 3;
/// A chat takes so many a second, and so many at once; twice it takes none whatever came before.
const PER_SECOND: &str = "3";
const AT_ONCE: &str = "4";
/// For all of them, beside other tests on two cores.
const THOUSAND: Duration = Duration::from_secs(400);
/// What was on its way when a chat was limited, and what clocks round.
const ON_ITS_WAY_MS: i64 = 400;

#[test]
fn two_bots_answer_a_thousand_updates_in_order_within_limits_and_once() {
    let mut stage = Stage::new().unwrap();
    let round = Round::start(&stage, &[Role::Telegram, Role::Sibling]).unwrap();
    open(&mut stage, &round);
    let first_lines = learn(&stage, Person(FIRST - 1));
    let mut dice = Dice::new("side by side");
    let people: Vec<Person> = (FIRST..).map(Person).take(PEOPLE).collect();
    for person in &people {
        stage.write(*person, "/start");
    }
    for person in &people {
        stage.wait_for(*person, "the welcome", |_| true);
        buy(&stage, *person);
    }
    for person in &people {
        let limited = json!({"status": 429, "retry_after": 1});
        stage.bend("sendMessage", &limited, 2, &person.0.to_string());
    }
    let asked: Vec<Vec<&'static str>> = people.iter().map(|_| ask(&mut dice)).collect();
    for n in 0..asked[0].len() {
        for (person, asked) in people.iter().zip(&asked) {
            stage.write(*person, &worded(asked[n], *person, n));
        }
    }
    for (person, asked) in people.iter().zip(&asked) {
        all_came(&stage, *person);
        let answered = answers(&stage, *person, &first_lines);
        let commands: Vec<&str> = asked.iter().copied().filter(|asked| READING.contains(asked)).collect();
        assert_eq!(answered, commands, "{person:?} was answered in another order, or not once");
    }
    once_in_the_log(&stage);
    limits_were_kept(&stage);
    let taken = round.taken();
    println!("updates of the two: {taken:?}");
    assert!(taken.iter().sum::<usize>() >= 1_000 && taken.iter().all(|taken| *taken > 300), "{taken:?}");
    stage.judge_bot_requests();
    stage.assert_verified();
}

fn open(stage: &mut Stage, round: &Round) {
    let catalog = stage.catalog_with(&[("lease_ms", 2_000), ("running_per_person_max", 20)]).unwrap();
    let flood = [("SANDBOX_FLOOD_PER_CHAT", PER_SECOND), ("SANDBOX_FLOOD_BURST", AT_ONCE)];
    stage.start(Role::Sandbox, &flood).unwrap();
    // Nobody dies here, so nobody is to be taken for dead, however slow the machine is.
    let ledger = [("CATALOG_FILE", catalog.as_str()), ("TELLING_LEASE_MS", "60000")];
    stage.start(Role::Ledger, &ledger).unwrap();
    for role in [Role::Payments, Role::Generator] {
        stage.start(role, &[]).unwrap();
    }
    for role in [Role::Telegram, Role::Sibling] {
        let own = [("TELEGRAM_WEBHOOK_URL", round.url()), ("TELEGRAM_CHAT_PER_SECOND", PER_SECOND)];
        stage.start(role, &own).unwrap();
    }
}

/// The first lines of the commands' answers.
fn learn(stage: &Stage, person: Person) -> HashMap<String, &'static str> {
    stage.write(person, "/start");
    stage.wait_for(person, "the welcome", |_| true);
    let learned = READING.map(|command| {
        let after = stage.write(person, command);
        let answer = stage.wait_for(person, command, |m| id_of_bot(m) > after);
        (first_line(&answer), command)
    });
    let learned = HashMap::from(learned);
    assert_eq!(learned.len(), READING.len(), "two commands are answered alike");
    learned
}

/// What somebody writes, in some order.
fn ask(dice: &mut Dice) -> Vec<&'static str> {
    let mut asked: Vec<&str> = READING.iter().copied().cycle().take(COMMANDS).collect();
    asked.extend(["words"; WORDS]);
    asked.extend(["picture"; PICTURES]);
    dice.shuffle(&mut asked);
    asked
}

fn worded(asked: &str, person: Person, n: usize) -> String {
    match asked {
        "words" => format!("What is {n} of {}?", person.0),
        "picture" => format!("/prompt number {n} of {}", person.0),
        command => command.to_owned(),
    }
}

fn all_came(stage: &Stage, person: Person) {
    let due = COMMANDS + WORDS + PICTURES;
    stage.until_within(THOUSAND, "everything that was asked for", || {
        let told = stage.count_of(person, "GenerationDelivered");
        let said = stage.bot_said(person);
        let nothing_under_way =
            said.iter().all(|m| !buttons(m).iter().any(|(_, data)| data.starts_with("x:")));
        (told == i64::try_from(WORDS + PICTURES).unwrap() && nothing_under_way && said.len() > due)
            .then_some(())
    });
    let pictures = stage.pictures(person);
    assert_eq!(pictures, PICTURES, "{person:?} has so many pictures");
}

/// Commands that were answered, in order.
fn answers(stage: &Stage, person: Person, first_lines: &HashMap<String, &'static str>) -> Vec<&'static str> {
    stage.until("the answers to all commands", || {
        let said = stage.bot_said(person);
        let answered: Vec<&str> = said
            .iter()
            .filter(|m| !is_picture(m))
            .filter_map(|m| first_lines.get(&first_line(m)).copied())
            .collect();
        (answered.len() >= COMMANDS).then_some(answered)
    })
}

fn first_line(message: &Value) -> String {
    message["text"].as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

fn id_of_bot(message: &Value) -> i64 {
    message["message_id"].as_i64().unwrap_or_default()
}

fn once_in_the_log(stage: &Stage) {
    let count = |kind: &str| -> i64 {
        stage.sql(
            sqlx::query_scalar("SELECT count(*) FROM events WHERE type = $1")
                .bind(kind)
                .fetch_one(&stage.pool),
        )
    };
    let made = i64::try_from(PEOPLE * (WORDS + PICTURES)).unwrap();
    for kind in ["GenerationRequested", "GenerationSucceeded", "GenerationDelivered"] {
        assert_eq!(count(kind), made, "{kind}");
    }
    assert_eq!(count("PaymentSettled"), i64::try_from(PEOPLE).unwrap());
    let answers: usize = stage.books()["gemini"]["calls"].as_array().map_or(0, Vec::len);
    assert_eq!(i64::try_from(answers).unwrap(), made, "Gemini was asked so often");
}

/// After a 429 nobody calls for that chat until its second is over.
fn limits_were_kept(stage: &Stage) {
    let arrivals = stage.get("/arrivals?vendor=telegram");
    let arrivals = arrivals["arrivals"].as_array().cloned().unwrap_or_default();
    let of = |arrival: &Value| {
        let chat = &arrival["body"]["chat_id"];
        chat.as_i64().or_else(|| chat.as_str()?.parse().ok())
    };
    let mut limited: HashMap<i64, i64> = HashMap::new();
    let (mut limits, mut broken) = (0, Vec::new());
    for arrival in &arrivals {
        let Some(chat) = of(arrival) else { continue };
        let begun = ms(&arrival["at"]);
        if let Some(since) = limited.get(&chat)
            && (since + ON_ITS_WAY_MS..since + 1_000).contains(&begun)
        {
            broken.push(format!("{} to {chat} {} ms after a 429", arrival["call"], begun - since));
        }
        if arrival["status"] == 429 {
            limits += 1;
            limited.insert(chat, ms(&arrival["finished_at"]));
        }
    }
    println!("{} calls, {limits} times too many requests", arrivals.len());
    assert!(limits >= 2 * PEOPLE, "each chat was limited twice");
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Of the day, of `2026-01-31T12:34:56.789Z`.
fn ms(at: &Value) -> i64 {
    let at = at.as_str().unwrap_or_else(|| panic!("no time: {at}"));
    let (_, time) = at.split_once('T').unwrap();
    let mut parts = time.trim_end_matches('Z').split(':');
    let mut part = || parts.next().unwrap().parse::<f64>().unwrap();
    let (hours, minutes, seconds) = (part(), part(), part());
    (hours.mul_add(3_600.0, minutes.mul_add(60.0, seconds)) * 1e3).round() as i64
}

/// 100 credits.
fn buy(stage: &Stage, person: Person) {
    let checkout = stage.order(person);
    stage.pay(&checkout);
    stage.until("the payment in the log", || (stage.count_of(person, "PaymentSettled") == 1).then_some(()));
}
