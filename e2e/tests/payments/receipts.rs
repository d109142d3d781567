//! Receipts after 54-FZ: one with the payment, and the second one of a prepayment, once each.

use e2e::Role;
use e2e::raw::person;
use e2e::shop::{HASTY, RECEIPT_DEATHS, Shop};
use proto_events::{PaymentId, Producer};
use serde_json::{Value, json};

const PREPAID: [(&str, &str); 4] = [
    ("YOOKASSA_RECEIPTS", "on"),
    ("YOOKASSA_VAT_CODE", "1"),
    ("YOOKASSA_PAYMENT_MODE", "full_prepayment"),
    ("YOOKASSA_TAX_SYSTEM_CODE", "2"),
];

fn order(shop: &Shop, user: i64) -> PaymentId {
    shop.stage.rt.block_on(shop.deeds.start(user)).unwrap();
    let body = json!({"package": "rub-100", "rail": "yookassa", "method": "sbp", "email": "ada@example.org",
        "context": {"chat": user, "message": 1}});
    let id = format!("topup:1:receipt{user}");
    let reply = shop.raw.send(Producer::Telegram, "topup_open", &id, person(user), body);
    reply["result"]["payment"].as_str().unwrap_or_else(|| panic!("{reply}")).parse().unwrap()
}

/// Of this payment, in YooKassa's books.
fn receipts(shop: &Shop, id: &str) -> Vec<Value> {
    let books = shop.stage.books();
    let all = books["yookassa"]["receipts"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|receipt| receipt["payment_id"] == id).collect()
}

fn until_two(shop: &Shop, id: &str) {
    shop.stage.until("the second receipt", || (receipts(shop, id).len() >= 2).then_some(()));
    let sql = "SELECT count(*) FROM chat_contexts WHERE email IS NOT NULL AND second_receipt IS NULL";
    shop.stage.until("it to be known", || {
        let due = sqlx::query_scalar::<_, i64>(sql).fetch_one(&shop.stage.pool);
        (shop.stage.rt.block_on(due).unwrap() == 0).then_some(())
    });
    let kinds: Vec<Value> = receipts(shop, id).iter().map(|r| r["settlements"][0]["type"].clone()).collect();
    assert_eq!(kinds, ["cashless", "prepayment"]);
    let modes: Vec<Value> =
        receipts(shop, id).iter().map(|r| r["items"][0]["payment_mode"].clone()).collect();
    assert_eq!(modes, ["full_prepayment", "full_payment"]);
}

#[test]
fn a_prepayment_gets_its_second_receipt_once_whatever_the_line_does() {
    let shop = Shop::open_with(&[], &PREPAID).unwrap();
    let faults = [json!(500), json!({"status": 500, "after_effect": true}), json!({"drop": "after"})];
    for (user, fault) in (1..).zip(faults) {
        let payment = order(&shop, user);
        let theirs = shop.registered(payment);
        assert_eq!(shop.theirs(payment)[0]["payment_method"]["type"], "sbp");
        shop.stage.fault("yookassa", "create_receipt", fault, 1);
        shop.stage.pay(&theirs);
        until_two(&shop, &theirs);
    }
    // A part that goes back has a receipt of its own.
    let payment = order(&shop, 9);
    let theirs = shop.registered(payment);
    shop.stage.pay(&theirs);
    until_two(&shop, &theirs);
    let refund = shop.refund(payment, 4_000, "part");
    shop.until_event(refund, "RefundSettled");
    let sums: Vec<Value> = shop.stage.books()["yookassa"]["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["type"] == "refund")
        .map(|r| r["items"][0]["amount"]["value"].clone())
        .collect();
    assert_eq!(sums, ["40.00"]);
    shop.assert_at_rest();
}

#[test]
fn the_adapter_dies_while_it_gives_a_second_receipt() {
    let mut shop = Shop::open_with(&[], &PREPAID).unwrap();
    for (user, point) in (1..).zip(RECEIPT_DEATHS) {
        let payment = order(&shop, user);
        let theirs = shop.registered(payment);
        let crashes = shop.stage.dir().join(format!("{point}.crashes"));
        shop.stage.kill9(Role::Payments);
        let armed = format!("{point}:1");
        let arming = [("CRASH_AT", armed.as_str()), ("CRASH_LOG", crashes.to_str().unwrap())];
        shop.stage.spawn(Role::Payments, &[&HASTY[..], &PREPAID, &arming].concat()).unwrap();
        shop.stage.pay(&theirs);
        shop.stage.until("its death", || {
            std::fs::read_to_string(&crashes).ok().filter(|text| text.contains(point))
        });
        shop.stage.until("its end", || (!shop.stage.http_ok(Role::Payments)).then_some(()));
        shop.stage.start(Role::Payments, &[&HASTY[..], &PREPAID].concat()).unwrap();
        until_two(&shop, &theirs);
    }
    shop.assert_at_rest();
}
