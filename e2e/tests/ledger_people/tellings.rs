//! What others change is told, once, in the person's own chat; and what can't be told waits for them.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use e2e::raw::{of, person};
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::Desk;

/// What waits to be told, by the sweep: (position, type).
fn open(desk: &Desk<'_>) -> Vec<(i64, String)> {
    let open = desk.ask("deliveries", json!({"limit": 100}));
    let read = |d: &Value| (d["position"].as_i64().unwrap(), d["type"].as_str().unwrap().to_owned());
    open.as_array().unwrap().iter().map(read).collect()
}

fn types(desk: &Desk<'_>) -> Vec<String> {
    open(desk).into_iter().map(|(_, event_type)| event_type).collect()
}

fn claim(desk: &Desk<'_>, position: i64) -> Value {
    desk.send("delivery_claim", 1, json!({"position": position, "claimant": "t1"}))
}

fn finish(desk: &Desk<'_>, position: i64, attempt: i64, outcome: &str) -> bool {
    let body = json!({"position": position, "attempt": attempt, "outcome": outcome});
    desk.done("delivery_done", 1, body)["closed"].as_bool().unwrap()
}

/// Claims what is first and tells it; the telling.
fn tell(desk: &Desk<'_>) -> Value {
    let (position, _) = open(desk).into_iter().next().expect("something to tell");
    let told = claim(desk, position);
    assert_eq!(told["status"], "done", "{told}");
    assert!(finish(desk, position, 1, "told"));
    assert_eq!(claim(desk, position)["refusal"]["code"], "delivery_done");
    told["result"].clone()
}

fn operator(desk: &Desk<'_>, verb: &str, id: &str, user: i64, body: Value) -> i64 {
    let reply = desk.raw.send(Producer::Console, verb, id, person(user), body);
    assert_eq!(reply["status"], "done", "{reply}");
    reply["position"].as_i64().unwrap()
}

fn grant(desk: &Desk<'_>, n: i64, source: &str) -> i64 {
    let body = json!({"credits": n, "source": source, "reason": "r"});
    operator(desk, "credits_grant", &format!("grant:{n}"), 1, body)
}

#[test]
fn what_operators_do_is_told_in_the_persons_own_chat() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    assert_eq!(types(&desk), Vec::<String>::new(), "the welcome is told by who opened the account");
    for (n, source) in [(3, "admin"), (4, "promo"), (5, "compensation")] {
        grant(&desk, n, source);
        let told = tell(&desk);
        assert_eq!(
            (&told["chat"], &told["message"], &told["language"]),
            (&json!(1), &Value::Null, &json!("ru"))
        );
        assert_eq!(told["account"], json!(account));
        let news = json!({
            "type": "credits_granted", "credits": n, "source": source, "expires_at": null, "inviter": false,
        });
        assert_eq!(told["news"], news);
    }
    operator(&desk, "credits_revoke", "revoke:1", 1, json!({"credits": 6, "reason": "r"}));
    let told = tell(&desk);
    assert_eq!(told["news"], json!({"type": "credits_revoked", "credits": 6}));
    assert_eq!(told["balance"]["available"], 11);
    let soon: i64 = stage.sql(sqlx::query_scalar("SELECT now_us() + 300000").fetch_one(&stage.pool));
    let body = json!({"credits": 2, "source": "promo", "reason": "r", "expires_at": soon});
    operator(&desk, "credits_grant", "grant:soon", 1, body);
    assert_eq!(tell(&desk)["news"]["expires_at"], soon);
    stage.until("its end", || (types(&desk) == ["CreditsExpired"]).then_some(()));
    assert_eq!(tell(&desk)["news"], json!({"type": "credits_expired", "credits": 2}));

    // What is over before it is told is not told.
    operator(&desk, "account_ban", "ban:1", 1, json!({"reason": "r"}));
    assert_eq!(types(&desk), ["AccountBanned"]);
    operator(&desk, "account_unban", "unban:1", 1, json!({"reason": "r"}));
    assert_eq!(types(&desk), ["AccountUnbanned"]);
    operator(&desk, "account_ban", "ban:2", 1, json!({"reason": "r"}));
    assert_eq!(types(&desk), ["AccountBanned"]);
    assert_eq!(tell(&desk)["news"], json!({"type": "account_banned"}));
    operator(&desk, "account_unban", "unban:2", 1, json!({"reason": "r"}));
    assert_eq!(tell(&desk)["news"], json!({"type": "account_unbanned"}));
    stage.assert_verified();
}

