//! The stream of the catalog: what is sold, published whole, by version.

mod problem;
mod validate;

pub use problem::Problem;
pub use validate::problems;

use proto_events::Event;
use proto_events::catalog::Catalog;
use proto_events::commands::CatalogPublish;
use proto_events::events::CatalogPublished;

use crate::account::Facts;
use crate::four_eyes::agreed_catalog;
use crate::refusal::Refusal;

/// A catalog in force, with the version every charge names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedCatalog {
    pub version: i64,
    pub catalog: Catalog,
}

/// The fold of the stream `catalog`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogStream {
    /// Events so far.
    pub version: i64,
    pub published: Option<PublishedCatalog>,
}

/// # Errors
/// version_not_next, catalog_invalid, needs_approval.
pub fn decide_catalog(
    state: &CatalogStream,
    command: &CatalogPublish,
    facts: &Facts,
) -> Result<Vec<Event>, Refusal> {
    let next = state.published.as_ref().map_or(1, |p| p.version.saturating_add(1));
    if command.version != next {
        return Err(Refusal::VersionNotNext { next });
    }
    let problems = problems(&command.catalog);
    if !problems.is_empty() {
        let problems = problems.iter().map(Problem::to_string).collect();
        return Err(Refusal::CatalogInvalid { problems });
    }
    agreed_catalog(facts)?;
    let (catalog, reason) = (command.catalog.clone(), command.reason.clone());
    Ok(vec![CatalogPublished { version: next, catalog, reason }.into()])
}

#[must_use]
pub fn evolve_catalog(mut state: CatalogStream, event: &Event) -> CatalogStream {
    state.version = state.version.saturating_add(1);
    if let Event::CatalogPublished(e) = event {
        state.published = Some(PublishedCatalog { version: e.version, catalog: e.catalog.clone() });
    }
    state
}
