//! Requests checked as YooKassa checks them. Amounts are kopecks here and never floats.

use serde_json::{Value, json};

use super::{error::ApiError, receipt_rules};

const AMOUNT_MAX: i64 = 1_000_000_000;
const SBP_MAX: i64 = 70_000_000;
pub(crate) const METHODS: [&str; 5] = ["bank_card", "yoo_money", "sberbank", "tinkoff_bank", "sbp"];

/// `{"value":"100.00","currency":"RUB"}` in kopecks.
pub(crate) fn amount(value: &Value, parameter: &str) -> Result<i64, ApiError> {
    if value.is_null() {
        return Err(ApiError::invalid(parameter, "The amount is missing"));
    }
    let at = |field: &str| format!("{parameter}.{field}");
    if value["currency"].as_str() != Some("RUB") {
        return Err(ApiError::invalid(&at("currency"), "Unknown or unavailable currency"));
    }
    let wrong = |why: &str| ApiError::invalid(&at("value"), why);
    let text = value["value"].as_str().ok_or_else(|| wrong("The value is a string with two decimals"))?;
    let kopecks =
        kopecks(text).ok_or_else(|| wrong("Incorrect amount format: digits, a point, two decimals"))?;
    match kopecks {
        ..=0 => Err(wrong("The amount must be greater than zero")),
        AMOUNT_MAX.. => Err(wrong("The amount is over the limit")),
        kopecks => Ok(kopecks),
    }
}

fn kopecks(text: &str) -> Option<i64> {
    let (whole, cents) = text.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(cents) || cents.len() != 2 || whole.len() > 12 {
        return None;
    }
    Some(whole.parse::<i64>().ok()? * 100 + cents.parse::<i64>().ok()?)
}

/// The API's amount.
pub(crate) fn money(kopecks: i64) -> Value {
    json!({"value": format!("{}.{:02}", kopecks / 100, kopecks % 100), "currency": "RUB"})
}

pub(crate) fn of(amount: &Value) -> i64 {
    amount["value"].as_str().and_then(kopecks).unwrap_or(0)
}

fn bounded(body: &Value, field: &str, max: usize) -> Result<(), ApiError> {
    match &body[field] {
        Value::Null => Ok(()),
        Value::String(text) if text.chars().count() <= max => Ok(()),
        Value::String(_) => Err(ApiError::invalid(field, &format!("At most {max} characters"))),
        _ => Err(ApiError::invalid(field, "A string is expected")),
    }
}

pub(crate) fn metadata(body: &Value) -> Result<(), ApiError> {
    let wrong = |why: &str| ApiError::invalid("metadata", why);
    let fields = match &body["metadata"] {
        Value::Null => return Ok(()),
        Value::Object(fields) => fields,
        _ => return Err(wrong("An object is expected")),
    };
    if fields.len() > 16 {
        return Err(wrong("At most 16 keys"));
    }
    for (key, value) in fields {
        if key.chars().count() > 32 {
            return Err(wrong("A key has at most 32 characters"));
        }
        let Some(value) = value.as_str() else { return Err(wrong("Values are strings")) };
        if value.chars().count() > 512 {
            return Err(wrong("A value has at most 512 characters"));
        }
    }
    Ok(())
}

/// Everything of POST /payments but its amount, which is answered.
pub(crate) fn payment(body: &Value) -> Result<i64, ApiError> {
    let total = amount(&body["amount"], "amount")?;
    bounded(body, "description", 128)?;
    bounded(body, "merchant_customer_id", 200)?;
    metadata(body)?;
    if !matches!(body["capture"], Value::Null | Value::Bool(_)) {
        return Err(ApiError::invalid("capture", "true or false is expected"));
    }
    method(body, total)?;
    confirmation(body)?;
    if !body["receipt"].is_null() {
        receipt_rules::check(&body["receipt"], total)?;
    }
    Ok(total)
}

fn method(body: &Value, total: i64) -> Result<(), ApiError> {
    let data = &body["payment_method_data"];
    if data.is_null() {
        return Ok(());
    }
    let wrong = |why: &str| ApiError::invalid("payment_method_data.type", why);
    match data["type"].as_str() {
        Some("sbp") if body["capture"] != true => {
            Err(wrong("SBP payments are captured at once: send capture"))
        }
        Some("sbp") if total > SBP_MAX => {
            Err(ApiError::invalid("amount.value", "SBP takes 1 to 700 000 rubles"))
        }
        Some(method) if METHODS.contains(&method) => Ok(()),
        _ => Err(wrong("Payment method is not available")),
    }
}

fn confirmation(body: &Value) -> Result<(), ApiError> {
    let confirmation = &body["confirmation"];
    match confirmation["type"].as_str() {
        Some("redirect") => {
            let url = confirmation["return_url"].as_str().unwrap_or_default();
            let fine = url.len() <= 2048 && reqwest::Url::parse(url).is_ok();
            fine.then_some(())
                .ok_or_else(|| ApiError::invalid("confirmation.return_url", "A valid URL is expected"))
        }
        Some("embedded" | "external" | "qr" | "mobile_application") => Ok(()),
        Some(_) => Err(ApiError::invalid("confirmation.type", "Unknown confirmation type")),
        None => Err(ApiError::invalid("confirmation", "The confirmation scenario is missing")),
    }
}

pub(crate) fn refund(body: &Value) -> Result<(String, i64), ApiError> {
    let id = body["payment_id"]
        .as_str()
        .ok_or_else(|| ApiError::invalid("payment_id", "The payment's id is missing"))?;
    let total = amount(&body["amount"], "amount")?;
    bounded(body, "description", 250)?;
    metadata(body)?;
    if !body["receipt"].is_null() {
        receipt_rules::check(&body["receipt"], total)?;
    }
    Ok((id.to_owned(), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_decimals() {
        assert_eq!(amount(&money(10_050), "amount"), Ok(10_050));
        for bad in
            ["100", "100.5", "100.000", "-1.00", "0.00", "1e2", "", ".50", "10000000.00", "99999999999999.00"]
        {
            assert!(amount(&json!({"value": bad, "currency": "RUB"}), "amount").is_err(), "{bad}");
        }
        assert!(amount(&json!({"value": 100, "currency": "RUB"}), "amount").is_err());
        assert!(amount(&json!({"value": "1.00", "currency": "USD"}), "amount").is_err());
    }
}
