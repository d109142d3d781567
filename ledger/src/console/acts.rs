//! All acts of operators, the newest first: who, when, what, to whom, why.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::Console;
use super::door::{Door, Need};
use super::lang::Words;
use super::session::Visitor;
use crate::books::moscow;
use crate::projections;

const PAGE: i64 = 50;

pub(super) fn rooms(door: &mut Door) {
    door.get("/acts", Need::SignedIn, list);
}

#[derive(Deserialize)]
struct Wanted {
    /// Those before this position.
    before: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Act {
    position: i64,
    recorded_at: i64,
    actor: String,
    producer: String,
    account_id: Uuid,
    r#type: String,
    subject: Option<String>,
    reason: Option<String>,
}

async fn list(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let mut acts = match read(&console.pool, wanted.before).await {
        Ok(acts) => acts,
        Err(error) => return console.away(&visitor, &error),
    };
    let more = acts.len() > PAGE as usize;
    acts.truncate(PAGE as usize);
    let words = console.words(&visitor);
    let body = html! {
        @if acts.is_empty() { p class="lead" { (words.t("acts-none")) } } @else { (table(words, &acts)) }
        nav class="pages" aria-label=(words.t("pages")) {
            @if wanted.before.is_some() { a class="button" href="/acts" { (words.t("newest")) } }
            @if let Some(last) = acts.last().filter(|_| more) {
                a class="button" href={"/acts?before=" (last.position)} { (words.t("older")) }
            }
        }
    };
    console.page(&visitor, &words.t("menu-acts"), &body)
}

/// One more than a page, so that it is known whether there are.
async fn read(pool: &PgPool, before: Option<i64>) -> Result<Vec<Act>, sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, "operators").await? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT position, recorded_at, actor, producer, account_id, type, subject, reason FROM {} \
         WHERE position < $1 ORDER BY position DESC LIMIT $2",
        tables.table("")
    );
    let before = before.unwrap_or(i64::MAX);
    sqlx::query_as(AssertSqlSafe(sql)).bind(before).bind(PAGE + 1).fetch_all(pool).await
}

fn table(words: Words<'_>, acts: &[Act]) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(words.t("menu-acts")) {
            table {
                thead { tr {
                    th scope="col" class="number" { (words.t("position")) }
                    th scope="col" { (words.t("when")) }
                    th scope="col" { (words.t("who")) }
                    th scope="col" { (words.t("what")) }
                    th scope="col" { (words.t("to-what")) }
                    th scope="col" { (words.t("reason")) }
                } }
                tbody {
                    @for act in acts {
                        tr {
                            td class="number" { a href={"/log/" (act.position)} { (act.position) } }
                            td class="when" { (moscow::date_time(act.recorded_at)) }
                            td { (who(act)) }
                            td { code { (act.r#type) } }
                            td class="id" { (act.subject.clone().unwrap_or_else(|| act.account_id.to_string())) }
                            td { (act.reason.as_deref().unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}

/// A person's name, or the service that did it by itself.
fn who(act: &Act) -> &str {
    act.actor.strip_prefix("operator:").unwrap_or(&act.producer)
}
