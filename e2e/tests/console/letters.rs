//! Commands that were refused and should not have been: seen, sent again, dropped.

use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of, person};
use e2e::{Role, Stage};
use ledger::inbox::{NAMES_KEY, Names};
use proto_events::{AccountId, CommandId, PaymentId, Producer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::{Answer, PASSWORD, Seat, hires, open};

const SECRET: &str = "CANARY a fox in the snow";

/// The payment that this top-up will open, before it does.
pub fn payment_to_come(stage: &Stage, account: AccountId, nonce: &str) -> PaymentId {
    let names = Names::new(stage.sql(ledger::store::service_key(&stage.pool, NAMES_KEY)));
    let id = CommandId::new(format!("topup:1:{nonce}")).unwrap();
    PaymentId::derive(account, Producer::Telegram, &names.stored(Producer::Telegram, "topup_open", id))
}

/// The one open letter of this code.
fn letter(seat: &Seat<'_>, code: &str) -> Value {
    let found = || {
        let all = seat.reads("/dead-letters");
        let open = all["open"].as_array().unwrap().iter().filter(|one| one["code"] == code);
        let open: Vec<Value> = open.cloned().collect();
        assert!(open.len() < 2, "one letter for one command: {open:?}");
        open.into_iter().next()
    };
    seat.stage.until("the letter", found)
}

fn path(letter: &Value) -> String {
    format!("/dead-letters/{}", letter["letter"].as_str().unwrap())
}

fn does(seat: &Seat<'_>, letter: &Value, deed: &str, reason: &str) -> Answer {
    let page = seat.gets(&path(letter));
    let form = page.text.split(&format!("/{deed}\"")).nth(1);
    let form = form.unwrap_or_else(|| panic!("{deed} is not offered: {}", page.text)).to_owned();
    let once = Answer { text: form, ..page }.hidden("once");
    seat.posts(&format!("{}/{deed}", path(letter)), &[("once", &once), ("reason", reason)])
}

fn acts(stage: &Stage, act: &str, letter: &Value) -> i64 {
    acts_on(stage, act, letter["letter"].as_str().unwrap())
}

pub fn acts_on(stage: &Stage, act: &str, subject: &str) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = 'OperatorActed' AND payload::json->>'act' = $1 \
               AND payload::json->>'subject' = $2";
    stage.sql(sqlx::query_scalar(sql).bind(act).bind(subject).fetch_one(&stage.pool))
}

