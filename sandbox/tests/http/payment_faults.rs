//! What can go wrong around a payment, on demand: outcomes unknown to the caller, notifications that
//! overtake or crowd, answers that say something else, lists that lag.

use std::sync::Arc;

use axum::{Router, http::StatusCode, routing::post as on_post};
use sandbox::Options;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Barrier};

use super::{
    support::{DEADLINE, Receiver, Sandbox, calm},
    yookassa::{create, get, notified, payment, post},
};

async fn bend(sandbox: &Sandbox, call: &str, fault: Value) {
    sandbox.fault(json!({"vendor": "yookassa", "call": call, "fault": fault})).await;
}

async fn paid(sandbox: &Sandbox, key: &str) -> String {
    let id = create(sandbox, key).await;
    sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
    id
}

fn count(books: &Value, kind: &str) -> usize {
    books["yookassa"][kind].as_array().unwrap().len()
}

#[tokio::test]
async fn a_500_leaves_the_effect_or_not_and_the_key_finds_out() {
    let sandbox = Sandbox::start().await;
    let id = paid(&sandbox, "k").await;
    let refund = json!({"payment_id": id, "amount": {"value": "10.00", "currency": "RUB"}});
    for (key, after, there) in [("before", false, 0), ("after", true, 2)] {
        bend(&sandbox, "create_refund", json!({"status": 500, "after_effect": after})).await;
        let (status, error) = post(&sandbox, "refunds", key, &refund).await;
        assert_eq!((status, &error["code"]), (500, &json!("internal_server_error")));
        assert_eq!(count(&sandbox.get("/books").await, "refunds"), there, "{key}");
        let (_, first) = post(&sandbox, "refunds", key, &refund).await;
        let (_, again) = post(&sandbox, "refunds", key, &refund).await;
        assert_eq!(first, again);
    }
    assert_eq!(count(&sandbox.get("/books").await, "refunds"), 2, "one a key");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_notification_overtakes_the_answer_of_the_create_call() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = notified(&receiver).await;
    bend(&sandbox, "create_payment", json!({"hold_ms": 60_000})).await;
    let body = payment();
    let (made, id) = tokio::join!(post(&sandbox, "payments", "k", &body), async {
        let books = sandbox.until("/books", |books| count(books, "payments") == 1).await;
        let id = books["yookassa"]["payments"][0]["id"].as_str().unwrap().to_owned();
        sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
        assert_eq!(receiver.wait(1).await[0].body["object"]["id"], json!(id));
        assert!(sandbox.get("/arrivals").await["arrivals"][0]["status"].is_null(), "still open");
        sandbox.http.delete(format!("{}/faults", sandbox.base)).send().await.unwrap();
        id
    });
    assert_eq!((made.0, &made.1["id"], &made.1["status"]), (200, &json!(id), &json!("pending")));
    sandbox.stop().await;
}

