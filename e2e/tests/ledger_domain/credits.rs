//! Credits that operators give and take, bans, and jobs that end early.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of, person};
use proto_events::{AccountId, GenerationId, Producer};
use serde_json::json;

use crate::{balance, payer};

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

#[test]
fn a_banned_person_keeps_what_they_have_and_what_runs_ends_normally() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (account, payment) = payer(&stage, &deeds, 1);
    let (job, unpaid) = stage.rt.block_on(async {
        let job = deeds.request(1, 1).await.unwrap();
        (job, deeds.topup(1, "before").await.unwrap())
    });
    raw.operator("account_ban", "ban:1", person(1), json!({"reason": "spam"}));
    assert_eq!(balance(&stage, &deeds, 1), (95, 10, 0));
    let refused = stage.rt.block_on(async {
        let (asked, more) =
            (deeds.request(1, 2).await.unwrap_err(), deeds.topup(1, "after").await.unwrap_err());
        [asked, more].map(|e| e.code().map(str::to_owned))
    });
    assert_eq!(refused, [Some("account_banned".to_owned()), Some("account_banned".to_owned())]);
    stage.rt.block_on(async {
        deeds.claim(job, 1).await.unwrap();
        deeds.complete(job, 1).await.unwrap();
        deeds.delivered(job).await.unwrap();
        // The provider has the money.
        deeds.settle(unpaid, rubles(100)).await.unwrap();
    });
    assert_eq!(balance(&stage, &deeds, 1), (195, 0, 0));
    let amount = json!({"amount": 100, "currency": "RUB"});
    let back = json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "asked for"});
    raw.operator("refund_open", "refund:1", of(account), back);
    assert_eq!(balance(&stage, &deeds, 1), (194, 0, 0));
    raw.operator("account_unban", "unban:1", person(1), json!({"reason": "sorry"}));
    stage.rt.block_on(deeds.request(1, 3)).unwrap();
    stage.assert_verified();
}

#[test]
fn a_catalog_is_published_by_an_operator_once_a_version() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    stage.rt.block_on(deeds.start(1)).unwrap();
    let mut catalog =
        serde_json::to_value(proto_events::catalog::Catalog::default_catalog().unwrap()).unwrap();
    catalog["bonuses"]["welcome"] = 9.into();
    let publish = |version: i64, catalog: &serde_json::Value| json!({"version": version, "catalog": catalog});
    let shop = of(AccountId::CATALOG);
    let refuse = |id: &str, body| raw.refused(Producer::Console, "catalog_publish", id, shop.clone(), body);
    assert_eq!(refuse("catalog:3", publish(3, &catalog)), "version_not_next");
    let mut broken = catalog.clone();
    broken["packages"][0]["credits"] = 0.into();
    assert_eq!(refuse("catalog:2:broken", publish(2, &broken)), "catalog_invalid");
    raw.operator("catalog_publish", "catalog:2", shop.clone(), publish(2, &catalog));
    stage.rt.block_on(deeds.start(2)).unwrap();
    assert_eq!(balance(&stage, &deeds, 2), (9, 0, 0));
    // A charge names the catalog it was made by.
    stage.rt.block_on(deeds.topup(2, "a")).unwrap();
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    let opened = log.iter().find(|r| r.event_type == "PaymentOpened").unwrap();
    assert!(opened.payload.contains("\"catalog_version\":2"), "{}", opened.payload);
    stage.assert_verified();
}
