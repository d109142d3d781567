//! Groups the bot is in, was in, or was thrown out of.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, Said, profile::check_id};
use crate::{
    telegram::groups::{Group, Membership},
    world::World,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Who does it.
    by: i64,
    title: Option<String>,
    #[serde(default = "member")]
    bot: Membership,
}

fn member() -> Membership {
    Membership::Member
}

fn shown(group: &Group) -> Value {
    let mut shown = group.chat();
    shown["bot"] = json!(group.bot);
    shown
}

/// Groups have negative ids above -2^52.
pub(crate) fn check_group(id: i64) -> Result<(), Refused> {
    let fine = (-(1_i64 << 52) + 1..0).contains(&id);
    fine.then_some(()).ok_or_else(|| Refused::bad("a group's id is a negative number above -2^52"))
}

pub(crate) async fn list(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.read(|state| json!({"groups": state.telegram.groups.values().map(shown).collect::<Vec<_>>()})))
}

pub(crate) async fn put(
    State(world): State<Arc<World>>,
    Path(id): Path<i64>,
    Said(change): Said<Change>,
) -> Result<Json<Value>, Refused> {
    check_group(id)?;
    check_id(change.by)?;
    if change.title.as_ref().is_some_and(|title| title.trim().is_empty() || title.chars().count() > 128) {
        return Err(Refused::bad("a title has 1 to 128 characters"));
    }
    world.change(|state| {
        let telegram = &mut state.telegram;
        let by = telegram.person(change.by).user();
        telegram.set_membership(&world, id, change.title.as_deref(), change.bot, &by);
        let group = telegram.groups.get(&id).map(shown);
        group.map(Json).ok_or_else(|| Refused::absent("no such group"))
    })
}
