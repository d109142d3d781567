//! The trial balance as of any moment; each number leads to the events behind it.

use ledger_domain::Asset;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::READS;
use crate::books::moscow;
use crate::books::revenue::Standing;
use crate::books::trial_balance::{Books, trial_balance};
use crate::books::words::{amount, grouped};
use crate::console::Console;
use crate::console::asked::{Unfit, link, until};
use crate::console::door::Need;
use crate::console::form::{Field, filters};
use crate::console::page::note;
use crate::console::table::{Column, asset_name, number, table};
use crate::console::view::{Read, Scene, View};

pub(super) const ASSETS: [Asset; 3] = [Asset::Credit, Asset::Rub, Asset::Xtr];

pub(super) struct TrialBalance;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// A position, a day in Moscow, or a time (RFC 3339); now, if there is none.
    #[serde(default)]
    at: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    position: i64,
    recorded_at: i64,
    balanced: bool,
    lines: Vec<Line>,
    /// Of each currency.
    standing: Vec<Figures>,
}

#[derive(Serialize, JsonSchema)]
struct Line {
    /// `CREDIT`, or a currency.
    asset: &'static str,
    account: String,
    debit: i64,
    credit: i64,
    /// Debit less credit.
    balance: i64,
}

#[derive(Serialize, JsonSchema)]
struct Figures {
    currency: &'static str,
    /// Paid for, and not used yet.
    deferred: i64,
    /// Earned by use.
    recognised: i64,
    /// Kept when credits lapsed or were given up.
    breakage: i64,
    /// Taken out for refunds, less what has been paid back.
    refunds_open: i64,
    fees: i64,
}

impl Figures {
    fn of(books: &Books, asset: Asset) -> Self {
        let Standing { asset, deferred, recognised, breakage, refunds_open, fees } =
            Standing::of(books, asset);
        Self { currency: asset.code(), deferred, recognised, breakage, refunds_open, fees }
    }

    const fn named(&self) -> [(&'static str, i64); 5] {
        [
            ("deferred", self.deferred),
            ("recognised", self.recognised),
            ("breakage", self.breakage),
            ("refunds-open", self.refunds_open),
            ("fees", self.fees),
        ]
    }
}

impl Read for TrialBalance {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/books";
    const NEED: Need = READS;
    const ABOUT: &'static str = "The trial balance of any moment";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let moment = until(&console.pool, &asked.at).await?;
        let books = trial_balance(&console.pool, moment.position).await?;
        let line = |line: crate::books::trial_balance::Line<'_>| Line {
            asset: line.asset.code(),
            account: line.account.to_owned(),
            debit: line.debit,
            credit: line.credit,
            balance: line.balance(),
        };
        Ok(Shown {
            position: moment.position,
            recorded_at: moment.recorded_at,
            balanced: books.unbalanced().is_empty(),
            lines: books.lines().map(line).collect(),
            standing: [Asset::Rub, Asset::Xtr].map(|asset| Figures::of(&books, asset)).into(),
        })
    }
}

impl View for TrialBalance {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-books")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let (label, hint) = (scene.t("at"), scene.t("moment-hint"));
        let field = Field { hint: Some(&hint), ..Field::wish("at", &label, &asked.at) };
        filters("/books", &field.show(), &scene.t("show"))
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let (kind, said) = if shown.balanced { ("good", "balanced") } else { ("bad", "unbalanced") };
        html! {
            p {
                (scene.t("as-of")) " " a href={"/log/" (shown.position)} { (grouped(shown.position)) } ", "
                (moscow::date_time(shown.recorded_at))
            }
            (note(kind, &scene.t(said)))
            @for asset in ASSETS { (paper(scene, asset, shown)) }
            @for (asset, figures) in [Asset::Rub, Asset::Xtr].into_iter().zip(&shown.standing) {
                (standing(scene, asset, figures))
            }
        }
    }
}

fn paper(scene: &Scene<'_>, asset: Asset, shown: &Shown) -> Markup {
    let lines: Vec<&Line> = shown.lines.iter().filter(|line| line.asset == asset.code()).collect();
    if lines.is_empty() {
        return Markup::default();
    }
    let at = shown.position.to_string();
    let behind =
        |line: &Line| link("/books/behind", &[("asset", line.asset), ("book", &line.account), ("at", &at)]);
    let sum = |of: fn(&Line) -> i64| amount(lines.iter().map(|line| of(line)).sum(), asset);
    let columns =
        [Column::Text("book"), Column::Number("debit"), Column::Number("credit"), Column::Number("balance")];
    let rows = html! {
        @for line in &lines {
            tr {
                th scope="row" { a href=(behind(line)) { code { (line.account) } } }
                @for n in [line.debit, line.credit, line.balance] { (number(amount(n, asset))) }
            }
        }
    };
    let foot = html! {
        tr {
            th scope="row" { (scene.t("sum")) }
            (number(sum(|line| line.debit))) (number(sum(|line| line.credit))) (number(sum(|line| line.balance)))
        }
    };
    let name = asset_name(scene.words, asset.code());
    html! { h2 { (name) } (table(scene.words, &name, &columns, &rows, Some(&foot))) }
}

fn standing(scene: &Scene<'_>, asset: Asset, figures: &Figures) -> Markup {
    html! {
        @if figures.named().iter().any(|(_, n)| *n != 0) {
            h2 { (scene.t("so-far")) ", " (asset_name(scene.words, figures.currency)) }
            dl class="facts" {
                @for (name, n) in figures.named() { dt { (scene.t(name)) } dd class="number" { (amount(n, asset)) } }
            }
        }
    }
}
