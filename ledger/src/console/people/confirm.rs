//! What will happen, before it does: a page with the one form that does it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use proto_events::AccountId;

use super::deed::{Deed, Given, unfit};
use super::person::Asked;
use super::records;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::act::Once;
use crate::console::asked::Unfit;
use crate::console::form::hidden;
use crate::console::lang::Words;
use crate::console::page::note;
use crate::console::session::{Visitor, is_proven};
use crate::console::telegram_html;
use crate::projections::{self, Standing};

pub(super) async fn confirm(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(account): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    let whom = match Asked::of(&account).account() {
        Ok(whom) => whom,
        Err(unfit) => return super::search::unfit(&console, &visitor, &unfit),
    };
    match given.read() {
        Ok(deed) => shown(&console, &visitor, whom, &deed, Once::new(), StatusCode::OK, None).await,
        Err(why) => unfit(&console, &visitor, &account, given, why).await,
    }
}

/// The page, below what became of it if it was sent before.
pub(super) async fn shown(
    console: &Console,
    visitor: &Visitor,
    whom: AccountId,
    deed: &Deed,
    once: Once,
    status: StatusCode,
    said: Option<Markup>,
) -> Response {
    let words = console.words(visitor);
    let will = match will(console, words, whom, deed).await {
        Ok(will) => will,
        // What became of it is told with the same form, whatever else can't be: sent again, it is done once.
        Err(unfit) if said.is_some() => note("bad", &words.t(unfit.told(&visitor.path).1)),
        Err(unfit) => return super::search::unfit(console, visitor, &unfit),
    };
    let proven = visitor.session.as_ref().is_some_and(is_proven);
    let name = words.t(&format!("deed-{}", deed.name()));
    let body = html! {
        @if let Some(said) = said { (said) }
        div class="card" {
            (will)
            @if deed.moves_credits() && !proven {
                (note("bad", &words.t("prove-beside")))
                p { a class="button" href="/me" target="_blank" rel="noopener" { (words.t("me")) } }
            }
            form method="post" action={"/people/" (whom) "/" (deed.path())} {
                (once.field())
                @for (name, value) in fields(deed) { (hidden(name, &value)) }
                button { (name) }
            }
        }
        p { a href={"/people/" (whom)} { (words.t("leave-it")) } }
    };
    console.page_with(status, visitor, &name, &body)
}

/// The deed again, as the form sends it.
fn fields(deed: &Deed) -> Vec<(&'static str, String)> {
    let mut fields = vec![("deed", deed.name().to_owned())];
    match deed {
        Deed::Grant { credits, source, reason } => {
            let source = crate::books::words::word(source);
            fields.extend([
                ("credits", credits.get().to_string()),
                ("source", source),
                ("reason", reason.to_string()),
            ]);
        }
        Deed::Take { credits, reason } | Deed::Forgive { credits, reason } => {
            fields.extend([("credits", credits.get().to_string()), ("reason", reason.to_string())]);
        }
        Deed::Ban { reason } | Deed::Unban { reason } => fields.push(("reason", reason.to_string())),
        Deed::Message { text } => fields.push(("text", text.to_string())),
    }
    fields
}

/// In words, with the balance as it will be where it changes.
async fn will(console: &Console, words: Words<'_>, whom: AccountId, deed: &Deed) -> Result<Markup, Unfit> {
    let (available, debt) = match projections::balance(&console.pool, whom).await? {
        Standing::Known(available, _, debt) => (available, debt),
        Standing::Nobody => return Err(Unfit::Nowhere),
        Standing::Unread => return Err(Unfit::NotYet("not-folded-yet")),
    };
    let after = match deed {
        Deed::Grant { credits, .. } => {
            let paid = debt.min(credits.get());
            Some((available.saturating_add(credits.get() - paid), debt - paid))
        }
        Deed::Take { credits, .. } => Some(((available - credits.get()).max(0), debt)),
        Deed::Forgive { credits, .. } => Some((available, (debt - credits.get()).max(0))),
        _ => None,
    };
    let reason = match deed {
        Deed::Grant { reason, .. }
        | Deed::Take { reason, .. }
        | Deed::Forgive { reason, .. }
        | Deed::Ban { reason }
        | Deed::Unban { reason } => Some(reason),
        Deed::Message { .. } => None,
    };
    let away = match deed {
        Deed::Message { .. } => {
            records::kept(&console.pool, whom).await?.is_some_and(|kept| kept.away_since.is_some())
        }
        _ => false,
    };
    Ok(html! {
        p class="lead" { (words.t(&format!("will-{}", deed.name()))) }
        @if away { p { (words.t("will-wait")) } }
        dl class="facts" {
            dt { (words.t("account")) } dd class="id" { (whom) }
            @if let Deed::Grant { credits, .. } | Deed::Take { credits, .. } | Deed::Forgive { credits, .. } = deed {
                dt { (words.t("credits")) } dd { strong { (grouped(credits.get())) } }
            }
            @if let Some((available_then, debt_then)) = after {
                dt { (words.t("available")) } dd { (grouped(available)) " → " (grouped(available_then)) }
                dt { (words.t("debt")) } dd { (grouped(debt)) " → " (grouped(debt_then)) }
            }
            @if let Some(reason) = reason { dt { (words.t("reason")) } dd { (reason) } }
        }
        @if let Deed::Message { text } = deed {
            // As it comes; what can't be shown is not sent from here.
            @if let Ok(shown) = telegram_html::shown(text) { (shown) } @else { pre class="card words" tabindex="0" { (text) } }
        }
    })
}
