//! Columns, found by their names.

use proto_events::events::MoneyMoved;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    PaymentId,
    RefundId,
    Amount,
    RefundAmount,
    PaymentCurrency,
    RefundCurrency,
    /// Of whichever the table is of.
    Currency,
    Net,
    Fee,
    FeeVat,
    ReceiptsFee,
    PaymentTime,
    RefundTime,
    Time,
}

use Field::{
    Amount, Currency, Fee, FeeVat, Net, PaymentCurrency, PaymentId, PaymentTime, ReceiptsFee, RefundAmount,
    RefundCurrency, RefundId, RefundTime, Time,
};

/// Names in lower case, `ё` as `е`; the first of each field is the one that is told to people.
const NAMES: &[(Field, &[&str])] = &[
    (PaymentId, &["идентификатор платежа", "payment id", "payment identifier", "id платежа"]),
    (RefundId, &["идентификатор возврата", "refund id", "refund identifier", "id возврата"]),
    (Amount, &["сумма платежа", "payment amount"]),
    (RefundAmount, &["сумма возврата", "refund amount"]),
    (PaymentCurrency, &["валюта платежа", "payment currency"]),
    (RefundCurrency, &["валюта возврата", "refund currency"]),
    (Currency, &["валюта", "currency"]),
    (
        Net,
        &[
            "сумма за вычетом комиссии и ндс",
            "сумма за вычетом комиссии",
            "сумма платежа за вычетом комиссии",
            "сумма платежа за вычетом комиссии нко",
            "сумма к зачислению",
            "amount excluding commission and vat",
            "amount excluding commission",
            "amount with commission deducted",
            "amount with a deduction of the fee",
            "payment amount excluding nbco's commission",
            "net amount",
        ],
    ),
    (
        Fee,
        &[
            "сумма комиссии без ндс",
            "сумма комиссии",
            "комиссия",
            "commission amount excluding vat",
            "commission excluding vat",
            "commission amount",
            "commission",
        ],
    ),
    (FeeVat, &["ндс с комиссии", "vat on commission", "commission vat", "vat"]),
    (
        ReceiptsFee,
        &[
            "комиссия за чеки с ндс",
            "комиссия за чеки (с ндс)",
            "receipts fee including vat",
            "fee for receipts with vat",
        ],
    ),
    (
        PaymentTime,
        &[
            "время платежа",
            "время создания платежа",
            "дата и время платежа",
            "date and time of payment",
            "payment time",
            "time of payment",
            "payment date and time",
        ],
    ),
    (
        RefundTime,
        &[
            "время возврата",
            "время создания возврата",
            "дата и время возврата",
            "date and time of refund",
            "refund time",
            "time of refund",
            "refund date and time",
        ],
    ),
    (Time, &["время операции", "дата и время", "date and time", "time of operation"]),
];

fn field_of(name: &str) -> Option<Field> {
    let plain = name.trim_matches(|c: char| c.is_whitespace() || "\u{feff}\"*:".contains(c)).to_lowercase();
    let plain = plain.replace('ё', "е");
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    NAMES.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(field, _)| *field)
}

fn told(field: Field) -> &'static str {
    NAMES.iter().find(|(f, _)| *f == field).map_or("", |(_, names)| names[0])
}

/// Where what stands, and how the file calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    pub kind: MoneyMoved,
    pub id: usize,
    /// Of a refund.
    pub payment_id: Option<usize>,
    pub amount: usize,
    pub currency: usize,
    pub net: Option<usize>,
    pub fee: Option<usize>,
    /// What belongs to the fee besides.
    pub fee_parts: Vec<usize>,
    pub time: Option<usize>,
    pub names: Vec<String>,
}

