//! The providers' books against ours, day by day of Moscow: what was compared, and each difference to work off.

mod day;
mod list;

use super::door::Door;

pub(super) fn rooms(door: &mut Door) {
    list::rooms(door);
    day::rooms(door);
}
