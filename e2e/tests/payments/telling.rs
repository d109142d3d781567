//! Notifications: late, lost, doubled, forged, stale, and of another shop.

use e2e::Role;
use e2e::shop::Shop;
use serde_json::{Value, json};

const NEVER: (&str, &str) = ("PAYMENTS_RECONCILE_SECONDS", "86400");

fn knock(shop: &Shop, body: &Value) -> u16 {
    let url = format!("{}/yookassa/webhook", shop.stage.url(Role::Payments));
    shop.stage.rt.block_on(async {
        let request = shop.stage.http.post(url).header("x-forwarded-for", "185.71.76.1").json(body);
        request.send().await.unwrap().status().as_u16()
    })
}

fn notification(event: &str, object: &Value) -> Value {
    json!({"type": "notification", "event": event, "object": object})
}

#[test]
fn five_notifications_at_once_credit_once() {
    let shop = Shop::open().unwrap();
    shop.stage.fault("yookassa", "notification", json!({"duplicate": 4}), 3);
    for user in 1..=3 {
        let (payment, _) = shop.sell(user, 0);
        assert_eq!(shop.balance(payment), (105, 0, 0));
    }
    shop.stage.until("all to be taken", || {
        let books = shop.stage.books();
        let told = books["yookassa"]["notifications"].as_array()?.iter();
        let taken = told.filter(|one| one["outcome"] == "delivered").count();
        (taken == 15).then_some(())
    });
    shop.assert_at_rest();
    // Its words are kept once, and how often they came.
    let sql = "SELECT count(*), sum(times)::bigint FROM notices WHERE event = 'payment.succeeded'";
    let kept: (i64, i64) = shop.stage.rt.block_on(sqlx::query_as(sql).fetch_one(&shop.stage.pool)).unwrap();
    assert_eq!(kept, (3, 15));
}

#[test]
fn a_lost_notification_is_found_by_the_poll_and_a_late_one_changes_nothing() {
    let shop = Shop::open_with(&[], &[NEVER]).unwrap();
    shop.stage.fault("yookassa", "notification", json!("lost"), 1);
    let (lost, _) = shop.sell(1, 0);
    shop.stage.fault("yookassa", "notification", json!({"late_ms": 3_600_000}), 1);
    let (late, _) = shop.sell(2, 0);
    assert_eq!([lost, late].map(|payment| shop.balance(payment)), [(105, 0, 0); 2]);
    shop.stage.post("/clock", &json!({"advance_ms": 3_700_000}));
    shop.stage.until("the late one", || {
        let books = shop.stage.books();
        let mut told = books["yookassa"]["notifications"].as_array()?.iter();
        told.any(|one| one["outcome"] == "delivered").then_some(())
    });
    assert_eq!(shop.balance(late), (105, 0, 0));
    shop.assert_at_rest();
}

#[test]
fn a_forged_notification_credits_nothing_and_a_stale_one_changes_nothing() {
    let shop = Shop::open().unwrap();
    let open = shop.order(1, 0);
    let theirs = shop.registered(open);
    let mut lie = shop.theirs(open).remove(0);
    (lie["status"], lie["paid"]) = (json!("succeeded"), json!(true));
    assert_eq!(knock(&shop, &notification("payment.succeeded", &lie)), 200);
    assert_eq!(
        knock(&shop, &notification("payment.succeeded", &json!({"id": "invented", "status": "succeeded"}))),
        200
    );
    assert_eq!(
        knock(&shop, &notification("refund.succeeded", &json!({"id": "invented", "status": "succeeded"}))),
        200
    );
    assert_eq!((shop.count(open, "PaymentSettled"), shop.balance(open)), (0, (5, 0, 0)));
    let sql = "SELECT count(*) FROM notices WHERE object = 'invented'";
    let kept: i64 = shop.stage.rt.block_on(sqlx::query_scalar(sql).fetch_one(&shop.stage.pool)).unwrap();
    assert_eq!(kept, 0, "what anybody may invent is not kept");

    shop.stage.pay(&theirs);
    shop.until_event(open, "PaymentSettled");
    let mut stale = shop.theirs(open).remove(0);
    stale["status"] = json!("canceled");
    assert_eq!(knock(&shop, &notification("payment.canceled", &stale)), 200);
    assert_eq!((shop.count(open, "PaymentCanceled"), shop.balance(open)), (0, (105, 0, 0)));
    shop.assert_at_rest();
}

#[test]
fn a_notification_is_not_taken_while_the_ledger_is_away_and_comes_again_for_a_day() {
    let mut shop = Shop::open().unwrap();
    let payment = shop.order(1, 0);
    let theirs = shop.registered(payment);
    shop.stage.kill9(Role::Ledger);
    shop.stage.pay(&theirs);
    let attempts = |shop: &Shop| -> Option<(u64, Value)> {
        let books = shop.stage.books();
        let told = books["yookassa"]["notifications"]
            .as_array()?
            .iter()
            .find(|n| n["object_id"] == theirs.as_str())?;
        Some((told["attempts"].as_u64()?, told["status"].clone()))
    };
    // Each hour of a day, on the sandbox's clock.
    for _ in 0..3 {
        let before = attempts(&shop).map_or(0, |(attempts, _)| attempts);
        shop.stage.post("/clock", &json!({"advance_ms": 6 * 3_600_000}));
        let status =
            shop.stage.until("another try", || attempts(&shop).filter(|(n, _)| *n > before).map(|(_, s)| s));
        assert_ne!(status, json!(200));
    }
    shop.stage.start(Role::Ledger, &[]).unwrap();
    shop.stage.post("/clock", &json!({"advance_ms": 3_600_000}));
    shop.until_event(payment, "PaymentSettled");
    assert_eq!(shop.balance(payment), (105, 0, 0));
    shop.assert_at_rest();
}
