//! The frame around every page.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use proto_events::commands::Role;

use super::Console;
use super::assets;
use super::lang::{Lang, Texts, Words};
use super::session::Visitor;

/// A page of the menu: its path, the name of its text, who sees it.
type Entry = (&'static str, &'static str, &'static [Role]);

const MONEY: &[Role] = &[Role::Finance, Role::Administrator];
const OWNERS: &[Role] = &[Role::Administrator];
const SHOP: &[Role] = &[Role::Operator, Role::Administrator];

/// By what it is about.
const MENU: [(&str, &[Entry]); 5] = [
    (
        "about-log",
        &[
            ("/", "menu-home", &Role::ALL),
            ("/log", "menu-log", &Role::ALL),
            ("/verifications", "menu-verifications", &Role::ALL),
        ],
    ),
    (
        "about-money",
        &[
            ("/books", "menu-books", MONEY),
            ("/revenue", "menu-revenue", MONEY),
            ("/statement", "menu-statement", MONEY),
            ("/payment", "payment", MONEY),
            ("/clearing", "menu-clearing", MONEY),
            ("/debts", "menu-debts", MONEY),
            ("/cases", "menu-cases", MONEY),
            ("/reconciliation", "menu-reconciliation", MONEY),
            ("/exports", "menu-exports", MONEY),
        ],
    ),
    (
        "about-shop",
        &[
            ("/statistics", "menu-statistics", MONEY),
            ("/people", "menu-people", OWNERS),
            ("/requests", "menu-requests", SHOP),
            ("/catalog", "menu-catalog", MONEY),
            ("/texts", "menu-texts", OWNERS),
        ],
    ),
    (
        "about-work",
        &[
            ("/services", "menu-health", &Role::ALL),
            ("/projections", "menu-projections", &Role::ALL),
            ("/jobs", "menu-jobs", &Role::ALL),
            ("/broadcasts", "menu-broadcasts", &Role::ALL),
            ("/dead-letters", "menu-letters", SHOP),
        ],
    ),
    (
        "about-people",
        &[
            ("/acts", "menu-acts", &Role::ALL),
            ("/proposals", "menu-proposals", OWNERS),
            ("/staff", "menu-staff", OWNERS),
            ("/tokens", "menu-tokens", OWNERS),
        ],
    ),
];

impl Console {
    pub(super) fn words(&self, visitor: &Visitor) -> Words<'_> {
        self.texts.of(visitor.lang)
    }

    /// A page of somebody who is signed in.
    pub(super) fn page(&self, visitor: &Visitor, title: &str, body: &Markup) -> Response {
        Html(framed(self.words(visitor), Some(visitor), title, body).into_string()).into_response()
    }

    /// The same, for what was not done: the status says so too.
    pub(super) fn page_with(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        title: &str,
        body: &Markup,
    ) -> Response {
        (status, self.page(visitor, title, body)).into_response()
    }

    /// What can't be shown now, for a reason that is not the visitor's.
    pub(super) fn away(&self, visitor: &Visitor, error: &sqlx::Error) -> Response {
        tracing::warn!(%error, path = visitor.path, "a page can't be shown");
        problem(&self.texts, visitor.lang, StatusCode::SERVICE_UNAVAILABLE, "database-away")
    }
}

/// Why there is no page; tells nothing of what there is.
pub(super) fn problem(texts: &Texts, lang: Lang, status: StatusCode, why: &str) -> Response {
    let words = texts.of(lang);
    let title = words.t(why);
    let body = html! {
        p class="lead" { (words.t(&format!("{why}-more"))) }
        p { a class="button" href="/" { (words.t("to-the-first-page")) } }
    };
    (status, Html(framed(words, None, &title, &body).into_string())).into_response()
}

fn framed(words: Words<'_>, visitor: Option<&Visitor>, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(words.lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Plantain" }
                link rel="icon" href=(assets::ICON_PATH);
                link rel="stylesheet" href=(assets::style_path());
                script src=(assets::script_path()) defer {}
            }
            body {
                a class="skip" href="#main" { (words.t("skip-to-content")) }
                (header(words, visitor))
                div class="below" {
                    @if let Some(visitor) = visitor { (menu(words, visitor)) }
                    main id="main" {
                        h1 { (title) }
                        (body)
                    }
                }
            }
        }
    }
}

/// Beside the page where there is room, else folded above it.
fn menu(words: Words<'_>, visitor: &Visitor) -> Markup {
    let Some(session) = &visitor.session else { return Markup::default() };
    let seen = |roles: &[Role]| session.is_one_of(roles);
    html! {
        details class="menu" {
            summary { (words.t("menu")) }
            nav aria-label=(words.t("menu")) {
                @for (group, entries) in MENU {
                    @if entries.iter().any(|(_, _, roles)| seen(roles)) { h2 { (words.t(group)) } }
                    @for (path, name, _) in entries.iter().filter(|(_, _, roles)| seen(roles)) {
                        a href=(path) aria-current=[is_in(&visitor.path, path).then_some("page")] { (words.t(name)) }
                    }
                }
            }
        }
    }
}

fn header(words: Words<'_>, visitor: Option<&Visitor>) -> Markup {
    let session = visitor.and_then(|visitor| visitor.session.as_ref());
    html! {
        header {
            a class="brand" href="/" { "Plantain" }
            div class="who" {
                @if let Some(visitor) = visitor { (languages(words, visitor)) }
                @if let Some(session) = session {
                    a href="/me" { (session.name) }
                    form method="post" action="/sign-out" { button class="plain" { (words.t("sign-out")) } }
                }
            }
        }
    }
}

/// Whether a page belongs to this one of the menu.
fn is_in(page: &str, menu: &str) -> bool {
    page == menu || menu != "/" && page.strip_prefix(menu).is_some_and(|rest| rest.starts_with('/'))
}

fn languages(words: Words<'_>, visitor: &Visitor) -> Markup {
    html! {
        form method="post" action="/language" class="languages" aria-label=(words.t("language")) {
            input type="hidden" name="to" value=(visitor.path);
            @for lang in Lang::ALL {
                button class="plain" name="language" value=(lang.code()) lang=(lang.code())
                    aria-pressed=(if lang == words.lang { "true" } else { "false" }) { (lang.code().to_uppercase()) }
            }
        }
    }
}

/// What was done, or was not.
pub(super) fn note(kind: &'static str, text: &str) -> Markup {
    html! { p class={"note " (kind)} role=(if kind == "bad" { "alert" } else { "status" }) { (text) } }
}
