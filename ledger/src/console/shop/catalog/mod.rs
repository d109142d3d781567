//! The catalog: what is in force and was, a draft of what is to be, the two compared, and the publication, which is an act.
//!
//! The draft is one row (`catalog_draft`) that counts its changes; whoever saves names the one they saw. It is in force nowhere:
//! people pay by what the log has. Published, it ends; a draft that is what is in force counts as none, so that who dies
//! between the two leaves nothing to be done again.

mod changes;
mod compare;
mod draft;
mod faults;
mod fields;
mod form;
mod history;
mod json;
mod list;
mod now;
mod plain;
mod publish;
mod words;

use proto_events::catalog::Catalog;
use proto_events::{AccountId, Event};
use sqlx::PgPool;

use super::{ACTS, EDITS, READS, is_owner};
use crate::console::asked::Unfit;
use crate::console::door::Door;
use crate::log::Row;
use crate::store::{self, CatalogDraft};

pub(super) fn rooms(door: &mut Door) {
    door.view::<now::Now>();
    door.view::<history::Versions>();
    door.view::<compare::Compare>();
    door.view::<draft::Draft>();
    door.view::<json::Whole>();
    door.post("/catalog/draft", EDITS, draft::save);
    door.post("/catalog/draft/json", EDITS, json::save);
    door.post("/catalog/draft/begin", EDITS, draft::begin);
    door.post("/catalog/draft/carry", EDITS, draft::carry);
    door.post("/catalog/draft/end", EDITS, draft::end);
    door.post("/catalog/publish", ACTS, publish::publish);
}

/// A catalog that was published.
struct Version {
    version: i64,
    position: i64,
    /// µs
    at: i64,
    actor: String,
    producer: String,
    reason: Option<String>,
    catalog: Catalog,
}

impl Version {
    fn read(row: &Row) -> Result<Self, Unfit> {
        match row.event()? {
            Event::CatalogPublished(e) => Ok(Self {
                version: e.version,
                position: row.position,
                at: row.recorded_at,
                actor: row.actor.clone(),
                producer: row.producer.clone(),
                reason: e.reason.map(String::from),
                catalog: e.catalog,
            }),
            _ => Err(Unfit::Broken("log-unread")),
        }
    }
}

async fn in_force(pool: &PgPool) -> Result<Version, Unfit> {
    let newest = store::newest_of_type(pool, AccountId::CATALOG, store::CATALOG_PUBLISHED).await?;
    newest.as_ref().map(Version::read).transpose()?.ok_or(Unfit::NotYet("catalog-not-yet"))
}

async fn of_version(pool: &PgPool, version: i64, in_force: i64) -> Result<Version, Unfit> {
    if !(1..=in_force).contains(&version) {
        return Err(Unfit::Nowhere);
    }
    let row = store::catalog_of(pool, version).await?;
    row.as_ref().map(Version::read).transpose()?.ok_or(Unfit::Nowhere)
}

/// The draft, if there is one.
struct Written {
    catalog: Catalog,
    /// The version that it is to follow.
    base: i64,
    by: String,
    /// µs
    at: i64,
}

/// The draft with the number of its last change; none where it is what is in force.
async fn written(pool: &PgPool, in_force: &Version) -> Result<(i64, Option<Written>), Unfit> {
    let row = store::catalog_draft(pool).await?;
    let CatalogDraft { revision, catalog, base, edited_by, edited_at } = row;
    let Some(text) = catalog else { return Ok((revision, None)) };
    let catalog: Catalog = serde_json::from_str(&text).map_err(|error| {
        tracing::error!(%error, "the draft of the catalog can't be read");
        Unfit::Broken("draft-unread")
    })?;
    let base = base.unwrap_or_default();
    if base < in_force.version && catalog == in_force.catalog {
        return Ok((revision, None));
    }
    let (by, at) = (edited_by.unwrap_or_default(), edited_at.unwrap_or_default());
    Ok((revision, Some(Written { catalog, base, by, at })))
}
