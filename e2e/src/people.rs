//! A person in the sandbox's chat, and the vendors' own books.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::raw::Raw;
use crate::stage::{PATIENCE, Role, Stage};

/// Where the bot may die in what is its own: e2e/tests/bot/deaths.rs.
pub const BOT_DEATHS: [&str; 9] = [
    "telegram.album.kept",
    "telegram.album.claimed",
    "telegram.album.dealt_with",
    "telegram.broadcast.claimed",
    "telegram.broadcast.sent",
    "telegram.broadcast.recorded",
    "telegram.erased",
    "telegram.status.sent",
    "telegram.incident.sent",
];

/// Someone who writes to the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person(pub i64);

/// What the sandbox answered, whatever it is; no test goes on without it.
pub(crate) fn answered(sent: Result<reqwest::Response, reqwest::Error>) -> reqwest::Response {
    sent.unwrap_or_else(|error| panic!("the sandbox should answer: {error:?}"))
}

/// Of a message.
pub(crate) fn id_of(message: &Value) -> i64 {
    message["message_id"].as_i64().unwrap_or_else(|| panic!("a message should have an id: {message}"))
}

impl Stage {
    fn desk(&self, path: &str) -> String {
        format!("{}{path}", self.url(Role::Sandbox))
    }

    pub fn get(&self, path: &str) -> Value {
        self.rt.block_on(async {
            let answer = answered(self.http.get(self.desk(path)).send().await);
            answer.json().await.unwrap_or_else(|error| panic!("{path} should be JSON: {error}"))
        })
    }

