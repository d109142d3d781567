//! The page of people, with its filters.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::find::{Line, PAGE, Wanted, find};
use super::{READS, look};
use crate::books::moscow::Day;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::act::Acted;
use crate::console::asked::{Unfit, link};
use crate::console::door::Need;
use crate::console::form::{Field, choice, filters, hidden, tick};
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::console::table::{Column, number, pages, person, table, when};
use crate::console::view::{Read, Scene, View};
use crate::store;

/// Of "active lately".
const DAYS: [&str; 3] = ["1", "7", "30"];

pub(super) struct List;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// The name of what a search on the page has found.
    #[serde(default)]
    search: String,
    banned: Option<bool>,
    /// Who can't be reached.
    away: Option<bool>,
    in_debt: Option<bool>,
    /// Who has paid at least once.
    payer: Option<bool>,
    /// Who asked for something in so many days, today with them: 1 to 365.
    #[serde(default)]
    active_days: String,
    /// From this position of opening downwards.
    next: Option<i64>,
    /// Whose names are told: a look is in the log.
    #[serde(skip)]
    named: Vec<Uuid>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Who came last first, 40 at most.
    people: Vec<Line>,
    next: Option<i64>,
    /// A search found more than it keeps.
    more_found: bool,
}

impl Read for List {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/people";
    const NEED: Need = READS;
    const ABOUT: &'static str = "People, without anything personal";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let found = match asked.search.as_str() {
            "" => None,
            name => {
                let name = Uuid::try_parse(name).map_err(|_| Unfit::Field("search-over"))?;
                let kept = store::kept_search(&console.pool, name).await?;
                Some(kept.ok_or(Unfit::Field("search-over"))?)
            }
        };
        let active_days = match asked.active_days.trim() {
            "" => None,
            days => match days.parse() {
                Ok(days @ 1..=365) => Some(days),
                _ => return Err(Unfit::Field("days-active-unfit")),
            },
        };
        let wanted = Wanted {
            found: found.as_ref(),
            banned: asked.banned,
            away: asked.away,
            in_debt: asked.in_debt,
            payer: asked.payer,
            active_days,
            next: asked.next,
            named: &asked.named,
        };
        let mut people = find(&console.pool, &wanted).await?;
        let more = people.len() > PAGE;
        people.truncate(PAGE);
        let next = people.last().filter(|_| more).map(|last| last.opened - 1);
        Ok(Shown { people, next, more_found: found.is_some_and(|found| found.more) })
    }
}

impl Asked {
    pub(super) fn of_search(search: Uuid) -> Self {
        Self { search: search.to_string(), ..Self::default() }
    }

    fn fields(&self, next: Option<i64>) -> [(&'static str, String); 7] {
        let said = |wish: Option<bool>| wish.map(|wish| wish.to_string()).unwrap_or_default();
        [
            ("search", self.search.clone()),
            ("banned", said(self.banned)),
            ("away", said(self.away)),
            ("in_debt", said(self.in_debt)),
            ("payer", said(self.payer)),
            ("active_days", self.active_days.clone()),
            ("next", next.map(|next| next.to_string()).unwrap_or_default()),
        ]
    }

    /// The same at another place.
    pub(super) fn elsewhere(&self, next: Option<i64>) -> String {
        let fields = self.fields(next);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        link("/people", &fields)
    }
}

impl View for List {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-people")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let [whom, hint, active] =
            ["find-person", "find-person-hint", "active-lately"].map(|name| scene.t(name));
        let any = std::iter::once(("", scene.t("any")));
        let lately = |days: &'static str| {
            let n: i64 = days.parse().unwrap_or_default();
            (days, scene.words.with("in-days", [("n", n.into())]))
        };
        let days: Vec<(&str, String)> = any.chain(DAYS.map(lately)).collect();
        let ticks = [
            ("banned", asked.banned, "is-banned"),
            ("away", asked.away, "is-away"),
            ("in_debt", asked.in_debt, "is-in-debt"),
            ("payer", asked.payer, "has-paid"),
        ];
        let fields = html! {
            @if !asked.search.is_empty() { (hidden("search", &asked.search)) }
            (choice("active_days", &active, &days, &asked.active_days))
            fieldset { @for (name, wish, label) in ticks { (tick(name, &scene.t(label), wish == Some(true))) } }
        };
        html! {
            form method="post" action="/people/search" class="card search" {
                (Field { hint: Some(&hint), kind: "search", ..Field::text("whom", &whom) }.show())
                button { (scene.t("find")) }
            }
            (filters("/people", &fields, &scene.t("choose")))
        }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let everybody = (!asked.search.is_empty()).then(|| "/people".to_owned());
        let links = [
            ("everybody", everybody),
            ("newest", asked.next.map(|_| asked.elsewhere(None))),
            ("older", shown.next.map(|next| asked.elsewhere(Some(next)))),
        ];
        html! {
            @if shown.more_found { (note("good", &scene.t("more-found"))) }
            @if shown.people.is_empty() { p class="lead" { (scene.t("nobody-found")) } } @else {
                @if asked.named.is_empty() { (names_form(scene, asked)) }
                (people(scene, &shown.people))
            }
            (pages(scene.words, &links))
        }
    }
}

