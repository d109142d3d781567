//! Taps that no button of the person's sends, and buttons that are older than what they speak of: each does once what it
//! says or says that it is old, and nobody else's things are touched.

use e2e::people::{buttons, link, said};
use e2e::raw::{Raw, of};
use proto_events::AccountId;
use proto_events::catalog::Catalog;
use serde_json::json;

use crate::chat::Chat;
use crate::strange::{assert_calm, count, meet, open, post};

#[test]
fn what_no_button_of_theirs_sends_touches_nobody_elses_things() {
    let stage = open();
    let (ada, bob) = (meet(&stage, 7631), meet(&stage, 7632));
    let after = ada.write("/prompt a fox of Ada's");
    let made = ada.picture_after(after);
    ada.shows(&[10, 20], None);
    let refs = {
        ada.wait("that they are kept", after, |m| said(m, "2"));
        let after = ada.write("/refs");
        ada.wait("her photos", after, |m| said(m, "2") && !buttons(m).is_empty())
    };
    let history = ada.says("/history", |m| said(m, "1."));
    // An open bill, an open request, a wish.
    let menu = ada.says("/topup", |m| said(m, "package"));
    let invoice = {
        let after = menu["message_id"].as_i64().unwrap();
        ada.taps(&menu, "⭐");
        ada.wait("the invoice", after, |m| m["invoice"].is_object())
    };
    stage.fault("gemini", "generateContent", json!({"hold_ms": 60_000}), 1);
    let after = ada.write("/prompt a slow fox of Ada's");
    let status = ada.wait("the status", after, |m| !buttons(m).is_empty());
    stage.until("the call", || (stage.gemini_calls("a slow fox").len() == 1).then_some(()));
    stage.until("the tellings", || {
        let sql = "SELECT count(*) FROM deliveries";
        let open: i64 = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
        (open == 0).then_some(())
    });

    let state = |who: &Chat<'_>| {
        let sql = "SELECT count(*) FROM events JOIN telegram_identities USING (account_id) WHERE telegram_user_id = $1";
        let events: i64 = stage.sql(sqlx::query_scalar(sql).bind(who.person.0).fetch_one(&stage.pool));
        (events, stage.balance_of(who.person), stage.bot_said(who.person).len())
    };
    let before = state(&ada);
    let credits = stage.balance_of(bob.person);
    let pages = [&made, &refs, &history, &menu, &status];
    let data: Vec<String> = pages.iter().flat_map(|m| buttons(m)).map(|(_, data)| data).collect();
    let data: Vec<&str> = data.iter().map(String::as_str).filter(|data| data.contains(':')).collect();
    let own = bob.says("/help", |_| true)["message_id"].as_i64().unwrap();
    for data in &data {
        stage.forge(bob.person, own, data, &json!({}));
        // Under Ada's message, too, by way of a client that makes it up.
        stage.forge(bob.person, made["message_id"].as_i64().unwrap(), data, &json!({}));
    }
    stage.assert_taps_answered();
    stage.until("Bob's taps to be dealt with", || {
        (stage.books()["telegram"]["pending_updates"] == 0).then_some(())
    });
    assert_eq!(state(&ada), before, "Bob's taps change nothing of Ada's");
    assert_eq!(stage.balance_of(bob.person), credits, "and cost him nothing");
    assert_eq!(count(&bob, "GenerationRequested"), 0, "nothing of hers is made for him");
    assert_eq!(stage.pictures(bob.person), 0, "nothing of hers is shown to him");
    // A forwarded bill has no button, and nobody else's money is taken for it.
    let forwarded = json!({"message_id": invoice["message_id"], "of": ada.person.0});
    let (status_code, why) = stage.post(&format!("/people/{}/payments", bob.person.0), &forwarded);
    assert_eq!(status_code, 409, "{why}");
    assert!(why["error"].as_str().unwrap().contains("?start="), "{why}");
    bob.says("/start topup", |m| said(m, "package"));
    stage.heal();
    ada.picture_after(after);

    // Nonsense of every form.
    let hex = "0123456789abcdef01234567";
    let long = "x".repeat(64);
    let nonsense = [
        "",
        " ",
        "b",
        "b:",
        "b:::::",
        "x:0123456789abcdef",
        "x:0123456789abcdeX",
        "a:x:y",
        "rx:0123456789abcdef",
        "v:",
        "z:",
        "y:-1",
        "y:99999999999999999999",
        "t:9007199254740993",
        "sl:de",
        "sm:no-such-model",
        "sz:99K",
        "sr:7:7",
        "qg:b1",
        "qx:",
        "g:1:e",
        "g:1:ee",
        "c:ffffffffffffffff",
        "o:ffffffffffffffff",
        "yr:ffffffffffffffff",
        "e:no-such-package",
        "🦊",
        "\u{0}\u{1}",
        "'; DROP TABLE events; --",
        "<b>",
        "{\"a\":1}",
        &long,
        &"🦊".repeat(16),
        &"x".repeat(4_096),
    ];
    let more = [
        format!("b:{hex}:no-such-package"),
        format!("w:{hex}:s:rub-100"),
        format!("w:{hex}:p:xtr-100"),
        format!("v:{hex}"),
        format!("a:{hex}:ffffffffffffffff"),
        format!("b:{hex}:\u{0}"),
        "e:\u{0}".to_owned(),
        "qg:\u{0}".to_owned(),
        "sm:\u{0}".to_owned(),
        "sz:\u{0}".to_owned(),
    ];
    let before = stage.balance_of(bob.person);
    let all: Vec<&str> = nonsense.into_iter().chain(more.iter().map(String::as_str)).collect();
    for data in &all {
        stage.forge(bob.person, own, data, &json!({}));
    }
    bob.says("/balance", |m| said(m, "💰"));
    stage.settle();
    assert_eq!(stage.balance_of(bob.person), before);
    let taps = assert_calm(&stage);
    println!(
        "{} of Ada's buttons pressed by Bob, {} forms of nonsense; {taps} taps, all answered",
        data.len(),
        all.len()
    );
}

