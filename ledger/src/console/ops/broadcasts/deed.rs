//! What is done with a broadcast that was written down: tried on one of us, started, paused, ended.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use proto_events::commands::{BroadcastFinish, BroadcastPause, BroadcastStart, Command, MessageRequest};
use proto_events::envelope::AccountRef;
use proto_events::events::MessageKind;
use proto_events::queries::{BroadcastState, BroadcastView};
use proto_events::{AccountId, Text};
use serde::Deserialize;

use super::list::{Asked, Broadcasts};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::queries::broadcast_view;
use crate::store;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Start,
    Pause,
    Finish,
}

impl Deed {
    pub(super) const ALL: [Self; 3] = [Self::Start, Self::Pause, Self::Finish];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Finish => "finish",
        }
    }

    pub(super) const fn name(self, state: BroadcastState) -> &'static str {
        match (self, state) {
            (Self::Start, BroadcastState::Paused) => "broadcast-go-on",
            (Self::Start, _) => "broadcast-start",
            (Self::Pause, _) => "broadcast-pause",
            (Self::Finish, _) => "broadcast-finish",
        }
    }

    /// What can't be taken back.
    pub(super) const fn confirm(self) -> Option<&'static str> {
        match self {
            Self::Start | Self::Finish => Some("broadcast-mean-it"),
            Self::Pause => None,
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Start => "?done=broadcast-start",
            Self::Pause => "?done=broadcast-pause",
            Self::Finish => "?done=broadcast-finish",
        }
    }

    pub(super) fn fits(self, state: BroadcastState) -> bool {
        match self {
            Self::Start => matches!(state, BroadcastState::Draft | BroadcastState::Paused),
            Self::Pause => state == BroadcastState::Running,
            Self::Finish => matches!(state, BroadcastState::Running | BroadcastState::Paused),
        }
    }

    /// For as many as were shown: for others it is refused by the log.
    fn command(self, one: BroadcastView, given: &Given) -> Result<Command, &'static str> {
        let BroadcastView { broadcast, sent, failed, blocked, drafted_at, .. } = one;
        Ok(match self {
            Self::Start => {
                let recipients = given.recipients;
                BroadcastStart { broadcast, recipients, drafted_at: Some(drafted_at) }.into()
            }
            Self::Pause => match given.reason.trim() {
                "" => return Err("reason-missing"),
                reason => {
                    let reason = Text::new(reason).map_err(|_| "reason-long")?;
                    BroadcastPause { broadcast, reason }.into()
                }
            },
            Self::Finish => BroadcastFinish { broadcast, sent, failed, blocked }.into(),
        })
    }
}

/// What is expected of the log, and said of it.
const KNOWN: [(&str, &str); 7] = [
    ("draft_changed", "broadcast-drafted-anew"),
    ("broadcast_finished", "broadcast-over"),
    ("broadcast_running", "broadcast-runs"),
    ("broadcast_not_running", "broadcast-stands"),
    ("recipients_differ", "broadcast-drafted-anew"),
    ("account_not_found", "nobody-has-account"),
    ("content_unfit", "content-unfit"),
];

#[derive(Deserialize)]
pub(super) struct Given {
    pub(super) once: Once,
    #[serde(default)]
    recipients: u32,
    /// When what was looked at was written down, in µs.
    #[serde(default)]
    drafted_at: i64,
    #[serde(default)]
    pub(super) reason: String,
    /// On whom it is tried.
    #[serde(default)]
    pub(super) whom: String,
    #[serde(default)]
    confirmed: String,
    #[serde(skip)]
    pub(super) broadcast: String,
    #[serde(skip)]
    pub(super) deed: String,
}

