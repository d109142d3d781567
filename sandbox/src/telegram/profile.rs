//! The bot about itself: who it is, its commands and texts; chats and files looked up.

use serde_json::{Value, json};

use super::{MethodResult, error::ApiError, params::Params, send::chat};
use crate::{people::events::ChatEvent, world::World};

const DOWNLOAD_BYTES_MAX: u64 = 20 * 1024 * 1024;
const ANSWER_CHARS_MAX: usize = 200;
/// A button spins this long at most.
const CALLBACK_ANSWER_MS: i64 = 30_000;

pub(crate) fn me(world: &World) -> Value {
    let hears_all = world.read(|state| !state.settings.group_privacy);
    let mut me = world.read(|state| state.telegram.bot(&world.options.telegram_username));
    for (name, value) in [
        ("can_join_groups", true),
        ("can_read_all_group_messages", hears_all),
        ("supports_inline_queries", false),
        ("can_connect_to_business", false),
        ("has_main_web_app", false),
    ] {
        me[name] = json!(value);
    }
    me
}

/// Commands are kept by scope and language: `default/`, `default/ru`, `chat:5/`, `chat_member:-7:5/`.
fn scope(world: &World, params: &Params) -> Result<String, ApiError> {
    let scope = params.json("scope")?.unwrap_or_else(|| json!({"type": "default"}));
    let kind = scope["type"].as_str().ok_or_else(|| ApiError::bad("can't parse BotCommandScope"))?;
    let language = params.text("language_code").unwrap_or_default();
    if !(language.is_empty() || language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase())) {
        return Err(ApiError::bad("BOT_COMMAND_LANGUAGE_CODE_INVALID"));
    }
    let chat = || scope_chat(world, &scope["chat_id"]);
    let of = match kind {
        "default" | "all_private_chats" | "all_group_chats" | "all_chat_administrators" => kind.to_owned(),
        "chat" => format!("chat:{}", chat()?),
        "chat_administrators" => format!("chat_administrators:{}", chat()?),
        "chat_member" => {
            let user = scope["user_id"].as_i64().ok_or_else(|| ApiError::bad("user not found"))?;
            format!("chat_member:{}:{user}", chat()?)
        }
        _ => return Err(ApiError::bad("unsupported BotCommandScope type")),
    };
    Ok(format!("{of}/{language}"))
}

/// A number, or the number as a string; of a chat the bot has met.
fn scope_chat(world: &World, id: &Value) -> Result<i64, ApiError> {
    let absent = || ApiError::bad("chat not found");
    let id = id.as_i64().or_else(|| id.as_str()?.parse().ok()).ok_or_else(absent)?;
    let met = world.read(|state| {
        let telegram = &state.telegram;
        telegram.groups.contains_key(&id) || telegram.people.get(&id).is_some_and(|person| person.started)
    });
    met.then_some(id).ok_or_else(absent)
}

pub(crate) fn set_commands(world: &World, params: &Params) -> MethodResult {
    let scope = scope(world, params)?;
    let given = params.json("commands")?.ok_or_else(|| ApiError::bad("can't parse list of commands"))?;
    let commands = given.as_array().ok_or_else(|| ApiError::bad("can't parse list of commands"))?;
    if commands.len() > 100 {
        return Err(ApiError::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in commands {
        let name = command["command"].as_str().unwrap_or_default().trim_start_matches('/');
        let fine = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !fine {
            return Err(ApiError::bad("BOT_COMMAND_INVALID"));
        }
        let length = command["description"].as_str().unwrap_or_default().chars().count();
        if !(1..=256).contains(&length) {
            return Err(ApiError::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    world.change(|state| match commands.is_empty() {
        true => state.telegram.commands.remove(&scope),
        false => state.telegram.commands.insert(scope, commands.iter().map(bare).collect()),
    });
    world.tell(ChatEvent::new(0, "commands", json!({})));
    Ok(json!(true))
}

/// A command is kept without its slash, and without what Telegram does not know.
fn bare(command: &Value) -> Value {
    let name = command["command"].as_str().unwrap_or_default().trim_start_matches('/');
    json!({"command": name, "description": command["description"]})
}

pub(crate) fn commands(world: &World, params: &Params) -> MethodResult {
    let scope = scope(world, params)?;
    Ok(world.read(|state| json!(state.telegram.commands.get(&scope).cloned().unwrap_or_default())))
}

pub(crate) fn delete_commands(world: &World, params: &Params) -> MethodResult {
    let scope = scope(world, params)?;
    world.change(|state| state.telegram.commands.remove(&scope));
    Ok(json!(true))
}

/// setMyName, setMyDescription, setMyShortDescription: kept, shown nowhere but in the getters.
pub(crate) fn set_text(world: &World, params: &Params, field: &str, max: usize) -> MethodResult {
    let text = params.text(field).unwrap_or_default();
    if text.chars().count() > max {
        return Err(ApiError::bad(format!("{field} is too long")));
    }
    let key = format!("{field}/{}", params.text("language_code").unwrap_or_default());
    world.change(|state| state.telegram.texts.insert(key, text));
    Ok(json!(true))
}

pub(crate) fn text(world: &World, params: &Params, field: &str) -> Value {
    let key = format!("{field}/{}", params.text("language_code").unwrap_or_default());
    let text = world.read(|state| state.telegram.texts.get(&key).cloned().unwrap_or_default());
    json!({field: text})
}

pub(crate) fn get_chat(world: &World, params: &Params) -> MethodResult {
    let id = chat(world, params)?;
    Ok(world.change(|state| state.telegram.chat(id)))
}

pub(crate) fn get_file(world: &World, params: &Params) -> MethodResult {
    let id = params.text("file_id").ok_or_else(|| ApiError::bad("file_id not specified"))?;
    let file = world.read(|state| state.telegram.files.get(&id).cloned());
    let file = file.ok_or_else(|| ApiError::bad("wrong file_id or the file is temporarily unavailable"))?;
    if file.bytes > DOWNLOAD_BYTES_MAX {
        return Err(ApiError::bad("file is too big"));
    }
    Ok(json!({
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_size": file.bytes,
        "file_path": file.path,
    }))
}

pub(crate) fn answer_callback(world: &World, params: &Params) -> MethodResult {
    let id = params.required("callback_query_id")?;
    let text = params.text("text").unwrap_or_default();
    if text.chars().count() > ANSWER_CHARS_MAX {
        return Err(ApiError::bad("MESSAGE_TOO_LONG"));
    }
    let now = world.clock.now_ms();
    world.change(|state| {
        let too_old =
            || ApiError::bad("query is too old and response timeout expired or query ID is invalid");
        let query =
            state.telegram.queries.iter_mut().rev().find(|query| query.id == id).ok_or_else(too_old)?;
        if query.answered || now - query.asked_ms > CALLBACK_ANSWER_MS {
            return Err(too_old());
        }
        query.answered = true;
        let user = query.user;
        let mut answer = json!({"callback_query_id": id, "show_alert": params.flag("show_alert")});
        if !text.is_empty() {
            answer["text"] = json!(text);
        }
        if let Some(url) = params.text("url") {
            answer["url"] = json!(url);
        }
        state.telegram.add_answer(user, answer.clone());
        world.tell(ChatEvent::new(user, "callback_answer", answer));
        Ok(json!(true))
    })
}
