//! The catalog's single numbers: where each stands, its unit and its bounds.

use proto_events::catalog::{Catalog, Lifetimes, Rates};
use proto_events::{Credits, Days};

/// What a number counts, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Credits,
    /// Of people, of tries, of jobs.
    Times,
    Characters,
    Days,
    /// Kept in ms.
    Seconds,
    /// Kept in kopecks.
    Rubles,
}

impl Unit {
    /// The name of its text; what is counted by itself has none.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Credits => Some("unit-credits"),
            Self::Times => None,
            Self::Characters => Some("unit-characters"),
            Self::Days => Some("unit-days"),
            Self::Seconds => Some("unit-seconds"),
            Self::Rubles => Some("unit-rubles"),
        }
    }

    const fn decimals(self) -> usize {
        match self {
            Self::Seconds => 3,
            Self::Rubles => 2,
            _ => 0,
        }
    }

    /// `600` for 600 000 ms, `81.50` for 8 150 kopecks.
    pub(super) fn written(self, n: i64) -> String {
        let scale = 10_i64.pow(u32::try_from(self.decimals()).unwrap_or_default());
        match (n / scale, n % scale) {
            (whole, 0) => whole.to_string(),
            (whole, rest) if self == Self::Seconds => {
                format!("{whole}.{rest:03}").trim_end_matches('0').to_owned()
            }
            (whole, rest) => format!("{whole}.{rest:0width$}", width = self.decimals()),
        }
    }

    /// `None`: it is no such number.
    pub(super) fn read(self, text: &str) -> Option<i64> {
        let (whole, rest) = text.split_once(['.', ',']).unwrap_or((text, ""));
        let digits = |text: &str| text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(rest) || rest.len() > self.decimals() {
            return None;
        }
        if text.len() > whole.len() && rest.is_empty() {
            return None;
        }
        format!("{whole}{rest:0<width$}", width = self.decimals()).parse().ok()
    }
}

type Get = fn(&Catalog) -> Option<i64>;
/// Within the bounds; nothing only where it may be absent.
type Put = fn(&mut Catalog, i64);

/// A number of the catalog's.
pub(super) struct Plain {
    /// The way to it, and with `catalog-` before it the name of its text.
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) min: i64,
    pub(super) max: i64,
    /// Where it may be left out.
    pub(super) is_wish: bool,
    pub(super) get: Get,
    pub(super) put: Put,
}

impl Plain {
    /// `bonuses` of `bonuses-welcome`
    pub(super) fn group(&self) -> &'static str {
        self.name.split('-').next().unwrap_or_default()
    }
}

pub(super) const GROUPS: [&str; 4] = ["bonuses", "limits", "lifetimes", "rates"];

/// The bounds of the types are wide; nobody means a month by a limit.
const MONTH_MS: i64 = 30 * 86_400_000;

fn credits(n: i64) -> Credits {
    Credits::new(n).unwrap_or_default()
}

/// Values are within bounds that fit.
fn fitting<T: TryFrom<i64> + Default>(n: i64) -> T {
    T::try_from(n).unwrap_or_default()
}

const fn sure(name: &'static str, unit: Unit, (min, max): (i64, i64), get: Get, put: Put) -> Plain {
    Plain { name, unit, min, max, is_wish: false, get, put }
}

const fn wish(name: &'static str, unit: Unit, (min, max): (i64, i64), get: Get, put: Put) -> Plain {
    Plain { name, unit, min, max, is_wish: true, get, put }
}

macro_rules! bonus {
    ($name:literal, $field:ident) => {
        sure(
            $name,
            Unit::Credits,
            (0, Credits::MAX.get()),
            |c| Some(c.bonuses.$field.get()),
            |c, n| c.bonuses.$field = credits(n),
        )
    };
}

macro_rules! limit {
    ($name:literal, $unit:ident, $max:expr, $field:ident) => {
        sure(
            $name,
            Unit::$unit,
            (1, $max),
            |c| Some(i64::from(c.limits.$field)),
            |c, n| c.limits.$field = fitting(n),
        )
    };
}

