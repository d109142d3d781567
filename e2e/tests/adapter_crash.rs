//! Each adapter dies at each of its named points, as by kill -9, while a person goes the whole way;
//! started again, the way completes: charged once and credited once, by the vendors' books.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use e2e::people::{Person, buttons, is_picture, link};
use e2e::stage::PATIENCE;
use e2e::{Role, Stage};

const TELEGRAM: [&str; 5] = [
    "telegram.update_received",
    "telegram.work_committed",
    "telegram.before_send",
    "telegram.sent",
    "telegram.confirmed",
];
const PAYMENTS: [&str; 6] = [
    "payments.before_create",
    "payments.created",
    "payments.registered",
    "payments.notified",
    "payments.proved",
    "payments.settled",
];
const GENERATOR: [&str; 4] =
    ["generator.claimed", "generator.called", "generator.stored", "generator.completed"];

/// How far a person has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Start,
    Welcome,
    Packages,
    Link,
    Receipt,
    Picture,
    Done,
}

/// Goes on if what this step waits for is there.
fn advance(stage: &Stage, person: Person, step: Step) -> Step {
    let newest = |accept: &dyn Fn(&serde_json::Value) -> bool| {
        stage.bot_said(person).into_iter().rev().find(|m| accept(m))
    };
    match step {
        Step::Start => {
            stage.write(person, "/start");
            Step::Welcome
        }
        Step::Welcome if stage.count_of(person, "AccountOpened") == 1 && newest(&|_| true).is_some() => {
            stage.write(person, "/topup");
            Step::Packages
        }
        // A package's button, not one of the home menu.
        Step::Packages => match newest(&|m| buttons(m).iter().any(|(_, data)| data.starts_with("b:"))) {
            Some(menu) => {
                stage.tap(person, &menu, &buttons(&menu)[0].1);
                Step::Link
            }
            None => step,
        },
        Step::Link => match newest(&|m| link(m).is_some()).and_then(|m| link(&m)) {
            Some(url) => {
                stage.pay(url.rsplit('/').next().unwrap());
                Step::Receipt
            }
            None => step,
        },
        Step::Receipt if stage.count_of(person, "PaymentSettled") == 1 => {
            stage.write(person, &format!("/prompt a kite for {}.", person.0));
            Step::Picture
        }
        Step::Picture if stage.count_of(person, "GenerationDelivered") == 1 => Step::Done,
        _ => step,
    }
}

fn reached(file: &Path, point: &str) -> usize {
    std::fs::read_to_string(file).unwrap_or_default().lines().filter(|line| *line == point).count()
}

fn die_at(role: Role, points: &[&str]) {
    let mut stage = Stage::whole().unwrap();
    println!("{:26} {:>8} {:>8}", "crash point", "reached", "seconds");
    for (n, point) in (0i64..).zip(points) {
        let person = Person(9_000 + n);
        let crashes = stage.dir().join(format!("{point}.crashes"));
        stage.stop(role);
        let arming = [("CRASH_AT", format!("{point}:1")), ("CRASH_LOG", crashes.display().to_string())];
        // Not waited for: what an earlier person left may bring it to the point before it is ready.
        stage.spawn(role, &arming.each_ref().map(|(name, value)| (*name, value.as_str()))).unwrap();
        let (begun, mut step) = (Instant::now(), Step::Start);
        while step != Step::Done || reached(&crashes, point) == 0 {
            assert!(
                begun.elapsed() < PATIENCE,
                "{point}: stuck at {step:?} (are the binaries built with crash-points?); logs in {}",
                stage.dir().display()
            );
            if !stage.is_running(role) {
                stage.spawn(role, &[]).unwrap();
            }
            step = advance(&stage, person, step);
            std::thread::sleep(Duration::from_millis(30));
        }
        println!("{:26} {:>8} {:>8.1}", point, reached(&crashes, point), begun.elapsed().as_secs_f64());
        // A death after the last step leaves the service down.
        if !stage.is_running(role) {
            stage.start(role, &[]).unwrap();
        }
        assert_eq!(stage.balance_of(person), (95, 0, 0), "{point}");
        for once in
            ["AccountOpened", "PaymentOpened", "PaymentSettled", "GenerationRequested", "GenerationSucceeded"]
        {
            assert_eq!(stage.count_of(person, once), 1, "{point}: {once}");
        }
        assert_eq!(stage.paid().len(), usize::try_from(n).unwrap() + 1, "{point}: paid at the provider");
        let calls = stage.gemini_calls(&format!("a kite for {}.", person.0)).len();
        // What was called but not stored when it died is called again.
        let lost = usize::from(*point == "generator.called");
        assert_eq!(calls, 1 + lost, "{point}: calls to Gemini");
        let pictures = stage.bot_said(person).iter().filter(|m| is_picture(m)).count();
        // Telegram can't be asked whether a message was sent: in doubt it is sent again.
        let doubt = usize::from(*point == "telegram.sent");
        assert!((1..=1 + doubt).contains(&pictures), "{point}: {pictures} pictures");
    }
    stage.assert_verified();
}

#[test]
fn the_telegram_adapter_dies_at_each_of_its_points() {
    die_at(Role::Telegram, &TELEGRAM);
}

#[test]
fn the_payments_adapter_dies_at_each_of_its_points() {
    die_at(Role::Payments, &PAYMENTS);
}

#[test]
fn the_generator_dies_at_each_of_its_points() {
    die_at(Role::Generator, &GENERATOR);
}

#[test]
fn every_point_in_the_adapters_is_tested() {
    let root = xtask::machine::paths::root();
    let mut found = BTreeSet::new();
    for room in ["telegram-adapter", "payments-adapter", "generator"] {
        for text in sources(&root.join(room).join("src")) {
            let named = text.split("fail_point!(\"").skip(1);
            found.extend(named.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    // In e2e/tests/payments/deaths.rs, receipts.rs, late.rs and e2e/tests/telegram_money/deaths.rs.
    let shop = e2e::shop::DEATHS.iter().chain(&e2e::shop::RECEIPT_DEATHS).chain([&e2e::shop::CAUGHT_UP]);
    let money = shop.chain(&e2e::booth::DEATHS).chain(&e2e::booth::ODD_DEATHS);
    // In e2e/tests/bot/deaths.rs.
    let bot = e2e::people::BOT_DEATHS.iter();
    let tested = TELEGRAM.iter().chain(&PAYMENTS).chain(&GENERATOR).chain(money).chain(bot);
    assert_eq!(found, tested.map(|p| (*p).to_owned()).collect());
}

fn sources(dir: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            texts.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    texts
}
