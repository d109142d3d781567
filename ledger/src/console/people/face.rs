//! How a person's page looks.

use maud::{Markup, html};

use super::list::{chips, masked};
use super::person::Shown;
use super::records::{Invited, Lot, Paid};
use crate::books::moscow;
use crate::books::words::{currency_of, grouped};
use crate::console::asked::link;
use crate::console::books::statement;
use crate::console::page::note;
use crate::console::requests;
use crate::console::table::{Column, number, pages, person, position, sum, table, when};
use crate::console::view::Scene;

/// Who, and what they have.
pub(super) fn face(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let (kept, figures, who) = (shown.kept.as_ref(), &shown.figures, shown.who.as_ref());
    let (banned, away) = kept.map_or((false, false), |kept| (kept.banned, kept.away_since.is_some()));
    html! {
        p { (chips(scene, banned, away, kept.is_none())) }
        @if who.is_some() { (note("good", &scene.t("look-kept"))) }
        dl class="facts" {
            @if kept.is_some() {
                dt { (scene.t("name")) } dd { (masked(scene, who.map(|who| who.name.as_str()))) }
                dt { (scene.t("telegram-id")) } dd { (masked(scene, who.map(|who| who.telegram_user.to_string()).as_deref())) }
                dt { (scene.t("email")) }
                dd { (masked(scene, who.map(|who| who.email.as_deref().unwrap_or("—")))) }
            }
            dt { (scene.t("account")) } dd class="id" { (shown.account) }
            dt { (scene.t("came")) } dd { (moscow::date_time(figures.opened_at)) }
            @if let Some(inviter) = shown.inviter {
                dt { (scene.t("came-by")) } dd class="id" { a href={"/people/" (inviter)} { (inviter) } }
            }
        }
        @if kept.is_some() && who.is_none() {
            form method="post" action={"/people/" (shown.account) "/look"} class="look" {
                button { (scene.t("show-who")) }
                p class="hint" { (scene.t("look-hint")) }
            }
        }
        h2 { (scene.t("balance")) }
        dl class="facts" {
            dt { (scene.t("available")) } dd { (grouped(shown.available)) }
            dt { (scene.t("reserved")) } dd { (grouped(shown.reserved)) }
            dt { (scene.t("debt")) } dd { (grouped(shown.debt)) }
            dt { (scene.t("bought")) } dd { (grouped(figures.bought)) }
            dt { (scene.t("were-given")) } dd { (grouped(figures.given)) }
            dt { (scene.t("spent")) } dd { (grouped(figures.spent)) }
            dt { (scene.t("paid-in-all")) }
            dd {
                @if figures.paid.is_empty() { "—" }
                @for sum in &figures.paid { span class="sum" { (money(sum.minor, sum.currency)) } " " }
            }
            dt { (scene.t("pictures-made")) } dd { (grouped(figures.pictures.into())) }
            dt { (scene.t("answers-made")) } dd { (grouped(figures.answers.into())) }
        }
        @if !shown.lots.is_empty() { h3 { (scene.t("by-grant")) } (lots(scene, &shown.lots)) }
    }
}

fn money(minor: i64, currency: &str) -> String {
    sum(minor, currency_of(currency))
}

fn lots(scene: &Scene<'_>, lots: &[Lot]) -> Markup {
    let columns = [
        Column::Number("position"),
        Column::Text("given-at"),
        Column::Text("origin"),
        Column::Number("credits"),
        Column::Number("left"),
        Column::Number("reserved"),
        Column::Text("expires"),
    ];
    let rows = html! {
        @for lot in lots {
            tr {
                (position(lot.position))
                (when(lot.granted_at))
                td { (origin(scene, &lot.source)) }
                (number(grouped(lot.credits)))
                (number(grouped(lot.available)))
                (number(grouped(lot.reserved)))
                td class="when" { @match lot.expires_at { Some(at) => (moscow::date_time(at)), None => (scene.t("never")) } }
            }
        }
    };
    table(scene.words, &scene.t("by-grant"), &columns, &rows, None)
}

/// Where a lot came from.
fn origin(scene: &Scene<'_>, source: &str) -> String {
    scene.words.known(&format!("lot-{source}")).unwrap_or_else(|| source.to_owned())
}

