//! Requests: what people asked for, how it went and what it cost, for operators and administrators. What was said and what was made
//! is personal: administrators see it after a look that is in the log (`content`), pictures by that look alone (`picture`).

mod content;
mod find;
mod list;
mod media;
mod one;
mod picture;

use proto_events::commands::Role;

use super::door::{Door, Need};

pub(super) use find::{Line, Wanted, find};
pub(super) use list::list;

const READS: Need = Need::One(&[Role::Operator, Role::Administrator]);
const OWNERS: &[Role] = &[Role::Administrator];
const LOOKS: Need = Need::One(OWNERS);

pub(super) fn rooms(door: &mut Door) {
    door.view::<list::List>();
    door.view::<one::One>();
    door.post("/requests/{generation}/look", LOOKS, one::looked);
    door.get("/requests/{generation}/pictures/{n}", LOOKS, picture::picture);
}
