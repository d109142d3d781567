//! The rest of the domain over real NATS and Postgres: credits given and taken, bans, refunds, quarantine,
//! referrals, lots that end, erasure; as raw messages, as another program would send them.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use proto_events::{AccountId, Event, GenerationId, PaymentId, Position, Producer, subjects};
use serde_json::{Value, json};

/// Sends envelopes as they stand on the wire.
struct Raw<'a> {
    stage: &'a Stage,
    clients: [(Producer, async_nats::Client); 4],
}

impl<'a> Raw<'a> {
    fn new(stage: &'a Stage) -> Self {
        // The console has no zone of its own: its acts come from the ledger's.
        let client = |producer: Producer| match producer {
            Producer::Console => (producer, stage.client("ledger")),
            _ => (producer, stage.client(producer.as_str())),
        };
        use Producer::{Console, Generator, Payments, Telegram};
        Self { stage, clients: [Telegram, Payments, Generator, Console].map(client) }
    }

    fn send(&self, producer: Producer, verb: &str, id: &str, account: Value, body: Value) -> Value {
        let mut envelope = json!({"id": id, "account": account, "body": body});
        if producer == Producer::Console {
            envelope["actor"] = "operator:ada".into();
        }
        self.stage.rt.block_on(self.ask(producer, verb, envelope))
    }

    async fn ask(&self, producer: Producer, verb: &str, envelope: Value) -> Value {
        let (_, client) = self.clients.iter().find(|(p, _)| *p == producer).unwrap();
        let subject = subjects::command(producer, verb);
        let answer = client.request(subject, envelope.to_string().into()).await.expect("an answer");
        serde_json::from_slice(&answer.payload).unwrap()
    }

    fn done(&self, producer: Producer, verb: &str, id: &str, account: Value, body: Value) -> Vec<String> {
        let reply = self.send(producer, verb, id, account, body);
        assert_eq!(reply["status"], "done", "{verb}: {reply}");
        let types = reply["events"].as_array().unwrap().iter();
        types.map(|e| e["type"].as_str().unwrap().to_owned()).collect()
    }

    fn refused(&self, producer: Producer, verb: &str, id: &str, account: Value, body: Value) -> String {
        let reply = self.send(producer, verb, id, account, body);
        assert_eq!(reply["status"], "refused", "{verb}: {reply}");
        reply["refusal"]["code"].as_str().unwrap().to_owned()
    }

    fn operator(&self, verb: &str, id: &str, account: Value, body: Value) -> Vec<String> {
        self.done(Producer::Console, verb, id, account, body)
    }
}

fn person(user: i64) -> Value {
    json!({"telegram": user})
}

fn of(account: AccountId) -> Value {
    json!({"id": account})
}

/// A person with 100 paid credits beside the 5 of the welcome.
fn payer(stage: &Stage, deeds: &Deeds, user: i64) -> (AccountId, PaymentId) {
    stage.rt.block_on(async {
        let account = deeds.start(user).await.unwrap();
        let payment = deeds.topup(user, &format!("n{user}")).await.unwrap();
        deeds.register(payment).await.unwrap();
        deeds.settle(payment, rubles(100)).await.unwrap();
        (account, payment)
    })
}

fn balance(stage: &Stage, deeds: &Deeds, user: i64) -> (i64, i64, i64) {
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    let head = Position::new(i64::try_from(log.len()).unwrap()).unwrap();
    stage.rt.block_on(deeds.balance(user, head)).unwrap()
}

fn count(stage: &Stage, table: &str, account: AccountId) -> i64 {
    let sql = format!("SELECT count(*) FROM {table} WHERE account_id = $1");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(account.0);
    stage.rt.block_on(query.fetch_one(&stage.pool)).unwrap()
}

