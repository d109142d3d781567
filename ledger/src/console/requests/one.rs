//! One request: how it went, attempt by attempt. What was said and made is shown after a look that is in the log.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::events::Spent;
use proto_events::{Event, GenerationId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{Content, Made, content, made};
use super::find::{self, Line};
use super::list::{cost, kind_of, seconds, state_of};
use super::{OWNERS, READS};
use crate::books::moscow;
use crate::books::words::{grouped, word};
use crate::console::Console;
use crate::console::act::Acted;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::page::{note, problem};
use crate::console::people::look;
use crate::console::session::Visitor;
use crate::console::table::{Column, number, position, table, when};
use crate::console::view::{Read, Scene, View};
use crate::store::{self, Thing};

pub(super) struct One;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    generation: String,
    /// Where the look is in the log.
    #[serde(skip)]
    looked: Option<i64>,
}

impl Asked {
    fn generation(&self) -> Result<GenerationId, Unfit> {
        self.generation.parse().map_err(|_| Unfit::Nowhere)
    }
}

/// An event of it.
#[derive(Serialize, JsonSchema)]
struct Step {
    position: i64,
    recorded_at: i64,
    r#type: String,
    attempt: Option<i64>,
    /// What came of an attempt, or of the whole.
    outcome: Option<String>,
    cost_micro_usd: Option<i64>,
    /// No bill came for it.
    estimated: bool,
    latency_ms: Option<u32>,
    /// What answered, in the vendor's words.
    model_version: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    request: Line,
    /// Oldest first.
    steps: Vec<Step>,
    made: Vec<Made>,
    /// Only on a page, after a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
}

impl Read for One {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/requests/{generation}";
    const NEED: Need = READS;
    const ABOUT: &'static str = "One request, without what was said and made";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let (pool, generation) = (&console.pool, asked.generation()?);
        let request = find::one(pool, generation).await?.ok_or(Unfit::Nowhere)?;
        let thing =
            Thing { account: generation.account(), id: generation.to_string(), after: request.position - 1 };
        let mut rows = store::events_about(pool, &[thing]).await?;
        let rows = rows.remove(&generation.to_string()).unwrap_or_default();
        let mut steps = Vec::with_capacity(rows.len());
        for row in &rows {
            steps.push(Step {
                position: row.position,
                recorded_at: row.recorded_at,
                ..Step::of(&row.event()?)
            });
        }
        let content = match asked.looked {
            Some(at) => Some(content(console, generation, at).await?),
            None => None,
        };
        Ok(Shown { request, steps, made: made(pool, generation).await?, content })
    }
}

impl Step {
    fn of(event: &Event) -> Self {
        let (attempt, outcome, spent): (Option<i64>, Option<String>, Option<&Spent>) = match event {
            Event::GenerationStarted(e) => (Some(e.attempt.get()), None, None),
            Event::GenerationAttempted(e) => (Some(e.attempt.get()), Some(word(&e.outcome)), Some(&e.spent)),
            Event::GenerationSucceeded(e) => {
                (Some(e.attempt.get()), Some(word(&e.settlement)), Some(&e.spent))
            }
            Event::GenerationFailed(e) => (e.attempt.map(|n| n.get()), Some(word(&e.reason)), None),
            Event::GenerationCanceled(e) => (None, Some(word(&e.by)), None),
            Event::DeliveryFailed(e) => (None, Some(word(&e.reason)), None),
            _ => (None, None, None),
        };
        Self {
            position: 0,
            recorded_at: 0,
            r#type: event.type_name().to_owned(),
            attempt,
            outcome,
            cost_micro_usd: spent.and_then(|spent| spent.cost_micro_usd).map(|cost| cost.get()),
            estimated: spent.is_some_and(|spent| spent.estimated),
            latency_ms: spent.map(|spent| spent.latency_ms),
            model_version: spent.and_then(|spent| spent.model_version.as_ref()).map(ToString::to_string),
        }
    }
}

