//! What is being made: open jobs with the credits held for them, whose deadline is nearest first.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::READS;
use super::parts::span;
use crate::console::Console;
use crate::console::asked::{Unfit, link};
use crate::console::door::Need;
use crate::console::table::{Column, account, number, pages, position, table};
use crate::console::view::{Read, Scene, View};
use crate::store;

const PAGE: usize = 50;

pub(super) struct Jobs;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// From this one on: its deadline, and its id.
    #[serde(default)]
    deadline: i64,
    #[serde(default)]
    next: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    jobs: Vec<Job>,
    /// Where to go on.
    next: Option<Next>,
}

#[derive(Serialize, JsonSchema)]
struct Next {
    deadline: i64,
    next: String,
}

#[derive(Serialize, JsonSchema)]
struct Job {
    generation: String,
    account_id: Uuid,
    /// Of its GenerationRequested.
    position: i64,
    kind: String,
    model: String,
    /// µs since it was asked for.
    age_us: i64,
    attempt: i16,
    /// Earlier attempts that may have been paid and brought nothing.
    doubts: i16,
    state: JobState,
    /// µs for which it is held, or rests.
    until_us: Option<i64>,
    /// Who claimed it last, if that was lately.
    worker: Option<String>,
    /// µs until the credits that are held for it are given back.
    deadline_us: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum JobState {
    /// Nobody holds it.
    Waiting,
    /// In a worker's hands.
    Held,
    /// Tried and to be tried again.
    Resting,
    /// Past its deadline: about to be given up.
    Over,
}

impl JobState {
    const fn of(job: &store::OpenJob, now: i64) -> Self {
        match (job.deadline <= now, job.lease_until > now, job.is_claimed) {
            (true, ..) => Self::Over,
            (_, true, true) => Self::Held,
            (_, true, false) => Self::Resting,
            (_, false, _) => Self::Waiting,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "job-waiting",
            Self::Held => "job-held",
            Self::Resting => "job-resting",
            Self::Over => "job-over",
        }
    }
}

impl Read for Jobs {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/jobs";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Open jobs and the credits held for them, the nearest deadlines first";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let pool = &console.pool;
        let mut found = store::all_jobs(pool, (asked.deadline, &asked.next), PAGE as i64 + 1).await?;
        let next = found.get(PAGE).map(|job| Next { deadline: job.deadline, next: job.generation.clone() });
        found.truncate(PAGE);
        let claimed: Vec<(Uuid, String)> =
            found.iter().filter(|j| j.attempt > 0).map(|j| (j.account_id, j.generation.clone())).collect();
        let mut workers = store::workers_of(pool, &claimed).await?;
        let positions: Vec<i64> = found.iter().map(|job| job.position).collect();
        let times = store::times_of(pool, &positions).await?;
        let now = store::head(pool).await?.now;
        let job = |job: store::OpenJob| {
            let state = JobState::of(&job, now);
            let is_until = matches!(state, JobState::Held | JobState::Resting);
            Job {
                age_us: times.get(&job.position).map_or(0, |at| (now - at).max(0)),
                state,
                until_us: is_until.then_some(job.lease_until - now),
                worker: workers.remove(&job.generation),
                deadline_us: job.deadline - now,
                generation: job.generation,
                account_id: job.account_id,
                position: job.position,
                kind: job.kind,
                model: job.model,
                attempt: job.attempt,
                doubts: job.doubts,
            }
        };
        Ok(Shown { jobs: found.into_iter().map(job).collect(), next })
    }
}

impl View for Jobs {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-jobs")
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let next = shown.next.as_ref();
        let next = next.map(|n| link("/jobs", &[("deadline", &n.deadline.to_string()), ("next", &n.next)]));
        let first = (asked.deadline != 0).then(|| "/jobs".to_owned());
        html! {
            p class="hint" { (scene.t("jobs-more")) }
            @if shown.jobs.is_empty() { p class="lead" { (scene.t("jobs-none")) } } @else { (list(scene, &shown.jobs)) }
            (pages(scene.words, &[("jobs-first", first), ("jobs-next", next)]))
        }
    }

    fn again_every(_: &Asked) -> Option<u8> {
        Some(2)
    }
}

fn list(scene: &Scene<'_>, jobs: &[Job]) -> Markup {
    let columns = [
        Column::Number("position"),
        Column::Text("account"),
        Column::Text("what"),
        Column::Text("model"),
        Column::Number("age"),
        Column::Text("state"),
        Column::Number("attempt"),
        Column::Text("worker"),
        Column::Number("held-for"),
    ];
    let rows = html! {
        @for job in jobs {
            tr {
                (position(job.position))
                (account(job.account_id))
                td { (job.kind) }
                td { (job.model) }
                (number(span(scene.words, job.age_us)))
                td {
                    span class="chip" { (scene.t(job.state.name())) }
                    @if let Some(us) = job.until_us { " " (span(scene.words, us)) }
                    @if job.doubts > 0 { " · " (scene.t("doubts")) ": " (job.doubts) }
                }
                (number(job.attempt))
                td class="id" { (job.worker.as_deref().unwrap_or_default()) }
                (number(if job.state == JobState::Over { String::new() } else { span(scene.words, job.deadline_us) }))
            }
        }
    };
    table(scene.words, &scene.t("menu-jobs"), &columns, &rows, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_held_rests_waits_or_is_over() {
        let job = |is_claimed, lease_until, deadline| store::OpenJob {
            generation: String::new(),
            account_id: Uuid::nil(),
            position: 1,
            kind: String::new(),
            model: String::new(),
            attempt: 1,
            doubts: 0,
            is_claimed,
            lease_until,
            deadline,
        };
        let states = [
            (job(true, 11, 20), JobState::Held),
            (job(true, 10, 20), JobState::Waiting),
            (job(false, 11, 20), JobState::Resting),
            (job(false, 0, 20), JobState::Waiting),
            (job(true, 11, 10), JobState::Over),
        ];
        for (job, state) in states {
            assert_eq!(JobState::of(&job, 10), state, "{job:?}");
        }
    }
}