#[test]
fn operators_give_take_ban_and_forgive_by_name() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, _) = payer(&stage, &deeds, 1);
    let give = json!({"credits": 7, "source": "admin", "reason": "sorry"});
    assert_eq!(raw.operator("credits_grant", "grant:1", person(1), give.clone()), ["CreditsGranted"]);
    assert_eq!(raw.operator("credits_grant", "grant:1", person(1), give.clone()), ["CreditsGranted"]);
    let other = json!({"credits": 8, "source": "admin", "reason": "sorry"});
    assert_eq!(
        raw.refused(Producer::Console, "credits_grant", "grant:1", person(1), other),
        "command_id_reused"
    );
    // An administrator in Telegram too, but by name.
    assert_eq!(raw.refused(Producer::Telegram, "credits_grant", "grant:2", person(1), give), "invalid");
    let take = |n: i64| json!({"credits": n, "reason": "a mistake"});
    assert_eq!(raw.operator("credits_revoke", "revoke:1", of(account), take(2)), ["CreditsRevoked"]);
    let too_much = raw.refused(Producer::Console, "credits_revoke", "revoke:2", of(account), take(1_000));
    assert_eq!(too_much, "insufficient_credits");
    assert_eq!(balance(&stage, &deeds, 1), (110, 0, 0));
    for bad in [json!(0), json!(-5), json!(1_000_000_001), json!(9_007_199_254_740_993i64), json!("5")] {
        let body = json!({"credits": bad, "source": "admin", "reason": "r"});
        assert_eq!(raw.refused(Producer::Console, "credits_grant", "grant:bad", person(1), body), "invalid");
    }
    let why = json!({"reason": "spam"});
    assert_eq!(raw.operator("account_ban", "ban:1", person(1), why.clone()), ["AccountBanned"]);
    assert_eq!(
        raw.refused(Producer::Console, "account_ban", "ban:2", person(1), why.clone()),
        "account_banned"
    );
    let asked = stage.rt.block_on(deeds.request(1, 1)).unwrap_err();
    assert_eq!(asked.code(), Some("account_banned"));
    assert_eq!(raw.operator("account_unban", "unban:1", person(1), why.clone()), ["AccountUnbanned"]);
    assert_eq!(
        raw.refused(Producer::Console, "account_unban", "unban:2", person(1), why),
        "account_not_banned"
    );
    stage.rt.block_on(deeds.request(1, 2)).unwrap();
    let forgive = json!({"credits": 1, "reason": "goodwill"});
    assert_eq!(
        raw.refused(Producer::Console, "debt_forgive", "forgive:1", person(1), forgive),
        "debt_smaller"
    );
    let act = json!({"act": "consumer_reset", "subject": "telegram", "reason": "stuck"});
    let operations = json!({"id": AccountId::OPERATIONS});
    assert_eq!(raw.operator("operator_act", "act:1", operations.clone(), act.clone()), ["OperatorActed"]);
    assert_eq!(raw.refused(Producer::Console, "operator_act", "act:2", person(1), act), "invalid");
    let swap = json!({"projection": "balances", "from": "balances_1", "to": "balances_2", "position": 9});
    assert_eq!(raw.operator("projection_swap", "swap:1", operations, swap), ["ProjectionSwapped"]);
    let acts: Vec<_> =
        stage.rt.block_on(Stage::log(&stage.pool)).into_iter().filter(|r| r.producer == "console").collect();
    assert!(acts.iter().all(|r| r.actor == "operator:ada"));
    stage.assert_verified();
}

#[test]
fn a_refund_takes_credits_back_and_a_failed_one_returns_them() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = payer(&stage, &deeds, 1);
    let open = |kopecks: i64| {
        let amount = json!({"amount": kopecks, "currency": "RUB"});
        json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "asked for"})
    };
    let refuse = |id: &str, body| raw.refused(Producer::Console, "refund_open", id, of(account), body);
    assert_eq!(refuse("refund:0", open(10_001)), "refund_exceeds_payment");
    assert_eq!(refuse("refund:0", open(0)), "invalid");
    let reply = raw.send(Producer::Console, "refund_open", "refund:1", of(account), open(5_000));
    assert_eq!(reply["result"]["credits"], 50, "{reply}");
    assert_eq!(balance(&stage, &deeds, 1), (55, 0, 0));
    let refund = reply["result"]["refund"].clone();
    let settle = |refund: &Value, provider: &str| {
        let amount = json!({"amount": 5_000, "currency": "RUB"});
        json!({"refund": refund, "rail": "yookassa", "provider_refund_id": provider, "amount": amount})
    };
    let done =
        raw.done(Producer::Payments, "refund_settle", "refunded:1", of(account), settle(&refund, "r-1"));
    assert_eq!(done, ["RefundSettled"]);
    // The other half is charged back; the provider's id of the first refund is not taken for it.
    let back = raw.send(Producer::Payments, "refund_open", "chargeback:1", of(account), open(5_000));
    let second = back["result"]["refund"].clone();
    let taken = settle(&second, "r-1");
    assert_eq!(
        raw.refused(Producer::Payments, "refund_settle", "refunded:2", of(account), taken),
        "refund_id_taken"
    );
    assert_eq!(balance(&stage, &deeds, 1), (5, 0, 0));
    let fail = json!({"refund": second, "rail": "yookassa", "reason": "declined"});
    let done = raw.done(Producer::Payments, "refund_fail", "refund_failed:1", of(account), fail.clone());
    assert_eq!(done, ["RefundFailed", "CreditsGranted"]);
    assert_eq!(balance(&stage, &deeds, 1), (55, 0, 0));
    assert_eq!(
        raw.refused(Producer::Payments, "refund_fail", "refund_failed:2", of(account), fail),
        "refund_closed"
    );
    // Who may not, by producer and by rail.
    assert_eq!(
        raw.refused(Producer::Telegram, "refund_open", "refund:9", of(account), open(1)),
        "not_allowed"
    );
    stage.assert_verified();
}

