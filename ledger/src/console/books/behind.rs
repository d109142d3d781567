//! The events behind a number of the trial balance, the newest first: a stretch of the log at a time.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use ledger_domain::{Asset, postings};
use maud::{Markup, html};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::trial::ASSETS;
use crate::books::moscow;
use crate::books::words::amount;
use crate::console::Console;
use crate::console::asked::{Unfit, link, until};
use crate::console::lang::Words;
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::log::{BadRow, COLUMNS, Row};

const PAGE: usize = 50;
/// Events that one look reads: what an event posts is known by what it says alone.
const STRETCH: i64 = 4_096;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    asset: String,
    #[serde(default)]
    book: String,
    #[serde(default)]
    at: String,
    /// From here downwards.
    next: Option<i64>,
}

struct Posted {
    row: Row,
    amount: i64,
}

struct Found {
    posted: Vec<Posted>,
    next: Option<i64>,
}

pub(super) async fn behind(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Response {
    let words = console.words(&visitor);
    let (status, found) = match look(&console.pool, &asked).await {
        Ok(found) => (StatusCode::OK, Ok(found)),
        Err(Unfit::Field(why)) => (StatusCode::UNPROCESSABLE_ENTITY, Err(why)),
        Err(Unfit::Postgres(error)) => return console.away(&visitor, &error),
    };
    let body = html! {
        p { a href=(link("/books", &[("at", &asked.at)])) { "← " (words.t("menu-books")) } }
        @match &found {
            Err(why) => (note("bad", &words.t(why))),
            Ok((asset, found)) => (result(words, &asked, *asset, found)),
        }
    };
    console.page_with(status, &visitor, &format!("{} · {}", asked.book, asked.asset), &body)
}

async fn look(pool: &PgPool, asked: &Asked) -> Result<(Asset, Found), Unfit> {
    let asset = ASSETS.into_iter().find(|asset| asset.code() == asked.asset);
    let asset = asset.ok_or(Unfit::Field("asset-unfit"))?;
    let end = until(pool, &asked.at).await?.position;
    let last = asked.next.map_or(end, |next| next.min(end));
    let first = (last - STRETCH + 1).max(1);
    let rows = read(pool, first, last).await.map_err(|error| match error {
        BadRow::Column(error) => Unfit::Postgres(error),
        error => {
            tracing::error!(%error, "the log can't be read");
            Unfit::Field("log-unread")
        }
    })?;
    let (mut posted, mut looked) = (Vec::new(), first);
    for row in rows {
        let Ok(event) = row.event() else { return Err(Unfit::Field("log-unread")) };
        let lines = postings(&event);
        let theirs = lines.iter().filter(|line| line.asset == asset && line.account == asked.book.as_str());
        let (mut sum, mut any) = (0_i64, false);
        theirs.for_each(|line| (sum, any) = (sum.saturating_add(line.amount), true));
        if any {
            looked = row.position;
            posted.push(Posted { row, amount: sum });
        }
        if posted.len() == PAGE {
            return Ok((asset, Found { posted, next: Some(looked - 1).filter(|next| *next > 0) }));
        }
    }
    Ok((asset, Found { posted, next: Some(first - 1).filter(|next| *next > 0) }))
}

/// The newest first.
async fn read(pool: &PgPool, first: i64, last: i64) -> Result<Vec<Row>, BadRow> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE position >= $1 AND position <= $2 ORDER BY position DESC"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(first).bind(last).fetch_all(pool).await?;
    rows.iter().map(Row::read).collect()
}

fn result(words: Words<'_>, asked: &Asked, asset: Asset, found: &Found) -> Markup {
    let to = |next: i64| {
        let next = next.to_string();
        let all =
            [("asset", asked.asset.as_str()), ("book", &asked.book), ("at", &asked.at), ("next", &next)];
        link("/books/behind", &all)
    };
    html! {
        @if found.posted.is_empty() { p class="lead" { (words.t(if found.next.is_some() { "none-so-far" } else { "none-found" })) } }
        @else { (table(words, asset, &found.posted)) }
        nav class="pages" aria-label=(words.t("pages")) {
            @if let Some(next) = found.next {
                a class="button" href=(to(next)) { (words.t(if found.posted.is_empty() { "look-further" } else { "older" })) }
            }
        }
    }
}

fn table(words: Words<'_>, asset: Asset, posted: &[Posted]) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(words.t("postings")) {
            table {
                thead { tr {
                    th scope="col" class="number" { (words.t("position")) }
                    th scope="col" { (words.t("when")) }
                    th scope="col" { (words.t("type")) }
                    th scope="col" class="number" { (words.t("debit")) }
                    th scope="col" class="number" { (words.t("credit")) }
                    th scope="col" { (words.t("account")) }
                } }
                tbody {
                    @for Posted { row, amount: n } in posted {
                        tr {
                            td class="number" { a href={"/log/" (row.position)} { (row.position) } }
                            td class="when" { (moscow::date_time(row.recorded_at)) }
                            td { code { (row.event_type) } }
                            td class="number" { @if *n > 0 { (amount(*n, asset)) } }
                            td class="number" { @if *n < 0 { (amount(n.saturating_neg(), asset)) } }
                            td class="id" { a href={"/statement?account=" (row.account_id)} { (row.account_id) } }
                        }
                    }
                }
            }
        }
    }
}
