//! A projection: its instances, what is done with them, what differs, what can be done.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::deeds::{Deed, is_busy};
use super::{Line, READS, cells, goings_on, lines, state_name};
use crate::books::moscow;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::form::Field;
use crate::console::ops::parts::{Offer, may_act};
use crate::console::page::note;
use crate::console::table::{Column, pages, table};
use crate::console::view::{Read, Scene, View};
use crate::projections::{self, BuildError, Diff, Instance, TableDiff, Work, WorkKind};

pub(super) struct One;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    pub(super) name: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Of the newest event.
    head: i64,
    instances: Vec<Line>,
    /// The last one from the console.
    work: Option<Work>,
    /// This ledger works on one, or somebody makes another: one is made at a time.
    is_busy: bool,
}

impl Read for One {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/projections/{name}";
    const NEED: Need = READS;
    const ABOUT: &'static str = "A projection: its instances, and what differs between them";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let definition = projections::find(&asked.name).ok_or(Unfit::Nowhere)?;
        let pool = &console.pool;
        let work = projections::last_work(pool, definition.name).await?;
        let is_busy = is_busy(console, definition.name, &projections::instances(pool).await?);
        let (head, instances) = lines(pool, Some(definition.name)).await?;
        Ok(Shown { head, instances, work, is_busy })
    }
}

impl View for One {
    fn title(scene: &Scene<'_>, asked: &Asked, _: Option<&Shown>) -> String {
        format!("{}: {}", scene.t("projection"), asked.name)
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        pages(scene.words, &[("all-projections", Some("/projections".to_owned()))])
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        html! {
            p { (scene.t("log-position")) ": " (grouped(shown.head)) }
            (instances(scene, shown))
            @if may_act(scene) { (offers(scene, &asked.name, shown)) }
            @if let Some(work) = &shown.work { (last(scene, work, shown)) }
        }
    }

    fn again_every(_: &Asked) -> Option<u8> {
        Some(1)
    }
}

fn instances(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let columns = [
        Column::Text("build"),
        Column::Text("state"),
        Column::Number("version-of-fold"),
        Column::Number("position"),
        Column::Number("behind"),
        Column::Number("behind-time"),
    ];
    let rows = html! {
        @for line in &shown.instances {
            tr {
                th scope="row" { code { (line.instance.tables().name()) } }
                td { span class="chip" { (scene.t(state_name(line.instance.state))) } }
                td class="number" { (line.instance.version) }
                (cells(scene, line))
            }
        }
    };
    html! {
        (table(scene.words, &scene.t("builds"), &columns, &rows, None))
        @for line in &shown.instances { (goings_on(scene, line)) }
    }
}

fn offers(scene: &Scene<'_>, name: &str, shown: &Shown) -> Markup {
    let all: Vec<Instance> = shown.instances.iter().map(|line| line.instance.clone()).collect();
    let rate = scene.t("max-rate");
    let hint = scene.t("max-rate-hint");
    let fields = |deed| match deed {
        Deed::Rebuild => Field { hint: Some(&hint), ..Field::wish("max_rate", &rate, "") }.show(),
        _ => Markup::default(),
    };
    html! {
        div class="acts" {
            @for deed in Deed::ALL.into_iter().filter(|deed| deed.fits(&all, shown.is_busy).is_ok()) {
                @let to = format!("/projections/{name}/{}", deed.path());
                (Offer { to: &to, name: deed.name(), confirm: deed.confirm(), reason: deed.act().is_some(), fields: fields(deed), sent: None }
                    .show(scene))
            }
        }
    }
}

/// What came of the last work.
fn last(scene: &Scene<'_>, work: &Work, shown: &Shown) -> Markup {
    let what = match work.kind {
        WorkKind::Rebuild => "work-rebuild",
        WorkKind::Compare => "work-compare",
    };
    let is_on =
        shown.instances.iter().any(|l| l.instance.instance == work.instance && l.instance.is_worked_on());
    html! {
        h2 { (scene.t("last-work")) }
        p {
            (scene.words.with(what, [("build", work.instance.into()), ("who", work.actor.as_str().into())])) ", "
            (moscow::date_time(work.begun_at))
            @if let Some(ended) = work.ended_at { " – " (moscow::date_time(ended)) }
        }
        @match work.error.as_deref() {
            // As somebody wanted.
            Some(error) if error == BuildError::Canceled.to_string() => p { (scene.t("work-canceled")) },
            Some(error) => (note("bad", &format!("{}: {error}", scene.t("work-failed")))),
            None => {}
        }
        @if work.ended_at.is_none() && !is_on { (note("bad", &scene.t("work-lost"))) }
        @if let Some(diff) = &work.diff { (differences(scene, diff)) }
    }
}

fn differences(scene: &Scene<'_>, diff: &Diff) -> Markup {
    let values = [("n", diff.count().into()), ("at", grouped(diff.position).into())];
    html! {
        @if diff.count() == 0 { (note("good", &scene.words.with("no-difference", values))) }
        @else { (note("bad", &scene.words.with("rows-differ", values))) }
        @for table in diff.tables.iter().filter(|table| table.count() > 0) { (of_table(scene, table)) }
    }
}

fn of_table(scene: &Scene<'_>, diff: &TableDiff) -> Markup {
    let columns =
        [Column::Text("key"), Column::Text("column"), Column::Text("as-read"), Column::Text("as-made")];
    let name = diff.table.trim_start_matches("projections.");
    let rows = html! {
        @for row in &diff.named {
            @for (column, is, wanted) in row.differing() {
                tr { th scope="row" class="id" { (row.key) } td { code { (column) } } (value(is)) (value(wanted)) }
            }
            @if row.old.is_none() || row.new.is_none() {
                tr {
                    th scope="row" class="id" { (row.key) }
                    td { (scene.t("whole-row")) }
                    @for side in [&row.old, &row.new] {
                        @match side { Some(row) => (value(row)), None => td class="dim" { (scene.t("no-row")) } }
                    }
                }
            }
        }
    };
    let more = diff.count() - i64::try_from(diff.named.len()).unwrap_or(0);
    let counts =
        [("old", diff.only_old.into()), ("new", diff.only_new.into()), ("differing", diff.differing.into())];
    html! {
        h3 { code { (name) } }
        p { (scene.words.with("table-differs", counts)) }
        (table(scene.words, name, &columns, &rows, None))
        @if more > 0 { p { (scene.words.with("and-more", [("n", more.into())])) } }
    }
}

fn value(value: &Value) -> Markup {
    html! { td class="id" { (value) } }
}
