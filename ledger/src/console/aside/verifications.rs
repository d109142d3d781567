//! "Verify now": the whole log, its chain, its tree, its checkpoints and its projections, checked while people look on; and
//! what was found before.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::ChildStderr;
use uuid::Uuid;

use super::ledger;
use crate::books::words::grouped;
use crate::cli::progress;
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::{Door, Need};
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::console::table::{Column, number, table, when};
use crate::console::view::{Read, Scene, View};
use crate::store::{self, Verification};

/// How often it is said how far it is.
const BEAT: Duration = Duration::from_secs(2);

pub(super) fn rooms(door: &mut Door) {
    door.view::<Verifications>();
    door.post("/verifications/begin", Need::SignedIn, begin);
    door.post("/verifications/cancel", Need::SignedIn, cancel);
}

struct Verifications;

#[derive(Deserialize, JsonSchema)]
struct Asked {}

#[derive(Serialize, JsonSchema)]
struct Shown {
    /// The newest first.
    verifications: Vec<One>,
}

#[derive(Serialize, JsonSchema)]
struct One {
    id: Uuid,
    asked_by: String,
    began_at: i64,
    ended_at: Option<i64>,
    /// Events that were checked, of so many.
    done: i64,
    of: i64,
    /// `running`, `verified`, `wrong`, `canceled`, `failed` or `cut_off`.
    state: String,
    /// What `ledger verify --json` says, when it has ended.
    report: Option<Value>,
}

impl From<Verification> for One {
    fn from(one: Verification) -> Self {
        let Verification { id, asked_by, began_at, ended_at, done, of, state, report } = one;
        Self { id, asked_by, began_at, ended_at, done, of, state, report }
    }
}

impl One {
    fn runs(&self) -> bool {
        self.state == "running"
    }

    /// The name of what is said of it. A log that no checkpoint vouches for agrees with itself, and that is all.
    fn told(&self) -> String {
        let vouched = self.of_report("vouched").as_u64().unwrap_or(0);
        match self.state.as_str() {
            "verified" if vouched == 0 => "verification-unvouched-more".to_owned(),
            state => format!("verification-{}-more", state.replace('_', "-")),
        }
    }

    /// Events: as its report has them, or as was said last.
    fn checked(&self) -> i64 {
        self.of_report("events").as_i64().unwrap_or(self.done)
    }

    fn of_report(&self, name: &str) -> &Value {
        self.report.as_ref().map_or(&Value::Null, |report| &report[name])
    }
}

impl Read for Verifications {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/verifications";
    const NEED: Need = Need::SignedIn;
    const ABOUT: &'static str = "Verifications of the whole log that were asked for";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let all = store::verifications(&console.pool).await?;
        Ok(Shown { verifications: all.into_iter().map(One::from).collect() })
    }
}

impl View for Verifications {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-verifications")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let newest = shown.verifications.first();
        html! {
            p { (scene.t("verifications-more")) }
            @match newest.filter(|one| one.runs()) {
                Some(one) => (running(scene, one)),
                None => {
                    form method="post" action="/verifications/begin" { button { (scene.t("verify-now")) } }
                    @if let Some(one) = newest { (outcome(scene, one)) }
                }
            }
            @if !shown.verifications.is_empty() { (list(scene, &shown.verifications)) }
        }
    }

    fn again_every(_: &Asked) -> Option<u8> {
        Some(2)
    }
}

fn running(scene: &Scene<'_>, one: &One) -> Markup {
    let values = [("done", grouped(one.done).into()), ("of", grouped(one.of).into())];
    let said = if one.of > 0 { scene.words.with("verify-so-far", values) } else { scene.t("verify-begins") };
    html! {
        div class="card" {
            label for="verified" { (said) }
            progress id="verified" max=(one.of.max(1)) value=(one.done) {}
            form method="post" action="/verifications/cancel" {
                input type="hidden" name="id" value=(one.id);
                button class="plain" { (scene.t("cancel")) }
            }
        }
    }
}

