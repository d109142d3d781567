//! Can this catalog be sold from? All problems at once, for whoever edits it.

use std::collections::BTreeSet;

use proto_events::catalog::{Catalog, Limits, Model, Package};
use proto_events::events::GenerationKind;
use proto_events::{Credits, Currency, Rail};

use super::problem::Problem;

/// Problems told; a catalog with more is looked at again after these are mended.
const PROBLEMS_MAX: usize = 50;

pub fn problems(catalog: &Catalog) -> Vec<Problem> {
    let mut problems = Vec::new();
    names(catalog, &mut problems);
    for model in &catalog.models {
        of_model(model, &mut problems);
    }
    defaults(catalog, &mut problems);
    for package in &catalog.packages {
        of_package(package, &mut problems);
    }
    limits(&catalog.limits, &mut problems);
    rates(catalog, &mut problems);
    problems.truncate(PROBLEMS_MAX);
    problems
}

fn names(catalog: &Catalog, problems: &mut Vec<Problem>) {
    let mut each =
        |names: &mut dyn Iterator<Item = &str>, nameless: Problem, twice: fn(String) -> Problem| {
            let mut seen = BTreeSet::new();
            for name in names {
                if name.trim().is_empty() {
                    problems.push(nameless.clone());
                } else if !seen.insert(name) {
                    problems.push(twice(name.to_owned()));
                }
            }
        };
    let models = &mut catalog.models.iter().map(|m| m.name.as_str());
    each(models, Problem::ModelNameless, Problem::ModelTwice);
    let packages = &mut catalog.packages.iter().map(|p| p.id.as_str());
    each(packages, Problem::PackageNameless, Problem::PackageTwice);
}

fn of_model(model: &Model, problems: &mut Vec<Problem>) {
    let name = || model.name.to_string();
    if model.kinds.is_empty() {
        problems.push(Problem::MakesNothing(name()));
    }
    let mut kinds = BTreeSet::new();
    let extra_max = model.sizes.iter().map(|s| s.extra.get()).max().unwrap_or(0);
    for price in &model.kinds {
        if !kinds.insert(price.kind) {
            problems.push(Problem::TwoPrices(name()));
        }
        if price.credits.is_zero() {
            problems.push(Problem::Free(name()));
        }
        if price.credits.get() + extra_max > Credits::MAX.get() {
            problems.push(Problem::TooDear(name()));
        }
    }
    let sizes: BTreeSet<&str> = model.sizes.iter().map(|s| s.size.as_str()).collect();
    let ratios: BTreeSet<&str> = model.aspect_ratios.iter().map(|r| r.as_str()).collect();
    if sizes.len() != model.sizes.len() || sizes.contains("") {
        problems.push(Problem::SizeTwice(name()));
    }
    if ratios.len() != model.aspect_ratios.len() || ratios.contains("") {
        problems.push(Problem::RatioTwice(name()));
    }
}

/// Each kind that is sold has exactly one model that is taken when none is asked for.
fn defaults(catalog: &Catalog, problems: &mut Vec<Problem>) {
    for kind in [GenerationKind::Text, GenerationKind::Picture, GenerationKind::Edit] {
        let prices: Vec<_> =
            catalog.models.iter().flat_map(|m| &m.kinds).filter(|k| k.kind == kind).collect();
        let found = prices.iter().filter(|k| k.default).count();
        if !prices.is_empty() && found != 1 {
            problems.push(Problem::Defaults { kind, found });
        }
    }
}

fn of_package(package: &Package, problems: &mut Vec<Problem>) {
    let id = || package.id.to_string();
    if package.credits.is_zero() {
        problems.push(Problem::NoCredits(id()));
    }
    if package.price.minor() == 0 {
        problems.push(Problem::NoPrice(id()));
    }
    if package.rails.is_empty() {
        problems.push(Problem::NoRail(id()));
    }
    for &rail in &package.rails {
        let currency = match rail {
            Rail::Yookassa | Rail::TelegramYookassa => Currency::Rub,
            Rail::Stars => Currency::Xtr,
        };
        if package.price.currency != currency {
            problems.push(Problem::RailCurrency { package: id(), rail, currency });
        }
    }
}

fn rates(catalog: &Catalog, problems: &mut Vec<Problem>) {
    if catalog.rates.is_some_and(|rates| rates.kopecks_per_usd == 0 || rates.kopecks_per_star == 0) {
        problems.push(Problem::NoRate);
    }
}

fn limits(limits: &Limits, problems: &mut Vec<Problem>) {
    let positive = [
        ("reservation_ms", i64::from(limits.reservation_ms)),
        ("lease_ms", limits.lease_ms.into()),
        ("attempts_max", limits.attempts_max.into()),
        ("running_per_person_max", limits.running_per_person_max.into()),
        ("working_per_person_max", limits.working_per_person_max.into()),
        ("payment_ms", limits.payment_ms.into()),
        ("payments_open_max", limits.payments_open_max.into()),
        ("prompt_chars_max", limits.prompt_chars_max.into()),
    ];
    for (name, value) in positive {
        if value < 1 {
            problems.push(Problem::LimitLow(name));
        }
    }
    // The bounds of the types that carry them.
    let bounded = [
        ("attempts_max", u32::from(limits.attempts_max), 1000),
        ("prompt_chars_max", limits.prompt_chars_max, 4096),
    ];
    for (limit, _, max) in bounded.into_iter().filter(|(_, value, max)| value > max) {
        problems.push(Problem::LimitHigh { limit, max });
    }
}