impl Columns {
    /// The columns of a header. `None`: the row is none.
    ///
    /// # Errors
    /// In words: a column that must be there is not, or is twice.
    pub fn of(cells: &[&str]) -> Result<Option<Self>, String> {
        let fields: Vec<Option<Field>> = cells.iter().map(|cell| field_of(cell)).collect();
        let has = |field| fields.contains(&Some(field));
        let ids = has(PaymentId) || has(RefundId);
        if fields.iter().flatten().count() < if ids { 2 } else { 3 } {
            return Ok(None);
        }
        let find = |field| {
            let mut places = fields.iter().enumerate().filter(|(_, f)| **f == Some(field));
            let place = places.next().map(|(i, _)| i);
            match places.next() {
                None => Ok(place),
                Some((second, _)) => {
                    let first = cells[place.unwrap_or(second)].trim();
                    Err(format!(
                        "two columns say the same: {first:?} and {:?}; leave one of them",
                        cells[second].trim()
                    ))
                }
            }
        };
        let must = |fields: &[Field]| {
            for field in fields {
                if let Some(place) = find(*field)? {
                    return Ok(place);
                }
            }
            let names: Vec<String> = fields.iter().map(|f| format!("{:?}", told(*f))).collect();
            Err(format!(
                "it has no column {}; add it in the settings of registries in YooKassa's cabinet and ask for the file again",
                names.join(" or ")
            ))
        };
        let refunds = has(RefundId) || (has(RefundAmount) && !has(Amount));
        let names = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let either = |own| match find(own)? {
            Some(place) => Ok::<_, String>(Some(place)),
            None => find(Time),
        };
        Ok(Some(if refunds {
            Self {
                kind: MoneyMoved::Refund,
                id: must(&[RefundId])?,
                payment_id: find(PaymentId)?,
                amount: must(&[RefundAmount])?,
                currency: must(&[RefundCurrency, Currency, PaymentCurrency])?,
                net: None,
                fee: None,
                fee_parts: Vec::new(),
                time: either(RefundTime)?,
                names,
            }
        } else {
            Self {
                kind: MoneyMoved::Payment,
                id: must(&[PaymentId])?,
                payment_id: None,
                amount: must(&[Amount])?,
                currency: must(&[PaymentCurrency, Currency])?,
                net: find(Net)?,
                fee: find(Fee)?,
                fee_parts: [find(FeeVat)?, find(ReceiptsFee)?].into_iter().flatten().collect(),
                time: either(PaymentTime)?,
                names,
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_russian_and_english_names_in_any_order() {
        let russian =
            ["Валюта платежа", "Идентификатор  платежа ", "Описание", "Сумма платежа", "Время платежа"];
        let english = ["Payment currency", "Payment ID", "Description", "Payment amount", "Payment time"];
        for names in [russian, english] {
            let c = Columns::of(&names).unwrap().unwrap();
            assert_eq!((c.kind, c.id, c.amount, c.currency, c.time), (MoneyMoved::Payment, 1, 3, 0, Some(4)));
            assert_eq!((c.net, c.fee), (None, None));
        }
        let back = ["Идентификатор возврата", "Идентификатор платежа", "Сумма возврата", "Валюта возврата"];
        let c = Columns::of(&back).unwrap().unwrap();
        assert_eq!(
            (c.kind, c.id, c.payment_id, c.amount, c.currency),
            (MoneyMoved::Refund, 0, Some(1), 2, 3)
        );
    }

    #[test]
    fn what_is_no_header_is_none_and_a_header_that_lacks_something_says_what() {
        assert_eq!(Columns::of(&["РЕЕСТР ПЛАТЕЖЕЙ ПО ДОГОВОРУ"]), Ok(None));
        assert_eq!(Columns::of(&["Сумма платежа", "Валюта платежа"]), Ok(None));
        assert_eq!(Columns::of(&["id", "1.00", "RUB"]), Ok(None));
        let lacks = |names: &[&str]| Columns::of(names).unwrap_err();
        assert!(
            lacks(&["Идентификатор платежа", "Сумма платежа"]).contains("\"валюта платежа\" or \"валюта\"")
        );
        let old = ["Номер транзакции", "Сумма платежа", "Валюта платежа", "Время платежа"];
        assert!(lacks(&old).contains("идентификатор платежа"));
        let old = ["Идентификатор платежа", "Сумма возврата", "Валюта платежа"];
        assert!(lacks(&old).contains("идентификатор возврата"));
        let twice = ["Идентификатор платежа", "Payment amount", "Сумма платежа", "Валюта платежа"];
        assert!(lacks(&twice).contains("two columns say the same: \"Payment amount\" and \"Сумма платежа\""));
    }
}
