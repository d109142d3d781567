//! The page of events, with its filters.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use proto_events::Event;
use serde::Deserialize;
use sqlx::PgPool;

use super::find::{Found, Line, Wanted, find};
use crate::books::moscow;
use crate::console::Console;
use crate::console::asked::{Unfit, account, link, since, some, until};
use crate::console::form::Field;
use crate::console::lang::Words;
use crate::console::page::note;
use crate::console::session::Visitor;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    account: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// From here downwards.
    next: Option<i64>,
}

pub(super) async fn list(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Response {
    let (status, found) = match look(&console.pool, &asked).await {
        Ok(found) => (StatusCode::OK, Ok(found)),
        Err(Unfit::Field(why)) => (StatusCode::UNPROCESSABLE_ENTITY, Err(why)),
        Err(Unfit::Postgres(error)) => return console.away(&visitor, &error),
    };
    let words = console.words(&visitor);
    let body = html! {
        (filters(words, &asked))
        @match &found {
            Err(why) => (note("bad", &words.t(why))),
            Ok(found) => (result(words, &asked, found)),
        }
    };
    console.page_with(status, &visitor, &words.t("menu-log"), &body)
}

async fn look(pool: &PgPool, asked: &Asked) -> Result<Found, Unfit> {
    let (first, last) = (since(pool, &asked.from).await?, until(pool, &asked.to).await?.position);
    let last = asked.next.map_or(last, |next| next.min(last));
    let account = some(&asked.account).map(|text| account(&text)).transpose()?;
    let kind = some(&asked.r#type);
    if kind.as_deref().is_some_and(|kind| !Event::TYPES.contains(&kind)) {
        return Err(Unfit::Field("type-unfit"));
    }
    let wanted = Wanted { account, kind, command: some(&asked.command), first, last };
    find(pool, &wanted).await.map_err(Unfit::Postgres)
}

fn filters(words: Words<'_>, asked: &Asked) -> Markup {
    let labels = ["account", "command", "from", "to"].map(|name| words.t(name));
    let hint = words.t("moment-hint");
    let field = |name, n: usize, value| Field { value, required: false, ..Field::text(name, &labels[n]) };
    html! {
        form method="get" action="/log" class="card filters" {
            (field("account", 0, &asked.account).show())
            div class="field" {
                label for="f-type" { (words.t("type")) }
                select id="f-type" name="type" {
                    option value="" { (words.t("any")) }
                    @for kind in Event::TYPES { option value=(kind) selected[asked.r#type == *kind] { (kind) } }
                }
            }
            (field("command", 1, &asked.command).show())
            (Field { hint: Some(&hint), ..field("from", 2, &asked.from) }.show())
            (field("to", 3, &asked.to).show())
            div class="do" { button { (words.t("find")) } }
        }
    }
}

fn result(words: Words<'_>, asked: &Asked, found: &Found) -> Markup {
    html! {
        @if found.lines.is_empty() { p class="lead" { (words.t(if found.next.is_some() { "none-so-far" } else { "none-found" })) } }
        @else { (table(words, &found.lines)) }
        nav class="pages" aria-label=(words.t("pages")) {
            @if asked.next.is_some() { a class="button" href=(elsewhere(asked, None)) { (words.t("newest")) } }
            @if let Some(next) = found.next {
                a class="button" href=(elsewhere(asked, Some(next))) {
                    (words.t(if found.lines.is_empty() { "look-further" } else { "older" }))
                }
            }
        }
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

pub(super) fn table(words: Words<'_>, lines: &[Line]) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(words.t("menu-log")) {
            table {
                thead { tr {
                    th scope="col" class="number" { (words.t("position")) }
                    th scope="col" { (words.t("when")) }
                    th scope="col" { (words.t("type")) }
                    th scope="col" class="number" { (words.t("available")) }
                    th scope="col" class="number" { (words.t("reserved")) }
                    th scope="col" class="number" { (words.t("debt")) }
                    th scope="col" { (words.t("account")) }
                    th scope="col" { (words.t("who")) }
                } }
                tbody {
                    @for line in lines {
                        tr {
                            td class="number" { a href={"/log/" (line.position)} { (line.position) } }
                            td class="when" { (moscow::date_time(line.recorded_at)) }
                            td { code { (line.r#type) } }
                            @for delta in [line.available_delta, line.reserved_delta, line.debt_delta] {
                                td class="number" { (signed(delta)) }
                            }
                            td class="id" { a href={"/log?account=" (line.account_id)} { (short(&line.account_id.to_string())) } }
                            td { (line.actor.strip_prefix("operator:").unwrap_or(&line.producer)) }
                        }
                    }
                }
            }
        }
    }
}

/// Nothing where nothing changed; a true minus.
pub(in crate::console) fn signed(delta: i64) -> String {
    match delta {
        0 => String::new(),
        n if n > 0 => format!("+{n}"),
        n => format!("−{}", n.unsigned_abs()),
    }
}

/// The first letters of an id: the whole is behind the link.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
