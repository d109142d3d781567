//! A stretch of days in Moscow, as several pages are asked for one.

use std::time::{SystemTime, UNIX_EPOCH};

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::asked::Unfit;
use super::form::Field;
use super::view::Scene;
use crate::books::moscow::Day;

/// Shown when nothing is said.
const LATELY: i32 = 30;
/// A year and a day: each has some lines.
const DAYS_MAX: i32 = 366;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Days {
    /// The first day in Moscow, such as 2026-11-21; 30 days ago, if there is none.
    #[serde(default)]
    from: String,
    /// The last; today, if there is none.
    #[serde(default)]
    to: String,
}

impl Days {
    /// The first and the last, a year apart at most.
    pub(super) fn ends(&self) -> Result<(Day, Day), Unfit> {
        let day = |text: &str| match text.trim() {
            "" => Ok(None),
            text => Day::parse(text).map(Some).ok_or(Unfit::Field("day-unfit")),
        };
        let to = day(&self.to)?.unwrap_or_else(today);
        let from = day(&self.from)?.unwrap_or(Day(to.0.saturating_sub(LATELY - 1)));
        if from > to || to.0.saturating_sub(from.0) >= DAYS_MAX {
            return Err(Unfit::Field("days-unfit"));
        }
        Ok((from, to))
    }

    /// The two fields, with the days that are meant.
    pub(super) fn fields(&self, scene: &Scene<'_>) -> Markup {
        let (from, to) = match self.ends() {
            Ok((from, to)) => (from.to_string(), to.to_string()),
            Err(_) => (self.from.clone(), self.to.clone()),
        };
        let [first, last] = ["first-day", "last-day"].map(|name| scene.t(name));
        let day = |name, label, value| Field { kind: "date", ..Field::wish(name, label, value) };
        html! { (day("from", &first, &from).show()) (day("to", &last, &to).show()) }
    }
}

pub(super) fn today() -> Day {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Day::of(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
