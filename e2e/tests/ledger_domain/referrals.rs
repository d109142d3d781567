//! Who invited whom, and what that brings.

use e2e::deeds::Deeds;
use e2e::raw::{Raw, person};
use e2e::{Role, Stage};
use proto_events::{AccountId, Event, Producer};
use serde_json::json;

use crate::balance;

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

/// How many the ledger's own follow-ups have gone through.
fn followed(stage: &Stage) -> i64 {
    stage.rt.block_on(ledger::store::followed_through(&stage.pool)).unwrap()
}

#[test]
fn a_bonus_is_given_once_whoever_asks_and_so_many_a_day() {
    let mut stage = Stage::new().unwrap();
    let mut catalog =
        serde_json::to_value(proto_events::catalog::Catalog::default_catalog().unwrap()).unwrap();
    catalog["bonuses"]["referral_daily_max"] = 1.into();
    let file = stage.dir().join("catalog.json");
    std::fs::write(&file, catalog.to_string()).unwrap();
    stage.start(Role::Ledger, &[("CATALOG_FILE", file.to_str().unwrap())]).unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let inviter = stage.rt.block_on(deeds.start(1)).unwrap();
    let [second, third] = [2, 3].map(|user| invite(&raw, user, &inviter.to_string()));
    let registered = |invited: AccountId| {
        let log = stage.rt.block_on(Stage::log(&stage.pool));
        let of_it = |r: &&ledger::log::Row| r.account() == invited && r.event_type == "ReferralRegistered";
        log.iter().find(of_it).expect("a referral").position
    };
    let (first, last) = (registered(second), registered(third));
    stage.until("the follow-ups", || (followed(&stage) >= last).then_some(()));
    // Both who were invited have theirs, the inviter only that of the first.
    assert_eq!([1, 2, 3].map(|user| balance(&stage, &deeds, user)), [(10, 0, 0); 3]);
    // Gone through once more from the beginning, as after a crash: nothing is given again.
    let again = "UPDATE follow_ups SET position = 0";
    stage.kill9(Role::Ledger);
    stage.rt.block_on(sqlx::query(again).execute(&stage.pool)).unwrap();
    stage.start(Role::Ledger, &[]).unwrap();
    stage.until("the follow-ups", || (followed(&stage) >= last).then_some(()));
    assert_eq!([1, 2, 3].map(|user| balance(&stage, &deeds, user)), [(10, 0, 0); 3]);
    // Nothing of this is said of a person by somebody else.
    let body = json!({"invited": second, "side": "invited", "cause": first});
    assert_eq!(raw.refused(Producer::Telegram, "referral_bonus", "x", person(2), body), "not_allowed");
    stage.assert_verified();
}
