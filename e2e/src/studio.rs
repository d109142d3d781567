//! Where things are made: ledger, generator, Telegram adapter and sandbox. People ask for what the bot's menus don't
//! offer, by the bot's own command; what came of it is read from the log, the chat and the vendor's books.

use anyhow::Result;
use proto_events::{GenerationId, Producer};
use serde_json::{Value, json};

use crate::people::{Person, answered};
use crate::raw::{Raw, person};
use crate::{Role, Stage};

pub struct Studio {
    pub stage: Stage,
    pub raw: Raw,
}

/// What the log says of a generation.
#[derive(Debug, Clone)]
pub struct Life {
    /// (type, payload), oldest first.
    pub events: Vec<(String, Value)>,
}

impl Studio {
    /// `generator`: more in its environment.
    pub fn open(generator: &[(&str, &str)]) -> Result<Self> {
        Self::open_with(&[], generator)
    }

    /// `limits`: in place of the catalog's.
    pub fn open_with(limits: &[(&str, i64)], generator: &[(&str, &str)]) -> Result<Self> {
        let mut stage = Stage::new()?;
        let limits = [&[("lease_ms", 2_000), ("running_per_person_max", 20)], limits].concat();
        let catalog = stage.catalog_with(&limits)?;
        stage.start(Role::Sandbox, &[])?;
        stage.start(Role::Ledger, &[("CATALOG_FILE", &catalog)])?;
        stage.start(Role::Generator, generator)?;
        stage.start(Role::Telegram, &[])?;
        let raw = Raw::new(&stage);
        Ok(Self { stage, raw })
    }

    /// Someone with 5 credits of welcome and 1 000 more.
    pub fn meet(&self, user: i64) -> Person {
        let ada = Person(user);
        self.stage.write(ada, "/start");
        self.stage.wait_for(ada, "the welcome", |_| true);
        let gift = json!({"credits": 1_000, "source": "admin", "reason": "a test"});
        self.raw.operator("credits_grant", &format!("grant:{user}"), person(user), gift);
        ada
    }

    /// `more` goes into the command: model, size, references …
    pub fn ask(&self, ada: Person, kind: &str, prompt: &str, more: &Value) -> GenerationId {
        let mut body = json!({"kind": kind, "prompt": prompt, "references": [],
            "context": {"chat": ada.0, "message": 1}});
        let given = more.as_object().cloned().unwrap_or_default();
        given.into_iter().for_each(|(name, value)| body[name] = value);
        let id = format!("msg:1:{}:{}", ada.0, prompt.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        let reply = self.raw.send(Producer::Telegram, "generation_request", &id, person(ada.0), body);
        assert_eq!(reply["status"], "done", "{prompt}: {reply}");
        serde_json::from_value(reply["result"]["generation"].clone()).unwrap_or_else(|error| {
            panic!("a request should be answered with its generation: {reply}: {error}")
        })
    }

    /// Bends calls of Gemini whose request holds this text.
    pub fn bend(&self, holding: &str, fault: &Value, times: u32) {
        let plan = json!({"vendor": "gemini", "fault": fault, "times": times, "match": holding});
        let (status, answer) = self.stage.post("/faults", &plan);
        assert!(status < 300, "the fault was not taken: {answer}");
    }

    /// Changes the sandbox's settings while it runs.
    pub fn set(&self, settings: &Value) {
        let url = format!("{}/settings", self.stage.url(Role::Sandbox));
        let put = async { self.stage.http.put(url).json(settings).send().await };
        assert!(answered(self.stage.rt.block_on(put)).status().is_success(), "{settings} was not taken");
    }

    pub fn life(&self, generation: GenerationId) -> Life {
        let sql = "SELECT type, payload FROM events WHERE account_id = $1 AND strpos(payload, $2) > 0 ORDER BY position";
        let asked = sqlx::query_as(sql).bind(generation.account().0).bind(generation.to_string());
        let rows: Vec<(String, String)> = self.stage.sql(asked.fetch_all(&self.stage.pool));
        let read = |(name, payload): (String, String)| {
            let payload = serde_json::from_str(&payload)
                .unwrap_or_else(|error| panic!("a payload should be JSON: {payload}: {error}"));
            (name, payload)
        };
        Life { events: rows.into_iter().map(read).collect() }
    }

    /// Waits until it has one of these events.
    pub fn until(&self, generation: GenerationId, types: &[&str]) -> Life {
        self.stage.until(&format!("{types:?} of {generation}"), || {
            let life = self.life(generation);
            types.iter().any(|name| life.count(name) > 0).then_some(life)
        })
    }

    /// Waits until it is made and brought, or has failed, or was canceled.
    pub fn end(&self, generation: GenerationId) -> Life {
        self.until(generation, &["GenerationDelivered", "GenerationFailed", "GenerationCanceled"])
    }

    /// What the vendor generated for this prompt and is paid for, in micro-dollars a call.
    pub fn billed(&self, prompt: &str) -> Vec<i64> {
        let all = self.stage.gemini_calls(prompt).into_iter();
        let calls = all.filter(|call| call["prompt"] == prompt && call["billed"] == true);
        calls.filter_map(|call| call["cost_micro_usd"].as_i64()).collect()
    }
}

impl Life {
    pub fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }

    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |(known, _)| known == name).map(|(_, payload)| payload)
    }

    /// Of the newest event of this type.
    pub fn newest(&self, name: &str) -> &Value {
        self.all(name).last().unwrap_or_else(|| panic!("there should be a {name}: {self:?}"))
    }

    /// What the attempts that did not finish it brought.
    pub fn attempts(&self) -> Vec<&str> {
        self.all("GenerationAttempted").filter_map(|event| event["outcome"].as_str()).collect()
    }

    /// What its calls cost, and which of these are guesses: of attempts, then of the result.
    pub fn costs(&self) -> Vec<(i64, bool)> {
        let spent = self.all("GenerationAttempted").chain(self.all("GenerationSucceeded"));
        let cost = |event: &Value| {
            let spent = &event["spent"];
            Some((spent["cost_micro_usd"].as_i64()?, spent["estimated"] == true))
        };
        spent.filter_map(cost).collect()
    }

    /// Credits that were charged for it.
    pub fn charged(&self) -> i64 {
        self.all("GenerationSucceeded").filter_map(|event| event["credits"].as_i64()).sum()
    }
}
