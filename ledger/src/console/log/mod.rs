//! The log as it is: found by account, type, command and time; each event with its postings, its place in the chain and the
//! proof that it is there.

mod event;
mod find;
mod list;

pub(super) use list::signed;

use super::door::{Door, Need};

pub(super) fn rooms(door: &mut Door) {
    door.get("/log", Need::SignedIn, list::list);
    door.get("/log/{position}", Need::SignedIn, event::event);
    door.get("/log/{position}/proof", Need::SignedIn, event::proof);
}
