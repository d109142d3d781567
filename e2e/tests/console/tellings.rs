//! Tellings that are tried again and again: seen with why, done after all, or ended by hand, so that whoever waits for a picture gets the
//! credits back.

use e2e::deeds::Deeds;
use e2e::people::{Person, said};
use e2e::raw::{Raw, of, person};
use e2e::{Role, Stage};
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::desk::{PASSWORD, Seat, hires, open_with};

const ADA: Person = Person(7_810);
/// A try is over soon, so that five of them are.
const SOON: (&str, &str) = ("TELLING_LEASE_MS", "300");

fn stuck(seat: &Seat<'_>) -> Vec<Value> {
    seat.reads("/dead-letters")["stuck"].as_array().unwrap().clone()
}

/// The one telling that waits for somebody, once its service has said why.
fn stands(seat: &Seat<'_>, kind: &str) -> Value {
    let found =
        |one: &Value| one["type"] == kind && one["error"].as_str().unwrap().contains("may have been sent");
    let one = seat.stage.until(kind, || stuck(seat).into_iter().find(found));
    assert!(one["tries"].as_i64().unwrap() >= 5 && one["telling"] == true, "{one}");
    one
}

/// Asks for a picture that is tried once, as if three more tries had come to nothing since: each takes the bot twenty seconds.
fn asks(stage: &Stage, prompt: &str) {
    stage.write(ADA, prompt);
    stage.until("the first try", || {
        let sql = "UPDATE deliveries SET attempt = 4 WHERE type = 'GenerationSucceeded' AND attempt = 1";
        let tried = stage.sql(sqlx::query(sql).execute(&stage.pool));
        (tried.rows_affected() == 1).then_some(())
    });
}

fn page(one: &Value) -> String {
    format!("/dead-letters/events/telegram/{}", one["position"])
}

fn drops(seat: &Seat<'_>, page: &str) {
    let told = seat.gets(page);
    assert!(told.text.contains("кредиты вернутся"), "{}", told.text);
    let form = [("once", told.hidden("once")), ("reason", "it never arrives".to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    for _ in 0..2 {
        let dropped = seat.posts(&format!("{page}/drop"), &form);
        assert_eq!(dropped.to, format!("{page}?done=letter-drop"), "{}", dropped.text);
    }
}

fn is_untold(stage: &Stage, position: &Value) -> bool {
    let sql = "SELECT EXISTS (SELECT FROM deliveries WHERE position = $1) \
               OR EXISTS (SELECT FROM parked_deliveries WHERE position = $1)";
    stage.sql(sqlx::query_scalar(sql).bind(position.as_i64()).fetch_one(&stage.pool))
}

/// (type, credits) of what the end of a result makes.
fn given_back(stage: &Stage) -> Vec<(String, Option<i64>)> {
    let sql = "SELECT type, (payload::json->>'credits')::bigint FROM events WHERE type = 'DeliveryFailed' \
               OR (type = 'CreditsGranted' AND payload::json->>'source' = 'compensation') ORDER BY position";
    stage.sql(sqlx::query_as(sql).fetch_all(&stage.pool))
}

#[test]
fn what_never_arrives_is_ended_by_hand_and_its_credits_come_back() {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD), SOON])]).unwrap();
    hires(&stage, "ops", "operator");
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    stage.arrive_with_credits(ADA);

    // A picture that Telegram's answer never comes to.
    let breaks = json!({"status": 500});
    let bent = stage.bend("sendPhoto", &breaks, 10_000, &ADA.0.to_string());
    asks(&stage, "/prompt a plantain");
    let one = stands(&ops, "GenerationSucceeded");
    assert!(is_untold(&stage, &one["position"]) && given_back(&stage).is_empty());
    drops(&ops, &page(&one));
    let [failed, granted] = &given_back(&stage)[..] else { panic!("{:?}", given_back(&stage)) };
    assert_eq!(failed.0, "DeliveryFailed");
    let spent = "SELECT (payload::json->>'credits')::bigint FROM events WHERE type = 'GenerationSucceeded'";
    let spent: i64 = stage.sql(sqlx::query_scalar(spent).fetch_one(&stage.pool));
    assert_eq!(granted, &("CreditsGranted".to_owned(), Some(spent)));
    assert!(!is_untold(&stage, &one["position"]) && stuck(&ops).is_empty());
    stage.wait_for(ADA, "that the credits are back", |m| {
        said(m, &spent.to_string()) && said(m, "Returned to you")
    });
    let acts =
        "SELECT actor FROM events WHERE type = 'DeliveryFailed' OR payload::json->>'act' = 'event_dropped'";
    let acts: Vec<String> = stage.sql(sqlx::query_scalar(acts).fetch_all(&stage.pool));
    assert!(acts.len() == 2 && acts.iter().all(|actor| actor == "operator:ops"), "{acts:?}");
    stage.unbend(bent);

    // One that is told after all leaves the page by itself.
    let bent = stage.bend("sendPhoto", &breaks, 10_000, &ADA.0.to_string());
    asks(&stage, "/prompt another plantain");
    let one = stands(&ops, "GenerationSucceeded");
    stage.unbend(bent);
    stage.wait_for_picture(ADA);
    stage.until("that nothing is stuck", || stuck(&ops).is_empty().then_some(()));
    assert!(!is_untold(&stage, &one["position"]));
    assert_eq!(given_back(&stage).len(), 2);
    stage.assert_verified();
}

