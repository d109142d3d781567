//! Events that a service can't get done: it tries them again by itself until somebody here drops them. They hold no secret: what they
//! say is in the log.

mod deed;
mod one;

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;

use super::ACTS;
use crate::books::words::grouped;
use crate::console::door::Door;
use crate::console::table::{Column, number, table, when};
use crate::console::view::Scene;
use crate::store::StuckEvent;

pub(super) fn rooms(door: &mut Door) {
    door.view::<one::One>();
    door.post("/dead-letters/events/{consumer}/{position}/drop", ACTS, deed::drop_it);
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Stuck {
    /// telegram, payments, generator
    consumer: String,
    position: i64,
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// How often it was shown to it.
    tries: i64,
    /// Why it was not done the last time; empty: its service has not said, as one that dies at it.
    error: String,
    /// Somebody is still to be told of it: that ends when it is dropped.
    telling: bool,
    /// It is not tried any more, as soon as its service has asked the next time.
    dropped: bool,
    /// µs
    first_at: i64,
    last_at: i64,
}

impl From<StuckEvent> for Stuck {
    fn from(one: StuckEvent) -> Self {
        let StuckEvent { consumer, position, event_type, tries, error, telling, dropped, first_at, last_at } =
            one;
        Self { consumer, position, event_type, tries, error, telling, dropped, first_at, last_at }
    }
}

fn path(consumer: &str, position: i64) -> String {
    format!("/dead-letters/events/{consumer}/{position}")
}

fn state_of(scene: &Scene<'_>, one: &Stuck) -> String {
    scene.t(if one.dropped { "letter-dropped" } else { "stuck-open" })
}

fn why(scene: &Scene<'_>, one: &Stuck) -> String {
    if one.error.is_empty() { scene.t("stuck-unsaid") } else { one.error.clone() }
}

pub(super) fn lines(scene: &Scene<'_>, label: &str, all: &[Stuck]) -> Markup {
    let columns = [
        Column::Text("event"),
        Column::Text("last-tried"),
        Column::Number("times-refused"),
        Column::Text("consumer"),
        Column::Text("stuck-error"),
        Column::Text("state"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" {
                    a href=(path(&one.consumer, one.position)) { (one.position) } " "
                    @if let Some(kind) = &one.event_type { code { (kind) } }
                }
                (when(one.last_at))
                (number(grouped(one.tries)))
                td { (one.consumer) }
                td class="words" { (why(scene, one)) }
                td { (state_of(scene, one)) }
            }
        }
    };
    table(scene.words, label, &columns, &rows, None)
}
