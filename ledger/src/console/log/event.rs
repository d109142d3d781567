//! One event: what it says, what it did to the books, where it stands in the chain, and the proof of that.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ledger_domain::postings;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::books::moscow;
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::console::table::{Column, asset_amount, asset_name, number, pages, signed, table};
use crate::console::view::{Read, Scene, View};
use crate::log::{BadRow, COLUMNS, Row, hex};
use crate::proofs::proof::{self, ProofError};
use crate::store;

pub(super) const EVERYBODY: Need = Need::SignedIn;

pub(super) struct One;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    position: String,
}

impl Asked {
    fn position(&self) -> Result<i64, Unfit> {
        self.position.parse().map_err(|_| Unfit::Nowhere)
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    position: i64,
    recorded_at: i64,
    r#type: String,
    account_id: Uuid,
    /// Of the account.
    version: i64,
    producer: String,
    command_id: String,
    actor: String,
    /// The position of the event that brought it about.
    causation: Option<i64>,
    available_delta: i64,
    reserved_delta: i64,
    debt_delta: i64,
    payload: Value,
    /// Sum to zero in each asset.
    postings: Vec<Posting>,
    /// SHA-256, in hex, of the event before.
    prev_hash: String,
    /// SHA-256, in hex, of this one and `prev_hash`.
    hash: String,
    is_last: bool,
}

#[derive(Serialize, JsonSchema)]
struct Posting {
    account: String,
    asset: &'static str,
    /// Above zero: debit.
    amount: i64,
}

impl Shown {
    fn of(row: &Row, head: i64) -> Result<Self, BadRow> {
        let posted = postings(&row.event()?).into_iter().map(|posting| Posting {
            account: posting.account.to_string(),
            asset: posting.asset.code(),
            amount: posting.amount,
        });
        Ok(Self {
            position: row.position,
            recorded_at: row.recorded_at,
            r#type: row.event_type.clone(),
            account_id: row.account_id,
            version: row.version,
            producer: row.producer.clone(),
            command_id: row.command_id.clone(),
            actor: row.actor.clone(),
            causation: row.causation,
            available_delta: row.available_delta,
            reserved_delta: row.reserved_delta,
            debt_delta: row.debt_delta,
            payload: serde_json::from_str(&row.payload).unwrap_or_else(|_| Value::from(row.payload.as_str())),
            postings: posted.collect(),
            prev_hash: hex(&row.prev_hash),
            hash: hex(&row.hash),
            is_last: head <= row.position,
        })
    }
}

impl Read for One {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/log/{position}";
    const NEED: Need = EVERYBODY;
    const ABOUT: &'static str = "One event, with what it posts";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let position = asked.position()?;
        let row = row(&console.pool, position).await.map_err(Unfit::from)?.ok_or(Unfit::Nowhere)?;
        let head = store::head(&console.pool).await?;
        Ok(Shown::of(&row, head.position)?)
    }
}

async fn row(pool: &PgPool, position: i64) -> Result<Option<Row>, BadRow> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(position).fetch_optional(pool).await?;
    row.as_ref().map(Row::read).transpose()
}