fn outcome(scene: &Scene<'_>, one: &One) -> Markup {
    let findings = one.of_report("findings").as_array().cloned().unwrap_or_default();
    let figures = [
        ("verified-events", "events"),
        ("accounts", "accounts"),
        ("verified-checkpoints", "checkpoints"),
        ("verified-vouched", "vouched"),
        ("projections", "projections"),
        ("verified-root", "root"),
    ];
    html! {
        (note(if one.state == "verified" { "good" } else { "bad" }, &scene.t(&one.told())))
        @if one.report.is_some() {
            dl class="facts" {
                @for (name, field) in figures {
                    dt { (scene.t(name)) }
                    dd class="id" { (one.of_report(field).as_str().map_or_else(|| one.of_report(field).to_string(), str::to_owned)) }
                }
            }
        }
        @for finding in &findings { pre class="card" tabindex="0" { (finding) } }
    }
}

fn list(scene: &Scene<'_>, all: &[One]) -> Markup {
    let columns = [
        Column::Text("when"),
        Column::Text("who"),
        Column::Text("state"),
        Column::Number("verified-events"),
        Column::Text("verified-until"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                (when(one.began_at))
                td { (one.asked_by) }
                td { span class="chip" { (scene.t(&format!("verification-{}", one.state.replace('_', "-")))) } }
                (number(grouped(one.checked())))
                @match one.ended_at { Some(at) => (when(at)), None => td {} }
            }
        }
    };
    html! {
        h2 { (scene.t("verified-before")) }
        (table(scene.words, &scene.t("verified-before"), &columns, &rows, None))
    }
}

async fn begin(State(console): State<Arc<Console>>, Extension(visitor): Extension<Visitor>) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let id = Uuid::new_v4();
    match store::begin_verification(&console.pool, id, &session.name).await {
        Ok(true) => {
            tokio::spawn(verify(Arc::clone(&console), id));
            Redirect::to("/verifications").into_response()
        }
        Ok(false) => {
            let said = note("bad", &console.words(&visitor).t("verify-runs"));
            console.shown::<Verifications>(&visitor, &Asked {}, StatusCode::CONFLICT, Some(said)).await
        }
        Err(error) => console.away(&visitor, &error),
    }
}

#[derive(Deserialize)]
struct Which {
    id: Uuid,
}

async fn cancel(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(which): Form<Which>,
) -> Response {
    match store::cancel_verification(&console.pool, which.id).await {
        Ok(()) => Redirect::to("/verifications").into_response(),
        Err(error) => console.away(&visitor, &error),
    }
}

/// Runs it, says how far it is, and how it ended. A ledger that dies meanwhile is heard of no more, and that is seen.
async fn verify(console: Arc<Console>, id: Uuid) {
    let (state, report) = match run(&console, id).await {
        Ok(Some(report)) if report["verified"] == true => ("verified", Some(report)),
        Ok(Some(report)) => ("wrong", Some(report)),
        Ok(None) => ("canceled", None),
        Err(error) => {
            tracing::error!(%error, "a verification failed");
            ("failed", None)
        }
    };
    if let Err(error) = store::end_verification(&console.pool, id, state, report.as_ref()).await {
        tracing::error!(%error, state, "how a verification ended is not recorded");
    }
}

/// What was found; `None`: somebody canceled it.
async fn run(console: &Console, id: Uuid) -> anyhow::Result<Option<Value>> {
    // One reader: whoever else reads the log is not to wait for it.
    let mut child = ledger(&["verify", "--json", "--verbose", "--jobs", "1"])?.spawn()?;
    let (mut out, said) = match (child.stdout.take(), child.stderr.take()) {
        (Some(out), Some(said)) => (out, BufReader::new(said).lines()),
        _ => anyhow::bail!("it has no output"),
    };
    let mut told = String::new();
    let telling = async { out.read_to_string(&mut told).await };
    let beating = beat(console, id, said);
    tokio::select! {
        read = telling => { read?; }
        goes_on = beating => { if !goes_on? { return Ok(None) } }
    }
    child.wait().await?;
    Ok(Some(serde_json::from_str(&told)?))
}

/// Until it is canceled.
async fn beat(console: &Console, id: Uuid, mut said: Lines<BufReader<ChildStderr>>) -> anyhow::Result<bool> {
    let (mut done, mut of, mut silent) = (0, 0, false);
    let mut ticks = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            line = said.next_line(), if !silent => match line? {
                Some(line) => if let Some(read) = progress::read(&line) { (done, of) = read },
                None => silent = true,
            },
            _ = ticks.tick() => match store::beat_verification(&console.pool, id, done, of).await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                // It goes on: whoever looks sees it stand still for so long.
                Err(error) => tracing::warn!(%error, "how far a verification is was not said"),
            },
        }
    }
}