#[test]
fn a_command_that_came_too_early_is_sent_again_and_done_once() {
    let stage = open();
    hires(&stage, "ops", "operator");
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    assert!(ops.gets("/dead-letters").text.contains("Команды не ждут"));
    for (nothing, status) in [
        ("x", StatusCode::NOT_FOUND),
        ("%00", StatusCode::UNPROCESSABLE_ENTITY),
        ("0123456789abcdef0123456789abcdef", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ops.gets(&format!("/dead-letters/{nothing}")).status, status, "{nothing}");
    }
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    let payment = payment_to_come(&stage, account, "n1");
    // Twice: a producer that asks again.
    for _ in 0..2 {
        let refused = stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap_err();
        assert_eq!(refused.code(), Some("payment_not_found"));
    }
    stage.until("both to be counted", || (letter(&ops, "payment_not_found")["times"] == 2).then_some(()));
    let early = letter(&ops, "payment_not_found");
    assert_eq!((&early["producer"], &early["verb"]), (&json!("payments"), &json!("payment_settle")));
    assert_eq!(early["account"], json!(account));
    assert!(
        ops.gets("/").text.contains("1 команду отвергли")
            && ops.gets("/services").text.contains("1 команду отвергли")
    );
    stage.until("the metric", || {
        (stage.metric(Role::Ledger, "ledger_dead_letters_open") == Some(1.0)).then_some(())
    });

    // Still too early: said, kept, and open.
    assert_eq!(does(&ops, &early, "retry", " ").status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(acts(&stage, "letter_retried", &early), 0, "without a reason nothing is done");
    let again = does(&ops, &early, "retry", "does it work now?");
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.text.contains("Снова отказ") && again.text.contains("value=\"does it work now?\""),
        "{}",
        again.text
    );
    assert_eq!(letter(&ops, "payment_not_found")["answer"], "payment_not_found");
    // The form that came back, with another reason and with the same: each try is an act, and no act is a letter.
    let form = again.hidden("once");
    for (reason, tries) in [("and now?", 2), ("and now?", 3), ("does it work now?", 4)] {
        let tried = ops.posts(&format!("{}/retry", path(&early)), &[("once", &form), ("reason", reason)]);
        assert!(tried.text.contains("Снова отказ") && tried.hidden("once") != form, "{}", tried.text);
        assert_eq!(acts(&stage, "letter_retried", &early), tries);
    }
    assert_eq!(ops.reads("/dead-letters")["count"], 1);
    // What it waited for comes.
    assert_eq!(stage.rt.block_on(deeds.topup(1, "n1")).unwrap(), payment);
    let once = ops.gets(&path(&early)).hidden("once");
    for _ in 0..2 {
        let form = [("once", once.as_str()), ("reason", "the payment is there")];
        let done = ops.posts(&format!("{}/retry", path(&early)), &form);
        assert_eq!(done.to, format!("{}?done=letter-retry", path(&early)), "{}", done.text);
    }
    let settled = "SELECT count(*) FROM events WHERE type = 'PaymentSettled'";
    let settled = || -> i64 { stage.sql(sqlx::query_scalar(settled).fetch_one(&stage.pool)) };
    assert_eq!((settled(), acts(&stage, "letter_retried", &early)), (1, 5));
    let now = ops.reads(&path(&early))["letter"].clone();
    assert_eq!((&now["state"], &now["answer"]), (&json!("done"), &json!("done")));
    let position = now["answered_position"].as_i64().unwrap();
    assert!(ops.gets(&path(&early)).text.contains(&format!("/log/{position}")));
    // And when its producer comes after all.
    assert!(stage.rt.block_on(deeds.settle(payment, rubles(100))).is_ok());
    assert_eq!(settled(), 1);
    // What belongs to the work is no letter: another one that is comes after it.
    let other = json!({"payment": payment, "rail": "yookassa", "provider_payment_id": "other", "test": false,
        "amount": {"amount": 10_000, "currency": "RUB"}});
    let code = raw.refused(Producer::Payments, "payment_settle", "settle:yookassa:other", of(account), other);
    assert_eq!(code, "payment_settled");
    raw.refused(Producer::Payments, "payment_settle", "settle:bad", of(account), json!({}));
    letter(&ops, "invalid");
    let codes = "SELECT count(*) FROM dead_letters WHERE code = 'payment_settled'";
    assert_eq!(stage.sql(sqlx::query_scalar::<_, i64>(codes).fetch_one(&stage.pool)), 0);
    stage.assert_verified();
}

