//! The file that the sandbox's YooKassa writes, compared with what the whole system has booked.

use std::collections::BTreeSet;

use e2e::people::Person;
use e2e::{Role, Stage};
use ledger::books::moscow::Day;
use proto_events::Event;
use serde_json::{Value, json};

use crate::{differences, is_narrow};

/// The vendor's files of these days.
fn files(stage: &Stage, days: &BTreeSet<Day>, kind: &str, format: &str) -> Vec<String> {
    let fetch = |day: &Day| {
        let url = format!("{}/registry?date={day}&kind={kind}&format={format}", stage.url(Role::Sandbox));
        let bytes = stage.rt.block_on(async {
            let answer = stage.http.get(url).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            answer.bytes().await.unwrap()
        });
        let path = stage.dir().join(format!("{kind}-{day}.{format}"));
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    days.iter().map(fetch).collect()
}

fn reconcile(stage: &Stage, files: &[String]) -> (i32, Value) {
    let mut args = vec!["reconcile", "--json", "--file"];
    args.extend(files.iter().map(String::as_str));
    let output = stage.ledger_command(&args).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let told = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    let paper = stage.ledger_command(&[&["reconcile", "--dry-run"], &args[2..]].concat()).unwrap();
    is_narrow(&String::from_utf8(paper.stdout).unwrap());
    (output.status.code().unwrap(), told)
}

#[test]
fn the_vendors_own_registry_says_what_the_log_says() {
    let stage = Stage::whole().unwrap();
    let ada = Person(7101);
    stage.arrive_with_credits(ada);
    let settled = || {
        let log = stage.rt.block_on(Stage::log(&stage.pool));
        let events = log.iter().map(|row| row.event().unwrap());
        events
            .filter_map(|e| if let Event::PaymentSettled(e) = e { Some(e) } else { None })
            .collect::<Vec<_>>()
    };
    let days: BTreeSet<Day> = settled().iter().map(|e| Day::of(e.paid_at.expect("its time").get())).collect();
    let csv = [files(&stage, &days, "payments", "csv"), files(&stage, &days, "refunds", "csv")].concat();
    let xlsx = files(&stage, &days, "all", "xlsx");
    for files in [&csv, &xlsx] {
        let (code, told) = reconcile(&stage, files);
        assert_eq!((code, differences(&told)), (0, vec![]), "{told:#}");
        assert_eq!(told["comparisons"][0]["matched"], 1, "{told:#}");
        assert_eq!(told["comparisons"][0]["sums"][0]["here"]["fees_unknown"], 0, "{told:#}");
    }
    // Paid at the shop, and never ordered here.
    let url = format!("{}/yookassa/v3/payments", stage.url(Role::Sandbox));
    let body = json!({"amount": {"value": "77.00", "currency": "RUB"}, "capture": true,
        "confirmation": {"type": "redirect", "return_url": "https://t.me/plantain_sandbox_bot"}});
    let made: Value = stage.rt.block_on(async {
        let request = stage.http.post(url).basic_auth("100500", Some("test_secret"));
        let answer = request.header("Idempotence-Key", "elsewhere").json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    });
    let ghost = made["id"].as_str().unwrap_or_else(|| panic!("{made}"));
    let (status, paid) = stage.post(&format!("/checkout/{ghost}/succeed"), &json!({}));
    assert_eq!(status, 200, "{paid}");
    let at = ledger::books::moscow::parse_rfc3339(paid["captured_at"].as_str().unwrap()).unwrap();
    let days: BTreeSet<Day> = days.into_iter().chain([Day::of(at)]).collect();
    let (code, told) = reconcile(&stage, &files(&stage, &days, "all", "xlsx"));
    let found: Vec<_> = told["comparisons"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|comparison| {
            comparison["differences"].as_array().unwrap().iter().map(|d| (d["what"].clone(), d["id"].clone()))
        })
        .collect();
    assert_eq!((code, found), (1, vec![("missing_here".into(), ghost.into())]), "{told:#}");
}
