//! What a call cost us: the vendor's counts by the catalog's unit costs.

use proto_events::{MicroUsd, Text, catalog::Catalog, catalog::UnitCosts, events::Spent, events::Usage};

use crate::gemini::Answered;

/// Unit costs are per this many tokens.
const PER_TOKENS: i128 = 1_000_000;

/// Prompt and image tokens at their own rates; what else was put out, and thoughts, as output.
/// Rounded up to a whole micro-dollar: a cost is never understated.
pub fn of(usage: &Usage, costs: &UnitCosts) -> MicroUsd {
    let spoken = usage.output_tokens.saturating_sub(usage.image_tokens);
    let output = i128::from(spoken) + i128::from(usage.thought_tokens);
    let sum = i128::from(usage.prompt_tokens) * i128::from(costs.prompt.get())
        + i128::from(usage.image_tokens) * i128::from(costs.image.get())
        + output * i128::from(costs.output.get());
    let whole = (sum + PER_TOKENS - 1) / PER_TOKENS;
    i64::try_from(whole).ok().and_then(|cost| MicroUsd::new(cost).ok()).unwrap_or(MicroUsd::MAX)
}

/// The unit costs of the model that answered: by its name, else the longest name it begins with
/// (`gemini-3-pro-image-001` is `gemini-3-pro-image`).
pub fn unit_costs<'a>(catalog: &'a Catalog, model_version: &str) -> Option<&'a UnitCosts> {
    let version = model_version.trim_start_matches("models/");
    let known = catalog.models.iter().filter(|model| {
        let rest = version.strip_prefix(model.name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    known.max_by_key(|model| model.name.len()).map(|model| &model.unit_costs)
}

/// What goes on record for a call. The cost is absent when the vendor did not count, or when a model
/// answered that the catalog does not know.
pub fn spent(answered: &Answered, asked: &str, catalog: Option<&Catalog>) -> Spent {
    let metered = &answered.metered;
    let billed = metered.model_version.as_deref().unwrap_or(asked);
    let costs = catalog.and_then(|catalog| unit_costs(catalog, billed));
    if metered.usage.is_some() && costs.is_none() {
        tracing::warn!(model = billed, asked, "no unit costs are known for the model that answered");
        metrics::counter!("generator_uncosted_calls_total").increment(1);
    }
    let cost = metered.usage.as_ref().zip(costs).map(|(usage, costs)| of(usage, costs));
    Spent {
        usage: metered.usage,
        model_version: metered.model_version.as_deref().map(Text::lossy),
        cost_micro_usd: cost,
        estimated: false,
        latency_ms: u32::try_from(answered.latency.as_millis()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_pro_call_costs_what_google_billed() {
        let catalog = Catalog::default_catalog().unwrap();
        let usage = Usage { prompt_tokens: 14, output_tokens: 1283, thought_tokens: 174, image_tokens: 1120 };
        let costs = unit_costs(&catalog, "gemini-3-pro-image").unwrap();
        assert_eq!(of(&usage, costs).get(), 138_472);
    }

    #[test]
    fn a_picture_of_the_default_model_costs_its_list_price() {
        let catalog = Catalog::default_catalog().unwrap();
        let costs = unit_costs(&catalog, "models/gemini-nano-banana-2.1").unwrap();
        let usage = Usage { output_tokens: 1120, image_tokens: 1120, ..Usage::default() };
        assert_eq!(of(&usage, costs).get(), 33_600);
    }

    #[test]
    fn a_cost_is_rounded_up_and_bounded() {
        let unit = |n| MicroUsd::new(n).unwrap();
        let costs = UnitCosts { prompt: unit(300_000), output: unit(0), image: unit(0), picture: None };
        let usage = |prompt_tokens| Usage { prompt_tokens, ..Usage::default() };
        assert_eq!(of(&usage(1), &costs).get(), 1);
        assert_eq!(of(&usage(10), &costs).get(), 3);
        let dear =
            UnitCosts { prompt: MicroUsd::MAX, output: MicroUsd::MAX, image: MicroUsd::MAX, picture: None };
        assert_eq!(of(&usage(u32::MAX), &dear), MicroUsd::MAX);
    }

    #[test]
    fn a_model_is_billed_under_the_longest_name_it_begins_with() {
        let mut catalog = Catalog::default_catalog().unwrap();
        let mut lite = catalog.models[2].clone();
        lite.name = Text::new("gemini-3-pro").unwrap();
        lite.unit_costs.prompt = MicroUsd::new(1).unwrap();
        catalog.models.push(lite);
        let prompt = |name| unit_costs(&catalog, name).map(|costs| costs.prompt.get());
        assert_eq!(prompt("gemini-3-pro-image-001"), Some(2_000_000));
        assert_eq!(prompt("gemini-3-pro-002"), Some(1));
        assert_eq!(prompt("gemini-3-professional"), None);
    }
}
