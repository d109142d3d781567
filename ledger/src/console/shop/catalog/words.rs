//! The catalog's parts, values and problems in words.

use ledger_domain::Problem;
use proto_events::Money;
use serde_json::Value;

use super::changes::ORDER;
use super::faults::{Fault, PACKAGE_MAX};
use super::fields::{Why, Wrong};
use super::plain::{PLAIN, Plain, Unit};
use crate::books::words::{dollars, grouped, word};
use crate::console::lang::Words;
use crate::console::table::{money_shown, sign};

/// `Package · rub-100 · price`
pub(super) fn path_words(words: Words<'_>, path: &[String]) -> String {
    let kind = |at: usize| at > 0 && path.get(at - 1).is_some_and(|part| part == "kinds");
    let named = |at: usize| {
        let list = at.checked_sub(1).and_then(|before| path.get(before));
        list.is_some_and(|part| ["packages", "models", "sizes"].contains(&part.as_str()))
    };
    let parts = path.iter().enumerate().filter(|(_, part)| *part != "kinds" && *part != "unit_costs");
    let told = parts.map(|(at, part)| match part.as_str() {
        ORDER => words.t("catalog-order"),
        part if kind(at) => words.known(&format!("kind-{part}")).unwrap_or_else(|| part.to_owned()),
        part if named(at) => part.to_owned(),
        part => {
            let name = part.replace('_', "-");
            words.known(&format!("catalog-part-{name}")).unwrap_or_else(|| part.to_owned())
        }
    });
    told.collect::<Vec<_>>().join(" · ")
}

pub(super) fn value_words(words: Words<'_>, path: &[String], value: &Value) -> String {
    let last = path.last().map(String::as_str).unwrap_or_default();
    if let Ok(money) = serde_json::from_value::<Money>(value.clone()) {
        return money_shown(money);
    }
    match value {
        Value::Bool(yes) => words.t(if *yes { "yes" } else { "no" }),
        Value::Array(items) if items.is_empty() => "—".to_owned(),
        Value::Array(items) => items.iter().map(|item| text(words, item)).collect::<Vec<_>>().join(", "),
        Value::Number(n) => {
            let n = n.as_i64().unwrap_or_default();
            if path.iter().any(|part| part == "unit_costs") {
                return vendor_price(n);
            }
            let (unit, shown) = match last {
                last if last.ends_with("_ms") => ("unit-seconds", Unit::Seconds.written(n)),
                last if last.starts_with("kopecks_per") => ("unit-rubles", Unit::Rubles.written(n)),
                last if last.ends_with("_days") => ("unit-days", n.to_string()),
                _ => return grouped(n),
            };
            format!("{shown} {}", words.t(unit))
        }
        other => text(words, other),
    }
}

fn text(words: Words<'_>, value: &Value) -> String {
    let text = word(value);
    words.known(&format!("rail-{text}")).unwrap_or(text)
}

/// Exact: what a vendor takes for a token is far below a cent.
pub(super) fn vendor_price(micro: i64) -> String {
    dollars(micro, 6)
}

/// `+50 %`, `−12.5 %`
pub(super) fn percent(per_mille: i64) -> String {
    let sign = if per_mille < 0 { '−' } else { '+' };
    let n = per_mille.unsigned_abs();
    match n % 10 {
        0 => format!("{sign}{} %", n / 10),
        tenth => format!("{sign}{}.{tenth} %", n / 10),
    }
}

/// With its unit.
pub(super) fn plain_words(words: Words<'_>, plain: &Plain, n: i64) -> String {
    match plain.unit.name() {
        Some(unit) => format!("{} {}", plain.unit.written(n), words.t(unit)),
        None => grouped(n),
    }
}

pub(super) fn fault_words(words: Words<'_>, fault: &Fault) -> String {
    let of = |text: &str, name: &str, max: usize| {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        words.with(text, [("name", name.to_owned().into()), ("max", max.into())])
    };
    match fault {
        Fault::Catalog(problem) => problem_words(words, problem),
        Fault::PackageName { name, max } => of("problem-package-id", name, *max),
        Fault::ModelName { name, max } => of("problem-model-id", name, *max),
    }
}

