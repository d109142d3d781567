//! The frame around every page.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use proto_events::commands::Role;

use super::Console;
use super::assets;
use super::lang::{Lang, Texts, Words};
use super::session::Visitor;

/// Path, name of its text, who sees it in the menu.
const MENU: [(&str, &str, &[Role]); 7] = [
    ("/", "menu-home", &Role::ALL),
    ("/books", "menu-books", &[Role::Finance, Role::Administrator]),
    ("/revenue", "menu-revenue", &[Role::Finance, Role::Administrator]),
    ("/statement", "menu-statement", &[Role::Finance, Role::Administrator]),
    ("/log", "menu-log", &Role::ALL),
    ("/acts", "menu-acts", &Role::ALL),
    ("/staff", "menu-staff", &[Role::Administrator]),
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
            }
            body {
                a class="skip" href="#main" { (words.t("skip-to-content")) }
                (header(words, visitor))
                main id="main" {
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
}

fn header(words: Words<'_>, visitor: Option<&Visitor>) -> Markup {
    let session = visitor.and_then(|visitor| visitor.session.as_ref().map(|session| (visitor, session)));
    html! {
        header {
            a class="brand" href="/" { "Plantain" }
            @if let Some((visitor, session)) = session {
                nav aria-label=(words.t("menu")) {
                    @for (path, name, roles) in MENU {
                        @if session.roles.iter().any(|role| roles.contains(role)) {
                            a href=(path) aria-current=[is_in(&visitor.path, path).then_some("page")] { (words.t(name)) }
                        }
                    }
                }
            }
            div class="who" {
                @if let Some(visitor) = visitor { (languages(words, visitor)) }
                @if let Some((_, session)) = session {
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