/// Whoever claims it dies each time, and says nothing.
#[test]
fn a_telling_at_which_its_service_dies_is_seen_and_ended() {
    let stage = open_with(&[SOON]);
    hires(&stage, "ops", "operator");
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    stage.rt.block_on(deeds.whole_way(1)).unwrap();
    let of_type = |kind: &str| -> i64 {
        let sql = "SELECT position FROM deliveries WHERE type = $1";
        stage.sql(sqlx::query_scalar(sql).bind(kind).fetch_one(&stage.pool))
    };
    let claims = |position: i64, n: usize| {
        let body = json!({"position": position, "claimant": format!("try {n}")});
        let id = format!("claim:{position}:{n}");
        stage.until("the claim", || {
            let told =
                raw.send(Producer::Telegram, "delivery_claim", &id, of(AccountId::OPERATIONS), body.clone());
            let held = told["refusal"]["code"] == "delivery_held" || told["code"] == "delivery_held";
            (!held).then_some(told)
        })
    };
    let position = of_type("PaymentSettled");
    for n in 1..=4 {
        assert_eq!(claims(position, n)["result"]["attempt"], n);
    }
    assert!(stuck(&ops).is_empty());
    assert_eq!(claims(position, 5)["result"]["attempt"], 5);
    let [one] = &stuck(&ops)[..] else { panic!("{:?}", stuck(&ops)) };
    assert_eq!((&one["error"], &one["tries"], &one["telling"]), (&json!(""), &json!(5), &json!(true)));
    assert!(ops.gets("/dead-letters").text.contains("Возможно, он на этом событии падает"));
    // The stream's part is done: the telling is still stuck.
    let body = json!({"consumer": "telegram", "position": position, "tries": 5});
    raw.send(Producer::Telegram, "consumer_stuck", "stuck:1", of(AccountId::OPERATIONS), body);
    assert_eq!(stuck(&ops).len(), 1);

    drops(&ops, &page(one));
    assert!(!is_untold(&stage, &json!(position)) && stuck(&ops).is_empty());
    assert_eq!(ops.reads("/dead-letters")["stuck_dropped"][0]["position"], position);
    let told = claims(position, 6);
    assert!(told.to_string().contains("delivery_done"), "{told}");
    assert!(given_back(&stage).is_empty(), "a payment is what it was");

    // Dropped while it was still told: it is seen again, also while its person can't be reached, and ends for good.
    let position = of_type("GenerationFailed");
    let dropped = "INSERT INTO stuck_events (consumer, position, tries, error, dropped, first_at, last_at) \
                   VALUES ('telegram', $1, 5, 'no', true, now_us(), now_us())";
    stage.sql(sqlx::query(dropped).bind(position).execute(&stage.pool));
    for n in 1..=5 {
        assert!(stuck(&ops).is_empty());
        claims(position, n);
    }
    let reaches = |reachable: bool| {
        raw.send(Producer::Telegram, "person_reach", "reach", person(1), json!({"reachable": reachable}))
    };
    reaches(false);
    stage.until("it to wait for its person", || {
        let told = claims(position, 6);
        let parked = "SELECT count(*) FROM parked_deliveries";
        let parked: i64 = stage.sql(sqlx::query_scalar(parked).fetch_one(&stage.pool));
        (parked == 1).then_some(told)
    });
    let [one] = &stuck(&ops)[..] else { panic!("{:?}", stuck(&ops)) };
    assert_eq!(
        (&one["position"], &one["error"], &one["telling"]),
        (&json!(position), &json!("no"), &json!(true))
    );
    drops(&ops, &page(one));
    reaches(true);
    assert!(!is_untold(&stage, &json!(position)) && stuck(&ops).is_empty());
    stage.assert_verified();
}
