//! The events behind a number of the trial balance, the newest first: a stretch of the log at a time.

use ledger_domain::{Asset, postings};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::READS;
use super::trial::ASSETS;
use crate::books::words::amount;
use crate::console::Console;
use crate::console::asked::{Unfit, link, until};
use crate::console::door::Need;
use crate::console::table::{self, Column, asset_name, number, pages, position, table, when};
use crate::console::view::{Read, Scene, View};
use crate::log::{BadRow, COLUMNS, Row};

const PAGE: usize = 50;
/// Events that one look reads: what an event posts is known by what it says alone.
const STRETCH: i64 = 4_096;

pub(super) struct Behind;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// `CREDIT`, `RUB` or `XTR`.
    #[serde(default)]
    asset: String,
    /// An account of the books, such as `customer:available`.
    #[serde(default)]
    book: String,
    /// A position, a day in Moscow, or a time (RFC 3339); now, if there is none.
    #[serde(default)]
    at: String,
    /// From this position downwards.
    next: Option<i64>,
}

impl Asked {
    fn asset(&self) -> Option<Asset> {
        ASSETS.into_iter().find(|asset| asset.code() == self.asset)
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// The newest first, 50 at most; none may be in this stretch, and some below it.
    events: Vec<Posted>,
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct Posted {
    position: i64,
    recorded_at: i64,
    r#type: String,
    account_id: Uuid,
    /// Above zero: debit.
    amount: i64,
}

impl Read for Behind {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/books/behind";
    const NEED: Need = READS;
    const ABOUT: &'static str = "The events behind a number of the trial balance";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let asset = asked.asset().ok_or(Unfit::Field("asset-unfit"))?;
        let end = until(&console.pool, &asked.at).await?.position;
        let last = asked.next.map_or(end, |next| next.min(end));
        let first = last.saturating_sub(STRETCH - 1).max(1);
        let mut events = Vec::new();
        for row in read(&console.pool, first, last).await? {
            let Some(amount) = posted(&row, asset, &asked.book)? else { continue };
            let (position, recorded_at, account_id) = (row.position, row.recorded_at, row.account_id);
            events.push(Posted { position, recorded_at, r#type: row.event_type, account_id, amount });
            if events.len() == PAGE {
                return Ok(Shown { events, next: Some(position - 1).filter(|next| *next > 0) });
            }
        }
        Ok(Shown { events, next: Some(first - 1).filter(|next| *next > 0) })
    }
}

/// What an event brought to one account of the books, if anything.
fn posted(row: &Row, asset: Asset, book: &str) -> Result<Option<i64>, BadRow> {
    let lines = postings(&row.event()?);
    let theirs = lines.iter().filter(|line| line.asset == asset && line.account == book);
    Ok(theirs.map(|line| line.amount).reduce(i64::saturating_add))
}

/// The newest first.
async fn read(pool: &PgPool, first: i64, last: i64) -> Result<Vec<Row>, BadRow> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE position >= $1 AND position <= $2 ORDER BY position DESC"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(first).bind(last).fetch_all(pool).await?;
    rows.iter().map(Row::read).collect()
}

impl View for Behind {
    fn title(scene: &Scene<'_>, asked: &Asked, _: Option<&Shown>) -> String {
        let asset = asked.asset().map(|asset| asset_name(scene.words, asset.code()));
        format!("{} · {}", asked.book, asset.as_deref().unwrap_or(&asked.asset))
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        html! { p { a href=(link("/books", &[("at", &asked.at)])) { "← " (scene.t("menu-books")) } } }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let further = if shown.events.is_empty() { "look-further" } else { "older" };
        let next = shown.next.map(|next| {
            let next = next.to_string();
            link(
                "/books/behind",
                &[("asset", &asked.asset), ("book", &asked.book), ("at", &asked.at), ("next", &next)],
            )
        });
        let none = if shown.next.is_some() { "none-so-far" } else { "none-found" };
        html! {
            @if shown.events.is_empty() { p class="lead" { (scene.t(none)) } } @else { (list(scene, asked, shown)) }
            (pages(scene.words, &[(further, next)]))
        }
    }
}

fn list(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
    let asset = asked.asset().unwrap_or(Asset::Credit);
    let columns = [
        Column::Number("position"),
        Column::Text("when"),
        Column::Text("type"),
        Column::Number("debit"),
        Column::Number("credit"),
        Column::Text("account"),
    ];
    let rows = html! {
        @for event in &shown.events {
            tr {
                (position(event.position))
                (when(event.recorded_at))
                td { code { (event.r#type) } }
                (number(html! { @if event.amount >= 0 { (amount(event.amount, asset)) } }))
                (number(html! { @if event.amount < 0 { (amount(event.amount.saturating_neg(), asset)) } }))
                (table::account(event.account_id))
            }
        }
    };
    table(scene.words, &asked.book, &columns, &rows, None)
}
