//! Projections: how far each is, and what can be done with it. The same functions as of `ledger projections` and
//! `ledger replay`.

mod deeds;
mod list;
mod one;

use maud::{Markup, html};
use serde::Serialize;
use sqlx::PgPool;

use super::parts::span;
use super::{ACTS, READS};
use crate::books::words::grouped;
use crate::console::door::Door;
use crate::console::table::number;
use crate::console::view::Scene;
use crate::projections::{self, Instance, State};
use crate::store;

pub(super) fn rooms(door: &mut Door) {
    door.view::<list::List>();
    door.view::<one::One>();
    door.post("/projections/{name}/{deed}", ACTS, deeds::act);
}

/// An instance, and how far it is behind the log.
#[derive(Serialize, schemars::JsonSchema)]
struct Line {
    #[serde(flatten)]
    instance: Instance,
    /// Events of the log that it has not folded yet.
    behind: i64,
    /// µs since the first of them.
    behind_us: i64,
    /// Of the fold of this program, if it knows the projection.
    code_version: Option<i64>,
}

/// All, by name, what is read before the others; with the head of the log.
async fn lines(pool: &PgPool, name: Option<&str>) -> Result<(i64, Vec<Line>), sqlx::Error> {
    let mut all = projections::instances(pool).await?;
    all.retain(|instance| name.is_none_or(|name| instance.name == name));
    // The head last: nothing is ahead of it.
    let head = store::head(pool).await?;
    let next: Vec<i64> = all.iter().map(|instance| instance.position + 1).collect();
    let times = store::times_of(pool, &next).await?;
    let mut lines: Vec<Line> = all
        .into_iter()
        .map(|instance| Line {
            behind: (head.position - instance.position).max(0),
            behind_us: times.get(&(instance.position + 1)).map_or(0, |at| (head.now - at).max(0)),
            code_version: projections::find(&instance.name).map(|definition| definition.version),
            instance,
        })
        .collect();
    lines.sort_by(|a, b| {
        let order = |line: &Line| (line.instance.state != State::Live, -line.instance.instance);
        (&a.instance.name, order(a)).cmp(&(&b.instance.name, order(b)))
    });
    Ok((head.position, lines))
}

/// Position and lag, as both pages have them.
fn cells(scene: &Scene<'_>, line: &Line) -> Markup {
    let time = if line.behind == 0 { String::new() } else { span(scene.words, line.behind_us) };
    html! { (number(grouped(line.instance.position))) (number(grouped(line.behind))) (number(time)) }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Building => "state-building",
        State::Ready => "state-ready",
        State::Live => "state-live",
        State::Old => "state-old",
    }
}

/// What a worker says it is at, by the name of its text.
fn stage_name(stage: &str) -> &'static str {
    match stage {
        "reading" => "stage-reading",
        "indexing" => "stage-indexing",
        "catching up" => "stage-catching-up",
        "ready" => "state-ready",
        "comparing" => "stage-comparing",
        "swapping in" => "stage-swapping",
        "stopped" => "stage-stopped",
        _ => "stage-waiting",
    }
}

/// What goes on with an instance: work with its bar, a wish, what it stands at.
fn goings_on(scene: &Scene<'_>, line: &Line) -> Markup {
    let Line { instance: i, code_version, .. } = line;
    html! {
        @if let Some(stage) = &i.stage { (progress(scene, i, stage)) }
        @else if i.wished_at.is_some() { p { (scene.t("wished")) } }
        @if let Some(failure) = &i.failure {
            @let at = i.failed_at.unwrap_or(i.position);
            p class="note bad" { (scene.t("stands-at")) " " a href={"/log/" (at)} { (grouped(at)) } ": " (failure) }
        }
        @if let Some(why) = &i.wish_refused { p class="note bad" { (scene.t("not-swapped")) ": " (why) } }
        @if i.state == State::Live && *code_version != Some(i.version) { p class="note bad" { (scene.t("other-version")) } }
    }
}

fn progress(scene: &Scene<'_>, i: &Instance, stage: &str) -> Markup {
    let percent = i.percent().map(|percent| percent.clamp(0, 100));
    let name = scene.t(stage_name(stage));
    html! {
        p {
            (name)
            @if let (Some(percent), Some(target)) = (percent, i.target) {
                " · " (scene.words.with("percent-of", [("n", percent.into()), ("target", grouped(target).into())]))
            }
            @if let Some(rate) = i.rate { " · " (scene.words.with("events-a-second", [("rate", grouped(rate).into())])) }
            @if let Some(left) = i.left_s() {
                " · " (scene.words.with("time-left", [("time", span(scene.words, left.saturating_mul(1_000_000)).into())]))
            }
        }
        @if let Some(percent) = percent { progress max="100" value=(percent) aria-label=(name) {} }
        @if !i.is_worked_on() { p class="note bad" { (scene.t("worker-silent")) } }
    }
}