    /// Status and body.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.rt.block_on(async {
            let answer = answered(self.http.post(self.desk(path)).json(body).send().await);
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }

    pub fn fault(&self, vendor: &str, call: &str, fault: Value, times: u32) {
        let (status, answer) =
            self.post("/faults", &json!({"vendor": vendor, "call": call, "fault": fault, "times": times}));
        assert!(status < 300, "the fault was not taken: {answer}");
    }

    pub fn heal(&self) {
        let url = self.desk("/faults");
        answered(self.rt.block_on(async { self.http.delete(url).send().await }));
    }

    pub fn books(&self) -> Value {
        self.get("/books")
    }

    /// Gemini calls with this prompt, in the vendor's books.
    pub fn gemini_calls(&self, prompt: &str) -> Vec<Value> {
        let books = self.books();
        let calls = books["gemini"]["calls"].as_array().cloned().unwrap_or_default();
        calls.into_iter().filter(|c| c["prompt"].as_str().is_some_and(|p| p.contains(prompt))).collect()
    }

    /// Payments that the provider has as paid.
    pub fn paid(&self) -> Vec<Value> {
        let books = self.books();
        let payments = books["yookassa"]["payments"].as_array().cloned().unwrap_or_default();
        payments.into_iter().filter(|p| p["status"] == "succeeded").collect()
    }

    pub fn write(&self, person: Person, text: &str) -> i64 {
        let body = json!({"text": text, "language_code": "en", "first_name": "Ada"});
        let (status, message) = self.post(&format!("/people/{}/messages", person.0), &body);
        assert_eq!(status, 200, "{message}");
        id_of(&message)
    }

    pub fn tap(&self, person: Person, message: &Value, data: &str) {
        let body = json!({"message_id": message["message_id"], "data": data});
        let (status, answer) = self.post(&format!("/people/{}/taps", person.0), &body);
        assert!(status < 300, "the tap was refused: {answer}");
    }

    pub fn chat(&self, person: Person) -> Vec<Value> {
        let chat = self.get(&format!("/people/{}/chat", person.0));
        chat["messages"].as_array().cloned().unwrap_or_default()
    }

    /// The bot's messages, oldest first.
    pub fn bot_said(&self, person: Person) -> Vec<Value> {
        self.chat(person).into_iter().filter(|m| m["from"]["is_bot"] == true).collect()
    }

    /// Waits for a message of the bot that this accepts.
    pub fn wait_for(&self, person: Person, what: &str, accept: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.bot_said(person);
            if let Some(message) = said.iter().rev().find(|m| accept(m)) {
                return message.clone();
            }
            assert!(
                Instant::now() < end,
                "waited for {what}; the chat: {said:#?}; logs in {}",
                self.dir().display()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends /topup, taps the first package; answers the checkout's id once the link is there.
    pub fn order(&self, person: Person) -> String {
        let asked = self.write(person, "/topup");
        let menu = self.wait_for(person, "the packages", |m| {
            m["message_id"].as_i64() > Some(asked) && !buttons(m).is_empty()
        });
        let (_, data) = buttons(&menu)
            .into_iter()
            .find(|(_, data)| !data.is_empty())
            .unwrap_or_else(|| panic!("a button should choose a package: {menu}"));
        self.tap(person, &menu, &data);
        self.checkout_after(person, asked)
    }

    /// The checkout's id from the newest link that came after this message.
    pub fn checkout_after(&self, person: Person, after: i64) -> String {
        let ready = self.wait_for(person, "the payment link", |m| {
            m["message_id"].as_i64() > Some(after) && link(m).is_some()
        });
        let url = link(&ready).expect("it was waited for a message with a link");
        url.rsplit('/').next().unwrap_or_default().to_owned()
    }

    pub fn pay(&self, checkout: &str) {
        let (status, answer) = self.post(&format!("/checkout/{checkout}/succeed"), &json!({}));
        assert_eq!(status, 200, "{answer}");
    }

    /// /start, then a top-up of 100 credits, all the way.
    pub fn arrive_with_credits(&self, person: Person) {
        self.write(person, "/start");
        self.wait_for(person, "the welcome", |_| true);
        let checkout = self.order(person);
        self.pay(&checkout);
        self.wait_for(person, "the receipt", |m| said(m, "105"));
    }

    pub fn wait_for_picture(&self, person: Person) -> Value {
        self.wait_for(person, "the picture", is_picture)
    }

    pub fn pictures(&self, person: Person) -> usize {
        self.bot_said(person).iter().filter(|m| is_picture(m)).count()
    }

    /// Bytes of the largest size of a picture in the chat.
    pub fn picture_bytes(&self, message: &Value) -> Vec<u8> {
        let id = message["photo"]
            .as_array()
            .and_then(|sizes| sizes.last())
            .map_or(&message["document"]["file_id"], |size| &size["file_id"]);
        let id = id.as_str().unwrap_or_else(|| panic!("a picture should have a file: {message}"));
        let url = self.desk(&format!("/files/{id}"));
        self.rt.block_on(async {
            let bytes = answered(self.http.get(url).send().await).bytes().await;
            bytes.unwrap_or_else(|error| panic!("a file should come whole: {error}")).to_vec()
        })
    }

    /// Writes in a group; the message's id.
    pub fn write_in(&self, group: i64, person: Person, text: &str, more: &Value) -> i64 {
        let mut body = json!({"text": text, "chat": group, "language_code": "en", "first_name": "Ada"});
        let more = more.as_object().cloned().unwrap_or_default();
        more.into_iter().for_each(|(name, value)| body[name] = value);
        let (status, message) = self.post(&format!("/people/{}/messages", person.0), &body);
        assert_eq!(status, 200, "{message}");
        id_of(&message)
    }

    /// The bot's messages in a group, oldest first.
    pub fn said_in(&self, group: i64) -> Vec<Value> {
        let chat = self.get(&format!("/groups/{group}/chat"));
        let all = chat["messages"].as_array().cloned().unwrap_or_default();
        let ours = |m: &Value| m["from"]["is_bot"] == true && m["new_chat_members"].is_null();
        all.into_iter().filter(ours).collect()
    }

    /// Data that no button of the message need have, as a modified client may send it; `more` goes into the tap.
    pub fn forge(&self, person: Person, message: i64, data: &str, more: &Value) {
        let mut body = json!({"message_id": message, "data": data, "force": true});
        let more = more.as_object().cloned().unwrap_or_default();
        more.into_iter().for_each(|(name, value)| body[name] = value);
        let (status, answer) = self.post(&format!("/people/{}/taps", person.0), &body);
        assert_eq!(status, 200, "{answer}");
    }

    /// An update as Telegram may send it, whatever it is; the bot's status.
    pub fn tell_bot(&self, update: &Value) -> u16 {
        let request = self.http.post(format!("{}/telegram/webhook", self.url(Role::Telegram))).json(update);
        let request = request.header("X-Telegram-Bot-Api-Secret-Token", "a-webhook-secret");
        answered(self.rt.block_on(async { request.send().await })).status().as_u16()
    }

    /// Bends what holds `matching`; the fault's id.
    pub fn bend(&self, call: &str, fault: &Value, times: u32, matching: &str) -> u64 {
        let body =
            json!({"vendor": "telegram", "call": call, "fault": fault, "times": times, "match": matching});
        let (status, answer) = self.post("/faults", &body);
        assert!(status < 300, "the fault was not taken: {answer}");
        answer["id"].as_u64().unwrap_or_else(|| panic!("a fault should have an id: {answer}"))
    }

    /// Takes a fault back; how often it has fired.
    pub fn unbend(&self, fault: u64) -> u64 {
        let waiting = self.get("/faults");
        let all = waiting["faults"].as_array().cloned().unwrap_or_default();
        let fired = all.iter().find(|one| one["id"] == fault).and_then(|one| one["fired"].as_u64());
        let url = self.desk(&format!("/faults/{fault}"));
        answered(self.rt.block_on(async { self.http.delete(url).send().await }));
        fired.unwrap_or_else(|| panic!("the fault {fault} should be there: {waiting}"))
    }

    /// Credits from the shop: no bill, one message.
    pub fn give(&self, person: Person, credits: i64) {
        let gift = json!({"credits": credits, "source": "admin", "reason": "a test"});
        let id = format!("grant:{}:{credits}", person.0);
        Raw::new(self).operator("credits_grant", &id, json!({"telegram": person.0}), gift);
        self.until("that it was given to be told", || {
            let sql = "SELECT count(*) FROM deliveries JOIN telegram_identities USING (account_id) \
                       WHERE telegram_user_id = $1";
            let open: i64 = self.sql(sqlx::query_scalar(sql).bind(person.0).fetch_one(&self.pool));
            (open == 0).then_some(())
        });
    }

    /// Waits until Telegram has nothing to tell the bot and the ledger nothing to tell or to make.
    pub fn settle(&self) {
        self.until("everything to be told", || {
            let pending = self.books()["telegram"]["pending_updates"].as_u64()?;
            let sql = "SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM jobs)";
            let open: i64 = self.sql(sqlx::query_scalar(sql).fetch_one(&self.pool));
            (pending == 0 && open == 0).then_some(())
        });
    }

    /// How many taps there were; each has its answer, so that no spinner turns.
    pub fn assert_taps_answered(&self) -> u64 {
        self.until("every tap to be answered", || {
            let open = self.books()["telegram"]["unanswered"].as_array().cloned()?;
            open.is_empty().then_some(())
        });
        self.books()["telegram"]["taps"].as_u64().unwrap_or_default()
    }

    /// Lines of the services' logs at this level, or that tell of a panic.
    pub fn log_lines(&self, level: &str) -> Vec<String> {
        let roles = [Role::Ledger, Role::Telegram, Role::Payments, Role::Generator, Role::Sandbox];
        let logs = roles.map(|role| std::fs::read_to_string(self.log_path(role)).unwrap_or_default());
        let lines = logs.iter().flat_map(|log| log.lines());
        let level = format!(" {level} ");
        lines.filter(|line| line.contains("panicked") || line.contains(&level)).map(str::to_owned).collect()
    }

    /// (available, reserved, debt) by the sums of the log.
    pub fn balance_of(&self, person: Person) -> (i64, i64, i64) {
        let sql = "SELECT coalesce(sum(available_delta), 0)::bigint, coalesce(sum(reserved_delta), 0)::bigint, \
                          coalesce(sum(debt_delta), 0)::bigint FROM events JOIN telegram_identities USING (account_id) \
                   WHERE telegram_user_id = $1";
        self.sql(sqlx::query_as(sql).bind(person.0).fetch_one(&self.pool))
    }

    /// How many events of this type this person has.
    pub fn count_of(&self, person: Person, event_type: &str) -> i64 {
        let sql = "SELECT count(*) FROM events JOIN telegram_identities USING (account_id) \
                   WHERE telegram_user_id = $1 AND type = $2";
        self.sql(sqlx::query_scalar(sql).bind(person.0).bind(event_type).fetch_one(&self.pool))
    }
}

/// A message's text or caption holds this.
pub fn said(message: &Value, words: &str) -> bool {
    [&message["text"], &message["caption"]].iter().any(|t| t.as_str().is_some_and(|t| t.contains(words)))
}

pub fn is_picture(message: &Value) -> bool {
    message["photo"].is_array() || message["document"].is_object()
}

/// Inline buttons: (text, callback data).
pub fn buttons(message: &Value) -> Vec<(String, String)> {
    let rows = message["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    rows.iter()
        .flat_map(|row| row.as_array().cloned().unwrap_or_default())
        .map(|b| (text(&b["text"]), text(&b["callback_data"])))
        .collect()
}

/// The first link button.
pub fn link(message: &Value) -> Option<String> {
    let rows = message["reply_markup"]["inline_keyboard"].as_array()?;
    rows.iter()
        .flat_map(|row| row.as_array().into_iter().flatten())
        .find_map(|b| b["url"].as_str())
        .map(str::to_owned)
}
