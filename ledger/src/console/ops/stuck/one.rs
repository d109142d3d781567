//! One of them: where it stands in the log, who is stuck at it and why, and how it is dropped.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ACTS, Stuck, path, state_of, why};
use crate::books::moscow;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::act::Once;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::ops::parts::{Offer, Sent};
use crate::console::view::{Read, Scene, View};
use crate::store;

pub(super) struct One;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    pub(super) consumer: String,
    pub(super) position: i64,
    /// A form that was not done, and its reason.
    #[serde(skip)]
    pub(super) sent: Option<(Once, String)>,
}

impl Read for One {
    type Asked = Asked;
    type Shown = Stuck;

    const PATH: &'static str = "/dead-letters/events/{consumer}/{position}";
    const NEED: Need = ACTS;
    const ABOUT: &'static str = "An event that a service can't get done";

    async fn read(console: &Console, asked: &Asked) -> Result<Stuck, Unfit> {
        // Nothing else is the name of one, and not all of it is for Postgres.
        if !asked.consumer.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(Unfit::Nowhere);
        }
        let found = store::stuck_event(&console.pool, &asked.consumer, asked.position).await?;
        found.map(Stuck::from).ok_or(Unfit::Nowhere)
    }
}

impl View for One {
    fn title(scene: &Scene<'_>, asked: &Asked, shown: Option<&Stuck>) -> String {
        let kind = shown.and_then(|shown| shown.event_type.as_deref()).unwrap_or_default();
        format!("{} {} {kind}", scene.t("event"), asked.position).trim().to_owned()
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        html! { p { a href="/dead-letters" { (scene.t("menu-letters")) } } }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, one: &Stuck) -> Markup {
        html! {
            dl class="facts" {
                dt { (scene.t("state")) } dd { (state_of(scene, one)) }
                dt { (scene.t("position")) } dd class="number" { a href={"/log/" (one.position)} { (one.position) } }
                dt { (scene.t("consumer")) } dd { (one.consumer) }
                dt { (scene.t("first-tried")) } dd { (moscow::date_time(one.first_at)) }
                dt { (scene.t("last-tried")) } dd { (moscow::date_time(one.last_at)) }
                dt { (scene.t("times-refused")) } dd { (grouped(one.tries)) }
            }
            h2 { (scene.t("stuck-error")) }
            pre class="card words" tabindex="0" { (why(scene, one)) }
            @if !one.dropped {
                p { (scene.t("stuck-more")) }
                div class="acts" {
                    (Offer {
                        to: &format!("{}/drop", path(&one.consumer, one.position)), name: if one.telling { "telling-drop" } else { "stuck-drop" }, confirm: None,
                        reason: true, fields: Markup::default(),
                        sent: asked.sent.as_ref().map(|(once, reason)| Sent { once: *once, reason }),
                    }.show(scene))
                }
            }
        }
    }
}
