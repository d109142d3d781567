//! One day of a provider: what its newest comparison in the log says, and a new one.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::envelope::AccountRef;
use proto_events::events::{DifferenceFound, ReconciliationFinished, Tallies};
use proto_events::{AccountId, Provider};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::moscow::Day;
use crate::books::words::word;
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::asked::{Unfit, link};
use crate::console::books::READS;
use crate::console::door::{Door, Need};
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::console::table::{Column, money_shown, number, position, table, when};
use crate::console::view::{Read, Scene, View};
use crate::log::Row;
use crate::reconcile::{self, ReconcileError, recorded};

pub(super) fn rooms(door: &mut Door) {
    door.view::<OneDay>();
    door.post("/reconciliation/compare", READS, compare);
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
struct Shown {
    /// The newest; none: nobody has compared that day.
    comparison: Option<Comparison>,
    /// Of that one.
    differences: Vec<Difference>,
    /// Those before it, the newest first.
    earlier: Vec<Earlier>,
}

#[derive(Serialize, JsonSchema)]
struct Comparison {
    position: i64,
    recorded_at: i64,
    actor: String,
    found: ReconciliationFinished,
}

#[derive(Serialize, JsonSchema)]
struct Difference {
    /// Of its event.
    position: i64,
    found: DifferenceFound,
}

#[derive(Serialize, JsonSchema)]
struct Earlier {
    position: i64,
    recorded_at: i64,
    differences: u32,
}

impl Read for OneDay {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/reconciliation/day";
    const NEED: Need = READS;
    const ABOUT: &'static str = "A day of a provider's books against ours, as it was compared last";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let (provider, day) = asked.which()?;
        let mut recorded = recorded::since(&console.pool, day).await?;
        recorded.retain(|one| one.finished.provider == provider && one.finished.day.get() == day.0);
        let newest = recorded.pop();
        let earlier = recorded.iter().rev().map(|one| Earlier {
            position: one.row.position,
            recorded_at: one.row.recorded_at,
            differences: one.finished.differences,
        });
        let earlier = earlier.collect();
        let Some(recorded::Recorded { row, finished: found }) = newest else {
            return Ok(Shown { comparison: None, differences: Vec::new(), earlier });
        };
        let differences = recorded::differences(&console.pool, &row).await?;
        let differences = differences.into_iter().map(|(position, found)| Difference { position, found });
        let differences = differences.collect();
        let Row { position, recorded_at, actor, .. } = row;
        Ok(Shown {
            comparison: Some(Comparison { position, recorded_at, actor, found }),
            differences,
            earlier,
        })
    }
}

impl View for OneDay {
    fn title(_: &Scene<'_>, asked: &Asked, _: Option<&Shown>) -> String {
        format!("{} · {}", asked.provider, asked.day)
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        html! { p { a href="/reconciliation" { "← " (scene.t("menu-reconciliation")) } } }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        html! {
            @match &shown.comparison {
                Some(one) => (comparison(scene, one, &shown.differences)),
                None => p class="lead" { (scene.t("day-not-compared")) },
            }
            form method="post" action="/reconciliation/compare" {
                (Once::new().field())
                input type="hidden" name="provider" value=(asked.provider);
                input type="hidden" name="day" value=(asked.day);
                p { (scene.t("compare-now-more")) }
                button { (scene.t("compare-now")) }
            }
            @if !shown.earlier.is_empty() {
                h2 { (scene.t("earlier-comparisons")) }
                (earlier(scene, &shown.earlier))
            }
        }
    }
}