#[tokio::test]
async fn duplicates_come_side_by_side() {
    let (all_here, listener) = (Arc::new(Barrier::new(5)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let meet = all_here.clone();
    // Nobody is answered before all five are in.
    let app = Router::new().route(
        "/",
        on_post(async move || {
            meet.wait().await;
        }),
    );
    let door = tokio::spawn(async move { axum::serve(listener, app).await });
    let sandbox = Sandbox::with(Options { yookassa_notify_url: Some(url), ..calm() }).await;
    bend(&sandbox, "notification", json!({"duplicate": 4})).await;
    paid(&sandbox, "k").await;
    let told = sandbox
        .until("/books", |books| {
            books["yookassa"]["notifications"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["outcome"] == "delivered")
        })
        .await;
    assert_eq!(count(&told, "notifications"), 5);
    door.abort();
    sandbox.stop().await;
}

#[tokio::test]
async fn a_notification_comes_again_for_a_day_of_a_fast_clock() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = Router::new().route("/", on_post(async || StatusCode::SERVICE_UNAVAILABLE));
    let door = tokio::spawn(async move { axum::serve(listener, app).await });
    let sandbox = Sandbox::with(Options { yookassa_notify_url: Some(url), ..calm() }).await;
    let id = paid(&sandbox, "k").await;
    let line = async |fits: &dyn Fn(&Value) -> bool| {
        let books = sandbox.until("/books", |books| fits(&books["yookassa"]["notifications"][0])).await;
        books["yookassa"]["notifications"][0].clone()
    };
    // Every ten minutes at the latest.
    for attempt in 1..=20 {
        line(&|line| line["attempts"].as_u64() >= Some(attempt)).await;
        sandbox.advance(600_000).await;
    }
    let waiting = line(&|line| line["attempts"].as_u64() >= Some(20)).await;
    assert_eq!(waiting["outcome"], "waiting");
    sandbox.advance(24 * 3_600_000).await;
    assert_eq!(line(&|line| line["outcome"] == "given up").await["status"], 503);
    assert_eq!(get(&sandbox, &format!("payments/{id}")).await.1["status"], "succeeded");
    door.abort();
    sandbox.stop().await;
}

#[tokio::test]
async fn an_answer_can_name_another_sum_shop_or_kind_of_shop() {
    let sandbox = Sandbox::start().await;
    let id = paid(&sandbox, "k").await;
    let (_, right) = get(&sandbox, &format!("payments/{id}")).await;
    for (patch, pointer) in [
        (json!({"amount": {"value": "1.00"}}), "/amount/value"),
        (json!({"amount": {"currency": "USD"}}), "/amount/currency"),
        (json!({"recipient": {"account_id": "7"}}), "/recipient/account_id"),
        (json!({"test": false}), "/test"),
        (json!({"metadata": {"payment_id": "another"}}), "/metadata/payment_id"),
        (json!({"status": "pending", "paid": false}), "/status"),
    ] {
        bend(&sandbox, "get_payment", json!({"patch": patch})).await;
        let (_, wrong) = get(&sandbox, &format!("payments/{id}")).await;
        assert_ne!(wrong.pointer(pointer), right.pointer(pointer), "{pointer}");
        assert_eq!(get(&sandbox, &format!("payments/{id}")).await.1, right, "once");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_stale_canceled_can_follow() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = notified(&receiver).await;
    let stale = json!({"event": "payment.canceled", "object": {"status": "canceled", "paid": false}});
    bend(&sandbox, "notification", json!({"patch": stale, "late_ms": 3_600_000})).await;
    let id = paid(&sandbox, "k").await;
    sandbox.advance(3_600_000).await;
    let told = receiver.wait(1).await.remove(0).body;
    assert_eq!((&told["event"], &told["object"]["status"]), (&json!("payment.canceled"), &json!("canceled")));
    assert_eq!(get(&sandbox, &format!("payments/{id}")).await.1["status"], "succeeded");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_list_can_lag_and_a_row_that_left_the_filter_does_not_break_its_page() {
    let sandbox = Sandbox::with(Options { dates_follow_clock: true, ..calm() }).await;
    let old = create(&sandbox, "old").await;
    sandbox.advance(60_000).await;
    let middle = create(&sandbox, "middle").await;
    sandbox.advance(1000).await;
    let ids = async |query: &str| {
        let (_, page) = get(&sandbox, &format!("payments?{query}")).await;
        let items = page["items"].as_array().unwrap().iter().map(|one| one["id"].clone());
        (items.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
    };
    bend(&sandbox, "list_payments", json!({"behind_ms": 30_000})).await;
    assert_eq!(ids("limit=10").await.0, [json!(old)], "the newest is not listed yet");
    let (first, cursor) = ids("limit=1&status=pending").await;
    assert_eq!(first, [json!(middle)]);
    sandbox.post(&format!("/checkout/{middle}/succeed"), json!({})).await;
    let next = ids(&format!("limit=1&status=pending&cursor={}", cursor.unwrap())).await;
    assert_eq!(next, (vec![json!(old)], None));
    tokio::time::timeout(DEADLINE, sandbox.stop()).await.unwrap();
}