#[test]
fn an_old_button_does_once_what_it_says_or_says_that_it_is_old() {
    let stage = open();
    let ada = meet(&stage, 7641);
    let again = json!({"again": true});
    // The same tap under new ids: one picture, one bill.
    let after = ada.write("/prompt an owl");
    let made = ada.picture_after(after);
    let more = buttons(&made).into_iter().find(|(label, _)| label.contains("🔄")).unwrap().1;
    let at = made["message_id"].as_i64().unwrap();
    stage.forge(ada.person, at, &more, &json!({}));
    for tap in [&again, &again, &json!({}), &json!({}), &again] {
        stage.forge(ada.person, at, &more, tap);
    }
    ada.picture_after(at);
    stage.settle();
    assert_eq!((stage.pictures(ada.person), count(&ada, "GenerationRequested")), (2, 2));
    assert_eq!(stage.balance_of(ada.person), (985, 0, 0));

    let menu = ada.says("/topup", |m| said(m, "package"));
    let at = menu["message_id"].as_i64().unwrap();
    let buy = buttons(&menu)[0].1.clone();
    for tap in [json!({}), again.clone(), json!({}), again.clone()] {
        stage.forge(ada.person, at, &buy, &tap);
    }
    let checkout = stage.checkout_after(ada.person, after);
    stage.settle();
    assert_eq!(count(&ada, "PaymentOpened"), 1, "one bill");
    stage.pay(&checkout);
    ada.wait("the receipt", at, |m| said(m, "Payment received"));
    stage.forge(ada.person, at, &buy, &json!({}));
    stage.settle();
    assert_eq!((count(&ada, "PaymentOpened"), count(&ada, "PaymentSettled")), (1, 1), "it was paid");
    assert!(!ada.now(&menu).unwrap()["reply_markup"].is_object(), "and nobody can pay it twice");

    // Stars: one invoice, paid once.
    let menu = ada.says("/topup", |m| said(m, "package"));
    let at = menu["message_id"].as_i64().unwrap();
    let stars = buttons(&menu).into_iter().find(|(label, _)| label.contains("⭐")).unwrap().1;
    for tap in [json!({}), again.clone(), again.clone()] {
        stage.forge(ada.person, at, &stars, &tap);
    }
    let invoice = ada.wait("the invoice", at, |m| m["invoice"].is_object());
    stage.settle();
    assert_eq!(count(&ada, "PaymentOpened"), 2);
    let invoices = stage.bot_said(ada.person).iter().filter(|m| m["invoice"].is_object()).count();
    assert_eq!(invoices, 1, "the same tap is one invoice");
    let paid = json!({"message_id": invoice["message_id"]});
    assert_eq!(stage.post(&format!("/people/{}/payments", ada.person.0), &paid).0, 200);
    stage.until("the Stars", || (count(&ada, "PaymentSettled") == 2).then_some(()));
    let (status, why) = stage.post(&format!("/people/{}/payments", ada.person.0), &paid);
    assert_eq!(status, 402, "a bill that is paid is not paid again: {why}");

    // Of a request that is over, and of one that was called off.
    stage.fault("gemini", "generateContent", json!({"hold_ms": 60_000}), 1);
    let after = ada.write("/prompt a slow owl");
    let status = ada.wait("the status", after, |m| !buttons(m).is_empty());
    let cancel = buttons(&status)[0].1.clone();
    let at = status["message_id"].as_i64().unwrap();
    for tap in [json!({}), again.clone(), json!({})] {
        stage.forge(ada.person, at, &cancel, &tap);
    }
    ada.wait("that it was called off", 0, |m| said(m, "🛑"));
    stage.heal();
    stage.settle();
    let after = ada.write("/prompt a quick owl");
    ada.picture_after(after);
    stage.settle();
    let balance = stage.balance_of(ada.person);
    let old = {
        let id: String = stage.sql(
            sqlx::query_scalar(
                "SELECT payload::json ->> 'generation' FROM events JOIN telegram_identities USING (account_id) \
                 WHERE telegram_user_id = $1 AND type = 'GenerationDelivered' ORDER BY position DESC LIMIT 1",
            )
            .bind(ada.person.0)
            .fetch_one(&stage.pool),
        );
        format!("x:{}", id.rsplit('-').next().unwrap())
    };
    stage.forge(ada.person, at, &old, &json!({}));
    stage.forge(ada.person, at, &cancel, &json!({}));
    stage.settle();
    assert_eq!(stage.balance_of(ada.person), balance, "what is over is over");
    assert_eq!(count(&ada, "GenerationCanceled"), 1);

    // Of photos that are gone.
    let after = ada.shows(&[10, 60, 110], None);
    ada.wait("that they are kept", after, |m| said(m, "3"));
    let after = ada.write("/refs");
    let page = ada.wait("her photos", after, |m| !buttons(m).is_empty());
    let (at, removals) = (page["message_id"].as_i64().unwrap(), buttons(&page));
    for (_, data) in removals.iter().chain(&removals) {
        stage.forge(ada.person, at, data, &json!({}));
    }
    ada.wait("that all are gone", 0, |m| said(m, "no photos of yours"));
    stage.settle();

    // Of before a change of the prices: the package is dearer, another is gone.
    let menu = ada.says("/topup", |m| said(m, "package"));
    let mut catalog = serde_json::to_value(Catalog::default_catalog().unwrap()).unwrap();
    catalog["packages"][0]["price"]["amount"] = 15_000.into();
    let gone = catalog["packages"].as_array_mut().unwrap().remove(1);
    assert_eq!(gone["id"], "rub-200");
    let publish = json!({"version": 2, "catalog": catalog});
    Raw::new(&stage).operator("catalog_publish", "catalog:2", of(AccountId::CATALOG), publish);
    stage.until("the new prices", || {
        let menu = ada.says("/topup", |m| said(m, "package"));
        buttons(&menu)[0].0.contains("150").then_some(())
    });
    let at = ada.last();
    ada.taps(&menu, "200 credits — 200");
    ada.wait("that it is gone", at, |m| m["text"].is_string());
    assert_eq!(count(&ada, "PaymentOpened"), 2, "what is not sold is not billed");
    ada.taps(&menu, "100 credits — 100");
    let bill = stage.until("the bill", || ada.now(&menu).filter(|m| link(m).is_some()));
    assert!(said(&bill, "150"), "the price is told before it is paid: {bill}");

    // In answer to what is not there any more.
    stage.fault("gemini", "generateContent", json!({"hold_ms": 60_000}), 1);
    let asked = ada.write("/prompt an owl without a question");
    stage.until("the call", || (stage.gemini_calls("without a question").len() == 1).then_some(()));
    for gone in [asked, made["message_id"].as_i64().unwrap()] {
        let path = "/telegram/bot123456:AAEsandboxsandboxsandboxsandboxsand/deleteMessage";
        let (status, why) = stage.post(path, &json!({"chat_id": ada.person.0, "message_id": gone}));
        assert_eq!(status, 200, "{why}");
    }
    stage.heal();
    let told = ada.picture_after(asked);
    assert!(told["reply_to_message"].is_null(), "{told}");
    // The buttons of a picture that was taken away, and an answer to it, as Telegram tells of such.
    let at = made["message_id"].as_i64().unwrap();
    let edit = buttons(&made).into_iter().find(|(label, _)| label.contains("✏️")).unwrap().1;
    stage.forge(ada.person, at, &edit, &json!({}));
    ada.wait("what to change", asked, |m| said(m, "✏️"));
    let after = post(&ada, &json!({"text": "make it blue", "raw": {"reply_to_message": null}}));
    ada.picture_after(after);
    let taps = assert_calm(&stage);
    println!("{taps} taps, all answered");
}
