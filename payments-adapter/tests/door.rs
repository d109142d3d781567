//! The door for notifications while the ledger is away: what is refused without it, and what must be
//! brought again.

mod support;

use std::{sync::Arc, time::Duration};

use payments_adapter::{
    notify::{self, Door, address::Filter},
    proof::{Expected, Prover, Told},
};
use proto_events::Producer;
use serde_json::json;
use service::ledger::Ledger;
use support::{Vendor, payment, words};
use tokio::net::TcpListener;

/// Nobody answers there.
async fn absent_ledger() -> Ledger {
    let client = async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .request_timeout(Some(Duration::from_millis(100)))
        .connect("127.0.0.1:1")
        .await
        .unwrap();
    Ledger::new(client, Producer::Payments).with_deadline(Duration::from_millis(200))
}

async fn door(vendor: &Vendor, door: Door) -> String {
    let prover = Prover {
        ledger: absent_ledger().await,
        yookassa: vendor.client("test_key"),
        expected: Expected { shop_id: "100500".into(), test: true, shared_shop: false },
        told: Told::default(),
    };
    let router = notify::router(door, Arc::new(prover));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/yookassa/webhook", listener.local_addr().unwrap());
    let app = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn knock(url: &str, body: impl Into<reqwest::Body>) -> u16 {
    reqwest::Client::new().post(url).body(body).send().await.unwrap().status().as_u16()
}

fn notification(event: &str, id: &str) -> String {
    json!({"type": "notification", "event": event, "object": {"id": id, "status": "succeeded"}}).to_string()
}

#[tokio::test]
async fn what_is_no_notification_is_refused_and_what_is_none_of_ours_is_taken() {
    let vendor = Vendor::start().await;
    let url = door(&vendor, Door::default()).await;
    assert_eq!(knock(&url, "not json").await, 400);
    assert_eq!(knock(&url, json!({"event": "payment.succeeded"}).to_string()).await, 400);
    assert_eq!(knock(&url, notification("payment.succeeded", "../../me")).await, 400);
    assert_eq!(knock(&url, vec![b' '; 70_000]).await, 413);
    assert_eq!(knock(&format!("{url}/guess"), notification("payment.succeeded", "x")).await, 404);
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 405);
    assert_eq!(knock(&url, notification("payment_method.active", "x")).await, 200);
    assert_eq!(knock(&url, notification("refund.succeeded", "x")).await, 200);
    assert_eq!(knock(&url, notification("payment.succeeded", "nobody-knows-it")).await, 200);
    vendor.end().await;
}

#[tokio::test]
async fn what_cannot_be_proven_now_is_to_be_brought_again() {
    let vendor = Vendor::start().await;
    let url = door(&vendor, Door::default()).await;
    let made = vendor.client("test_key").create(payment(1), &words(payment(1), "1.00")).await.unwrap();
    let body = notification("payment.succeeded", &made.id);
    assert_eq!(knock(&url, body.clone()).await, 503, "the ledger is away");
    vendor.fault("get_payment", json!(500)).await;
    assert_eq!(knock(&url, body.clone()).await, 503, "YooKassa does not show it");
    vendor.end().await;
    assert_eq!(knock(&url, body).await, 503, "YooKassa is away");
}

#[tokio::test]
async fn a_payment_that_names_none_of_ours_is_not_let_be_before_the_ledger_was_asked() {
    let vendor = Vendor::start().await;
    let url = door(&vendor, Door::default()).await;
    let mut foreign = words(payment(1), "1.00");
    foreign.metadata.clear();
    let made = vendor.client("test_key").create(payment(1), &foreign).await.unwrap();
    assert_eq!(
        knock(&url, notification("payment.succeeded", &made.id)).await,
        503,
        "Telegram may have told of it"
    );
    vendor.end().await;
}

#[tokio::test]
async fn the_secret_and_the_filter_keep_strangers_out() {
    let vendor = Vendor::start().await;
    let url = door(&vendor, Door { secret: Some("the-secret".into()), ..Door::default() }).await;
    let body = notification("payment_method.active", "x");
    assert_eq!(knock(&url, body.clone()).await, 404);
    assert_eq!(knock(&format!("{url}/the-secreT"), body.clone()).await, 404);
    assert_eq!(knock(&format!("{url}/the-secret"), body.clone()).await, 200);
    let url = door(&vendor, Door { filter: Filter::parse("yookassa"), ..Door::default() }).await;
    let spoofed =
        reqwest::Client::new().post(&url).header("x-forwarded-for", "185.71.76.1").body(body.clone());
    assert_eq!(spoofed.send().await.unwrap().status(), 403);
    let url = door(&vendor, Door { filter: Filter::parse("127.0.0.0/8"), ..Door::default() }).await;
    assert_eq!(knock(&url, body).await, 200);
    vendor.end().await;
}
