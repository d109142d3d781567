//! The page of events, with its filters.

use maud::{Markup, html};
use proto_events::Event;
use schemars::JsonSchema;
use serde::Deserialize;

use super::event::EVERYBODY;
use super::find::{Found, Line, Wanted, find};
use crate::console::Console;
use crate::console::acts::who;
use crate::console::asked::{Unfit, account, link, since, some, until};
use crate::console::door::Need;
use crate::console::form::{Field, choice, filters};
use crate::console::table::{self, Column, number, pages, position, signed, table, when};
use crate::console::view::{Read, Scene, View};

pub(super) struct List;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    #[serde(default)]
    account: String,
    /// Such as `PaymentSettled`.
    #[serde(default)]
    r#type: String,
    /// A command's id.
    #[serde(default)]
    command: String,
    /// A position, a day in Moscow, or a time (RFC 3339).
    #[serde(default)]
    from: String,
    /// The same.
    #[serde(default)]
    to: String,
    /// From this position downwards.
    next: Option<i64>,
}

impl Read for List {
    type Asked = Asked;
    type Shown = Found;

    const PATH: &'static str = "/log";
    const NEED: Need = EVERYBODY;
    const ABOUT: &'static str =
        "Events of the log; with `next` and nothing found, the next stretch may have some";

    async fn read(console: &Console, asked: &Asked) -> Result<Found, Unfit> {
        let pool = &console.pool;
        let (first, last) = (since(pool, &asked.from).await?, until(pool, &asked.to).await?.position);
        let last = asked.next.map_or(last, |next| next.min(last));
        let account = some(&asked.account).map(|text| account(&text)).transpose()?;
        let kind = some(&asked.r#type);
        if kind.as_deref().is_some_and(|kind| !Event::TYPES.contains(&kind)) {
            return Err(Unfit::Field("type-unfit"));
        }
        let wanted = Wanted { account, kind, command: some(&asked.command), first, last };
        Ok(find(pool, &wanted).await?)
    }
}

impl View for List {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Found>) -> String {
        scene.t("menu-log")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let labels = ["account", "type", "command", "from", "to"].map(|name| scene.t(name));
        let [account, kind, command, from, to] = &labels;
        let hint = scene.t("moment-hint");
        let any = ("", scene.t("any"));
        let kinds: Vec<(&str, String)> =
            std::iter::once(any).chain(Event::TYPES.iter().map(|kind| (*kind, (*kind).to_owned()))).collect();
        let fields = html! {
            (Field::wish("account", account, &asked.account).show())
            (choice("type", kind, &kinds, &asked.r#type))
            (Field::wish("command", command, &asked.command).show())
            (Field { hint: Some(&hint), ..Field::wish("from", from, &asked.from) }.show())
            (Field::wish("to", to, &asked.to).show())
        };
        filters("/log", &fields, &scene.t("find"))
    }

    fn show(scene: &Scene<'_>, asked: &Asked, found: &Found) -> Markup {
        let none = if found.next.is_some() { "none-so-far" } else { "none-found" };
        let older = if found.lines.is_empty() { "look-further" } else { "older" };
        let links = [
            ("newest", asked.next.map(|_| elsewhere(asked, None))),
            (older, found.next.map(|next| elsewhere(asked, Some(next)))),
        ];
        html! {
            @if found.lines.is_empty() { p class="lead" { (scene.t(none)) } } @else { (events(scene, &found.lines)) }
            (pages(scene.words, &links))
        }
    }

    /// The end of the log goes on.
    fn again_every(asked: &Asked) -> Option<u8> {
        (asked.next.is_none() && asked.to.trim().is_empty()).then_some(2)
    }
}

/// The same filters at another place.
fn elsewhere(asked: &Asked, next: Option<i64>) -> String {
    let next = next.map(|next| next.to_string()).unwrap_or_default();
    let all = [
        ("account", asked.account.as_str()),
        ("type", &asked.r#type),
        ("command", &asked.command),
        ("from", &asked.from),
        ("to", &asked.to),
        ("next", &next),
    ];
    link("/log", &all)
}

fn events(scene: &Scene<'_>, lines: &[Line]) -> Markup {
    let columns = [
        Column::Number("position"),
        Column::Text("when"),
        Column::Text("type"),
        Column::Number("available"),
        Column::Number("reserved"),
        Column::Number("debt"),
        Column::Text("account"),
        Column::Text("who"),
    ];
    let rows = html! {
        @for line in lines {
            tr {
                (position(line.position))
                (when(line.recorded_at))
                td { code { (line.r#type) } }
                @for delta in [line.available_delta, line.reserved_delta, line.debt_delta] { (number(signed(delta))) }
                (table::account(line.account_id))
                td { (who(&line.actor, &line.producer)) }
            }
        }
    };
    table(scene.words, &scene.t("menu-log"), &columns, &rows, None)
}
