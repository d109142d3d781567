//! Looking for somebody. What is looked for comes in a form and goes no further: who is named by a number or by their link is
//! gone to at once, whom a name finds are kept under a name of their own, which the page's address has.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use proto_events::AccountId;
use serde::Deserialize;
use uuid::Uuid;

use super::list::{Asked, List};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::asked::Unfit;
use crate::console::page::{note, problem};
use crate::console::session::{self, Visitor};
use crate::projections;
use crate::store::{self, Search};

/// The act's name in the log: whom a name or a number leads to is told by it who they are.
const SEARCHED: &str = "people_searched";
/// Of whom a name finds, the newest.
const FOUND_MAX: usize = 500;
/// For paging, and for the way back.
const KEPT_US: i64 = 3_600_000_000;
/// As long as a name may be.
const CHARS_MAX: usize = 200;

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    whom: String,
}

enum Found {
    One(AccountId),
    Some(Search),
    /// There is no word in it.
    Nothing,
}

pub(super) async fn search(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    let away = |error: &sqlx::Error| console.away(&visitor, error);
    let whom = given.whom.trim();
    let found = match find(&console, whom).await {
        Ok(found) => found,
        Err(error) => return away(&error),
    };
    let told = match &found {
        Found::One(account) if account_of(whom).is_none() => Some((account.to_string(), 1)),
        Found::Some(found) => Some(("people".to_owned(), found.accounts.len())),
        Found::One(_) | Found::Nothing => None,
    };
    if let (Some((subject, count)), Some(session)) = (told, &visitor.session) {
        let acted = match Act::noted(Once::new(), SEARCHED, &subject, &format!("found: {count}")) {
            Some(act) => console.act(session, act).await,
            // Nothing here is as long as that.
            None => Acted::NotKept,
        };
        if !matches!(acted, Acted::Done(_)) {
            let said = acted.say(console.words(&visitor), &[]);
            return console.shown::<List>(&visitor, &Asked::default(), acted.status(), Some(said)).await;
        }
    }
    match found {
        Found::One(account) => Redirect::to(&format!("/people/{account}")).into_response(),
        Found::Nothing => {
            let said = note("bad", &console.words(&visitor).t("whom-unfit"));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            console.shown::<List>(&visitor, &Asked::default(), status, Some(said)).await
        }
        Found::Some(found) => {
            let Some(token) = session::token_hash(&headers) else {
                return Redirect::to("/sign-in").into_response();
            };
            let name = Uuid::new_v4();
            match store::keep_search(&console.pool, name, &token, &found, KEPT_US).await {
                Ok(true) => Redirect::to(&Asked::of_search(name).elsewhere(None)).into_response(),
                Ok(false) => Redirect::to("/sign-in").into_response(),
                Err(error) => away(&error),
            }
        }
    }
}

async fn find(console: &Console, whom: &str) -> Result<Found, sqlx::Error> {
    let pool = &console.pool;
    if whom.chars().count() > CHARS_MAX || whom.contains('\0') {
        return Ok(Found::Nothing);
    }
    if let Some(account) = account_of(whom) {
        return Ok(Found::One(account));
    }
    if let Ok(user) = whom.parse::<i64>()
        && let Some(account) = store::accounts_of_people(pool, &[user]).await?.remove(&user)
    {
        return Ok(Found::One(account));
    }
    let Some((people, _)) = projections::live(pool, "people").await? else { return Ok(Found::Nothing) };
    let found = store::search_people(pool, &people.main(), whom, FOUND_MAX).await?;
    Ok(match found {
        None => Found::Nothing,
        Some(Search { accounts, more: false }) if accounts.len() == 1 => {
            accounts.first().map_or(Found::Nothing, |account| Found::One(AccountId(*account)))
        }
        Some(found) => Found::Some(found),
    })
}

/// An account's id, or a referral link with it (`https://t.me/bot?start=…`), or the code alone, which is the same id.
fn account_of(text: &str) -> Option<AccountId> {
    let code = text.rsplit_once("start=").map_or(text, |(_, code)| code);
    let code = code.split('&').next().unwrap_or(code);
    code.parse::<AccountId>().ok().filter(|account| account.is_person())
}

/// What can't be shown, as a page of its own.
pub(super) fn unfit(console: &Console, visitor: &Visitor, unfit: &Unfit) -> Response {
    let (status, why) = unfit.told(&visitor.path);
    problem(&console.texts, visitor.lang, status, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_known_by_its_id_and_by_its_link() {
        let id = "3f2b8a52-0c6e-4d1b-9d55-6a2f0e7c9a10";
        for text in [id, &format!("https://t.me/plantain_bot?start={id}"), &format!("t.me/b?start={id}&x=1")]
        {
            assert_eq!(account_of(text), id.parse().ok(), "{text}");
        }
        for text in ["Ada", "", "start=", "42", "00000000-0000-8000-8000-000000000002"] {
            assert_eq!(account_of(text), None, "{text}");
        }
    }
}
