//! What YooKassa checks of a fiscal receipt (54-FZ) before it takes it.

use serde_json::Value;

use super::{error::ApiError, validate::amount};

const ITEMS_MAX: usize = 100;
const SUBJECTS: [&str; 33] = [
    "commodity",
    "excise",
    "job",
    "service",
    "gambling_bet",
    "gambling_prize",
    "lottery",
    "lottery_prize",
    "intellectual_activity",
    "payment",
    "agent_commission",
    "property_right",
    "non_operating_gain",
    "insurance_premium",
    "sales_tax",
    "resort_fee",
    "composite",
    "another",
    "fine",
    "tax",
    "lien",
    "cost",
    "pension_insurance_without_payouts",
    "pension_insurance_with_payouts",
    "health_insurance_without_payouts",
    "health_insurance_with_payouts",
    "health_insurance",
    "casino",
    "agent_withdrawals",
    "non_marked_excise",
    "marked_excise",
    "marked",
    "non_marked",
];
const MODES: [&str; 7] = [
    "full_prepayment",
    "partial_prepayment",
    "advance",
    "full_payment",
    "partial_payment",
    "credit",
    "credit_payment",
];
const SETTLEMENTS: [&str; 4] = ["cashless", "prepayment", "postpayment", "consideration"];

fn wrong(field: &str, why: &str) -> ApiError {
    ApiError::invalid(&format!("receipt.{field}"), why)
}

/// A receipt that comes with a payment or a refund of `total` kopecks.
pub(crate) fn check(receipt: &Value, total: i64) -> Result<(), ApiError> {
    if contact(receipt)? + contact(&receipt["customer"])? == 0 {
        return Err(wrong("customer", "The customer's email or phone is missing"));
    }
    let sum = items(receipt)?;
    (sum == total)
        .then_some(())
        .ok_or_else(|| wrong("items", "The sum of the receipt's items differs from the amount"))
}

/// A receipt of its own: POST /receipts.
pub(crate) fn check_own(receipt: &Value) -> Result<(), ApiError> {
    let bare = |field: &str, why: &str| ApiError::invalid(field, why);
    if contact(&receipt["customer"])? == 0 {
        return Err(bare("customer", "The customer's email or phone is missing"));
    }
    if receipt["send"] != true {
        return Err(bare("send", "Only true is possible"));
    }
    let sum = items(receipt)?;
    let settlements = receipt["settlements"].as_array().filter(|list| !list.is_empty());
    let settlements =
        settlements.ok_or_else(|| bare("settlements", "At least one settlement is expected"))?;
    let mut settled = 0;
    for one in settlements {
        if !one["type"].as_str().is_some_and(|kind| SETTLEMENTS.contains(&kind)) {
            return Err(bare("settlements.type", "Unknown type of settlement"));
        }
        settled += amount(&one["amount"], "settlements.amount")?;
    }
    (sum == settled)
        .then_some(())
        .ok_or_else(|| bare("settlements", "The settlements differ from the sum of the items"))
}

/// How many ways to reach the customer stand there.
fn contact(from: &Value) -> Result<usize, ApiError> {
    let said = |field: &str| from[field].as_str().filter(|text| !text.is_empty());
    if let Some(email) = said("email") {
        let (name, host) = email.split_once('@').unwrap_or_default();
        let fits = !name.is_empty() && host.contains('.') && !email.contains([' ', '\t', '\n']);
        fits.then_some(()).ok_or_else(|| wrong("customer.email", "Incorrect email"))?;
    }
    if let Some(phone) = said("phone") {
        let digits = phone.strip_prefix('+').unwrap_or(phone);
        let fits = (11..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then_some(()).ok_or_else(|| wrong("customer.phone", "Incorrect phone: ITU-T E.164"))?;
    }
    Ok(usize::from(said("email").is_some()) + usize::from(said("phone").is_some()))
}

/// The sum of the items in kopecks.
fn items(receipt: &Value) -> Result<i64, ApiError> {
    let tax = &receipt["tax_system_code"];
    if !tax.is_null() && !tax.as_i64().is_some_and(|code| (1..=6).contains(&code)) {
        return Err(wrong("tax_system_code", "Codes are 1 to 6"));
    }
    let items = receipt["items"].as_array().filter(|items| (1..=ITEMS_MAX).contains(&items.len()));
    let items = items.ok_or_else(|| wrong("items", "1 to 100 items are expected"))?;
    let mut sum = 0_i64;
    for item in items {
        let description = item["description"].as_str().unwrap_or_default();
        if !(1..=128).contains(&description.chars().count()) {
            return Err(wrong("items.description", "1 to 128 characters"));
        }
        if !item["vat_code"].as_i64().is_some_and(|code| (1..=12).contains(&code)) {
            return Err(wrong("items.vat_code", "Codes are 1 to 12"));
        }
        for (field, known) in [("payment_subject", SUBJECTS.as_slice()), ("payment_mode", &MODES)] {
            let word = &item[field];
            if !word.is_null() && !word.as_str().is_some_and(|word| known.contains(&word)) {
                return Err(wrong(&format!("items.{field}"), "Unknown value"));
            }
        }
        let price = amount(&item["amount"], "receipt.items.amount")?;
        let milli =
            quantity(&item["quantity"]).ok_or_else(|| wrong("items.quantity", "A positive number"))?;
        // Quantities have three decimals; totals are rounded to kopecks.
        sum += (price * milli + 500) / 1000;
    }
    Ok(sum)
}

/// Thousandths; the official SDK sends it as a string.
pub(crate) fn quantity(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let milli =
        whole.parse::<i64>().ok()?.checked_mul(1000)? + format!("{fraction:0<3}").parse::<i64>().ok()?;
    (milli > 0 && milli < 100_000_000).then_some(milli)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::yookassa::validate::money;

    fn one(quantity: Value) -> Value {
        json!({"customer": {"email": "a@example.org"}, "items": [
            {"description": "x", "quantity": quantity, "amount": money(5000), "vat_code": 1}
        ]})
    }

    #[test]
    fn a_receipts_items_make_up_the_amount() {
        assert!(check(&one(json!("2.0")), 10_000).is_ok());
        assert!(check(&one(json!(2)), 10_000).is_ok());
        assert!(check(&one(json!(1)), 10_000).is_err());
        assert!(check(&one(json!(-2)), 10_000).is_err());
    }

    #[test]
    fn what_the_tax_service_would_not_take_is_refused_by_name() {
        for (pointer, value, parameter) in [
            ("/customer", json!({}), "receipt.customer"),
            ("/customer/email", json!("nobody"), "receipt.customer.email"),
            ("/customer", json!({"phone": "8-900"}), "receipt.customer.phone"),
            ("/items/0/vat_code", json!(13), "receipt.items.vat_code"),
            ("/items/0/payment_subject", json!("dream"), "receipt.items.payment_subject"),
            ("/items/0/payment_mode", json!("later"), "receipt.items.payment_mode"),
            ("/items/0/description", json!("x".repeat(129)), "receipt.items.description"),
            ("/items", json!([]), "receipt.items"),
            ("/tax_system_code", json!(7), "receipt.tax_system_code"),
        ] {
            let mut receipt = one(json!(2));
            for field in ["payment_subject", "payment_mode"] {
                receipt["items"][0][field] = Value::Null;
            }
            receipt["tax_system_code"] = Value::Null;
            *receipt.pointer_mut(pointer).unwrap() = value;
            assert_eq!(check(&receipt, 10_000).unwrap_err().parameter.as_deref(), Some(parameter));
        }
    }
}
