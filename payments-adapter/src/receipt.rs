//! Receipts after 54-FZ: what the shop's accountant decides is configuration, the line is ours.
//!
//! A payment without an address gets none: YooKassa then says whether the shop can do without.

use proto_events::{Credits, Money, commands::Email};

use crate::yookassa::{Amount, Customer, Item, Receipt, amount};

/// YOOKASSA_RECEIPTS and its fellows; in YooKassa's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// 1 to 12
    pub vat_code: u8,
    /// `service` and others
    pub payment_subject: String,
    /// `full_prepayment` (a second receipt follows) or `full_payment`
    pub payment_mode: String,
    /// 1 to 6, where the shop has several
    pub tax_system_code: Option<u8>,
}

impl Terms {
    /// Of the second receipt, if the first is of a prepayment: what was paid before is paid in full now.
    pub fn second(&self) -> Option<Self> {
        let prepaid = self.payment_mode == "full_prepayment";
        prepaid.then(|| Self { payment_mode: "full_payment".to_owned(), ..self.clone() })
    }

    /// For so much money; `None`: not an amount of YooKassa's.
    pub fn receipt(&self, email: &Email, credits: Credits, money: Money) -> Option<Receipt> {
        Some(Receipt {
            customer: Customer { email: email.to_string() },
            items: vec![Item {
                description: line(credits),
                quantity: 1,
                amount: Amount { value: amount::format(money)?, currency: money.currency.code().to_owned() },
                vat_code: self.vat_code,
                payment_subject: self.payment_subject.clone(),
                payment_mode: self.payment_mode.clone(),
            }],
            tax_system_code: self.tax_system_code,
        })
    }
}

/// What the payer reads, on YooKassa's page, in the bank's list and on the receipt. At most 128 characters.
pub fn line(credits: Credits) -> String {
    format!("Plantain: кредиты × {credits}")
}
