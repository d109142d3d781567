//! Dead letters: commands that were refused and should not have been. What they say may be personal: it is shown after a look that is
//! in the log.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::AccountId;
use proto_events::commands::LetterRetry;
use proto_events::envelope::AccountRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::ledger::{SendError, operation_id};
use uuid::Uuid;

use super::ACTS;
use super::parts::{Offer, Sent};
use crate::books::moscow;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::act::{Act, Acted, Once, PATIENCE};
use crate::console::asked::{Unfit, link};
use crate::console::door::{Door, Need};
use crate::console::page::{note, problem};
use crate::console::people::look;
use crate::console::session::Visitor;
use crate::console::table::{self, Column, number, table, when};
use crate::console::view::{Read, Scene, View};
use crate::inbox::may_be_sent_again;
use crate::store::{self, DeadLetter};

/// Of each state, the newest.
const SHOWN_MAX: i64 = 100;

pub(super) fn rooms(door: &mut Door) {
    door.view::<List>();
    door.view::<One>();
    door.post("/dead-letters/{letter}/look", ACTS, looked);
    door.post("/dead-letters/{letter}/retry", ACTS, retry);
    door.post("/dead-letters/{letter}/drop", ACTS, drop_it);
}

/// How many wait, where somebody is to see it; nothing where none does.
pub(in crate::console) fn waiting(scene: &Scene<'_>, open: i64) -> Markup {
    html! {
        @if open > 0 {
            p class="note bad" role="status" {
                (scene.words.with("letters-wait", [("n", open.into())])) " "
                @if super::parts::may_act(scene) { a href="/dead-letters" { (scene.t("menu-letters")) } }
            }
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Letter {
    letter: String,
    producer: String,
    verb: String,
    /// As the log would have it.
    command_id: Option<String>,
    account: Option<Uuid>,
    code: String,
    /// open, done, dropped
    state: String,
    /// How often it was refused.
    times: i64,
    first_at: i64,
    last_at: i64,
    /// Of the last try by hand: `done`, or a code.
    answer: Option<String>,
    answered_position: Option<i64>,
    answered_at: Option<i64>,
    /// What it said is still kept.
    whole: bool,
    /// It may be sent again: it tells what has happened, and is still kept.
    resendable: bool,
}

impl From<DeadLetter> for Letter {
    fn from(one: DeadLetter) -> Self {
        Self {
            resendable: one.whole && tells_a_fact(&one.producer, &one.verb),
            letter: one.letter,
            producer: one.producer,
            verb: one.verb,
            command_id: one.command_id,
            account: one.account_id,
            code: one.code,
            state: one.state,
            times: one.times,
            first_at: one.first_at,
            last_at: one.last_at,
            answer: one.answer,
            answered_position: one.answered_position,
            answered_at: one.answered_at,
            whole: one.whole,
        }
    }
}

fn tells_a_fact(producer: &str, verb: &str) -> bool {
    producer.parse().is_ok_and(|producer| may_be_sent_again(producer, verb))
}

struct List;

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Letters {
    /// All that are open; the newest of them follow.
    count: i64,
    open: Vec<Letter>,
    /// The newest that were sent again or dropped.
    closed: Vec<Letter>,
}

impl Read for List {
    type Asked = Nothing;
    type Shown = Letters;

    const PATH: &'static str = "/dead-letters";
    const NEED: Need = ACTS;
    const ABOUT: &'static str = "Commands that were refused and should not have been, without what they said";

    async fn read(console: &Console, _: &Nothing) -> Result<Letters, Unfit> {
        let pool = &console.pool;
        let of = async |state: &str| -> Result<Vec<Letter>, sqlx::Error> {
            Ok(store::letters(pool, state, SHOWN_MAX).await?.into_iter().map(Letter::from).collect())
        };
        let mut closed = of("done").await?;
        closed.extend(of("dropped").await?);
        closed.sort_by_key(|one| std::cmp::Reverse(one.answered_at.unwrap_or(one.last_at)));
        Ok(Letters { count: store::open_letters(pool).await?, open: of("open").await?, closed })
    }
}

impl View for List {
    fn title(scene: &Scene<'_>, _: &Nothing, _: Option<&Letters>) -> String {
        scene.t("menu-letters")
    }

    fn show(scene: &Scene<'_>, _: &Nothing, shown: &Letters) -> Markup {
        html! {
            @if shown.open.is_empty() { p class="lead" { (scene.t("letters-none")) } } @else {
                p { (scene.words.with("letters-wait", [("n", shown.count.into())])) }
                (lines(scene, &scene.t("letters-open"), &shown.open))
            }
            @if !shown.closed.is_empty() {
                h2 { (scene.t("letters-closed")) }
                (lines(scene, &scene.t("letters-closed"), &shown.closed))
            }
        }
    }

    fn again_every(_: &Nothing) -> Option<u8> {
        Some(10)
    }
}

fn lines(scene: &Scene<'_>, label: &str, all: &[Letter]) -> Markup {
    let columns = [
        Column::Text("letter"),
        Column::Text("last-refused"),
        Column::Number("times-refused"),
        Column::Text("producer"),
        Column::Text("refusal"),
        Column::Text("account"),
        Column::Text("state"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" { a href={"/dead-letters/" (one.letter)} { code { (one.verb) } } }
                (when(one.last_at))
                (number(grouped(one.times)))
                td { (one.producer) }
                td { code { (one.code) } }
                @match one.account { Some(account) => (table::account(account)), None => td {} }
                td { (state_of(scene, one)) }
            }
        }
    };
    table(scene.words, label, &columns, &rows, None)
}

fn state_of(scene: &Scene<'_>, one: &Letter) -> String {
    match (one.state.as_str(), &one.answer) {
        ("done", _) => scene.t("letter-done"),
        ("dropped", _) => scene.t("letter-dropped"),
        (_, Some(_)) => scene.t("letter-tried"),
        (_, None) => scene.t("letter-open"),
    }
}

struct One;

#[derive(Default, Deserialize, JsonSchema)]
struct Asked {
    letter: String,
    /// The look is in the log.
    #[serde(skip)]
    looked: bool,
    /// A form that was not done: which, and what was in it.
    #[serde(skip)]
    sent: Option<(&'static str, Once, String)>,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    letter: Letter,
    /// Only on a page, after a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
}

#[derive(Serialize, JsonSchema)]
struct Content {
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

const RETRY: &str = "retry";
const DROP: &str = "drop";

async fn looked(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(letter): Path<String>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let asked = Asked { letter, ..Asked::default() };
    // Nobody looks at what is not there.
    let letter = match there(&console, &visitor, &asked).await {
        Ok(letter) => letter,
        Err(answer) => return answer,
    };
    // The letter is gone one day, and whose it was is asked after that.
    let whose = letter.account.filter(|account| *account != AccountId::OPERATIONS.0);
    let subject = whose.map_or_else(|| asked.letter.clone(), |account| account.to_string());
    match look(&console, session, &subject, &format!("what a refused command said: {}", asked.letter)).await {
        Acted::Done(_) => {
            let asked = Asked { looked: true, ..asked };
            console.shown::<One>(&visitor, &asked, StatusCode::OK, None).await
        }
        acted => {
            let said = acted.say(console.words(&visitor), &[]);
            console.shown::<One>(&visitor, &asked, acted.status(), Some(said)).await
        }
    }
}

async fn there(console: &Console, visitor: &Visitor, asked: &Asked) -> Result<Letter, Response> {
    One::read(console, asked).await.map(|shown| shown.letter).map_err(|unfit| {
        let (status, why) = unfit.told(&visitor.path);
        problem(&console.texts, visitor.lang, status, why)
    })
}

#[derive(Deserialize)]
struct Given {
    once: Once,
    #[serde(default)]
    reason: String,
}

async fn retry(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(letter): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    let mut asked = Asked { letter, sent: Some((RETRY, given.once, given.reason)), ..Asked::default() };
    if let Err(answer) = acted(&console, &visitor, &asked, "letter_retried").await {
        return answer;
    }
    let (status, why) = match again(&console, &asked.letter).await {
        Ok(Tried::Done) => return Redirect::to(&here(&asked, "letter-retry")).into_response(),
        Ok(Tried::Refused) => (StatusCode::UNPROCESSABLE_ENTITY, "letter-refused-again"),
        Err(SendError::Refused(refusal)) => {
            let why = match refusal.code.as_str() {
                "letter_closed" => "letter-is-closed",
                "letter_gone" => "letter-gone",
                "letter_only_seen" => "letter-only-seen",
                _ => "letter-refused-again",
            };
            (StatusCode::UNPROCESSABLE_ENTITY, why)
        }
        Err(SendError::Unknown(why)) => {
            tracing::warn!(why, "what became of a letter is not known");
            (StatusCode::SERVICE_UNAVAILABLE, "act-in-doubt")
        }
    };
    // It was tried: another try is another act.
    if status == StatusCode::UNPROCESSABLE_ENTITY
        && let Some((_, once, _)) = &mut asked.sent
    {
        *once = Once::new();
    }
    let said = note("bad", &console.words(&visitor).t(why));
    console.shown::<One>(&visitor, &asked, status, Some(said)).await
}

enum Tried {
    Done,
    /// With a code that is shown on the letter's page.
    Refused,
}

async fn again(console: &Console, letter: &str) -> Result<Tried, SendError> {
    let unknown = |why: String| SendError::Unknown(why);
    let id = operation_id("letter_retry", letter).map_err(|error| unknown(error.to_string()))?;
    let letter = proto_events::Text::new(letter).map_err(|error| unknown(error.to_string()))?;
    let ledger = console.ledger.clone().with_deadline(PATIENCE);
    let account = AccountRef::Id(AccountId::OPERATIONS);
    let done = ledger.operate(id, account, LetterRetry { letter }.into()).await?;
    Ok(if done.result["answer"] == "done" { Tried::Done } else { Tried::Refused })
}

async fn drop_it(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(letter): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    let asked = Asked { letter, sent: Some((DROP, given.once, given.reason)), ..Asked::default() };
    if let Err(answer) = acted(&console, &visitor, &asked, "letter_dropped").await {
        return answer;
    }
    // False: it was dropped by this form already, or is done.
    match store::drop_letter(&console.pool, &asked.letter).await {
        Ok(_) => Redirect::to(&here(&asked, "letter-drop")).into_response(),
        Err(error) => {
            tracing::warn!(%error, "a letter could not be dropped");
            let said = note("bad", &console.words(&visitor).t("act-in-doubt"));
            console.shown::<One>(&visitor, &asked, StatusCode::SERVICE_UNAVAILABLE, Some(said)).await
        }
    }
}

/// `?done=letter-retry` or `?done=letter-drop`
fn here(asked: &Asked, done: &str) -> String {
    format!("/dead-letters/{}?done={done}", asked.letter)
}

/// Puts the act into the log, before anything is done, once for one form, reason and try; else the answer.
async fn acted(
    console: &Console,
    visitor: &Visitor,
    asked: &Asked,
    name: &'static str,
) -> Result<(), Response> {
    let Some(session) = &visitor.session else { return Err(Redirect::to("/sign-in").into_response()) };
    let letter = there(console, visitor, asked).await?;
    let unfit = async |status, said| console.shown::<One>(visitor, asked, status, Some(said)).await;
    let words = console.words(visitor);
    match (name, letter.state.as_str()) {
        ("letter_retried", "open") if !letter.resendable => {
            let why =
                if tells_a_fact(&letter.producer, &letter.verb) { "letter-gone" } else { "letter-only-seen" };
            return Err(unfit(StatusCode::UNPROCESSABLE_ENTITY, note("bad", &words.t(why))).await);
        }
        (_, "open") => {}
        // Pressed twice.
        ("letter_retried", "done") => {
            return Err(Redirect::to(&here(asked, "letter-retry")).into_response());
        }
        ("letter_dropped", "dropped") => {
            return Err(Redirect::to(&here(asked, "letter-drop")).into_response());
        }
        _ => {
            let said = note("bad", &words.t("letter-is-closed"));
            return Err(unfit(StatusCode::UNPROCESSABLE_ENTITY, said).await);
        }
    }
    let tried = letter.answered_at.unwrap_or_default().to_string();
    let act = asked.sent.as_ref().and_then(|(_, once, reason)| {
        let once = once.with(&[name, &asked.letter, reason.trim(), &tried]);
        Act::noted(once, name, &asked.letter, reason)
    });
    let Some(act) = act else {
        return Err(unfit(StatusCode::UNPROCESSABLE_ENTITY, note("bad", &words.t("reason-missing"))).await);
    };
    match console.act(session, act).await {
        Acted::Done(_) => Ok(()),
        acted => Err(unfit(acted.status(), acted.say(words, &[])).await),
    }
}
