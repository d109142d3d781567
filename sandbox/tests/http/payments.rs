//! Invoices, pre-checkout and Stars.

use serde_json::{Value, json};

use super::support::{DEADLINE, Receiver, Sandbox};

fn stars(payload: &str) -> Value {
    json!({"chat_id": 7, "title": "100 credits", "description": "Top-up", "payload": payload, "currency": "XTR",
           "prices": [{"label": "100", "amount": 80}]})
}

/// Answers the pre-checkout query the next poll brings.
pub(crate) async fn answer_checkout(sandbox: &Sandbox, answer: Value) -> Value {
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

#[tokio::test]
async fn telegram_itself_gives_stars_back() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let invoice = sandbox.bot("sendInvoice", stars("order-1")).await;
    let mut charges = Vec::new();
    for _ in 0..2 {
        let pay = sandbox.post("/people/7/payments", json!({"message_id": invoice["message_id"]}));
        let ((_, paid), _) = tokio::join!(pay, answer_checkout(&sandbox, json!({"ok": true})));
        charges.push(paid["message"]["successful_payment"]["telegram_payment_charge_id"].clone());
    }
    assert_ne!(charges[0], charges[1], "an old invoice is paid again under another id");
    let refund = format!("/checkout/{}/refund", charges[0].as_str().unwrap());
    let (status, message) = sandbox.post(&refund, json!({})).await;
    assert_eq!((status, &message["refunded_payment"]["telegram_payment_charge_id"]), (200, &charges[0]));
    assert_eq!(sandbox.post(&refund, json!({})).await.0, 409, "once");
    assert_eq!(sandbox.post(&refund.replace("refund", "succeed"), json!({})).await.0, 409);
    let updates = sandbox.bot("getUpdates", json!({})).await;
    let told = updates.as_array().unwrap().last().unwrap()["message"]["refunded_payment"].clone();
    assert_eq!((&told["invoice_payload"], &told["total_amount"]), (&json!("order-1"), &json!(80)));
    let rows = sandbox.bot("getStarTransactions", json!({})).await["transactions"].clone();
    assert_eq!((&rows[2]["id"], &rows[2]["receiver"]["type"]), (&charges[0], &json!("user")));
    sandbox.stop().await;
}

