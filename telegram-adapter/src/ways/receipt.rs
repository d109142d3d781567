//! Receipts by the law 54-FZ: what the shop's accountant has decided, and the part of an invoice that
//! YooKassa makes one of. The same variables as payments-adapter's.

use proto_events::Money;
use serde_json::{Value, json};
use service::config::Env;

use super::config::switch;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    /// `YOOKASSA_VAT_CODE`
    pub vat_code: u8,
    /// `YOOKASSA_PAYMENT_SUBJECT`
    pub subject: String,
    /// `YOOKASSA_PAYMENT_MODE`
    pub mode: String,
    /// `YOOKASSA_TAX_SYSTEM_CODE`
    pub tax_system_code: Option<u8>,
}

impl Receipts {
    /// `None`: the shop gives none, or a problem was found.
    pub fn read(env: &mut Env) -> Option<Self> {
        const VAT: &str = "the code of the VAT rate in YooKassa's list, 1 to 12";
        const SUBJECT: &str = "what is sold, in YooKassa's words: service, payment, …";
        const MODE: &str = "how it is paid, in YooKassa's words: full_prepayment, full_payment, …";
        const TAX: &str = "the code of the shop's tax system, 1 to 6";
        if !switch(env, "YOOKASSA_RECEIPTS", false) {
            return None;
        }
        let vat_code = env.required("YOOKASSA_VAT_CODE", VAT);
        let subject = env.or("YOOKASSA_PAYMENT_SUBJECT", SUBJECT, "service".to_owned());
        let mode = env.or("YOOKASSA_PAYMENT_MODE", MODE, "full_payment".to_owned());
        let tax_system_code = env.optional("YOOKASSA_TAX_SYSTEM_CODE", TAX);
        bounded(env, "YOOKASSA_VAT_CODE", VAT, vat_code, 12);
        bounded(env, "YOOKASSA_TAX_SYSTEM_CODE", TAX, tax_system_code, 6);
        for (name, what, given) in
            [("YOOKASSA_PAYMENT_SUBJECT", SUBJECT, &subject), ("YOOKASSA_PAYMENT_MODE", MODE, &mode)]
        {
            if !given.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
                env.problem(name, format!("is not {what}"));
            }
        }
        Some(Self { vat_code: vat_code?, subject, mode, tax_system_code })
    }

    /// `provider_data` of an invoice: JSON as text. The payer's address is added by Telegram.
    pub fn provider_data(&self, description: &str, price: Money) -> String {
        let value = format!("{}.{:02}", price.minor() / 100, price.minor() % 100);
        let mut receipt = json!({"items": [{
            "description": description,
            "quantity": "1.00",
            "amount": {"value": value, "currency": price.currency.code()},
            "vat_code": self.vat_code,
            "payment_subject": self.subject,
            "payment_mode": self.mode,
        }]});
        if let Some(code) = self.tax_system_code {
            receipt["tax_system_code"] = Value::from(code);
        }
        json!({"receipt": receipt}).to_string()
    }
}

fn bounded(env: &mut Env, name: &'static str, what: &str, code: Option<u8>, max: u8) {
    if code.is_some_and(|code| !(1..=max).contains(&code)) {
        env.problem(name, format!("is out of bounds; it is {what}"));
    }
}

#[cfg(test)]
mod tests {
    use proto_events::Currency;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Receipts>, Vec<&'static str>> {
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let mut env = Env::from_map(variables.collect());
        let receipts = Receipts::read(&mut env);
        env.finish(Some(receipts)).map_err(|problems| problems.0.iter().map(|p| p.name).collect())
    }

    const ON: [(&str, &str); 4] = [
        ("YOOKASSA_RECEIPTS", "on"),
        ("YOOKASSA_VAT_CODE", "1"),
        ("YOOKASSA_PAYMENT_SUBJECT", "service"),
        ("YOOKASSA_PAYMENT_MODE", "full_prepayment"),
    ];

    #[test]
    fn receipts_are_off_unless_switched_on_and_then_need_the_accountants_word() {
        assert_eq!(read(&ON[1..]), Ok(None));
        assert_eq!(read(&ON).unwrap().unwrap().vat_code, 1);
        assert_eq!(read(&ON[..1]).unwrap_err(), ["YOOKASSA_VAT_CODE"]);
        let odd = [ON[0], ("YOOKASSA_VAT_CODE", "13"), ON[2], ("YOOKASSA_PAYMENT_MODE", "Full payment")];
        assert_eq!(read(&odd).unwrap_err(), ["YOOKASSA_VAT_CODE", "YOOKASSA_PAYMENT_MODE"]);
    }

    #[test]
    fn an_invoices_receipt_is_json_in_a_text_and_adds_up_to_its_price() {
        let mut receipts = read(&ON).unwrap().unwrap();
        receipts.tax_system_code = Some(2);
        let data = receipts.provider_data("100 кредитов", Money::new(19_950, Currency::Rub).unwrap());
        let data: Value = serde_json::from_str(&data).unwrap();
        let item = &data["receipt"]["items"][0];
        assert_eq!(item["amount"], json!({"value": "199.50", "currency": "RUB"}));
        assert_eq!((&item["vat_code"], &item["payment_mode"]), (&json!(1), &json!("full_prepayment")));
        assert_eq!(data["receipt"]["tax_system_code"], 2);
    }
}
