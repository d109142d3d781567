//! People, for administrators: found, looked at, given and taken credits, banned, written to.
//!
//! Who somebody is (name, number in Telegram, e-mail) is shown only after a look is in the log (`look`), and for that one page.
//! What was looked for is in no address and in no table: a search leaves whom it has found (`search`).

mod confirm;
mod deed;
mod face;
mod find;
mod list;
mod look;
mod person;
mod records;
mod search;

use proto_events::commands::Role;

use super::door::{Door, Need};

pub(super) use look::{LOOKED, look};

const OWNERS: &[Role] = &[Role::Administrator];
const READS: Need = Need::One(OWNERS);
/// What moves credits.
const MOVES: Need = Need::Proven(OWNERS);

pub(super) fn rooms(door: &mut Door) {
    door.view::<list::List>();
    door.post("/people/search", READS, search::search);
    door.post("/people/names", READS, list::names);
    door.view::<person::Person>();
    door.post("/people/{account}/look", READS, person::looked);
    door.post("/people/{account}/confirm", READS, confirm::confirm);
    door.post("/people/{account}/credits", MOVES, deed::credits);
    door.post("/people/{account}/do", READS, deed::others);
}
