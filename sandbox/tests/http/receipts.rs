//! Fiscal receipts: with payments, with refunds, and by themselves.

use serde_json::{Value, json};

use super::{
    support::Sandbox,
    yookassa::{get, payment, post},
};

fn receipt(value: &str) -> Value {
    json!({"customer": {"email": "a@example.org"}, "tax_system_code": 2, "items": [{
        "description": "100 credits", "quantity": "1.0", "amount": {"value": value, "currency": "RUB"},
        "vat_code": 1, "payment_subject": "service", "payment_mode": "full_prepayment"}]})
}

async fn paid(sandbox: &Sandbox, key: &str) -> String {
    let mut body = payment();
    body["receipt"] = receipt("100.00");
    let (status, made) = post(sandbox, "payments", key, &body).await;
    assert_eq!((status, &made["receipt_registration"]), (200, &json!("pending")), "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    sandbox.post(&format!("/checkout/{id}/succeed"), json!({})).await;
    id
}

#[tokio::test]
async fn payments_and_refunds_leave_receipts() {
    let sandbox = Sandbox::start().await;
    let id = paid(&sandbox, "k").await;
    assert_eq!(get(&sandbox, &format!("payments/{id}")).await.1["receipt_registration"], "succeeded");
    let mut refund = json!({"payment_id": id, "amount": {"value": "30.00", "currency": "RUB"}});
    assert_eq!(post(&sandbox, "refunds", "r1", &refund).await.1["parameter"], "receipt", "a part needs one");
    refund["receipt"] = receipt("31.00");
    assert_eq!(post(&sandbox, "refunds", "r2", &refund).await.1["parameter"], "receipt.items");
    refund["receipt"] = receipt("30.00");
    let (status, back) = post(&sandbox, "refunds", "r3", &refund).await;
    assert_eq!((status, &back["receipt_registration"]), (200, &json!("succeeded")));
    let (status, by_hand) = sandbox.post(&format!("/checkout/{id}/refund"), json!({"amount": "20.00"})).await;
    assert_eq!((status, &by_hand["receipt_registration"]), (200, &json!("succeeded")));
    let (_, list) = get(&sandbox, &format!("receipts?payment_id={id}")).await;
    let sums: Vec<(&Value, &Value)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["type"], &one["settlements"][0]["amount"]["value"]))
        .collect();
    let (refund_of, payment_of) = (json!("refund"), json!("payment"));
    let (twenty, thirty, hundred) = (json!("20.00"), json!("30.00"), json!("100.00"));
    assert_eq!(sums, [(&refund_of, &twenty), (&refund_of, &thirty), (&payment_of, &hundred)], "newest first");
    let one = &list["items"][1];
    assert_eq!((&one["refund_id"], &one["tax_system_code"]), (&back["id"], &json!(2)));
    assert_eq!((one["id"].as_str().unwrap().len(), &one["items"][0]["quantity"]), (39, &json!(1.0)));
    assert!(one.get("customer").is_none(), "the API does not say whom");
    let (_, of_refund) = get(&sandbox, &format!("receipts?refund_id={}", back["id"].as_str().unwrap())).await;
    assert_eq!(of_refund["items"].as_array().unwrap().len(), 1);
    let read = get(&sandbox, &format!("receipts/{}", one["id"].as_str().unwrap())).await;
    assert_eq!(read, (200, one.clone()));
    assert_eq!(get(&sandbox, "receipts/rt-nothing").await.0, 404);
    let books = sandbox.get("/books").await;
    assert_eq!(books["yookassa"]["receipts"][0]["customer"]["email"], "a@example.org");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_whole_refund_takes_the_payments_receipt() {
    let sandbox = Sandbox::start().await;
    let id = paid(&sandbox, "k").await;
    let whole = json!({"payment_id": id, "amount": {"value": "100.00", "currency": "RUB"}});
    let (_, back) = post(&sandbox, "refunds", "r", &whole).await;
    assert_eq!(back["receipt_registration"], "succeeded");
    let (_, list) = get(&sandbox, &format!("receipts?payment_id={id}")).await;
    assert_eq!(list["items"][0]["items"], list["items"][1]["items"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_shop_sends_the_second_receipt_itself() {
    let sandbox = Sandbox::start().await;
    let id = paid(&sandbox, "k").await;
    let mut own = receipt("100.00");
    own["type"] = json!("payment");
    own["payment_id"] = json!(id);
    own["send"] = json!(true);
    own["settlements"] = json!([{"type": "prepayment", "amount": {"value": "100.00", "currency": "RUB"}}]);
    own["items"][0]["payment_mode"] = json!("full_payment");
    let (status, made) = post(&sandbox, "receipts", "s", &own).await;
    assert_eq!(
        (status, &made["type"], &made["status"]),
        (200, &json!("payment"), &json!("succeeded")),
        "{made}"
    );
    assert_eq!(made["settlements"], own["settlements"]);
    assert_eq!(post(&sandbox, "receipts", "s", &own).await.1, made, "a key makes one");
    for (pointer, value, parameter) in [
        ("/send", json!(false), "send"),
        ("/settlements", json!([]), "settlements"),
        ("/settlements/0/type", json!("later"), "settlements.type"),
        ("/settlements/0/amount/value", json!("99.00"), "settlements"),
        ("/customer", json!({}), "customer"),
        ("/type", json!("gift"), "type"),
        ("/payment_id", json!("nobody"), "payment_id"),
    ] {
        let mut wrong = own.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let (status, error) = post(&sandbox, "receipts", pointer, &wrong).await;
        assert!(matches!(status, 400 | 404) && error["parameter"] == parameter, "{pointer}: {error}");
    }
    let (_, list) = get(&sandbox, "receipts?limit=1").await;
    assert_eq!((&list["items"][0]["id"], &list["next_cursor"]), (&made["id"], &made["id"]));
    sandbox.stop().await;
}
