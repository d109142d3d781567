//! The log as it is: found by account, type, command and time; each event with its postings, its place in the chain and the
//! proof that it is there.

mod event;
mod find;
mod list;

use super::door::Door;

pub(super) fn rooms(door: &mut Door) {
    door.view::<list::List>();
    door.view::<event::One>();
    door.data::<event::Proof>();
    door.get("/log/{position}/proof", event::EVERYBODY, event::proof);
}
