//! The registry of a day, as the shop's accountant has it.

use sandbox::Options;
use serde_json::json;

use super::{
    support::{Sandbox, calm},
    yookassa::{create, get, payment, post},
};

const HOUR_MS: i64 = 3_600_000;

async fn file(sandbox: &Sandbox, query: &str) -> (u16, String, Vec<u8>) {
    let answer = sandbox.http.get(format!("{}/registry?{query}", sandbox.base)).send().await.unwrap();
    let name = answer.headers().get("content-disposition").map_or("", |value| value.to_str().unwrap());
    (answer.status().as_u16(), name.to_owned(), answer.bytes().await.unwrap().to_vec())
}

/// The clock's Moscow day, and the milliseconds left of it. From midnight to three Greenwich has
/// another day; then the clock is pushed on.
async fn moscow(sandbox: &Sandbox) -> (String, i64) {
    let now = sandbox.get("/clock").await["clock"].as_str().unwrap().to_owned();
    let part = |from: usize, to: usize| now[from..to].parse::<i64>().unwrap();
    let in_day = part(11, 13) * HOUR_MS + part(14, 16) * 60_000 + part(17, 19) * 1000 + 3 * HOUR_MS;
    if in_day >= 24 * HOUR_MS {
        sandbox.advance(4 * HOUR_MS).await;
        return Box::pin(moscow(sandbox)).await;
    }
    (now[..10].to_owned(), 24 * HOUR_MS - in_day)
}

#[tokio::test]
async fn a_day_holds_what_succeeded_in_it_by_moscow_time() {
    let sandbox = Sandbox::with(Options { dates_follow_clock: true, ..calm() }).await;
    let (first_day, left_ms) = moscow(&sandbox).await;
    sandbox.advance(left_ms - HOUR_MS / 2).await;
    let mut body = payment();
    body["description"] = json!("100; \"credits\"");
    let (_, early) = post(&sandbox, "payments", "early", &body).await;
    let early = early["id"].as_str().unwrap();
    let late = create(&sandbox, "late").await;
    create(&sandbox, "never paid").await;
    sandbox.post(&format!("/checkout/{early}/succeed"), json!({})).await;
    sandbox.advance(HOUR_MS * 3 / 4).await;
    sandbox.post(&format!("/checkout/{late}/succeed"), json!({})).await;
    sandbox.post(&format!("/checkout/{early}/refund"), json!({"amount": "40.00"})).await;
    let (second_day, _) = moscow(&sandbox).await;
    let csv = async |date: &str, kind: &str| {
        let (status, name, bytes) = file(&sandbox, &format!("date={date}&kind={kind}&format=csv")).await;
        assert_eq!(status, 200);
        assert!(name.contains(&format!("yoomoney-{kind}-100500-{date}.csv")), "{name}");
        let text = String::from_utf8(bytes).unwrap();
        text.strip_prefix('\u{feff}').unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = csv(&first_day, "payments").await;
    assert_eq!(lines[0], "РЕЕСТР ПЛАТЕЖЕЙ ПО ДОГОВОРУ НЭК.000000.01 (100500)");
    assert_eq!(lines[1], format!("Дата платежей: {first_day}"));
    assert!(lines[3].starts_with(&format!("{early};100.00;RUB;96.50;2.87;")), "{}", lines[3]);
    assert!(
        lines[3].contains(";\"100; \"\"credits\"\"\";AC;") && lines[3].ends_with(";0.63"),
        "{}",
        lines[3]
    );
    assert_eq!(lines[4..6], ["", "Сумма принятых платежей: 100.00 RUB"]);
    assert_eq!(lines[7], "Число платежей: 1");
    let lines = csv(&second_day, "payments").await;
    assert!(lines[3].starts_with(&late) && lines.len() == 8, "{lines:?}");
    let made = lines[3].split(';').nth(5).unwrap();
    assert_eq!(made[..10].split('.').rev().collect::<Vec<_>>().join("-"), first_day, "made the day before");
    let lines = csv(&second_day, "refunds").await;
    assert!(lines[3].contains(&format!(";{early};40.00;RUB;")), "{}", lines[3]);
    assert_eq!(lines[5..], ["Сумма возвратов: 40.00 RUB", "Число возвратов: 1"]);
    assert_eq!(csv(&first_day, "refunds").await[4], "Сумма возвратов: 0.00 RUB");
    let (_, late) = get(&sandbox, &format!("payments/{late}")).await;
    assert!(late["captured_at"].as_str().unwrap() > &*format!("{first_day}T21:"), "Greenwich is behind");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_book_is_a_zip_and_nonsense_is_refused() {
    let sandbox = Sandbox::start().await;
    for kind in ["payments", "refunds", "all"] {
        let (status, name, bytes) = file(&sandbox, &format!("date=2026-11-21&kind={kind}&format=xlsx")).await;
        assert!(status == 200 && name.ends_with("2026-11-21.xlsx\"") && bytes.starts_with(b"PK"), "{name}");
    }
    for wrong in [
        "date=2026-02-31&kind=payments&format=csv",
        "date=2026-11-21&kind=all&format=csv",
        "date=2026-11-21&kind=money&format=csv",
        "date=2026-11-21&kind=payments",
    ] {
        let (status, _, bytes) = file(&sandbox, wrong).await;
        assert_eq!(status, 400, "{wrong}: {}", String::from_utf8_lossy(&bytes));
    }
    sandbox.stop().await;
}
