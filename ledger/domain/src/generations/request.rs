//! Asking for a text, a picture or an edit. The order of the checks is the order of refusals.

use proto_events::catalog::{Catalog, Model};
use proto_events::commands::GenerationRequest;
use proto_events::events::GenerationRequested;
use proto_events::{Credits, Event, GenerationId, ReservationId};

use super::running_count;
use crate::account::{Account, Facts};
use crate::lots::Course;
use crate::refusal::Refusal;

pub(crate) fn request(state: &Account, c: &GenerationRequest, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    state.must_be_active()?;
    let published = facts.catalog.ok_or(Refusal::KindUnknown)?;
    let (model, price) = find_model(&published.catalog, c)?;
    let need = price.get() + size_extra(model, c)?.get();
    must_have_ratio(model, c)?;
    must_be_a_prompt(&published.catalog, c)?;
    if c.references.len() > usize::from(model.references_max) {
        return Err(Refusal::TooManyReferences { max: model.references_max, count: c.references.len() });
    }
    // Whether it made anything is not asked: an account forgets generations that are long over.
    if c.follows.is_some_and(|followed| followed.account() != facts.account) {
        return Err(Refusal::GenerationNotFound);
    }
    let limits = published.catalog.limits;
    if running_count(&state.generations) >= usize::from(limits.running_per_person_max) {
        return Err(Refusal::TooManyRunning { max: limits.running_per_person_max });
    }
    let insufficient = || Refusal::InsufficientCredits { have: state.purse.spendable(facts.calendar), need };
    // A price past the bound is more than anybody can have.
    let credits = Credits::new(need).map_err(|_| insufficient())?;
    let generation = GenerationId::derive(facts.account, facts.producer, facts.command_id);
    let mut course = Course::new(&state.purse, state.version, facts.calendar);
    course.push(GenerationRequested {
        generation,
        kind: c.kind,
        model: model.name.clone(),
        aspect_ratio: c.aspect_ratio.clone(),
        size: c.size.clone(),
        // Invariant: not above references_max, which is a u8.
        references: u8::try_from(c.references.len()).unwrap_or(u8::MAX),
        credits,
        catalog_version: published.version,
    });
    let deadline = facts.now.plus_ms(limits.reservation_ms.into());
    if !course.reserve(ReservationId::of(generation), generation, credits, deadline) {
        return Err(insufficient());
    }
    Ok(course.done())
}

/// kind_unknown, model_unknown, ability_missing.
fn find_model<'a>(catalog: &'a Catalog, c: &GenerationRequest) -> Result<(&'a Model, Credits), Refusal> {
    let makers = || catalog.models.iter().filter(|m| m.kinds.iter().any(|k| k.kind == c.kind));
    if makers().next().is_none() {
        return Err(Refusal::KindUnknown);
    }
    if let Some(found) = catalog.model(c.kind, c.model.as_deref()) {
        return Ok(found);
    }
    let offered = makers().map(|m| m.name.to_string()).collect();
    let known = c.model.as_ref().is_some_and(|name| catalog.models.iter().any(|m| m.name == *name));
    if known {
        Err(Refusal::AbilityMissing { what: "kind", offered })
    } else {
        Err(Refusal::ModelUnknown { offered })
    }
}

/// What the size asked for costs on top; the first one when none is asked for.
fn size_extra(model: &Model, c: &GenerationRequest) -> Result<Credits, Refusal> {
    let found = match &c.size {
        None => return Ok(model.sizes.first().map_or(Credits::ZERO, |s| s.extra)),
        Some(size) => model.sizes.iter().find(|s| s.size == *size),
    };
    found.map(|s| s.extra).ok_or_else(|| Refusal::AbilityMissing {
        what: "size",
        offered: model.sizes.iter().map(|s| s.size.to_string()).collect(),
    })
}

fn must_have_ratio(model: &Model, c: &GenerationRequest) -> Result<(), Refusal> {
    match &c.aspect_ratio {
        Some(ratio) if !model.aspect_ratios.contains(ratio) => Err(Refusal::AbilityMissing {
            what: "aspect_ratio",
            offered: model.aspect_ratios.iter().map(ToString::to_string).collect(),
        }),
        _ => Ok(()),
    }
}

fn must_be_a_prompt(catalog: &Catalog, c: &GenerationRequest) -> Result<(), Refusal> {
    if c.prompt.trim().is_empty() {
        return Err(Refusal::PromptEmpty);
    }
    let (length, max) = (c.prompt.chars().count(), catalog.limits.prompt_chars_max);
    if u32::try_from(length).map_or(true, |length| length > max) {
        return Err(Refusal::PromptTooLong { max, length });
    }
    Ok(())
}
