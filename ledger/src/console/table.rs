//! A table as every page has it, the cells that many have, and the way to its other pages.

use ledger_domain::Asset;
use maud::{Markup, html};
use proto_events::{Currency, Money};
use uuid::Uuid;

use super::lang::Words;
use crate::books::moscow;
use crate::books::words::{amount, currency_of};

/// A column, by the name of its text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Text(&'static str),
    /// To the right, digits below digits.
    Number(&'static str),
}

use Column::{Number, Text};

/// `rows` are its `tr`s; `foot` is one more, below a line.
pub(super) fn table(
    words: Words<'_>,
    label: &str,
    columns: &[Column],
    rows: &Markup,
    foot: Option<&Markup>,
) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr {
                    @for column in columns {
                        @match column {
                            Text(name) => th scope="col" { (words.t(name)) },
                            Number(name) => th scope="col" class="number" { (words.t(name)) },
                        }
                    }
                } }
                tbody { (rows) }
                @if let Some(foot) = foot { tfoot { (foot) } }
            }
        }
    }
}

/// A position, which leads to its event.
pub(super) fn position(position: i64) -> Markup {
    html! { td class="number" { a href={"/log/" (position)} { (position) } } }
}

pub(super) fn when(us: i64) -> Markup {
    html! { td class="when" { (moscow::date_time(us)) } }
}

pub(super) fn number(text: impl maud::Render) -> Markup {
    html! { td class="number" { (text) } }
}

/// A currency as people read it; programs get its code.
pub(super) const fn sign(currency: Currency) -> &'static str {
    match currency {
        Currency::Rub => "₽",
        Currency::Xtr => "⭐",
    }
}

/// The same of what the books are kept in, by its code.
pub(super) fn asset_name(words: Words<'_>, code: &str) -> String {
    if code == Asset::Credit.code() { words.t("credits") } else { sign(currency_of(code)).to_owned() }
}

/// So much of it: rubles with their kopecks.
pub(super) fn asset_amount(minor: i64, code: &str) -> String {
    let asset = if code == Asset::Credit.code() { Asset::Credit } else { Asset::from(currency_of(code)) };
    amount(minor, asset)
}

/// `1,234.50 ₽`
pub(super) fn sum(minor: i64, currency: Currency) -> String {
    format!("{} {}", amount(minor, Asset::from(currency)), sign(currency))
}

pub(super) fn money_shown(money: Money) -> String {
    sum(money.minor(), money.currency)
}

/// The first letters of an account's id: the whole is behind the link.
pub(super) fn account(id: Uuid) -> Markup {
    let id = id.to_string();
    html! { td class="id" { a href={"/log?account=" (id)} { (id.get(..8).unwrap_or(&id)) } } }
}

/// The same, which leads to the person's page.
pub(super) fn person(id: Uuid) -> Markup {
    let id = id.to_string();
    html! { td class="id" { a href={"/people/" (id)} { (id.get(..8).unwrap_or(&id)) } } }
}

/// Nothing where nothing changed; a true minus.
pub(super) fn signed(delta: i64) -> String {
    match delta {
        0 => String::new(),
        n if n > 0 => format!("+{n}"),
        n => format!("−{}", n.unsigned_abs()),
    }
}

/// Links to other pages of the same, each with the name of its text.
pub(super) fn pages(words: Words<'_>, links: &[(&str, Option<String>)]) -> Markup {
    html! {
        nav class="pages" aria-label=(words.t("pages")) {
            @for (name, link) in links {
                @if let Some(link) = link { a class="button" href=(link) { (words.t(name)) } }
            }
        }
    }
}
