//! A shop: ledger, payments adapter and the sandbox's YooKassa; people open payments by commands, so that no chat
//! is needed. The lists are read each second.

use anyhow::Result;
use proto_events::{CommandId, PaymentId, Producer, RefundId};
use serde_json::{Value, json};

use crate::deeds::Deeds;
use crate::raw::{Raw, of};
use crate::{Role, Stage};

pub struct Shop {
    pub stage: Stage,
    pub deeds: Deeds,
    pub raw: Raw,
}

/// Named crash points of the payments adapter that a plain top-up does not reach.
pub const DEATHS: [&str; 7] = [
    "payments.before_refund",
    "payments.refunded",
    "payments.refund_proved",
    "payments.refund_settled",
    "payments.refund_taken",
    "payments.reconciling",
    "payments.day_uploaded",
];

/// The same of second receipts.
pub const RECEIPT_DEATHS: [&str; 2] = ["payments.before_receipt", "payments.receipt_made"];

/// The same of a payment that another's word has settled.
pub const CAUGHT_UP: &str = "payments.refunds_caught_up";

/// How the payments adapter runs in a shop.
pub const HASTY: [(&str, &str); 1] = [("PAYMENTS_RECONCILE_SECONDS", "1")];

impl Shop {
    pub fn open() -> Result<Self> {
        Self::open_with(&[], &[])
    }

    /// With more in the environments of the sandbox and of the payments adapter.
    pub fn open_with(sandbox: &[(&str, &str)], payments: &[(&str, &str)]) -> Result<Self> {
        Self::open_as(sandbox, &[], payments)
    }

    /// The same, with more in the environment of the ledger.
    pub fn open_as(
        sandbox: &[(&str, &str)],
        ledger: &[(&str, &str)],
        payments: &[(&str, &str)],
    ) -> Result<Self> {
        let mut stage = Stage::new()?;
        stage.start(Role::Sandbox, sandbox)?;
        stage.start(Role::Ledger, ledger)?;
        stage.start(Role::Payments, &[&HASTY, payments].concat())?;
        let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
        Ok(Self { stage, deeds, raw })
    }

    /// A person chooses 100 credits for 100 rubles, for the n-th time.
    pub fn order(&self, user: i64, n: usize) -> PaymentId {
        self.stage.rt.block_on(async {
            self.deeds.start(user).await.expect("the ledger opens an account for anybody who starts");
            self.deeds
                .topup(user, &format!("n{user}x{n}"))
                .await
                .expect("the ledger opens a bill for a package it sells")
        })
    }

    /// YooKassa's payments with our name, in its books.
    pub fn theirs(&self, payment: PaymentId) -> Vec<Value> {
        let books = self.stage.books();
        let all = books["yookassa"]["payments"].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|p| p["metadata"]["payment_id"] == payment.to_string()).collect()
    }

    /// The id at YooKassa, once it is made there.
    pub fn made(&self, payment: PaymentId) -> String {
        self.stage.until("the payment at YooKassa", || {
            self.theirs(payment).first()?["id"].as_str().map(str::to_owned)
        })
    }

    /// The id at YooKassa, once the ledger has it.
    pub fn registered(&self, payment: PaymentId) -> String {
        self.until_event(payment, "PaymentRegistered");
        self.made(payment)
    }

    /// How many events of this type name this.
    pub fn count(&self, id: impl std::fmt::Display, event_type: &str) -> i64 {
        let sql = "SELECT count(*) FROM events WHERE type = $1 AND strpos(payload, $2) > 0";
        let counting = sqlx::query_scalar(sql).bind(event_type).bind(id.to_string());
        self.stage.sql(counting.fetch_one(&self.stage.pool))
    }

    pub fn until_event(&self, id: impl std::fmt::Display + Copy, event_type: &str) {
        let what = format!("{event_type} of {id}");
        self.stage.until(&what, || (self.count(id, event_type) > 0).then_some(()));
    }

    /// Ordered, registered, paid and settled; the id at YooKassa.
    pub fn sell(&self, user: i64, n: usize) -> (PaymentId, String) {
        let payment = self.order(user, n);
        let theirs = self.registered(payment);
        self.stage.pay(&theirs);
        self.until_event(payment, "PaymentSettled");
        (payment, theirs)
    }

    /// So many pictures are made, at 10 credits each: the first that this person asks for.
    pub fn spend(&self, user: i64, pictures: i64) {
        self.stage.rt.block_on(async {
            for message in 1..=pictures {
                self.deeds
                    .picture(user, message)
                    .await
                    .expect("the test pays for each picture before, and makes each once");
            }
        });
    }

    /// What a person does in YooKassa's cabinet, or on its page.
    pub fn desk(&self, id: &str, deed: &str, body: &Value) -> (u16, Value) {
        self.stage.post(&format!("/checkout/{id}/{deed}"), body)
    }

    /// An operator gives so many kopecks back.
    pub fn refund(&self, payment: PaymentId, kopecks: i64, nonce: &str) -> RefundId {
        let reply = self.ask_refund(payment, kopecks, nonce);
        assert_eq!(reply["status"], "done", "{reply}");
        let id = CommandId::new(format!("refund:{nonce}")).expect("a test's nonce is short and plain");
        RefundId::derive(payment.account(), Producer::Console, &id)
    }

    pub fn ask_refund(&self, payment: PaymentId, kopecks: i64, nonce: &str) -> Value {
        let body = json!({"payment": payment, "rail": "yookassa", "reason": "asked for",
            "amount": {"amount": kopecks, "currency": "RUB"}});
        let (id, account) = (format!("refund:{nonce}"), of(payment.account()));
        self.stage.rt.block_on(self.raw.ask(Producer::Console, "refund_open", &id, account, body))
    }

    /// (available, reserved, debt) of the person who opened this.
    pub fn balance(&self, payment: PaymentId) -> (i64, i64, i64) {
        let sql = "SELECT coalesce(sum(available_delta), 0)::bigint, coalesce(sum(reserved_delta), 0)::bigint, \
                          coalesce(sum(debt_delta), 0)::bigint FROM events WHERE account_id = $1";
        let sums = sqlx::query_as(sql).bind(payment.account().0).fetch_one(&self.stage.pool);
        self.stage.sql(sums)
    }

    /// Nothing is open, and books, log and projections agree.
    pub fn assert_at_rest(&self) {
        let open = "SELECT (SELECT count(*) FROM open_payments) + (SELECT count(*) FROM open_refunds)";
        self.stage.until("everything to end", || {
            let counting = sqlx::query_scalar::<_, i64>(open).fetch_one(&self.stage.pool);
            (self.stage.sql(counting) == 0).then_some(())
        });
        self.stage.until_money_agrees();
        self.stage.assert_verified();
    }
}
