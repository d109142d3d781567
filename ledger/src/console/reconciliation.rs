//! The providers' books against ours, day by day of Moscow: what was compared, and each difference to work off.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use ledger_domain::Asset;
use maud::{Markup, html};
use proto_events::commands::Role;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Event, Provider};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Console;
use super::act::{Act, Acted, Once};
use super::asked::{Unfit, link};
use super::books::READS;
use super::door::{Door, Need};
use super::page::note;
use super::session::Visitor;
use super::table::{Column, number, position, table, when};
use super::view::{Read, Scene, View};
use crate::books::at::{self, At};
use crate::books::moscow::Day;
use crate::books::words::{amount, grouped, money_text, word};
use crate::reconcile::compare::{Difference, Line};
use crate::reconcile::{self, ReconcileError};
use crate::store;

/// How far back comparisons are listed.
const DAYS: i32 = 90;

pub(super) fn rooms(door: &mut Door) {
    door.view::<Comparisons>();
    door.view::<OneDay>();
    door.post("/reconciliation/compare", Need::One(&[Role::Finance, Role::Administrator]), compare);
}

struct Comparisons;

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Compared {
    /// Of the last 90 days, the newest first; a day that was compared again is there again.
    comparisons: Vec<Comparison>,
}

#[derive(Serialize, JsonSchema)]
struct Comparison {
    position: i64,
    recorded_at: i64,
    provider: Provider,
    day: String,
    differences: u32,
    payments_here: proto_events::Money,
    payments_there: proto_events::Money,
}

impl Read for Comparisons {
    type Asked = Nothing;
    type Shown = Compared;

    const PATH: &'static str = "/reconciliation";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Which days were compared with the providers' books, and what differed";

    async fn read(console: &Console, _: &Nothing) -> Result<Compared, Unfit> {
        let (pool, kind) = (&console.pool, "ReconciliationFinished");
        let now: i64 = sqlx::query_scalar("SELECT now_us()").fetch_one(pool).await?;
        let since = at::since(pool, Some(At::Day(Day(Day::of(now).0 - DAYS)))).await?;
        let mut comparisons = Vec::new();
        for row in store::events_of_type(pool, AccountId::OPERATIONS, kind, since - 1).await? {
            let Event::ReconciliationFinished(e) = row.event().map_err(Unfit::from)? else { continue };
            comparisons.push(Comparison {
                position: row.position,
                recorded_at: row.recorded_at,
                provider: e.provider,
                day: Day(e.day.get()).to_string(),
                differences: e.differences,
                payments_here: e.payments.ours.sum,
                payments_there: e.payments.theirs.sum,
            });
        }
        comparisons.sort_by_key(|one| std::cmp::Reverse(one.position));
        Ok(Compared { comparisons })
    }
}

impl View for Comparisons {
    fn title(scene: &Scene<'_>, _: &Nothing, _: Option<&Compared>) -> String {
        scene.t("menu-reconciliation")
    }

    fn show(scene: &Scene<'_>, _: &Nothing, shown: &Compared) -> Markup {
        let columns = [
            Column::Text("day"),
            Column::Text("provider"),
            Column::Number("differences"),
            Column::Number("paid-here"),
            Column::Number("paid-there"),
            Column::Text("compared-at"),
            Column::Number("position"),
        ];
        let rows = html! {
            @for one in &shown.comparisons {
                @let pairs = [("provider", one.provider.as_str()), ("day", one.day.as_str())];
                tr {
                    th scope="row" class="when" { a href=(link("/reconciliation/day", &pairs)) { (one.day) } }
                    td { code { (one.provider.as_str()) } }
                    (number(one.differences))
                    (number(money_text(one.payments_here)))
                    (number(money_text(one.payments_there)))
                    (when(one.recorded_at))
                    (position(one.position))
                }
            }
        };
        html! {
            p { (scene.t("reconciliation-more")) }
            @if shown.comparisons.is_empty() { p class="lead" { (scene.t("nothing-compared")) } }
            @else { (table(scene.words, &scene.t("menu-reconciliation"), &columns, &rows, None)) }
        }
    }
}

struct OneDay;

#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// `yookassa` or `telegram`.
    #[serde(default)]
    provider: String,
    /// A day in Moscow, such as 2026-11-21.
    #[serde(default)]
    day: String,
}

impl Asked {
    fn which(&self) -> Result<(Provider, Day), Unfit> {
        let provider = self.provider.parse().map_err(|()| Unfit::Field("provider-unfit"))?;
        Ok((provider, Day::parse(self.day.trim()).ok_or(Unfit::Field("day-unfit"))?))
    }

    fn link(&self) -> String {
        link("/reconciliation/day", &[("provider", &self.provider), ("day", &self.day)])
    }
}

#[derive(Serialize, JsonSchema)]
struct Outcome {
    /// The end of the log that was compared.
    through: i64,
    /// On both sides.
    matched: u64,
    lines: Vec<Line>,
    differences: Vec<Difference>,
}

impl Read for OneDay {
    type Asked = Asked;
    type Shown = Outcome;

