//! A catalog as people read it: packages, prices, and the single numbers.

use maud::{Markup, html};
use proto_events::catalog::{Catalog, Model, Package};
use proto_events::{Credits, Currency, Money};

use super::plain::{GROUPS, PLAIN};
use super::words::{plain_words, vendor_price};
use crate::books::words::{grouped, word};
use crate::console::table::{Column, money_shown, number, table};
use crate::console::view::Scene;

pub(super) fn catalog(scene: &Scene<'_>, catalog: &Catalog) -> Markup {
    html! {
        h2 { (scene.t("catalog-packages")) }
        (packages(scene, &catalog.packages))
        h2 { (scene.t("catalog-models")) }
        (models(scene, &catalog.models))
        p class="hint" { (scene.t("catalog-costs-more")) }
        @for group in GROUPS { (numbers(scene, catalog, group)) }
    }
}

fn packages(scene: &Scene<'_>, all: &[Package]) -> Markup {
    let columns = [
        Column::Text("catalog-package"),
        Column::Number("credits"),
        Column::Number("price"),
        Column::Number("catalog-per-hundred"),
        Column::Text("catalog-rails"),
    ];
    let rows = html! {
        @for package in all {
            tr {
                th scope="row" { code { (package.id) } }
                (number(grouped(package.credits.get())))
                (number(money_shown(package.price)))
                (number(per_hundred(package)))
                td { @for rail in &package.rails { span class="chip" { (scene.t(&format!("rail-{}", rail.as_str()))) } " " } }
            }
        }
    };
    table(scene.words, &scene.t("catalog-packages"), &columns, &rows, None)
}

/// What a hundred credits of it cost, to compare packages by.
fn per_hundred(package: &Package) -> String {
    let (minor, credits) = (i128::from(package.price.minor()), i128::from(package.credits.get()));
    if credits == 0 {
        return String::new();
    }
    let minor = i64::try_from((minor * 100 + credits / 2) / credits).unwrap_or(i64::MAX);
    match (Money::new(minor, package.price.currency), package.price.currency) {
        (Ok(money), Currency::Rub | Currency::Xtr) => money_shown(money),
        (Err(_), _) => String::new(),
    }
}

fn models(scene: &Scene<'_>, all: &[Model]) -> Markup {
    let columns = [
        Column::Text("model"),
        Column::Text("kind"),
        Column::Number("catalog-price"),
        Column::Text("catalog-sizes"),
        Column::Text("catalog-costs"),
    ];
    let rows = html! {
        @for model in all {
            @for price in &model.kinds {
                tr {
                    th scope="row" { code { (model.name) } }
                    td {
                        (scene.t(&format!("kind-{}", word(&price.kind)))) " "
                        @if price.default { span class="chip" { (scene.t("catalog-default")) } }
                    }
                    (number(grouped(price.credits.get())))
                    td { (sizes(model, price.credits)) }
                    td { (costs(model)) }
                }
            }
        }
    };
    table(scene.words, &scene.t("catalog-models"), &columns, &rows, None)
}

/// The whole price of each.
fn sizes(model: &Model, price: Credits) -> String {
    let of = |size: &proto_events::catalog::SizePrice| {
        format!("{} {}", size.size, grouped(price.get().saturating_add(size.extra.get())))
    };
    model.sizes.iter().map(of).collect::<Vec<_>>().join(" · ")
}

/// What the vendor takes for a million tokens in, out, and of pictures; or for each picture.
fn costs(model: &Model) -> String {
    let costs = &model.unit_costs;
    match costs.picture {
        Some(picture) => vendor_price(picture.get()),
        None => [costs.prompt, costs.output, costs.image].map(|cost| vendor_price(cost.get())).join(" / "),
    }
}

fn numbers(scene: &Scene<'_>, catalog: &Catalog, group: &str) -> Markup {
    html! {
        h2 { (scene.t(&format!("catalog-{group}"))) }
        dl class="facts" {
            @for plain in PLAIN.iter().filter(|plain| plain.group() == group) {
                dt { (scene.t(&format!("catalog-{}", plain.name))) }
                dd {
                    @match (plain.get)(catalog) {
                        Some(n) => (plain_words(scene.words, plain, n)),
                        None => span class="dim" { (scene.t(&format!("catalog-{group}-none"))) },
                    }
                }
            }
        }
    }
}
