//! A person pays an invoice: pre-checkout, then the payment.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Refused, Said, events::ChatEvent};
use crate::{
    telegram::{
        payments::PRE_CHECKOUT_MS,
        state::{Charge, Checkout, Invoice, Telegram},
    },
    world::World,
    yookassa::{self, telegram::Bill},
};

const CHECKOUTS_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    message_id: Option<i64>,
    /// The message is this person's, who has forwarded it.
    of: Option<i64>,
    /// A link from createInvoiceLink instead of a message.
    link: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// The provider declines the card for this reason.
    declined: Option<String>,
}

/// What is paid, where it stands, and what the payer says.
struct Purchase {
    user: i64,
    invoice: Invoice,
    /// The payer's own message, whose button becomes a receipt.
    message_id: Option<i64>,
    order: Option<Value>,
    declined: Option<String>,
}

pub(crate) async fn pay(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    Said(payment): Said<Payment>,
) -> Result<Response, Refused> {
    let invoice = invoice(&world, user, &payment)?;
    let mut order = json!({});
    if invoice.need_email {
        order["email"] = json!(payment.email.as_deref().unwrap_or("person@example.org"));
    }
    if invoice.need_phone {
        order["phone_number"] = json!(payment.phone.as_deref().unwrap_or("79000000000"));
    }
    let purchase = Purchase {
        user,
        invoice,
        message_id: payment.message_id.filter(|_| payment.of.is_none_or(|of| of == user)),
        order: Some(order).filter(|order| order != &json!({})),
        declined: payment.declined,
    };
    // The payment goes on though the caller hangs up.
    let task = tokio::spawn(walk(world.clone(), purchase));
    task.await.map_err(|_| Refused(StatusCode::INTERNAL_SERVER_ERROR, "the payment broke off".to_owned()))
}

fn invoice(world: &World, user: i64, payment: &Payment) -> Result<Invoice, Refused> {
    world.read(|state| {
        let telegram = &state.telegram;
        if let Some(link) = &payment.link {
            let slug = link.rsplit("$sandbox").next().unwrap_or_default();
            return telegram
                .invoice_links
                .get(slug)
                .cloned()
                .ok_or_else(|| Refused::absent("no such invoice link"));
        }
        let id = payment.message_id.ok_or_else(|| Refused::bad("`message_id` or `link` says what to pay"))?;
        let owner = payment.of.unwrap_or(user);
        let stored = telegram.chats.get(&owner).and_then(|chat| chat.messages.get(&id));
        let stored = stored.ok_or_else(|| Refused::absent("there is no such message in this chat"))?;
        let invoice = stored.invoice.clone().ok_or_else(|| Refused::bad("this message is not an invoice"))?;
        match invoice.start_parameter.as_deref().filter(|start| owner != user && !start.is_empty()) {
            Some(start) => Err(Refused::conflict(format!(
                "a forwarded copy has no Pay button but a link: https://t.me/{}?start={start}",
                world.options.telegram_username
            ))),
            None => Ok(invoice),
        }
    })
}

async fn walk(world: Arc<World>, purchase: Purchase) -> Response {
    let Purchase { user, invoice, order, .. } = &purchase;
    let id = format!("{}", Uuid::new_v4().as_u128() % 10_000_000_000_000_000_000);
    let asked_ms = world.clock.now_ms();
    let mut changes = world.changes();
    world.change(|state| {
        let telegram = &mut state.telegram;
        let mut query = json!({
            "id": id,
            "from": telegram.person(*user).user(),
            "currency": invoice.currency,
            "total_amount": invoice.total_amount,
            "invoice_payload": invoice.payload,
        });
        if let Some(order) = order {
            query["order_info"] = order.clone();
        }
        telegram.checkouts.push_back(Checkout { id: id.clone(), user: *user, asked_ms, answer: None });
        if telegram.checkouts.len() > CHECKOUTS_MAX {
            telegram.checkouts.pop_front();
        }
        telegram.push("pre_checkout_query", format!("checkout:{user}"), query, asked_ms);
    });
    let answer = loop {
        let answer = world.read(|state| {
            state
                .telegram
                .checkouts
                .iter()
                .rev()
                .find(|checkout| checkout.id == id)
                .and_then(|c| c.answer.clone())
        });
        if let Some(answer) = answer {
            break answer;
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = world.clock.sleep_until(asked_ms + PRE_CHECKOUT_MS) => {
                break Err("the bot did not answer the pre-checkout query within 10 seconds".to_owned());
            }
            () = world.shutdown.cancelled() => break Err("the sandbox is shutting down".to_owned()),
        }
    };
    match answer.and_then(|()| settle(&world, &purchase)) {
        Ok(message) => Json(json!({"paid": true, "message": message})).into_response(),
        Err(why) => {
            (StatusCode::PAYMENT_REQUIRED, Json(json!({"paid": false, "error": why}))).into_response()
        }
    }
}