fn problem_words(words: Words<'_>, problem: &Problem) -> String {
    let of = |name: &str, what: &str| words.with(name, [("name", what.to_owned().into())]);
    match problem {
        Problem::ModelNameless => words.t("problem-model-nameless"),
        Problem::PackageNameless => words.t("problem-package-nameless"),
        Problem::ModelTwice(model) => of("problem-model-twice", model),
        Problem::PackageTwice(package) => of("problem-package-twice", package),
        Problem::MakesNothing(model) => of("problem-makes-nothing", model),
        Problem::TwoPrices(model) => of("problem-two-prices", model),
        Problem::Free(model) => of("problem-free", model),
        Problem::TooDear(model) => of("problem-too-dear", model),
        Problem::SizeTwice(model) => of("problem-size-twice", model),
        Problem::RatioTwice(model) => of("problem-ratio-twice", model),
        Problem::Defaults { kind, found } => {
            let kind = words.t(&format!("kind-{}", word(kind)));
            let n = i64::try_from(*found).unwrap_or(i64::MAX);
            words.with("problem-defaults", [("name", kind.into()), ("n", n.into())])
        }
        Problem::NoCredits(package) => of("problem-no-credits", package),
        Problem::NoPrice(package) => of("problem-no-price", package),
        Problem::NoRail(package) => of("problem-no-rail", package),
        Problem::RailCurrency { package, rail, currency } => words.with(
            "problem-rail-currency",
            [
                ("name", package.clone().into()),
                ("rail", words.t(&format!("rail-{}", rail.as_str())).into()),
                ("currency", sign(*currency).into()),
            ],
        ),
        Problem::NoRate => words.t("problem-no-rate"),
        Problem::LimitLow(limit) => of("problem-limit-low", &limit_words(words, limit)),
        Problem::LimitHigh { limit, max } => words.with(
            "problem-limit-high",
            [("name", limit_words(words, limit).into()), ("max", i64::from(*max).into())],
        ),
    }
}

fn limit_words(words: Words<'_>, limit: &str) -> String {
    path_words(words, &["limits".to_owned(), limit.to_owned()])
}

fn bound(unit: Unit, n: i64) -> String {
    match unit {
        Unit::Seconds | Unit::Rubles => unit.written(n),
        _ => grouped(n),
    }
}

pub(super) fn wrong_words(words: Words<'_>, why: Why) -> String {
    match why {
        Why::Number { unit, min, max } => {
            let [min, max] = [min, max].map(|n| bound(unit, n));
            match unit.name() {
                Some(unit) => {
                    let unit = words.t(unit);
                    words.with(
                        "wrong-number",
                        [("min", min.into()), ("max", max.into()), ("unit", unit.into())],
                    )
                }
                None => words.with("wrong-count", [("min", min.into()), ("max", max.into())]),
            }
        }
        Why::Id => words.with("wrong-id", [("max", i64::try_from(PACKAGE_MAX).unwrap_or(i64::MAX).into())]),
        Why::Rubles => words.t("wrong-rubles"),
        Why::Stars => words.t("wrong-stars"),
        Why::Currency => words.t("wrong-currency"),
        Why::Model => words.t("wrong-model"),
    }
}

/// What a field is called where it is told of by itself: `Package 2 · price`.
pub(super) fn field_words(words: Words<'_>, wrong: &Wrong) -> String {
    if PLAIN.iter().any(|plain| plain.name == wrong.field) {
        return words.t(&format!("catalog-{}", wrong.field));
    }
    let numbered = |part: &str| part.parse::<usize>().map_or(part.to_owned(), |n| (n + 1).to_string());
    let parts = wrong
        .field
        .split('.')
        .map(|part| words.known(&format!("catalog-part-{part}")).unwrap_or_else(|| numbered(part)));
    parts.collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_as_people_write_them() {
        assert_eq!([0, 500, -1_000, -125, 3].map(percent), ["+0 %", "+50 %", "−100 %", "−12.5 %", "+0.3 %"]);
    }
}
