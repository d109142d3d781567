//! Registry files, with and without planted differences.

use std::path::PathBuf;

use e2e::deeds::provider_id;
use proto_events::PaymentId;

use crate::{DAY, NOON, Office, differences, is_narrow};

/// A row of a registry: id, kopecks, kopecks after the fee.
type Row = (String, i64, i64);

fn rubles(kopecks: i64) -> String {
    format!("{}.{:02}", kopecks / 100, kopecks % 100)
}

/// YooKassa's file of payments of a day.
fn payments(day: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "РЕЕСТР ПЛАТЕЖЕЙ ПО ДОГОВОРУ НЭК.000000.01 (100500)\nДата платежей: {day}\n\
         Идентификатор платежа;Сумма платежа;Валюта платежа;Сумма за вычетом комиссии и НДС;Время платежа\n"
    );
    for (id, amount, net) in rows {
        text += &format!("{id};{};RUB;{};21.11.2026 11:58:00\n", rubles(*amount), rubles(*net));
    }
    let sum = |get: fn(&Row) -> i64| rubles(rows.iter().map(get).sum());
    text + &format!(
        "\nСумма принятых платежей: {} RUB\nСумма принятых платежей за вычетом комиссии и НДС: {} RUB\nЧисло платежей: {}\n",
        sum(|r| r.1),
        sum(|r| r.2),
        rows.len()
    )
}

fn refunds(day: &str, rows: &[(&str, &str, i64)]) -> String {
    let mut text = format!(
        "РЕЕСТР ВОЗВРАТОВ ПО ДОГОВОРУ НЭК.000000.01 (100500)\nДата возвратов: {day}\n\
         Идентификатор возврата;Идентификатор платежа;Сумма возврата;Валюта возврата;Время возврата\n"
    );
    for (id, payment, amount) in rows {
        text += &format!("{id};{payment};{};RUB;21.11.2026 18:00:00\n", rubles(*amount));
    }
    let sum: i64 = rows.iter().map(|r| r.2).sum();
    text + &format!("\nСумма возвратов: {} RUB\nЧисло возвратов: {}\n", rubles(sum), rows.len())
}