impl View for One {
    fn title(scene: &Scene<'_>, _: &Asked, shown: Option<&Shown>) -> String {
        shown.map(|shown| kind_of(scene, &shown.request.kind)).unwrap_or_else(|| scene.t("request"))
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let owner = scene.is_one_of(OWNERS);
        html! {
            (facts(scene, &shown.request, owner))
            h2 { (scene.t("how-it-went")) }
            (steps(scene, &shown.steps))
            h2 { (scene.t("content")) }
            @match &shown.content {
                Some(content) => { (note("good", &scene.t("look-kept"))) (content.show(scene, &shown.request.generation)) }
                None => {
                    (things(scene, &shown.made))
                    @if owner {
                        form method="post" action={"/requests/" (shown.request.generation) "/look"} class="look" {
                            button { (scene.t("show-content")) }
                            p class="hint" { (scene.t("look-hint")) }
                        }
                    }
                }
            }
        }
    }
}

fn facts(scene: &Scene<'_>, line: &Line, owner: bool) -> Markup {
    let whose =
        if owner { format!("/people/{}", line.account) } else { format!("/log?account={}", line.account) };
    html! {
        dl class="facts" {
            dt { (scene.t("request")) } dd class="id" { (line.generation) }
            dt { (scene.t("account")) } dd class="id" { a href=(whose) { (line.account) } }
            dt { (scene.t("when")) } dd { (moscow::date_time(line.requested_at)) }
            dt { (scene.t("model")) } dd { (line.model) }
            dt { (scene.t("state")) }
            dd { (state_of(scene, &line.state)) @if let Some(why) = &line.reason { " · " (why) } }
            dt { (scene.t("price")) } dd { (grouped(line.credits)) }
            dt { (scene.t("charged")) } dd { (grouped(line.charged)) }
            dt { (scene.t("cost")) } dd { (cost(line.cost_micro_usd)) }
            @if line.estimated_micro_usd > 0 {
                dt { (scene.t("cost-estimated")) } dd { (cost(line.estimated_micro_usd)) }
            }
            dt { (scene.t("took-vendor")) } dd { (seconds(line.latency_ms)) }
            @if let Some(at) = line.delivered_at { dt { (scene.t("delivered")) } dd { (moscow::date_time(at)) } }
        }
    }
}

fn steps(scene: &Scene<'_>, steps: &[Step]) -> Markup {
    let columns = [
        Column::Number("position"),
        Column::Text("when"),
        Column::Text("type"),
        Column::Number("attempt"),
        Column::Text("outcome"),
        Column::Number("cost"),
        Column::Number("took"),
        Column::Text("model"),
    ];
    let rows = html! {
        @for step in steps {
            tr {
                (position(step.position))
                (when(step.recorded_at))
                td { code { (step.r#type) } }
                (number(step.attempt.map(grouped).unwrap_or_default()))
                td { (step.outcome.as_deref().unwrap_or_default()) }
                (number(html! {
                    @if let Some(micro) = step.cost_micro_usd { @if step.estimated { "≈ " } (cost(micro)) }
                }))
                (number(step.latency_ms.map(|ms| seconds(ms.into())).unwrap_or_default()))
                td { (step.model_version.as_deref().unwrap_or_default()) }
            }
        }
    };
    table(scene.words, &scene.t("how-it-went"), &columns, &rows, None)
}

/// What was made, without showing it.
fn things(scene: &Scene<'_>, made: &[Made]) -> Markup {
    html! {
        @if made.is_empty() { p class="dim" { (scene.t("nothing-made")) } } @else {
            ul { @for thing in made { li { (thing.in_words(scene)) } } }
        }
    }
}

/// What was said and made, once the look is in the log.
pub(super) async fn looked(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(generation): Path<String>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let asked = Asked { generation, looked: None };
    // Nobody looks at what is not there.
    let there = match One::read(&console, &asked).await {
        Ok(shown) => shown.request.generation,
        Err(unfit) => {
            let (status, why) = unfit.told(&visitor.path);
            return problem(&console.texts, visitor.lang, status, why);
        }
    };
    match look(&console, session, &there, "what was said and made").await {
        Acted::Done(done) => {
            let asked = Asked { looked: Some(done.position.get()), ..asked };
            console.shown::<One>(&visitor, &asked, StatusCode::OK, None).await
        }
        acted => {
            let said = acted.say(console.words(&visitor), &[]);
            console.shown::<One>(&visitor, &asked, acted.status(), Some(said)).await
        }
    }
}
