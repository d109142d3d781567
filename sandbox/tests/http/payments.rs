//! Invoices, pre-checkout and Stars.

use serde_json::{Value, json};

use super::support::{DEADLINE, Sandbox};

fn stars(payload: &str) -> Value {
    json!({"chat_id": 7, "title": "100 credits", "description": "Top-up", "payload": payload, "currency": "XTR",
           "prices": [{"label": "100", "amount": 80}]})
}

/// Answers the pre-checkout query the next poll brings.
async fn answer_checkout(sandbox: &Sandbox, answer: Value) -> Value {
    let asking = async {
        loop {
            let updates = sandbox.bot("getUpdates", json!({"timeout": 20})).await;
            let query =
                updates.as_array().unwrap().iter().find(|u| u.get("pre_checkout_query").is_some()).cloned();
            if let Some(query) = query {
                return query;
            }
            let last = updates.as_array().unwrap().last().unwrap()["update_id"].as_i64().unwrap();
            sandbox.bot("getUpdates", json!({"offset": last + 1})).await;
        }
    };
    let update = tokio::time::timeout(DEADLINE, asking).await.unwrap();
    let query = update["pre_checkout_query"].clone();
    let mut body = answer;
    body["pre_checkout_query_id"] = query["id"].clone();
    sandbox.bot("answerPreCheckoutQuery", body).await;
    let next = update["update_id"].as_i64().unwrap() + 1;
    sandbox.bot("getUpdates", json!({"offset": next})).await;
    query
}

#[tokio::test]
async fn stars_are_paid_listed_and_refunded() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let invoice = sandbox.bot("sendInvoice", stars("order-1")).await;
    assert_eq!(invoice["reply_markup"]["inline_keyboard"][0][0]["pay"], true);
    let pay = sandbox.post("/people/7/payments", json!({"message_id": invoice["message_id"]}));
    let ((status, paid), query) = tokio::join!(pay, answer_checkout(&sandbox, json!({"ok": true})));
    assert_eq!((status, &query["invoice_payload"]), (200, &json!("order-1")));
    let payment = &paid["message"]["successful_payment"];
    assert_eq!((&payment["currency"], &payment["total_amount"]), (&json!("XTR"), &json!(80)));
    let charge = payment["telegram_payment_charge_id"].clone();
    let update = sandbox.bot("getUpdates", json!({})).await;
    assert_eq!(update[0]["message"]["successful_payment"], *payment);
    let refund = json!({"user_id": 7, "telegram_payment_charge_id": charge});
    assert_eq!(
        sandbox
            .refused("refundStarPayment", json!({"user_id": 8, "telegram_payment_charge_id": charge}))
            .await
            .0,
        400
    );
    sandbox.bot("refundStarPayment", refund.clone()).await;
    assert_eq!(sandbox.refused("refundStarPayment", refund).await.1, "Bad Request: CHARGE_ALREADY_REFUNDED");
    let transactions = sandbox.bot("getStarTransactions", json!({})).await["transactions"].clone();
    assert_eq!((&transactions[0]["id"], &transactions[1]["id"]), (&charge, &charge));
    assert!(transactions[0].get("source").is_some() && transactions[1].get("receiver").is_some());
    let books = sandbox.get("/books").await;
    assert_eq!(books["telegram"]["charges"][0]["telegram_payment_charge_id"], charge);
    assert_eq!(books["telegram"]["refunds"].as_array().unwrap().len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_refused_or_silent_checkout_takes_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let invoice = sandbox.bot("sendInvoice", stars("order-1")).await;
    let body = json!({"message_id": invoice["message_id"]});
    let pay = sandbox.post("/people/7/payments", body.clone());
    let refusal = answer_checkout(&sandbox, json!({"ok": false, "error_message": "sold out"}));
    let ((status, answer), _) = tokio::join!(pay, refusal);
    assert_eq!((status, &answer["error"]), (402, &json!("sold out")));
    let ((status, answer), ()) = tokio::join!(sandbox.post("/people/7/payments", body), async {
        sandbox.until("/books", |books| books["telegram"]["pending_updates"] != 0).await;
        sandbox.advance(10_000).await;
    });
    assert_eq!(status, 402, "{answer}");
    assert_eq!(sandbox.get("/books").await["telegram"]["charges"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn invoices_are_checked() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let with = |field: &str, value: Value| {
        let mut invoice = stars("x");
        invoice[field] = value;
        sandbox.refused("sendInvoice", invoice)
    };
    assert_eq!(with("title", json!("x".repeat(33))).await.1, "Bad Request: INVOICE_TITLE_INVALID");
    assert_eq!(with("payload", json!("я".repeat(65))).await.1, "Bad Request: INVOICE_PAYLOAD_INVALID");
    assert_eq!(with("provider_token", json!("1:TEST")).await.1, "Bad Request: PAYMENT_PROVIDER_INVALID");
    assert_eq!(with("currency", json!("RUB")).await.1, "Bad Request: CURRENCY_TOTAL_AMOUNT_INVALID");
    let two = json!([{"label": "a", "amount": 1}, {"label": "b", "amount": 1}]);
    assert_eq!(with("prices", two).await.1, "Bad Request: STARS_INVOICE_INVALID");
    let mut rubles = stars("x");
    rubles["currency"] = json!("RUB");
    rubles["provider_token"] = json!("381764678:TEST:1");
    rubles["prices"] = json!([{"label": "100 credits", "amount": 10_000}]);
    rubles["need_email"] = json!(true);
    let invoice = sandbox.bot("sendInvoice", rubles.clone()).await;
    let pay = sandbox
        .post("/people/7/payments", json!({"message_id": invoice["message_id"], "email": "a@example.org"}));
    let ((status, paid), query) = tokio::join!(pay, answer_checkout(&sandbox, json!({"ok": true})));
    assert_eq!((status, &query["order_info"]["email"]), (200, &json!("a@example.org")));
    assert_eq!(paid["message"]["successful_payment"]["total_amount"], 10_000);
    let link = sandbox.bot("createInvoiceLink", rubles).await;
    let pay = sandbox.post("/people/7/payments", json!({"link": link}));
    let ((status, _), _) = tokio::join!(pay, answer_checkout(&sandbox, json!({"ok": true})));
    assert_eq!(status, 200);
    sandbox.stop().await;
}
