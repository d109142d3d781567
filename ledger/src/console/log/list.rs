//! The page of events, with its filters.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use proto_events::{AccountId, Event};
use serde::Deserialize;
use sqlx::PgPool;

use super::find::{Found, Line, Wanted, find};
use crate::books::at::{self, At};
use crate::books::{BooksError, moscow};
use crate::console::Console;
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

/// Why it can't be looked for: the name of what is said.
enum Unfit {
    Field(&'static str),
    Postgres(sqlx::Error),
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
    let (first, last) = stretch(pool, asked).await?;
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let account = some(&asked.account).map(|text| text.parse::<AccountId>());
    let account = account.transpose().map_err(|_| Unfit::Field("account-unfit"))?;
    let kind = some(&asked.r#type);
    if kind.as_deref().is_some_and(|kind| !Event::TYPES.contains(&kind)) {
        return Err(Unfit::Field("type-unfit"));
    }
    let wanted = Wanted { account, kind, command: some(&asked.command), first, last };
    find(pool, &wanted).await.map_err(Unfit::Postgres)
}

/// The positions that are meant by the moments in the form.
async fn stretch(pool: &PgPool, asked: &Asked) -> Result<(i64, i64), Unfit> {
    let moment = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse::<At>().map(Some).map_err(|_| Unfit::Field("moment-unfit")),
    };
    let unfit = |error| match error {
        BooksError::Postgres(error) => Unfit::Postgres(error),
        _ => Unfit::Field("moment-unfit"),
    };
    let first = at::since(pool, moment(&asked.from)?).await.map_err(unfit)?;
    let last = at::until(pool, moment(&asked.to)?).await.map_err(unfit)?.position;
    Ok((first.max(1), asked.next.map_or(last, |next| next.min(last))))
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
            @if asked.next.is_some() { a class="button" href=(link(asked, None)) { (words.t("newest")) } }
            @if let Some(next) = found.next {
                a class="button" href=(link(asked, Some(next))) {
                    (words.t(if found.lines.is_empty() { "look-further" } else { "older" }))
                }
            }
        }
    }
}

/// The same filters at another place.
fn link(asked: &Asked, next: Option<i64>) -> String {
    let mut query = vec![
        ("account", asked.account.clone()),
        ("type", asked.r#type.clone()),
        ("command", asked.command.clone()),
        ("from", asked.from.clone()),
        ("to", asked.to.clone()),
    ];
    query.extend(next.map(|next| ("next", next.to_string())));
    query.retain(|(_, value)| !value.is_empty());
    let mut url = query_of(&query);
    url.insert_str(0, "/log");
    url
}

/// `?a=b&c=d`, with what is not plain in percents; nothing for no pairs.
fn query_of(pairs: &[(&str, String)]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encoded = |value: &str| -> String {
        value
            .bytes()
            .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
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
pub(super) fn signed(delta: i64) -> String {
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
