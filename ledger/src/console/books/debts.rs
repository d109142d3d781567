//! Who owes credits: what was refunded after it had been spent.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::READS;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::asked::{Unfit, link};
use crate::console::door::Need;
use crate::console::table::{Column, number, pages, position, table};
use crate::console::view::{Read, Scene, View};
use crate::projections;

const PAGE: usize = 50;

pub(super) struct Debts;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// From the account on that was opened at this position.
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    accounts: Vec<Debt>,
    /// The credits of all of them, also of other pages.
    sum: i64,
    count: i64,
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema, sqlx::FromRow)]
struct Debt {
    account_id: Uuid,
    debt: i64,
    /// Where the account was opened.
    opened: i64,
}

impl Read for Debts {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/debts";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Accounts that owe credits";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let none = Shown { accounts: Vec::new(), sum: 0, count: 0, next: None };
        let Some((tables, _)) = projections::live(&console.pool, "people").await? else { return Ok(none) };
        let people = tables.main();
        let sql = format!(
            "SELECT account_id, debt, opened FROM {people} WHERE in_debt AND opened >= $1 ORDER BY opened LIMIT $2"
        );
        let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(asked.next.unwrap_or(0)).bind(PAGE as i64 + 1);
        let mut accounts: Vec<Debt> = rows.fetch_all(&console.pool).await?;
        let next = accounts.get(PAGE).map(|debt| debt.opened);
        accounts.truncate(PAGE);
        let sql = format!("SELECT coalesce(sum(debt), 0)::bigint, count(*) FROM {people} WHERE in_debt");
        let (sum, count) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&console.pool).await?;
        Ok(Shown { accounts, sum, count, next })
    }
}

impl View for Debts {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-debts")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let rows = html! {
            @for one in &shown.accounts {
                @let id = one.account_id.to_string();
                tr {
                    th scope="row" class="id" { a href=(link("/statement", &[("account", &id)])) { (id) } }
                    (number(grouped(one.debt)))
                    (position(one.opened))
                }
            }
        };
        let columns = [Column::Text("account"), Column::Number("debt"), Column::Number("opened-at")];
        let next = shown.next.map(|next| link("/debts", &[("next", &next.to_string())]));
        html! {
            p { (scene.t("debts-more")) }
            dl class="facts" {
                dt { (scene.t("accounts")) } dd class="number" { (grouped(shown.count)) }
                dt { (scene.t("debt")) } dd class="number" { (grouped(shown.sum)) }
            }
            @if !shown.accounts.is_empty() { (table(scene.words, &scene.t("menu-debts"), &columns, &rows, None)) }
            (pages(scene.words, &[("next-page", next)]))
        }
    }
}