pub(super) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((broadcast, deed)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Response {
    let given = Given { broadcast, deed, ..given };
    let Some(deed) = Deed::ALL.into_iter().find(|known| known.path() == given.deed) else {
        return problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found");
    };
    let one = match seen(&console, &visitor, &given).await {
        Ok(one) => one,
        Err(answer) => return answer,
    };
    let command = match deed.command(one, &given) {
        _ if deed.confirm().is_some() && given.confirmed != "on" => Err("not-confirmed"),
        command => command,
    };
    match command {
        Ok(command) => {
            let account = AccountRef::Id(AccountId::OPERATIONS);
            does(&console, &visitor, given, account, command, deed.done()).await
        }
        Err(why) => unfit(&console, &visitor, given, why).await,
    }
}

/// The message to one person, who is one of us: as everybody would get it.
pub(super) async fn tries(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(broadcast): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    let given = Given { broadcast, deed: "try".to_owned(), ..given };
    let one = match seen(&console, &visitor, &given).await {
        Ok(one) => one,
        Err(answer) => return answer,
    };
    if one.state != BroadcastState::Draft {
        return unfit(&console, &visitor, given, "broadcast-is-started").await;
    }
    if given.confirmed != "on" {
        return unfit(&console, &visitor, given, "not-confirmed").await;
    }
    let account = match person(&console, given.whom.trim()).await {
        Ok(Some(account)) => account,
        Ok(None) => return unfit(&console, &visitor, given, "try-nobody").await,
        Err(error) => return console.away(&visitor, &error),
    };
    let message = Text::lossy(&given.once.name());
    let command = MessageRequest { message, kind: MessageKind::Text, content: one.content };
    does(&console, &visitor, given, AccountRef::Id(account), command.into(), "?done=broadcast-try").await
}

/// By the account, or by Telegram's number, whom the bot can write to.
async fn person(console: &Console, whom: &str) -> Result<Option<AccountId>, sqlx::Error> {
    let account = match (whom.parse::<AccountId>(), whom.parse::<i64>()) {
        (Ok(account), _) => Some(account),
        (_, Ok(user)) => store::accounts_of_people(&console.pool, &[user]).await?.remove(&user),
        _ => None,
    };
    let Some(account) = account else { return Ok(None) };
    Ok(store::own_chat(&console.pool, account).await?.map(|_| account))
}

/// The broadcast as whoever pressed has seen it; else the answer.
async fn seen(console: &Console, visitor: &Visitor, given: &Given) -> Result<BroadcastView, Response> {
    let found = store::broadcasts(&console.pool, Some(&given.broadcast), 1).await;
    let found = found.map_err(|error| console.away(visitor, &error))?;
    let nowhere = || problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found");
    let one = found.into_iter().find_map(broadcast_view).ok_or_else(nowhere)?;
    if one.drafted_at.get() == given.drafted_at {
        return Ok(one);
    }
    // Another text, or other people: nothing is taken over from what was seen.
    let said = note("bad", &console.words(visitor).t("broadcast-drafted-anew"));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Err(console.shown::<Broadcasts>(visitor, &Asked::default(), status, Some(said)).await)
}

async fn does(
    console: &Console,
    visitor: &Visitor,
    given: Given,
    account: AccountRef,
    command: Command,
    done: &str,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    match console.act(session, Act { once: given.once, account, command }).await {
        Acted::Done(_) => Redirect::to(&format!("/broadcasts{done}")).into_response(),
        acted => {
            let said = acted.say(console.words(visitor), &KNOWN);
            let asked = Asked { given: Some(given) };
            console.shown::<Broadcasts>(visitor, &asked, acted.status(), Some(said)).await
        }
    }
}

/// Nothing was done; what was filled in is not lost.
async fn unfit(console: &Console, visitor: &Visitor, given: Given, why: &'static str) -> Response {
    let said = note("bad", &console.words(visitor).t(why));
    let asked = Asked { given: Some(given) };
    console.shown::<Broadcasts>(visitor, &asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_a_broadcast_is_offered() {
        let fitting =
            |state| Deed::ALL.into_iter().filter(|deed| deed.fits(state)).map(Deed::path).collect::<Vec<_>>();
        assert_eq!(fitting(BroadcastState::Draft), ["start"]);
        assert_eq!(fitting(BroadcastState::Running), ["pause", "finish"]);
        assert_eq!(fitting(BroadcastState::Paused), ["start", "finish"]);
        assert!(fitting(BroadcastState::Finished).is_empty());
    }
}
