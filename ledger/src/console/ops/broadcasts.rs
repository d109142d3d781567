//! Broadcasts: how far each is, and whether it goes on. What is said to people, and to whom, is written down elsewhere
//! (`ledger broadcast draft`).

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::{BroadcastFinish, BroadcastPause, BroadcastStart, Command, Segment};
use proto_events::envelope::AccountRef;
use proto_events::queries::{BroadcastState, BroadcastView};
use proto_events::{AccountId, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::{Offer, may_act};
use super::{ACTS, READS};
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::asked::Unfit;
use crate::console::door::{Door, Need};
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::console::table::{Column, number, table, when};
use crate::console::telegram_html;
use crate::console::view::{Read, Scene, View};
use crate::queries::broadcast_view;
use crate::store;

/// Of all that were written down, the newest.
const SHOWN_MAX: i64 = 50;

pub(super) fn rooms(door: &mut Door) {
    door.view::<Broadcasts>();
    door.post("/broadcasts/{broadcast}/{deed}", ACTS, act);
}

struct Broadcasts;

#[derive(Deserialize, JsonSchema)]
struct Asked {}

#[derive(Serialize, JsonSchema)]
struct Shown {
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

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let (over, open): (Vec<_>, Vec<_>) =
            shown.broadcasts.iter().partition(|one| one.state == BroadcastState::Finished);
        html! {
            @if shown.broadcasts.is_empty() { p class="lead" { (scene.t("broadcasts-none")) } }
            @for one in open { (card(scene, one)) }
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

fn segment(scene: &Scene<'_>, segment: &Segment) -> String {
    match segment {
        Segment::Everybody => scene.t("segment-everybody"),
        Segment::Payers => scene.t("segment-payers"),
        Segment::NeverPaid => scene.t("segment-never-paid"),
        Segment::Language(code) => scene.words.with("segment-language", [("language", code.as_str().into())]),
        Segment::Active { days } => scene.words.with("segment-active", [("n", (*days).into())]),
        Segment::Quiet { days } => scene.words.with("segment-quiet", [("n", (*days).into())]),
    }
}

fn card(scene: &Scene<'_>, one: &BroadcastView) -> Markup {
    let counts = [("sent", one.sent), ("failed", one.failed), ("blocked", one.blocked)];
    let left = one.recipients.saturating_sub(told(one));
    html! {
        section class="card" {
            h2 { code { (one.broadcast) } " " span class="chip" { (scene.t(state_name(one.state))) } }
            p { (segment(scene, &one.segment)) }
            @if let Some(text) = &one.content.text {
                @match telegram_html::shown(text) {
                    Ok(looks) => (looks),
                    Err(why) => { pre class="words" { (text) } (note("bad", &why.say(scene.words))) },
                }
            }
            progress max=(one.recipients.max(1)) value=(told(one)) aria-label=(scene.t("how-far")) {}
            dl class="facts" {
                dt { (scene.t("recipients")) } dd class="number" { (grouped(one.recipients.into())) }
                @for (name, n) in counts { dt { (scene.t(&format!("broadcast-{name}"))) } dd class="number" { (grouped(n.into())) } }
                dt { (scene.t("broadcast-left")) } dd class="number" { (grouped(left.into())) }
            }
            @if may_act(scene) {
                div class="acts" {
                    @for deed in Deed::ALL.into_iter().filter(|deed| deed.fits(one.state)) {
                        @let to = format!("/broadcasts/{}/{}", one.broadcast, deed.path());
                        @let name = deed.name(one.state);
                        (Offer { to: &to, name, confirm: deed.confirm(), reason: deed == Deed::Pause, fields: seen(one) }
                            .show(scene))
                    }
                }
            }
        }
    }
}

/// For how many it was when it was looked at.
fn seen(one: &BroadcastView) -> Markup {
    html! { input type="hidden" name="recipients" value=(one.recipients); }
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Start,
    Pause,
    Finish,
}

impl Deed {
    const ALL: [Self; 3] = [Self::Start, Self::Pause, Self::Finish];

    const fn path(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Finish => "finish",
        }
    }

    const fn name(self, state: BroadcastState) -> &'static str {
        match (self, state) {
            (Self::Start, BroadcastState::Paused) => "broadcast-go-on",
            (Self::Start, _) => "broadcast-start",
            (Self::Pause, _) => "broadcast-pause",
            (Self::Finish, _) => "broadcast-finish",
        }
    }

    /// What can't be taken back.
    const fn confirm(self) -> Option<&'static str> {
        match self {
            Self::Start | Self::Finish => Some("broadcast-mean-it"),
            Self::Pause => None,
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Start => "?done=broadcast-start",
            Self::Pause => "?done=broadcast-pause",
            Self::Finish => "?done=broadcast-finish",
        }
    }

    fn fits(self, state: BroadcastState) -> bool {
        match self {
            Self::Start => matches!(state, BroadcastState::Draft | BroadcastState::Paused),
            Self::Pause => state == BroadcastState::Running,
            Self::Finish => matches!(state, BroadcastState::Running | BroadcastState::Paused),
        }
    }

    /// For as many as were shown: for others it is refused by the log.
    fn command(self, one: BroadcastView, recipients: u32, reason: &str) -> Option<Command> {
        let BroadcastView { broadcast, sent, failed, blocked, .. } = one;
        Some(match self {
            Self::Start => BroadcastStart { broadcast, recipients }.into(),
            Self::Pause => {
                let reason = Some(reason.trim()).filter(|reason| !reason.is_empty())?;
                BroadcastPause { broadcast, reason: Text::new(reason).ok()? }.into()
            }
            Self::Finish => BroadcastFinish { broadcast, sent, failed, blocked }.into(),
        })
    }
}

