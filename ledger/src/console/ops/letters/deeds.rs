//! A look at what one said, another try, the end of it: each in the log before it is done.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use proto_events::AccountId;
use proto_events::commands::LetterRetry;
use proto_events::envelope::AccountRef;
use serde::Deserialize;
use service::ledger::{SendError, operation_id};

use super::one::{Asked, One};
use super::{ACTS, Letter, tells_a_fact};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once, PATIENCE};
use crate::console::door::Door;
use crate::console::page::{note, problem};
use crate::console::people::look;
use crate::console::session::Visitor;
use crate::console::view::Read as _;
use crate::store;

pub(super) const RETRY: &str = "retry";
pub(super) const DROP: &str = "drop";

pub(super) fn rooms(door: &mut Door) {
    door.post("/dead-letters/{letter}/look", ACTS, looked);
    door.post("/dead-letters/{letter}/retry", ACTS, retry);
    door.post("/dead-letters/{letter}/drop", ACTS, drop_it);
}

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
