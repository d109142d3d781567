//! What to do about a payment that has no provider's id, by its age alone.

use proto_events::{Micros, queries::PaymentView};

/// YooKassa keeps an Idempotence-Key for 24 h from the first call. An hour is left for clocks that
/// differ and calls that lie about.
const KEY_KNOWN_MS: i64 = 23 * 3_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Create,
    /// Look for it, then make it.
    FindFirst,
    /// Nobody wants it any more: look for it, else cancel it here.
    FindOrCancel,
}

pub(super) fn plan(ours: &PaymentView, now: Micros) -> Plan {
    if now >= ours.expires_at {
        Plan::FindOrCancel
    } else if now >= ours.opened_at.plus_ms(KEY_KNOWN_MS) {
        Plan::FindFirst
    } else {
        Plan::Create
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made_blindly_once_the_key_may_be_forgotten() {
        let hour = 3_600_000;
        let opened = Micros::new(1_000_000_000_000_000).unwrap();
        let view = |lives_ms| -> PaymentView {
            serde_json::from_value(serde_json::json!({
                "payment": format!("p-{}-{}", "0".repeat(32), "0".repeat(16)), "position": 1, "state": "opened", "rail": "yookassa",
                "package": "x", "credits": 1, "price": {"amount": 1, "currency": "RUB"},
                "provider_payment_id": null, "checkout_url": null,
                "opened_at": opened, "expires_at": opened.plus_ms(lives_ms),
            }))
            .unwrap()
        };
        let at = |ms, lives_ms| plan(&view(lives_ms), opened.plus_ms(ms));
        assert_eq!(at(0, hour), Plan::Create);
        assert_eq!(at(hour - 1, hour), Plan::Create);
        assert_eq!(at(hour, hour), Plan::FindOrCancel);
        assert_eq!(at(23 * hour - 1, 48 * hour), Plan::Create);
        assert_eq!(at(23 * hour, 48 * hour), Plan::FindFirst);
        assert_eq!(at(48 * hour, 48 * hour), Plan::FindOrCancel);
    }
}
