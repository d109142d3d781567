//! Who a person is, and whether they listen to the bot.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, Said, events::ChatEvent};
use crate::{telegram::state::Person, world::World};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    first_name: Option<String>,
    last_name: Option<String>,
    username: Option<String>,
    language_code: Option<String>,
    private_forwards: Option<bool>,
}

fn shown(person: &Person) -> Value {
    let mut shown = person.user();
    shown["blocked"] = json!(person.blocked);
    shown["started"] = json!(person.started);
    shown["deactivated"] = json!(person.deactivated);
    shown["private_forwards"] = json!(person.private_forwards);
    shown
}

pub(crate) async fn list(State(world): State<Arc<World>>) -> Json<Value> {
    Json(world.read(|state| json!({"people": state.telegram.people.values().map(shown).collect::<Vec<_>>()})))
}

pub(crate) async fn get(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
) -> Result<Json<Value>, Refused> {
    let person = world.read(|state| state.telegram.people.get(&user).map(shown));
    person.map(Json).ok_or_else(|| Refused::absent("nobody by this id has been here"))
}

pub(crate) async fn put(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    Said(profile): Said<Profile>,
) -> Result<Json<Value>, Refused> {
    check_id(user)?;
    if profile.first_name.as_ref().is_some_and(|name| name.trim().is_empty() || name.chars().count() > 64) {
        return Err(Refused::bad("first_name has 1 to 64 characters"));
    }
    if let Some(code) = &profile.language_code {
        check_language(code)?;
    }
    Ok(Json(world.change(|state| {
        let person = state.telegram.person(user);
        person.private_forwards = profile.private_forwards.unwrap_or(person.private_forwards);
        person.first_name = profile.first_name.unwrap_or_else(|| person.first_name.clone());
        person.last_name = profile.last_name.or_else(|| person.last_name.clone());
        person.username = profile.username.or_else(|| person.username.clone());
        person.language_code = profile.language_code.unwrap_or_else(|| person.language_code.clone());
        let shown = shown(person);
        world.tell(ChatEvent::new(user, "person", shown.clone()));
        shown
    })))
}

/// People have positive ids below 2^52.
pub(crate) fn check_id(user: i64) -> Result<(), Refused> {
    let fine = (1..1 << 52).contains(&user);
    fine.then_some(()).ok_or_else(|| Refused::bad("a Telegram user id is a positive number below 2^52"))
}

pub(crate) fn check_language(code: &str) -> Result<(), Refused> {
    let fine = (2..=10).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    fine.then_some(()).ok_or_else(|| Refused::bad("language_code is an IETF tag like `ru` or `en`"))
}

pub(crate) async fn block(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
) -> Result<Json<Value>, Refused> {
    set_blocked(&world, user, true)
}

pub(crate) async fn unblock(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
) -> Result<Json<Value>, Refused> {
    set_blocked(&world, user, false)
}

pub(crate) async fn deactivate(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
) -> Result<Json<Value>, Refused> {
    check_id(user)?;
    Ok(Json(world.change(|state| {
        let person = state.telegram.person(user);
        person.deactivated = true;
        shown(person)
    })))
}

fn set_blocked(world: &World, user: i64, blocked: bool) -> Result<Json<Value>, Refused> {
    check_id(user)?;
    let now = world.clock.now_ms();
    Ok(Json(world.change(|state| {
        let telegram = &mut state.telegram;
        let bot = telegram.bot(&world.options.telegram_username);
        let person = telegram.person(user);
        if person.blocked == blocked {
            return shown(person);
        }
        person.blocked = blocked;
        let (shown, from, chat) = (shown(person), person.user(), person.chat());
        let member = |status: &str| {
            let mut member = json!({"status": status, "user": bot});
            if status == "kicked" {
                member["until_date"] = json!(0);
            }
            member
        };
        let (old, new) = if blocked { ("member", "kicked") } else { ("kicked", "member") };
        let update = json!({
            "chat": chat,
            "from": from,
            "date": world.date_ms() / 1000,
            "old_chat_member": member(old),
            "new_chat_member": member(new),
        });
        telegram.push("my_chat_member", format!("member:{user}"), update, now);
        world.tell(ChatEvent::new(user, "blocked", json!({"blocked": blocked})));
        shown
    })))
}
