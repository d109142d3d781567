//! What is left of a person whose account was erased: a fingerprint, and nothing else.

use e2e::deeds::Deeds;
use e2e::raw::{Raw, of, person, types};
use e2e::{Role, Stage};
use proto_events::{GenerationId, Producer};
use serde_json::{Value, json};

use crate::{balance, count, payer};

/// A person as no other number or word of the test is.
const USER: i64 = 7_316_204_985;
const CHAT: i64 = 8_427_315_096;
const NAME: &str = "Ada Erasmus";
const PROMPT: &str = "a heron reading the newspaper";
const REFERENCE: &str = "AgACAgIAAxkReference";
const FILE: &str = "AgACAgIAAxkDelivered";
const OBJECT: &str = "shelf-object-71";
const DIGEST: &str = "feedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedface";
const CHECKOUT: &str = "https://checkout.example/only-for-ada";
const AWAITED: &str = "asked-ada-for-a-heron";
const KEPT_PHOTO: &str = "AgACAgIAAxkKept";
const ALBUM_PHOTO: &str = "AgACAgIAAxkAlbum";
const CAPTION: &str = "my heron in the reeds";
const WISHED: &str = "a heron that can dance";
const UNIQUE: &str = "AQADunique71";
const SAID: &str = "dear heron friend";
const THEIRS: [&str; 16] = [
    "7316204985",
    "8427315096",
    NAME,
    PROMPT,
    REFERENCE,
    FILE,
    OBJECT,
    DIGEST,
    CHECKOUT,
    AWAITED,
    KEPT_PHOTO,
    ALBUM_PHOTO,
    CAPTION,
    WISHED,
    UNIQUE,
    SAID,
];

/// Which of these texts stand in which tables, of every table there is.
fn found(stage: &Stage) -> Vec<(String, String)> {
    let tables: Vec<String> = stage
        .rt
        .block_on(
            sqlx::query_scalar(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                 WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
            )
            .fetch_all(&stage.pool),
        )
        .unwrap();
    assert!(tables.len() > 30, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let sql = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
        let all: String =
            stage.rt.block_on(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&stage.pool)).unwrap();
        let here = THEIRS.iter().filter(|text| all.contains(**text));
        found.extend(here.map(|text| ((*text).to_owned(), table.clone())));
    }
    found
}

/// One picture, asked for with a reference, made and delivered; and a top-up with a link.
fn lives(raw: &Raw) -> Value {
    use Producer::{Generator, Payments, Telegram};
    let context = json!({"chat": CHAT, "message": 5, "status_message": 6});
    let done = |producer, verb: &str, id: &str, account: &Value, body: Value| {
        let reply = raw.send(producer, verb, id, account.clone(), body);
        assert_eq!(reply["status"], "done", "{verb}: {reply}");
        reply
    };
    let ada = person(USER);
    let start = format!("start:1:{CHAT}:1");
    done(Telegram, "account_open", &start, &ada, json!({"language": "ru", "name": NAME}));
    let body = json!({"package": "rub-100", "rail": "yookassa", "context": context});
    let payment = done(Telegram, "topup_open", "topup:1:a", &ada, body)["result"]["payment"].clone();
    let account = of(payment.as_str().unwrap().split('-').nth(1).unwrap());
    let body = json!({"payment": payment, "rail": "yookassa", "provider_payment_id": "y-1", "checkout_url": CHECKOUT});
    done(Payments, "payment_register", "register:1", &account, body);
    let amount = json!({"amount": 10_000, "currency": "RUB"});
    let body = json!({"payment": payment, "rail": "yookassa", "provider_payment_id": "y-1", "amount": amount, "test": false});
    done(Payments, "payment_settle", "settle:1", &account, body);
    let body = json!({"kind": "edit", "prompt": PROMPT, "references": [REFERENCE], "context": context});
    let asked = done(Telegram, "generation_request", &format!("msg:1:{CHAT}:5"), &ada, body);
    let generation = asked["result"]["generation"].clone();
    let body = json!({"generation": generation, "worker": "w", "attempt": 1});
    done(Generator, "generation_claim", "claim:1", &account, body);
    let output = json!({"object": OBJECT, "sha256": DIGEST, "media_type": "png", "bytes": 1});
    let body =
        json!({"generation": generation, "attempt": 1, "outputs": [output], "spent": {"latency_ms": 1}});
    done(Generator, "generation_complete", "complete:1", &account, body);
    done(
        Telegram,
        "delivery_confirm",
        "delivered:1",
        &account,
        json!({"generation": generation, "file_ids": [FILE], "unique_ids": [UNIQUE]}),
    );
    keeps(raw);
    payment
}

