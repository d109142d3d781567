//! The names of things in tables, exports and on paper: one form everywhere.

use serde::Serialize;

/// The word that an event's payload has for this: `late`, `given_away`.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// The currency of a code that this project wrote.
pub fn currency_of(code: &str) -> proto_events::Currency {
    match code {
        "XTR" => proto_events::Currency::Xtr,
        _ => proto_events::Currency::Rub,
    }
}

pub fn currency_code(code: &str) -> &'static str {
    currency_of(code).code()
}

/// Digits in groups of three: `-1,234,567`.
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if n < 0 {
        text.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 token`, `1,234 tokens`.
pub fn count(n: i64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `1 event is`, `5 events are`.
pub fn are(n: i64, noun: &str) -> String {
    format!("{} {}", count(n, noun), if n == 1 { "is" } else { "are" })
}

/// An amount in units of its asset, for people: rubles `1,234.50`, stars and credits `1,234`.
pub fn amount(minor: i64, asset: ledger_domain::Asset) -> String {
    match asset {
        ledger_domain::Asset::Rub => {
            let sign = if minor < 0 { "-" } else { "" };
            let units = i64::try_from(minor.unsigned_abs() / 100).unwrap_or(i64::MAX);
            format!("{sign}{}.{:02}", grouped(units), minor.unsigned_abs() % 100)
        }
        ledger_domain::Asset::Credit | ledger_domain::Asset::Xtr => grouped(minor),
    }
}

/// The same for machines: `1234.50`, without groups.
pub fn plain_amount(minor: i64, asset: ledger_domain::Asset) -> String {
    amount(minor, asset).replace(',', "")
}

/// What somebody wrote, in minor units: `100` or `100.50` rubles, `75` Stars. `None`: it is no amount above zero.
pub fn minor(text: &str, currency: proto_events::Currency) -> Option<i64> {
    use proto_events::Currency;
    let digits =
        |text: &str| !text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    let whole = |text: &str| text.parse::<i64>().ok().filter(|_| digits(text));
    let read = match (currency, text.split_once('.')) {
        (_, None) => whole(text).map(|n| if currency == Currency::Rub { n * 100 } else { n }),
        (Currency::Rub, Some((rubles, kopecks))) if kopecks.len() == 2 => {
            whole(rubles).zip(whole(kopecks)).map(|(rubles, kopecks)| rubles * 100 + kopecks)
        }
        _ => None,
    };
    read.filter(|minor| *minor > 0)
}

/// Micro-dollars for people: `$0.75`, rounded half up to so many places; what is below cents is shown where there is any.
pub fn dollars(micro: i64, places: u32) -> String {
    let places = places.clamp(2, 6);
    let unit = 10_u64.pow(6 - places);
    let rounded = (micro.unsigned_abs() + unit / 2) / unit;
    let whole = 10_u64.pow(places);
    let rest = format!("{:0width$}", rounded % whole, width = places as usize);
    let rest = rest.trim_end_matches('0');
    let sign = if micro < 0 && rounded > 0 { "-" } else { "" };
    format!("{sign}${}.{rest:0<2}", grouped(i64::try_from(rounded / whole).unwrap_or(i64::MAX)))
}

/// `1,234.50 RUB`.
pub fn money_text(money: proto_events::Money) -> String {
    let asset = ledger_domain::Asset::from(money.currency);
    format!("{} {}", amount(money.minor(), asset), asset.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger_domain::Asset;

    #[test]
    fn dollars_are_rounded_half_up_to_the_places_that_are_asked_for() {
        let cents = [0, 4_999, 5_000, 994_999, 995_000, 19_168_472, 1_234_567_890_000, -5_000, -1];
        let told = cents.map(|micro| dollars(micro, 2));
        assert_eq!(
            told.each_ref().map(String::as_str),
            ["$0.00", "$0.00", "$0.01", "$0.99", "$1.00", "$19.17", "$1,234,567.89", "-$0.01", "$0.00"]
        );
        assert_eq!([138_472, 1_000_000, 49].map(|micro| dollars(micro, 4)), ["$0.1385", "$1.00", "$0.00"]);
        assert_eq!([750_000, 30_000_000, 1].map(|micro| dollars(micro, 6)), ["$0.75", "$30.00", "$0.000001"]);
        assert_eq!(dollars(i64::MIN, 6), "-$9,223,372,036,854.775808");
    }

    #[test]
    fn amounts_are_grouped_and_rubles_have_two_decimals() {
        assert_eq!(
            ["0", "999", "1,000", "-1,234,567"],
            [0, 999, 1_000, -1_234_567].map(grouped).each_ref().map(|s| s.as_str())
        );
        assert_eq!(
            [count(1, "row"), count(0, "row"), count(1_000, "row")],
            ["1 row", "0 rows", "1,000 rows"]
        );
        assert_eq!(amount(123_456_789, Asset::Rub), "1,234,567.89");
        assert_eq!(amount(-5, Asset::Rub), "-0.05");
        assert_eq!(amount(1_500, Asset::Xtr), "1,500");
        assert_eq!(plain_amount(-123_456, Asset::Rub), "-1234.56");
        assert_eq!(grouped(i64::MIN), "-9,223,372,036,854,775,808");
    }
}