fn names_form(scene: &Scene<'_>, asked: &Asked) -> Markup {
    html! {
        form method="post" action="/people/names" class="look" {
            @for (name, value) in asked.fields(asked.next) { @if !value.is_empty() { (hidden(name, &value)) } }
            button { (scene.t("show-names")) }
            p class="hint" { (scene.t("look-hint")) }
        }
    }
}

fn people(scene: &Scene<'_>, people: &[Line]) -> Markup {
    let columns = [
        Column::Text("name"),
        Column::Text("account"),
        Column::Text("came"),
        Column::Number("available"),
        Column::Number("debt"),
        Column::Number("payments"),
        Column::Text("active-last"),
        Column::Text("standing"),
    ];
    let rows = html! {
        @for one in people {
            tr {
                th scope="row" { (masked(scene, one.name.as_deref())) }
                (person(one.account))
                (when(one.opened_at))
                (number(grouped(one.available)))
                (number(grouped(one.debt)))
                (number(grouped(one.payments)))
                td class="when" { @if let Some(day) = one.active_day.and_then(|day| i32::try_from(day).ok()) { (Day(day)) } }
                td { (chips(scene, one.banned, one.away, one.erased)) }
            }
        }
    };
    table(scene.words, &scene.t("menu-people"), &columns, &rows, None)
}

/// What is personal, or that it is not shown.
pub(super) fn masked(scene: &Scene<'_>, told: Option<&str>) -> Markup {
    html! { @match told { Some(told) => (told), None => span class="dim" { (scene.t("masked")) } } }
}

pub(super) fn chips(scene: &Scene<'_>, banned: bool, away: bool, erased: bool) -> Markup {
    let all = [(banned, "is-banned"), (away, "is-away"), (erased, "is-erased")];
    html! { @for (is, name) in all { @if is { span class="chip" { (scene.t(name)) } " " } } }
}

/// The names of one page of people, once the look is in the log with who they are: by the positions at which they came.
pub(super) async fn names(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(mut asked): Form<Asked>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let people = match List::read(&console, &asked).await {
        Ok(shown) => shown.people,
        // Said by the page itself.
        Err(_) => Vec::new(),
    };
    if people.is_empty() {
        return console.shown::<List>(&visitor, &asked, StatusCode::OK, None).await;
    }
    let opened: Vec<String> = people.iter().map(|one| one.opened.to_string()).collect();
    match look(&console, session, "people", &format!("names: {}", opened.join(" "))).await {
        Acted::Done(_) => {
            asked.named = people.iter().map(|one| one.account).collect();
            console.shown::<List>(&visitor, &asked, StatusCode::OK, None).await
        }
        acted => {
            let said = acted.say(console.words(&visitor), &[]);
            console.shown::<List>(&visitor, &asked, acted.status(), Some(said)).await
        }
    }
}