/// What else is kept for her.
fn keeps(raw: &Raw) {
    let photo =
        |file: &str| json!({"file_id": file, "unique_id": format!("{file}-u"), "width": 1, "height": 1});
    let part =
        json!({"chat": CHAT, "group": "g", "message": 9, "photo": photo(ALBUM_PHOTO), "caption": CAPTION});
    let said = json!({"message": "m1", "kind": "text", "content": {"text": SAID}});
    let reply = raw.send(Producer::Console, "message_request", "message:1", person(USER), said);
    assert_eq!(reply["status"], "done", "{reply}");
    let context = json!({"chat": CHAT, "message": 5});
    let wish = json!({"kind": "picture", "prompt": WISHED, "references": [], "context": context});
    for (verb, body) in [
        ("wish_keep", json!({"request": wish})),
        ("support_note", json!({"chat": 5, "message": CHAT})),
        ("profile_update", json!({"awaits": AWAITED})),
        ("references_put", json!({"photos": [photo(KEPT_PHOTO)]})),
        ("album_put", part),
    ] {
        let reply = raw.send(Producer::Telegram, verb, &format!("{verb}:1"), person(USER), body);
        assert_eq!(reply["status"], "done", "{verb}: {reply}");
    }
}

fn erase(raw: &Raw, id: &str, user: i64) -> Value {
    raw.send(Producer::Telegram, "account_erase", id, person(user), json!({"forfeit": true}))
}

#[test]
fn nothing_of_an_erased_person_is_in_any_table() {
    let stage = Stage::with_ledger().unwrap();
    let raw = Raw::new(&stage);
    lives(&raw);
    let before = found(&stage);
    for text in THEIRS {
        assert!(before.iter().any(|(found, _)| found == text), "{text} is nowhere: the search finds nothing");
    }
    let gone = erase(&raw, "erase:1", USER);
    assert_eq!(gone["result"], json!({"forfeited": 95, "debt_kept": 0}), "{gone}");
    stage.until("everything to be deleted", || found(&stage).is_empty().then_some(()));
    // The stream that the adapters hear, and the projections, tell nothing either.
    e2e::judge::wait_for_projections(&stage);
    assert_eq!(found(&stage), Vec::new());
    stage.assert_verified();
}

#[test]
fn a_late_result_for_an_erased_person_leaves_nothing_of_theirs() {
    let mut stage = Stage::new().unwrap();
    let mut catalog =
        serde_json::to_value(proto_events::catalog::Catalog::default_catalog().unwrap()).unwrap();
    catalog["limits"]["reservation_ms"] = 1_000.into();
    let file = stage.dir().join("catalog.json");
    std::fs::write(&file, catalog.to_string()).unwrap();
    stage.start(Role::Ledger, &[("CATALOG_FILE", file.to_str().unwrap())]).unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, _) = payer(&stage, &deeds, 1);
    let late: GenerationId = stage.rt.block_on(async {
        let late = deeds.request(1, 1).await.unwrap();
        deeds.claim(late, 1).await.unwrap();
        late
    });
    stage.until("the deadline", || (count(&stage, "jobs", account) == 0).then_some(()));
    assert_eq!(erase(&raw, "erase:1", 1)["status"], "done");
    let content = ["chat_contexts", "generation_contents", "generation_outputs", "payment_links"];
    let is_empty = || content.iter().all(|table| count(&stage, table, account) == 0);
    stage.until("the content to be deleted", || is_empty().then_some(()));
    let tellings = count(&stage, "deliveries", account);
    let done = stage.rt.block_on(deeds.complete(late, 1)).unwrap();
    let made: Vec<String> = done.events.iter().map(|e| e.r#type.to_string()).collect();
    assert_eq!(made, ["GenerationSucceeded"], "given away");
    assert!(is_empty(), "what nobody will ever see was kept");
    assert_eq!(count(&stage, "deliveries", account), tellings, "there is nobody to tell");
    stage.assert_verified();
}