macro_rules! lifetime {
    ($name:literal, $field:ident) => {
        wish(
            $name,
            Unit::Days,
            (Days::MIN.get(), Days::MAX.get()),
            |c| c.lifetimes.$field.map(Days::get),
            |c, n| c.lifetimes.$field = Days::new(n).ok(),
        )
    };
}

macro_rules! rate {
    ($name:literal, $field:ident) => {
        wish(
            $name,
            Unit::Rubles,
            (1, 10_000_000),
            |c| c.rates.map(|rates| i64::from(rates.$field)),
            |c, n| c.rates.get_or_insert(NO_RATES).$field = fitting(n),
        )
    };
}

const NO_RATES: Rates = Rates { kopecks_per_usd: 0, kopecks_per_star: 0 };

pub(super) const PLAIN: &[Plain] = &[
    bonus!("bonuses-welcome", welcome),
    bonus!("bonuses-inviter", referral_inviter),
    bonus!("bonuses-invited", referral_invited),
    sure(
        "bonuses-daily",
        Unit::Times,
        (0, u16::MAX as i64),
        |c| Some(c.bonuses.referral_daily_max.into()),
        |c, n| c.bonuses.referral_daily_max = fitting(n),
    ),
    limit!("limits-reservation", Seconds, MONTH_MS, reservation_ms),
    limit!("limits-lease", Seconds, MONTH_MS, lease_ms),
    limit!("limits-attempts", Times, 1_000, attempts_max),
    limit!("limits-running", Times, 255, running_per_person_max),
    limit!("limits-working", Times, 255, working_per_person_max),
    limit!("limits-payment", Seconds, MONTH_MS, payment_ms),
    limit!("limits-payments", Times, 255, payments_open_max),
    limit!("limits-prompt", Characters, 4_096, prompt_chars_max),
    lifetime!("lifetimes-purchase", purchase_days),
    lifetime!("lifetimes-welcome", welcome_days),
    lifetime!("lifetimes-referral", referral_days),
    lifetime!("lifetimes-promo", promo_days),
    lifetime!("lifetimes-admin", admin_days),
    lifetime!("lifetimes-compensation", compensation_days),
    rate!("rates-usd", kopecks_per_usd),
    rate!("rates-star", kopecks_per_star),
];

/// Without those that may be absent, to be filled in anew.
pub(super) fn clear(catalog: &mut Catalog) {
    (catalog.lifetimes, catalog.rates) = (Lifetimes::default(), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_its_unit_and_read_again() {
        for (unit, n, text) in [
            (Unit::Seconds, 600_000, "600"),
            (Unit::Seconds, 1_500, "1.5"),
            (Unit::Seconds, 1, "0.001"),
            (Unit::Rubles, 8_150, "81.50"),
            (Unit::Rubles, 5, "0.05"),
            (Unit::Credits, 7, "7"),
        ] {
            assert_eq!((unit.written(n).as_str(), unit.read(text)), (text, Some(n)));
        }
        assert_eq!(Unit::Rubles.read("81,5"), Some(8_150), "as people write it");
        for (unit, text) in [
            (Unit::Credits, ""),
            (Unit::Credits, "1.5"),
            (Unit::Credits, "-1"),
            (Unit::Credits, "1 000"),
            (Unit::Credits, "9999999999999999"),
            (Unit::Rubles, "1.005"),
            (Unit::Rubles, "1."),
            (Unit::Rubles, ".5"),
        ] {
            assert_eq!(unit.read(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_number_is_put_where_it_is_got_from() {
        let mut catalog = Catalog::default_catalog().unwrap();
        clear(&mut catalog);
        for (plain, n) in PLAIN.iter().zip(1..) {
            (plain.put)(&mut catalog, n);
        }
        for (plain, n) in PLAIN.iter().zip(1..) {
            assert_eq!((plain.get)(&catalog), Some(n), "{}", plain.name);
            assert!(GROUPS.contains(&plain.group()), "{}", plain.name);
        }
        assert!(u32::try_from(MONTH_MS).is_ok(), "a limit holds it");
    }
}
