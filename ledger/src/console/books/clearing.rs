//! What each provider holds for us: paid in through it, less its fees and what it paid back.

use ledger_domain::Asset;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::READS;
use crate::books::trial_balance::trial_balance;
use crate::books::words::{amount, currency_of};
use crate::console::Console;
use crate::console::asked::{Unfit, link, until};
use crate::console::door::Need;
use crate::console::form::{Field, filters};
use crate::console::table::{Column, number, sign, table};
use crate::console::view::{Read, Scene, View};

pub(super) struct Clearing;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// A position, a day in Moscow, or a time (RFC 3339); now, if there is none.
    #[serde(default)]
    at: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    position: i64,
    rails: Vec<Rail>,
    /// Of all rails of a currency.
    fees: Vec<Fees>,
}

/// Minor units.
#[derive(Serialize, JsonSchema)]
struct Rail {
    rail: String,
    currency: &'static str,
    paid_in: i64,
    /// Fees and refunds.
    taken: i64,
    /// What the provider owes us, or has paid out: no bank statement is in the log.
    balance: i64,
}

#[derive(Serialize, JsonSchema)]
struct Fees {
    currency: &'static str,
    fees: i64,
}

impl Read for Clearing {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/clearing";
    const NEED: Need = READS;
    const ABOUT: &'static str = "What each way of paying has brought, less fees and refunds";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let moment = until(&console.pool, &asked.at).await?;
        let books = trial_balance(&console.pool, moment.position).await?;
        let rail = |line: crate::books::trial_balance::Line<'_>| {
            let rail = line.account.strip_prefix("clearing:")?.to_owned();
            let (currency, paid_in, taken) = (line.asset.code(), line.debit, line.credit);
            Some(Rail { rail, currency, paid_in, taken, balance: line.balance() })
        };
        let fees =
            [Asset::Rub, Asset::Xtr].map(|of| Fees { currency: of.code(), fees: books.balance(of, "fees") });
        Ok(Shown {
            position: moment.position,
            rails: books.lines().filter_map(rail).collect(),
            fees: fees.into(),
        })
    }
}

impl View for Clearing {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-clearing")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let (label, hint) = (scene.t("at"), scene.t("moment-hint"));
        let field = Field { hint: Some(&hint), ..Field::wish("at", &label, &asked.at) };
        filters("/clearing", &field.show(), &scene.t("show"))
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let at = shown.position.to_string();
        let rows = html! {
            @for one in &shown.rails {
                @let book = format!("clearing:{}", one.rail);
                tr {
                    th scope="row" {
                        a href=(link("/books/behind", &[("asset", one.currency), ("book", &book), ("at", &at)])) { code { (one.rail) } }
                    }
                    td { (sign(currency_of(one.currency))) }
                    @for n in [one.paid_in, one.taken, one.balance] { (number(amount(n, Asset::from(currency_of(one.currency))))) }
                }
            }
        };
        let columns = [
            Column::Text("rail"),
            Column::Text("asset"),
            Column::Number("paid-in"),
            Column::Number("fees-and-refunds"),
            Column::Number("balance"),
        ];
        html! {
            p { (scene.t("clearing-more")) }
            @if shown.rails.is_empty() { p class="lead" { (scene.t("no-money-then")) } }
            @else { (table(scene.words, &scene.t("menu-clearing"), &columns, &rows, None)) }
            dl class="facts" {
                @for one in &shown.fees {
                    @if one.fees != 0 { dt { (scene.t("fees")) ", " (sign(currency_of(one.currency))) } dd class="number" { (amount(one.fees, Asset::from(currency_of(one.currency)))) } }
                }
            }
        }
    }
}