#[test]
fn bonuses_debts_cancellations_and_first_payments_are_told_as_what_they_are() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    let inviter = desk.start(1);
    let body = json!({"language": "en", "name": "Bo", "inviter": inviter});
    desk.raw.done(Producer::Telegram, "account_open", "start:1:2:1", person(2), body);
    stage.until("both bonuses", || (types(&desk) == ["CreditsGranted", "CreditsGranted"]).then_some(()));
    let told = [tell(&desk), tell(&desk)].map(|t| (t["chat"].clone(), t["news"]["inviter"].clone()));
    assert_eq!(told, [(json!(1), json!(true)), (json!(2), json!(false))]);

    for (nonce, first) in [("a", true), ("b", false)] {
        stage.rt.block_on(async {
            let payment = deeds.topup(1, nonce).await.unwrap();
            deeds.settle(payment, rubles(100)).await.unwrap();
        });
        assert_eq!(types(&desk), ["PaymentSettled"], "not of its credits once more");
        let news = &tell(&desk)["news"];
        assert_eq!((&news["first"], &news["credits"]), (&json!(first), &json!(100)), "{news}");
    }

    let context = json!({"chat": 77, "message": 5, "status_message": 6});
    let body = json!({"kind": "picture", "prompt": "a leaf", "references": [], "context": context});
    let asked = desk.raw.send(Producer::Telegram, "generation_request", "msg:1:77:5", person(1), body);
    let generation = asked["result"]["generation"].clone();
    desk.raw.done(
        Producer::Telegram,
        "generation_cancel",
        "cancel:1:a",
        person(1),
        json!({"generation": generation}),
    );
    let told = tell(&desk);
    assert_eq!(
        (&told["chat"], &told["message"], &told["status_message"]),
        (&json!(77), &json!(5), &json!(6))
    );
    let news = json!({
        "type": "generation_canceled", "generation": generation, "kind": "picture", "returned": 10, "by": "person",
    });
    assert_eq!(told["news"], news);

    // Lost before it was delivered: its credits come back, which the failure tells.
    let lost = stage.rt.block_on(deeds.picture(2, 1));
    assert!(lost.is_ok(), "{lost:?}");
    let fail = json!({"generation": lost.unwrap(), "reason": "bytes_lost", "final": true});
    desk.raw.done(Producer::Telegram, "delivery_fail", "undelivered:1", person(2), fail);
    assert_eq!(types(&desk), ["DeliveryFailed"]);
    tell(&desk);

    // A debt: 100 credits spent, their money taken back.
    let debtor = desk.start(3);
    let payment = stage.rt.block_on(deeds.topup(3, "c")).unwrap();
    stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    operator(&desk, "credits_revoke", "revoke:5", 3, json!({"credits": 5, "reason": "r"}));
    for message in 1..=10 {
        stage.rt.block_on(async {
            let made = deeds.picture(3, message).await.unwrap();
            deeds.delivered(made).await.unwrap();
        });
    }
    let body = json!({
        "payment": payment, "rail": "yookassa", "amount": {"amount": 10_000, "currency": "RUB"}, "reason": "r",
        "provider_refund_id": "r-1",
    });
    desk.raw.done(Producer::Payments, "refund_open", "chargeback:yookassa:r-1", of(debtor), body);
    operator(&desk, "debt_forgive", "forgive:1", 3, json!({"credits": 40, "reason": "r"}));
    assert_eq!(types(&desk), ["PaymentSettled", "CreditsRevoked", "RefundSettled", "DebtPaid"]);
    let forgiven = open(&desk).pop().unwrap().0;
    assert_eq!(claim(&desk, forgiven)["result"]["news"], json!({"type": "debt_forgiven", "credits": 40}));
    stage.assert_verified();
}

fn quarantine(desk: &Desk<'_>, account: AccountId, id: &str, payment: Value) -> i64 {
    let body = json!({
        "payment": payment, "rail": "yookassa", "provider_payment_id": id, "problems": ["unknown_payment"],
        "seen": {"status": "succeeded"},
    });
    let reply = desk.raw.send(
        Producer::Payments,
        "payment_quarantine",
        &format!("quarantine:yookassa:{id}"),
        of(account),
        body,
    );
    assert_eq!(reply["status"], "done", "{reply}");
    reply["position"].as_i64().unwrap()
}

