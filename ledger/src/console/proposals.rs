//! What waits for a second administrator's word: agreed to or refused by another one, then sent once.
//!
//! Phases: the decision is written down (the first counts), the command goes to the ledger with both names, its end is written
//! down. Who dies between leaves a decision that anybody may carry out again: the command's id is the proposal's.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::{Command, Role};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Producer, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::ledger::{Envelope, SendError};
use uuid::Uuid;

use super::Console;
use super::act::{Act, Acted, Once, PATIENCE};
use super::asked::{Unfit, link};
use super::door::{Door, Need};
use super::form::Field;
use super::page::{note, problem};
use super::session::{Visitor, is_proven};
use super::table::{Column, account, number, signed, table, when};
use super::view::{Read, Scene, View};
use crate::store::{self, Proposal, Session};

const ACTS: Need = Need::Proven(&[Role::Administrator]);
/// Of those that wait, and of those decided.
const SHOWN_MAX: i64 = 100;
/// The act's code in the log.
const REFUSED: &str = "proposal_refused";

pub(super) fn rooms(door: &mut Door) {
    door.view::<Proposals>();
    door.post("/proposals/approve", ACTS, approve);
    door.post("/proposals/refuse", ACTS, refuse);
    door.post("/proposals/finish", ACTS, finish);
}

struct Proposals;

#[derive(Deserialize, JsonSchema)]
struct Asked {}

#[derive(Serialize, JsonSchema)]
struct Shown {
    proposals: Vec<Row>,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    id: String,
    verb: String,
    account: Uuid,
    subject: String,
    credits: Option<i64>,
    reason: String,
    by: String,
    at: i64,
    lapses_at: i64,
    /// open, lapsed, approving, refusing, done, failed, refused
    state: String,
    decided_by: Option<String>,
    decision: Option<String>,
    /// Why the log refused it.
    outcome: Option<String>,
}

impl From<Proposal> for Row {
    fn from(p: Proposal) -> Self {
        let state = if p.lapsed { "lapsed".to_owned() } else { p.state };
        Self {
            id: p.id,
            verb: p.verb,
            account: p.account_id,
            subject: p.subject,
            credits: p.credits,
            reason: p.reason,
            by: p.proposed_by,
            at: p.proposed_at,
            lapses_at: p.lapses_at,
            state,
            decided_by: p.decided_by,
            decision: p.decision,
            outcome: p.outcome,
        }
    }
}

impl Read for Proposals {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/proposals";
    const NEED: Need = Need::One(&[Role::Administrator]);
    const ABOUT: &'static str = "Acts that wait for a second administrator's word";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let all = store::proposals(&console.pool, SHOWN_MAX).await?;
        Ok(Shown { proposals: all.into_iter().map(Row::from).collect() })
    }
}

impl View for Proposals {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-proposals")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let proven = scene.visitor.session.as_ref().is_some_and(is_proven);
        let rows = html! { @for row in &shown.proposals { (line(scene, row)) } };
        let columns = [
            Column::Text("when"),
            Column::Text("who"),
            Column::Text("what"),
            Column::Text("account"),
            Column::Number("credits"),
            Column::Text("reason"),
            Column::Text("decision"),
        ];
        html! {
            p { (scene.t("proposals-more")) }
            @if shown.proposals.is_empty() { p class="lead" { (scene.t("proposals-none")) } } @else {
                (table(scene.words, &scene.t("menu-proposals"), &columns, &rows, None))
            }
            @for row in shown.proposals.iter().filter(|row| ["open", "approving", "refusing"].contains(&row.state.as_str())) {
                @if proven { (forms(scene, row)) }
            }
            @if !proven && !shown.proposals.is_empty() {
                p { (scene.t("prove-first-more")) " " a href="/me" { (scene.t("me")) } }
            }
        }
    }
}

