//! This machine's clock, in the wire's units, and Telegram's seconds in them.

use std::time::{SystemTime, UNIX_EPOCH};

use proto_events::Micros;
use proto_events::events::DayNumber;

use crate::texts::Lang;

const SECOND_US: i64 = 1_000_000;
/// Moscow is three hours ahead all year.
const MOSCOW_US: i64 = 3 * 3600 * SECOND_US;
pub const DAY_US: i64 = 24 * 3600 * SECOND_US;

pub fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).ok().and_then(|now| Micros::new(now).ok()).unwrap_or(Micros::MAX)
}

/// Of a time in seconds since 1970; `None` if it is none.
pub fn of_seconds(seconds: i64) -> Option<Micros> {
    seconds.checked_mul(SECOND_US).filter(|us| *us > 0).and_then(|us| Micros::new(us).ok())
}

/// The day in Moscow.
pub fn moscow_day(at: Micros) -> Option<DayNumber> {
    i32::try_from((at.get() + MOSCOW_US).div_euclid(DAY_US)).ok().and_then(DayNumber::new)
}

/// When a Moscow day begins.
pub fn day_start(day: DayNumber) -> Micros {
    let us = i64::from(day.get()) * DAY_US - MOSCOW_US;
    Micros::new(us.max(0)).unwrap_or_default()
}

/// A Moscow day as people write it: 22.11.2026, 22 Nov 2026.
pub fn day(at: Micros, lang: Lang) -> String {
    let (year, month, day) = civil(at);
    match lang {
        Lang::Ru => format!("{day:02}.{month:02}.{year}"),
        Lang::En => format!("{day} {} {year}", MONTHS[usize::from(month) - 1]),
    }
}

/// Day and time by Moscow: 22.11 17:05, 22 Nov 17:05.
pub fn moment(at: Micros, lang: Lang) -> String {
    let (_, month, day) = civil(at);
    let minutes = (at.get() + MOSCOW_US).rem_euclid(DAY_US) / (60 * SECOND_US);
    let (hour, minute) = (minutes / 60, minutes % 60);
    match lang {
        Lang::Ru => format!("{day:02}.{month:02} {hour:02}:{minute:02}"),
        Lang::En => format!("{day} {} {hour:02}:{minute:02}", MONTHS[usize::from(month) - 1]),
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month and day of the month of a Moscow day.
fn civil(at: Micros) -> (i32, u8, u8) {
    let days = (at.get() + MOSCOW_US).div_euclid(DAY_US);
    let epoch = time::Date::from_ordinal_date(1970, 1).unwrap_or(time::Date::MIN);
    let date = epoch.checked_add(time::Duration::days(days)).unwrap_or(time::Date::MAX);
    (date.year(), date.month().into(), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moscow_day_begins_three_hours_before_that_of_greenwich() {
        let day = |seconds| moscow_day(of_seconds(seconds).unwrap()).unwrap().get();
        // 2026-11-21 20:59:59 and 21:00:00 UTC
        assert_eq!((day(1_795_294_799), day(1_795_294_800)), (20_778, 20_779));
        let begin = day_start(DayNumber::new(20_779).unwrap());
        assert_eq!(begin, of_seconds(1_795_294_800).unwrap());
        assert_eq!((of_seconds(0), of_seconds(i64::MAX)), (None, None));
    }

    #[test]
    fn people_read_days_and_times_by_moscow() {
        let at = of_seconds(1_795_356_300).unwrap();
        assert_eq!([day(at, Lang::Ru), moment(at, Lang::Ru)], ["22.11.2026", "22.11 17:05"]);
        assert_eq!([day(at, Lang::En), moment(at, Lang::En)], ["22 Nov 2026", "22 Nov 17:05"]);
        assert_eq!(day(Micros::MAX, Lang::Ru).len(), 10);
    }
}
