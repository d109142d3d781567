//! What is sold, looked up and judged in the plainest way.

use std::collections::BTreeSet;

use proto_events::catalog::{Catalog, Model};
use proto_events::commands::GenerationRequest;
use proto_events::events::GenerationKind;
use proto_events::{Currency, Rail};

use super::{Verdict, must};

const KINDS: [GenerationKind; 3] = [GenerationKind::Text, GenerationKind::Picture, GenerationKind::Edit];

/// Can this be sold from?
pub fn is_sound(catalog: &Catalog) -> bool {
    let unique = |names: Vec<&str>| {
        let all: BTreeSet<&str> = names.iter().copied().collect();
        all.len() == names.len() && names.iter().all(|name| !name.trim().is_empty())
    };
    let packages = catalog.packages.iter().all(|p| {
        let takes = |rail: &Rail| (*rail == Rail::Stars) == (p.price.currency == Currency::Xtr);
        p.credits.get() > 0 && p.price.minor() > 0 && !p.rails.is_empty() && p.rails.iter().all(takes)
    });
    let one_default = |kind| {
        let prices: Vec<_> =
            catalog.models.iter().flat_map(|m| &m.kinds).filter(|k| k.kind == kind).collect();
        prices.is_empty() || prices.iter().filter(|k| k.default).count() == 1
    };
    let limits = &catalog.limits;
    unique(catalog.models.iter().map(|m| m.name.as_str()).collect())
        && unique(catalog.packages.iter().map(|p| p.id.as_str()).collect())
        && catalog.models.iter().all(is_sound_model)
        && packages
        && KINDS.into_iter().all(one_default)
        && (1..=1000).contains(&limits.attempts_max)
        && (1..=4096).contains(&limits.prompt_chars_max)
        && limits.reservation_ms > 0
        && limits.lease_ms > 0
        && limits.payment_ms > 0
        && limits.running_per_person_max > 0
        && limits.working_per_person_max > 0
        && limits.payments_open_max > 0
        && catalog.rates.is_none_or(|rates| rates.kopecks_per_usd > 0 && rates.kopecks_per_star > 0)
}

fn is_sound_model(model: &Model) -> bool {
    let kinds: BTreeSet<_> = model.kinds.iter().map(|k| k.kind).collect();
    let sizes: BTreeSet<_> = model.sizes.iter().map(|s| s.size.to_string()).collect();
    let ratios: BTreeSet<_> = model.aspect_ratios.iter().map(ToString::to_string).collect();
    let dearest = model.sizes.iter().map(|s| s.extra.get()).max().unwrap_or(0);
    !kinds.is_empty()
        && kinds.len() == model.kinds.len()
        && model.kinds.iter().all(|k| k.credits.get() >= 1 && k.credits.get() + dearest <= 1_000_000_000)
        && sizes.len() == model.sizes.len()
        && ratios.len() == model.aspect_ratios.len()
        && !sizes.contains("")
        && !ratios.contains("")
}

/// What a request costs, or the first reason from `kind_unknown` to `too_many_references`.
pub fn price(catalog: &Catalog, c: &GenerationRequest) -> Result<i64, &'static str> {
    let mut makers = Vec::new();
    for model in &catalog.models {
        for price in model.kinds.iter().filter(|k| k.kind == c.kind) {
            makers.push((model, price));
        }
    }
    must(!makers.is_empty(), "kind_unknown")?;
    let (model, price) = match &c.model {
        None => *makers.iter().find(|(_, price)| price.default).ok_or("model_unknown")?,
        Some(name) => {
            must(catalog.models.iter().any(|m| m.name == *name), "model_unknown")?;
            *makers.iter().find(|(model, _)| model.name == *name).ok_or("ability_missing")?
        }
    };
    let extra = match &c.size {
        None => model.sizes.first().map_or(0, |s| s.extra.get()),
        Some(size) => model.sizes.iter().find(|s| s.size == *size).ok_or("ability_missing")?.extra.get(),
    };
    let knows = c.aspect_ratio.as_ref().is_none_or(|ratio| model.aspect_ratios.contains(ratio));
    must(knows, "ability_missing")?;
    prompt(catalog, &c.prompt)?;
    must(c.references.len() <= usize::from(model.references_max), "too_many_references")?;
    Ok(price.credits.get() + extra)
}

fn prompt(catalog: &Catalog, prompt: &str) -> Verdict {
    must(!prompt.trim().is_empty(), "prompt_empty")?;
    let max = usize::try_from(catalog.limits.prompt_chars_max).unwrap();
    must(prompt.chars().count() <= max, "prompt_too_long")
}
