//! The bot's words: those that are built in, and the owner's in their place, by language. What is written is read as Fluent, said with
//! sample values, and shown as Telegram shows it, before it is an act. Above texts that are messages of their own a picture may stand:
//! it is brought (`upload`), looked at by its bytes (`file`) and by eye, then put (`picture`).

mod caption;
mod change;
mod file;
mod list;
mod look;
mod one;
mod picture;
mod pictured;
mod upload;

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
    door.upload("/texts/{key}/picture/look", NEED, upload::BODY_BYTES_MAX, picture::look);
    door.post("/texts/{key}/picture/put", NEED, picture::put);
    door.post("/texts/{key}/picture/take-back", NEED, picture::take_back);
    door.get("/pictures/{sha256}", NEED, picture::bytes);
}
