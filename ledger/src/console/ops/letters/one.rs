//! One of them: what is known of it, what it said after a look, and what can be done.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::deeds::{DROP, RETRY};
use super::{ACTS, Letter, state_of, tells_a_fact};
use crate::books::moscow;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::act::Once;
use crate::console::asked::{Unfit, link};
use crate::console::door::{Door, Need};
use crate::console::ops::parts::{Offer, Sent};
use crate::console::page::note;
use crate::console::view::{Read, Scene, View};
use crate::store;

pub(super) fn rooms(door: &mut Door) {
    door.view::<One>();
}

pub(super) struct One;

#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    pub(super) letter: String,
    /// The look is in the log.
    #[serde(skip)]
    pub(super) looked: bool,
    /// A form that was not done: which, and what was in it.
    #[serde(skip)]
    pub(super) sent: Option<(&'static str, Once, String)>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    pub(super) letter: Letter,
    /// Only on a page, after a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Content {
    /// What it was answered, in words.
    message: Option<String>,
    body: Option<String>,
}

impl Read for One {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/dead-letters/{letter}";
    const NEED: Need = ACTS;
    const ABOUT: &'static str = "A command that was refused, without what it said";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let pool = &console.pool;
        // Nothing else is the name of one, and not all of it is for Postgres.
        if asked.letter.len() != 32 || !asked.letter.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Unfit::Nowhere);
        }
        let letter = store::letter(pool, &asked.letter).await?.ok_or(Unfit::Nowhere)?;
        let content = match asked.looked {
            true => store::letter_content(pool, &asked.letter).await?,
            false => None,
        };
        let content = content.map(|(message, body)| Content { message, body: body.map(tidy) });
        Ok(Shown { letter: letter.into(), content })
    }
}

/// As people read JSON, if it is.
fn tidy(body: String) -> String {
    let json = serde_json::from_str::<Value>(&body).ok();
    json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or(body)
}

impl View for One {
    fn title(scene: &Scene<'_>, _: &Asked, shown: Option<&Shown>) -> String {
        shown.map_or_else(|| scene.t("letter"), |shown| shown.letter.verb.clone())
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        html! { p { a href="/dead-letters" { (scene.t("menu-letters")) } } }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        html! {
            (facts(scene, &shown.letter))
            h2 { (scene.t("content")) }
            @match &shown.content {
                Some(content) => (said(scene, content)),
                None => form method="post" action={"/dead-letters/" (shown.letter.letter) "/look"} class="look" {
                    button { (scene.t("letter-show")) }
                    p class="hint" { (scene.t("look-hint")) }
                },
            }
            @if shown.letter.state == "open" { (acts(scene, asked, &shown.letter)) }
        }
    }
}

fn facts(scene: &Scene<'_>, one: &Letter) -> Markup {
    html! {
        dl class="facts" {
            dt { (scene.t("state")) } dd { (state_of(scene, one)) }
            dt { (scene.t("refusal")) } dd { code { (one.code) } }
            dt { (scene.t("producer")) } dd { (one.producer) }
            @if let Some(id) = &one.command_id {
                dt { (scene.t("command")) } dd class="id" { a href=(link("/log", &[("command", id)])) { (id) } }
            }
            @if let Some(account) = one.account {
                dt { (scene.t("account")) } dd class="id" { a href={"/log?account=" (account)} { (account) } }
            }
            dt { (scene.t("first-refused")) } dd { (moscow::date_time(one.first_at)) }
            dt { (scene.t("last-refused")) } dd { (moscow::date_time(one.last_at)) }
            dt { (scene.t("times-refused")) } dd { (grouped(one.times)) }
            @if let (Some(answer), Some(at)) = (&one.answer, one.answered_at) {
                dt { (scene.t("letter-answer")) }
                dd {
                    code { (answer) } " · " (moscow::date_time(at))
                    @if let Some(position) = one.answered_position {
                        " · " a href={"/log/" (position)} { (position) }
                    }
                }
            }
        }
    }
}

fn said(scene: &Scene<'_>, content: &Content) -> Markup {
    html! {
        (note("good", &scene.t("look-kept")))
        @if let Some(message) = &content.message { p { (message) } }
        @match &content.body {
            Some(body) => pre class="card words" tabindex="0" { (body) },
            None => p class="dim" { (scene.t("letter-gone")) },
        }
    }
}

fn acts(scene: &Scene<'_>, asked: &Asked, one: &Letter) -> Markup {
    let sent = |deed: &str| {
        let sent = asked.sent.as_ref().filter(|(sent, ..)| *sent == deed);
        sent.map(|(_, once, reason)| Sent { once: *once, reason })
    };
    let to = |deed: &str| format!("/dead-letters/{}/{deed}", one.letter);
    html! {
        @if !one.resendable {
            p class="hint" {
                (scene.t(if tells_a_fact(&one.producer, &one.verb) { "letter-gone" } else { "letter-only-seen" }))
            }
        }
        div class="acts" {
            @if one.resendable {
                (Offer {
                    to: &to(RETRY), name: "letter-retry", confirm: None, reason: true, fields: Markup::default(),
                    sent: sent(RETRY),
                }.show(scene))
            }
            (Offer {
                to: &to(DROP), name: "letter-drop", confirm: None, reason: true, fields: Markup::default(),
                sent: sent(DROP),
            }.show(scene))
        }
    }
}