fn comparison(scene: &Scene<'_>, one: &Comparison, found: &[Difference]) -> Markup {
    let all = one.found.differences;
    let values = [("matched", one.found.matched.into()), ("position", one.position.into())];
    html! {
        @if all == 0 { (note("good", &scene.t("day-agrees"))) }
        @else { (note("bad", &scene.words.with("day-differs", [("n", all.into())]))) }
        p { (scene.words.with("day-matched", values)) }
        dl class="facts" {
            dt { (scene.t("position")) } dd class="number" { a href={"/log/" (one.position)} { (one.position) } }
            dt { (scene.t("compared-at")) } dd { (crate::books::moscow::date_time(one.recorded_at)) }
            dt { (scene.t("who")) } dd { code { (one.actor) } }
            dt { (scene.t("stated-by")) } dd { (scene.t(&format!("stated-by-{}", word(&one.found.by)))) }
        }
        (sums(scene, &one.found))
        @if !found.is_empty() {
            h2 { (scene.t("differences")) }
            (differences(scene, found))
        }
        @if found.len() < all as usize {
            p { (scene.words.with("differences-unlisted", [("n", (all as usize - found.len()).into())])) }
        }
    }
}

fn sums(scene: &Scene<'_>, found: &ReconciliationFinished) -> Markup {
    let columns =
        [Column::Text("what"), Column::Text("where"), Column::Number("count"), Column::Number("money")];
    let lines: [(&str, &Tallies); 3] =
        [("payments", &found.payments), ("refunds", &found.refunds), ("fees", &found.fees)];
    let rows = html! {
        @for (what, tallies) in lines {
            @for (place, tally) in [("here", tallies.ours), ("there", tallies.theirs)] {
                tr {
                    th scope="row" { (scene.t(what)) }
                    td { (scene.t(place)) }
                    (number(tally.count))
                    (number(money_shown(tally.sum)))
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
        Column::Text("payment-ours"),
        Column::Number("position"),
    ];
    let money = |money: Option<proto_events::Money>| number(money.map(money_shown).unwrap_or_default());
    let rows = html! {
        @for Difference { position: at, found } in all {
            tr {
                th scope="row" { (scene.t(&format!("differs-{}", word(&found.what).replace('_', "-")))) }
                td { (word(&found.of)) }
                td class="id" { a href=(link("/payment", &[("id", found.provider_id.as_str())])) { (found.provider_id) } }
                (money(found.ours))
                (money(found.theirs))
                td class="id" {
                    @if let Some(payment) = found.payment {
                        a href=(link("/payment", &[("id", &payment.to_string())])) { (payment) }
                    } @else if let Some(refund) = found.refund { code { (refund) } }
                }
                (position(*at))
            }
        }
    };
    table(scene.words, &scene.t("differences"), &columns, &rows, None)
}

fn earlier(scene: &Scene<'_>, all: &[Earlier]) -> Markup {
    let columns = [Column::Text("compared-at"), Column::Number("differences"), Column::Number("position")];
    let rows = html! {
        @for one in all { tr { (when(one.recorded_at)) (number(one.differences)) (position(one.position)) } }
    };
    table(scene.words, &scene.t("earlier-comparisons"), &columns, &rows, None)
}

#[derive(Deserialize)]
struct Given {
    once: Once,
    provider: String,
    day: String,
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

/// Compares both sides as they are now, and puts what was found into the log.
async fn compare(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let asked = Asked { provider: given.provider, day: given.day };
    let shown = async |status, said| console.shown::<OneDay>(&visitor, &asked, status, Some(said)).await;
    let words = console.words(&visitor);
    let refused = |unfit: &Unfit| {
        let (status, why) = unfit.told(&visitor.path);
        (status, note("bad", &words.t(why)))
    };
    let outcome = match compared(&console, &asked).await {
        Ok(outcome) => outcome,
        Err(unfit) => {
            let (status, said) = refused(&unfit);
            return shown(status, said).await;
        }
    };
    let Some(command) = reconcile::record(&outcome) else {
        let (status, said) = refused(&Unfit::Broken("log-unread"));
        return shown(status, said).await;
    };
    let act =
        Act { once: given.once, account: AccountRef::Id(AccountId::OPERATIONS), command: command.into() };
    match console.act(session, act).await {
        Acted::Done(_) => Redirect::to(&format!("{}&done=compared", asked.link())).into_response(),
        acted => shown(acted.status(), acted.say(words, &[])).await,
    }
}
