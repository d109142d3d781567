//! Every act of the console by hand: in a real browser, by mouse and keyboard, on a wide screen in Russian and on a telephone
//! in English, and looked for where it counts.

mod broadcasts;
mod four_eyes;
mod hand;
mod letters;
mod money;
mod people;
mod pictures;
mod projections;
mod shop;
mod staff;

use std::collections::BTreeSet;

use crate::desk::open;
use hand::{Act, ENTERING, route_of, routes};

/// What each of these tests promises to press, and is held to.
const PROMISED: [&[Act]; 11] = [
    &ENTERING,
    broadcasts::SENT,
    broadcasts::STOPPED,
    four_eyes::ACTS,
    letters::ACTS,
    money::ACTS,
    people::ACTS,
    pictures::ACTS,
    projections::ACTS,
    shop::ACTS,
    staff::ACTS,
];

#[test]
fn every_form_of_the_console_is_pressed_by_hand_and_says_what_it_did() {
    let routes = routes(&open());
    let promised = || PROMISED.iter().flat_map(|acts| acts.iter());
    let pressed: BTreeSet<&str> = promised().map(|(form, _)| route_of(&routes, form)).collect();
    let left: Vec<&String> = routes.iter().filter(|route| !pressed.contains(route.as_str())).collect();
    assert!(left.is_empty(), "nobody presses these: {left:?}");
    // One room may do several things: each is told in words of its own.
    let words = include_str!("../../../../ledger/src/console/en.ftl").lines();
    let told = words.filter_map(|line| line.strip_prefix("done-")?.split_once(" =")).map(|(name, _)| name);
    // A column is called so.
    let told = told.filter(|name| *name != "through");
    let seen: BTreeSet<&str> = promised().map(|(_, done)| *done).collect();
    let unheard: Vec<&str> = told.filter(|name| !seen.contains(name)).collect();
    assert!(unheard.is_empty(), "nobody does what is told so: {unheard:?}");
    assert!(routes.len() > 40 && seen.len() > 25, "{} forms, {} words", routes.len(), seen.len());
}
