//! Calls that fail before and after their effects, and notifications that are lost, late, doubled, out of order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use e2e::dice::Dice;
use serde_json::{Value, json};

use crate::desk::Desk;

/// Between two.
const EVERY: Duration = Duration::from_millis(120);
/// Of one call, that wait for it: more, and a seldom call would not be answered any more.
const WAITING_MAX: usize = 2;

struct Kind {
    vendor: &'static str,
    call: &'static str,
    fault: Value,
    name: &'static str,
}

fn kinds() -> Vec<Kind> {
    let mut all = Vec::new();
    let mut add = |vendor, call, fault, name| all.push(Kind { vendor, call, fault, name });
    for (vendor, calls) in [
        (
            "yookassa",
            &[
                "create_payment",
                "create_refund",
                "get_payment",
                "get_refund",
                "list_payments",
                "list_refunds",
            ][..],
        ),
        ("telegram", &["sendInvoice", "answerPreCheckoutQuery", "refundStarPayment", "getStarTransactions"]),
    ] {
        for call in calls {
            add(vendor, call, json!(500), "500 before");
            add(vendor, call, json!({"drop": "before"}), "cut before");
            add(vendor, call, json!("truncated"), "truncated");
            add(vendor, call, json!({"delay_ms": 400}), "slow");
            // Telegram counts whole seconds.
            let wait = if vendor == "telegram" { json!(1) } else { json!(0.2) };
            add(vendor, call, json!({"status": 429, "retry_after": wait}), "429");
        }
    }
    for (vendor, call) in [
        ("yookassa", "create_payment"),
        ("yookassa", "create_refund"),
        ("telegram", "sendInvoice"),
        ("telegram", "answerPreCheckoutQuery"),
        ("telegram", "refundStarPayment"),
    ] {
        add(vendor, call, json!({"status": 500, "after_effect": true}), "500 after");
        add(vendor, call, json!({"drop": "after"}), "cut after");
        add(vendor, call, json!({"hold_ms": 800}), "held open");
    }
    for call in ["create_payment", "create_refund"] {
        add("yookassa", call, json!({"status": 400, "code": "invalid_request"}), "refused");
    }
    add("yookassa", "create_refund", json!({"refund_status": "pending"}), "pending");
    add("yookassa", "create_refund", json!({"refund_status": "canceled"}), "canceled");
    for _ in 0..4 {
        add("yookassa", "notification", json!("lost"), "lost");
        add("yookassa", "notification", json!({"duplicate": 4}), "five at once");
        add("yookassa", "notification", json!({"late_ms": 3_000}), "late");
        add("yookassa", "notification", json!("reordered"), "reordered");
        add("yookassa", "notification", json!({"patch": {"object": {"status": "canceled"}}}), "stale");
        add("yookassa", "notification_answer", json!("lost"), "its answer lost");
        add("telegram", "webhook", json!("lost"), "lost");
        add("telegram", "webhook", json!({"duplicate": 2}), "three at once");
    }
    all
}

/// How often each kind has fired: what has is counted and taken back.
#[derive(Default)]
pub struct Fired {
    pub times: BTreeMap<String, u64>,
    /// By the sandbox's number: the call, and the kind's name.
    waiting: BTreeMap<u64, (&'static str, String)>,
}

impl Fired {
    fn waiting(&self, call: &str) -> usize {
        self.waiting.values().filter(|(of, _)| *of == call).count()
    }

    async fn gather(&mut self, desk: &Desk) {
        let Some(all) = desk.faults().await else { return };
        let number = |fault: &Value| fault["id"].as_u64();
        for fault in all.iter().filter(|fault| fault["left"] == 0) {
            let Some(id) = number(fault) else { continue };
            desk.take_back(&format!("/faults/{id}")).await;
            if let Some((_, name)) = self.waiting.remove(&id) {
                *self.times.entry(name).or_default() += fault["fired"].as_u64().unwrap_or(0);
            }
        }
        // A sandbox that died has forgotten its faults.
        self.waiting.retain(|id, _| all.iter().any(|fault| number(fault) == Some(*id)));
    }
}

/// Bends calls until so many have gone their way; how often each kind fired.
pub async fn bend(desk: Desk, mut dice: Dice, gone: Arc<AtomicUsize>, enough: usize) -> Fired {
    let (kinds, mut fired) = (kinds(), Fired::default());
    for n in 0_u64.. {
        if gone.load(Ordering::SeqCst) >= enough {
            break;
        }
        let Kind { vendor, call, fault, name } =
            &kinds[usize::try_from(dice.below(kinds.len() as u64)).expect("a place among the kinds")];
        let mut body = json!({"vendor": vendor, "call": call, "fault": fault});
        // What Telegram loses of a chat is lost; money is in its book.
        if *call == "webhook" {
            body["match"] =
                json!(["successful_payment", "refunded_payment"][usize::from(n.is_multiple_of(2))]);
        }
        if fired.waiting(call) < WAITING_MAX {
            let (status, made) = desk.post("/faults", &body).await;
            assert!(status < 300, "{call}: {name}: the fault was not taken: {made}");
            fired.waiting.extend(made["id"].as_u64().map(|id| (id, (*call, format!("{call}: {name}")))));
        }
        if n.is_multiple_of(10) {
            fired.gather(&desk).await;
        }
        tokio::time::sleep(EVERY).await;
    }
    fired.gather(&desk).await;
    desk.take_back("/faults").await;
    fired
}
