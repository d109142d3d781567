//! What the ledger keeps for people beside the log, over real NATS and Postgres: as raw messages, as the Telegram
//! adapter sends them.

mod albums;
mod asked;
mod broadcasts;
mod contents;
mod incidents;
mod pictures;
mod profile;
mod reading;
mod references;
mod tellings;

use e2e::Stage;
use e2e::raw::{Raw, person};
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

/// What the Telegram adapter sends and asks, of a person.
struct Desk<'a> {
    stage: &'a Stage,
    raw: Raw,
    ledger: service::ledger::Ledger,
}

impl<'a> Desk<'a> {
    fn new(stage: &'a Stage) -> Self {
        Self { stage, raw: Raw::new(stage), ledger: stage.ledger_as(Producer::Telegram) }
    }

    fn start(&self, user: i64) -> AccountId {
        let body = json!({"language": "ru", "name": format!("Ada {user}")});
        let reply = self.raw.send(
            Producer::Telegram,
            "account_open",
            &format!("start:1:{user}:1"),
            person(user),
            body,
        );
        reply["result"]["account"].as_str().unwrap_or_else(|| panic!("{reply}")).parse().unwrap()
    }

    /// An operational command; its answer.
    fn send(&self, verb: &str, user: i64, body: Value) -> Value {
        self.raw.send(Producer::Telegram, verb, &format!("{verb}:1"), person(user), body)
    }

    fn done(&self, verb: &str, user: i64, body: Value) -> Value {
        let reply = self.send(verb, user, body);
        assert_eq!(reply["status"], "done", "{verb}: {reply}");
        reply["result"].clone()
    }

    /// The refusal.
    fn refused(&self, verb: &str, user: i64, body: Value) -> Value {
        let reply = self.send(verb, user, body);
        assert_eq!(reply["status"], "refused", "{verb}: {reply}");
        reply["refusal"].clone()
    }

    fn ask(&self, query: &str, body: Value) -> Value {
        let asked = self.ledger.ask::<Value>(query, &body, None);
        self.stage.rt.block_on(asked).unwrap_or_else(|error| panic!("{query}: {error:?}"))
    }

    /// The code it is refused with.
    fn not_answered(&self, query: &str, body: Value) -> String {
        let asked = self.ledger.ask::<Value>(query, &body, None);
        let error = self.stage.rt.block_on(asked).expect_err("a refusal");
        error.code().unwrap_or_else(|| panic!("{query}: {error:?}")).to_owned()
    }

    fn erase(&self, user: i64) {
        let reply = self.raw.send(
            Producer::Telegram,
            "account_erase",
            &format!("erase:{user}"),
            person(user),
            json!({"forfeit": true}),
        );
        assert_eq!(reply["status"], "done", "{reply}");
    }

    fn count(&self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        self.stage.sql(sqlx::query_scalar(sql).fetch_one(&self.stage.pool))
    }
}

/// A photo by its number: another file id each time it is sent, and the same unique id.
fn photo(number: usize) -> Value {
    json!({"file_id": format!("file-{number}"), "unique_id": format!("u{number}"), "width": 640, "height": 480})
}