fn line(scene: &Scene<'_>, row: &Row) -> Markup {
    let said = scene.t(&format!("proposal-{}", row.state));
    html! {
        tr {
            (when(row.at))
            td { (row.by) }
            td {
                code { (row.verb) } " "
                @match looked_at(row) { Some(at) => a href=(at) { (row.subject) }, None => (row.subject) }
            }
            (account(row.account))
            (number(row.credits.map(signed).unwrap_or_default()))
            td { (row.reason) }
            td {
                span class="chip" { (said) }
                @if let Some(by) = &row.decided_by { " " (by) }
                @if let Some(why) = &row.decision { ": " (why) }
                @if let Some(why) = &row.outcome { " (" (why) ")" }
            }
        }
    }
}

/// Where it is shown what it is about, while it waits.
fn looked_at(row: &Row) -> Option<String> {
    let waits =
        row.verb == "catalog_publish" && ["open", "approving", "refusing"].contains(&row.state.as_str());
    waits.then(|| link("/catalog/compare", &[("to", &row.id)]))
}

fn forms(scene: &Scene<'_>, row: &Row) -> Markup {
    let (own, reason) = (scene.visitor.session.as_ref().is_some_and(|s| s.name == row.by), scene.t("reason"));
    let id = format!("f-{}", row.id.replace(':', "-"));
    html! {
        h2 { code { (row.verb) } " " (row.subject) " " (row.credits.map(signed).unwrap_or_default()) " · " (row.by) }
        form method="post" action="/proposals/approve" class="card narrow" {
            input type="hidden" name="proposal" value=(row.id);
            @if row.state == "open" {
                (Field { id: &id, ..Field::text("reason", &reason) }.show())
                @if !own { button { (scene.t("proposal-approve")) } " " }
                button formaction="/proposals/refuse" { (scene.t("proposal-refuse")) }
            } @else {
                p { (scene.t("proposal-unfinished")) }
                button formaction="/proposals/finish" { (scene.t("proposal-finish")) }
            }
        }
    }
}

#[derive(Deserialize)]
struct Given {
    proposal: String,
    #[serde(default)]
    reason: String,
}

async fn approve(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    decide(&console, &visitor, &given, true).await
}

async fn refuse(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    decide(&console, &visitor, &given, false).await
}

async fn finish(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    carried_out(&console, &visitor, session, &given.proposal).await
}

async fn decide(console: &Console, visitor: &Visitor, given: &Given, approves: bool) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let reason = given.reason.trim();
    if reason.is_empty() || Text::<500>::new(reason).is_err() {
        return unfit(console, visitor, "reason-missing").await;
    }
    let (id, by) = (&given.proposal, &session.name);
    match store::decide_proposal(&console.pool, id, by, reason, approves).await {
        Ok(true) => {}
        Ok(false) => {
            let why = match store::proposal(&console.pool, id).await {
                Ok(Some(p)) if p.lapsed => "proposal-is-lapsed",
                Ok(Some(p)) if p.state == "open" && &p.proposed_by == by => "proposal-own",
                Ok(Some(_)) => "proposal-is-decided",
                Ok(None) => "proposal-nowhere",
                Err(error) => return console.away(visitor, &error),
            };
            return unfit(console, visitor, why).await;
        }
        Err(error) => return console.away(visitor, &error),
    }
    fail::fail_point!("ledger.proposal.decided");
    carried_out(console, visitor, session, id).await
}

