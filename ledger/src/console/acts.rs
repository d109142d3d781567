//! All acts of operators, the newest first: who, when, what, to whom, why.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::Console;
use super::asked::{Unfit, link};
use super::door::{Door, Need};
use super::table::{Column, pages, position, table, when};
use super::view::{Read, Scene, View};
use crate::projections;

const PAGE: usize = 50;

pub(super) fn rooms(door: &mut Door) {
    door.view::<Acts>();
}

struct Acts;

#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// From this position downwards.
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    acts: Vec<Act>,
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema, sqlx::FromRow)]
struct Act {
    position: i64,
    recorded_at: i64,
    /// `operator:NAME`, or `service` when nobody did it.
    actor: String,
    producer: String,
    account_id: Uuid,
    r#type: String,
    /// What it was about, if not the account.
    subject: Option<String>,
    reason: Option<String>,
}

impl Read for Acts {
    type Asked = Asked;
    type Shown = Found;

    const PATH: &'static str = "/acts";
    const NEED: Need = Need::SignedIn;
    const ABOUT: &'static str = "All acts of operators";

    async fn read(console: &Console, asked: &Asked) -> Result<Found, Unfit> {
        let mut acts = read(&console.pool, asked.next).await?;
        let more = acts.len() > PAGE;
        acts.truncate(PAGE);
        let next = acts.last().filter(|_| more).map(|last| last.position - 1);
        Ok(Found { acts, next })
    }
}

/// One more than a page, so that it is known whether there are.
async fn read(pool: &PgPool, next: Option<i64>) -> Result<Vec<Act>, sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, "operators").await? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT position, recorded_at, actor, producer, account_id, type, subject, reason FROM {} \
         WHERE position <= $1 ORDER BY position DESC LIMIT $2",
        tables.table("")
    );
    let next = next.unwrap_or(i64::MAX);
    sqlx::query_as(AssertSqlSafe(sql)).bind(next).bind(PAGE as i64 + 1).fetch_all(pool).await
}

impl View for Acts {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Found>) -> String {
        scene.t("menu-acts")
    }

    fn show(scene: &Scene<'_>, asked: &Asked, found: &Found) -> Markup {
        let older = found.next.map(|next| link("/acts", &[("next", &next.to_string())]));
        let newest = asked.next.map(|_| "/acts".to_owned());
        html! {
            @if found.acts.is_empty() { p class="lead" { (scene.t("acts-none")) } } @else { (list(scene, &found.acts)) }
            (pages(scene.words, &[("newest", newest), ("older", older)]))
        }
    }
}

fn list(scene: &Scene<'_>, acts: &[Act]) -> Markup {
    let columns = [
        Column::Number("position"),
        Column::Text("when"),
        Column::Text("who"),
        Column::Text("what"),
        Column::Text("to-what"),
        Column::Text("reason"),
    ];
    let rows = html! {
        @for act in acts {
            tr {
                (position(act.position))
                (when(act.recorded_at))
                td { (who(&act.actor, &act.producer)) }
                td { code { (act.r#type) } }
                td class="id" { (act.subject.clone().unwrap_or_else(|| act.account_id.to_string())) }
                td { (act.reason.as_deref().unwrap_or_default()) }
            }
        }
    };
    table(scene.words, &scene.t("menu-acts"), &columns, &rows, None)
}

/// A person's name, or the service that did it by itself.
pub(super) fn who<'a>(actor: &'a str, producer: &'a str) -> &'a str {
    actor.strip_prefix("operator:").unwrap_or(producer)
}
