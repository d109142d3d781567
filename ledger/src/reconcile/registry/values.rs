//! What stands in a cell: amounts, currencies, times, days.

use std::str::FromStr as _;

use proto_events::events::ProviderId;
use proto_events::{Currency, Money};

use crate::books::moscow::{DAY_US, Day, parse_rfc3339};

pub const AMOUNT: &str = "an amount such as 1234.50, above zero and with at most two decimals";
pub const PERHAPS: &str = "an amount such as 1234.50 or 0, with at most two decimals";
pub const CURRENCY: &str = "RUB";
pub const TIME: &str = "a time of Moscow such as 21.11.2026 14:05:09";
pub const COUNT: &str = "a number such as 12";
pub const ID: &str = "an id of 1 to 128 letters, digits, - and _";

/// Kopecks of rubles with a point or a comma; spaces between thousands are passed over. `None`: not such an amount.
pub fn kopecks(text: &str) -> Option<i64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (whole, part) = plain.split_once(['.', ',']).unwrap_or((&plain, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    // 15 digits are far above the bound of Money, and fit.
    if whole.is_empty() || whole.len() > 15 || part.len() > 2 || !digits(whole) || !digits(part) {
        return None;
    }
    if part.is_empty() && plain.len() != whole.len() {
        return None;
    }
    let part = i64::from_str(&format!("{part:0<2}")).ok()?;
    Some(i64::from_str(whole).ok()? * 100 + part)
}

pub fn rubles(text: &str) -> Option<Money> {
    Money::new(kopecks(text)?, Currency::Rub).ok()
}

pub fn currency(text: &str) -> Option<Currency> {
    ["RUB", "RUR", "643"].contains(&text.to_uppercase().as_str()).then_some(Currency::Rub)
}

pub fn id(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let fits = !text.is_empty() && text.chars().all(plain) && ProviderId::new(text).is_ok();
    fits.then(|| text.to_owned())
}

/// A time in µs since 1970-01-01 UTC: `dd.MM.yyyy HH:mm:ss` or `yyyy-MM-dd HH:mm:ss` of Moscow, seconds or not; or
/// RFC 3339.
pub fn time(text: &str) -> Option<i64> {
    if text.contains('T') {
        return parse_rfc3339(text);
    }
    let (date, clock) = text.split_once(' ')?;
    let mut parts = clock.trim().split(':');
    let mut next = |max: i64| parts.next().and_then(two_digits).filter(|n| *n <= max);
    let (hours, minutes) = (next(23)?, next(59)?);
    let seconds = match parts.next() {
        Some(text) => two_digits(text).filter(|n| *n <= 59)?,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    let of_day = (hours * 3_600 + minutes * 60 + seconds) * 1_000_000;
    debug_assert!(of_day < DAY_US);
    Some(day(date)?.start_us() + of_day)
}

fn two_digits(text: &str) -> Option<i64> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `21.11.2026` or `2026-11-21`.
pub fn day(text: &str) -> Option<Day> {
    let mut parts = text.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(month), Some(year), None) => Day::parse(&format!("{year}-{month}-{day}")),
        _ => Day::parse(text),
    }
}

/// All days that a line names.
pub fn days_in(text: &str) -> Vec<Day> {
    let of_date = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    let words = text.split(|c| !of_date(c));
    words.filter_map(|word| day(word.trim_matches(['.', '-']))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_point_or_a_comma_and_at_most_two_decimals() {
        for (text, wanted) in [
            ("100.05", 10_005),
            ("100,05", 10_005),
            ("100", 10_000),
            ("0.5", 50),
            ("1 234 567,89", 123_456_789),
            ("1\u{a0}000.00", 100_000),
            ("999999999999999", 99_999_999_999_999_900),
        ] {
            assert_eq!(kopecks(text), Some(wanted), "{text}");
        }
        for bad in
            ["", ".", "1.", ".5", "1.234", "1,234.50", "-1", "+1", "1e3", "٣", "12a", "1000000000000000"]
        {
            assert_eq!(kopecks(bad), None, "{bad}");
        }
        assert_eq!(rubles("99999999999.99"), None, "beyond the bound of an amount");
    }

    #[test]
    fn times_are_of_moscow() {
        let wanted = parse_rfc3339("2021-06-18T17:46:58+03:00");
        for text in ["18.06.2021 17:46:58", "2021-06-18 17:46:58", "2021-06-18T14:46:58Z"] {
            assert_eq!(time(text), wanted, "{text}");
        }
        assert_eq!(time("18.06.2021 17:46"), parse_rfc3339("2021-06-18T17:46:00+03:00"));
        for bad in [
            "",
            "18.06.2021",
            "31.06.2021 10:00:00",
            "18.06.2021 24:00:00",
            "18.06.2021 1:00:00",
            "18/06/21 10:00",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_are_found_in_a_line() {
        let days = |text| days_in(text).iter().map(Day::to_string).collect::<Vec<_>>();
        assert_eq!(days("Дата платежей: 2026-11-21"), ["2026-11-21"]);
        assert_eq!(days("Дата возвратов: 21.11.2026."), ["2026-11-21"]);
        assert_eq!(days("Период: с 01.11.2026 по 30.11.2026"), ["2026-11-01", "2026-11-30"]);
        assert_eq!(days("по договору НЭК.450626.01 (1368517)"), Vec::<String>::new());
    }

    #[test]
    fn ids_are_plain_words() {
        assert_eq!(
            id("276a9776-000f-5000-a000-179a4d5c6bad").as_deref(),
            Some("276a9776-000f-5000-a000-179a4d5c6bad")
        );
        for bad in ["", "a b", "Итого", "a;b", &"a".repeat(129)] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
