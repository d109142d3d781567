//! Money by day in Moscow: paid, earned, lapsed, given back, by origin.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use ledger_domain::Asset;
use maud::{Markup, html};
use serde::Deserialize;
use sqlx::PgPool;

use crate::books::BooksError;
use crate::books::moscow::Day;
use crate::books::revenue::{DayLine, by_day};
use crate::books::words::{amount, currency_of, grouped};
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::form::Field;
use crate::console::lang::Words;
use crate::console::page::note;
use crate::console::session::Visitor;

/// Shown when nothing is said.
const LATELY: i32 = 30;
/// A year and a day: each has some lines.
const DAYS_MAX: i32 = 366;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

struct Found {
    from: Day,
    to: Day,
    through: i64,
    lines: Vec<DayLine>,
}

pub(super) async fn revenue(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Response {
    let words = console.words(&visitor);
    let (status, found) = match read(&console.pool, &asked).await {
        Ok(found) => (StatusCode::OK, Ok(found)),
        Err(Unfit::Field(why)) => (StatusCode::UNPROCESSABLE_ENTITY, Err(why)),
        Err(Unfit::Postgres(error)) => return console.away(&visitor, &error),
    };
    let [from_label, to_label] = ["first-day", "last-day"].map(|name| words.t(name));
    let (from, to) = match &found {
        Ok(found) => (found.from.to_string(), found.to.to_string()),
        Err(_) => (asked.from.clone(), asked.to.clone()),
    };
    let day = |name, label, value| Field { value, kind: "date", required: false, ..Field::text(name, label) };
    let body = html! {
        form method="get" action="/revenue" class="card filters" {
            (day("from", &from_label, &from).show())
            (day("to", &to_label, &to).show())
            div class="do" { button { (words.t("show")) } }
        }
        @match &found {
            Err(why) => (note("bad", &words.t(why))),
            Ok(found) => (result(words, found)),
        }
    };
    console.page_with(status, &visitor, &words.t("menu-revenue"), &body)
}

async fn read(pool: &PgPool, asked: &Asked) -> Result<Found, Unfit> {
    let day = |text: &str| match text.trim() {
        "" => Ok(None),
        text => Day::parse(text).map(Some).ok_or(Unfit::Field("day-unfit")),
    };
    let to = day(&asked.to)?.unwrap_or_else(today);
    let from = day(&asked.from)?.unwrap_or(Day(to.0.saturating_sub(LATELY - 1)));
    if from > to || to.0.saturating_sub(from.0) >= DAYS_MAX {
        return Err(Unfit::Field("days-unfit"));
    }
    match by_day(pool, from, to).await {
        Ok((through, lines)) => Ok(Found { from, to, through, lines }),
        Err(BooksError::Postgres(error)) => Err(Unfit::Postgres(error)),
        Err(_) => Err(Unfit::Field("log-unread")),
    }
}

fn today() -> Day {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Day::of(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

fn result(words: Words<'_>, found: &Found) -> Markup {
    html! {
        p { (words.t("known-through")) " " a href={"/log/" (found.through)} { (grouped(found.through)) } }
        @for code in ["RUB", "XTR"] {
            @let lines: Vec<&DayLine> = found.lines.iter().filter(|line| line.currency == code).collect();
            @if !lines.is_empty() { h2 { (code) } (table(words, code, &lines)) }
        }
        @if found.lines.is_empty() { p class="lead" { (words.t("no-money-then")) } }
    }
}

/// The name of a column, and its figure of a line.
type Figure = (&'static str, fn(&DayLine) -> i64);

const FIGURES: [Figure; 6] = [
    ("paid-in", |line| line.paid),
    ("fees", |line| line.fees),
    ("recognised", |line| line.recognised),
    ("breakage", |line| line.breakage),
    ("refunded", |line| line.refunded - line.restored),
    ("paid-back", |line| line.paid_back),
];

fn table(words: Words<'_>, code: &str, lines: &[&DayLine]) -> Markup {
    let asset = Asset::from(currency_of(code));
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(code) {
            table {
                thead { tr {
                    th scope="col" { (words.t("day")) }
                    th scope="col" { (words.t("origin")) }
                    @for (name, _) in FIGURES { th scope="col" class="number" { (words.t(name)) } }
                } }
                tbody {
                    @for line in lines {
                        tr {
                            th scope="row" class="when" { (line.day) }
                            td { code { (line.origin) } }
                            @for (_, of) in FIGURES { td class="number" { (amount(of(line), asset)) } }
                        }
                    }
                }
                tfoot { tr {
                    th scope="row" colspan="2" { (words.t("sum")) }
                    @for (_, of) in FIGURES {
                        td class="number" { (amount(lines.iter().map(|line| of(line)).sum(), asset)) }
                    }
                } }
            }
        }
    }
}
