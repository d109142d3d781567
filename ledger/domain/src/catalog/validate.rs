//! Can this catalog be sold from? All problems at once, in words for whoever edits it.

use std::collections::BTreeSet;

use proto_events::catalog::{Catalog, Limits, Model, Package};
use proto_events::events::GenerationKind;
use proto_events::{Credits, Currency, Rail};

/// Problems told; a catalog with more is looked at again after these are mended.
const PROBLEMS_MAX: usize = 50;

pub(crate) fn problems(catalog: &Catalog) -> Vec<String> {
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

fn names(catalog: &Catalog, problems: &mut Vec<String>) {
    let models = catalog.models.iter().map(|m| ("model", m.name.as_str()));
    let packages = catalog.packages.iter().map(|p| ("package", p.id.as_str()));
    let mut seen = BTreeSet::new();
    for (what, name) in models.chain(packages) {
        if name.trim().is_empty() {
            problems.push(format!("a {what} has no name"));
        } else if !seen.insert((what, name)) {
            problems.push(format!("{what} {name} is there twice"));
        }
    }
}

fn of_model(model: &Model, problems: &mut Vec<String>) {
    let name = &model.name;
    if model.kinds.is_empty() {
        problems.push(format!("model {name} makes nothing"));
    }
    let mut kinds = BTreeSet::new();
    let extra_max = model.sizes.iter().map(|s| s.extra.get()).max().unwrap_or(0);
    for price in &model.kinds {
        if !kinds.insert(price.kind) {
            problems.push(format!("model {name} has two prices for one kind"));
        }
        if price.credits.is_zero() {
            problems.push(format!("model {name} costs nothing: a price is at least 1 credit"));
        }
        if price.credits.get() + extra_max > Credits::MAX.get() {
            problems
                .push(format!("model {name} costs more than {} credits in its dearest size", Credits::MAX));
        }
    }
    let sizes: BTreeSet<&str> = model.sizes.iter().map(|s| s.size.as_str()).collect();
    let ratios: BTreeSet<&str> = model.aspect_ratios.iter().map(|r| r.as_str()).collect();
    if sizes.len() != model.sizes.len() || sizes.contains("") {
        problems.push(format!("model {name} has a size twice, or one without a name"));
    }
    if ratios.len() != model.aspect_ratios.len() || ratios.contains("") {
        problems.push(format!("model {name} has an aspect ratio twice, or one without a name"));
    }
}

/// Each kind that is sold has exactly one model that is taken when none is asked for.
fn defaults(catalog: &Catalog, problems: &mut Vec<String>) {
    for kind in [GenerationKind::Text, GenerationKind::Picture, GenerationKind::Edit] {
        let prices: Vec<_> =
            catalog.models.iter().flat_map(|m| &m.kinds).filter(|k| k.kind == kind).collect();
        let defaults = prices.iter().filter(|k| k.default).count();
        if !prices.is_empty() && defaults != 1 {
            problems.push(format!("{defaults} models are the default for {kind:?}, there must be one"));
        }
    }
}

fn of_package(package: &Package, problems: &mut Vec<String>) {
    let id = &package.id;
    if package.credits.is_zero() {
        problems.push(format!("package {id} holds no credits"));
    }
    if package.price.minor() == 0 {
        problems.push(format!("package {id} costs nothing"));
    }
    if package.rails.is_empty() {
        problems.push(format!("package {id} can't be paid in any way"));
    }
    for rail in &package.rails {
        let currency = match rail {
            Rail::Yookassa | Rail::TelegramYookassa => Currency::Rub,
            Rail::Stars => Currency::Xtr,
        };
        if package.price.currency != currency {
            problems.push(format!("package {id}: {} takes {} only", rail.as_str(), currency.code()));
        }
    }
}

fn rates(catalog: &Catalog, problems: &mut Vec<String>) {
    if catalog.rates.is_some_and(|rates| rates.kopecks_per_usd == 0 || rates.kopecks_per_star == 0) {
        problems.push("a rate is at least 1 kopeck; leave rates out if they are not known".to_owned());
    }
}

fn limits(limits: &Limits, problems: &mut Vec<String>) {
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
            problems.push(format!("limit {name} must be at least 1"));
        }
    }
    // The bounds of the types that carry them.
    if limits.attempts_max > 1000 {
        problems.push("limit attempts_max must be at most 1000".to_owned());
    }
    if limits.prompt_chars_max > 4096 {
        problems.push("limit prompt_chars_max must be at most 4096".to_owned());
    }
}