#[test]
fn a_quarantined_payment_waits_for_a_person() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = stage.rt.block_on(async {
        let account = deeds.start(1).await.unwrap();
        (account, deeds.topup(1, "a").await.unwrap())
    });
    let seen = json!({"status": "succeeded", "amount": {"amount": 7_000, "currency": "RUB"}});
    let doubt = |payment: Option<PaymentId>, id: &str| {
        json!({"payment": payment, "rail": "yookassa", "provider_payment_id": id,
            "problems": ["amount_differs"], "seen": seen})
    };
    let mine = doubt(Some(payment), "y-1");
    let done = raw.done(Producer::Payments, "payment_quarantine", "quarantine:1", of(account), mine.clone());
    assert_eq!(done, ["PaymentQuarantined"]);
    let again = raw.refused(Producer::Payments, "payment_quarantine", "quarantine:2", of(account), mine);
    assert_eq!(again, "already_quarantined");
    // What names no payment of ours goes to the operations' stream, once.
    let operations = json!({"id": AccountId::OPERATIONS});
    let stray = doubt(None, "y-2");
    let done =
        raw.done(Producer::Payments, "payment_quarantine", "quarantine:3", operations.clone(), stray.clone());
    assert_eq!(done, ["PaymentQuarantined"]);
    assert_eq!(
        raw.refused(Producer::Payments, "payment_quarantine", "quarantine:4", operations.clone(), stray),
        "already_quarantined"
    );
    let resolve = |id: &str, verdict: Value| json!({"rail": "yookassa", "provider_payment_id": id, "verdict": verdict, "reason": "asked the shop"});
    let dismissed = resolve("y-2", json!("dismiss"));
    assert_eq!(
        raw.operator("quarantine_resolve", "resolve:1", operations, dismissed),
        ["QuarantineResolved"]
    );
    let amount = json!({"amount": 7_000, "currency": "RUB"});
    let settled = resolve("y-1", json!({"settle": {"amount": amount, "credits": 70, "test": false}}));
    assert_eq!(
        raw.operator("quarantine_resolve", "resolve:2", of(account), settled),
        ["QuarantineResolved", "PaymentSettled", "CreditsGranted"]
    );
    assert_eq!(balance(&stage, &deeds, 1), (75, 0, 0));
    // The provider's payment is taken now, whoever asks.
    let other = stage.rt.block_on(deeds.topup(1, "b")).unwrap();
    let stolen = stage.rt.block_on(deeds.settle_as(other, "y-1", rubles(100))).unwrap_err();
    assert_eq!(stolen.code(), Some("provider_id_taken"));
    stage.assert_verified();
}

