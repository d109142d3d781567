//! The shop's figures by day, counted once more from the log itself; and those of today on the first page.

use std::collections::BTreeMap;

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use ledger::books::moscow::Day;
use ledger::projections::Tables;
use proto_events::{Currency, Event};
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::desk::{PASSWORD, Seat, hires, open};
use crate::log::with_history;

#[test]
fn figures_by_day_are_those_of_the_log() {
    let (stage, history) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let mut wanted: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for row in &history.rows {
        let day = Day::of(row.recorded_at).to_string();
        let mut add = |figure, n| *wanted.entry((day.clone(), figure)).or_default() += n;
        match row.event().unwrap() {
            Event::AccountOpened(_) => add("new_people", 1),
            Event::GenerationRequested(_) => add("requested", 1),
            Event::GenerationFailed(_) => add("failed", 1),
            Event::GenerationCanceled(_) => add("canceled", 1),
            Event::PaymentSettled(e) => {
                add("payments", 1);
                add(
                    if e.amount.currency == Currency::Rub { "paid_rub" } else { "paid_xtr" },
                    e.amount.minor(),
                );
            }
            _ => {}
        }
    }
    let days: Vec<&String> = wanted.keys().map(|(day, _)| day).collect();
    let path = format!("/statistics?from={}&to={}", days[0], days[days.len() - 1]);
    let told = stage.until("the projections to be there", || {
        let told = fin.reads(&path);
        let sum = |figure: &str| -> i64 {
            told["days"].as_array().unwrap().iter().map(|day| day[figure].as_i64().unwrap()).sum()
        };
        let all = |figure: &str| -> i64 {
            wanted.iter().filter(|((_, of), _)| *of == figure).map(|(_, n)| n).sum()
        };
        (["requested", "paid_rub"].iter().all(|figure| sum(figure) == all(figure))).then_some(told)
    });
    for ((day, figure), n) in &wanted {
        let of = |one: &&Value| one["day"] == day.as_str();
        let one = told["days"].as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("no {day}"));
        assert_eq!(one[*figure], *n, "{figure} of {day}");
    }
    let page = fin.gets(&path);
    assert!(page.text.contains("<svg role=\"img\"") && page.text.contains("Новые люди"), "{}", page.text);
    assert_eq!(
        fin.gets("/statistics?from=2020-01-01&to=2026-01-01").status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

/// No projection of this name is live any more, whatever the ledger does.
pub fn takes_out(stage: &Stage, name: &str) {
    for sql in [
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'".to_owned(),
        format!(
            "CREATE TRIGGER out_of_the_way BEFORE INSERT OR UPDATE ON projection_instances FOR EACH ROW \
             WHEN (NEW.name = '{name}' AND NEW.state = 'live') EXECUTE FUNCTION nothing()"
        ),
        format!("UPDATE projection_instances SET state = 'old' WHERE name = '{name}'"),
    ] {
        stage.sql(sqlx::query(AssertSqlSafe(sql)).execute(&stage.pool));
    }
}

#[test]
fn the_first_page_has_the_money_of_today_for_those_who_may_see_it() {
    let stage = open();
    hires(&stage, "fin", "finance");
    hires(&stage, "ops", "operator");
    let (fin, ops) = (Seat::signed_in(&stage, "fin", PASSWORD), Seat::signed_in(&stage, "ops", PASSWORD));
    let deeds = Deeds::new(&stage);
    let today = || Day::of(stage.sql(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)));
    let begun = today();
    let payment = stage.rt.block_on(async {
        deeds.start(42).await.unwrap();
        deeds.start(43).await.unwrap();
        let payment = deeds.topup(42, "n").await.unwrap();
        deeds.register(payment).await.unwrap();
        deeds.settle(payment, rubles(100)).await.unwrap();
        deeds.picture(42, 1).await.unwrap();
        payment
    });
    let told = stage.until("the figures", || {
        let told = fin.reads("/today");
        let all = told["paid_rub"] == 10_000 && told["pictures"] == 1 && told["recognised_rub"] != 0;
        (all || today() != begun).then_some(told)
    });
    assert!(today() == begun, "midnight in Moscow came between: run it again");
    for (figure, n) in
        [("new_people", 2), ("active_people", 2), ("payments", 1), ("requested", 1), ("failed", 0)]
    {
        assert_eq!(told[figure], n, "{figure}: {told}");
    }
    assert_eq!((&told["day"], &told["not_live"]), (&begun.to_string().into(), &serde_json::json!([])));
    assert!(told["through"].as_i64() > Some(0) && told["through_at"].as_i64() > Some(0), "{told}");
    let page = fin.gets("/").text;
    for part in [
        "Сегодня",
        "<dt>Оплачено рублями</dt><dd>100.00 ₽</dd>",
        "<dt>Оплачено звёздами</dt><dd>0 ⭐</dd>",
        "href=\"/statistics\"",
        "href=\"/revenue\"",
        "Известно по позицию <a href=\"/log/",
    ] {
        assert!(page.contains(part), "{part} of {payment}: {page}");
    }
    // The log's state is everybody's, money is not: neither on the page nor as JSON.
    let page = ops.gets("/").text;
    assert!(page.contains("Событий в журнале") && !page.contains("Сегодня") && !page.contains('₽'), "{page}");
    assert_eq!(ops.gets("/api/v1/today").status, StatusCode::FORBIDDEN);
    assert!(ops.reads("").get("paid_rub").is_none());

    takes_out(&stage, "daily");
    let page = fin.gets("/").text;
    assert!(page.contains("Что считает проекция «daily», сейчас неизвестно"), "{page}");
    assert!(page.contains("100.00 ₽") && page.contains("<dd>–</dd>"), "what is known is told: {page}");
    assert_eq!(fin.reads("/today")["not_live"], serde_json::json!(["daily"]));
    assert_eq!(fin.reads("/statistics")["not_live"], serde_json::json!(["daily"]));
    assert!(fin.gets("/statistics").text.contains("Что считает проекция «daily», сейчас неизвестно"));
}

