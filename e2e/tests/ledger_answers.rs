//! Whose answer it is: nats-server may mix up two answers that are due at once between accounts
//! (docs/adr/0013-answers-name-their-question.md), so each says to which question it belongs.

use async_nats::{Client, Message};
use e2e::Stage;
use e2e::deeds::{Deeds, id, text};
use futures_util::StreamExt as _;
use ledger::inbox::BODY_BYTES_MAX;
use proto_events::commands::AccountOpen;
use proto_events::envelope::AccountRef;
use proto_events::queries::{AccountQuery, BalanceView};
use proto_events::{AccountId, Answer, Credits, Position, Producer, QueryReply, Reply, Text};
use serde::Serialize;
use serde_json::{Value, json};
use service::ledger::Envelope;

/// Stands in for the ledger: each question is first answered as another's, then as nobody's, then as its own.
async fn mix_up(ledger: &Client, message: Message, answer: impl Serialize, tries: usize) {
    let question: Value = serde_json::from_slice(&message.payload).unwrap();
    let own = serde_json::from_value(question["ask"].clone()).unwrap();
    let ask = [Some(Text::lossy("another's")), None, Some(own)][tries.min(2)].clone();
    let body = serde_json::to_vec(&Answer { ask, reply: answer }).unwrap();
    ledger.publish(message.reply.unwrap(), body.into()).await.unwrap();
}

fn opened(position: i64) -> Reply {
    let position = Position::new(position).unwrap();
    Reply::Done { position, events: Vec::new(), result: Value::Null, incarnation: 1 }
}

#[test]
fn the_answer_to_another_question_is_not_taken_and_the_question_is_asked_again() {
    let stage = Stage::new().unwrap();
    let ledger = stage.client("ledger");
    let adapter = stage.ledger_as(Producer::Telegram);
    let account = AccountRef::Telegram(1);
    stage.rt.block_on(async {
        let mut commands = ledger.subscribe("cmd.ledger.>").await.unwrap();
        let mut queries = ledger.subscribe("qry.ledger.>").await.unwrap();
        ledger.flush().await.unwrap();
        let standing_in = async {
            for tries in 0..3 {
                let own = i64::try_from(tries).unwrap();
                mix_up(&ledger, commands.next().await.unwrap(), opened(own), tries).await;
            }
            for tries in 0..3 {
                let available = Credits::new(i64::try_from(tries).unwrap()).unwrap();
                let account = AccountId::CATALOG;
                let balance = json!({"account": account, "available": available, "reserved": 0, "debt": 0});
                let answer = QueryReply::Ok { position: Position::ZERO, result: balance };
                mix_up(&ledger, queries.next().await.unwrap(), answer, tries).await;
            }
        };
        let asking = async {
            let command = AccountOpen { language: text("en"), name: text("Ada"), inviter: None }.into();
            let open = Envelope { id: id("start:1:1"), account, command, causation: None, trace_id: None };
            let done = adapter.send(open).await.unwrap();
            let balance = adapter.ask::<BalanceView>("balance", &AccountQuery { account }, None).await;
            (done.position.get(), balance.unwrap().available.get())
        };
        let ((), took) = tokio::join!(standing_in, asking);
        assert_eq!(took, (2, 2), "only the third answer was to this question");
    });
}

#[test]
fn every_answer_names_its_question() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, client) = (Deeds::new(&stage), stage.client("telegram"));
    stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        let open =
            json!({"id": "start:1:2", "account": {"telegram": 2}, "body": {"language": "en", "name": "Ada"}});
        let again =
            json!({"id": "start:1:3", "account": {"telegram": 1}, "body": {"language": "en", "name": "Ada"}});
        let unread = json!({"id": "", "account": 7, "surplus": true});
        let profile = json!({"id": "profile:1", "account": {"telegram": 1}, "body": {"name": "Grace"}});
        let account = json!({"account": {"telegram": 1}});
        let huge = json!({"id": "x".repeat(BODY_BYTES_MAX)});
        let cases = [
            ("cmd.ledger.telegram.account_open", &open, "done"),
            ("cmd.ledger.telegram.account_open", &open, "done"),
            ("cmd.ledger.telegram.account_open", &again, "refused"),
            ("cmd.ledger.telegram.account_open", &unread, "refused"),
            ("cmd.ledger.telegram.account_open", &huge, "refused"),
            ("cmd.ledger.telegram.no_such_verb", &open, "refused"),
            ("cmd.ledger.telegram.debt_forgive", &open, "refused"),
            ("cmd.ledger.telegram.profile_update", &profile, "done"),
            ("qry.ledger.telegram.balance", &account, "ok"),
            ("qry.ledger.telegram.no_such_query", &account, "refused"),
            ("qry.ledger.telegram.balance", &unread, "refused"),
        ];
        for (n, (subject, question, status)) in cases.into_iter().enumerate() {
            for ask in [Some(format!("question {n}")), None] {
                let mut question = question.clone();
                if let Some(ask) = &ask {
                    question["ask"] = json!(ask);
                }
                let answer = client.request(subject, question.to_string().into()).await.unwrap();
                let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
                assert_eq!(answer["status"], status, "{subject}: {answer}");
                assert_eq!(answer.get("ask"), ask.map(Value::from).as_ref(), "{subject}: {answer}");
            }
        }
    });
    stage.assert_verified();
}
