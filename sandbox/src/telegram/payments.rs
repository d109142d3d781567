//! Invoices, pre-checkout answers, Stars.

use serde_json::{Value, json};

use super::{
    MethodResult,
    error::ApiError,
    markup::Keyboard,
    params::Params,
    send::{chat, post},
    state::{Charge, Invoice},
};
use crate::world::{State, World};

/// The bot must answer a pre-checkout query within ten seconds.
pub(crate) const PRE_CHECKOUT_MS: i64 = 10_000;
/// Stars, and what the one provider here takes.
const CURRENCIES: [&str; 2] = ["XTR", "RUB"];

fn bounded(params: &Params, name: &str, max: usize, wrong: &str) -> Result<String, ApiError> {
    params.text(name).filter(|text| text.chars().count() <= max).ok_or_else(|| ApiError::bad(wrong))
}

fn invoice(params: &Params) -> Result<Invoice, ApiError> {
    let title = bounded(params, "title", 32, "INVOICE_TITLE_INVALID")?;
    let description = bounded(params, "description", 255, "INVOICE_DESCRIPTION_INVALID")?;
    let payload = params.text("payload").filter(|payload| payload.len() <= 128);
    let payload = payload.ok_or_else(|| ApiError::bad("INVOICE_PAYLOAD_INVALID"))?;
    let currency = params.required("currency").map_err(|_| ApiError::bad("CURRENCY_INVALID"))?;
    if !CURRENCIES.contains(&currency.as_str()) {
        return Err(ApiError::bad("CURRENCY_INVALID"));
    }
    let prices = params.json("prices")?.unwrap_or_default();
    let prices = prices.as_array().filter(|prices| !prices.is_empty());
    let prices = prices.ok_or_else(|| ApiError::bad("there must be at least one price specified"))?;
    let stars = currency == "XTR";
    if stars && prices.len() != 1 {
        return Err(ApiError::bad("STARS_INVOICE_INVALID"));
    }
    let mut total_amount = 0_i64;
    for price in prices {
        let label = price["label"].as_str().unwrap_or_default();
        let amount = price["amount"].as_i64().ok_or_else(|| ApiError::bad("can't parse labeled price"))?;
        if label.is_empty() {
            return Err(ApiError::bad("can't parse labeled price: label must be non-empty"));
        }
        total_amount =
            total_amount.checked_add(amount).ok_or_else(|| ApiError::bad("CURRENCY_TOTAL_AMOUNT_INVALID"))?;
    }
    // Telegram takes about 1 to 10 000 dollars' worth; for Stars 1 to 100 000.
    let (least, most) = if stars { (1, 100_000) } else { (100, 100_000_000) };
    if !(least..=most).contains(&total_amount) {
        return Err(ApiError::bad("CURRENCY_TOTAL_AMOUNT_INVALID"));
    }
    let token = params.text("provider_token");
    let test = match (stars, token.as_deref().map(is_test)) {
        (true, None) => false,
        (false, Some(Some(test))) => test,
        _ => return Err(ApiError::bad("PAYMENT_PROVIDER_INVALID")),
    };
    let provider_data = params.text("provider_data");
    if let Some(data) = &provider_data {
        serde_json::from_str::<Value>(data).map_err(|_| ApiError::bad("DATA_JSON_INVALID"))?;
    }
    let flag = |name: &str| params.flag(name) && !stars;
    let (send_email, send_phone) = (flag("send_email_to_provider"), flag("send_phone_number_to_provider"));
    Ok(Invoice {
        title,
        description,
        payload,
        currency,
        total_amount,
        // What is sent to the provider is asked for.
        need_email: flag("need_email") || send_email,
        need_phone: flag("need_phone_number") || send_phone,
        send_email,
        send_phone,
        provider: !stars,
        test,
        provider_data,
        start_parameter: params.text("start_parameter"),
    })
}

/// BotFather's tokens: `381764678:TEST:12345`, `390540012:LIVE:12345`. `None` for anything else.
fn is_test(token: &str) -> Option<bool> {
    let mut parts = token.splitn(3, ':');
    let (provider, mode, shop) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = !provider.is_empty() && provider.bytes().all(|b| b.is_ascii_digit()) && !shop.is_empty();
    match mode {
        "TEST" if fits => Some(true),
        "LIVE" if fits => Some(false),
        _ => None,
    }
}

pub(crate) fn send_invoice(world: &World, params: &Params) -> MethodResult {
    let chat_id = chat(world, params)?;
    let invoice = invoice(params)?;
    let keyboard = match Keyboard::read_inline(params)? {
        Keyboard::None => {
            Keyboard::Inline(json!({"inline_keyboard": [[{"text": pay_text(&invoice), "pay": true}]]}))
        }
        given if given.pays() => given,
        _ => return Err(ApiError::bad("the first button of an invoice's keyboard must be a Pay button")),
    };
    let shown = json!({"invoice": {
        "title": invoice.title,
        "description": invoice.description,
        "start_parameter": params.text("start_parameter").unwrap_or_default(),
        "currency": invoice.currency,
        "total_amount": invoice.total_amount,
    }});
    post(world, chat_id, params, &keyboard, Some(invoice), |_| shown)
}

fn pay_text(invoice: &Invoice) -> String {
    if invoice.currency == "XTR" {
        return format!("Pay ⭐️{}", invoice.total_amount);
    }
    format!("Pay {}.{:02} {}", invoice.total_amount / 100, invoice.total_amount % 100, invoice.currency)
}

