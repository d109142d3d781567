//! Words put in the place of built-in ones, looked at before, or taken back: acts in the log, with their reason.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::Markup;
use proto_events::commands::ContentPut;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Producer, Text};
use serde::Deserialize;

use super::caption::Texts;
use super::look::{self, Wrong};
use super::one::{Asked, One, Typed};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::asked::Unfit;
use crate::console::lang::Lang;
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::store::{self, BotText};

#[derive(Deserialize)]
pub(super) struct Given {
    once: Once,
    #[serde(default)]
    language: String,
    /// The version of what stood there.
    #[serde(default)]
    seen: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reason: String,
}

/// A text as it is built in, and what is wanted in its place.
struct Wish {
    key: String,
    lang: Lang,
    builtin: String,
    /// All of its language.
    texts: Vec<BotText>,
    text: String,
    reason: String,
    once: Once,
    /// As the form has it.
    seen: i64,
    /// As it is now.
    version: i64,
}

/// As the form sent it; the answer where there is no such text.
async fn read(console: &Console, visitor: &Visitor, key: String, given: Given) -> Result<Wish, Response> {
    let nowhere = || problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found");
    let lang = Lang::of(&given.language).ok_or_else(nowhere)?;
    let texts = store::bot_texts(&console.pool, None, Some(lang.code())).await;
    let texts = texts.map_err(|error| console.away(visitor, &error))?;
    let found = texts.iter().find(|text| text.key == key).ok_or_else(nowhere)?;
    let (builtin, version) = (found.builtin.clone(), found.version);
    // A browser ends lines as mail does.
    let text = given.text.replace("\r\n", "\n").trim().to_owned();
    let reason = given.reason.trim().to_owned();
    Ok(Wish { key, lang, builtin, texts, text, reason, once: given.once, seen: given.seen, version })
}

impl Wish {
    /// May it stand there, below the pictures that are there?
    fn check(&self, console: &Console) -> Result<(), Wrong> {
        look::check(console.texts.of(self.lang), &self.builtin, &self.text)?;
        self.keeps_room(console)
    }

    fn keeps_room(&self, console: &Console) -> Result<(), Wrong> {
        let words = console.texts.of(self.lang);
        let texts = Texts { words, all: &self.texts, edited: Some((&self.key, &self.text)) };
        texts.keeps_room().map_err(Wrong::Caption)
    }
}

/// The page again with what was written, and how it looks, or why it can't be said.
async fn again(
    console: &Console,
    visitor: &Visitor,
    wish: Wish,
    status: StatusCode,
    said: Option<Markup>,
) -> Response {
    let of_text = console.texts.of(wish.lang);
    let wrong = wish.check(console).err();
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    let shown = if wrong.is_some() { Vec::new() } else { look::said(of_text, &wish.text) };
    let Wish { key, lang, text, reason, once, seen, .. } = wish;
    // Who is told of another's change sees it on this page.
    let seen = (status != StatusCode::CONFLICT).then_some(seen);
    let asked = Asked::of(&key, Some(Typed { lang, text, reason, once, seen, wrong, said: shown }));
    console.shown::<One>(visitor, &asked, status, said).await
}

pub(super) async fn look(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    match read(&console, &visitor, key, given).await {
        Ok(wish) => again(&console, &visitor, wish, StatusCode::OK, None).await,
        Err(answer) => answer,
    }
}

pub(super) async fn put(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    let wish = match read(&console, &visitor, key, given).await {
        Ok(wish) => wish,
        Err(answer) => return answer,
    };
    if wish.check(&console).is_err() {
        let said = note("bad", &console.words(&visitor).t("text-not-put"));
        return again(&console, &visitor, wish, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await;
    }
    let Ok(text) = Text::new(&wish.text) else {
        return again(&console, &visitor, wish, StatusCode::UNPROCESSABLE_ENTITY, None).await;
    };
    does(&console, &visitor, wish, Some(text), "?done=text-put").await
}

pub(super) async fn take_back(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    match read(&console, &visitor, key, given).await {
        Ok(wish) => {
            // What is said then, and has to fit below the pictures that are there.
            let wish = Wish { text: wish.builtin.clone(), ..wish };
            if wish.keeps_room(&console).is_err() {
                return again(&console, &visitor, wish, StatusCode::UNPROCESSABLE_ENTITY, None).await;
            }
            does(&console, &visitor, wish, None, "?done=text-taken-back").await
        }
        Err(answer) => answer,
    }
}

/// Whether somebody else has changed it since it was seen: not by the same form, pressed twice.
async fn is_written_over(console: &Console, wish: &Wish) -> Result<bool, Unfit> {
    if wish.seen == wish.version {
        return Ok(false);
    }
    let Ok(id) = CommandId::new(format!("content_put:{}", wish.once.name())) else { return Ok(true) };
    Ok(store::first_answers(&console.pool, &[(Producer::Console, id)]).await?.is_empty())
}

async fn does(
    console: &Console,
    visitor: &Visitor,
    wish: Wish,
    text: Option<Text<4096>>,
    done: &str,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let words = console.words(visitor);
    let reason = Text::new(&wish.reason).ok().filter(|reason: &Text<500>| !reason.is_empty());
    let Some(reason) = reason else {
        let said = note("bad", &words.t("reason-missing"));
        return again(console, visitor, wish, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await;
    };
    match is_written_over(console, &wish).await {
        Ok(false) => {}
        Ok(true) => {
            let said = note("bad", &words.t("text-written-over"));
            return again(console, visitor, wish, StatusCode::CONFLICT, Some(said)).await;
        }
        Err(unfit) => {
            let (status, why) = unfit.told(&visitor.path);
            return problem(&console.texts, visitor.lang, status, why);
        }
    }
    let command =
        ContentPut { key: Text::lossy(&wish.key), language: Text::lossy(wish.lang.code()), text, reason };
    let account = AccountRef::Id(AccountId::OPERATIONS);
    match console.act(session, Act { once: wish.once, account, command: command.into() }).await {
        Acted::Done(_) => Redirect::to(&format!("/texts/{}{done}", wish.key)).into_response(),
        acted => {
            let (status, said) = (acted.status(), acted.say(words, &[]));
            again(console, visitor, wish, status, Some(said)).await
        }
    }
}
