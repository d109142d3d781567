//! The bot's words: those that are built in, and the owner's in their place, by language. What is written is read as Fluent, said with
//! sample values, and shown as Telegram shows it, before it is an act.

mod change;
mod list;
mod look;
mod one;

use super::OWNERS;
use crate::console::door::{Door, Need};

/// Whose words the bot says.
const NEED: Need = Need::One(OWNERS);

pub(super) fn rooms(door: &mut Door) {
    door.view::<list::All>();
    door.view::<one::One>();
    door.post("/texts/{key}/look", NEED, change::look);
    door.post("/texts/{key}/put", NEED, change::put);
    door.post("/texts/{key}/take-back", NEED, change::take_back);
}