/// The money is taken; with a provider's token by YooKassa, whose payment it is from then on.
fn settle(world: &World, purchase: &Purchase) -> Result<Value, String> {
    let Purchase { user, invoice, .. } = purchase;
    let now = world.clock.now_ms();
    world.change(|state| {
        let provider_payment_charge_id = match invoice.provider {
            true => yookassa::telegram::charge(world, state, &bill(purchase)?)?,
            false => format!("{user}_0"),
        };
        let telegram = &mut state.telegram;
        let charge = Charge {
            telegram_payment_charge_id: format!("stx{}", Uuid::new_v4().simple()),
            provider_payment_charge_id,
            user: *user,
            currency: invoice.currency.clone(),
            total_amount: invoice.total_amount,
            invoice_payload: invoice.payload.clone(),
            date: world.date_ms() / 1000,
            refunded_at: None,
            row: telegram.next_row(),
            refund_row: 0,
        };
        let mut paid = json!({
            "currency": charge.currency,
            "total_amount": charge.total_amount,
            "invoice_payload": charge.invoice_payload,
            "telegram_payment_charge_id": charge.telegram_payment_charge_id,
            "provider_payment_charge_id": charge.provider_payment_charge_id,
        });
        if let Some(order) = &purchase.order {
            paid["order_info"] = order.clone();
        }
        let from = telegram.person(*user).user();
        let message = telegram.post(*user, from, false, now, &json!({"successful_payment": paid}), None);
        telegram.charges.push(charge);
        telegram.push("message", format!("chat:{user}"), message.clone(), now);
        world.tell(ChatEvent::message(*user, &message));
        show_receipt(world, telegram, purchase, &message);
        Ok(message)
    })
}

fn bill(purchase: &Purchase) -> Result<Bill, String> {
    let Purchase { invoice, order, declined, .. } = purchase;
    let data: Value = match &invoice.provider_data {
        Some(data) => serde_json::from_str(data).map_err(|_| "DATA_JSON_INVALID".to_owned())?,
        None => Value::Null,
    };
    let told = |sent: bool, field: &str| {
        order.as_ref().filter(|_| sent).and_then(|order| order[field].as_str()).map(str::to_owned)
    };
    Ok(Bill {
        total: invoice.total_amount,
        description: invoice.title.clone(),
        test: invoice.test,
        receipt: data["receipt"].clone(),
        email: told(invoice.send_email, "email"),
        phone: told(invoice.send_phone, "phone_number"),
        declined: declined.clone(),
    })
}

/// The payer's own Pay button turns into a receipt.
fn show_receipt(world: &World, telegram: &mut Telegram, purchase: &Purchase, paid: &Value) {
    let chat = telegram.chats.get_mut(&purchase.user);
    let stored = chat.zip(purchase.message_id).and_then(|(chat, id)| chat.messages.get_mut(&id));
    if let Some(stored) = stored {
        stored.paid_by = paid["message_id"].as_i64();
        world.tell(ChatEvent::new(purchase.user, "edited", json!({"message": stored.shown()})));
    }
}
