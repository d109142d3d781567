//! Telegram's payments with a provider's token are YooKassa's payments.

use sandbox::Options;
use serde_json::{Value, json};

use super::{
    payments::answer_checkout,
    support::{Receiver, Sandbox, calm},
    yookassa::{get, notified, post},
};

fn rubles() -> Value {
    json!({"chat_id": 7, "title": "100 credits", "description": "Top-up", "payload": "order-1", "currency": "RUB",
           "provider_token": "381764678:TEST:1", "prices": [{"label": "100 credits", "amount": 10_000}]})
}

fn with_receipt(value: &str) -> Value {
    let item = json!({"description": "100 credits", "quantity": "1.00", "vat_code": 1,
                      "amount": {"value": value, "currency": "RUB"}});
    let mut invoice = rubles();
    invoice["need_email"] = json!(true);
    invoice["send_email_to_provider"] = json!(true);
    invoice["provider_data"] = json!(json!({"receipt": {"items": [item]}}).to_string());
    invoice
}

async fn pay(sandbox: &Sandbox, invoice: Value, body: Value) -> (u16, Value) {
    let message = sandbox.bot("sendInvoice", invoice).await;
    let mut body = body;
    body["message_id"] = message["message_id"].clone();
    let paying = sandbox.post("/people/7/payments", body);
    let (answer, _) = tokio::join!(paying, answer_checkout(sandbox, json!({"ok": true})));
    answer
}

#[tokio::test]
async fn a_paid_invoice_is_a_payment_of_the_shop() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = notified(&receiver).await;
    sandbox.says(7, "hi").await;
    let (status, paid) = pay(&sandbox, rubles(), json!({})).await;
    assert_eq!(status, 200, "{paid}");
    let id = paid["message"]["successful_payment"]["provider_payment_charge_id"].as_str().unwrap().to_owned();
    let (_, read) = get(&sandbox, &format!("payments/{id}")).await;
    assert_eq!(
        (&read["status"], &read["paid"], &read["test"]),
        (&json!("succeeded"), &json!(true), &json!(true))
    );
    assert_eq!(
        (&read["amount"]["value"], &read["income_amount"]["value"]),
        (&json!("100.00"), &json!("96.50"))
    );
    assert_eq!((&read["description"], &read["metadata"]), (&json!("100 credits"), &json!({})));
    assert_eq!(read["recipient"]["account_id"], "100500");
    assert!(read.get("confirmation").is_none() && read["captured_at"].is_string());
    assert_eq!(get(&sandbox, "payments?status=succeeded").await.1["items"][0], read);
    let notice = receiver.wait(1).await.remove(0).body;
    assert_eq!((&notice["event"], &notice["object"]), (&json!("payment.succeeded"), &read));
    let refund = json!({"payment_id": id, "amount": {"value": "30.00", "currency": "RUB"}});
    assert_eq!(post(&sandbox, "refunds", "r", &refund).await.1["status"], "succeeded");
    let (_, rest) = sandbox.post(&format!("/checkout/{id}/refund"), json!({})).await;
    assert_eq!(rest["amount"]["value"], "70.00", "the cabinet gives back what is left");
    assert_eq!(sandbox.bot("getStarTransactions", json!({})).await["transactions"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_token_says_whether_it_is_a_test_and_the_option_whose() {
    let sandbox = Sandbox::with(Options { yookassa_shop_id: "7".into(), ..calm() }).await;
    sandbox.says(7, "hi").await;
    let mut live = rubles();
    live["provider_token"] = json!("390540012:LIVE:1");
    assert_eq!(pay(&sandbox, live, json!({})).await.0, 200);
    let one = &sandbox.get("/books").await["yookassa"]["payments"][0];
    assert_eq!((&one["test"], &one["recipient"]["account_id"]), (&json!(false), &json!("7")));
    for token in ["", "x", "1:SOMETIMES:2", "1:TEST:", "one:TEST:2"] {
        let mut wrong = rubles();
        wrong["provider_token"] = json!(token);
        let refused = sandbox.refused("sendInvoice", wrong).await;
        assert_eq!(refused.1, "Bad Request: PAYMENT_PROVIDER_INVALID", "{token}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_receipt_goes_to_the_address_the_payer_gave() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let (status, paid) = pay(&sandbox, with_receipt("100.00"), json!({"email": "a@example.org"})).await;
    assert_eq!(
        (status, &paid["message"]["successful_payment"]["order_info"]["email"]),
        (200, &json!("a@example.org"))
    );
    let books = sandbox.get("/books").await["yookassa"].clone();
    assert_eq!(books["payments"][0]["receipt_registration"], "succeeded");
    let receipt = &books["receipts"][0];
    assert_eq!(
        (&receipt["customer"]["email"], &receipt["payment_id"]),
        (&json!("a@example.org"), &books["payments"][0]["id"])
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn what_yookassa_would_not_take_fails_at_the_payment() {
    let receiver = Receiver::start(&[]).await;
    let sandbox = notified(&receiver).await;
    sandbox.says(7, "hi").await;
    let mut untold = with_receipt("100.00");
    untold["send_email_to_provider"] = json!(false);
    let nonsense = |data: Value| {
        let mut invoice = rubles();
        invoice["provider_data"] = json!(data.to_string());
        invoice
    };
    for invoice in
        [with_receipt("99.00"), untold, nonsense(json!({"receipt": "x"})), nonsense(json!({"receipt": {}}))]
    {
        let (status, answer) = pay(&sandbox, invoice, json!({})).await;
        assert!(status == 402 && answer["error"].as_str().unwrap().starts_with("PAYMENT_FAILED"), "{answer}");
    }
    assert_eq!(sandbox.get("/books").await["yookassa"]["payments"], json!([]));
    let (status, answer) = pay(&sandbox, rubles(), json!({"declined": "insufficient_funds"})).await;
    assert_eq!((status, &answer["error"]), (402, &json!("PAYMENT_FAILED: insufficient_funds")));
    let notice = receiver.wait(1).await.remove(0).body;
    assert_eq!(notice["event"], "payment.canceled");
    assert_eq!(notice["object"]["cancellation_details"]["reason"], "insufficient_funds");
    assert_eq!(sandbox.get("/books").await["telegram"]["charges"], json!([]));
    sandbox.stop().await;
}
