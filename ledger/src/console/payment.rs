//! One payment's whole life, found by any id of it: ours, a refund's, the provider's.

use ledger_domain::Asset;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Console;
use super::asked::{Unfit, link};
use super::books::READS;
use super::door::{Door, Need};
use super::form::{Field, filters};
use super::table::{Column, money_shown, number, position, table, when};
use super::view::{Read, Scene, View};
use crate::books::moscow::date_time;
use crate::books::payment::{self, Found, Life, Quarantine};
use crate::books::words::{amount, grouped, word};

pub(super) fn rooms(door: &mut Door) {
    door.view::<Payment>();
}

struct Payment;

#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// Ours (p-…), a refund's (f-…), or the provider's id of the payment, the charge or the refund. Nothing is found
    /// without.
    #[serde(default)]
    id: String,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    payment: Option<Life>,
}

impl Read for Payment {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/payment";
    const NEED: Need = READS;
    const ABOUT: &'static str = "One payment's whole life";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let id = asked.id.trim();
        if id.is_empty() {
            return Ok(Shown { payment: None });
        }
        match payment::find(&console.pool, id).await? {
            Found::Payment(found) => Ok(Shown { payment: payment::life(&console.pool, found).await? }),
            Found::Nobodys { .. } => Err(Unfit::Field("payment-in-quarantine")),
            Found::Nothing => Err(Unfit::Field("payment-unknown")),
        }
    }
}

impl View for Payment {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("payment")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let (label, hint) = (scene.t("payment-id"), scene.t("payment-id-hint"));
        let field = Field { hint: Some(&hint), ..Field::wish("id", &label, &asked.id) };
        filters("/payment", &field.show(), &scene.t("find"))
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let Some(life) = &shown.payment else {
            return html! { p class="lead" { (scene.t("which-payment")) } };
        };
        html! {
            (facts(scene, life))
            @if !life.lots.is_empty() { (lots(scene, life)) }
            @if !life.refunds.is_empty() { (refunds(scene, life)) }
            @for doubt in &life.quarantine { (quarantine(scene, doubt)) }
            (events(scene, life))
        }
    }
}

fn facts(scene: &Scene<'_>, life: &Life) -> Markup {
    let account = life.account.to_string();
    let more = [
        ("payment-method", life.method.as_ref().map(word)),
        ("payment-theirs", life.provider_payment_id.clone()),
        ("closed-at", life.closed_at.map(date_time)),
        ("paid-at", life.paid_at.map(date_time)),
        ("paid-in", life.paid.map(money_shown)),
        ("fees", life.fee.map(money_shown)),
        ("net", life.net.map(money_shown)),
        ("canceled-why", life.canceled.clone()),
        ("seen-test", life.test.map(|test| scene.t(if test { "yes" } else { "no" }))),
    ];
    html! {
        dl class="facts" {
            dt { (scene.t("payment-ours")) } dd class="id" { (life.payment) }
            dt { (scene.t("state")) } dd { span class="chip" { (word(&life.state)) } }
            dt { (scene.t("account")) }
            dd class="id" { a href=(link("/statement", &[("account", &account)])) { (account) } }
            dt { (scene.t("rail")) } dd { code { (life.rail.as_str()) } }
            dt { (scene.t("package")) } dd { (life.package) }
            dt { (scene.t("credits")) } dd { (grouped(life.credits)) }
            dt { (scene.t("price")) } dd { (money_shown(life.price)) }
            dt { (scene.t("opened-at")) } dd { (date_time(life.opened_at)) }
            @for (name, value) in more { @if let Some(value) = value { dt { (scene.t(name)) } dd { (value) } } }
        }
    }
}

fn lots(scene: &Scene<'_>, life: &Life) -> Markup {
    let columns = ["credits", "available", "reserved", "consumed", "revoked", "lapsed"].map(Column::Number);
    let columns = [&[Column::Number("lot")], columns.as_slice(), &[Column::Number("recognised")]].concat();
    let asset = Asset::from(life.price.currency);
    let rows = html! {
        @for lot in &life.lots {
            @let lot = (&lot.lot, &lot.stands);
            tr {
                th scope="row" class="number" { (lot.0) }
                @for n in [lot.1.credits, lot.1.available, lot.1.reserved, lot.1.consumed, lot.1.revoked, lot.1.expired] {
                    (number(grouped(n)))
                }
                (number(amount(lot.1.recognised, asset)))
            }
        }
    };
    html! { h2 { (scene.t("lots")) } (table(scene.words, &scene.t("lots"), &columns, &rows, None)) }
}

fn refunds(scene: &Scene<'_>, life: &Life) -> Markup {
    let columns = [
        Column::Text("refund"),
        Column::Text("state"),
        Column::Text("opened-at"),
        Column::Number("money"),
        Column::Number("credits"),
        Column::Text("who"),
        Column::Text("reason"),
    ];
    let rows = html! {
        @for refund in &life.refunds {
            tr {
                th scope="row" class="id" { (refund.refund) }
                td { span class="chip" { (word(&refund.state)) } }
                (when(refund.opened_at))
                (number(money_shown(refund.amount)))
                (number(grouped(refund.credits)))
                td { (refund.by) }
                td { (refund.failure.as_deref().unwrap_or(&refund.reason)) }
            }
        }
    };
    html! { h2 { (scene.t("refunds")) } (table(scene.words, &scene.t("refunds"), &columns, &rows, None)) }
}

fn quarantine(scene: &Scene<'_>, doubt: &Quarantine) -> Markup {
    html! {
        h2 { (scene.t("in-quarantine")) }
        dl class="facts" {
            dt { (scene.t("position")) } dd { a href={"/log/" (doubt.position)} { (doubt.position) } }
            dt { (scene.t("problems")) } dd { @for problem in &doubt.problems { span class="chip" { (word(problem)) } " " } }
            dt { (scene.t("seen-status")) } dd { (doubt.status) }
            dt { (scene.t("verdict")) }
            dd {
                @match &doubt.outcome {
                    Some(outcome) => (word(outcome)),
                    None => a href=(link("/cases/quarantine", &[("id", &doubt.provider_payment_id)])) { (scene.t("decide")) },
                }
            }
        }
    }
}

fn events(scene: &Scene<'_>, life: &Life) -> Markup {
    let columns = [
        Column::Number("position"),
        Column::Text("when"),
        Column::Text("type"),
        Column::Text("what"),
        Column::Text("who"),
    ];
    let rows = html! {
        @for line in &life.events {
            tr {
                (position(line.position))
                (when(line.recorded_at))
                td { code { (line.r#type) } }
                td { @if line.what != line.r#type { (line.what) } }
                td { (line.actor) }
            }
        }
    };
    html! { h2 { (scene.t("all-its-events")) } (table(scene.words, &scene.t("all-its-events"), &columns, &rows, None)) }
}
