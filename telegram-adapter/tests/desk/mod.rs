//! A sandbox of its own for each test, and the people in it.

use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Value, json};
use telegram_adapter::flood::Rate;
use telegram_adapter::outbound::{Options, Telegram};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const TOKEN: &str = "4200:CANARY-token_of_the_tests";
pub const SECRET: &str = "CANARY-secret_1";
/// Everything here happens within milliseconds; on a loaded machine within seconds.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Sandbox {
    pub url: String,
    pub http: reqwest::Client,
    _stop: DropGuard,
}

impl Sandbox {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let flood =
            sandbox::FloodLimits { per_chat_per_second: 100.0, per_chat_burst: 100.0, ..Default::default() };
        let arrivals_dir = std::env::var_os("SANDBOX_ARRIVALS_DIR").map(Into::into);
        let options =
            sandbox::Options { clock_speed: 10.0, flood, arrivals_dir, ..sandbox::Options::default() };
        tokio::spawn(sandbox::serve(listener, options, stop.clone()));
        Self { url, http: reqwest::Client::new(), _stop: stop.drop_guard() }
    }

    pub fn telegram(&self) -> Telegram {
        // As the sandbox above is set.
        let rate = Rate { per_second: 100.0, burst: 100.0 };
        let options = Options { rate, ..Options::default() };
        Telegram::new(&SecretString::from(TOKEN), &self.telegram_url(), &options).unwrap()
    }

    pub fn telegram_at_its_rate(&self) -> Telegram {
        Telegram::new(&SecretString::from(TOKEN), &self.telegram_url(), &Options::default()).unwrap()
    }

    fn telegram_url(&self) -> Url {
        format!("{}/telegram", self.url).parse().unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.url)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    /// The person writes to the bot; answers with the message's id.
    pub async fn says(&self, user: i64, text: &str) -> i64 {
        let message = self.post(&format!("/people/{user}/messages"), json!({"text": text})).await;
        message["message_id"].as_i64().unwrap()
    }

    pub async fn fault(&self, call: &str, fault: Value) {
        self.post("/faults", json!({"vendor": "telegram", "call": call, "fault": fault})).await;
    }

    async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    pub async fn chat(&self, user: i64) -> Value {
        self.get(&format!("/people/{user}/chat")).await
    }

    /// What the bot has written to this person, as it looks now.
    pub async fn bot_messages(&self, user: i64) -> Vec<Value> {
        let chat = self.chat(user).await;
        let messages = chat["messages"].as_array().unwrap().iter();
        messages.filter(|message| message["from"]["is_bot"] == true).cloned().collect()
    }

    pub async fn commands(&self, user: i64) -> Value {
        self.chat(user).await["commands"].clone()
    }

    /// Calls of this method that arrived.
    pub async fn calls(&self, method: &str) -> usize {
        let arrivals = self.get("/arrivals?vendor=telegram&limit=1000").await;
        let arrivals = arrivals["arrivals"].as_array().unwrap().iter();
        arrivals.filter(|call| call["call"].as_str().unwrap_or_default().eq_ignore_ascii_case(method)).count()
    }
}

/// Waits until something is there.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let end = tokio::time::Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < end, "{what} did not come within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
