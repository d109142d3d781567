//! What about money waits for a person: quarantines, payments and refunds that don't end, credits of the erased, days that
//! differ or that nobody compared.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::books::words::{grouped, word};
use crate::cases::{Cases, Late, Quarantined, cases};
use crate::console::Console;
use crate::console::asked::{Unfit, link};
use crate::console::books::READS;
use crate::console::door::Need;
use crate::console::page::note;
use crate::console::table::{Column, money_shown, number, table, when};
use crate::console::view::{Read, Scene, View};

pub(super) struct All;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {}

impl Read for All {
    type Asked = Asked;
    type Shown = Cases;

    const PATH: &'static str = "/cases";
    const NEED: Need = READS;
    const ABOUT: &'static str = "What about money waits for a person";

    async fn read(console: &Console, _: &Asked) -> Result<Cases, Unfit> {
        let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(&console.pool).await?;
        Ok(cases(&console.pool, now).await?)
    }
}

impl View for All {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Cases>) -> String {
        scene.t("menu-cases")
    }

    fn show(scene: &Scene<'_>, _: &Asked, cases: &Cases) -> Markup {
        html! {
            @if cases.count() == 0 { (note("good", &scene.t("cases-none"))) }
            @if !cases.quarantined.is_empty() {
                h2 { (scene.t("in-quarantine")) }
                p { (scene.t("in-quarantine-more")) }
                (quarantined(scene, &cases.quarantined))
            }
            (late(scene, "late-payments", &cases.late_payments))
            (late(scene, "late-refunds", &cases.late_refunds))
            @if !cases.stranded.is_empty() { (stranded(scene, cases)) }
            @if !cases.differing.is_empty() { (differing(scene, cases)) }
            @for (provider, newest) in &cases.uncompared {
                @let newest = newest.clone().unwrap_or_else(|| scene.t("none-lately"));
                @let values = [("provider", provider.as_str().into()), ("newest", newest.into())];
                (note("bad", &scene.words.with("not-compared", values)))
            }
        }
    }
}

fn quarantined(scene: &Scene<'_>, all: &[Quarantined]) -> Markup {
    let columns = [
        Column::Text("payment"),
        Column::Text("when"),
        Column::Text("problems"),
        Column::Number("seen-amount"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" class="id" {
                    a href=(link("/cases/quarantine", &[("id", &one.provider_payment_id)])) { (one.provider_payment_id) }
                }
                (when(one.recorded_at))
                td { @for problem in &one.problems { span class="chip" { (word(problem)) } " " } }
                (number(one.seen.amount.map(money_shown).unwrap_or_default()))
            }
        }
    };
    table(scene.words, &scene.t("in-quarantine"), &columns, &rows, None)
}

fn late(scene: &Scene<'_>, name: &'static str, all: &[Late]) -> Markup {
    if all.is_empty() {
        return Markup::default();
    }
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" class="id" { a href=(link("/payment", &[("id", &one.id)])) { (one.id) } }
                td { code { (one.rail) } }
                (when(one.opened_at))
            }
        }
    };
    let columns = [Column::Text("payment"), Column::Text("rail"), Column::Text("open-since")];
    html! { h2 { (scene.t(name)) } (table(scene.words, &scene.t(name), &columns, &rows, None)) }
}

fn stranded(scene: &Scene<'_>, cases: &Cases) -> Markup {
    let rows = html! {
        @for one in &cases.stranded {
            @let account = one.account.to_string();
            tr {
                th scope="row" class="id" { a href=(link("/statement", &[("account", &account)])) { (account) } }
                (number(grouped(one.credits)))
            }
        }
    };
    let columns = [Column::Text("account"), Column::Number("credits")];
    html! {
        h2 { (scene.t("stranded")) }
        p { (scene.t("stranded-more")) }
        (table(scene.words, &scene.t("stranded"), &columns, &rows, None))
    }
}

fn differing(scene: &Scene<'_>, cases: &Cases) -> Markup {
    let rows = html! {
        @for one in &cases.differing {
            @let pairs = [("provider", one.provider.as_str()), ("day", &one.day)];
            tr {
                th scope="row" class="when" { a href=(link("/reconciliation/day", &pairs)) { (one.day) } }
                td { code { (one.provider.as_str()) } }
                (number(one.differences))
                (number(money_shown(one.ours)))
                (number(money_shown(one.theirs)))
            }
        }
    };
    let columns = [
        Column::Text("day"),
        Column::Text("provider"),
        Column::Number("differences"),
        Column::Number("paid-here"),
        Column::Number("paid-there"),
    ];
    html! { h2 { (scene.t("days-that-differ")) } (table(scene.words, &scene.t("days-that-differ"), &columns, &rows, None)) }
}