async fn unfit(console: &Console, visitor: &Visitor, why: &str) -> Response {
    let said = note("bad", &console.words(visitor).t(why));
    console.shown::<Proposals>(visitor, &Asked {}, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
}

/// Does what was decided, once however often it is asked for.
async fn carried_out(console: &Console, visitor: &Visitor, session: &Session, id: &str) -> Response {
    let p = match store::proposal(&console.pool, id).await {
        Ok(Some(p)) => p,
        Ok(None) => return unfit(console, visitor, "proposal-nowhere").await,
        Err(error) => return console.away(visitor, &error),
    };
    let acted = match p.state.as_str() {
        // Who agreed looked at another state of things. If it was carried out before, that is all.
        "approving" if p.stale => match is_done(console, &p).await {
            Ok(true) => send(console, &p).await,
            Ok(false) => return give_up(console, visitor, &p).await,
            Err(unfit) => {
                let (status, why) = unfit.told(&visitor.path);
                return problem(&console.texts, visitor.lang, status, why);
            }
        },
        "approving" => send(console, &p).await,
        "refusing" => {
            let once = Once::of(&format!("refuse:{}", p.id));
            let by = Session { name: p.decided_by.clone().unwrap_or_default(), ..session.clone() };
            match Act::noted(once, REFUSED, &p.id, p.decision.as_deref().unwrap_or_default()) {
                Some(act) => console.act(&by, act).await,
                None => Acted::NotKept,
            }
        }
        _ => return unfit(console, visitor, "proposal-is-decided").await,
    };
    fail::fail_point!("ledger.proposal.sent");
    let (state, outcome) = match (&acted, p.state.as_str()) {
        (Acted::Done(_), "approving") => ("done", None),
        (Acted::Done(_), _) => ("refused", None),
        (Acted::Refused(refusal), "approving") => ("failed", Some(refusal.message.as_str())),
        _ => return told(console, visitor, &acted).await,
    };
    if let Err(error) = store::end_proposal(&console.pool, &p.id, state, outcome).await {
        return console.away(visitor, &error);
    }
    match acted {
        Acted::Done(_) => Redirect::to("/proposals?done=decided").into_response(),
        acted => told(console, visitor, &acted).await,
    }
}

/// Whether the log has it.
async fn is_done(console: &Console, p: &Proposal) -> Result<bool, Unfit> {
    let Ok(id) = CommandId::new(p.id.clone()) else { return Ok(false) };
    let found = store::first_answers(&console.pool, &[(Producer::Console, id)]).await?;
    Ok(!found.is_empty())
}

async fn give_up(console: &Console, visitor: &Visitor, p: &Proposal) -> Response {
    match store::end_proposal(&console.pool, &p.id, "failed", Some("not carried out in time")).await {
        Ok(()) => unfit(console, visitor, "proposal-is-lapsed").await,
        Err(error) => console.away(visitor, &error),
    }
}

async fn told(console: &Console, visitor: &Visitor, acted: &Acted) -> Response {
    let said = match acted {
        Acted::InDoubt => note("bad", &console.words(visitor).t("proposal-in-doubt")),
        acted => acted.say(console.words(visitor), &[]),
    };
    console.shown::<Proposals>(visitor, &Asked {}, acted.status(), Some(said)).await
}

/// As its first administrator wanted it, with the second one's name.
async fn send(console: &Console, p: &Proposal) -> Acted {
    let body = p.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    let command = body.and_then(|body| Command::decode(&p.verb, body)).and_then(Result::ok);
    let (Some(command), Ok(id)) = (command, CommandId::new(p.id.clone())) else {
        // Of another version: it stays as it is until that one is back.
        tracing::error!(proposal = p.id, "a proposal can't be read");
        return Acted::NotKept;
    };
    let account = AccountRef::Id(AccountId(p.account_id));
    let envelope = Envelope { id, account, command, causation: None, trace_id: None };
    let (approver, why) =
        (p.decided_by.as_deref().unwrap_or_default(), p.decision.as_deref().unwrap_or_default());
    let ledger = console.ledger.clone().acting(&p.proposed_by).approved(approver, Text::lossy(why));
    match ledger.with_deadline(PATIENCE).send(envelope).await {
        Ok(done) => Acted::Done(done),
        Err(SendError::Refused(refusal)) => Acted::Refused(refusal),
        Err(SendError::Unknown(why)) => {
            tracing::warn!(proposal = p.id, why, "whether a proposal was carried out is not known");
            Acted::InDoubt
        }
    }
}