#[tokio::test]
async fn rows_that_come_while_paging_come_last() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let invoice = sandbox.bot("sendInvoice", stars("order-1")).await;
    let mut charges = Vec::new();
    for _ in 0..3 {
        let pay = sandbox.post("/people/7/payments", json!({"message_id": invoice["message_id"]}));
        let ((_, paid), _) = tokio::join!(pay, answer_checkout(&sandbox, json!({"ok": true})));
        charges.push(paid["message"]["successful_payment"]["telegram_payment_charge_id"].clone());
    }
    let page = async |offset: u64| {
        let rows = sandbox.bot("getStarTransactions", json!({"offset": offset, "limit": 2})).await;
        let rows = rows["transactions"].as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(page(0).await, charges[..2]);
    // Within the second the payments were made in.
    sandbox.post(&format!("/checkout/{}/refund", charges[0].as_str().unwrap()), json!({})).await;
    assert_eq!(page(2).await, [charges[2].clone(), charges[0].clone()]);
    assert_eq!(page(4).await, Vec::<Value>::new());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_paid_invoice_shows_its_receipt_to_the_person_only() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let invoice = sandbox.bot("sendInvoice", stars("order-1")).await;
    let pay = sandbox.post("/people/7/payments", json!({"message_id": invoice["message_id"]}));
    let ((_, paid), _) = tokio::join!(pay, answer_checkout(&sandbox, json!({"ok": true})));
    let chat = sandbox.get("/people/7/chat").await;
    assert_eq!(chat["messages"][1]["receipt_message_id"], paid["message"]["message_id"]);
    let body = json!({"text": "and?", "reply_to": invoice["message_id"]});
    let (_, reply) = sandbox.post("/people/7/messages", body).await;
    assert!(reply["reply_to_message"].get("receipt_message_id").is_none());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_forwarded_invoice_pays_only_without_a_start_parameter() {
    let sandbox = Sandbox::start().await;
    sandbox.says(7, "hi").await;
    let mut invoice = stars("order-1");
    let open = sandbox.bot("sendInvoice", invoice.clone()).await;
    invoice["start_parameter"] = json!("topup");
    let linked = sandbox.bot("sendInvoice", invoice).await;
    let copy = |message: &Value| json!({"of": 7, "message_id": message["message_id"]});
    let (status, refused) = sandbox.post("/people/8/payments", copy(&linked)).await;
    assert!(status == 409 && refused["error"].as_str().unwrap().ends_with("_bot?start=topup"), "{refused}");
    let pay = sandbox.post("/people/8/payments", copy(&open));
    let ((status, paid), query) = tokio::join!(pay, answer_checkout(&sandbox, json!({"ok": true})));
    assert_eq!(
        (status, &query["from"]["id"], &query["invoice_payload"]),
        (200, &json!(8), &json!("order-1"))
    );
    assert_eq!(paid["message"]["chat"]["id"], 8);
    assert!(sandbox.get("/people/7/chat").await["messages"][1].get("receipt_message_id").is_none());
    sandbox.stop().await;
}

/// Pays and agrees over a webhook; what of the payment came to the bot, as (update_id, charge id).
async fn paid_over_the_webhook(sandbox: &Sandbox, bot: &Receiver, arrivals: usize) -> Vec<(Value, Value)> {
    let invoice = sandbox.bot("sendInvoice", stars("order-1")).await;
    let before = bot.received().len();
    let agree = async {
        let query = bot.wait(before + 1).await[before].body["pre_checkout_query"]["id"].clone();
        sandbox.bot("answerPreCheckoutQuery", json!({"pre_checkout_query_id": query, "ok": true})).await
    };
    let pay = sandbox.post("/people/7/payments", json!({"message_id": invoice["message_id"]}));
    let ((status, _), _) = tokio::join!(pay, agree);
    assert_eq!(status, 200);
    let all = bot.wait(before + 1 + arrivals).await;
    let told = all[before + 1..].iter().map(|one| one.body.clone());
    told.map(|body| {
        let id = &body["message"]["successful_payment"]["telegram_payment_charge_id"];
        (body["update_id"].clone(), id.clone())
    })
    .collect()
}

#[tokio::test]
async fn the_message_that_says_paid_gets_lost_late_and_doubled() {
    let bot = Receiver::start(&[]).await;
    let sandbox = Sandbox::start().await;
    sandbox.bot("setWebhook", json!({"url": bot.url})).await;
    sandbox.says(7, "hi").await;
    bot.wait(1).await;
    let bend = async |fault: Value| {
        let call =
            json!({"vendor": "telegram", "call": "webhook", "match": "successful_payment", "fault": fault});
        sandbox.fault(call).await;
    };
    bend(json!({"duplicate": 2})).await;
    let told = paid_over_the_webhook(&sandbox, &bot, 3).await;
    assert!(told.len() == 3 && told.iter().all(|one| *one == told[0] && one.1.is_string()), "{told:?}");
    bend(json!("lost")).await;
    assert_eq!(paid_over_the_webhook(&sandbox, &bot, 0).await, []);
    sandbox.until("/faults", |faults| faults["faults"][1]["fired"] == 1).await;
    bend(json!({"late_ms": 3_600_000})).await;
    assert_eq!(paid_over_the_webhook(&sandbox, &bot, 0).await, []);
    sandbox.until("/faults", |faults| faults["faults"][2]["fired"] == 1).await;
    let before = bot.received().len();
    sandbox.advance(3_600_000).await;
    let late = bot.wait(before + 1).await[before].body["message"]["successful_payment"].clone();
    let charges = sandbox.get("/books").await["telegram"]["charges"].clone();
    assert_eq!(late["telegram_payment_charge_id"], charges[2]["telegram_payment_charge_id"]);
    assert_eq!(charges.as_array().unwrap().len(), 3, "the money was taken each time");
    sandbox.stop().await;
}
