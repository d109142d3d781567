//! How far what projections count is known: those who read figures see of which moment they are.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;

use super::ops::span;
use super::page::note;
use super::view::Scene;
use crate::books::words::grouped;
use crate::projections::registry::{self, State};
use crate::store;

/// Behind by longer than this, figures are old: a projection that works is behind by less than a second.
const OLD_US: i64 = 60_000_000;

/// Of several projections, the live one that is least far, and those that are not live.
#[derive(Serialize, JsonSchema)]
pub(super) struct Known {
    /// What happened after this position is not in all figures yet; none if no projection is live.
    through: Option<i64>,
    /// When that was recorded, µs.
    through_at: Option<i64>,
    /// Events of the log after it.
    behind: i64,
    /// µs since the first of them.
    behind_us: i64,
    /// Projections that are not live: what is counted by them is zero here.
    not_live: Vec<&'static str>,
    /// Live ones that stand still at an event.
    standing: Vec<&'static str>,
}

/// Where projections are: asked before their rows, which may only be newer.
pub(super) struct Places {
    least: Option<i64>,
    not_live: Vec<&'static str>,
    standing: Vec<&'static str>,
}

impl Places {
    pub(super) async fn of(pool: &PgPool, names: &[&'static str]) -> Result<Self, sqlx::Error> {
        let mut places = Self { least: None, not_live: Vec::new(), standing: Vec::new() };
        for name in names {
            match registry::find(pool, name, State::Live).await? {
                Some(live) => {
                    places.least = Some(places.least.map_or(live.position, |least| least.min(live.position)));
                    if live.failure.is_some() {
                        places.standing.push(name);
                    }
                }
                None => places.not_live.push(name),
            }
        }
        Ok(places)
    }

    /// Compared with the head of now.
    pub(super) async fn known(self, pool: &PgPool) -> Result<Known, sqlx::Error> {
        let head = store::head(pool).await?;
        let Self { least: through, not_live, standing } = self;
        let times = match through {
            Some(position) => store::times_of(pool, &[position, position + 1]).await?,
            None => Default::default(),
        };
        let time = |position: i64| times.get(&position).copied();
        Ok(Known {
            through,
            through_at: through.and_then(time),
            behind: through.map_or(0, |position| (head.position - position).max(0)),
            behind_us: through.and_then(|position| time(position + 1)).map_or(0, |at| (head.now - at).max(0)),
            not_live,
            standing,
        })
    }
}

impl Known {
    pub(super) fn is_live(&self, name: &str) -> bool {
        !self.not_live.contains(&name)
    }

    const fn is_old(&self) -> bool {
        self.behind > 0 && self.behind_us > OLD_US
    }

    /// What is not counted now, and through where the rest is.
    pub(super) fn told(&self, scene: &Scene<'_>) -> Markup {
        let of = |name: &'static str, text: &str| {
            note("bad", &scene.words.with(text, [("projection", name.into())]))
        };
        html! {
            @for name in &self.not_live { (of(name, "figures-not-live")) }
            @for name in &self.standing { (of(name, "figures-standing")) }
            @if self.is_old() {
                (note("bad", &scene.words.with(
                    "figures-old",
                    [("n", grouped(self.behind).into()), ("time", span(scene.words, self.behind_us).into())],
                )))
            }
            @if let Some(through) = self.through {
                p { (scene.t("known-through")) " " a href={"/log/" (through)} { (grouped(through)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_old_once_an_event_waits_for_a_minute() {
        let known = |behind, behind_us| Known {
            through: Some(7),
            through_at: None,
            behind,
            behind_us,
            not_live: Vec::new(),
            standing: Vec::new(),
        };
        for (behind, behind_us, old) in
            [(0, 0, false), (5_000, OLD_US, false), (1, OLD_US + 1, true), (0, OLD_US + 1, false)]
        {
            assert_eq!(known(behind, behind_us).is_old(), old, "{behind} events, {behind_us} µs");
        }
    }
}