#[test]
fn what_a_refused_command_said_is_shown_after_a_look_and_goes_with_the_account() {
    let stage = open();
    hires(&stage, "ops", "operator");
    hires(&stage, "fin", "finance");
    let (ops, fin) = (Seat::signed_in(&stage, "ops", PASSWORD), Seat::signed_in(&stage, "fin", PASSWORD));
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let account = stage.rt.block_on(deeds.start(424_242)).unwrap();
    let body = json!({"kind": "picture", "prompt": SECRET, "surplus": SECRET});
    let code = raw.refused(
        Producer::Telegram,
        "generation_request",
        "msg:1:424242:7",
        person(424_242),
        body.clone(),
    );
    assert_eq!(code, "invalid");
    let bad = letter(&ops, "invalid");
    assert_eq!(bad["account"], json!(account));
    // Neither words nor Telegram's ids, on the page and as JSON.
    for page in ["/dead-letters".to_owned(), path(&bad)] {
        for text in [ops.gets(&page).text, ops.gets(&format!("/api/v1{page}")).text] {
            assert!(!text.contains("CANARY") && !text.contains("424242"), "{text}");
        }
    }
    let look = format!("{}/look", path(&bad));
    for page in ["/dead-letters".to_owned(), path(&bad)] {
        assert_eq!(fin.gets(&page).status, StatusCode::FORBIDDEN);
    }
    for deed in ["look", "retry", "drop"] {
        assert_eq!(fin.posts(&format!("{}/{deed}", path(&bad)), &[]).status, StatusCode::FORBIDDEN);
    }
    let looks = || acts_on(&stage, "personal_data_seen", &account.to_string());
    assert_eq!(looks(), 0);
    // A wish of a person: only to be looked at.
    assert_eq!((&bad["whole"], &bad["resendable"]), (&json!(true), &json!(false)));
    let page = ops.gets(&path(&bad)).text;
    assert!(!page.contains("/retry\"") && page.contains("только посмотреть"), "{page}");
    let forged = [("once", "0123456789abcdef0123456789abcdef"), ("reason", "r")];
    let forced = ops.posts(&format!("{}/retry", path(&bad)), &forged);
    assert!(forced.status == StatusCode::UNPROCESSABLE_ENTITY && forced.text.contains("только посмотреть"));
    let retry = raw.refused(
        Producer::Console,
        "letter_retry",
        "letter_retry:x",
        of(AccountId::OPERATIONS),
        json!({"letter": bad["letter"]}),
    );
    assert_eq!(retry, "letter_only_seen");
    assert_eq!(acts(&stage, "letter_retried", &bad), 0);
    let seen = ops.posts(&look, &[]);
    assert!(seen.status == StatusCode::OK && seen.text.contains(SECRET) && seen.text.contains("424242"));
    assert_eq!(looks(), 1);
    assert!(!ops.gets(&path(&bad)).text.contains("CANARY"), "one look is one look");

    // Dropped, with a reason; it comes again, and stays so.
    assert_eq!(does(&ops, &bad, "drop", "").status, StatusCode::UNPROCESSABLE_ENTITY);
    let dropped = does(&ops, &bad, "drop", "an old bot");
    assert_eq!(dropped.to, format!("{}?done=letter-drop", path(&bad)), "{}", dropped.text);
    assert_eq!(acts(&stage, "letter_dropped", &bad), 1);
    let kept = || ops.reads(&path(&bad))["letter"].clone();
    assert_eq!(kept()["state"], "dropped");
    raw.refused(Producer::Telegram, "generation_request", "msg:1:424242:7", person(424_242), body);
    stage.until("that it is counted", || (kept()["times"] == 2).then_some(()));
    assert_eq!(kept()["state"], "dropped");
    assert_eq!(ops.reads("/dead-letters")["open"], json!([]));

    // An act of a person keeps nothing, and one of the console is told to whoever pressed.
    let hash = json!({"name": "eve", "roles": ["administrator"], "password_hash": SECRET, "surplus": 1, "reason": "r"});
    assert_eq!(
        raw.refused(Producer::Console, "staff_put", "staff:eve", of(AccountId::OPERATIONS), hash),
        "invalid"
    );
    let grant = json!({"credits": 1, "reason": SECRET, "surplus": 1});
    let code = raw.refused(Producer::Telegram, "credits_grant", "grant:424242", of(account), grant);
    assert_eq!(code, "invalid");
    let act = letter(&ops, "invalid");
    assert_eq!((&act["verb"], &act["whole"]), (&json!("credits_grant"), &json!(false)));
    assert!(!ops.gets(&path(&act)).text.contains("/retry\""));
    let answer = ops.posts(&format!("{}/retry", path(&act)), &forged);
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);

    // Nobody has this number: nothing is kept of what they wrote.
    let open = json!({"name": SECRET, "surplus": 1});
    raw.refused(Producer::Telegram, "account_open", "open:555", person(555), open);
    let nobodys = stage.until("the letter of nobody", || {
        let all = ops.reads("/dead-letters");
        all["open"].as_array().unwrap().iter().find(|one| one["verb"] == "account_open").cloned()
    });
    assert_eq!((&nobodys["whole"], &nobodys["account"]), (&json!(false), &Value::Null));

    raw.done(Producer::Telegram, "account_erase", "erase:424242", person(424_242), json!({"forfeit": true}));
    stage.until("that nothing is left of it", || {
        let sql = "SELECT message IS NULL AND body IS NULL FROM dead_letters WHERE letter = $1";
        let gone = sqlx::query_scalar(sql).bind(bad["letter"].as_str()).fetch_one(&stage.pool);
        stage.sql::<bool>(gone).then_some(())
    });
    assert!(!ops.posts(&look, &[]).text.contains("CANARY"));
    // Refused again after that, by a bot that is late: counted, and no word of it is kept.
    let late = json!({"kind": "picture", "prompt": SECRET, "surplus": SECRET});
    raw.refused(Producer::Telegram, "generation_request", "msg:1:424242:7", of(account), late);
    stage.until("that it is counted", || (kept()["times"] == 3).then_some(()));
    let words = "SELECT count(*) FROM dead_letters WHERE message LIKE '%CANARY%' OR body LIKE '%CANARY%'";
    assert_eq!(stage.sql(sqlx::query_scalar::<_, i64>(words).fetch_one(&stage.pool)), 0);
    // After a month nothing is left.
    let month_us = 31 * 24 * 3_600_000_000_i64;
    let newest = "SELECT max(last_at) FROM dead_letters";
    let newest: i64 = stage.sql(sqlx::query_scalar(newest).fetch_one(&stage.pool));
    stage.sql(ledger::timers::housekeeping::tidy(&stage.pool, newest + month_us));
    let left = "SELECT count(*) FROM dead_letters";
    assert_eq!(stage.sql(sqlx::query_scalar::<_, i64>(left).fetch_one(&stage.pool)), 0);
    // The log of the service has none of it either.
    let told = std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap();
    assert!(!told.contains("CANARY a fox") && !told.contains("424242"));
    stage.assert_verified();
}