    const PATH: &'static str = "/reconciliation/day";
    const NEED: Need = READS;
    const ABOUT: &'static str = "A day of a provider's books against ours, as both are now";

    async fn read(console: &Console, asked: &Asked) -> Result<Outcome, Unfit> {
        let reconcile::Outcome { through, report, .. } = compared(console, asked).await?;
        let reconcile::Report { matched, lines, differences, .. } = report;
        Ok(Outcome { through, matched, lines, differences })
    }
}

async fn compared(console: &Console, asked: &Asked) -> Result<reconcile::Outcome, Unfit> {
    let (provider, day) = asked.which()?;
    reconcile::day(&console.pool, provider, day).await.map_err(|error| match error {
        ReconcileError::Postgres(error) => Unfit::Postgres(error),
        ReconcileError::Row(error) => error.into(),
        ReconcileError::Books(error) => error.into(),
        ReconcileError::NotWhole { .. } => Unfit::NotYet("day-not-whole"),
        error @ (ReconcileError::Canonical(_) | ReconcileError::Name(_)) => {
            tracing::error!(%error, "a day can't be compared");
            Unfit::Broken("log-unread")
        }
    })
}

impl View for OneDay {
    fn title(_: &Scene<'_>, asked: &Asked, _: Option<&Outcome>) -> String {
        format!("{} · {}", asked.provider, asked.day)
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        html! { p { a href="/reconciliation" { "← " (scene.t("menu-reconciliation")) } } }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Outcome) -> Markup {
        let values = [("matched", shown.matched.into()), ("through", shown.through.into())];
        html! {
            @if shown.differences.is_empty() { (note("good", &scene.t("day-agrees"))) }
            @else { (note("bad", &scene.words.with("day-differs", [("n", shown.differences.len().into())]))) }
            p { (scene.words.with("day-matched", values)) }
            (sums(scene, &shown.lines))
            @if !shown.differences.is_empty() { (differences(scene, &shown.differences)) }
            form method="post" action="/reconciliation/compare" {
                (Once::new().field())
                input type="hidden" name="provider" value=(asked.provider);
                input type="hidden" name="day" value=(asked.day);
                p { (scene.t("record-comparison-more")) }
                button { (scene.t("record-comparison")) }
            }
        }
    }
}

fn sums(scene: &Scene<'_>, lines: &[Line]) -> Markup {
    let columns = [
        Column::Text("what"),
        Column::Text("where"),
        Column::Number("count"),
        Column::Number("money"),
        Column::Number("fees"),
    ];
    let rows = html! {
        @for line in lines {
            @let asset = Asset::from(line.currency);
            @for (place, sum) in [("here", line.here), ("there", line.there)] {
                tr {
                    th scope="row" { (word(&line.kind)) " " (asset.code()) }
                    td { (scene.t(place)) }
                    (number(sum.count))
                    (number(amount(sum.amount, asset)))
                    (number(amount(sum.fees, asset)))
                }
            }
        }
    };
    table(scene.words, &scene.t("sum"), &columns, &rows, None)
}

fn differences(scene: &Scene<'_>, all: &[Difference]) -> Markup {
    let columns = [
        Column::Text("difference"),
        Column::Text("what"),
        Column::Text("payment-theirs"),
        Column::Number("here"),
        Column::Number("there"),
        Column::Text("when"),
        Column::Text("payment-ours"),
    ];
    let money = |money: Option<proto_events::Money>| number(money.map(money_text).unwrap_or_default());
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" { (scene.t(&format!("differs-{}", word(&one.what).replace('_', "-")))) }
                td { (word(&one.kind)) }
                td class="id" { a href=(link("/payment", &[("id", &one.id)])) { (one.id) } }
                (money(one.here))
                (money(one.there))
                @match one.at { Some(at) => (when(at)), None => td {} }
                td class="id" {
                    @if let Some(position) = one.position { a href={"/log/" (position)} { (grouped(position)) } }
                }
            }
        }
    };
    html! {
        h2 { (scene.t("differences")) }
        (table(scene.words, &scene.t("differences"), &columns, &rows, None))
    }
}

#[derive(Deserialize)]
struct Given {
    once: Once,
    provider: String,
    day: String,
}

/// Compares once more, and puts what was found into the log.
async fn compare(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let asked = Asked { provider: given.provider, day: given.day };
    let shown = async |status, said| console.shown::<OneDay>(&visitor, &asked, status, said).await;
    let Ok(outcome) = compared(&console, &asked).await else { return shown(StatusCode::OK, None).await };
    let Some(command) = reconcile::record(&outcome) else { return shown(StatusCode::OK, None).await };
    let act =
        Act { once: given.once, account: AccountRef::Id(AccountId::OPERATIONS), command: command.into() };
    match console.act(session, act).await {
        Acted::Done(_) => Redirect::to(&format!("{}&done=compared", asked.link())).into_response(),
        acted => {
            let said = acted.say(console.words(&visitor), &[]);
            shown(acted.status(), Some(said)).await
        }
    }
}
