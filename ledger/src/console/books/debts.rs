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
    /// From this account on.
    next: Option<Uuid>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    accounts: Vec<Debt>,
    /// The credits of all of them, also of other pages.
    sum: i64,
    count: i64,
    next: Option<Uuid>,
}

#[derive(Serialize, JsonSchema, sqlx::FromRow)]
struct Debt {
    account_id: Uuid,
    debt: i64,
    /// Of the event that changed the balance last.
    position: i64,
}

impl Read for Debts {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/debts";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Accounts that owe credits";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let none = Shown { accounts: Vec::new(), sum: 0, count: 0, next: None };
        let Some((tables, _)) = projections::live(&console.pool, "balances").await? else { return Ok(none) };
        let sql = format!(
            "SELECT account_id, debt, position FROM {} WHERE debt > 0 AND account_id >= $1 \
             ORDER BY account_id LIMIT $2",
            tables.main()
        );
        let from = asked.next.unwrap_or(Uuid::nil());
        let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(from).bind(PAGE as i64 + 1);
        let mut accounts: Vec<Debt> = rows.fetch_all(&console.pool).await?;
        let next = accounts.get(PAGE).map(|debt| debt.account_id);
        accounts.truncate(PAGE);
        let sql =
            format!("SELECT coalesce(sum(debt), 0)::bigint, count(*) FROM {} WHERE debt > 0", tables.main());
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
                    (position(one.position))
                }
            }
        };
        let columns = [Column::Text("account"), Column::Number("debt"), Column::Number("position")];
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
