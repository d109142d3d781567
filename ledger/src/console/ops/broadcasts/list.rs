//! Broadcasts: what each says and to whom, how far it is, and whether it goes on.

use maud::{Markup, html};
use proto_events::queries::{BroadcastState, BroadcastView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OWNERS;
use super::deed::{Deed, Given};
use super::looks::{looks, segment};
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::asked::{Unfit, link};
use crate::console::door::Need;
use crate::console::form::{Field, hidden};
use crate::console::ops::READS;
use crate::console::ops::parts::{Offer, Sent, may_act};
use crate::console::table::{Column, number, table, when};
use crate::console::view::{Read, Scene, View};
use crate::queries::broadcast_view;
use crate::store;

/// Of all that were written down, the newest.
const SHOWN_MAX: i64 = 50;

pub(super) struct Broadcasts;

#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// A form that was not done.
    #[serde(skip)]
    pub(super) given: Option<Given>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    broadcasts: Vec<BroadcastView>,
}

impl Read for Broadcasts {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/broadcasts";
    const NEED: Need = READS;
    const ABOUT: &'static str = "The newest broadcasts, and how far they are";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let all = store::broadcasts(&console.pool, None, SHOWN_MAX).await?;
        Ok(Shown { broadcasts: all.into_iter().filter_map(broadcast_view).collect() })
    }
}

impl View for Broadcasts {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-broadcasts")
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        html! {
            @if scene.is_one_of(OWNERS) {
                p { a class="button" href="/broadcasts/compose" { (scene.t("broadcast-compose")) } }
            }
        }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let (over, open): (Vec<_>, Vec<_>) =
            shown.broadcasts.iter().partition(|one| one.state == BroadcastState::Finished);
        html! {
            @if shown.broadcasts.is_empty() { p class="lead" { (scene.t("broadcasts-none")) } }
            @for one in open { (card(scene, asked, one)) }
            @if !over.is_empty() {
                h2 { (scene.t("broadcasts-over")) }
                (finished(scene, &over))
            }
        }
    }

    fn again_every(_: &Asked) -> Option<u8> {
        Some(2)
    }
}

const fn told(one: &BroadcastView) -> u32 {
    one.sent.saturating_add(one.failed).saturating_add(one.blocked)
}

const fn state_name(state: BroadcastState) -> &'static str {
    match state {
        BroadcastState::Draft => "broadcast-draft",
        BroadcastState::Running => "broadcast-running",
        BroadcastState::Paused => "broadcast-paused",
        BroadcastState::Finished => "broadcast-finished",
    }
}

fn card(scene: &Scene<'_>, asked: &Asked, one: &BroadcastView) -> Markup {
    let counts = [("sent", one.sent), ("failed", one.failed), ("blocked", one.blocked)];
    let left = one.recipients.saturating_sub(told(one));
    html! {
        section class="card" {
            h2 { code { (one.broadcast) } " " span class="chip" { (scene.t(state_name(one.state))) } }
            p { (segment(scene, &one.segment)) }
            (looks(scene, &one.content))
            @if one.state != BroadcastState::Draft {
                progress max=(one.recipients.max(1)) value=(told(one)) aria-label=(scene.t("how-far")) {}
            }
            dl class="facts" {
                dt { (scene.t("recipients")) } dd class="number" { (grouped(one.recipients.into())) }
                @if one.state != BroadcastState::Draft {
                    @for (name, n) in counts {
                        dt { (scene.t(&format!("broadcast-{name}"))) } dd class="number" { (grouped(n.into())) }
                    }
                    dt { (scene.t("broadcast-left")) } dd class="number" { (grouped(left.into())) }
                }
            }
            @if may_act(scene) { (acts(scene, asked, one)) }
        }
    }
}

fn acts(scene: &Scene<'_>, asked: &Asked, one: &BroadcastView) -> Markup {
    let given_of = |deed: &str| {
        asked.given.as_ref().filter(|given| given.broadcast == one.broadcast.as_str() && given.deed == deed)
    };
    let sent = |deed: &str| given_of(deed).map(|given| Sent { once: given.once, reason: &given.reason });
    let to = |deed: &str| format!("/broadcasts/{}/{deed}", one.broadcast);
    html! {
        div class="acts" {
            @if one.state == BroadcastState::Draft && scene.is_one_of(OWNERS) {
                a class="button" href=(link("/broadcasts/compose", &[("of", &one.broadcast)])) {
                    (scene.t("broadcast-change"))
                }
                @let whom = given_of("try").map(|given| given.whom.as_str()).unwrap_or_default();
                (Offer {
                    to: &to("try"), name: "broadcast-try", confirm: Some("broadcast-try-mine"), reason: false,
                    fields: html! { (seen(one)) (whom_field(scene, one, whom)) }, sent: sent("try"),
                }.show(scene))
            }
            @for deed in Deed::ALL.into_iter().filter(|deed| deed.fits(one.state)) {
                (Offer {
                    to: &to(deed.path()), name: deed.name(one.state), confirm: deed.confirm(),
                    reason: deed == Deed::Pause, fields: seen(one), sent: sent(deed.path()),
                }.show(scene))
            }
        }
    }
}

fn whom_field(scene: &Scene<'_>, one: &BroadcastView, whom: &str) -> Markup {
    let (label, hint) = (scene.t("try-whom"), scene.t("try-whom-hint"));
    let id = format!("whom-{}", one.broadcast);
    Field { id: &id, hint: Some(&hint), value: whom, ..Field::text("whom", &label) }.show()
}

/// What it was when it was looked at: another is not sent.
fn seen(one: &BroadcastView) -> Markup {
    html! {
        (hidden("recipients", &one.recipients.to_string()))
        (hidden("drafted_at", &one.drafted_at.get().to_string()))
    }
}

fn finished(scene: &Scene<'_>, all: &[&BroadcastView]) -> Markup {
    let columns = [
        Column::Text("broadcast"),
        Column::Text("to-whom"),
        Column::Text("written-down"),
        Column::Number("recipients"),
        Column::Number("broadcast-sent"),
        Column::Number("broadcast-failed"),
        Column::Number("broadcast-blocked"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" { code { (one.broadcast) } }
                td { (segment(scene, &one.segment)) }
                (when(one.drafted_at.get()))
                @for n in [one.recipients, one.sent, one.failed, one.blocked] { (number(grouped(n.into()))) }
            }
        }
    };
    table(scene.words, &scene.t("broadcasts-over"), &columns, &rows, None)
}
