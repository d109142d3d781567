//! What is kept across a restart, and settings that change while running.

use sandbox::Options;
use serde_json::json;

use super::{
    support::{Receiver, Sandbox, calm, picture},
    yookassa::{SHOP, create, get, payment, post},
};

#[tokio::test]
async fn books_chats_and_files_are_kept() {
    let folder = std::env::temp_dir().join(format!("sandbox-state-{}", uuid::Uuid::new_v4()));
    let options = || Options { state_file: Some(folder.join("state.json")), ..calm() };
    let sandbox = Sandbox::with(options()).await;
    let part = reqwest::multipart::Part::bytes(picture(64, 64, image::ImageFormat::Png)).file_name("a.png");
    let form = reqwest::multipart::Form::new().part("photo", part).text("caption", "keep me");
    sandbox.http.post(format!("{}/people/7/messages", sandbox.base)).multipart(form).send().await.unwrap();
    let chat = sandbox.get("/people/7/chat").await;
    let id = chat["messages"][0]["photo"][0]["file_id"].as_str().unwrap().to_owned();
    sandbox.stop().await;

    let sandbox = Sandbox::with(options()).await;
    assert_eq!(sandbox.get("/people/7/chat").await["messages"], chat["messages"]);
    let file =
        sandbox.http.get(format!("{}/files/{id}", sandbox.base)).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(file, picture(64, 64, image::ImageFormat::Png));
    let updates = sandbox.bot("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"]["caption"], "keep me", "an update nobody took waits on");
    let next = sandbox.says(7, "more").await;
    assert!(next["message_id"].as_i64() > chat["messages"][0]["message_id"].as_i64());
    sandbox.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_is_answered_for_while_it_stops_is_kept() {
    let file = std::env::temp_dir().join(format!("sandbox-state-{}", uuid::Uuid::new_v4()));
    let options = || Options { state_file: Some(file.clone()), ..calm() };
    let sandbox = Sandbox::with(options()).await;
    let late = json!({"vendor": "yookassa", "call": "create_payment", "fault": {"delay_ms": 300}});
    sandbox.fault(late).await;
    let (http, url) = (sandbox.http.clone(), format!("{}/yookassa/v3/payments", sandbox.base));
    let request =
        http.post(url).basic_auth(SHOP.0, Some(SHOP.1)).header("Idempotence-Key", "k").json(&payment());
    let asked = tokio::spawn(request.send());
    sandbox.until("/faults", |answer| answer["faults"][0]["fired"] == 1).await;
    sandbox.stop().await;
    let created: serde_json::Value = asked.await.unwrap().unwrap().json().await.unwrap();

    let sandbox = Sandbox::with(options()).await;
    let id = created["id"].as_str().expect("it was answered");
    assert_eq!(get(&sandbox, &format!("payments/{id}")).await.0, 200);
    sandbox.stop().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused() {
    let file = std::env::temp_dir().join(format!("sandbox-state-{}", uuid::Uuid::new_v4()));
    std::fs::write(&file, "{").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { state_file: Some(file.clone()), ..calm() };
    let error =
        sandbox::serve(listener, options, tokio_util::sync::CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, sandbox::Error::State(_)));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn the_shops_url_can_be_set_while_running() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(&[]).await;
    let put =
        |body: serde_json::Value| sandbox.http.put(format!("{}/settings", sandbox.base)).json(&body).send();
    assert_eq!(put(json!({"yookassa_notify_url": "nonsense"})).await.unwrap().status(), 400);
    assert_eq!(put(json!({"unknown": 1})).await.unwrap().status(), 400);
    assert_eq!(put(json!({"yookassa_notify_url": receiver.url})).await.unwrap().status(), 200);
    let body = json!({"amount": {"value": "1.00", "currency": "RUB"}, "capture": true, "confirmation": {"type": "embedded"}});
    let url = format!("{}/yookassa/v3/payments", sandbox.base);
    let created =
        sandbox.http.post(url).basic_auth("1", Some("k")).header("Idempotence-Key", "k").json(&body);
    let created: serde_json::Value = created.send().await.unwrap().json().await.unwrap();
    sandbox.post(&format!("/checkout/{}/expire", created["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(receiver.wait(1).await[0].body["event"], "payment.canceled");
    sandbox.stop().await;
}

#[tokio::test]
async fn arrivals_are_written_down_as_they_are_answered() {
    let folder = std::env::temp_dir().join(format!("sandbox-arrivals-{}", uuid::Uuid::new_v4()));
    let sandbox = Sandbox::with(Options { arrivals_dir: Some(folder.clone()), ..calm() }).await;
    sandbox.bot("getMe", json!({})).await;
    sandbox.fault(json!({"vendor": "telegram", "call": "getMe", "fault": 500})).await;
    sandbox.post(&format!("{}/getMe", crate::support::BOT), json!({})).await;
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let lines: Vec<serde_json::Value> = std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, *sandbox.get("/arrivals").await["arrivals"].as_array().unwrap());
    assert_eq!((lines.len(), &lines[1]["status"]), (2, &json!(500)));
    sandbox.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn payments_are_found_by_id_key_and_deadline_after_a_restart() {
    let file = std::env::temp_dir().join(format!("sandbox-state-{}", uuid::Uuid::new_v4()));
    let options = || Options { state_file: Some(file.clone()), ..calm() };
    let sandbox = Sandbox::with(options()).await;
    let paid = create(&sandbox, "paid").await;
    sandbox.post(&format!("/checkout/{paid}/succeed"), json!({})).await;
    let refund = json!({"payment_id": paid, "amount": {"value": "60.00", "currency": "RUB"}});
    let (_, first) = post(&sandbox, "refunds", "r", &refund).await;
    let open = create(&sandbox, "open").await;
    sandbox.stop().await;
    let sandbox = Sandbox::with(options()).await;
    assert_eq!(create(&sandbox, "paid").await, paid, "the key is known");
    assert_eq!(get(&sandbox, &format!("refunds/{}", first["id"].as_str().unwrap())).await, (200, first));
    assert_eq!(
        post(&sandbox, "refunds", "more", &refund).await.1["parameter"],
        "amount.value",
        "40 are left"
    );
    sandbox.advance(3_600_000).await;
    let path = "/books";
    let books = sandbox.until(path, |books| books["yookassa"]["payments"][1]["status"] == "canceled").await;
    assert_eq!(books["yookassa"]["payments"][1]["id"], json!(open));
    sandbox.advance(24 * 3_600_000).await;
    assert_ne!(create(&sandbox, "paid").await, paid, "a day later the key is forgotten");
    sandbox.stop().await;
    std::fs::remove_file(&file).unwrap();
}
