//! The judge of money: what it must not mind, and that it sees whatever is bent.

use e2e::Stage;
use e2e::money::differences;
use e2e::raw::of;
use e2e::shop::Shop;
use ledger::log::Row;
use serde_json::{Value, json};

/// The log with the first event of this type changed.
fn bent(log: &[Row], event_type: &str, bend: impl Fn(&mut Row, &mut Value)) -> Vec<Row> {
    let mut log = log.to_vec();
    let row = log.iter_mut().find(|row| row.event_type == event_type).expect("the run has such an event");
    let mut payload: Value = serde_json::from_str(&row.payload).expect("a payload is JSON");
    bend(row, &mut payload);
    row.payload = payload.to_string();
    log
}

#[test]
fn balances_fees_and_what_refunds_take_follow_from_the_vendors_books_also_after_an_erasure() {
    let shop = Shop::open().unwrap();
    // Spends, gives a part back, and then all: the debt stays.
    let (owing, owing_there) = shop.sell(1, 0);
    shop.spend(1, 3);
    let part = shop.refund(owing, 3_333, "part");
    shop.until_event(part, "RefundSettled");
    shop.desk(&owing_there, "refund", &json!({}));
    shop.stage.until("the rest", || (shop.count(owing, "RefundOpened") == 2).then_some(()));
    // Spends, and erases the account: what was left is lost, and only what was spent was bought back.
    let (erased, erased_there) = shop.sell(2, 0);
    shop.spend(2, 3);
    let gone = of(erased.account());
    shop.raw.operator("account_erase", "erase:1", gone, json!({"forfeit": true}));
    shop.desk(&erased_there, "refund", &json!({}));
    shop.stage.until("the erased one's", || (shop.count(erased, "RefundOpened") == 1).then_some(()));
    // One that YooKassa will not make.
    let (kept, _) = shop.sell(3, 0);
    shop.stage.fault("yookassa", "create_refund", json!({"status": 400, "code": "invalid_request"}), 1);
    let failed = shop.refund(kept, 5_000, "no");
    shop.until_event(failed, "RefundFailed");
    shop.assert_at_rest();
    assert_eq!([owing, erased, kept].map(|p| shop.balance(p)), [(0, 0, 25), (0, 0, 0), (105, 0, 0)]);

    let (books, log) = (shop.stage.books(), shop.stage.rt.block_on(Stage::log(&shop.stage.pool)));
    let sees = |log: &[Row], words: &str| {
        let found = differences(&books, log);
        assert!(found.iter().any(|said| said.contains(words)), "{words:?} is not in {found:#?}");
    };
    sees(&bent(&log, "CreditsGranted", |row, _| row.available_delta += 1), "by the money it is");
    sees(&bent(&log, "DebtIncurred", |row, _| row.debt_delta -= 1), "by the money it is");
    let granted = |e: &mut Value| e["credits"] = json!(101);
    sees(&bent(&log, "PaymentOpened", |_, e| granted(e)), "is not on the catalog's terms");
    sees(&bent(&log, "PaymentSettled", |_, e| e["net"]["amount"] = json!(9_651)), "the provider's fee");
    sees(
        &bent(&log, "PaymentSettled", |_, e| drop(e.as_object_mut().unwrap().remove("net"))),
        "the provider's fee",
    );
    sees(&bent(&log, "RefundOpened", |_, e| e["credits"] = json!(34)), "its money bought 33");
    sees(&bent(&log, "RefundOpened", |_, e| e["amount"]["amount"] = json!(3_433)), "its money bought 34");
    // Money that is not in the provider's books sold nothing.
    let mut poorer = books.clone();
    poorer["yookassa"]["payments"].as_array_mut().unwrap().retain(|p| p["id"] != owing_there.as_str());
    let found = differences(&poorer, &log);
    assert!(found.iter().any(|said| said.contains("100 credits were granted, 0 were sold")), "{found:#?}");
}
