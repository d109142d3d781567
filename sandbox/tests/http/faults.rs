//! Faults: each does what README.md says, as often as asked, and is counted.

use std::time::Duration;

use sandbox::Options;
use serde_json::{Value, json};

use super::support::{BOT, Receiver, Sandbox, calm};

async fn generate(sandbox: &Sandbox, text: &str) -> Result<(u16, Value), reqwest::Error> {
    let url = format!("{}/gemini/v1beta/models/gemini-3-pro-image:generateContent", sandbox.base);
    let body = json!({"contents": [{"parts": [{"text": text}]}]});
    let answer = sandbox.http.post(url).header("x-goog-api-key", "k").json(&body).send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

async fn create(sandbox: &Sandbox, key: &str) -> Result<(u16, Value), reqwest::Error> {
    let body = json!({"amount": {"value": "100.00", "currency": "RUB"}, "capture": true,
                      "confirmation": {"type": "redirect", "return_url": "https://t.me/bot"}});
    let url = format!("{}/yookassa/v3/payments", sandbox.base);
    let request =
        sandbox.http.post(url).basic_auth("1", Some("k")).header("Idempotence-Key", key).json(&body);
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

async fn payments(sandbox: &Sandbox) -> usize {
    sandbox.get("/books").await["yookassa"]["payments"].as_array().unwrap().len()
}

#[tokio::test]
async fn drops_cut_the_line_before_or_after_the_effect() {
    let sandbox = Sandbox::start().await;
    let fault = |name: &str| json!({"vendor": "yookassa", "call": "create_payment", "fault": name});
    sandbox.fault(fault("drop_before")).await;
    assert!(create(&sandbox, "k").await.is_err());
    assert_eq!(payments(&sandbox).await, 0);
    sandbox.fault(fault("drop_after")).await;
    assert!(create(&sandbox, "k").await.is_err());
    assert_eq!(payments(&sandbox).await, 1);
    sandbox.fault(json!({"vendor": "yookassa", "call": "create_payment", "fault": {"status": 500, "after_effect": true}})).await;
    let (status, error) = create(&sandbox, "k2").await.unwrap();
    assert_eq!((status, &error["code"]), (500, &json!("internal_server_error")));
    assert_eq!(payments(&sandbox).await, 2);
    create(&sandbox, "k").await.unwrap();
    create(&sandbox, "k2").await.unwrap();
    assert_eq!(payments(&sandbox).await, 2);
    let arrivals = sandbox.get("/arrivals?vendor=yookassa").await["arrivals"].clone();
    let statuses: Vec<_> = arrivals.as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [json!(null), json!(null), json!(500), json!(200), json!(200)]);
    assert_eq!(arrivals[0]["headers"]["idempotence-key"], "k");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_fault_fires_as_often_as_asked_for_whom_it_is_meant() {
    let sandbox = Sandbox::start().await;
    sandbox
        .fault(json!({"vendor": "gemini", "call": "generatecontent", "fault": {"status": 503}, "times": 2, "match": "a fox"}))
        .await;
    assert_eq!(generate(&sandbox, "a palm").await.unwrap().0, 200);
    for wanted in [503, 503, 200] {
        assert_eq!(generate(&sandbox, "a fox").await.unwrap().0, wanted);
    }
    let faults = sandbox.get("/faults").await;
    assert_eq!((&faults["faults"][0]["fired"], &faults["faults"][0]["left"]), (&json!(2), &json!(0)));
    let calls = sandbox.get("/books").await["gemini"]["calls"].clone();
    let billed: Vec<_> = calls.as_array().unwrap().iter().map(|call| call["billed"].clone()).collect();
    assert_eq!(billed, [true, false, false, true]);
    for bad in [
        json!({"vendor": "gemini", "fault": "nonsense"}),
        json!({"vendor": "gemini", "fault": {}}),
        json!({"vendor": "gemini", "fault": {"status": 200}}),
        json!({"vendor": "gemini", "call": "sendMessage", "fault": "500"}),
        json!({"vendor": "gemini", "fault": "500", "times": 0}),
        json!({"vendor": "mail", "fault": "500"}),
    ] {
        assert_eq!(sandbox.post("/faults", bad).await.0, 400);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn gemini_refuses_in_all_its_ways() {
    let sandbox = Sandbox::start().await;
    let with = async |fault: Value| {
        sandbox.fault(json!({"vendor": "gemini", "fault": fault})).await;
        generate(&sandbox, "a palm").await.unwrap()
    };
    let reason = |answer: &Value| answer["candidates"][0]["finishReason"].clone();
    let (_, answer) = with(json!("no_image")).await;
    assert_eq!((reason(&answer), &answer["candidates"][0]["content"]), (json!("NO_IMAGE"), &json!({})));
    let (_, answer) = with(json!("prompt_blocked")).await;
    assert_eq!(
        (&answer["promptFeedback"]["blockReason"], answer.get("candidates")),
        (&json!("PROHIBITED_CONTENT"), None)
    );
    assert_eq!(reason(&with(json!("image_safety")).await.1), "IMAGE_SAFETY");
    assert_eq!(reason(&with(json!({"finish": "A_NEW_REASON"})).await.1), "A_NEW_REASON");
    let (_, answer) = with(json!("text_instead")).await;
    assert!(answer["candidates"][0]["content"]["parts"][0].get("text").is_some());
    let (_, answer) = with(json!("huge_signature")).await;
    assert!(answer.to_string().len() > 2_000_000);
    let (_, answer) = with(json!("not_a_picture")).await;
    assert!(answer["candidates"][0]["content"]["parts"].as_array().unwrap().len() > 1);
    let (_, answer) = with(json!("image_in_thought")).await;
    assert_eq!(
        answer["candidates"][0]["content"]["parts"].as_array().unwrap().last().unwrap()["thought"],
        true
    );
    let (status, answer) = with(json!({"status": 429, "quota": "day", "retry_after": 34.4})).await;
    assert_eq!(status, 429);
    assert!(answer["error"]["details"][0]["violations"][0]["quotaId"].as_str().unwrap().contains("PerDay"));
    assert_eq!(answer["error"]["details"][1]["retryDelay"], "34.4s");
    let (_, answer) = with(json!({"status": 400, "code": "API_KEY_INVALID"})).await;
    assert_eq!(answer["error"]["details"][0]["reason"], "API_KEY_INVALID");
    sandbox.fault(json!({"vendor": "gemini", "fault": "truncated"})).await;
    assert!(generate(&sandbox, "a palm").await.is_err());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_held_call_is_in_the_books_and_goes_on_when_its_caller_hangs_up() {
    let sandbox = Sandbox::start().await;
    sandbox.fault(json!({"vendor": "gemini", "fault": {"hold_ms": 60_000}, "times": 2})).await;
    let abandoned = tokio::time::timeout(Duration::from_millis(300), generate(&sandbox, "abandoned")).await;
    assert!(abandoned.is_err());
    let held = generate(&sandbox, "held");
    let (held, ()) = tokio::join!(held, async {
        sandbox
            .until("/books", |books| {
                let calls = books["gemini"]["calls"].as_array().unwrap();
                calls.len() == 2 && calls.iter().all(|call| call["outcome"] == "picture")
            })
            .await;
        let arrivals = sandbox.get("/arrivals?vendor=gemini").await;
        assert!(arrivals["arrivals"].as_array().unwrap().iter().all(|one| one["status"].is_null()));
        sandbox.http.delete(format!("{}/faults", sandbox.base)).send().await.unwrap();
    });
    assert_eq!(held.unwrap().0, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn telegram_fails_in_its_own_words() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let body = json!({"chat_id": 7, "text": "x"});
    sandbox
        .fault(
            json!({"vendor": "telegram", "call": "sendMessage", "fault": {"status": 429, "retry_after": 3}}),
        )
        .await;
    let (status, answer) = sandbox.post(&format!("{BOT}/sendMessage"), body.clone()).await;
    assert_eq!((status, &answer["parameters"]["retry_after"]), (429, &json!(3)));
    sandbox.fault(json!({"vendor": "telegram", "call": "sendMessage", "fault": "502"})).await;
    assert_eq!(sandbox.refused("sendMessage", body.clone()).await, (502, "Bad Gateway".to_owned()));
    sandbox.fault(json!({"vendor": "telegram", "call": "sendMessage", "fault": "drop_after"})).await;
    assert!(
        sandbox.http.post(format!("{}{BOT}/sendMessage", sandbox.base)).json(&body).send().await.is_err()
    );
    assert_eq!(sandbox.get("/people/7/chat").await["messages"].as_array().unwrap().len(), 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn updates_are_doubled_and_answers_lost() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(&[]).await;
    sandbox.bot("setWebhook", json!({"url": receiver.url})).await;
    sandbox.fault(json!({"vendor": "telegram", "call": "webhook", "fault": {"duplicate": 2}})).await;
    sandbox.says(7, "thrice").await;
    let received = receiver.wait(3).await;
    assert!(received.iter().all(|one| one.body == received[0].body));
    sandbox.fault(json!({"vendor": "telegram", "call": "webhook", "fault": "drop_after"})).await;
    sandbox.says(7, "again").await;
    receiver.wait(4).await;
    sandbox
        .until(&format!("{BOT}/getWebhookInfo"), |info| !info["result"]["last_error_message"].is_null())
        .await;
    sandbox.advance(2000).await;
    let received = receiver.wait(5).await;
    assert_eq!(received[3].body, received[4].body);
    sandbox.stop().await;
}

#[tokio::test]
async fn notifications_are_doubled_lost_late_and_out_of_order() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = Sandbox::with(Options { yookassa_notify_url: Some(receiver.url.clone()), ..calm() }).await;
    let bend =
        |fault: Value| sandbox.fault(json!({"vendor": "yookassa", "call": "notification", "fault": fault}));
    let pay = async |key: &str| {
        let id = create(&sandbox, key).await.unwrap().1["id"].as_str().unwrap().to_owned();
        sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
        id
    };
    bend(json!({"duplicate": 4})).await;
    let doubled = pay("a").await;
    let received = receiver.wait(5).await;
    assert!(received.iter().all(|one| one.body["object"]["id"] == json!(doubled)));
    bend(json!("lost")).await;
    pay("b").await;
    bend(json!("reordered")).await;
    let first = pay("c").await;
    let second = pay("d").await;
    let received = receiver.wait(7).await;
    assert_eq!(
        (&received[5].body["object"]["id"], &received[6].body["object"]["id"]),
        (&json!(second), &json!(first))
    );
    bend(json!({"late_ms": 3_600_000})).await;
    let late = pay("e").await;
    let on_time = pay("f").await;
    assert_eq!(receiver.wait(8).await[7].body["object"]["id"], json!(on_time));
    sandbox.advance(3_600_000).await;
    assert_eq!(receiver.wait(9).await[8].body["object"]["id"], json!(late));
    sandbox.stop().await;
}

#[tokio::test]
async fn answers_and_notifications_can_say_something_else() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = Sandbox::with(Options { yookassa_notify_url: Some(receiver.url.clone()), ..calm() }).await;
    let (_, created) = create(&sandbox, "a").await.unwrap();
    let id = created["id"].as_str().unwrap();
    let patch = json!({"amount": {"value": "1.00"}, "description": null});
    sandbox.fault(json!({"vendor": "yookassa", "call": "get_payment", "fault": {"patch": patch}})).await;
    let read = async || {
        let url = format!("{}/yookassa/v3/payments/{id}", sandbox.base);
        let answer = sandbox.http.get(url).basic_auth("1", Some("k")).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["amount"].clone()
    };
    assert_eq!(read().await, json!({"value": "1.00", "currency": "RUB"}));
    assert_eq!(read().await, json!({"value": "100.00", "currency": "RUB"}));
    let patch = json!({"object": {"status": "pending"}});
    sandbox.fault(json!({"vendor": "yookassa", "call": "notification", "fault": {"patch": patch}})).await;
    sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
    assert_eq!(receiver.wait(1).await[0].body["object"]["status"], "pending");
    sandbox.stop().await;
}

#[tokio::test]
async fn taking_one_fault_back_leaves_the_others() {
    let sandbox = Sandbox::start().await;
    let add = async |text: &str| {
        let fault = json!({"vendor": "gemini", "fault": {"hold_ms": 60_000}, "match": text});
        sandbox.post("/faults", fault).await.1["id"].as_u64().unwrap()
    };
    let (one, other) = (add("one").await, add("other").await);
    let remove = |id: u64| sandbox.http.delete(format!("{}/faults/{id}", sandbox.base)).send();
    let (first, second, ()) = tokio::join!(
        generate(&sandbox, "one"),
        tokio::time::timeout(Duration::from_millis(700), generate(&sandbox, "other")),
        async {
            sandbox.until("/books", |books| books["gemini"]["calls"].as_array().unwrap().len() == 2).await;
            assert_eq!(remove(one).await.unwrap().status(), 200);
        }
    );
    assert_eq!(first.unwrap().0, 200);
    assert!(second.is_err(), "still held");
    assert_eq!(remove(other).await.unwrap().status(), 200);
    assert_eq!(remove(other).await.unwrap().status(), 404);
    sandbox.stop().await;
}