impl Office {
    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.stage.dir().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

#[test]
fn planted_differences_of_a_registry_are_each_found_and_named() {
    let office = Office::open();
    let paid: Vec<PaymentId> = (1..=6).map(|user| office.paid(user, NOON + user, Some(350))).collect();
    let unknown = office.paid(7, NOON, None);
    let back = office.refunded(paid[0], 5_000, "back-1", NOON + 9);
    office.refunded(paid[1], 10_000, "back-2", NOON + 9);
    // The day after, and the day before: not of this file.
    let next = office.paid(8, NOON + 86_400_000_000, Some(350));
    let id = |payment: PaymentId| provider_id(payment);
    let row = |payment: PaymentId| (id(payment), 10_000, 9_650);

    // The control: nothing is planted, and the fee that was not known is learned besides.
    let fee = serde_json::json!({"payment": unknown, "rail": "yookassa", "provider_payment_id": id(unknown),
        "net": {"amount": 9_650, "currency": "RUB"}});
    let learn = || {
        let account = e2e::raw::of(unknown.account());
        let done =
            office.raw.done(proto_events::Producer::Payments, "payment_fee", "fee:1", account, fee.clone());
        assert_eq!(done, ["PaymentFeeRecorded"]);
    };
    let whole: Vec<Row> = paid.iter().map(|p| row(*p)).chain([row(unknown)]).collect();
    let backs = [("back-1", &*id(paid[0]), 5_000), ("back-2", &*id(paid[1]), 10_000)];
    let (p, r) = (office.file("p.csv", &payments(DAY, &whole)), office.file("r.csv", &refunds(DAY, &backs)));
    let (code, told) = office.reconcile(&["--file", &p, &r]);
    let fee_unknown = ("fee_unknown_here".to_owned(), "payment".to_owned(), id(unknown));
    assert_eq!((code, differences(&told)), (1, vec![fee_unknown.clone()]), "{told:#}");
    learn();
    let (code, told) = office.reconcile(&["--file", &p, &r]);
    assert_eq!((code, differences(&told)), (0, vec![]), "{told:#}");
    let comparison = &told["comparisons"][0];
    assert_eq!((&comparison["matched"], &comparison["days"][0]), (&9.into(), &DAY.into()));
    assert_eq!(comparison["sums"][0]["here"], comparison["sums"][0]["there"]);
    assert_eq!(comparison["sums"][0]["here"]["amount"], 70_000);
    assert_eq!(comparison["sums"][0]["here"]["fees"], 7 * 350);

    // Each kind of difference that a file can have, at once.
    let mut planted = whole.clone();
    planted[0].2 = 9_600;
    planted[1].1 = 10_001;
    planted.remove(2);
    planted.push(("ghost".to_owned(), 7_700, 7_000));
    planted.push(row(paid[4]));
    let backs = [("back-1", &*id(paid[0]), 5_001), ("back-3", &*id(paid[3]), 100)];
    let p = office.file("planted.csv", &payments(DAY, &planted));
    let r = office.file("planted-r.csv", &refunds(DAY, &backs));
    let before = office.findings().len();
    let (code, told) = office.reconcile(&["--file", &p, &r]);
    let named = |what: &str, kind: &str, id: &str| (what.to_owned(), kind.to_owned(), id.to_owned());
    let mut wanted = vec![
        named("fee_differs", "payment", &id(paid[0])),
        named("amount_differs", "payment", &id(paid[1])),
        named("missing_there", "payment", &id(paid[2])),
        named("missing_here", "payment", "ghost"),
        named("twice_there", "payment", &id(paid[4])),
        named("amount_differs", "refund", "back-1"),
        named("missing_there", "refund", "back-2"),
        named("missing_here", "refund", "back-3"),
    ];
    wanted.sort();
    assert_eq!((code, differences(&told)), (1, wanted.clone()), "{told:#}");

    // They are events now, by whoever compared; the dry run left none.
    let findings = office.findings();
    let new = &findings[before..];
    assert_eq!(new.len(), wanted.len() + 1);
    let mut recorded: Vec<_> = new[..wanted.len()]
        .iter()
        .map(|(_, _, d)| {
            let word = |name: &str| d[name].as_str().unwrap().to_owned();
            (word("what"), word("of"), word("provider_id"))
        })
        .collect();
    recorded.sort();
    assert_eq!(recorded, wanted);
    let (last, actor, finished) = new.last().unwrap();
    assert_eq!((last.as_str(), actor.as_str()), ("ReconciliationFinished", "operator:ann"));
    assert_eq!(
        (&finished["differences"], &finished["matched"], &finished["by"]),
        (&8.into(), &7.into(), &"file".into())
    );
    let of_refund = new.iter().find(|(_, _, d)| d["what"] == "missing_there" && d["of"] == "refund");
    assert!(of_refund.is_some_and(|(_, _, d)| d["refund"].as_str().is_some_and(|f| f.starts_with("f-"))));
    assert!(new.iter().any(|(_, _, d)| d["refund"] == back.as_str() && d["ours"]["amount"] == 5_000));
    // The same finding again is the same command.
    office.reconcile(&["--file", &p, &r]);
    assert_eq!(office.findings().len(), findings.len());

    // Both days' files at once: two comparisons, each clean.
    let p = office.file("p2.csv", &payments("2026-11-22", &[row(next)]));
    let first = office.stage.dir().join("p.csv").display().to_string();
    let (code, told) = office.reconcile(&["--file", &first, "--file", &p]);
    assert_eq!((code, told["comparisons"].as_array().unwrap().len()), (0, 2), "{told:#}");
    // A file for a period: compared at once, and not recorded.
    let period = payments(&format!("с {DAY} по 2026-11-22"), &[whole.clone(), vec![row(next)]].concat());
    let (code, told) = office.reconcile(&["--file", &office.file("period.csv", &period)]);
    assert_eq!((code, &told["recorded"]), (0, &serde_json::json!([])), "{told:#}");
    // What was recorded long before the day that it is stated for is found by its id, with the fee that came late.
    let p = office.file("late.csv", &payments("2031-01-01", &[row(paid[0]), row(unknown)]));
    let r = office.file("late-r.csv", &refunds("2031-01-01", &[("back-1", &*id(paid[0]), 5_000)]));
    let (code, told) = office.reconcile(&["--file", &p, &r]);
    assert_eq!((code, &told["comparisons"][0]["matched"]), (0, &3.into()), "{told:#}");
    assert_eq!(told["comparisons"][0]["sums"][0]["here"]["fees"], 2 * 350);
    office.stage.assert_verified();
}

#[test]
fn what_cannot_be_compared_is_said_with_what_to_do() {
    let office = Office::open();
    let good = payments(DAY, &[("a".to_owned(), 10_000, 9_650)]);
    let cut = good.lines().take(4).collect::<Vec<_>>().join("\n");
    let wrong = good.replace(";100.00;", ";100.000;");
    let [good, cut, wrong, plain] = [
        ("good.csv", &good),
        ("cut.csv", &cut),
        ("wrong.csv", &wrong),
        ("plain.csv", &"Идентификатор платежа;Сумма платежа;Валюта платежа\na;1;RUB\n".to_owned()),
    ]
    .map(|(name, text)| office.file(name, text));
    for (args, wanted) in [
        (vec!["--file", &cut], "it may be cut off"),
        (vec!["--file", &wrong], "wrong.csv, line 4, column \"Сумма платежа\": found \"100.000\""),
        (vec!["--file", &plain], "give --date"),
        (vec!["--file", &good, &good], "the same file"),
        (vec!["--file", &good, "--date", "2026-11-20"], "not of 2026-11-20"),
        (vec!["--file", "nowhere.csv"], "can't read nowhere.csv"),
        (vec!["--date", DAY], "the newest whole day: none"),
        (vec!["--date", "yesterday"], "a day is written 2026-11-21"),
        (vec!["--date", DAY, "--provider", "sber"], "yookassa or telegram"),
        (vec!["--file", &good, "--provider", "telegram"], "compare Stars by --date"),
        (vec![], "--date"),
    ] {
        let (code, out, said) = office.run(&[vec!["reconcile"], args.clone()].concat());
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {said}");
        assert!(flat.contains(wanted), "{args:?}: {said}");
        is_narrow(&said);
    }
    // Nobody leads: the comparison is told, and that it is not recorded.
    let mut office = office;
    office.stage.stop(e2e::Role::Ledger);
    let output = office
        .stage
        .ledger_command_with(&["reconcile", "--file", &good], &[("NATS_URL", "nats://127.0.0.1:1")]);
    let output = output.unwrap();
    let (paper, said) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(paper.contains("missing here") && said.contains("say --dry-run"), "{paper}\n{said}");
}
