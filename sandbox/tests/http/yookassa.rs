//! YooKassa: idempotence, checks, the way of a payment, lists, refunds, notifications.

use sandbox::Options;
use serde_json::{Value, json};

use super::support::{Receiver, Sandbox, calm};

pub(crate) const SHOP: (&str, &str) = ("100500", "test_key");

pub(crate) fn payment() -> Value {
    json!({"amount": {"value": "100.00", "currency": "RUB"}, "capture": true, "description": "100 credits",
           "confirmation": {"type": "redirect", "return_url": "https://t.me/bot"}, "metadata": {"payment_id": "p-1"}})
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, key: &str, body: &Value) -> (u16, Value) {
    let request = sandbox
        .http
        .post(format!("{}/yookassa/v3/{path}", sandbox.base))
        .basic_auth(SHOP.0, Some(SHOP.1))
        .header("Idempotence-Key", key)
        .json(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub(crate) async fn get(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    let request =
        sandbox.http.get(format!("{}/yookassa/v3/{path}", sandbox.base)).basic_auth(SHOP.0, Some(SHOP.1));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub(crate) async fn create(sandbox: &Sandbox, key: &str) -> String {
    let (status, created) = post(sandbox, "payments", key, &payment()).await;
    assert_eq!(status, 200, "{created}");
    created["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn notified(receiver: &Receiver) -> Sandbox {
    Sandbox::with(Options { yookassa_notify_url: Some(receiver.url.clone()), ..calm() }).await
}

#[tokio::test]
async fn a_key_makes_one_payment() {
    let sandbox = Sandbox::start().await;
    let (_, first) = post(&sandbox, "payments", "k", &payment()).await;
    assert_eq!(first["status"], "pending");
    assert_eq!(
        first["confirmation"]["confirmation_url"],
        format!("{}/checkout/{}", sandbox.base, first["id"].as_str().unwrap())
    );
    let body = payment();
    let (a, b) = tokio::join!(post(&sandbox, "payments", "k", &body), post(&sandbox, "payments", "k", &body));
    assert_eq!((&a.1, &b.1), (&first, &first));
    let mut other = payment();
    other["amount"]["value"] = json!("200.00");
    let (status, refused) = post(&sandbox, "payments", "k", &other).await;
    assert_eq!(
        (status, &refused["code"], &refused["parameter"]),
        (400, &json!("invalid_request"), &json!("Idempotence-Key"))
    );
    assert_eq!(sandbox.get("/books").await["yookassa"]["payments"].as_array().unwrap().len(), 1);
    sandbox.advance(25 * 3_600_000).await;
    assert_ne!(post(&sandbox, "payments", "k", &payment()).await.1["id"], first["id"]);
    for key in ["", &"k".repeat(65)] {
        assert_eq!(post(&sandbox, "payments", key, &payment()).await.1["parameter"], "Idempotence-Key");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn wrong_requests_name_their_parameter() {
    let sandbox = Sandbox::start().await;
    let receipt = json!({"customer": {"email": "a@example.org"}, "items": [{"description": "x", "quantity": "1.0",
        "amount": {"value": "99.00", "currency": "RUB"}, "vat_code": 1}]});
    for (pointer, value, parameter) in [
        ("/amount/value", json!("100"), "amount.value"),
        ("/amount/value", json!("0.00"), "amount.value"),
        ("/amount/value", json!(100), "amount.value"),
        ("/amount/currency", json!("USD"), "amount.currency"),
        ("/description", json!("x".repeat(129)), "description"),
        ("/metadata", json!({"a": 1}), "metadata"),
        ("/metadata", json!({"x".repeat(33): "a"}), "metadata"),
        ("/confirmation/return_url", json!("nonsense"), "confirmation.return_url"),
        ("/receipt", receipt, "receipt.items"),
        ("/payment_method_data", json!({"type": "barter"}), "payment_method_data.type"),
    ] {
        let mut body = payment();
        for missing in ["receipt", "payment_method_data"] {
            body[missing] = Value::Null;
        }
        *body.pointer_mut(pointer).unwrap() = value;
        let (status, error) = post(&sandbox, "payments", "k", &body).await;
        assert_eq!(
            (status, &error["type"], &error["parameter"]),
            (400, &json!("error"), &json!(parameter)),
            "{error}"
        );
    }
    assert_eq!(sandbox.get("/books").await["yookassa"]["payments"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn shops_are_known_by_their_key_and_see_their_own() {
    let sandbox = Sandbox::start().await;
    let id = create(&sandbox, "k").await;
    let ask = async |shop: &str, key: Option<&str>| {
        let url = format!("{}/yookassa/v3/payments/{id}", sandbox.base);
        sandbox.http.get(url).basic_auth(shop, key).send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(SHOP.0, Some(SHOP.1)).await, 200);
    assert_eq!(ask(SHOP.0, Some("other")).await, 401);
    assert_eq!(ask("other", Some("key")).await, 404);
    let bare = sandbox.http.get(format!("{}/yookassa/v3/me", sandbox.base)).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.json::<Value>().await.unwrap()["code"], "invalid_credentials");
    assert_eq!(get(&sandbox, "me").await.1["test"], true);
    assert_eq!(get(&sandbox, "payments/nothing").await.0, 404);
    assert_eq!(get(&sandbox, "nonsense").await.0, 404);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_paid_payment_is_notified_until_200_without_a_signature() {
    let receiver = Receiver::start(&[500, 404]).await;
    let sandbox = notified(&receiver).await;
    let id = create(&sandbox, "k").await;
    let (status, paid) = sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
    assert_eq!((status, &paid["status"], &paid["paid"]), (200, &json!("succeeded"), &json!(true)));
    for attempt in 1..=2 {
        receiver.wait(attempt).await;
        sandbox
            .until("/books", |books| books["yookassa"]["notifications"][0]["attempts"] == json!(attempt))
            .await;
        sandbox.advance(600_000).await;
    }
    let received = receiver.wait(3).await;
    assert_eq!(received[2].body["event"], "payment.succeeded");
    assert_eq!(received[2].body["object"]["id"], json!(id));
    assert!(!received[2].headers.keys().any(|name| name.as_str().contains("signature")));
    sandbox.until("/books", |books| books["yookassa"]["notifications"][0]["outcome"] == "delivered").await;
    let (_, read) = get(&sandbox, &format!("payments/{id}")).await;
    assert_eq!(
        (&read["income_amount"]["value"], &read["refunded_amount"]["value"]),
        (&json!("96.50"), &json!("0.00"))
    );
    assert_eq!(sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await.0, 409);
    assert_eq!(sandbox.post(&format!("/checkout/{id}/decline"), json!({})).await.0, 409);
    assert_eq!(receiver.received().len(), 3);
    sandbox.stop().await;
}

#[tokio::test]
async fn payments_end_in_every_way() {
    let sandbox = Sandbox::start().await;
    let declined = create(&sandbox, "a").await;
    let (_, object) =
        sandbox.post(&format!("/checkout/{declined}/decline"), json!({"reason": "insufficient_funds"})).await;
    assert_eq!(
        object["cancellation_details"],
        json!({"party": "payment_network", "reason": "insufficient_funds"})
    );
    let forgotten = create(&sandbox, "b").await;
    sandbox.advance(3_600_000).await;
    let path = "/books";
    let books = sandbox.until(path, |books| books["yookassa"]["payments"][1]["status"] == "canceled").await;
    let details = &books["yookassa"]["payments"][1]["cancellation_details"];
    assert_eq!(details, &json!({"party": "yoo_money", "reason": "expired_on_confirmation"}), "{forgotten}");
    let mut held = payment();
    held["capture"] = json!(false);
    let (_, held) = post(&sandbox, "payments", "c", &held).await;
    let held = held["id"].as_str().unwrap();
    let (_, object) = sandbox.post(&format!("/checkout/{held}/succeed"), json!({})).await;
    assert_eq!(object["status"], "waiting_for_capture");
    let part = json!({"amount": {"value": "60.00", "currency": "RUB"}});
    let (_, object) = post(&sandbox, &format!("payments/{held}/capture"), "d", &part).await;
    assert_eq!((&object["status"], &object["amount"]["value"]), (&json!("succeeded"), &json!("60.00")));
    assert_eq!(post(&sandbox, &format!("payments/{held}/cancel"), "e", &json!({})).await.0, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn refunds_never_exceed_the_payment() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = notified(&receiver).await;
    let id = create(&sandbox, "k").await;
    let refund = |value: &str| json!({"payment_id": id, "amount": {"value": value, "currency": "RUB"}});
    assert_eq!(post(&sandbox, "refunds", "r0", &refund("10.00")).await.0, 400);
    sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
    let (_, first) = post(&sandbox, "refunds", "r1", &refund("30.00")).await;
    assert_eq!(first["status"], "succeeded");
    assert_eq!(post(&sandbox, "refunds", "r1", &refund("30.00")).await.1, first);
    assert_eq!(post(&sandbox, "refunds", "r2", &refund("70.01")).await.1["parameter"], "amount.value");
    let (status, by_hand) = sandbox.post(&format!("/checkout/{id}/refund"), json!({"amount": "20.00"})).await;
    assert_eq!((status, &by_hand["amount"]["value"]), (200, &json!("20.00")));
    sandbox.post(&format!("/checkout/{id}/refund"), json!({})).await;
    assert_eq!(sandbox.post(&format!("/checkout/{id}/refund"), json!({})).await.0, 409);
    let (_, read) = get(&sandbox, &format!("payments/{id}")).await;
    assert_eq!((&read["refunded_amount"]["value"], &read["refundable"]), (&json!("100.00"), &json!(false)));
    let events: Vec<Value> = receiver.wait(4).await.iter().map(|one| one.body["event"].clone()).collect();
    assert_eq!(events.iter().filter(|event| *event == "refund.succeeded").count(), 3);
    let (_, list) = get(&sandbox, &format!("refunds?payment_id={id}")).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_refund_may_take_its_time_or_fail() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = notified(&receiver).await;
    let id = create(&sandbox, "k").await;
    sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
    receiver.wait(1).await;
    let refund = |value: &str| json!({"payment_id": id, "amount": {"value": value, "currency": "RUB"}});
    let make = async |key: &str, status: &str| {
        let fault =
            json!({"vendor": "yookassa", "call": "create_refund", "fault": {"refund_status": status}});
        sandbox.fault(fault).await;
        post(&sandbox, "refunds", key, &refund("60.00")).await.1
    };
    assert_eq!(make("r1", "canceled").await["cancellation_details"]["reason"], "rejected_by_payee");
    let pending = make("r2", "pending").await;
    assert_eq!(pending["status"], "pending");
    assert_eq!(post(&sandbox, "refunds", "r3", &refund("60.00")).await.0, 400, "what is pending is taken");
    let finish = format!("/checkout/{}/succeed", pending["id"].as_str().unwrap());
    assert_eq!(sandbox.post(&finish, json!({})).await.1["status"], "succeeded");
    assert_eq!(sandbox.post(&finish, json!({})).await.0, 409);
    assert_eq!(receiver.wait(2).await[1].body["event"], "refund.succeeded");
    assert_eq!(get(&sandbox, &format!("payments/{id}")).await.1["refunded_amount"]["value"], "60.00");
    sandbox.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let sandbox = Sandbox::start().await;
    let mut ids = Vec::new();
    for at in 0..5 {
        ids.push(create(&sandbox, &format!("k{at}")).await);
    }
    sandbox.post(&format!("/checkout/{}/succeed", ids[2]), json!({})).await;
    let (_, page) = get(&sandbox, "payments?limit=2").await;
    assert_eq!((&page["items"][0]["id"], &page["items"][1]["id"]), (&json!(ids[4]), &json!(ids[3])));
    create(&sandbox, "new").await;
    let (_, page) =
        get(&sandbox, &format!("payments?limit=3&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&page["items"][0]["id"], page.get("next_cursor")), (&json!(ids[2]), None));
    let (_, paid) = get(&sandbox, "payments?status=succeeded").await;
    assert_eq!((paid["items"].as_array().unwrap().len(), &paid["items"][0]["id"]), (1, &json!(ids[2])));
    let at = paid["items"][0]["created_at"].as_str().unwrap();
    let (_, since) = get(&sandbox, &format!("payments?created_at.gt={at}&limit=100")).await;
    assert!(since["items"].as_array().unwrap().iter().all(|one| one["created_at"].as_str().unwrap() > at));
    for wrong in ["limit=0", "limit=101", "cursor=x", "created_at.gte=yesterday", "metadata=x"] {
        assert_eq!(get(&sandbox, &format!("payments?{wrong}")).await.0, 400, "{wrong}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn the_checkout_page_is_for_people() {
    let sandbox = Sandbox::start().await;
    let mut body = payment();
    body["description"] = json!("<script>alert(1)</script>");
    let (_, created) = post(&sandbox, "payments", "k", &body).await;
    let url = created["confirmation"]["confirmation_url"].as_str().unwrap();
    let page =
        sandbox.http.get(url).header("accept-language", "ru").send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("SANDBOX") && page.contains("Оплатить 100,00 ₽") && !page.contains("<script>alert")
    );
    assert!(!page.contains("{{"), "{page}");
    let paid =
        sandbox.http.post(format!("{url}/succeed")).header("accept", "text/html").send().await.unwrap();
    let page = paid.text().await.unwrap();
    assert!(page.contains("Paid") && !page.contains("{{"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_payer_chooses_the_method_if_the_shop_did_not() {
    let sandbox = Sandbox::start().await;
    let page = async |id: &str, language: &str| {
        let url = format!("{}/checkout/{id}", sandbox.base);
        sandbox.http.get(url).header("accept-language", language).send().await.unwrap().text().await.unwrap()
    };
    let id = create(&sandbox, "open").await;
    let choice = page(&id, "en").await;
    assert!(
        ["bank_card", "sbp", "sberbank", "tinkoff_bank", "yoo_money"]
            .iter()
            .all(|kind| { choice.contains(&format!("name=\"method\" value=\"{kind}\"")) })
    );
    let succeed = format!("/checkout/{id}/succeed");
    assert_eq!(sandbox.post(&succeed, json!({"method": "barter"})).await.0, 409);
    let form = [("method", "sbp")];
    let url = format!("{}{succeed}", sandbox.base);
    let done = sandbox.http.post(url).form(&form).header("accept", "text/html").send().await.unwrap();
    assert!(done.text().await.unwrap().contains("Paid"));
    assert_eq!(get(&sandbox, &format!("payments/{id}")).await.1["payment_method"]["type"], "sbp");
    let mut chosen = payment();
    chosen["payment_method_data"] = json!({"type": "sberbank"});
    chosen["description"] = json!("{{receipt}}");
    chosen["receipt"] = json!({"customer": {"email": "a@example.org"}, "items": [{"description": "<b>credits",
        "quantity": "2.0", "amount": {"value": "50.00", "currency": "RUB"}, "vat_code": 1}]});
    let (_, made) = post(&sandbox, "payments", "chosen", &chosen).await;
    let id = made["id"].as_str().unwrap();
    let shown = page(id, "ru").await;
    assert!(shown.contains("SberPay") && !shown.contains("name=\"method\""), "{shown}");
    assert!(shown.contains("Чек на a@example.org") && shown.contains("&lt;b&gt;credits × 2"), "{shown}");
    assert_eq!(shown.matches("class=\"receipt\"").count(), 1, "what is said is not a template");
    sandbox.post(&format!("/checkout/{id}/succeed"), json!({"method": "sbp"})).await;
    assert_eq!(get(&sandbox, &format!("payments/{id}")).await.1["payment_method"]["type"], "sberbank");
    sandbox.post(&format!("/checkout/{id}/refund"), json!({"amount": "30.00"})).await;
    assert!(page(id, "ru").await.contains("Возвращено: 30,00 ₽"));
    sandbox.stop().await;
}
