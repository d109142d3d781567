//! What operators look after.

mod broadcasts;
mod health;
mod jobs;
mod letters;
mod parts;
mod projections;
mod stuck;

use proto_events::commands::Role;

pub(crate) use health::LEADS;
pub(super) use letters::{Waiting, waiting};
pub(super) use parts::span;

use super::door::{Door, Need};

/// Who keeps it running; what they see is harmless to all.
const KEEPERS: &[Role] = &[Role::Operator, Role::Administrator];
const READS: Need = Need::SignedIn;
const ACTS: Need = Need::One(KEEPERS);

pub(super) fn rooms(door: &mut Door) {
    door.view::<health::Health>();
    projections::rooms(door);
    door.view::<jobs::Jobs>();
    broadcasts::rooms(door);
    letters::rooms(door);
    stuck::rooms(door);
}
