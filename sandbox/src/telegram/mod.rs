//! The stand-in for api.telegram.org: `/telegram/bot<token>/<Method>` and
//! `/telegram/file/bot<token>/<path>`.
//!
//! There is one bot: every token of the right shape is its token (unless one was configured), and
//! its id is the number in the token. People and their chats are in [`state`].

mod bills;
pub(crate) mod delivery;
mod edit;
pub(crate) mod entities;
pub(crate) mod error;
pub(crate) mod flood;
pub(crate) mod groups;
mod markdown;
pub(crate) mod markup;
mod params;
pub(crate) mod payments;
mod profile;
mod relay;
pub(crate) mod send;
pub(crate) mod state;
mod updates;
pub(crate) mod upload;

use std::sync::Arc;

use serde_json::{Value, json};

use self::{error::ApiError, params::Params};
use crate::{
    faults::Effect,
    reply::Reply,
    vendor::{Call, StandIn, Vendor},
    world::World,
};

/// Callback and pre-checkout queries are delivered for 150 s, everything else for a day.
const QUERY_KEPT_MS: i64 = 150_000;
const MESSAGE_KEPT_MS: i64 = 24 * 3_600_000;

pub(crate) type MethodResult = Result<Value, ApiError>;

/// What faults can name: the methods, `download` (of a file) and `webhook` (a delivery).
pub(crate) const METHODS: [&str; 43] = [
    "getMe",
    "logOut",
    "close",
    "setWebhook",
    "deleteWebhook",
    "getWebhookInfo",
    "getUpdates",
    "setMyCommands",
    "getMyCommands",
    "deleteMyCommands",
    "setMyName",
    "getMyName",
    "setMyDescription",
    "getMyDescription",
    "setMyShortDescription",
    "getMyShortDescription",
    "setChatMenuButton",
    "sendMessage",
    "sendMessageDraft",
    "sendPhoto",
    "sendDocument",
    "sendMediaGroup",
    "sendChatAction",
    "sendInvoice",
    "forwardMessage",
    "copyMessage",
    "editMessageText",
    "editMessageCaption",
    "editMessageReplyMarkup",
    "editMessageMedia",
    "deleteMessage",
    "deleteMessages",
    "answerCallbackQuery",
    "getFile",
    "getChat",
    "leaveChat",
    "createInvoiceLink",
    "answerPreCheckoutQuery",
    "getStarTransactions",
    "getMyStarBalance",
    "refundStarPayment",
    "download",
    "webhook",
];

pub(crate) struct TelegramStandIn;

/// The token and what follows it; `Err` when the path is not the Bot API's.
enum Path {
    Method { token: String, method: String },
    File { token: String, path: String },
    Other,
}

fn path(call: &Call) -> Path {
    let decoded = percent_decoded(call.uri.path());
    let rest = decoded.strip_prefix("/telegram/").unwrap_or_default();
    let split = |rest: &str| {
        let (token, tail) = rest.strip_prefix("bot")?.split_once('/')?;
        Some((token.to_owned(), tail.to_owned()))
    };
    if let Some(file) = rest.strip_prefix("file/") {
        return split(file).map_or(Path::Other, |(token, path)| Path::File { token, path });
    }
    split(rest).map_or(Path::Other, |(token, method)| Path::Method { token, method })
}

fn percent_decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The bot's id, if the token has the shape `number:secret`.
fn bot_id(token: &str) -> Option<i64> {
    let (id, secret) = token.split_once(':')?;
    let fine =
        !secret.is_empty() && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    id.parse().ok().filter(|id| fine && *id > 0)
}

impl StandIn for TelegramStandIn {
    const VENDOR: Vendor = Vendor::Telegram;
    // An upload of 50 MB and its multipart frame.
    const BODY_BYTES_MAX: usize = 51 * 1024 * 1024;

    fn name(call: &Call) -> String {
        match path(call) {
            Path::Method { method, .. } => {
                let known = METHODS.iter().find(|name| name.eq_ignore_ascii_case(&method));
                known.map_or(method, |name| (*name).to_owned())
            }
            Path::File { .. } => "download".to_owned(),
            Path::Other => "unknown".to_owned(),
        }
    }

    async fn answer(world: Arc<World>, call: Call, _effect: Effect) -> Reply {
        match path(&call) {
            Path::Other => refused(&ApiError::of_status(404)),
            Path::File { token, path } => match admit(&world, &token) {
                Ok(()) => download(&world, &path),
                Err(error) => refused(&error),
            },
            Path::Method { token, method } => match run(&world, &token, &method, &call).await {
                Ok(result) => Reply::json(200, &json!({"ok": true, "result": result})),
                Err(error) => refused(&error),
            },
        }
    }

    fn error(effect: &Effect, status: u16) -> Reply {
        let mut error = ApiError::of_status(status);
        if let Some(seconds) = effect.retry_after {
            let seconds = seconds.ceil().max(1.0) as u64;
            error = ApiError { code: status, ..ApiError::flood(seconds) };
        }
        if let Some(description) = &effect.description {
            error.description.clone_from(description);
        }
        refused(&error)
    }
}

