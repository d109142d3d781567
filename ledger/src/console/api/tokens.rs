//! The page of tokens: who reads by which, made and ended by administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::token;
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::asked::Unfit;
use crate::console::door::{Door, Need};
use crate::console::form::{Field, choice};
use crate::console::page::note;
use crate::console::session::{Visitor, is_proven};
use crate::console::staff::{roles_chosen, roles_to_choose};
use crate::console::table::{Column, table, when};
use crate::console::view::{Read, Scene, View};
use crate::store::{self, ApiToken};

const OWNERS: &[Role] = &[Role::Administrator];
const DAY_US: i64 = 86_400_000_000;
/// How long a token may live, in days.
const LIVES: [&str; 3] = ["30", "90", "365"];

pub(super) fn rooms(door: &mut Door) {
    door.view::<Tokens>();
    door.post("/tokens", Need::Proven(OWNERS), make);
    door.post("/tokens/end", Need::Proven(OWNERS), end);
}

struct Tokens;

#[derive(Deserialize, JsonSchema)]
struct Asked {}

#[derive(Serialize, JsonSchema)]
struct Shown {
    tokens: Vec<Token>,
}

#[derive(Serialize, JsonSchema)]
struct Token {
    name: String,
    roles: Vec<&'static str>,
    made_by: String,
    made_at: i64,
    expires_at: i64,
    /// When it was used last, to the minute.
    seen_at: Option<i64>,
}

impl Read for Tokens {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/tokens";
    const NEED: Need = Need::One(OWNERS);
    const ABOUT: &'static str = "Which programs read this API";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let one = |token: ApiToken| Token {
            name: token.name,
            roles: token.roles.iter().map(|role| role.as_str()).collect(),
            made_by: token.made_by,
            made_at: token.made_at,
            expires_at: token.expires_at,
            seen_at: token.seen_at,
        };
        Ok(Shown { tokens: store::api_tokens(&console.pool).await?.into_iter().map(one).collect() })
    }
}

impl View for Tokens {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-tokens")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let proven = scene.visitor.session.as_ref().is_some_and(is_proven);
        html! {
            p { (scene.t("tokens-more")) " " a href="/api/v1/openapi.json" { "/api/v1/openapi.json" } }
            @if shown.tokens.is_empty() { p class="dim" { (scene.t("tokens-none")) } }
            @else { (list(scene, &shown.tokens, proven)) }
            h2 { (scene.t("token-new")) }
            @if proven { (form(scene)) } @else {
                p { (scene.t("prove-first-more")) " " a href="/me" { (scene.t("me")) } }
            }
        }
    }
}

fn list(scene: &Scene<'_>, tokens: &[Token], proven: bool) -> Markup {
    let columns =
        ["name", "roles", "made-by", "made-at", "expires-at", "seen-last", "token-end"].map(Column::Text);
    let rows = html! {
        @for one in tokens {
            tr {
                th scope="row" { (one.name) }
                td { @for role in &one.roles { span class="chip" { (scene.t(&format!("role-{role}"))) } " " } }
                td { (one.made_by) }
                (when(one.made_at))
                (when(one.expires_at))
                @match one.seen_at { Some(at) => (when(at)), None => td class="dim" { (scene.t("never")) } }
                td { @if proven { (ending(scene, &one.name)) } }
            }
        }
    };
    table(scene.words, &scene.t("menu-tokens"), &columns, &rows, None)
}

fn ending(scene: &Scene<'_>, name: &str) -> Markup {
    html! {
        form method="post" action="/tokens/end" {
            (Once::new().field())
            input type="hidden" name="name" value=(name);
            button class="plain" aria-label={(scene.t("token-end")) " " (name)} { (scene.t("token-end")) }
        }
    }
}