#[test]
fn one_thing_that_is_broken_fills_its_own_place_and_hides_no_other() {
    let stage = open();
    let (raw, admin) = (Raw::new(&stage), Seat::signed_in(&stage, "admin", PASSWORD));
    let refused = |verb: &str, id: &str| {
        let code = raw.refused(Producer::Payments, verb, id, of(AccountId::OPERATIONS), json!({}));
        assert_eq!(code, "invalid");
    };
    let open = || admin.reads("/dead-letters")["count"].as_i64().unwrap();
    let lost = || stage.metric(Role::Ledger, "ledger_dead_letters_lost_total").unwrap_or_default();
    for n in 1..=101 {
        refused("payment_settle", &format!("settle:{n}"));
        // As they come, so that what is lost is lost for want of a place and not of time.
        stage.until("the letter", || (open() == n.min(100)).then_some(()));
    }
    stage.until("the last to be counted", || (lost() == 1.0).then_some(()));
    refused("payment_fee", "fee:1");
    stage.until("what is broken besides", || (open() == 101).then_some(()));
    // One that is kept is counted, whatever waits; one that is dropped makes room.
    refused("payment_settle", "settle:7");
    stage.until("that it came again", || {
        let all = admin.reads("/dead-letters")["open"].as_array().unwrap().clone();
        all.iter().find(|one| one["times"] == 2).cloned()
    });
    let first = admin.reads("/dead-letters")["open"].as_array().unwrap().clone();
    let first = first.iter().find(|one| one["verb"] == "payment_settle").unwrap();
    assert_eq!(does(&admin, first, "drop", "an old adapter").status, StatusCode::SEE_OTHER);
    assert_eq!(open(), 100);
    refused("payment_settle", "settle:102");
    stage.until("the next in its place", || (open() == 101).then_some(()));

    // A thousand in all.
    let many = "INSERT INTO dead_letters (letter, producer, verb, code, first_at, last_at) \
                SELECT md5(n::text), 'generator', 'verb_' || n % 90, 'invalid', 0, now_us() FROM generate_series(1, 899) n";
    stage.sql(sqlx::query(many).execute(&stage.pool));
    refused("payment_fee", "fee:2");
    stage.until("that it is counted", || (lost() == 2.0).then_some(()));
    assert_eq!(open(), 1_000);
    assert_eq!(stage.metric(Role::Ledger, "ledger_dead_letters_open"), Some(1_000.0));
    stage.assert_verified();
}
