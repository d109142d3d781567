//! Payments past their end that no vendor ends for us: an invoice of Telegram has no end of its own.
//!
//! Closed only after a grace, in which who was let through to pay may still pay; what is paid later is
//! credited all the same.

use proto_events::commands::PaymentCancel;
use proto_events::envelope::AccountRef;
use proto_events::{CommandId, PaymentId, Rail, Reply, Text};
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::DUE_MAX;
use crate::inbox::own_request;
use crate::sequencer::{Queue, ReplyTo};
use crate::store;

/// Telegram takes an answer to its pre-checkout for 10 s, and then the money within seconds.
const GRACE_US: i64 = 15_000_000;

pub(super) async fn close_due(pool: &PgPool, queue: &Queue, now: i64) -> Result<(), sqlx::Error> {
    let mut asked = Vec::new();
    for (payment, rail) in store::answered(store::due_payments(pool, now - GRACE_US, DUE_MAX)).await? {
        let (Ok(payment), Some(rail)) = (payment.parse::<PaymentId>(), rail_of(&rail)) else {
            tracing::error!(payment, rail, "an open payment has no proper id or rail");
            continue;
        };
        let Ok(id) = CommandId::new(format!("cancel:{payment}")) else { continue };
        fail::fail_point!("ledger.timer.payment_due");
        let command = PaymentCancel {
            payment,
            rail,
            provider_payment_id: None,
            party: Text::lossy("plantain"),
            reason: Text::lossy("expired"),
        };
        let (sender, receiver) = oneshot::channel();
        let request = own_request(id, AccountRef::Id(payment.account()), command.into(), None);
        if queue.push((request, ReplyTo::Here(sender))).is_ok() {
            asked.push((payment, receiver));
        }
    }
    for (payment, answer) in asked {
        // Its row went with the event; what was not answered is asked again at the next look.
        if let Ok(Reply::Refused { refusal }) = answer.await {
            tracing::error!(%payment, code = %refusal.code, "a payment past its end could not be closed");
        }
    }
    Ok(())
}

fn rail_of(text: &str) -> Option<Rail> {
    Rail::ALL.into_iter().find(|rail| rail.as_str() == text)
}