/// What they did, asked for and paid; what they have set.
pub(super) fn records(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let of = |path: &str| Some(link(path, &[("account", &shown.account.to_string())]));
    html! {
        h2 { (scene.t("menu-statement")) }
        @if shown.statement.is_empty() { p class="dim" { (scene.t("nothing-yet")) } } @else {
            (statement::list(scene, &shown.statement))
        }
        (pages(scene.words, &[("whole-statement", of("/statement")), ("all-events", of("/log"))]))
        h2 { (scene.t("menu-requests")) }
        @if shown.requests.is_empty() { p class="dim" { (scene.t("nothing-yet")) } } @else {
            (requests::list(scene, &shown.requests))
            (pages(scene.words, &[("all-requests", of("/requests"))]))
        }
        h2 { (scene.t("payments")) }
        @if shown.payments.is_empty() { p class="dim" { (scene.t("nothing-yet")) } } @else { (payments(scene, &shown.payments)) }
        h2 { (scene.t("invited")) }
        dl class="facts" {
            dt { (scene.t("came-by-link")) } dd { (grouped(shown.figures.invited.into())) }
            dt { (scene.t("earned-by-link")) } dd { (grouped(shown.figures.earned_by_invites)) }
        }
        @if !shown.invited.is_empty() { (invited(scene, &shown.invited)) }
        (settings(scene, shown))
    }
}

fn payments(scene: &Scene<'_>, payments: &[Paid]) -> Markup {
    let columns = [
        Column::Text("when"),
        Column::Text("payment"),
        Column::Text("rail"),
        Column::Number("credits"),
        Column::Number("price"),
        Column::Text("state"),
    ];
    let rows = html! {
        @for one in payments {
            tr {
                (when(one.opened_at))
                td class="id" { a href={"/payment?id=" (one.payment)} { "…" (one.payment.rsplit('-').next().unwrap_or_default()) } }
                td { (one.rail) }
                (number(grouped(one.credits)))
                (number(money(one.paid_minor.unwrap_or(one.price_minor), &one.currency)))
                td { (state(scene, &one.state)) }
            }
        }
    };
    table(scene.words, &scene.t("payments"), &columns, &rows, None)
}

/// In words where there are some.
pub(super) fn state(scene: &Scene<'_>, state: &str) -> String {
    scene.words.known(&format!("state-{state}")).unwrap_or_else(|| state.to_owned())
}

fn invited(scene: &Scene<'_>, invited: &[Invited]) -> Markup {
    let rows = html! {
        @for one in invited {
            tr {
                (when(one.at))
                (person(one.account))
                (number(one.credits.map(grouped).unwrap_or_default()))
            }
        }
    };
    let columns = [Column::Text("when"), Column::Text("account"), Column::Number("credits")];
    table(scene.words, &scene.t("invited"), &columns, &rows, None)
}

fn settings(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let Some(kept) = &shown.kept else { return Markup::default() };
    let as_catalog = scene.t("as-catalog");
    let or_catalog = |set: &Option<String>| set.clone().unwrap_or_else(|| as_catalog.clone());
    let yes = |is: bool| scene.t(if is { "yes" } else { "no" });
    html! {
        h2 { (scene.t("settings")) }
        dl class="facts" {
            dt { (scene.t("language")) } dd { (kept.language) }
            dt { (scene.t("model")) } dd { (or_catalog(&kept.model)) }
            dt { (scene.t("aspect-ratio")) } dd { (or_catalog(&kept.aspect_ratio)) }
            dt { (scene.t("picture-size")) } dd { (or_catalog(&kept.size)) }
            dt { (scene.t("as-file")) } dd { (yes(kept.as_file)) }
            dt { (scene.t("photos-kept")) } dd { (kept.references) }
            dt { (scene.t("has-wish")) } dd { (yes(kept.has_wish)) }
            dt { (scene.t("reachable")) }
            dd {
                @match kept.away_since {
                    Some(at) => (scene.words.with("away-since", [("when", moscow::date_time(at).into())])),
                    None => (scene.t("yes")),
                }
            }
            dt { (scene.t("support-notes")) }
            dd {
                (kept.support_notes)
                @if let Some(at) = kept.support_noted_at { ", " (moscow::date_time(at)) }
            }
        }
    }
}