#[test]
fn money_that_waits_for_a_decision_is_told_to_administrators() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    let account = desk.start(1);
    let payment = stage.rt.block_on(deeds.topup(1, "a")).unwrap();
    let nobodys = quarantine(&desk, AccountId::OPERATIONS, "y-1", Value::Null);
    let theirs = quarantine(&desk, account, "y-2", json!(payment));
    let told = claim(&desk, nobodys)["result"].clone();
    let news = json!({"type": "payment_quarantined", "rail": "yookassa", "problems": ["unknown_payment"]});
    assert_eq!((&told["chat"], &told["message"], &told["news"]), (&json!(0), &Value::Null, &news));
    let told = claim(&desk, theirs)["result"].clone();
    assert_eq!((&told["account"], &told["news"]), (&json!(account), &news));
    // That an administrator blocked the bot says nothing of the person.
    assert!(finish(&desk, theirs, 1, "blocked"));
    assert_eq!(desk.ask("account", json!({"account": {"telegram": 1}}))["away"], false);
    // Decided before it was told.
    let again = quarantine(&desk, AccountId::OPERATIONS, "y-3", Value::Null);
    assert!(open(&desk).contains(&(again, "PaymentQuarantined".to_owned())));
    let body = json!({"rail": "yookassa", "provider_payment_id": "y-3", "verdict": "dismiss", "reason": "r"});
    desk.raw.operator("quarantine_resolve", "quarantine_resolve:1", of(AccountId::OPERATIONS), body);
    assert_eq!(claim(&desk, again)["refusal"]["code"], "delivery_done");
    stage.assert_verified();
}

#[test]
fn who_can_not_be_reached_is_told_once_they_are_back() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    let (account, other) = (desk.start(1), desk.start(2));
    let first = grant(&desk, 3, "admin");
    let second = grant(&desk, 4, "admin");
    assert_eq!(claim(&desk, first)["result"]["attempt"], 1);
    assert!(!finish(&desk, first, 2, "blocked"), "another try's word");
    assert_eq!(open(&desk).len(), 1, "the first is held");
    assert!(finish(&desk, first, 1, "blocked"));
    assert!(!finish(&desk, first, 1, "blocked"));
    assert_eq!(desk.ask("account", json!({"account": {"telegram": 1}}))["away"], true);

    // Neither what was open is shown, nor what comes; an event of the stream is heard all the same, and waits.
    assert_eq!(open(&desk), []);
    let bill = stage.rt.block_on(async {
        let payment = deeds.topup(1, "a").await.unwrap();
        deeds.register(payment).await.unwrap();
        payment
    });
    let third = grant(&desk, 5, "admin");
    let others = operator(
        &desk,
        "credits_grant",
        "grant:other",
        2,
        json!({"credits": 1, "source": "admin", "reason": "r"}),
    );
    assert_eq!(open(&desk), [(others, "CreditsGranted".to_owned())]);
    assert_eq!(claim(&desk, third)["refusal"]["code"], "delivery_done");
    let now: i64 = stage.sql(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool));
    stage.sql(ledger::timers::housekeeping::tidy(&stage.pool, now));
    assert_eq!((desk.count("parked_deliveries"), desk.count("deliveries")), (4, 1));
    // The bill ends meanwhile, and its own end waits.
    stage.rt.block_on(deeds.settle(bill, rubles(100))).unwrap();
    assert_eq!(open(&desk), [(others, "CreditsGranted".to_owned())]);
    // Settings wake nobody.
    desk.done("profile_update", 1, json!({"language": "en"}));
    assert_eq!(desk.count("parked_deliveries"), 3);

    desk.done("person_reach", 1, json!({"reachable": true}));
    let back: Vec<(i64, String)> =
        open(&desk).into_iter().filter(|(position, _)| *position != others).collect();
    assert_eq!(back.iter().map(|(p, _)| *p).collect::<Vec<_>>()[..3], [first, second, third]);
    assert_eq!((back.len(), back[3].1.as_str()), (4, "PaymentSettled"));
    assert_eq!(claim(&desk, first)["result"]["attempt"], 2, "the tries go on where they were");
    assert!(finish(&desk, first, 2, "told"));
    let _ = other;

    // Erased while away: nothing is left of it.
    desk.done("person_reach", 1, json!({"reachable": false}));
    stage.sql(ledger::timers::housekeeping::tidy(&stage.pool, now + 3_600_000_000));
    assert_eq!(desk.count("parked_deliveries"), 3);
    desk.erase(1);
    let left = || {
        let sql = "SELECT (SELECT count(*) FROM parked_deliveries WHERE account_id = $1) \
                   + (SELECT count(*) FROM deliveries WHERE account_id = $1)";
        stage.sql(sqlx::query_scalar::<_, i64>(sql).bind(account.0).fetch_one(&stage.pool))
    };
    stage.until("what waited to be deleted", || (left() == 0).then_some(()));
    stage.assert_verified();
}

