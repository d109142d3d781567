//! A flood by one producer, as a broadcast would be: what it can't take the ledger answers with busy,
//! nothing is dropped silently, and payments go before what waits: another producer's, and its own, in Stars.
//!
//! While the table of events is locked nothing is appended, and the flood's line grows to its bound; the
//! payments are behind all of it when the lock is let go.

use std::time::Duration;

use async_nats::{Client, Subscriber};
use e2e::deeds::{Deeds, envelope, id, text};
use e2e::{Role, Stage, judge};
use futures_util::StreamExt as _;
use proto_events::commands::{ChatContext, TopupOpen};
use proto_events::envelope::AccountRef;
use proto_events::queries::TopupOpened;
use proto_events::{PaymentId, Position, Producer, Rail, Reply};
use serde_json::json;

/// More than a producer's line holds.
const FLOOD: usize = 6_000;
/// At least so many of the flood are appended after the payment: those that had waited longer, but for the
/// batches that were under way.
const OVERTAKEN: usize = 2_000;
/// A hang is a failure.
const PATIENCE: Duration = Duration::from_secs(60);
const INBOX: &str = "_INBOX_telegram.flood";

async fn flood(telegram: &Client) {
    for n in 0..FLOOD {
        let user = 1_000_000 + n;
        let body = json!({"id": format!("start:1:{user}"), "account": {"telegram": user},
            "body": {"language": "ru", "name": "Ada"}});
        let reply = format!("{INBOX}.{n}");
        telegram
            .publish_with_reply("cmd.ledger.telegram.account_open", reply, body.to_string().into())
            .await
            .unwrap();
    }
}

async fn settle(payments: &Client, payment: PaymentId, reply: &str) {
    let body = json!({"id": "settle:yookassa:one", "account": {"telegram": 1}, "body": {
        "payment": payment, "rail": "yookassa", "provider_payment_id": "one", "test": false,
        "amount": {"amount": 10_000, "currency": "RUB"},
    }});
    let subject = "cmd.ledger.payments.payment_settle";
    payments.publish_with_reply(subject, reply.to_owned(), body.to_string().into()).await.unwrap();
}

async fn settle_stars(telegram: &Client, payment: PaymentId, reply: &str) {
    let body = json!({"id": "settle:stars:two", "account": {"telegram": 1}, "body": {
        "payment": payment, "rail": "stars", "provider_payment_id": "two", "test": false,
        "amount": {"amount": 75, "currency": "XTR"},
    }});
    let subject = "cmd.ledger.telegram.payment_settle";
    telegram.publish_with_reply(subject, reply.to_owned(), body.to_string().into()).await.unwrap();
}

/// What this connection has sent before waits in its line, or was answered: this is answered at the door.
async fn knock(client: &Client, producer: &str) {
    client.request(format!("cmd.ledger.{producer}.no_such_verb"), "{}".into()).await.unwrap();
}

async fn heard(replies: &mut Subscriber) -> Reply {
    let message =
        tokio::time::timeout(PATIENCE, replies.next()).await.expect("a reply did not come").unwrap();
    serde_json::from_slice(&message.payload).unwrap()
}

#[test]
fn a_flood_of_one_producer_is_told_busy_at_the_bound_and_a_payment_overtakes_it() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    let (telegram, payments) = (stage.client("telegram"), stage.client("payments"));
    let settled = stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        let payment = deeds.topup(1, "before-the-flood").await.unwrap();
        let context = ChatContext { chat: 1, message: 1, status_message: None };
        let open = TopupOpen { package: text("xtr-100"), rail: Rail::Stars, context };
        let open = envelope(id("topup:1:stars"), AccountRef::Telegram(1), open);
        let stars: TopupOpened = deeds.send(Producer::Telegram, open).await.unwrap().result().unwrap();
        let mut flooded = telegram.subscribe(format!("{INBOX}.*")).await.unwrap();
        let mut paid = payments.subscribe("_INBOX_payments.flood").await.unwrap();
        let mut paid_in_stars = telegram.subscribe("_INBOX_telegram.stars").await.unwrap();
        let mut held = stage.pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE events IN SHARE MODE").execute(&mut *held).await.unwrap();
        flood(&telegram).await;
        settle_stars(&telegram, stars.payment, "_INBOX_telegram.stars").await;
        knock(&telegram, "telegram").await;
        settle(&payments, payment, "_INBOX_payments.flood").await;
        knock(&payments, "payments").await;
        held.rollback().await.unwrap();
        let mut last = Position::ZERO;
        for paid in [&mut paid, &mut paid_in_stars] {
            let Reply::Done { position, .. } = heard(paid).await else {
                panic!("a payment is never told busy because of a flood of messages");
            };
            last = last.max(position);
        }
        let (mut busy, mut done) = (0, 0);
        for _ in 0..FLOOD {
            match heard(&mut flooded).await {
                Reply::Busy { .. } => busy += 1,
                Reply::Done { .. } => done += 1,
                other => panic!("the flood was answered {other:?}"),
            }
        }
        println!("of the flood {done} were done and {busy} told busy");
        assert!(busy > 0 && done > OVERTAKEN, "{busy} busy, {done} done");
        last
    });
    assert!(stage.metric(Role::Ledger, "ledger_busy_total").is_some_and(|told| told > 0.0));
    let behind: i64 = stage.rt.block_on(async {
        let sql = "SELECT count(*) FROM events WHERE type = 'AccountOpened' AND position > $1";
        sqlx::query_scalar(sql).bind(settled.get()).fetch_one(&stage.pool).await.unwrap()
    });
    assert!(behind >= i64::try_from(OVERTAKEN).unwrap(), "only {behind} of the flood were overtaken");
    judge::assert_at_rest(&stage, &stage.client("ledger"));
}
