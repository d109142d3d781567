//! The sandbox's YooKassa over HTTP.
#![allow(dead_code, reason = "each test file uses its part")]

use payments_adapter::yookassa::{Amount, NewConfirmation, NewPayment, Options, YooKassa};
use proto_events::{AccountId, CommandId, PaymentId, Producer};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub struct Vendor {
    pub url: String,
    stop: CancellationToken,
    served: JoinHandle<Result<(), sandbox::Error>>,
}

impl Vendor {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        // `cargo xtask conformance` reads what the client sent.
        let arrivals_dir = std::env::var_os("SANDBOX_ARRIVALS_DIR").map(Into::into);
        let options = sandbox::Options { arrivals_dir, ..sandbox::Options::default() };
        let served = tokio::spawn(sandbox::serve(listener, options, stop.clone()));
        Self { url, stop, served }
    }

    pub fn client(&self, key: &str) -> YooKassa {
        let url = format!("{}/yookassa/v3/", self.url).parse().unwrap();
        YooKassa::new(Options { url, shop_id: "100500".into(), secret_key: key.into() }).unwrap()
    }

    pub async fn fault(&self, call: &str, fault: Value) {
        self.post("/faults", &json!({"vendor": "yookassa", "call": call, "fault": fault})).await;
    }

    pub async fn checkout(&self, id: &str, what: &str) {
        self.post(&format!("/checkout/{id}/{what}"), &json!({})).await;
    }

    async fn post(&self, path: &str, body: &Value) {
        let answer =
            reqwest::Client::new().post(format!("{}{path}", self.url)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path} {body}: {}", answer.text().await.unwrap());
    }

    pub async fn payments(&self) -> usize {
        let books: Value = reqwest::get(format!("{}/books", self.url)).await.unwrap().json().await.unwrap();
        books["yookassa"]["payments"].as_array().unwrap().len()
    }

    pub async fn end(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
    }
}

pub fn payment(n: u32) -> PaymentId {
    let command = CommandId::new(format!("topup:1:{n}")).unwrap();
    PaymentId::derive(AccountId::CATALOG, Producer::Telegram, &command)
}

pub fn words(payment: PaymentId, value: &str) -> NewPayment {
    NewPayment {
        amount: Amount { value: value.into(), currency: "RUB".into() },
        capture: true,
        confirmation: NewConfirmation { r#type: "redirect", return_url: "https://t.me/bot".into() },
        description: "Plantain: кредиты × 100".into(),
        payment_method_data: None,
        receipt: None,
        metadata: [("payment_id", payment.to_string())].into(),
    }
}
