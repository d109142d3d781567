//! What a command answers with, from its events alone, so that a repeat gets the first answer.

use proto_events::events::LotSource;
use proto_events::queries::{AccountGone, GenerationAccepted, RefundAccepted, TopupOpened};
use proto_events::{Credits, Event};
use serde_json::{Value, json};

/// `TopupOpened`, `GenerationAccepted`, `RefundAccepted`, `AccountGone` as JSON, `Null` for commands
/// that answer nothing.
///
/// Of `AccountWelcomed` only `welcome`: no event names its own account, the row does.
pub fn result(events: &[Event]) -> Value {
    let made = match events.first() {
        Some(Event::AccountOpened(_)) => return json!({ "welcome": welcome(events) }),
        Some(Event::PaymentOpened(e)) => serde_json::to_value(TopupOpened {
            payment: e.payment,
            rail: e.rail,
            credits: e.credits,
            price: e.price,
        }),
        Some(Event::GenerationRequested(e)) => {
            serde_json::to_value(GenerationAccepted { generation: e.generation, credits: e.credits })
        }
        Some(Event::RefundOpened(e)) => {
            serde_json::to_value(RefundAccepted { refund: e.refund, amount: e.amount, credits: e.credits })
        }
        _ => match events.last() {
            Some(Event::AccountErased(e)) => {
                serde_json::to_value(AccountGone { forfeited: e.forfeited, debt_kept: e.debt_kept })
            }
            _ => return Value::Null,
        },
    };
    // Invariant: plain structs of strings and integers always serialise.
    made.unwrap_or_default()
}

fn welcome(events: &[Event]) -> Credits {
    events
        .iter()
        .find_map(|event| match event {
            Event::CreditsGranted(e) if e.source == LotSource::Welcome => Some(e.credits),
            _ => None,
        })
        .unwrap_or(Credits::ZERO)
}
