//! Broadcasts: composed by administrators, tried on one of us, sent, paused and ended by whoever keeps the service running.

mod compose;
mod deed;
mod list;
mod looks;

use proto_events::commands::Role;

use super::ACTS;
use crate::console::door::{Door, Need};

/// Who says what is said to people.
const OWNERS: &[Role] = &[Role::Administrator];
const COMPOSES: Need = Need::One(OWNERS);

pub(super) fn rooms(door: &mut Door) {
    door.view::<list::Broadcasts>();
    door.view::<compose::Compose>();
    door.post("/broadcasts/compose", COMPOSES, compose::composed);
    door.post("/broadcasts/{broadcast}/try", COMPOSES, deed::tries);
    door.post("/broadcasts/{broadcast}/{deed}", ACTS, deed::act);
}
