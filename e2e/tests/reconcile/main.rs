//! Days of the providers' books compared with the log: `ledger reconcile`, by files and by what adapters upload, and
//! `ledger payment`.

mod files;
mod payment;
mod uploaded;
mod vendor;

use e2e::Stage;
use e2e::deeds::{Deeds, provider_id};
use e2e::raw::{Raw, of};
use proto_events::{PaymentId, Producer};
use serde_json::{Value, json};

/// Noon of 2026-11-21 in Moscow, µs.
const NOON: i64 = 1_795_251_600_000_000;
const DAY: &str = "2026-11-21";

struct Office {
    stage: Stage,
    deeds: Deeds,
    raw: Raw,
}

impl Office {
    fn open() -> Self {
        let stage = Stage::with_ledger().unwrap();
        let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
        Self { stage, deeds, raw }
    }

    /// Somebody pays 100 ₽ at this time by the provider's clock; what it kept may not be known.
    fn paid(&self, user: i64, at: i64, fee: Option<i64>) -> PaymentId {
        let payment = self.stage.rt.block_on(async {
            self.deeds.start(user).await.unwrap();
            let payment = self.deeds.topup(user, &format!("n{user}")).await.unwrap();
            self.deeds.register(payment).await.unwrap();
            payment
        });
        let net = fee.map(|fee| json!({"amount": 10_000 - fee, "currency": "RUB"}));
        let body = json!({
            "payment": payment, "rail": "yookassa", "provider_payment_id": provider_id(payment),
            "amount": {"amount": 10_000, "currency": "RUB"}, "net": net, "test": false, "paid_at": at,
        });
        let id = format!("settle:yookassa:{}", provider_id(payment));
        self.raw.done(Producer::Payments, "payment_settle", &id, of(payment.account()), body);
        payment
    }

    /// So many kopecks go back, and the provider calls it so.
    fn refunded(&self, payment: PaymentId, kopecks: i64, theirs: &str, at: i64) -> String {
        let (account, amount) = (of(payment.account()), json!({"amount": kopecks, "currency": "RUB"}));
        let body = json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "asked for"});
        let id = format!("refund:{theirs}");
        let reply = self.raw.send(Producer::Console, "refund_open", &id, account.clone(), body);
        let refund = reply["result"]["refund"].as_str().expect("a refund").to_owned();
        let body = json!({
            "refund": refund, "rail": "yookassa", "provider_refund_id": theirs, "amount": amount, "refunded_at": at,
        });
        self.raw.done(Producer::Payments, "refund_settle", &format!("refunded:{theirs}"), account, body);
        refund
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.stage.ledger_command(args).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Exit code and answer of a comparison, which is told narrowly besides.
    fn reconcile(&self, args: &[&str]) -> (i32, Value) {
        let (code, paper, said) = self.run(&[&["reconcile"], args, &["--dry-run"]].concat());
        assert_eq!(said, "", "{args:?}");
        is_narrow(&paper);
        let (again, json, said) = self.run(&[&["reconcile", "--json", "--operator", "ann"], args].concat());
        assert_eq!((again, said.as_str()), (code, ""), "{args:?}: {paper}");
        (code, serde_json::from_str(&json).unwrap())
    }

    /// Positions, types, actors and payloads of what comparisons have put into the log.
    fn findings(&self) -> Vec<(String, String, Value)> {
        let log = self.stage.rt.block_on(Stage::log(&self.stage.pool));
        let of = ["DifferenceFound", "ReconciliationFinished"];
        let found = log.into_iter().filter(|row| of.contains(&row.event_type.as_str()));
        found.map(|row| (row.event_type, row.actor, serde_json::from_str(&row.payload).unwrap())).collect()
    }
}

fn is_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}\n{text}", line.chars().count());
    }
}

/// What differs, of what, and the provider's id; of the only comparison.
fn differences(told: &Value) -> Vec<(String, String, String)> {
    let [comparison] = told["comparisons"].as_array().unwrap().as_slice() else { panic!("{told}") };
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let found = comparison["differences"].as_array().unwrap();
    let mut found: Vec<_> =
        found.iter().map(|d| (word(&d["what"]), word(&d["kind"]), word(&d["id"]))).collect();
    found.sort();
    found
}
