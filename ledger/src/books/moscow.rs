//! Moscow time: in what finance counts days. UTC+3 all year since 26 October 2014, before this log
//! began, so it is one constant and needs no table of zones.

use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, UtcOffset};

pub const OFFSET_US: i64 = 3 * 3600 * 1_000_000;
pub const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// A day in Moscow: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day of a time in µs since 1970-01-01 UTC.
    pub fn of(us: i64) -> Self {
        let day = us.saturating_add(OFFSET_US).div_euclid(DAY_US);
        Self(i32::try_from(day).unwrap_or(i32::MAX))
    }

    /// Its last microsecond.
    pub fn end_us(self) -> i64 {
        (i64::from(self.0) + 1) * DAY_US - OFFSET_US - 1
    }

    pub fn start_us(self) -> i64 {
        i64::from(self.0) * DAY_US - OFFSET_US
    }

    /// `2026-11-21`; `None`: not such a day.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())).then_some(part)
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
        Some(Self(date.to_julian_day() - EPOCH_JULIAN))
    }
}

/// The Julian day number of 1970-01-01.
const EPOCH_JULIAN: i32 = 2_440_588;

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Date::from_julian_day(self.0.saturating_add(EPOCH_JULIAN)) {
            Ok(d) => write!(f, "{:04}-{:02}-{:02}", d.year(), u8::from(d.month()), d.day()),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

fn clock(us: i64) -> OffsetDateTime {
    let utc = OffsetDateTime::from_unix_timestamp_nanos(i128::from(us) * 1_000);
    let offset = UtcOffset::from_hms(3, 0, 0).unwrap_or(UtcOffset::UTC);
    utc.unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(offset)
}

/// `14:05:09`.
pub fn time_of_day(us: i64) -> String {
    let t = clock(us);
    format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
}

/// `2026-11-21 14:05:09`.
pub fn date_time(us: i64) -> String {
    format!("{} {}", Day::of(us), time_of_day(us))
}

/// RFC 3339 with the offset of Moscow, to the microsecond: `2026-11-21T14:05:09.000001+03:00`.
pub fn rfc3339(us: i64) -> String {
    let t = clock(us);
    format!("{}T{}.{:06}+03:00", Day::of(us), time_of_day(us), t.microsecond())
}

/// RFC 3339 in µs since 1970-01-01 UTC; finer fractions are cut off.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let t = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(t.unix_timestamp_nanos().div_euclid(1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_nine_in_the_evening_of_london() {
        let start = parse_rfc3339("2026-11-20T21:00:00Z").unwrap();
        let day = Day::parse("2026-11-21").unwrap();
        assert_eq!((Day::of(start), Day::of(start - 1)), (day, Day(day.0 - 1)));
        assert_eq!((day.start_us(), day.end_us()), (start, start + DAY_US - 1));
        assert_eq!(day.to_string(), "2026-11-21");
        assert_eq!(date_time(start), "2026-11-21 00:00:00");
        assert_eq!(rfc3339(start + 1), "2026-11-21T00:00:00.000001+03:00");
        assert_eq!(parse_rfc3339(&rfc3339(start + 1)), Some(start + 1));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for bad in ["", "2026-11", "2026-02-30", "2026-13-01", "26-11-21", "2026-11-21T00:00", "2026-+1-01"] {
            assert_eq!(Day::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Day::parse("1970-01-01"), Some(Day(0)));
    }
}
