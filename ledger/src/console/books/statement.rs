//! An account's statement up to any moment, the newest line first, with the balance after each.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use ledger_domain::Asset;
use maud::{Markup, html};
use proto_events::AccountId;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgPool};

use crate::books::moscow;
use crate::books::words::{amount, currency_of, grouped};
use crate::console::Console;
use crate::console::asked::{Unfit, account, link, since, until};
use crate::console::form::Field;
use crate::console::lang::Words;
use crate::console::log::signed;
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::projections;
use crate::store::BUCKET_BITS;

const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    account: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// From here downwards.
    next: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Line {
    position: i64,
    recorded_at: i64,
    r#type: String,
    available_delta: i64,
    reserved_delta: i64,
    debt_delta: i64,
    available: i64,
    reserved: i64,
    debt: i64,
    money_minor: Option<i64>,
    currency: Option<String>,
}

pub(super) async fn statement(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Response {
    let words = console.words(&visitor);
    let (status, lines) = match read(&console.pool, &asked).await {
        Ok(lines) => (StatusCode::OK, Ok(lines)),
        Err(Unfit::Field(why)) => (StatusCode::UNPROCESSABLE_ENTITY, Err(why)),
        Err(Unfit::Postgres(error)) => return console.away(&visitor, &error),
    };
    let [of, from, to] = ["account", "from", "to"].map(|name| words.t(name));
    let hint = words.t("moment-hint");
    let field = |name, label, value| Field { value, required: false, ..Field::text(name, label) };
    let body = html! {
        form method="get" action="/statement" class="card filters" {
            (field("account", &of, &asked.account).show())
            (Field { hint: Some(&hint), ..field("from", &from, &asked.from) }.show())
            (field("to", &to, &asked.to).show())
            div class="do" { button { (words.t("show")) } }
        }
        @match &lines {
            Err(why) => (note("bad", &words.t(why))),
            Ok(None) => p class="lead" { (words.t("whose-statement")) },
            Ok(Some(lines)) => (result(words, &asked, lines)),
        }
    };
    console.page_with(status, &visitor, &words.t("menu-statement"), &body)
}

/// One more than a page. `None`: nobody is asked for.
async fn read(pool: &PgPool, asked: &Asked) -> Result<Option<Vec<Line>>, Unfit> {
    if asked.account.trim().is_empty() {
        return Ok(None);
    }
    let account = account(&asked.account)?;
    let (first, last) = (since(pool, &asked.from).await?, until(pool, &asked.to).await?.position);
    let last = asked.next.map_or(last, |next| next.min(last));
    lines(pool, account, first, last).await.map(Some).map_err(Unfit::Postgres)
}

async fn lines(pool: &PgPool, account: AccountId, first: i64, last: i64) -> Result<Vec<Line>, sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, "statement").await? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT s.position, s.recorded_at, s.type, e.available_delta, e.reserved_delta, e.debt_delta, \
            s.available, s.reserved, s.debt, s.money_minor, s.currency \
         FROM generate_series($2::bigint >> {BUCKET_BITS}, $3::bigint >> {BUCKET_BITS}) b(n), LATERAL ( \
            SELECT * FROM {} WHERE bucket = b.n AND account_id = $1 AND position >= $2 AND position <= $3 \
            ORDER BY position DESC LIMIT $4) s \
         JOIN events e ON e.position = s.position ORDER BY s.position DESC LIMIT $4",
        tables.main()
    );
    let most = PAGE as i64 + 1;
    sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(first).bind(last).bind(most).fetch_all(pool).await
}

fn result(words: Words<'_>, asked: &Asked, lines: &[Line]) -> Markup {
    let shown = &lines[..lines.len().min(PAGE)];
    let next = shown.last().filter(|_| lines.len() > PAGE).map(|line| (line.position - 1).to_string());
    let to = |next: &str| {
        let all =
            [("account", asked.account.as_str()), ("from", &asked.from), ("to", &asked.to), ("next", next)];
        link("/statement", &all)
    };
    html! {
        @if let Some(line) = shown.first() {
            dl class="facts" {
                dt { (words.t("available")) } dd { (grouped(line.available)) }
                dt { (words.t("reserved")) } dd { (grouped(line.reserved)) }
                dt { (words.t("debt")) } dd { (grouped(line.debt)) }
            }
            (table(words, shown))
        } @else {
            p class="lead" { (words.t("none-found")) }
        }
        nav class="pages" aria-label=(words.t("pages")) {
            a class="button" href=(link("/log", &[("account", &asked.account)])) { (words.t("all-events")) }
            @if let Some(next) = &next { a class="button" href=(to(next)) { (words.t("older")) } }
        }
    }
}

fn table(words: Words<'_>, lines: &[Line]) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(words.t("menu-statement")) {
            table {
                thead { tr {
                    th scope="col" class="number" { (words.t("position")) }
                    th scope="col" { (words.t("when")) }
                    th scope="col" { (words.t("type")) }
                    th scope="col" class="number" { (words.t("available")) }
                    th scope="col" class="number" { (words.t("reserved")) }
                    th scope="col" class="number" { (words.t("debt")) }
                    th scope="col" class="number" { (words.t("balance")) }
                    th scope="col" class="number" { (words.t("money")) }
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
                            td class="number" { (grouped(line.available)) }
                            td class="number" { (money(line)) }
                        }
                    }
                }
            }
        }
    }
}

fn money(line: &Line) -> String {
    let (Some(minor), Some(code)) = (line.money_minor, &line.currency) else { return String::new() };
    let asset = Asset::from(currency_of(code));
    format!("{} {}", amount(minor, asset), asset.code())
}
