//! Lots that end, by the ledger's timer.

use std::time::Instant;

use e2e::deeds::Deeds;
use e2e::leaders::lead_and_stand_by;
use e2e::raw::{Raw, person};
use e2e::{Role, Stage};
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::{balance, count};

#[test]
fn a_lot_ends_by_the_ledgers_timer() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    let now: i64 = stage.rt.block_on(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)).unwrap();
    let give = |ends_in_ms: i64| json!({"credits": 7, "source": "promo", "reason": "r", "expires_at": now + ends_in_ms * 1_000});
    let past = raw.refused(Producer::Console, "credits_grant", "grant:0", person(1), give(-1_000));
    assert_eq!(past, "end_in_the_past");
    raw.operator("credits_grant", "grant:1", person(1), give(1_500));
    raw.operator("credits_grant", "grant:2", person(1), give(3_600_000));
    assert_eq!(balance(&stage, &deeds, 1), (19, 0, 0));
    stage.until("the lot to expire", || (balance(&stage, &deeds, 1) == (12, 0, 0)).then_some(()));
    stage.until("its row to go", || (count(&stage, "expiring_lots", account) == 1).then_some(()));
    stage.assert_verified();
}

/// A lot of 7 credits that ends so many ms from now.
fn gives(stage: &Stage, raw: &Raw, user: i64, ends_in_ms: i64) {
    let now: i64 = stage.rt.block_on(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)).unwrap();
    let ends = now + ends_in_ms * 1_000;
    let body: Value = json!({"credits": 7, "source": "promo", "reason": "r", "expires_at": ends});
    raw.operator("credits_grant", &format!("grant:{user}:{ends}"), person(user), body);
}

fn expired(stage: &Stage, account: AccountId) -> usize {
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    log.iter().filter(|r| r.account() == account && r.event_type == "CreditsExpired").count()
}

#[test]
fn a_lot_that_ended_while_nobody_ran_ends_at_the_next_start_once() {
    let mut stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    gives(&stage, &raw, 1, 700);
    stage.kill9(Role::Ledger);
    stage.until("its end", || {
        let due = "SELECT expires_at <= now_us() FROM expiring_lots";
        stage.rt.block_on(sqlx::query_scalar(due).fetch_one(&stage.pool)).unwrap_or(true).then_some(())
    });
    stage.start(Role::Ledger, &[]).unwrap();
    stage.until("the lot to expire", || (balance(&stage, &deeds, 1) == (5, 0, 0)).then_some(()));
    stage.until("its row to go", || (count(&stage, "expiring_lots", account) == 0).then_some(()));
    assert_eq!(expired(&stage, account), 1);
    stage.assert_verified();
}

#[test]
fn a_lot_ends_by_whoever_leads_then() {
    let mut stage = Stage::new().unwrap();
    lead_and_stand_by(&mut stage, &[]);
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    gives(&stage, &raw, 1, 1_500);
    stage.kill9(Role::Ledger);
    let killed = Instant::now();
    stage.until("the lot to expire", || (expired(&stage, account) > 0).then_some(()));
    println!("it expired {:.2} s after the leader was killed", killed.elapsed().as_secs_f64());
    stage.until("its row to go", || (count(&stage, "expiring_lots", account) == 0).then_some(()));
    assert_eq!((expired(&stage, account), balance(&stage, &deeds, 1)), (1, (5, 0, 0)));
    stage.assert_verified();
}

/// More than one look takes, and some of it held.
#[test]
fn a_whole_campaign_ends_at_once_and_what_is_held_when_it_comes_back() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    let now: i64 = stage.rt.block_on(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool)).unwrap();
    let (lots, ends) = (300, now + 4_000_000);
    stage.rt.block_on(async {
        let body = json!({"credits": 1, "source": "promo", "reason": "r", "expires_at": ends});
        let gives = (0..lots).map(|n| {
            let (raw, body) = (raw.clone(), body.clone());
            async move {
                raw.ask(Producer::Console, "credits_grant", &format!("grant:{n}"), person(1), body).await
            }
        });
        let given = futures_util::future::join_all(gives).await;
        assert!(given.iter().all(|reply| reply["status"] == "done"), "{:?}", given[0]);
    });
    let job = stage.rt.block_on(deeds.request(1, 1)).unwrap();
    stage
        .until("all but what is held to expire", || (balance(&stage, &deeds, 1) == (5, 10, 0)).then_some(()));
    // Those of the ten that are held are asked for again later.
    stage.until("their rows to go", || (count(&stage, "expiring_lots", account) == 10).then_some(()));
    stage.rt.block_on(async {
        deeds.claim(job, 1).await.unwrap();
        deeds.fail(job, 1).await.unwrap();
    });
    assert_eq!(balance(&stage, &deeds, 1), (5, 0, 0));
    assert_eq!(expired(&stage, account), lots);
    stage.assert_verified();
}
