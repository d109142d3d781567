//! What no notification brought is found in YooKassa's lists.

use e2e::Role;
use e2e::shop::{HASTY, Shop};
use serde_json::json;

#[test]
fn a_day_without_any_notification_and_without_the_adapter_is_made_up_for() {
    let mut shop = Shop::open().unwrap();
    let open: Vec<_> = (1..=5).map(|user| (shop.order(user, 0), user)).collect();
    let theirs: Vec<String> = open.iter().map(|(payment, _)| shop.registered(*payment)).collect();
    let (sold, sold_there) = shop.sell(9, 0);
    shop.stage.kill9(Role::Payments);
    shop.stage.fault("yookassa", "notification", json!("lost"), 100);
    theirs.iter().for_each(|id| shop.stage.pay(id));
    shop.desk(&theirs[0], "refund", &json!({}));
    shop.desk(&sold_there, "refund", &json!({"amount": "40.00"}));
    // The ledger has given one up meanwhile: the sweep shows it no more, only the lists do.
    let given_up = open[4].0;
    let body = json!({"payment": given_up, "rail": "yookassa", "party": "plantain", "reason": "expired"});
    let account = e2e::raw::of(given_up.account());
    let canceled =
        shop.raw.done(proto_events::Producer::Payments, "payment_cancel", "cancel:by-hand", account, body);
    assert_eq!(canceled, ["PaymentCanceled"]);
    shop.stage.start(Role::Payments, &HASTY).unwrap();
    for (payment, _) in &open {
        shop.until_event(*payment, "PaymentSettled");
    }
    shop.until_event(sold, "RefundOpened");
    shop.until_event(open[0].0, "RefundOpened");
    assert_eq!(shop.balance(given_up), (105, 0, 0));
    assert_eq!(shop.balance(sold), (65, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn rows_that_appear_while_a_list_is_paged_are_found() {
    let mut shop = Shop::open().unwrap();
    shop.stage.kill9(Role::Payments);
    shop.stage.fault("yookassa", "notification", json!("lost"), 10_000);
    // More than a page, made by somebody who registers nothing.
    let payments: Vec<_> = (1..=130).map(|user| shop.order(user, 0)).collect();
    let names: Vec<String> = payments.iter().map(ToString::to_string).collect();
    let made: Vec<String> = shop.stage.rt.block_on(async {
        let url = format!("{}/yookassa/v3/payments", shop.stage.url(Role::Sandbox));
        let mut made = Vec::new();
        for name in &names {
            let body = json!({
                "amount": {"value": "100.00", "currency": "RUB"}, "capture": true,
                "confirmation": {"type": "redirect", "return_url": "https://t.me/x"},
                "metadata": {"payment_id": name},
            });
            let request = shop.stage.http.post(&url).basic_auth("100500", Some("test_secret"));
            let answer = request.header("Idempotence-Key", name).json(&body).send().await.unwrap();
            let object: serde_json::Value = answer.json().await.unwrap();
            made.push(object["id"].as_str().unwrap().to_owned());
        }
        made
    });
    // The sweep has nothing to do: the ledger has given them all up.
    for (n, payment) in payments.iter().enumerate() {
        let body = json!({"payment": payment, "rail": "yookassa", "party": "plantain", "reason": "expired"});
        let account = e2e::raw::of(payment.account());
        shop.raw.done(
            proto_events::Producer::Payments,
            "payment_cancel",
            &format!("cancel:{n}"),
            account,
            body,
        );
    }
    made[..110].iter().for_each(|id| shop.stage.pay(id));
    // The second page is slow, and rows come meanwhile.
    shop.stage.fault("yookassa", "list_payments", json!({"delay_ms": 1_500}), 3);
    shop.stage.start(Role::Payments, &HASTY).unwrap();
    made[110..].iter().for_each(|id| shop.stage.pay(id));
    for payment in &payments {
        shop.until_event(*payment, "PaymentSettled");
    }
    shop.assert_at_rest();
}
