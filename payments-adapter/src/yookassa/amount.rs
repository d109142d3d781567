//! YooKassa's amounts, strings with exactly two decimals, from and to kopecks. No floats.

use proto_events::{Currency, Money};

/// `None` for stars: YooKassa knows rubles only, as far as we sell.
pub fn format(money: Money) -> Option<String> {
    let kopecks = money.minor();
    (money.currency == Currency::Rub).then(|| format!("{}.{:02}", kopecks / 100, kopecks % 100))
}

/// `None` for another form or currency, or for more than money may be.
pub fn parse(value: &str, currency: &str) -> Option<Money> {
    let (whole, part) = value.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if currency != Currency::Rub.code() || part.len() != 2 || !digits(whole) || !digits(part) {
        return None;
    }
    let kopecks = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part.parse().ok()?)?;
    Money::new(kopecks, Currency::Rub).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "100",
            "100.0",
            "100.000",
            "100,00",
            "-1.00",
            "+1.00",
            ".00",
            "1.",
            "",
            "1e2",
            " 1.00",
            "1.00 ",
            "10000000000.01",
            "99999999999999999999.00",
            "١.00",
            "1.0x",
            "0x1.00",
        ] {
            assert_eq!(parse(bad, "RUB"), None, "{bad:?} was taken");
        }
        assert_eq!(parse("1.00", "USD"), None);
        assert_eq!(parse("1.00", "rub"), None);
        assert_eq!(format(Money::new(75, Currency::Xtr).unwrap()), None);
    }

    proptest! {
        #[test]
        fn an_amount_reads_back(kopecks in 0_i64..=1_000_000_000_000) {
            let money = Money::new(kopecks, Currency::Rub).unwrap();
            prop_assert_eq!(parse(&format(money).unwrap(), "RUB"), Some(money));
        }

        #[test]
        fn any_text_is_read_or_refused(value in ".{0,24}", currency in "(RUB|.{0,4})") {
            if let Some(money) = parse(&value, &currency) {
                let plain = value.trim_start_matches('0');
                let back = format(money).unwrap();
                prop_assert_eq!(back.trim_start_matches('0'), plain);
            }
        }
    }
}
