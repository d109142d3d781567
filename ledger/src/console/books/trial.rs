//! The trial balance as of any moment; each number leads to the events behind it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use ledger_domain::Asset;
use maud::{Markup, html};
use serde::Deserialize;
use sqlx::PgPool;

use crate::books::at::Moment;
use crate::books::moscow;
use crate::books::revenue::Standing;
use crate::books::trial_balance::{Books, Line, trial_balance as books_at};
use crate::books::words::{amount, grouped};
use crate::console::Console;
use crate::console::asked::{Unfit, link, until};
use crate::console::form::Field;
use crate::console::lang::Words;
use crate::console::page::note;
use crate::console::session::Visitor;

pub(super) const ASSETS: [Asset; 3] = [Asset::Credit, Asset::Rub, Asset::Xtr];

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    at: String,
}

pub(super) async fn trial_balance(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Response {
    let words = console.words(&visitor);
    let (status, books) = match read(&console.pool, &asked.at).await {
        Ok(books) => (StatusCode::OK, Ok(books)),
        Err(Unfit::Field(why)) => (StatusCode::UNPROCESSABLE_ENTITY, Err(why)),
        Err(Unfit::Postgres(error)) => return console.away(&visitor, &error),
    };
    let (label, hint) = (words.t("at"), words.t("moment-hint"));
    let body = html! {
        form method="get" action="/books" class="card filters" {
            (Field { value: &asked.at, hint: Some(&hint), required: false, ..Field::text("at", &label) }.show())
            div class="do" { button { (words.t("show")) } }
        }
        @match &books {
            Err(why) => (note("bad", &words.t(why))),
            Ok((moment, books)) => (paper(words, *moment, books)),
        }
    };
    console.page_with(status, &visitor, &words.t("menu-books"), &body)
}

async fn read(pool: &PgPool, at: &str) -> Result<(Moment, Books), Unfit> {
    let moment = until(pool, at).await?;
    Ok((moment, books_at(pool, moment.position).await?))
}

fn paper(words: Words<'_>, moment: Moment, books: &Books) -> Markup {
    let at = moment.position.to_string();
    html! {
        p { (words.t("as-of")) " " a href={"/log/" (moment.position)} { (grouped(moment.position)) } ", " (moscow::date_time(moment.recorded_at)) }
        @if books.unbalanced().is_empty() { (note("good", &words.t("balanced"))) } @else { (note("bad", &words.t("unbalanced"))) }
        @for asset in ASSETS {
            @let lines: Vec<Line<'_>> = books.lines().filter(|line| line.asset == asset).collect();
            @if !lines.is_empty() {
                h2 { (asset.code()) }
                (table(words, asset, &lines, &at))
            }
        }
        @for asset in [Asset::Rub, Asset::Xtr] { (standing(words, &Standing::of(books, asset))) }
    }
}

fn table(words: Words<'_>, asset: Asset, lines: &[Line<'_>], at: &str) -> Markup {
    let sum = |of: fn(&Line<'_>) -> i64| amount(lines.iter().map(of).sum(), asset);
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(asset.code()) {
            table {
                thead { tr {
                    th scope="col" { (words.t("book")) }
                    th scope="col" class="number" { (words.t("debit")) }
                    th scope="col" class="number" { (words.t("credit")) }
                    th scope="col" class="number" { (words.t("balance")) }
                } }
                tbody {
                    @for line in lines {
                        tr {
                            th scope="row" {
                                a href=(link("/books/behind", &[("asset", asset.code()), ("book", line.account), ("at", at)])) {
                                    code { (line.account) }
                                }
                            }
                            @for n in [line.debit, line.credit, line.balance()] { td class="number" { (amount(n, asset)) } }
                        }
                    }
                }
                tfoot { tr {
                    th scope="row" { (words.t("sum")) }
                    td class="number" { (sum(|line| line.debit)) }
                    td class="number" { (sum(|line| line.credit)) }
                    td class="number" { (sum(|line| line.balance())) }
                } }
            }
        }
    }
}

fn standing(words: Words<'_>, s: &Standing) -> Markup {
    let lines = [
        ("deferred", s.deferred),
        ("recognised", s.recognised),
        ("breakage", s.breakage),
        ("refunds-open", s.refunds_open),
        ("fees", s.fees),
    ];
    html! {
        @if lines.iter().any(|(_, n)| *n != 0) {
            h2 { (words.t("so-far")) ", " (s.asset.code()) }
            dl class="facts" {
                @for (name, n) in lines { dt { (words.t(name)) } dd class="number" { (amount(n, s.asset)) } }
            }
        }
    }
}
