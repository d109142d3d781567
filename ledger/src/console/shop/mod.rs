//! What the shop sells and says: the catalog, as a draft until it is published, and the bot's words.

mod catalog;
mod texts;

use proto_events::commands::Role;

use super::door::{Door, Need};
use super::view::Scene;

/// Who reads what is sold.
const READS: Need = Need::One(&[Role::Finance, Role::Administrator]);
/// Who writes what is to be sold; nothing of it is in force yet.
const EDITS: Need = Need::One(OWNERS);
/// Who puts it in force.
const ACTS: Need = Need::Proven(OWNERS);
const OWNERS: &[Role] = &[Role::Administrator];

pub(super) fn rooms(door: &mut Door) {
    catalog::rooms(door);
    texts::rooms(door);
}

fn is_owner(scene: &Scene<'_>) -> bool {
    scene.is_one_of(OWNERS)
}