#[test]
fn a_canceled_generation_gives_its_credits_back_and_a_partial_one_a_part() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, _) = payer(&stage, &deeds, 1);
    let ask = |message| stage.rt.block_on(deeds.request(1, message)).unwrap();
    let first: GenerationId = ask(1);
    let cancel = json!({"generation": first});
    let done = raw.done(Producer::Telegram, "generation_cancel", "cancel:1:a", person(1), cancel.clone());
    assert_eq!(done, ["ReservationReleased", "GenerationCanceled"]);
    assert_eq!(
        raw.refused(Producer::Telegram, "generation_cancel", "cancel:1:b", person(1), cancel),
        "generation_closed"
    );
    let second = ask(2);
    stage.rt.block_on(deeds.claim(second, 1)).unwrap();
    let output = json!({"object": "o", "sha256": "00", "media_type": "png", "bytes": 1});
    let complete = |charge: i64| json!({"generation": second, "attempt": 1, "outputs": [output], "spent": {"latency_ms": 1}, "charge": charge});
    assert_eq!(
        raw.refused(Producer::Generator, "generation_complete", "complete:x", of(account), complete(11)),
        "charge_too_large"
    );
    raw.done(Producer::Generator, "generation_complete", "complete:y", of(account), complete(4));
    assert_eq!(balance(&stage, &deeds, 1), (101, 0, 0));
    stage.assert_verified();
}

fn invite(raw: &Raw, user: i64, inviter: &str) -> AccountId {
    let body = json!({"language": "ru", "name": "Bo", "inviter": inviter});
    let reply = raw.send(Producer::Telegram, "account_open", &format!("start:1:{user}"), person(user), body);
    assert_eq!(reply["status"], "done", "{reply}");
    serde_json::from_value(reply["result"]["account"].clone()).unwrap()
}

#[test]
fn a_referral_is_paid_to_both_sides_once() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let inviter = stage.rt.block_on(deeds.start(1)).unwrap();
    let link = inviter.0.simple().to_string();
    let invited = invite(&raw, 2, &link);
    // The same start again, and a link of nobody.
    assert_eq!(invite(&raw, 2, &link), invited);
    invite(&raw, 3, "00000000000040008000000000000abc");
    stage.until("both bonuses", || {
        (balance(&stage, &deeds, 1).0 == 10 && balance(&stage, &deeds, 2).0 == 10).then_some(())
    });
    assert_eq!(balance(&stage, &deeds, 3), (5, 0, 0));
    let register = |id: &str, user: i64, inviter: AccountId| {
        raw.refused(Producer::Telegram, "referral_register", id, person(user), json!({"inviter": inviter}))
    };
    assert_eq!(register("invited:a", 2, inviter), "already_invited");
    assert_eq!(register("invited:b", 1, inviter), "self_referral");
    assert_eq!(register("invited:c", 1, AccountId::random()), "inviter_not_found");
    // Said later, by a person who has done nothing yet.
    let body = json!({"inviter": inviter});
    raw.done(Producer::Telegram, "referral_register", "invited:d", person(3), body);
    stage.until("the third person's bonus", || (balance(&stage, &deeds, 3).0 == 10).then_some(()));
    let granted = stage.rt.block_on(Stage::log(&stage.pool)).into_iter().filter(|r| {
        matches!(r.event().unwrap(), Event::CreditsGranted(e) if e.cause.is_some()) && r.causation.is_some()
    });
    assert_eq!(granted.count(), 4);
    stage.assert_verified();
}

