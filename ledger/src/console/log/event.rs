//! One event: what it says, what it did to the books, where it stands in the chain, and the proof of that.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use ledger_domain::postings;
use maud::{Markup, html};
use sqlx::{AssertSqlSafe, PgPool};

use super::list::signed;
use crate::books::moscow;
use crate::console::Console;
use crate::console::lang::Words;
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::log::{BadRow, COLUMNS, Row, hex};
use crate::proofs::proof::{self, ProofError};
use crate::store;

pub(super) async fn event(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(position): Path<String>,
) -> Response {
    let nowhere = || problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found");
    let Ok(position) = position.parse::<i64>() else { return nowhere() };
    let read =
        async { Ok::<_, BadRow>((read(&console.pool, position).await?, store::head(&console.pool).await?)) };
    let (row, is_last) = match read.await {
        Ok((Some(row), head)) => (row, head.position <= position),
        Ok((None, _)) => return nowhere(),
        Err(error) => {
            tracing::error!(%error, position, "an event can't be read");
            return problem(&console.texts, visitor.lang, StatusCode::SERVICE_UNAVAILABLE, "database-away");
        }
    };
    let words = console.words(&visitor);
    let body = html! {
        nav class="pages" aria-label=(words.t("pages")) {
            @if position > 1 { a class="button" href={"/log/" (position - 1)} rel="prev" { "← " (position - 1) } }
            @if !is_last { a class="button" href={"/log/" (position + 1)} rel="next" { (position + 1) " →" } }
        }
        (facts(words, &row))
        h2 { (words.t("says")) }
        pre class="card" tabindex="0" { (pretty(&row.payload)) }
        (books(words, &row))
        (chain(words, &row))
    };
    console.page(&visitor, &format!("{} · {}", row.event_type, position), &body)
}

async fn read(pool: &PgPool, position: i64) -> Result<Option<Row>, BadRow> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(position).fetch_optional(pool).await?;
    row.as_ref().map(Row::read).transpose()
}

fn facts(words: Words<'_>, row: &Row) -> Markup {
    html! {
        dl class="facts" {
            dt { (words.t("when")) } dd { (moscow::date_time(row.recorded_at)) }
            dt { (words.t("account")) } dd class="id" { a href={"/log?account=" (row.account_id)} { (row.account_id) } }
            dt { (words.t("version")) } dd { (row.version) }
            dt { (words.t("command")) }
            dd class="id" { a href={"/log?command=" (row.command_id)} { (row.producer) " / " (row.command_id) } }
            dt { (words.t("who")) } dd { (row.actor) }
            @if let Some(cause) = row.causation {
                dt { (words.t("because-of")) } dd { a href={"/log/" (cause)} { (cause) } }
            }
            dt { (words.t("available")) } dd { (change(row.available_delta)) }
            dt { (words.t("reserved")) } dd { (change(row.reserved_delta)) }
            dt { (words.t("debt")) } dd { (change(row.debt_delta)) }
        }
    }
}

fn change(delta: i64) -> String {
    if delta == 0 { "0".to_owned() } else { signed(delta) }
}

/// Its lines in the books, which sum to zero.
fn books(words: Words<'_>, row: &Row) -> Markup {
    let lines = row.event().map(|event| postings(&event)).unwrap_or_default();
    html! {
        h2 { (words.t("postings")) }
        @if lines.is_empty() { p class="dim" { (words.t("no-postings")) } } @else {
            div class="scroll" tabindex="0" role="region" aria-label=(words.t("postings")) {
                table {
                    thead { tr {
                        th scope="col" { (words.t("book")) }
                        th scope="col" { (words.t("asset")) }
                        th scope="col" class="number" { (words.t("debit")) }
                        th scope="col" class="number" { (words.t("credit")) }
                    } }
                    tbody {
                        @for line in &lines {
                            tr {
                                th scope="row" { code { (line.account) } }
                                td { (line.asset.code()) }
                                td class="number" { @if line.amount > 0 { (line.amount) } }
                                td class="number" { @if line.amount < 0 { (line.amount.unsigned_abs()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn chain(words: Words<'_>, row: &Row) -> Markup {
    html! {
        h2 { (words.t("in-the-chain")) }
        dl class="facts" {
            dt { (words.t("hash-before")) } dd class="id" { (hex(&row.prev_hash)) }
            dt { (words.t("hash")) } dd class="id" { (hex(&row.hash)) }
        }
        p { (words.t("proof-more")) }
        p { a class="button" href={"/log/" (row.position) "/proof"} download { (words.t("proof")) } }
        (note("good", &words.with("proof-check", [("file", format!("proof-{}.json", row.position).into())])))
    }
}

fn pretty(payload: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(payload);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| payload.to_owned())
}

/// What `ledger prove check` takes.
pub(super) async fn proof(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(position): Path<String>,
) -> Response {
    let refused = |status, why| problem(&console.texts, visitor.lang, status, why);
    let Ok(position) = position.parse::<i64>() else { return refused(StatusCode::NOT_FOUND, "not-found") };
    let mut connection = match console.pool.acquire().await {
        Ok(connection) => connection,
        Err(error) => return console.away(&visitor, &error),
    };
    match proof::inclusion(&mut connection, position).await {
        Ok(proof) => {
            let name = format!("attachment; filename=\"proof-{position}.json\"");
            ([(header::CONTENT_DISPOSITION, name)], axum::Json(proof)).into_response()
        }
        Err(ProofError::NoEvent(_)) => refused(StatusCode::NOT_FOUND, "not-found"),
        Err(ProofError::NotYet { .. }) => refused(StatusCode::CONFLICT, "no-proof-yet"),
        Err(error) => {
            tracing::error!(%error, position, "an event can't be proved");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "not-proved")
        }
    }
}
