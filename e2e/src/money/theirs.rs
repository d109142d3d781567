//! What the sandbox's vendors have. A payment by provider token is in YooKassa's books.

use serde_json::Value;

use super::Books;

fn kopecks(amount: &Value) -> i64 {
    let text = amount["value"].as_str().unwrap_or_default();
    let (whole, cents) = text.split_once('.').unwrap_or_else(|| panic!("no amount: {amount}"));
    let number = |digits: &str| digits.parse::<i64>().unwrap_or_else(|_| panic!("no amount: {amount}"));
    number(whole) * 100 + number(cents)
}

fn all<'v>(books: &'v Value, vendor: &str, what: &str) -> impl Iterator<Item = &'v Value> {
    books[vendor][what].as_array().into_iter().flatten()
}

/// Of the answer of `/books`.
pub fn theirs(books: &Value) -> Books {
    let mut found = Books::new();
    for payment in all(books, "yookassa", "payments").filter(|p| p["status"] == "succeeded") {
        let id = payment["id"].as_str().unwrap_or_default();
        let (sides, paid) = (found.entry(format!("yookassa:{id}")).or_default(), kopecks(&payment["amount"]));
        sides.paid += paid;
        let net = &payment["income_amount"];
        sides.fee = (!net.is_null()).then(|| paid - kopecks(net));
    }
    for refund in all(books, "yookassa", "refunds").filter(|r| r["status"] == "succeeded") {
        let id = refund["payment_id"].as_str().unwrap_or_default();
        found.entry(format!("yookassa:{id}")).or_default().refunded += kopecks(&refund["amount"]);
    }
    for charge in all(books, "telegram", "charges").filter(|c| c["currency"] == "XTR") {
        let id = charge["telegram_payment_charge_id"].as_str().unwrap_or_default();
        let stars = charge["total_amount"].as_i64().unwrap_or(0);
        let sides = found.entry(format!("telegram:{id}")).or_default();
        sides.paid += stars;
        sides.refunded += if charge["refunded_at"].is_null() { 0 } else { stars };
    }
    found
}