#[test]
fn an_erased_person_leaves_a_fingerprint_and_nothing_else() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = payer(&stage, &deeds, 1);
    stage.rt.block_on(async {
        let made = deeds.request(1, 1).await.unwrap();
        deeds.claim(made, 1).await.unwrap();
        deeds.complete(made, 1).await.unwrap();
        deeds.delivered(made).await.unwrap();
    });
    let erase = |id: &str, forfeit: bool| {
        raw.send(Producer::Telegram, "account_erase", id, person(1), json!({"forfeit": forfeit}))
    };
    // Opened and not paid: it waits.
    let open = stage.rt.block_on(deeds.topup(1, "late")).unwrap();
    assert_eq!(erase("erase:1", true)["refusal"]["code"], "open_payments");
    let cancel = json!({"payment": open, "rail": "yookassa", "party": "merchant", "reason": "expired"});
    raw.done(Producer::Payments, "payment_cancel", "cancel:yookassa:x", of(account), cancel);
    let told = erase("erase:1", false);
    assert_eq!(
        told["refusal"]["details"],
        json!({"credits": 95, "paid": 95, "RUB": 9_500, "XTR": 0}),
        "{told}"
    );
    let gone = erase("erase:1", true);
    assert_eq!(gone["result"], json!({"forfeited": 95, "debt_kept": 0}), "{gone}");
    // The answer got lost: asked again, it is the same.
    assert_eq!(erase("erase:1", true)["result"], gone["result"]);
    for table in ["telegram_identities", "account_keys", "profiles"] {
        assert_eq!(count(&stage, table, account), 0, "{table}");
    }
    let content = ["chat_contexts", "payment_links", "generation_contents", "generation_outputs"];
    stage.until("the content to be deleted", || {
        content.iter().all(|table| count(&stage, table, account) == 0).then_some(())
    });
    assert_eq!(stage.rt.block_on(deeds.topup(1, "x")).unwrap_err().code(), Some("account_not_found"));
    // The provider takes the money back later: the debt waits for the person.
    let amount = json!({"amount": 10_000, "currency": "RUB"});
    let back = json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "chargeback"});
    let done = raw.done(Producer::Payments, "refund_open", "chargeback:1", of(account), back);
    assert_eq!(done, ["RefundOpened", "DebtIncurred", "DebtPaid"]);
    let again = raw.send(
        Producer::Telegram,
        "account_open",
        "start:1:1:again",
        person(1),
        json!({"language": "ru", "name": "Ada", "inviter": account}),
    );
    assert_eq!(again["result"]["welcome"], 0, "{again}");
    let types: Vec<_> = again["events"].as_array().unwrap().iter().map(|e| e["type"].clone()).collect();
    assert_eq!(types, ["AccountOpened", "DebtCarried"]);
    assert_eq!(balance(&stage, &deeds, 1), (0, 0, 5));
    // The debt is not carried twice.
    let last = json!({"forfeit": true});
    raw.done(Producer::Telegram, "account_erase", "erase:2", person(1), last);
    let third = json!({"language": "ru", "name": "Ada"});
    raw.done(Producer::Telegram, "account_open", "start:1:1:third", person(1), third);
    assert_eq!(balance(&stage, &deeds, 1), (0, 0, 5));
    stage.assert_verified();
}

#[test]
fn erasing_and_opening_at_once_ends_with_one_account() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    for user in 1..=20 {
        stage.rt.block_on(deeds.start(user)).unwrap();
    }
    // A raw race: the second start is on its way while the erasure is.
    let replies = stage.rt.block_on(async {
        let each = (1..=20).map(|user| {
            let raw = &raw;
            async move {
                let erase = json!({"id": format!("erase:{user}"), "account": person(user),
                    "body": {"forfeit": true}});
                let body = json!({"language": "en", "name": "Bo"});
                let open =
                    json!({"id": format!("start:again:{user}"), "account": person(user), "body": body});
                let erasure = raw.ask(Producer::Telegram, "account_erase", erase);
                let opening = raw.ask(Producer::Telegram, "account_open", open.clone());
                let (erased, opened) = tokio::join!(erasure, opening);
                assert_eq!(erased["status"], "done", "{erased}");
                if opened["status"] == "done" {
                    return opened;
                }
                assert_eq!(opened["refusal"]["code"], "account_exists", "{opened}");
                raw.ask(Producer::Telegram, "account_open", open).await
            }
        });
        futures_util::future::join_all(each).await
    });
    for (user, reply) in (1..).zip(replies) {
        assert_eq!((&reply["status"], &reply["result"]["welcome"]), (&json!("done"), &json!(0)), "{reply}");
        assert_eq!(balance(&stage, &deeds, user), (0, 0, 0));
    }
    stage.assert_verified();
}

#[test]
fn a_lot_ends_by_the_ledgers_timer() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    let now: i64 = stage.rt.block_on(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)).unwrap();
    let give = |ends_in_ms: i64| json!({"credits": 7, "source": "promo", "reason": "r", "expires_at": now + ends_in_ms * 1_000});
    let past = raw.refused(Producer::Console, "credits_grant", "grant:0", person(1), give(0));
    assert_eq!(past, "end_in_the_past");
    raw.operator("credits_grant", "grant:1", person(1), give(1_500));
    raw.operator("credits_grant", "grant:2", person(1), give(3_600_000));
    assert_eq!(balance(&stage, &deeds, 1), (19, 0, 0));
    stage.until("the lot to expire", || (balance(&stage, &deeds, 1) == (12, 0, 0)).then_some(()));
    stage.until("its row to go", || (count(&stage, "expiring_lots", account) == 1).then_some(()));
    stage.assert_verified();
}
