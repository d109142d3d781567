//! Events that a fold can't take, planted in the log by a superuser.

use e2e::deeds::Deeds;
use e2e::history;
use e2e::{Role, Stage, judge};
use ledger::log::Row;
use ledger::projections::{self, Needs, Standing};

use crate::hall::Hall;

/// Puts an event on top of the log while no ledger runs.
fn plant(hall: &Hall, of: &Row, change: impl FnOnce(&mut Row)) -> i64 {
    let log = hall.stage.rt.block_on(Stage::log(&hall.stage.pool));
    let last = log.last().unwrap();
    let versions = log.iter().filter(|row| row.account_id == of.account_id).map(|row| row.version);
    let mut row = Row { position: last.position + 1, version: versions.max().unwrap() + 1, ..of.clone() };
    (row.recorded_at, row.ordinal) = (last.recorded_at, 0);
    (row.available_delta, row.reserved_delta, row.debt_delta) = (0, 0, 0);
    row.command_id = format!("planted:{}", row.position);
    change(&mut row);
    row.chain(last.hash);
    hall.stage.rt.block_on(history::append(&hall.stage.pool, std::slice::from_ref(&row))).unwrap();
    row.position
}

/// The projections that stand, and where.
fn standing(hall: &Hall) -> Vec<(String, i64)> {
    let stands = hall.instances().into_iter().filter(|i| i.failure.is_some());
    stands.map(|i| (i.name, i.failed_at.unwrap())).collect()
}

/// What people are told they have is what is committed: the projection is only the quicker half of it.
#[test]
fn a_balance_is_of_now_although_its_projection_stands_still() {
    let mut hall = Hall::open("balances");
    assert!(hall.stage.stop(Role::Ledger));
    hall.stage.start(Role::Ledger, &[("WRITE_PATH_ONLY", "true")]).unwrap();
    let deeds = Deeds::new(&hall.stage);
    hall.stage.rt.block_on(deeds.whole_way(1)).unwrap();
    assert_eq!(hall.stage.rt.block_on(deeds.balance(1, proto_events::Position::ZERO)).unwrap(), (95, 0, 0));
    let behind = hall.rows::<(i64,)>(
        "SELECT h.position - i.position FROM log_head h, projection_instances i \
         WHERE i.name = 'balances' AND i.state = 'live'",
    );
    assert!(behind[0].0 > 5, "the projection was to stand still: {behind:?}");
    let sums: Vec<(uuid::Uuid, i64, i64, i64)> = hall.rows(
        "SELECT account_id, sum(available_delta)::bigint, sum(reserved_delta)::bigint, sum(debt_delta)::bigint \
         FROM events GROUP BY 1",
    );
    for (account, available, reserved, debt) in sums {
        // Near and far are two ways to the same sums.
        for near in [i64::MAX / 2, -1] {
            let account = proto_events::AccountId(account);
            let found = projections::balance_near(&hall.stage.pool, account, near);
            let found = hall.stage.rt.block_on(found).unwrap();
            assert_eq!(found, Standing::Known(available, reserved, debt), "{account}, near is {near}");
        }
    }
    let nobody = proto_events::AccountId(uuid::Uuid::from_u128(1));
    let found = hall.stage.rt.block_on(projections::balance(&hall.stage.pool, nobody)).unwrap();
    assert_eq!(found, Standing::Nobody);
}

#[test]
fn a_fold_that_cannot_take_an_event_stops_alone_and_an_unknown_event_is_not_guessed_at() {
    let mut hall = Hall::open("stops");
    let deeds = Deeds::new(&hall.stage);
    let started = hall.history.rows.iter().find(|row| row.event_type == "GenerationStarted").unwrap().clone();
    assert!(hall.stage.stop(Role::Ledger));

    // A claim of a generation that nobody asked for.
    let tail = "0123456789abcdef";
    let broken = plant(&hall, &started, |row| {
        let mut payload: serde_json::Value = serde_json::from_str(&row.payload).unwrap();
        let id = payload["generation"].as_str().unwrap().to_owned();
        payload["generation"] = format!("{}{tail}", &id[..id.len() - tail.len()]).into();
        row.payload = payload.to_string();
    });
    hall.stage.start(Role::Ledger, &[]).unwrap();
    hall.stage.until("generations to stand", || {
        (standing(&hall) == [("generations".to_owned(), broken)]).then_some(())
    });
    let head = |hall: &Hall| hall.stage.rt.block_on(ledger::store::head(&hall.stage.pool)).unwrap().position;
    let others_go_on = |hall: &Hall, but: &[&str]| {
        let end = head(hall);
        hall.stage.until("the others to go on", || {
            let others = hall.instances().into_iter().filter(|i| !but.contains(&i.name.as_str()));
            others.map(|i| i.position).all(|position| position >= end).then_some(())
        });
    };
    hall.stage.rt.block_on(deeds.whole_way(1)).unwrap();
    others_go_on(&hall, &["generations"]);
    assert_eq!(hall.live("generations").position, broken - 1);
    let (code, shown, _) = hall.run(&["projections"]);
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("STANDS at") && shown.contains("never requested"), "{shown}");

    // A newer ledger was here.
    assert!(hall.stage.stop(Role::Ledger));
    let unknown = plant(&hall, &started, |row| row.event_type = "GenerationDreamt".to_owned());
    hall.stage.start(Role::Ledger, &[]).unwrap();
    let readers = projections::ALL.iter().filter(|d| d.needs == Needs::Payload).map(|d| d.name);
    let mut wanted: Vec<(String, i64)> =
        readers.map(|name| (name.to_owned(), if name == "generations" { broken } else { unknown })).collect();
    wanted.sort();
    hall.stage.until("who reads payloads to stand", || (standing(&hall) == wanted).then_some(()));
    // Replies go on, and so does what needs no payload.
    hall.stage.rt.block_on(deeds.whole_way(2)).unwrap();
    let names: Vec<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
    others_go_on(&hall, &names);
    assert_eq!(hall.stage.rt.block_on(deeds.balance(2, proto_events::Position::ZERO)).unwrap(), (95, 0, 0));
    let lots = hall.live("lots");
    let why = lots.failure.clone().unwrap();
    assert!(why.contains("GenerationDreamt") && why.contains("newer version"), "{why}");
    assert_eq!((lots.position, lots.failed_at), (unknown - 1, Some(unknown)));
    // One who stands is rebuilt and compared up to where it stands.
    let (code, answer) = hall.json(&["replay", "lots", "--diff-only"]);
    assert_eq!((code, &answer["projections"][0]["diff"]["position"]), (0, &(unknown - 1).into()), "{answer}");

    // The version that knows it comes: here, the rows are taken out again.
    assert!(hall.stage.stop(Role::Ledger));
    judge::assert_commands_once(&hall.stage.rt.block_on(Stage::log(&hall.stage.pool)));
    hall.change("ALTER TABLE events DISABLE TRIGGER ALL");
    for (position, kind) in [(broken, "GenerationDelivered"), (unknown, "GenerationDelivered")] {
        let delivered = hall.history.rows.iter().find(|row| row.event_type == kind).unwrap();
        let set = format!(
            "UPDATE events SET type = '{kind}', payload = '{}', account_id = '{}' , version = 1000000 + position \
             WHERE position = {position}",
            delivered.payload, delivered.account_id
        );
        assert_eq!(hall.change(&set), 1);
    }
    hall.change("ALTER TABLE events ENABLE TRIGGER ALL");
    hall.stage.start(Role::Ledger, &[]).unwrap();
    judge::wait_for_projections(&hall.stage);
    assert_eq!(standing(&hall), []);
}
