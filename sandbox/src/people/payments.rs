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
        state::{Charge, Checkout, Invoice},
    },
    world::World,
};

const CHECKOUTS_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    message_id: Option<i64>,
    /// A link from createInvoiceLink instead of a message.
    link: Option<String>,
    email: Option<String>,
}

pub(crate) async fn pay(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
    Said(payment): Said<Payment>,
) -> Result<Response, Refused> {
    let invoice = invoice(&world, user, &payment)?;
    // The payment goes on though the caller hangs up.
    let task = tokio::spawn(walk(world.clone(), user, invoice, payment.email));
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
        let stored = telegram.chats.get(&user).and_then(|chat| chat.messages.get(&id));
        let stored = stored.ok_or_else(|| Refused::absent("there is no such message in this chat"))?;
        stored.invoice.clone().ok_or_else(|| Refused::bad("this message is not an invoice"))
    })
}

async fn walk(world: Arc<World>, user: i64, invoice: Invoice, email: Option<String>) -> Response {
    let id = format!("{}", Uuid::new_v4().as_u128() % 10_000_000_000_000_000_000);
    let asked_ms = world.clock.now_ms();
    let mut changes = world.changes();
    let order =
        invoice.need_email.then(|| json!({"email": email.as_deref().unwrap_or("person@example.org")}));
    world.change(|state| {
        let telegram = &mut state.telegram;
        let mut query = json!({
            "id": id,
            "from": telegram.person(user).user(),
            "currency": invoice.currency,
            "total_amount": invoice.total_amount,
            "invoice_payload": invoice.payload,
        });
        if let Some(order) = &order {
            query["order_info"] = order.clone();
        }
        telegram.checkouts.push_back(Checkout { id: id.clone(), user, asked_ms, answer: None });
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
    match answer {
        Ok(()) => Json(settle(&world, user, &invoice, order)).into_response(),
        Err(why) => {
            (StatusCode::PAYMENT_REQUIRED, Json(json!({"paid": false, "error": why}))).into_response()
        }
    }
}

fn settle(world: &World, user: i64, invoice: &Invoice, order: Option<Value>) -> Value {
    let charge = Charge {
        telegram_payment_charge_id: format!("stx{}", Uuid::new_v4().simple()),
        provider_payment_charge_id: if invoice.provider {
            Uuid::new_v4().to_string()
        } else {
            format!("{user}_0")
        },
        user,
        currency: invoice.currency.clone(),
        total_amount: invoice.total_amount,
        invoice_payload: invoice.payload.clone(),
        date: world.date_ms() / 1000,
        refunded_at: None,
    };
    let now = world.clock.now_ms();
    world.change(|state| {
        let telegram = &mut state.telegram;
        let mut paid = json!({
            "currency": charge.currency,
            "total_amount": charge.total_amount,
            "invoice_payload": charge.invoice_payload,
            "telegram_payment_charge_id": charge.telegram_payment_charge_id,
            "provider_payment_charge_id": charge.provider_payment_charge_id,
        });
        if let Some(order) = order {
            paid["order_info"] = order;
        }
        let from = telegram.person(user).user();
        let message = telegram.post(user, from, false, now, &json!({"successful_payment": paid}), None);
        telegram.charges.push(charge);
        telegram.push("message", format!("chat:{user}"), message.clone(), now);
        world.tell(ChatEvent::message(user, &message));
        json!({"paid": true, "message": message})
    })
}
