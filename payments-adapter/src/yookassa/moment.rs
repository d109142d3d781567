//! YooKassa's times (RFC 3339) from and to µs.

use proto_events::Micros;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// To the second: that is fine enough for a filter.
pub fn format(at: Micros) -> String {
    let seconds = OffsetDateTime::from_unix_timestamp(at.get() / 1_000_000).ok();
    // Invariant: a time within `Micros` lies before the year 2256, which RFC 3339 can say.
    seconds.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

/// `None` when it is not a time, or one before 1970.
pub fn parse(text: &str) -> Option<Micros> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1000).ok().and_then(|at| Micros::new(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        let at = parse("2018-07-18T10:51:18.139Z").unwrap();
        assert_eq!(at.get(), 1_531_911_078_139_000);
        assert_eq!(parse("2018-07-18T13:51:18.139+03:00"), Some(at));
        assert_eq!(format(at), "2018-07-18T10:51:18Z");
        for bad in ["", "2018-07-18", "yesterday", "1960-01-01T00:00:00Z", "2018-13-18T10:51:18Z"] {
            assert_eq!(parse(bad), None, "{bad:?} was taken");
        }
        assert!(!format(Micros::MAX).is_empty());
    }
}