#[test]
fn figures_that_stand_still_or_cannot_be_read_are_said_to_be_so() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let deeds = Deeds::new(&stage);
    let live = |name: &str| -> Tables {
        let sql = "SELECT instance FROM projection_instances WHERE name = $1 AND state = 'live'";
        Tables::of(name, stage.sql(sqlx::query_scalar(sql).bind(name).fetch_one(&stage.pool)))
    };
    let does = |sql: String| {
        stage.sql(sqlx::query(AssertSqlSafe(sql)).execute(&stage.pool));
    };
    let comes = |user: i64| {
        stage.rt.block_on(deeds.start(user)).unwrap();
    };
    comes(42);
    let told =
        stage.until("the figures", || Some(fin.reads("/today")).filter(|told| told["new_people"] == 1));
    assert_eq!(told["standing"], serde_json::json!([]));
    assert!(!fin.gets("/").text.contains("остановилась"));

    let daily = live("daily");
    does(
        "CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE check_violation; END'"
            .into(),
    );
    does(format!(
        "CREATE TRIGGER stands BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION refuses()",
        daily.main()
    ));
    comes(43);
    let told = stage.until("the projection to stand", || {
        Some(fin.reads("/today")).filter(|told| told["standing"] == serde_json::json!(["daily"]))
    });
    let (through, head) = (told["through"].as_i64().unwrap(), fin.reads("")["position"].as_i64().unwrap());
    assert!(through < head && told["behind"].as_i64() > Some(0), "{told}");
    assert_eq!(told["new_people"], 1, "the other one came later");
    for path in ["/", "/statistics"] {
        let page = fin.gets(path).text;
        assert!(page.contains("Проекция «daily» остановилась"), "{path}: {page}");
        assert!(page.contains(&format!("Известно по позицию <a href=\"/log/{through}\"")), "{path}: {page}");
    }

    does(format!("DROP TABLE {} CASCADE", daily.main()));
    assert_eq!(fin.gets("/statistics").status, StatusCode::SERVICE_UNAVAILABLE);
    let page = fin.gets("/");
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for part in ["Сегодняшние числа сейчас не читаются", "Событий в журнале", "href=\"/projections/daily\""]
    {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }

    assert!(fin.gets("/revenue").text.contains("денег не было"));
    takes_out(&stage, "revenue");
    let page = fin.gets("/revenue").text;
    assert!(page.contains("Что считает проекция «revenue», сейчас неизвестно"), "{page}");
    assert!(!page.contains("денег не было"), "nobody knows that there was none: {page}");
}
