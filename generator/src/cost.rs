//! What a call cost us: the vendor's counts by the catalog's unit costs, or what such a call costs.

use proto_events::{
    MicroUsd, Text,
    catalog::{Catalog, Model, UnitCosts},
    events::{GenerationKind, Spent, Usage},
    queries::{ClaimedJob, GenerationView},
};

use crate::gemini::{Answered, Ask};

/// Unit costs are per this many tokens.
const PER_TOKENS: i128 = 1_000_000;
/// Google's rule of thumb for words.
const CHARS_PER_TOKEN: usize = 4;
/// Google: a picture in a request, whatever its size.
const REFERENCE_TOKENS: usize = 560;
/// An answer of some paragraphs, with the thoughts before it.
const TEXT_TOKENS: u32 = 1_000;
/// A picture whose size the catalog does not cost.
const IMAGE_TOKENS: u32 = 1_120;

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

/// What goes on record for a call. The cost is absent when nothing was paid, or when a model answered that the
/// catalog does not know; it is estimated when Google may have worked and its whole bill never came.
pub fn spent(answered: &Answered, ask: &Ask, catalog: Option<&Catalog>) -> Spent {
    let metered = &answered.metered;
    let billed = metered.model_version.as_deref().unwrap_or(&ask.model);
    let costs = catalog.and_then(|catalog| unit_costs(catalog, billed));
    if metered.usage.is_some() && costs.is_none() {
        tracing::warn!(
            model = billed,
            asked = ask.model,
            "no unit costs are known for the model that answered"
        );
        metrics::counter!("generator_uncosted_calls_total").increment(1);
    }
    let counted = metered.usage.as_ref().zip(costs).map(|(usage, costs)| of(usage, costs));
    let in_doubt = answered.result.as_ref().is_err_and(|failure| failure.in_doubt);
    let pictures = answered.result.as_ref().map_or(0, |made| made.outputs.len());
    let by_picture = || costs?.picture.filter(|_| pictures > 0).map(|each| times(each, pictures));
    let guess = || catalog.filter(|_| in_doubt).and_then(|catalog| estimate(&ask.into(), catalog));
    let cost = counted.max(guess()).or_else(by_picture);
    Spent {
        usage: metered.usage,
        model_version: metered.model_version.as_deref().map(Text::lossy),
        cost_micro_usd: cost,
        estimated: in_doubt && cost.is_some(),
        latency_ms: u32::try_from(answered.latency.as_millis()).unwrap_or(u32::MAX),
    }
}

/// What goes on record for a call of which nothing was heard.
pub fn guessed(order: &Order, catalog: Option<&Catalog>) -> Spent {
    let cost_micro_usd = catalog.and_then(|catalog| estimate(order, catalog));
    Spent { cost_micro_usd, estimated: cost_micro_usd.is_some(), ..Spent::default() }
}

/// What a call's cost depends on, as far as it is known before its answer.
pub struct Order<'a> {
    kind: GenerationKind,
    model: &'a str,
    size: Option<&'a str>,
    /// Of all words that are sent.
    chars: usize,
    /// That are shown.
    pictures: usize,
}

impl<'a> From<&'a Ask> for Order<'a> {
    fn from(ask: &'a Ask) -> Self {
        let said = ask.turns.iter().flat_map(|turn| [&turn.prompt, &turn.answer]);
        let words = said.chain([&ask.prompt]).chain(&ask.system);
        Self {
            kind: ask.kind,
            model: &ask.model,
            size: ask.size.as_deref(),
            chars: words.map(|text| text.chars().count()).sum(),
            pictures: ask.material.pictures(),
        }
    }
}

/// Without what was said before it: that is not looked up for a call that is over.
impl<'a> From<&'a ClaimedJob> for Order<'a> {
    fn from(job: &'a ClaimedJob) -> Self {
        let system = job.system.as_ref().map_or(0, |text| text.chars().count());
        Self {
            kind: job.kind,
            model: &job.model,
            size: job.size.as_deref(),
            chars: system + job.prompt.chars().count(),
            pictures: job.references.len() + usize::from(job.followed.is_some()),
        }
    }
}

/// Without its words, which cost little beside what is put out.
impl<'a> From<&'a GenerationView> for Order<'a> {
    fn from(view: &'a GenerationView) -> Self {
        Self {
            kind: view.kind,
            model: &view.model,
            size: view.size.as_deref(),
            chars: 0,
            pictures: view.references.into(),
        }
    }
}

/// What such a call costs if Google does the work. `None`: the catalog does not know the model.
pub fn estimate(order: &Order, catalog: &Catalog) -> Option<MicroUsd> {
    let model = catalog.models.iter().find(|model| model.name.as_str() == order.model)?;
    if let Some(picture) = model.unit_costs.picture {
        return Some(picture);
    }
    let prompt = order.chars.div_ceil(CHARS_PER_TOKEN) + order.pictures * REFERENCE_TOKENS;
    let image_tokens = match order.kind {
        GenerationKind::Text => 0,
        GenerationKind::Picture | GenerationKind::Edit => image_tokens(order.size, model),
    };
    let usage = Usage {
        prompt_tokens: u32::try_from(prompt).unwrap_or(u32::MAX),
        output_tokens: if order.kind == GenerationKind::Text { TEXT_TOKENS } else { image_tokens },
        thought_tokens: 0,
        image_tokens,
    };
    Some(of(&usage, &model.unit_costs))
}

/// Of the size that was asked for; else of the model's first, which is what it makes when it is not told.
fn image_tokens(size: Option<&str>, model: &Model) -> u32 {
    let named = model.sizes.iter().find(|known| size == Some(known.size.as_str()));
    named.or(model.sizes.first()).and_then(|size| size.image_tokens).unwrap_or(IMAGE_TOKENS)
}

fn times(each: MicroUsd, count: usize) -> MicroUsd {
    let sum = i64::try_from(count).ok().and_then(|count| each.get().checked_mul(count));
    sum.and_then(|sum| MicroUsd::new(sum).ok()).unwrap_or(MicroUsd::MAX)
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod tests;
