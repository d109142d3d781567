//! A person on their way through a flow while calls are bent.

use std::cell::Cell;
use std::time::{Duration, Instant};

use e2e::Stage;
use e2e::people::{Person, buttons, said};
use serde_json::{Value, json};

/// A bent way takes some tens of seconds: teloxide waits 10 s after a 5xx.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Of a message.
pub fn id(message: &Value) -> i64 {
    message["message_id"].as_i64().unwrap_or_default()
}

/// A person on a way; what does not happen in time is told, not panicked about.
pub struct Walk<'a> {
    pub stage: &'a Stage,
    pub person: Person,
    /// Their first update waits for another one.
    pub overtaken: bool,
    nudged: Cell<bool>,
}

impl<'a> Walk<'a> {
    pub fn new(stage: &'a Stage, user: i64, overtaken: bool) -> Self {
        Self { stage, person: Person(user), overtaken, nudged: Cell::default() }
    }

    pub fn rich(&self) -> Result<Value, String> {
        let after = self.write("/start")?;
        self.wait("the welcome", after, |_| true)?;
        self.stage.give(self.person, 500);
        Ok(Value::Null)
    }

    pub fn write(&self, text: &str) -> Result<i64, String> {
        let body = json!({"text": text, "language_code": "en", "first_name": "Ada"});
        let (status, message) = self.stage.post(&format!("/people/{}/messages", self.person.0), &body);
        if status == 200 { Ok(id(&message)) } else { Err(message.to_string()) }
    }

    pub fn tap(&self, message: &Value, words: &str) -> Result<(), String> {
        let found = buttons(message).into_iter().find(|(label, _)| label.contains(words));
        let (_, data) = found.ok_or_else(|| format!("no button {words}: {message}"))?;
        self.stage.forge(self.person, id(message), &data, &json!({}));
        Ok(())
    }

    pub fn wait(&self, what: &str, after: i64, accept: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.stage.bot_said(self.person);
            if let Some(found) = said.iter().rev().find(|m| id(m) >= after && accept(m)) {
                return Ok(found.clone());
            }
            if Instant::now() > end {
                return Err(format!("waited for {what}: {:?}", said.iter().map(brief).collect::<Vec<_>>()));
            }
            if self.overtaken && !self.nudged.replace(true) {
                // Something of the same chat and something of the same person's taps go by.
                self.write("/nonsense")?;
                self.stage.forge(self.person, after, "nonsense", &json!({}));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Until nothing of theirs is on its way.
    pub fn settle(&self) -> Result<(), String> {
        let (end, mine) = (Instant::now() + PATIENCE, format!(":{}", self.person.0));
        loop {
            let waiting =
                self.stage.books()["telegram"]["pending_for"].as_array().cloned().unwrap_or_default();
            let updates =
                waiting.iter().filter(|key| key.as_str().is_some_and(|key| key.ends_with(&mine))).count();
            let sql = "SELECT (SELECT count(*) FROM deliveries JOIN telegram_identities i USING (account_id) \
                       WHERE i.telegram_user_id = $1) + (SELECT count(*) FROM jobs JOIN telegram_identities i \
                       USING (account_id) WHERE i.telegram_user_id = $1)";
            let open: i64 =
                self.stage.sql(sqlx::query_scalar(sql).bind(self.person.0).fetch_one(&self.stage.pool));
            if updates == 0 && open == 0 {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{updates} updates and {open} tellings or jobs are still open"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn said_after(&self, after: i64) -> Vec<Value> {
        let nudge = |m: &Value| self.overtaken && said(m, "don't know");
        self.stage.bot_said(self.person).into_iter().filter(|m| id(m) > after && !nudge(m)).collect()
    }
}

pub fn brief(message: &Value) -> String {
    let words = [&message["text"], &message["caption"]].into_iter().find_map(Value::as_str).unwrap_or("?");
    words.lines().next().unwrap_or_default().chars().take(40).collect()
}
