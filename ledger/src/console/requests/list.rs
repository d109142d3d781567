//! The page of requests, with its filters.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::find::{Found, Line, Wanted, find};
use super::{OWNERS, READS};
use crate::books::words::{dollars, grouped};
use crate::console::Console;
use crate::console::asked::{Unfit, account, link, some};
use crate::console::door::Need;
use crate::console::form::{Field, choice, filters};
use crate::console::table::{self, Column, number, pages, table, when};
use crate::console::view::{Read, Scene, View};

const PAGE: usize = 50;
const KINDS: [&str; 3] = ["text", "picture", "edit"];
const STATES: [&str; 4] = ["open", "succeeded", "failed", "canceled"];

pub(super) struct List;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    #[serde(default)]
    account: String,
    /// text, picture or edit
    #[serde(default)]
    kind: String,
    /// open, succeeded, failed or canceled
    #[serde(default)]
    state: String,
    /// From this position downwards.
    next: Option<i64>,
}

impl Read for List {
    type Asked = Asked;
    type Shown = Found;

    const PATH: &'static str = "/requests";
    const NEED: Need = READS;
    const ABOUT: &'static str =
        "Requests for pictures and answers; with `next` and nothing found, the next stretch may have some";

    async fn read(console: &Console, asked: &Asked) -> Result<Found, Unfit> {
        let account = some(&asked.account).map(|text| account(&text)).transpose()?;
        let (kind, state) = (some(&asked.kind), some(&asked.state));
        if kind.as_deref().is_some_and(|kind| !KINDS.contains(&kind))
            || state.as_deref().is_some_and(|state| !STATES.contains(&state))
        {
            return Err(Unfit::Field("request-filter-unfit"));
        }
        Ok(find(&console.pool, &Wanted { account, kind, state, next: asked.next }, PAGE).await?)
    }
}

impl View for List {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Found>) -> String {
        scene.t("menu-requests")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let account = scene.t("account");
        let any = || std::iter::once(("", scene.t("any")));
        let kinds: Vec<_> = any().chain(KINDS.map(|kind| (kind, kind_of(scene, kind)))).collect();
        let states: Vec<_> = any().chain(STATES.map(|state| (state, state_of(scene, state)))).collect();
        let fields = html! {
            (Field::wish("account", &account, &asked.account).show())
            (choice("kind", &scene.t("kind"), &kinds, &asked.kind))
            (choice("state", &scene.t("state"), &states, &asked.state))
        };
        filters("/requests", &fields, &scene.t("find"))
    }

    fn show(scene: &Scene<'_>, asked: &Asked, found: &Found) -> Markup {
        let none = if found.next.is_some() { "no-requests-so-far" } else { "no-requests" };
        let older = if found.lines.is_empty() { "look-further" } else { "older" };
        let links = [
            ("newest", asked.next.map(|_| elsewhere(asked, None))),
            (older, found.next.map(|next| elsewhere(asked, Some(next)))),
        ];
        html! {
            @if found.lines.is_empty() { p class="lead" { (scene.t(none)) } } @else { (list(scene, &found.lines)) }
            (pages(scene.words, &links))
        }
    }

    fn again_every(asked: &Asked) -> Option<u8> {
        asked.next.is_none().then_some(5)
    }
}

fn elsewhere(asked: &Asked, next: Option<i64>) -> String {
    let next = next.map(|next| next.to_string()).unwrap_or_default();
    let all = [
        ("account", asked.account.as_str()),
        ("kind", &asked.kind),
        ("state", &asked.state),
        ("next", &next),
    ];
    link("/requests", &all)
}

pub(super) fn kind_of(scene: &Scene<'_>, kind: &str) -> String {
    scene.words.known(&format!("kind-{kind}")).unwrap_or_else(|| kind.to_owned())
}

pub(super) fn state_of(scene: &Scene<'_>, state: &str) -> String {
    scene.words.known(&format!("state-{state}")).unwrap_or_else(|| state.to_owned())
}

pub(in crate::console) fn list(scene: &Scene<'_>, lines: &[Line]) -> Markup {
    let columns = [
        Column::Text("when"),
        Column::Text("request"),
        Column::Text("account"),
        Column::Text("kind"),
        Column::Text("model"),
        Column::Text("state"),
        Column::Number("charged"),
        Column::Number("cost"),
        Column::Number("took"),
    ];
    let owner = scene.is_one_of(OWNERS);
    let rows = html! {
        @for line in lines {
            tr {
                (when(line.requested_at))
                td class="id" {
                    a href={"/requests/" (line.generation)} { "…" (line.generation.rsplit('-').next().unwrap_or_default()) }
                }
                // An operator is led to what they may see.
                @if owner { (table::person(line.account)) } @else { (table::account(line.account)) }
                td { (kind_of(scene, &line.kind)) }
                td { (line.model) }
                td { (state_of(scene, &line.state)) @if let Some(why) = &line.reason { br; span class="dim" { (why) } } }
                (number(grouped(line.charged)))
                (number(cost(line.cost_micro_usd.saturating_add(line.estimated_micro_usd))))
                (number(took(line)))
            }
        }
    };
    table(scene.words, &scene.t("menu-requests"), &columns, &rows, None)
}

/// One request costs cents and parts of them.
pub(super) fn cost(micro: i64) -> String {
    dollars(micro, 4)
}

/// From the request to its end.
fn took(line: &Line) -> String {
    line.closed_at.map(|end| seconds((end - line.requested_at) / 1_000)).unwrap_or_default()
}

pub(super) fn seconds(ms: i64) -> String {
    format!("{}.{}", grouped(ms.max(0) / 1_000), ms.max(0) % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_and_times_are_told_in_dollars_and_seconds() {
        assert_eq!([0, 138_472, 1_000_000].map(cost), ["$0.00", "$0.1385", "$1.00"]);
        assert_eq!([0, 999, 12_345, -1].map(seconds), ["0.0", "0.9", "12.3", "0.0"]);
    }
}