#[test]
fn an_erasure_waits_for_what_is_open_and_tells_what_is_lost() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, _) = payer(&stage, &deeds, 1);
    let job = stage.rt.block_on(deeds.request(1, 1)).unwrap();
    assert_eq!(erase(&raw, "erase:1", 1)["refusal"]["code"], "open_reservations");
    stage.rt.block_on(async {
        deeds.claim(job, 1).await.unwrap();
        deeds.complete(job, 1).await.unwrap();
    });
    // Opened and not paid: it waits.
    let open = stage.rt.block_on(deeds.topup(1, "late")).unwrap();
    assert_eq!(erase(&raw, "erase:1", 1)["refusal"]["code"], "open_payments");
    let cancel = json!({"payment": open, "rail": "yookassa", "party": "merchant", "reason": "expired"});
    raw.done(Producer::Payments, "payment_cancel", "cancel:yookassa:x", of(account), cancel);
    let told = raw.send(Producer::Telegram, "account_erase", "erase:1", person(1), json!({"forfeit": false}));
    let lost = json!({"credits": 95, "paid": 95, "RUB": 9_500, "XTR": 0});
    assert_eq!(told["refusal"]["details"], lost, "{told}");
    let gone = erase(&raw, "erase:1", 1);
    assert_eq!(gone["result"], json!({"forfeited": 95, "debt_kept": 0}), "{gone}");
    // The answer got lost: asked again, it is the same.
    assert_eq!(erase(&raw, "erase:1", 1)["result"], gone["result"]);
    assert_eq!(stage.rt.block_on(deeds.topup(1, "x")).unwrap_err().code(), Some("account_not_found"));
    stage.assert_verified();
}

/// Opens an account by the person's next message; the types of its events.
fn comes_again(raw: &Raw, message: i64) -> (Vec<String>, Value) {
    let body = json!({"language": "ru", "name": NAME});
    let id = format!("start:1:1:{message}");
    let reply = raw.send(Producer::Telegram, "account_open", &id, person(1), body);
    assert_eq!(reply["status"], "done", "{reply}");
    (types(&reply), reply["result"]["welcome"].clone())
}

#[test]
fn debt_and_ban_wait_for_the_person_and_the_welcome_does_not() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = payer(&stage, &deeds, 1);
    stage.rt.block_on(async {
        let made = deeds.request(1, 1).await.unwrap();
        deeds.claim(made, 1).await.unwrap();
        deeds.complete(made, 1).await.unwrap();
    });
    raw.operator("account_ban", "ban:1", person(1), json!({"reason": "spam"}));
    assert_eq!(erase(&raw, "erase:1", 1)["status"], "done");
    // The provider takes the money back later: of what was spent, 5 credits had been bought.
    let amount = json!({"amount": 10_000, "currency": "RUB"});
    let back = json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "chargeback"});
    let back = raw.send(Producer::Payments, "refund_open", "chargeback:1", of(account), back);
    assert_eq!(types(&back), ["RefundOpened", "DebtIncurred", "DebtPaid"]);
    let (events, welcome) = comes_again(&raw, 2);
    assert_eq!(
        (events, welcome),
        (["AccountOpened", "AccountBanned", "DebtCarried"].map(String::from).to_vec(), 0.into())
    );
    assert_eq!(balance(&stage, &deeds, 1), (0, 0, 5));
    assert_eq!(stage.rt.block_on(deeds.request(1, 2)).unwrap_err().code(), Some("account_banned"));
    // Set aside and taken over once more, neither doubled nor lost.
    raw.operator("account_unban", "unban:1", person(1), json!({"reason": "sorry"}));
    assert_eq!(erase(&raw, "erase:2", 1)["result"], json!({"forfeited": 0, "debt_kept": 5}));
    // The chargeback fails: nobody has taken its debt over now, so it is undone where it was made.
    let refund = back["result"]["refund"].clone();
    let fail = json!({"refund": refund, "rail": "yookassa", "reason": "reversed"});
    let undone = raw.done(Producer::Payments, "refund_fail", "refund_failed:1", of(account), fail);
    assert_eq!(undone, ["RefundFailed", "DebtCarried", "DebtPaid"]);
    assert_eq!(comes_again(&raw, 3).0, ["AccountOpened"]);
    assert_eq!(balance(&stage, &deeds, 1), (0, 0, 0));
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
                let id = format!("erase:{user}");
                let erasure =
                    raw.ask(Producer::Telegram, "account_erase", &id, person(user), json!({"forfeit": true}));
                let open = || {
                    let (id, body) = (format!("start:again:{user}"), json!({"language": "en", "name": "Bo"}));
                    async move { raw.ask(Producer::Telegram, "account_open", &id, person(user), body).await }
                };
                let opening = open();
                let (erased, opened) = tokio::join!(erasure, opening);
                assert_eq!(erased["status"], "done", "{erased}");
                if opened["status"] == "done" {
                    return opened;
                }
                assert_eq!(opened["refusal"]["code"], "account_exists", "{opened}");
                open().await
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
