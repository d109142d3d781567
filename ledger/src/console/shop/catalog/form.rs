//! The form in which the draft is written.

use maud::{Markup, html};
use proto_events::catalog::{Catalog, Model};
use proto_events::{Credits, Rail};

use super::fields::{TURN_ON, Typed, Why, Wrong};
use super::plain::{GROUPS, PLAIN, Plain, Unit};
use super::words::{field_words, wrong_words};
use crate::books::words::word;
use crate::console::form::{Field, choice, hidden};
use crate::console::view::Scene;

/// What the form is about.
pub(super) struct Desk<'a> {
    pub(super) scene: &'a Scene<'a>,
    /// As it is typed so far.
    pub(super) typed: &'a Typed,
    /// What the fields are laid over.
    pub(super) under: &'a Catalog,
    /// Names of models that can be turned on.
    pub(super) shelf: &'a [String],
    pub(super) wrong: &'a [Wrong],
    pub(super) revision: i64,
}

impl Desk<'_> {
    pub(super) fn show(&self) -> Markup {
        let t = |name: &str| self.scene.t(name);
        html! {
            form method="post" action="/catalog/draft" id="draft" {
                (hidden("revision", &self.revision.to_string()))
                (self.all_wrong())
                h2 { (t("catalog-packages")) }
                @for n in self.typed.packages() { (self.package(n, false)) }
                @if let Some(n) = self.fresh() { (self.package(n, true)) }
                h2 { (t("catalog-models")) }
                p { (t("draft-models-more")) }
                @for (n, model) in self.typed.models(self.under) { (self.model(n, model)) }
                @if !self.shelf.is_empty() { (self.turn_on()) }
                @for group in GROUPS {
                    h2 { (t(&format!("catalog-{group}"))) }
                    div class="card row" role="group" aria-label=(t(&format!("catalog-{group}"))) {
                        @for plain in PLAIN.iter().filter(|plain| plain.group() == group) { (self.plain(plain)) }
                    }
                }
                button { (t("draft-save")) }
            }
        }
    }

    /// In one place, with the ways to them.
    fn all_wrong(&self) -> Markup {
        html! {
            @if !self.wrong.is_empty() {
                div class="note bad" {
                    p { (self.scene.t("draft-wrong")) }
                    ul {
                        @for wrong in self.wrong {
                            li {
                                a href={"#f-" (wrong.field)} { (field_words(self.scene.words, wrong)) } ": "
                                (wrong_words(self.scene.words, wrong.why))
                            }
                        }
                    }
                }
            }
        }
    }

    /// A number that no package has, for one more.
    fn fresh(&self) -> Option<usize> {
        let there = self.typed.packages();
        let blank = there.iter().any(|n| self.typed.is_blank(*n));
        (!blank).then(|| there.last().map_or(0, |last| last + 1))
    }

    fn field(&self, name: &str, label: &str, why: Why) -> Markup {
        let wrong = self.wrong.iter().find(|wrong| wrong.field == name);
        let wrong = wrong.map(|wrong| wrong_words(self.scene.words, wrong.why));
        let hint = wrong_words(self.scene.words, why);
        let value = self.typed.get(name);
        Field { hint: Some(&hint), wrong: wrong.as_deref(), ..Field::wish(name, label, value) }.show()
    }

    fn check(&self, name: &str, label: &str) -> Markup {
        html! {
            label class="check" {
                input type="checkbox" id={"f-" (name)} name=(name) value="on" checked[self.typed.is_on(name)];
                span { (label) }
            }
        }
    }

    fn package(&self, n: usize, is_new: bool) -> Markup {
        let t = |name: &str| self.scene.t(name);
        let name = |field: &str| format!("packages.{n}.{field}");
        let id = self.typed.get(&name("id"));
        let currency = self.typed.get(&name("currency"));
        let currencies = ["RUB", "XTR"].map(|code| (code, t(&format!("currency-{code}"))));
        let price = if currency == "XTR" { Why::Stars } else { Why::Rubles };
        html! {
            fieldset class="card" {
                legend { @if is_new || id.is_empty() { (t("draft-package-new")) } @else { (t("catalog-package")) " " (id) } }
                @if is_new { p class="hint" { (t("draft-package-new-more")) } }
                div class="row" {
                    (self.field(&name("id"), &t("catalog-part-id"), Why::Id))
                    (self.field(&name("credits"), &t("credits"), some_credits(1)))
                    (self.field(&name("price"), &t("price"), price))
                    (choice(&name("currency"), &t("catalog-part-currency"), &currencies, currency))
                }
                div class="ticks" {
                    @for rail in Rail::ALL { (self.check(&name(rail.as_str()), &t(&format!("rail-{}", rail.as_str())))) }
                    @if !is_new { (self.check(&name("remove"), &t("draft-package-remove"))) }
                }
            }
        }
    }

    fn model(&self, n: usize, model: &Model) -> Markup {
        let t = |name: &str| self.scene.t(name);
        html! {
            fieldset class="card" {
                legend { (model.name) }
                (hidden(&format!("models.{n}.name"), &model.name))
                (self.check(&format!("models.{n}.on"), &t("draft-model-on")))
                div class="row" {
                    @for (k, price) in model.kinds.iter().enumerate() {
                        @let kind = word(&price.kind);
                        @let label = format!("{}, {}", t(&format!("kind-{kind}")), t("unit-credits"));
                        div {
                            (self.field(&format!("models.{n}.kinds.{k}"), &label, some_credits(1)))
                            label class="check" {
                                input type="radio" name={"default." (kind)} value=(n)
                                    checked[self.typed.get(&format!("default.{kind}")) == n.to_string()];
                                span { (t("catalog-default")) ": " (t(&format!("kind-{kind}"))) }
                            }
                        }
                    }
                    @for (s, size) in model.sizes.iter().enumerate() {
                        @let label = self.scene.words.with("draft-size", [("size", size.size.as_str().into())]);
                        (self.field(&format!("models.{n}.sizes.{s}"), &label, some_credits(0)))
                    }
                }
            }
        }
    }

    fn turn_on(&self) -> Markup {
        let none = [(String::new(), self.scene.t("draft-turn-on-none"))];
        let models = self.shelf.iter().map(|name| (name.clone(), name.clone()));
        let of: Vec<(String, String)> = none.into_iter().chain(models).collect();
        let of: Vec<(&str, String)> = of.iter().map(|(value, text)| (value.as_str(), text.clone())).collect();
        html! {
            div class="card narrow" {
                (choice(TURN_ON, &self.scene.t("draft-turn-on"), &of, self.typed.get(TURN_ON)))
                p class="hint" { (self.scene.t("draft-turn-on-more")) }
            }
        }
    }

    fn plain(&self, plain: &Plain) -> Markup {
        let label = self.scene.t(&format!("catalog-{}", plain.name));
        let label = match plain.is_wish {
            true => format!("{label} ({})", self.scene.t(&format!("catalog-{}-none", plain.group()))),
            false => label,
        };
        self.field(plain.name, &label, Why::Number { unit: plain.unit, min: plain.min, max: plain.max })
    }
}

const fn some_credits(min: i64) -> Why {
    Why::Number { unit: Unit::Credits, min, max: Credits::MAX.get() }
}