impl View for One {
    fn title(_: &Scene<'_>, asked: &Asked, shown: Option<&Shown>) -> String {
        let kind = shown.map(|shown| shown.r#type.as_str()).unwrap_or_default();
        format!("{kind} · {}", asked.position)
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let at = |position: i64| format!("/log/{position}");
        let links = [
            ("event-before", (shown.position > 1).then(|| at(shown.position - 1))),
            ("event-after", (!shown.is_last).then(|| at(shown.position + 1))),
        ];
        html! {
            (pages(scene.words, &links))
            (facts(scene, shown))
            h2 { (scene.t("says")) }
            pre class="card" tabindex="0" { (serde_json::to_string_pretty(&shown.payload).unwrap_or_default()) }
            h2 { (scene.t("postings")) }
            @if shown.postings.is_empty() { p class="dim" { (scene.t("no-postings")) } } @else { (posted(scene, shown)) }
            (chain(scene, shown))
        }
    }
}

fn facts(scene: &Scene<'_>, shown: &Shown) -> Markup {
    html! {
        dl class="facts" {
            dt { (scene.t("when")) } dd { (moscow::date_time(shown.recorded_at)) }
            dt { (scene.t("account")) } dd class="id" { a href={"/log?account=" (shown.account_id)} { (shown.account_id) } }
            dt { (scene.t("version")) } dd { (shown.version) }
            dt { (scene.t("command")) }
            dd class="id" { a href={"/log?command=" (shown.command_id)} { (shown.producer) " / " (shown.command_id) } }
            dt { (scene.t("who")) } dd { (shown.actor) }
            @if let Some(cause) = shown.causation {
                dt { (scene.t("because-of")) } dd { a href={"/log/" (cause)} { (cause) } }
            }
            dt { (scene.t("available")) } dd { (change(shown.available_delta)) }
            dt { (scene.t("reserved")) } dd { (change(shown.reserved_delta)) }
            dt { (scene.t("debt")) } dd { (change(shown.debt_delta)) }
        }
    }
}

fn change(delta: i64) -> String {
    if delta == 0 { "0".to_owned() } else { signed(delta) }
}

/// Its lines in the books, which sum to zero.
fn posted(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let columns =
        [Column::Text("book"), Column::Text("asset"), Column::Number("debit"), Column::Number("credit")];
    let rows = html! {
        @for line in &shown.postings {
            tr {
                th scope="row" { code { (line.account) } }
                td { (asset_name(scene.words, line.asset)) }
                (number(html! { @if line.amount > 0 { (asset_amount(line.amount, line.asset)) } }))
                (number(html! { @if line.amount < 0 { (asset_amount(line.amount.saturating_neg(), line.asset)) } }))
            }
        }
    };
    table(scene.words, &scene.t("postings"), &columns, &rows, None)
}

fn chain(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let file = format!("proof-{}.json", shown.position);
    html! {
        h2 { (scene.t("in-the-chain")) }
        dl class="facts" {
            dt { (scene.t("hash-before")) } dd class="id" { (shown.prev_hash) }
            dt { (scene.t("hash")) } dd class="id" { (shown.hash) }
        }
        p { (scene.t("proof-more")) }
        p { a class="button" href={"/log/" (shown.position) "/proof"} download { (scene.t("proof")) } }
        (note("good", &scene.words.with("proof-check", [("file", file.into())])))
    }
}

pub(super) struct Proof;

impl Read for Proof {
    type Asked = Asked;
    type Shown = Value;

    const PATH: &'static str = "/log/{position}/proof";
    const NEED: Need = EVERYBODY;
    const ABOUT: &'static str = "The proof that an event is in the log: what `ledger prove check` takes";

    async fn read(console: &Console, asked: &Asked) -> Result<Value, Unfit> {
        let position = asked.position()?;
        let mut connection = console.pool.acquire().await?;
        let proof = proof::inclusion(&mut connection, position).await.map_err(|error| match error {
            ProofError::NoEvent(_) => Unfit::Nowhere,
            ProofError::NotYet { .. } => Unfit::NotYet("no-proof-yet"),
            error => {
                tracing::error!(%error, position, "an event can't be proved");
                Unfit::Broken("not-proved")
            }
        })?;
        serde_json::to_value(proof).map_err(|_| Unfit::Broken("not-proved"))
    }
}

/// The same as a file.
pub(super) async fn proof(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(position): Path<String>,
) -> Response {
    let asked = Asked { position };
    match Proof::read(&console, &asked).await {
        Ok(proof) => {
            let name = format!("attachment; filename=\"proof-{}.json\"", asked.position);
            ([(header::CONTENT_DISPOSITION, name)], axum::Json(proof)).into_response()
        }
        Err(unfit) => {
            let (status, why) = unfit.told(&visitor.path);
            problem(&console.texts, visitor.lang, status, why)
        }
    }
}
