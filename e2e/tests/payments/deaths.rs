//! The payments adapter dies at each of its points about money that goes back and books that are read: once is once.

use std::path::Path;
use std::time::Instant;

use e2e::Role;
use e2e::shop::{DEATHS, HASTY, Shop};
use e2e::stage::PATIENCE;
use serde_json::json;

fn reached(file: &Path, point: &str) -> bool {
    std::fs::read_to_string(file).unwrap_or_default().lines().any(|line| line == point)
}

#[test]
fn the_payments_adapter_dies_at_each_point_of_a_refund_and_of_a_reconciliation() {
    let mut shop = Shop::open().unwrap();
    println!("{:26} {:>8}", "crash point", "seconds");
    for (user, point) in (1..).zip(DEATHS) {
        let (payment, theirs) = shop.sell(user, 0);
        let crashes = shop.stage.dir().join(format!("{point}.crashes"));
        shop.stage.kill9(Role::Payments);
        let armed = format!("{point}:1");
        let arming = [("CRASH_AT", armed.as_str()), ("CRASH_LOG", crashes.to_str().unwrap())];
        // A day is uploaded at the start, if it was not before.
        let forgotten = sqlx::query("DELETE FROM provider_days").execute(&shop.stage.pool);
        shop.stage.rt.block_on(forgotten).unwrap();
        shop.stage.spawn(Role::Payments, &[&HASTY[..], &arming].concat()).unwrap();
        match point {
            "payments.reconciling" => {
                shop.stage.fault("yookassa", "notification", json!("lost"), 1);
                shop.desk(&theirs, "refund", &json!({"amount": "50.00"}));
            }
            "payments.refund_taken" => drop(shop.desk(&theirs, "refund", &json!({"amount": "50.00"}))),
            _ => drop(shop.refund(payment, 5_000, &format!("death{user}"))),
        }
        let begun = Instant::now();
        while !reached(&crashes, point) {
            assert!(
                begun.elapsed() < PATIENCE,
                "{point} is not reached; logs in {}",
                shop.stage.dir().display()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        shop.stage.until("its death", || (!shop.stage.http_ok(Role::Payments)).then_some(()));
        shop.stage.start(Role::Payments, &HASTY).unwrap();
        shop.until_event(payment, "RefundOpened");
        let open = "SELECT count(*) FROM open_refunds";
        shop.stage.until("the refund's end", || {
            let counting = sqlx::query_scalar::<_, i64>(open).fetch_one(&shop.stage.pool);
            (shop.stage.rt.block_on(counting).unwrap() == 0).then_some(())
        });
        assert_eq!(shop.balance(payment), (55, 0, 0), "{point}");
        println!("{point:26} {:>8.1}", begun.elapsed().as_secs_f64());
    }
    shop.assert_at_rest();
}