#[test]
fn what_was_asked_for_in_a_group_is_told_there_whether_or_not_the_person_is_away() {
    const GROUP: i64 = -77;
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    desk.start(1);
    let payment = stage.rt.block_on(deeds.topup(1, "a")).unwrap();
    stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    tell(&desk);
    let ask = |chat: i64| {
        let context = json!({"chat": chat, "message": 5});
        let body = json!({"kind": "picture", "prompt": "a leaf", "references": [], "context": context});
        let id = format!("msg:1:{chat}:5");
        let asked = desk.raw.send(Producer::Telegram, "generation_request", &id, person(1), body);
        let body = json!({"generation": asked["result"]["generation"]});
        desk.raw.done(Producer::Telegram, "generation_cancel", &format!("cancel:{chat}"), person(1), body);
        open(&desk).last().map(|(position, _)| *position)
    };
    desk.done("person_reach", 1, json!({"reachable": false}));
    assert_eq!(ask(1), None, "their own chat is closed to us");
    let there = ask(GROUP).expect("the group is not");
    let now: i64 = stage.sql(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool));
    stage.sql(ledger::timers::housekeeping::tidy(&stage.pool, now));
    assert_eq!((desk.count("parked_deliveries"), desk.count("deliveries")), (1, 1));
    let told = claim(&desk, there);
    assert_eq!(told["result"]["chat"], GROUP, "{told}");
    // A group that threw us out says nothing of the person.
    desk.done("person_reach", 1, json!({"reachable": true}));
    assert!(finish(&desk, there, 1, "blocked"));
    assert_eq!(desk.ask("account", json!({"account": {"telegram": 1}}))["away"], false);
    assert_eq!(desk.count("parked_deliveries"), 0);
    tell(&desk);
    stage.assert_verified();
}

#[test]
fn much_of_one_persons_hides_nothing_of_others() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    let other = desk.start(2);
    for n in 1..=12 {
        grant(&desk, n, "admin");
    }
    let body = json!({"credits": 1, "source": "admin", "reason": "r"});
    let theirs = operator(&desk, "credits_grant", "grant:other", 2, body);
    let shown = desk.ask("deliveries", json!({"limit": 10}));
    let shown = shown.as_array().unwrap();
    let of_whom = |whose: AccountId| shown.iter().filter(|d| d["account"] == json!(whose)).count();
    assert_eq!((of_whom(account), of_whom(other)), (8, 1));
    assert_eq!(shown.last().unwrap()["position"], theirs, "oldest first");
}

/// Somebody finds the person away while they come back: whichever is last, nothing waits for who is there.
#[test]
fn nothing_is_parked_for_who_is_there() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    let raw = &desk.raw;
    for n in 1..16 {
        let position = grant(&desk, n, "admin");
        assert_eq!(claim(&desk, position)["status"], "done");
        let send = |verb: &'static str, body: Value| async move {
            raw.ask(Producer::Telegram, verb, verb, of(account), body).await
        };
        let blocked = json!({"position": position, "attempt": 1, "outcome": "blocked"});
        stage.rt.block_on(async {
            let both = send("delivery_done", blocked);
            futures_util::future::join(both, send("person_reach", json!({"reachable": true}))).await
        });
        let away = desk.ask("account", json!({"account": {"telegram": 1}}))["away"] == true;
        assert_eq!(desk.count("parked_deliveries"), i64::from(away));
        desk.done("person_reach", 1, json!({"reachable": true}));
        assert_eq!((desk.count("parked_deliveries"), desk.count("deliveries")), (0, 1));
        assert!(
            finish(&desk, position, 1, "told") || {
                claim(&desk, position);
                finish(&desk, position, 2, "told")
            }
        );
    }
}

#[test]
fn a_message_is_told_as_it_was_written() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    let content =
        json!({"text": "Hello, <b>Ada</b>", "button": {"label": "Read", "url": "https://example.com"}});
    let body = json!({"message": "m1", "kind": "text", "content": content});
    let position = operator(&desk, "message_request", "message:1", 1, body.clone());
    assert_eq!(operator(&desk, "message_request", "message:1", 1, body), position, "once more: the same");
    let told = tell(&desk);
    assert_eq!((&told["chat"], &told["account"]), (&json!(1), &json!(account)));
    assert_eq!(told["news"]["message"], "m1");
    assert_eq!(told["news"]["content"], content);
    for (n, unfit) in [
        json!({}),
        json!({"text": "  "}),
        json!({"text": "a", "copy_of": {"chat": 1, "message": 1}}),
        json!({"text": "a", "button": {"label": "b", "url": "javascript:alert(1)"}}),
        json!({"text": "a".repeat(1_025), "picture": "file"}),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"message": "m2", "kind": "text", "content": unfit});
        let id = format!("message:unfit:{n}");
        assert_eq!(
            desk.raw.refused(Producer::Console, "message_request", &id, person(1), body),
            "content_unfit"
        );
    }
    assert_eq!(desk.count("message_contents"), 1);
    stage.assert_verified();
}
