//! What can be done with a projection. Each is in the log before it is done, with who and why; a comparison, which changes
//! nothing, is not.
//!
//! A process that dies in between has said what was wanted and not done it: the page shows the instances as they are.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::one::{Asked, One};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::projections::{self, Canceled, Definition, Instance, Kept, NotBegun, RefusedRebuild, State, Way};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Rebuild,
    Compare,
    Swap,
    Cancel,
    Back,
    Forward,
}

/// Why something is not done, by the name of its text.
type Not = &'static str;

impl Deed {
    pub(super) const ALL: [Self; 6] =
        [Self::Rebuild, Self::Compare, Self::Swap, Self::Cancel, Self::Back, Self::Forward];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Compare => "compare",
            Self::Swap => "swap",
            Self::Cancel => "cancel",
            Self::Back => "back",
            Self::Forward => "forward",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rebuild => "deed-rebuild",
            Self::Compare => "deed-compare",
            Self::Swap => "deed-swap",
            Self::Cancel => "deed-cancel",
            Self::Back => "deed-back",
            Self::Forward => "deed-forward",
        }
    }

    /// What is in the log. `None`: nothing changes.
    pub(super) const fn act(self) -> Option<&'static str> {
        match self {
            Self::Rebuild => Some("projection_rebuild"),
            Self::Compare => None,
            Self::Swap => Some("projection_swap"),
            Self::Cancel => Some("projection_cancel"),
            Self::Back => Some("projection_back"),
            Self::Forward => Some("projection_forward"),
        }
    }

    /// What people read changes.
    pub(super) const fn confirm(self) -> Option<&'static str> {
        match self {
            Self::Swap => Some("confirm-swap"),
            Self::Back | Self::Forward => Some("confirm-back"),
            Self::Rebuild | Self::Compare | Self::Cancel => None,
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Rebuild => "?done=rebuild",
            Self::Compare => "?done=compare",
            Self::Swap | Self::Back | Self::Forward => "?done=swap",
            Self::Cancel => "?done=cancel",
        }
    }

    /// Whether it is to be done now: the instances of one projection, and whether others are worked on.
    pub(super) fn fits(self, instances: &[Instance], is_busy: bool) -> Result<(), Not> {
        let is_in = |state| instances.iter().find(|i| i.state == state);
        let beside = is_in(State::Building).or_else(|| is_in(State::Ready));
        let is_free = |i: &&Instance| !i.is_worked_on() && i.wished_at.is_none();
        let ready = is_in(State::Ready).filter(is_free);
        let kept = is_in(State::Old).filter(is_free).zip(is_in(State::Live));
        let is_older = kept.map(|(kept, live)| kept.instance < live.instance);
        let (fits, not) = match self {
            Self::Rebuild if is_busy => (false, "projection-busy"),
            Self::Rebuild => (beside.is_none_or(|i| is_free(&i)), "projection-under-way"),
            Self::Compare if is_busy => (false, "projection-busy"),
            Self::Compare | Self::Swap => (ready.is_some(), "projection-none-ready"),
            Self::Cancel => (beside.is_some(), "projection-nothing"),
            Self::Back => (is_older == Some(true), "projection-none-kept"),
            Self::Forward => (is_older == Some(false), "projection-none-kept"),
        };
        if fits { Ok(()) } else { Err(not) }
    }

    /// What it is done to, as the log names it.
    fn subject(self, name: &str, instances: &[Instance]) -> String {
        let states: &[State] = match self {
            Self::Rebuild | Self::Compare => &[],
            Self::Swap | Self::Cancel => &[State::Building, State::Ready],
            Self::Back | Self::Forward => &[State::Old],
        };
        let found = instances.iter().find(|i| states.contains(&i.state));
        found.map_or(name.to_owned(), |i| i.tables().name().to_owned())
    }
}

#[derive(Deserialize)]
pub(super) struct Given {
    once: Once,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirmed: String,
    /// Events a second; nothing: it rests while the log grows.
    #[serde(default)]
    max_rate: String,
}