/// What is expected of the log, and said of it.
const KNOWN: [(&str, &str); 4] = [
    ("broadcast_finished", "broadcast-over"),
    ("broadcast_running", "broadcast-runs"),
    ("broadcast_not_running", "broadcast-stands"),
    ("recipients_differ", "broadcast-drafted-anew"),
];

#[derive(Deserialize)]
struct Given {
    once: Once,
    recipients: u32,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirmed: String,
}

async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((broadcast, deed)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let found = match store::broadcasts(&console.pool, Some(&broadcast), 1).await {
        Ok(found) => found.into_iter().find_map(broadcast_view),
        Err(error) => return console.away(&visitor, &error),
    };
    let deed = Deed::ALL.into_iter().find(|known| known.path() == deed);
    let (Some(one), Some(deed)) = (found, deed) else {
        return problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found");
    };
    let refused = match deed.command(one, given.recipients, &given.reason) {
        _ if deed.confirm().is_some() && given.confirmed != "on" => "not-confirmed",
        None => "reason-missing",
        Some(command) => {
            let account = AccountRef::Id(AccountId::OPERATIONS);
            match console.act(session, Act { once: given.once, account, command }).await {
                Acted::Done(_) => {
                    return Redirect::to(&format!("/broadcasts{}", deed.done())).into_response();
                }
                acted => {
                    let said = acted.say(console.words(&visitor), &KNOWN);
                    return console
                        .shown::<Broadcasts>(&visitor, &Asked {}, acted.status(), Some(said))
                        .await;
                }
            }
        }
    };
    let said = note("bad", &console.words(&visitor).t(refused));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    console.shown::<Broadcasts>(&visitor, &Asked {}, status, Some(said)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_a_broadcast_is_offered() {
        let fitting =
            |state| Deed::ALL.into_iter().filter(|deed| deed.fits(state)).map(Deed::path).collect::<Vec<_>>();
        assert_eq!(fitting(BroadcastState::Draft), ["start"]);
        assert_eq!(fitting(BroadcastState::Running), ["pause", "finish"]);
        assert_eq!(fitting(BroadcastState::Paused), ["start", "finish"]);
        assert!(fitting(BroadcastState::Finished).is_empty());
    }
}
