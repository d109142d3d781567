//! What disagrees is quarantined with everything that was seen, and credited only by a person or when YooKassa puts
//! it right.

use e2e::raw::of;
use e2e::shop::Shop;
use proto_events::Producer;
use serde_json::{Value, json};

/// Paid, but YooKassa shows it bent.
fn bent(shop: &Shop, user: i64, patch: Value, problem: &str) -> (proto_events::PaymentId, String) {
    let payment = shop.order(user, 0);
    let theirs = shop.registered(payment);
    let bend =
        json!({"vendor": "yookassa", "call": "get_payment", "times": "always", "fault": {"patch": patch}});
    let (status, answer) = shop.stage.post("/faults", &bend);
    assert!(status < 300, "{answer}");
    shop.stage.pay(&theirs);
    shop.until_event(payment, "PaymentQuarantined");
    assert_eq!(shop.balance(payment), (5, 0, 0), "{problem}");
    let sql = "SELECT payload FROM events WHERE type = 'PaymentQuarantined' AND strpos(payload, $1) > 0";
    let found = sqlx::query_scalar::<_, String>(sql).bind(payment.to_string()).fetch_one(&shop.stage.pool);
    let payload: Value = serde_json::from_str(&shop.stage.rt.block_on(found).unwrap()).unwrap();
    assert_eq!(payload["problems"], json!([problem]));
    assert_eq!(
        (&payload["seen"]["status"], &payload["seen"]["named"]),
        (&json!("succeeded"), &json!(payment))
    );
    (payment, theirs)
}

#[test]
fn a_wrong_amount_currency_shop_or_kind_of_shop_is_for_a_person() {
    let shop = Shop::open().unwrap();
    let table = [
        (json!({"amount": {"value": "1.00"}}), "amount_differs"),
        (json!({"amount": {"currency": "USD"}}), "currency_differs"),
        (json!({"recipient": {"account_id": "999"}}), "shop_differs"),
        (json!({"test": false}), "test_differs"),
    ];
    for (user, (patch, problem)) in (1..).zip(table) {
        let (payment, theirs) = bent(&shop, user, patch, problem);
        shop.stage.heal();
        if user == 1 {
            // YooKassa puts it right: the poll settles it, and the quarantine is over.
            shop.until_event(payment, "PaymentSettled");
            assert_eq!(shop.balance(payment), (105, 0, 0));
            continue;
        }
        let verdict = json!({"settle": {"amount": {"amount": 10_000, "currency": "RUB"}, "credits": 100, "test": true}});
        let body =
            json!({"rail": "yookassa", "provider_payment_id": theirs, "verdict": verdict, "reason": "asked"});
        let reply = shop.raw.send(
            Producer::Console,
            "quarantine_resolve",
            &format!("quarantine_resolve:{user}"),
            of(payment.account()),
            body,
        );
        // Unless the poll was faster.
        assert!(reply["status"] == "done" || reply["refusal"]["code"] == "quarantine_not_found", "{reply}");
        shop.until_event(payment, "PaymentSettled");
        assert_eq!(shop.balance(payment), (105, 0, 0));
    }
    shop.assert_at_rest();
}

/// Money in our shop under this name of ours, which no adapter of ours has asked for; YooKassa's id.
fn pay_as(shop: &Shop, name: &str) -> String {
    let body = json!({
        "amount": {"value": "100.00", "currency": "RUB"}, "capture": true,
        "confirmation": {"type": "redirect", "return_url": "https://t.me/x"},
        "metadata": {"payment_id": name},
    });
    let url = format!("{}/yookassa/v3/payments", shop.stage.url(e2e::Role::Sandbox));
    let made = shop.stage.rt.block_on(async {
        let request = shop.stage.http.post(url).basic_auth("100500", Some("test_secret"));
        let answer = request.header("Idempotence-Key", "a-stray").json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    });
    let id = made["id"].as_str().unwrap().to_owned();
    shop.stage.pay(&id);
    id
}

#[test]
fn a_second_payment_of_a_link_is_for_a_person_and_its_fee_is_learned_once_it_is_settled() {
    let shop = Shop::open().unwrap();
    let (payment, _) = shop.sell(1, 0);
    let second = pay_as(&shop, &payment.to_string());
    shop.until_event(second.as_str(), "PaymentQuarantined");
    assert_eq!(shop.balance(payment), (105, 0, 0));
    let verdict =
        json!({"settle": {"amount": {"amount": 10_000, "currency": "RUB"}, "credits": 100, "test": true}});
    let body =
        json!({"rail": "yookassa", "provider_payment_id": second, "verdict": verdict, "reason": "asked"});
    shop.raw.operator("quarantine_resolve", "quarantine_resolve:1", of(payment.account()), body);
    shop.until_event(second.as_str(), "PaymentFeeRecorded");
    assert_eq!(shop.balance(payment), (205, 0, 0));
    assert_eq!(shop.count(second.as_str(), "PaymentQuarantined"), 1);
    shop.assert_at_rest();
}

#[test]
fn money_that_names_a_payment_we_do_not_know_is_of_no_account_and_credits_nobody() {
    let shop = Shop::open().unwrap();
    let id = pay_as(&shop, &format!("p-{}-{}", "a".repeat(32), "b".repeat(16)));
    let id = id.as_str();
    shop.until_event(id, "PaymentQuarantined");
    assert_eq!(shop.count(id, "PaymentSettled"), 0);
    let sql = "SELECT account_id FROM events WHERE type = 'PaymentQuarantined'";
    let whose: uuid::Uuid =
        shop.stage.rt.block_on(sqlx::query_scalar(sql).fetch_one(&shop.stage.pool)).unwrap();
    assert_eq!(whose, proto_events::AccountId::OPERATIONS.0);
    shop.assert_at_rest();
}