fn refused(error: &ApiError) -> Reply {
    let reply = Reply::json(error.code, &error.body());
    match error.retry_after {
        Some(seconds) => reply.header("retry-after", seconds.to_string()),
        None => reply,
    }
}

fn admit(world: &World, token: &str) -> Result<(), ApiError> {
    let id = bot_id(token).ok_or_else(|| ApiError::of_status(404))?;
    if world.options.telegram_token.as_deref().is_some_and(|only| only != token) {
        return Err(ApiError::of_status(401));
    }
    if world.read(|state| state.telegram.bot_id != id) {
        world.change(|state| state.telegram.bot_id = id);
    }
    Ok(())
}

fn download(world: &World, path: &str) -> Reply {
    let file = world.read(|state| state.telegram.files.values().find(|file| file.path == path).cloned());
    match file.and_then(|file| world.blobs.get(&file.sha256)) {
        Some(bytes) => Reply::bytes(200, "application/octet-stream", bytes),
        None => refused(&ApiError::of_status(404)),
    }
}

async fn run(world: &Arc<World>, token: &str, method: &str, call: &Call) -> MethodResult {
    admit(world, token)?;
    let params = &Params::read(call).await?;
    match method.to_ascii_lowercase().as_str() {
        "getme" => Ok(profile::me(world)),
        "setwebhook" => updates::set_webhook(world, params),
        "deletewebhook" => updates::delete_webhook(world, params),
        "getwebhookinfo" => Ok(updates::webhook_info(world)),
        "getupdates" => updates::get_updates(world, params).await,
        "setmycommands" => profile::set_commands(world, params),
        "getmycommands" => profile::commands(world, params),
        "deletemycommands" => profile::delete_commands(world, params),
        "setmyname" => profile::set_text(world, params, "name", 64),
        "getmyname" => Ok(profile::text(world, params, "name")),
        "setmydescription" => profile::set_text(world, params, "description", 512),
        "getmydescription" => Ok(profile::text(world, params, "description")),
        "setmyshortdescription" => profile::set_text(world, params, "short_description", 120),
        "getmyshortdescription" => Ok(profile::text(world, params, "short_description")),
        "setchatmenubutton" | "logout" | "close" => Ok(json!(true)),
        "sendmessage" => send::message(world, params),
        "sendmessagedraft" => send::draft(world, params),
        "sendphoto" => send::media(world, params, "photo").await,
        "senddocument" => send::media(world, params, "document").await,
        "sendmediagroup" => send::media_group(world, params).await,
        "sendchataction" => send::chat_action(world, params),
        "forwardmessage" => relay::forward(world, params),
        "copymessage" => relay::copy(world, params),
        "editmessagetext" => edit::edit_text(world, params),
        "editmessagecaption" => edit::edit_caption(world, params),
        "editmessagereplymarkup" => edit::edit_markup(world, params),
        "editmessagemedia" => edit::edit_media(world, params).await,
        "deletemessage" => edit::delete(world, params),
        "deletemessages" => edit::delete_many(world, params),
        "answercallbackquery" => profile::answer_callback(world, params),
        "getfile" => profile::get_file(world, params),
        "leavechat" => groups::leave(world, params),
        "getchat" => profile::get_chat(world, params),
        "sendinvoice" => payments::send_invoice(world, params),
        "createinvoicelink" => payments::invoice_link(world, params),
        "answerprecheckoutquery" => payments::answer_pre_checkout(world, params),
        "getstartransactions" => payments::transactions(world, params),
        "getmystarbalance" => Ok(payments::star_balance(world)),
        "refundstarpayment" => payments::refund_stars(world, params),
        _ => Err(ApiError::of_status(404)),
    }
}

/// Telegram's own books: what people paid and what was given back, and whose taps have no answer.
pub(crate) fn books(telegram: &state::Telegram) -> Value {
    let charge = |charge: &state::Charge| {
        json!({
            "telegram_payment_charge_id": charge.telegram_payment_charge_id,
            "provider_payment_charge_id": charge.provider_payment_charge_id,
            "user": charge.user,
            "currency": charge.currency,
            "total_amount": charge.total_amount,
            "invoice_payload": charge.invoice_payload,
            "date": charge.date,
            "refunded_at": charge.refunded_at,
        })
    };
    let all = &telegram.charges;
    let refunded: Vec<Value> = all.iter().filter(|one| one.refunded_at.is_some()).map(charge).collect();
    json!({
        "charges": all.iter().map(charge).collect::<Vec<_>>(),
        "refunds": refunded,
        "pending_updates": telegram.updates.len(),
        "pending_for": telegram.updates.iter().map(|update| &update.key).collect::<Vec<_>>(),
        "taps": telegram.queries.len(),
        "unanswered": telegram.queries.iter().filter(|query| !query.answered).map(tap).collect::<Vec<_>>(),
    })
}

/// A tap whose spinner turns.
fn tap(query: &state::Query) -> Value {
    let (chat, message, data) = &query.pressed;
    json!({"id": query.id, "user": query.user, "chat": chat, "message_id": message, "data": data})
}
