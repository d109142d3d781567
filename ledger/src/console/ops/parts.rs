//! What pages of operators have in common: spans of time, and forms of acts.

use maud::{Markup, html};

use super::KEEPERS;
use crate::console::act::Once;
use crate::console::form::Field;
use crate::console::lang::Words;
use crate::console::view::Scene;

/// `12 s`, `3 min`, `5 h`, `4 days`: as long as it takes to say it with two figures.
pub(in crate::console) fn span(words: Words<'_>, us: i64) -> String {
    let seconds = us.max(0) / 1_000_000;
    let (name, n) = match seconds {
        s if s < 120 => ("span-seconds", s),
        s if s < 7_200 => ("span-minutes", s / 60),
        s if s < 172_800 => ("span-hours", s / 3_600),
        s => ("span-days", s / 86_400),
    };
    words.with(name, [("n", n.into())])
}

/// Whether whoever looks may do more than look.
pub(super) fn may_act(scene: &Scene<'_>) -> bool {
    scene.is_one_of(KEEPERS)
}

/// A form of an act, folded until it is wanted.
pub(super) struct Offer<'a> {
    pub(super) to: &'a str,
    /// The name of its text; with `-more`, what it does.
    pub(super) name: &'static str,
    /// What is to be ticked first, by the name of its text.
    pub(super) confirm: Option<&'static str>,
    /// The log says why.
    pub(super) reason: bool,
    /// Fields of its own.
    pub(super) fields: Markup,
    /// It was sent and not done.
    pub(super) sent: Option<Sent<'a>>,
}

/// A form that comes back with what was filled in, under the name it had.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) once: Once,
    pub(super) reason: &'a str,
}

impl Offer<'_> {
    pub(super) fn show(&self, scene: &Scene<'_>) -> Markup {
        let (name, reason) = (scene.t(self.name), scene.t("reason"));
        let (once, given) = self.sent.map_or_else(|| (Once::new(), ""), |sent| (sent.once, sent.reason));
        html! {
            details open[self.sent.is_some()] {
                summary { (name) }
                form method="post" action=(self.to) class="card" {
                    p class="hint" { (scene.t(&format!("{}-more", self.name))) }
                    (once.field())
                    (self.fields)
                    @if self.reason { (Field { value: given, id: &format!("reason-{}", once.name()), ..Field::text("reason", &reason) }.show()) }
                    @if let Some(confirm) = self.confirm {
                        label class="check" {
                            input type="checkbox" name="confirmed" value="on" required;
                            span { (scene.t(confirm)) }
                        }
                    }
                    button { (name) }
                }
            }
        }
    }
}
