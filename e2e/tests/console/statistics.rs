//! The shop's figures by day, counted once more from the log itself.

use std::collections::BTreeMap;

use ledger::books::moscow::Day;
use proto_events::{Currency, Event};
use reqwest::StatusCode;
use serde_json::Value;

use crate::desk::{PASSWORD, Seat, hires};
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
