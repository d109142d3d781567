//! What about money waits for a person, and a person's decision of a payment in quarantine.

mod decide;
mod list;

use super::door::{Door, Need};
use proto_events::commands::Role;

const OWNERS: &[Role] = &[Role::Administrator];

pub(super) fn rooms(door: &mut Door) {
    door.view::<list::All>();
    door.view::<decide::One>();
    door.post("/cases/decide", Need::Proven(OWNERS), decide::decide);
}
