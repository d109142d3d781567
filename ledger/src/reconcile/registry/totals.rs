//! What a file says its rows come to.

use proto_events::events::MoneyMoved;

/// What a total counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    Count,
    Amount,
    Net,
}

/// Totals that are checked, without the value; those of one type of payment only are not.
pub const TOTALS: [(MoneyMoved, Total, &[&str]); 5] = [
    (
        MoneyMoved::Payment,
        Total::Count,
        &[
            "число платежей",
            "число принятых платежей",
            "number of payments",
            "the number of payments",
            "the number of payments accepted",
            "number of accepted payments",
        ],
    ),
    (
        MoneyMoved::Payment,
        Total::Amount,
        &[
            "сумма принятых платежей",
            "сумма платежей",
            "amount of payments",
            "the amount of payments",
            "the amount of payments accepted",
            "amount of accepted payments",
        ],
    ),
    (
        MoneyMoved::Payment,
        Total::Net,
        &[
            "сумма принятых платежей за вычетом комиссии",
            "сумма принятых платежей за вычетом комиссии и ндс",
            "the amount of payments accepted with a deduction of the fee",
        ],
    ),
    (
        MoneyMoved::Refund,
        Total::Count,
        &["число возвратов", "number of refunds", "the number of refunds", "the number of refunds conducted"],
    ),
    (
        MoneyMoved::Refund,
        Total::Amount,
        &["сумма возвратов", "amount of refunds", "the amount of refunds", "the amount of refunds conducted"],
    ),
];

/// Sums of rows, to be compared with what the file says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    count: i64,
    amount: i64,
    net: i64,
    net_unknown: bool,
}

impl Sums {
    /// `None`: it is not known of every row.
    pub fn of(self, total: Total) -> Option<i64> {
        match total {
            Total::Count => Some(self.count),
            Total::Amount => Some(self.amount),
            Total::Net => (!self.net_unknown).then_some(self.net),
        }
    }

    pub fn add(&mut self, amount: i64, net: Option<i64>) {
        self.count += 1;
        self.amount = self.amount.saturating_add(amount);
        self.net = self.net.saturating_add(net.unwrap_or_default());
        self.net_unknown |= net.is_none();
    }
}