fn form(scene: &Scene<'_>) -> Markup {
    let labels = ["name", "token-lives", "reason"].map(|name| scene.t(name));
    let [name, lives, reason] = &labels;
    let hint = scene.t("token-name-hint");
    let days: Vec<(&str, String)> = LIVES
        .iter()
        .map(|days| (*days, scene.words.with("days", [("n", days.parse::<i64>().unwrap_or(0).into())])))
        .collect();
    html! {
        form method="post" action="/tokens" class="card narrow" {
            (Once::new().field())
            (Field { hint: Some(&hint), ..Field::text("name", name) }.show())
            (roles_to_choose(scene.words, &Markup::default()))
            (choice("days", lives, &days, "90"))
            (Field::text("reason", reason).show())
            button { (scene.t("token-make")) }
        }
    }
}

#[derive(Deserialize)]
struct Wanted {
    once: Once,
    name: String,
    #[serde(default)]
    finance: String,
    #[serde(default)]
    operator: String,
    #[serde(default)]
    administrator: String,
    days: String,
    reason: String,
}

impl Wanted {
    fn roles(&self) -> Vec<Role> {
        roles_chosen(&self.finance, &self.operator, &self.administrator)
    }

    /// What it may and how long, with why: the log keeps it.
    fn told(&self) -> String {
        let roles: Vec<&str> = self.roles().iter().map(|role| role.as_str()).collect();
        format!("{}, {} days: {}", roles.join(" and "), self.days, self.reason.trim())
    }

    /// # Errors
    /// The name of what is said of it.
    fn unfit(&self) -> Result<i64, &'static str> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if !(2..=32).contains(&self.name.len()) || !self.name.chars().all(plain) {
            return Err("token-unfit");
        }
        if self.roles().is_empty() {
            return Err("token-without-roles");
        }
        if self.reason.trim().is_empty() {
            return Err("reason-missing");
        }
        let days = LIVES.iter().find(|days| **days == self.days).and_then(|days| days.parse::<i64>().ok());
        days.map(|days| days * DAY_US).ok_or("token-unfit")
    }
}

async fn make(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(wanted): Form<Wanted>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let words = console.words(&visitor);
    let shown =
        async |status, said: Markup| console.shown::<Tokens>(&visitor, &Asked {}, status, Some(said)).await;
    let unfit = |why| (StatusCode::UNPROCESSABLE_ENTITY, note("bad", &words.t(why)));
    let lives_us = match wanted.unfit() {
        Ok(lives_us) => lives_us,
        Err(why) => {
            let (status, said) = unfit(why);
            return shown(status, said).await;
        }
    };
    let Some(act) = Act::noted(wanted.once, "api_token_made", &wanted.name, &wanted.told()) else {
        let (status, said) = unfit("reason-missing");
        return shown(status, said).await;
    };
    // The log first: an act without its token is harmless, a token without its act is not.
    match console.act(session, act).await {
        Acted::Done(_) => {}
        acted => return shown(acted.status(), acted.say(words, &[])).await,
    }
    let (token, roles) = (token::new(), wanted.roles());
    let hash = token::hash(&token);
    let once = wanted.once.name();
    let put =
        store::put_api_token(&console.pool, &once, &wanted.name, &hash, &roles, &session.name, lives_us);
    match put.await {
        Ok(true) => {
            let said = html! {
                (note("good", &words.t("token-made")))
                pre class="card" tabindex="0" { (token) }
            };
            shown(StatusCode::OK, said).await
        }
        Ok(false) => {
            let (status, said) = unfit("token-there");
            shown(status, said).await
        }
        Err(error) => console.away(&visitor, &error),
    }
}

#[derive(Deserialize)]
struct Ended {
    once: Once,
    name: String,
}

async fn end(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(ended): Form<Ended>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    // Nobody waits for the log to take a token away.
    if let Err(error) = store::end_api_token(&console.pool, &ended.name).await {
        return console.away(&visitor, &error);
    }
    let acted = match Act::noted(ended.once, "api_token_ended", &ended.name, "ended") {
        Some(act) => console.act(session, act).await,
        None => return Redirect::to("/tokens").into_response(),
    };
    match acted {
        Acted::Done(_) => Redirect::to("/tokens?done=token-ended").into_response(),
        acted => {
            let said = acted.say(console.words(&visitor), &[]);
            console.shown::<Tokens>(&visitor, &Asked {}, acted.status(), Some(said)).await
        }
    }
}