/// A link without a message; people pay it by its slug.
pub(crate) fn invoice_link(world: &World, params: &Params) -> MethodResult {
    let invoice = invoice(params)?;
    let slug = uuid::Uuid::new_v4().simple().to_string();
    world.change(|state| state.telegram.invoice_links.insert(slug.clone(), invoice));
    Ok(json!(format!("https://t.me/$sandbox{slug}")))
}

pub(crate) fn answer_pre_checkout(world: &World, params: &Params) -> MethodResult {
    let id = params.required("pre_checkout_query_id")?;
    if !params.has("ok") {
        return Err(ApiError::bad("parameter \"ok\" is required"));
    }
    let answer = if params.flag("ok") {
        Ok(())
    } else {
        let why = params.text("error_message");
        Err(why.ok_or_else(|| ApiError::bad("error message must be non-empty when the payment is refused"))?)
    };
    let now = world.clock.now_ms();
    world.change(|state| {
        let too_old =
            || ApiError::bad("query is too old and response timeout expired or query ID is invalid");
        let checkout =
            state.telegram.checkouts.iter_mut().find(|checkout| checkout.id == id).ok_or_else(too_old)?;
        if checkout.answer.is_some() || now - checkout.asked_ms > PRE_CHECKOUT_MS {
            return Err(too_old());
        }
        checkout.answer = Some(answer);
        Ok(json!(true))
    })
}

fn user(world: &World, id: i64) -> Value {
    world.read(|state| {
        state.telegram.people.get(&id).map_or_else(|| json!({"id": id}), |person| person.user())
    })
}

/// Incoming payments and refunds, oldest first; a refund carries its payment's id.
pub(crate) fn transactions(world: &World, params: &Params) -> MethodResult {
    let offset = params.int("offset").and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let limit = params.int("limit").unwrap_or(100);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::bad("limit must be between 1 and 100"));
    }
    let charges: Vec<Charge> =
        world.read(|state| state.telegram.charges.iter().filter(|c| c.currency == "XTR").cloned().collect());
    let mut all: Vec<(u64, Value)> = Vec::new();
    for charge in charges {
        let partner = json!({
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": user(world, charge.user),
            "invoice_payload": charge.invoice_payload,
        });
        let row = |side: &str, date: i64| {
            json!({
                "id": charge.telegram_payment_charge_id,
                "amount": charge.total_amount,
                "date": date,
                side: partner,
            })
        };
        all.push((charge.row, row("source", charge.date)));
        if let Some(at) = charge.refunded_at {
            all.push((charge.refund_row, row("receiver", at)));
        }
    }
    // New rows come last, also within one second: a page read before does not shift.
    all.sort_by_key(|(row, _)| *row);
    let page: Vec<Value> = all.into_iter().skip(offset).take(limit as usize).map(|(_, row)| row).collect();
    Ok(json!({"transactions": page}))
}

pub(crate) fn star_balance(world: &World) -> Value {
    let amount: i64 = world.read(|state| {
        let kept = state.telegram.charges.iter().filter(|c| c.currency == "XTR" && c.refunded_at.is_none());
        kept.map(|charge| charge.total_amount).sum()
    });
    json!({"amount": amount})
}

pub(crate) fn refund_stars(world: &World, params: &Params) -> MethodResult {
    let user_id = params.int("user_id").ok_or_else(|| ApiError::bad("user not found"))?;
    let id = params.required("telegram_payment_charge_id").map_err(|_| ApiError::bad("CHARGE_ID_EMPTY"))?;
    world.change(|state| {
        let charge = state.telegram.charges.iter().find(|charge| charge.is_stars(&id));
        if charge.ok_or_else(|| ApiError::bad("CHARGE_NOT_FOUND"))?.user != user_id {
            return Err(ApiError::bad("USER_ID_INVALID"));
        }
        give_back(world, state, &id).map_err(ApiError::bad)?;
        Ok(json!(true))
    })
}

/// Stars go back, because the bot asked or because Telegram itself decided so (support, a chargeback).
/// The bot gets a service message either way. `Err` is the Bot API's word.
pub(crate) fn give_back(world: &World, state: &mut State, id: &str) -> Result<Value, &'static str> {
    let now = world.clock.now_ms();
    let telegram = &mut state.telegram;
    let row = telegram.next_row();
    let found = telegram.charges.iter_mut().find(|charge| charge.is_stars(id));
    let charge = found.ok_or("CHARGE_NOT_FOUND")?;
    if charge.refunded_at.is_some() {
        return Err("CHARGE_ALREADY_REFUNDED");
    }
    charge.refunded_at = Some(world.date_ms() / 1000);
    charge.refund_row = row;
    let user = charge.user;
    let refunded = json!({"refunded_payment": {
        "currency": charge.currency,
        "total_amount": charge.total_amount,
        "invoice_payload": charge.invoice_payload,
        "telegram_payment_charge_id": id,
    }});
    let bot = telegram.bot(&world.options.telegram_username);
    let message = telegram.post(user, bot, true, now, &refunded, None);
    world.tell(crate::people::events::ChatEvent::message(user, &message));
    telegram.push("message", format!("chat:{user}"), message.clone(), now);
    Ok(message)
}
