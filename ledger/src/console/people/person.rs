//! A person's page: what they have, did and paid; who they are only after a look.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::AccountId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::deed::Given;
use super::records::{self, Invited, Kept, Lot, NEWEST, Paid, Who};
use super::{READS, face, look};
use crate::books::words::currency_code;
use crate::console::Console;
use crate::console::act::Acted;
use crate::console::asked::Unfit;
use crate::console::books::statement;
use crate::console::door::Need;
use crate::console::requests;
use crate::console::session::Visitor;
use crate::console::view::{Read, Scene, View};
use crate::projections::{self, Standing};
use crate::queries::{self, Problem};

pub(super) struct Person;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    account: String,
    /// A look is in the log.
    #[serde(skip)]
    looked: bool,
    /// What was filled in and is not fit.
    #[serde(skip)]
    pub(super) given: Given,
}

impl Asked {
    pub(super) fn of(account: &str) -> Self {
        Self { account: account.to_owned(), ..Self::default() }
    }

    /// Nobody else has pages.
    pub(super) fn account(&self) -> Result<AccountId, Unfit> {
        self.account.parse().ok().filter(|account: &AccountId| account.is_person()).ok_or(Unfit::Nowhere)
    }
}

/// Sums of a life.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Figures {
    pub(super) opened_at: i64,
    /// Credits used, bought, and given to them, less what was taken back.
    pub(super) spent: i64,
    pub(super) bought: i64,
    pub(super) given: i64,
    pub(super) pictures: u32,
    pub(super) answers: u32,
    pub(super) invited: u32,
    pub(super) earned_by_invites: i64,
    /// Less what went back, by currency.
    pub(super) paid: Vec<Sum>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sum {
    pub(super) minor: i64,
    pub(super) currency: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    pub(super) account: Uuid,
    pub(super) available: i64,
    pub(super) reserved: i64,
    pub(super) debt: i64,
    pub(super) figures: Figures,
    /// Nothing: the person was erased.
    pub(super) kept: Option<Kept>,
    /// By whose link they came.
    pub(super) inviter: Option<Uuid>,
    /// Credits that are left or held, by their grants, the newest first.
    pub(super) lots: Vec<Lot>,
    /// Of these and what follows the newest 10.
    pub(super) statement: Vec<statement::Line>,
    pub(super) requests: Vec<requests::Line>,
    pub(super) payments: Vec<Paid>,
    pub(super) invited: Vec<Invited>,
    /// Only on a page, after a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) who: Option<Who>,
}

impl Read for Person {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/people/{account}";
    const NEED: Need = READS;
    const ABOUT: &'static str = "One person, without anything personal";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let (pool, account) = (&console.pool, asked.account()?);
        let (available, reserved, debt) = match projections::balance(pool, account).await? {
            Standing::Known(available, reserved, debt) => (available, reserved, debt),
            Standing::Nobody => return Err(Unfit::Nowhere),
            Standing::Unread => return Err(Unfit::NotYet("not-folded-yet")),
        };
        let figures = figures(console, account).await?;
        let (invited, inviter) = records::referrals(pool, account).await?;
        let wanted = requests::Wanted::of(account);
        Ok(Shown {
            account: account.0,
            available,
            reserved,
            debt,
            figures,
            kept: records::kept(pool, account).await?,
            inviter,
            lots: records::lots(pool, account).await?,
            statement: statement::lines(pool, account, 1, head(console).await?, NEWEST).await?,
            requests: requests::find(pool, &wanted, NEWEST).await?.lines,
            payments: records::payments(pool, account).await?,
            invited,
            who: if asked.looked { records::who(pool, account).await? } else { None },
        })
    }
}

async fn head(console: &Console) -> Result<i64, sqlx::Error> {
    Ok(crate::store::head(&console.pool).await?.position)
}

async fn figures(console: &Console, account: AccountId) -> Result<Figures, Unfit> {
    let (life, paid) =
        queries::life_in_figures(&console.pool, account).await.map_err(|problem| match problem {
            Problem::Postgres(error) => Unfit::Postgres(error),
            Problem::Row(error) => error.into(),
            Problem::Refused(_) | Problem::NotYet(_) => Unfit::NotYet("not-folded-yet"),
        })?;
    let sum = |money: proto_events::Money| Sum {
        minor: money.minor(),
        currency: currency_code(money.currency.code()),
    };
    Ok(Figures {
        opened_at: life.opened_at.get(),
        spent: life.spent.get(),
        bought: life.bought.get(),
        given: life.given.get(),
        pictures: life.pictures,
        answers: life.answers,
        invited: life.invited,
        earned_by_invites: life.earned_by_invites.get(),
        paid: paid.into_iter().map(sum).collect(),
    })
}

impl View for Person {
    /// Never their name: a browser keeps titles.
    fn title(scene: &Scene<'_>, asked: &Asked, _: Option<&Shown>) -> String {
        scene.words.with("person", [("id", asked.account.get(..8).unwrap_or_default().into())])
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        html! { (face::face(scene, shown)) (super::deed::forms(scene, asked, shown)) (face::records(scene, shown)) }
    }
}

/// Who they are, once the look is in the log.
pub(super) async fn looked(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(account): Path<String>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let asked = Asked::of(&account);
    // Nobody looks at who is not there.
    let there = match Person::read(&console, &asked).await {
        Ok(shown) => shown.account,
        Err(unfit) => return super::search::unfit(&console, &visitor, &unfit),
    };
    match look(&console, session, &there.to_string(), "name, Telegram id, e-mail").await {
        Acted::Done(_) => {
            let asked = Asked { looked: true, ..asked };
            console.shown::<Person>(&visitor, &asked, StatusCode::OK, None).await
        }
        acted => {
            let said = acted.say(console.words(&visitor), &[]);
            console.shown::<Person>(&visitor, &asked, acted.status(), Some(said)).await
        }
    }
}