pub(super) async fn act(
    Shared(console): Shared<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((name, deed)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Response {
    let deed = Deed::ALL.into_iter().find(|known| known.path() == deed);
    let (Some(definition), Some(deed)) = (projections::find(&name), deed) else {
        return problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found");
    };
    let done = run(&console, &visitor, definition, deed, &given).await;
    let words = console.words(&visitor);
    let (status, said) = match done {
        Ok(()) => return Redirect::to(&format!("/projections/{name}{}", deed.done())).into_response(),
        Err(NotDone::Not(status, why)) => (status, note("bad", &words.t(why))),
        Err(NotDone::Acted(acted)) => (acted.status(), acted.say(words, &[])),
        Err(NotDone::Postgres(error)) => return console.away(&visitor, &error),
    };
    console.shown::<One>(&visitor, &Asked { name }, status, Some(said)).await
}

enum NotDone {
    Not(StatusCode, Not),
    Acted(Acted),
    Postgres(sqlx::Error),
}

impl From<sqlx::Error> for NotDone {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(error)
    }
}

const fn conflict(why: Not) -> NotDone {
    NotDone::Not(StatusCode::CONFLICT, why)
}

const fn unfit(why: Not) -> NotDone {
    NotDone::Not(StatusCode::UNPROCESSABLE_ENTITY, why)
}

impl From<NotBegun> for NotDone {
    fn from(error: NotBegun) -> Self {
        match error {
            NotBegun::Busy => conflict("projection-busy"),
            NotBegun::NothingReady => conflict("projection-none-ready"),
            NotBegun::Refused(RefusedRebuild::UnderWay(_) | RefusedRebuild::Waiting(_)) => {
                conflict("projection-under-way")
            }
            NotBegun::Refused(RefusedRebuild::Postgres(error)) | NotBegun::Postgres(error) => {
                Self::Postgres(error)
            }
        }
    }
}

async fn run(
    console: &Console,
    visitor: &Visitor,
    definition: &'static Definition,
    deed: Deed,
    given: &Given,
) -> Result<(), NotDone> {
    let Some(session) = &visitor.session else {
        return Err(NotDone::Not(StatusCode::UNAUTHORIZED, "sign-in-first"));
    };
    if deed.confirm().is_some() && given.confirmed != "on" {
        return Err(unfit("not-confirmed"));
    }
    let max_rate = max_rate(&given.max_rate).ok_or(unfit("rate-unfit"))?;
    let all = projections::instances(console.bench.pool()).await?;
    let busy = is_busy(console, definition.name, &all);
    let of_this: Vec<Instance> = all.into_iter().filter(|i| i.name == definition.name).collect();
    deed.fits(&of_this, busy).map_err(conflict)?;
    let mut act_at = 0;
    if let Some(act) = deed.act() {
        let subject = deed.subject(definition.name, &of_this);
        let act = Act::noted(given.once, act, &subject, &given.reason).ok_or(unfit("reason-missing"))?;
        match console.act(session, act).await {
            Acted::Done(done) => act_at = done.position.get(),
            acted => return Err(NotDone::Acted(acted)),
        }
    }
    let (bench, pool) = (&console.bench, console.bench.pool());
    match deed {
        // The same form once more: what it asked for has begun.
        Deed::Rebuild if projections::work_has_begun(pool, definition.name, act_at).await? => Ok(()),
        Deed::Rebuild => Ok(bench.rebuild(definition, max_rate, &session.name, act_at).await?),
        Deed::Compare => Ok(bench.compare(definition, &session.name).await?),
        Deed::Cancel => canceled(projections::cancel(pool, definition.name).await?),
        Deed::Swap => match of_this.iter().find(|i| i.state == State::Ready) {
            Some(ready) if projections::wish_ready(pool, ready).await? => Ok(()),
            _ => Err(conflict("projection-none-ready")),
        },
        Deed::Back => kept(projections::wish_kept(pool, definition.name, Way::Back).await?),
        Deed::Forward => kept(projections::wish_kept(pool, definition.name, Way::Forward).await?),
    }
}

/// Nothing: no bound. `None`: it is no number.
fn max_rate(text: &str) -> Option<Option<u32>> {
    match text.trim() {
        "" => Some(None),
        text => text.parse().ok().filter(|rate| *rate > 0).map(Some),
    }
}

/// One at a time, whichever ledger the page is served by.
pub(super) fn is_busy(console: &Console, name: &str, all: &[Instance]) -> bool {
    let elsewhere = |i: &Instance| i.state == State::Building && i.is_worked_on() && i.name != name;
    !console.bench.is_free() || all.iter().any(elsewhere)
}

fn canceled(what: Canceled) -> Result<(), NotDone> {
    match what {
        Canceled::Gone => Ok(()),
        Canceled::Nothing => Err(conflict("projection-nothing")),
        Canceled::TooLate => Err(conflict("cancel-too-late")),
        Canceled::Asked => Err(conflict("cancel-asked")),
    }
}

fn kept(what: Kept) -> Result<(), NotDone> {
    match what {
        Kept::Wished { .. } => Ok(()),
        Kept::OtherWay { .. } | Kept::Nothing => Err(conflict("projection-none-kept")),
        Kept::Busy => Err(conflict("projection-under-way")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(number: i32, state: State) -> Instance {
        Instance {
            name: "lots".into(),
            instance: number,
            version: 1,
            state,
            position: 0,
            failure: None,
            failed_at: None,
            stage: None,
            reached: None,
            target: None,
            rate: None,
            wished_at: None,
            wished_position: None,
            wish_refused: None,
            silent_us: None,
        }
    }

    fn fitting(instances: &[Instance]) -> Vec<&'static str> {
        Deed::ALL.into_iter().filter(|deed| deed.fits(instances, false).is_ok()).map(Deed::path).collect()
    }

    #[test]
    fn only_what_fits_the_instances_is_done() {
        let live = instance(2, State::Live);
        assert_eq!(fitting(std::slice::from_ref(&live)), ["rebuild"]);
        let mut building = instance(3, State::Building);
        building.silent_us = Some(1);
        assert_eq!(fitting(&[live.clone(), building]), ["cancel"]);
        let ready = instance(3, State::Ready);
        assert_eq!(fitting(&[live.clone(), ready.clone()]), ["rebuild", "compare", "swap", "cancel"]);
        let mut wished = ready;
        wished.wished_at = Some(7);
        assert_eq!(fitting(&[live.clone(), wished]), ["cancel"]);
        assert_eq!(fitting(&[live.clone(), instance(1, State::Old)]), ["rebuild", "back"]);
        assert_eq!(fitting(&[live, instance(3, State::Old)]), ["rebuild", "forward"]);
    }

    #[test]
    fn one_is_made_at_a_time() {
        let all = [instance(1, State::Live), instance(2, State::Ready)];
        assert_eq!(Deed::Rebuild.fits(&all, true), Err("projection-busy"));
        assert_eq!(Deed::Compare.fits(&all, true), Err("projection-busy"));
        assert_eq!(Deed::Swap.fits(&all, true), Ok(()));
    }

    #[test]
    fn a_rate_is_a_number_above_zero_or_nothing() {
        assert_eq!([max_rate(""), max_rate(" 5 ")], [Some(None), Some(Some(5))]);
        assert_eq!([max_rate("0"), max_rate("-1"), max_rate("x")], [None; 3]);
    }
}
