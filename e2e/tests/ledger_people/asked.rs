//! What the bot asks of a person's things: what they could not pay, which picture a file is, how many are before them, whose
//! words an administrator answers.

use e2e::Stage;
use e2e::deeds::{Deeds, rubles};
use e2e::raw::person;
use proto_events::{GenerationId, Producer};
use serde_json::{Value, json};

use crate::Desk;

#[test]
fn the_newest_wish_is_kept_until_it_is_forgotten() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    desk.start(1);
    let theirs = json!({"account": {"telegram": 1}});
    assert_eq!(desk.not_answered("wish", theirs.clone()), "wish_not_found");
    let wish = |prompt: &str| {
        json!({"request": {
            "kind": "edit", "prompt": prompt, "references": ["file-1"], "context": {"chat": 1, "message": 5},
        }})
    };
    desk.done("wish_keep", 1, wish("a leaf"));
    desk.done("wish_keep", 1, wish("a tree"));
    let kept = desk.ask("wish", theirs.clone());
    assert_eq!(
        (&kept["request"]["prompt"], &kept["request"]["references"]),
        (&json!("a tree"), &json!(["file-1"]))
    );
    assert!(kept["kept_at"].as_i64().unwrap() > 0);
    desk.done("wish_keep", 1, json!({}));
    assert_eq!(desk.not_answered("wish", theirs), "wish_not_found");
    assert_eq!(desk.refused("wish_keep", 2, json!({}))["code"], "account_not_found");
}

fn delivered(desk: &Desk<'_>, generation: GenerationId, unique_ids: Value) {
    let body = json!({"generation": generation, "file_ids": ["f-1", "f-2"], "unique_ids": unique_ids});
    let id = format!("delivered:{generation}");
    desk.raw.done(Producer::Telegram, "delivery_confirm", &id, e2e::raw::of(generation.account()), body);
}

#[test]
fn a_picture_is_known_by_its_file() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    for user in [1, 2] {
        desk.start(user);
        let payment = stage.rt.block_on(deeds.topup(user, &format!("n{user}"))).unwrap();
        stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    }
    let first = stage.rt.block_on(deeds.picture(1, 1)).unwrap();
    let ask = |user: i64, name: &str| json!({"account": {"telegram": user}, "unique_id": name});
    assert_eq!(desk.not_answered("generation_of_file", ask(1, "u-1")), "generation_not_found");
    delivered(&desk, first, json!(["u-1"]));
    assert_eq!(desk.ask("generation_of_file", ask(1, "u-1")), json!({"generation": first}));
    assert_eq!(desk.not_answered("generation_of_file", ask(2, "u-1")), "generation_not_found", "another's");
    // As adapters said before there were unique ids.
    let second = stage.rt.block_on(deeds.picture(1, 2)).unwrap();
    delivered(&desk, second, json!([]));
    let third = stage.rt.block_on(deeds.picture(1, 3)).unwrap();
    delivered(&desk, third, json!(["u-1"]));
    assert_eq!(desk.ask("generation_of_file", ask(1, "u-1")), json!({"generation": third}), "the newest");
}

#[test]
fn a_person_sees_how_many_are_before_them() {
    let stage = Stage::with_ledger().unwrap();
    let (desk, deeds) = (Desk::new(&stage), Deeds::new(&stage));
    for user in 1..4 {
        desk.start(user);
        let payment = stage.rt.block_on(deeds.topup(user, &format!("n{user}"))).unwrap();
        stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    }
    // Two of the first person's, then one each: everybody's first comes before anybody's second.
    let asked = [(1, 1), (1, 2), (2, 1), (3, 1)];
    let jobs = asked.map(|(user, message)| stage.rt.block_on(deeds.request(user, message)).unwrap());
    let before =
        |job: GenerationId| desk.ask("queue", json!({"generation": job}))["before"].as_i64().unwrap();
    assert_eq!(jobs.map(before), [0, 3, 1, 2]);
    // As a sweep shows them: the order is the same.
    let swept = stage.rt.block_on(deeds.generator.ask::<Value>("jobs", &json!({"limit": 10}), None)).unwrap();
    let shown: Vec<Value> = swept.as_array().unwrap().iter().map(|job| job["generation"].clone()).collect();
    assert_eq!(shown, [jobs[0], jobs[2], jobs[3], jobs[1]].map(|job| json!(job)));

    stage.rt.block_on(deeds.claim(jobs[0], 1)).unwrap();
    let gone = |job: GenerationId| desk.not_answered("queue", json!({"generation": job}));
    assert_eq!(gone(jobs[0]), "generation_not_found", "it is worked on");
    assert_eq!([jobs[2], jobs[3]].map(before), [0, 1]);
    stage.rt.block_on(deeds.complete(jobs[0], 1)).unwrap();
    assert_eq!(gone(jobs[0]), "generation_not_found", "it is done");
    assert_eq!([jobs[1], jobs[2], jobs[3]].map(before), [0, 1, 2]);
}

#[test]
fn a_reply_of_an_administrator_finds_whose_words_it_answers() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    let account = desk.start(1);
    let at = json!({"chat": -100, "message": 7});
    assert_eq!(desk.not_answered("support_of", at.clone()), "note_not_found");
    desk.done("support_note", 1, at.clone());
    desk.done("support_note", 1, at.clone());
    let found = json!({"account": account, "telegram_user": 1, "language": "ru"});
    assert_eq!(desk.ask("support_of", at.clone()), found);
    assert_eq!(desk.not_answered("support_of", json!({"chat": -100, "message": 8})), "note_not_found");
    assert_eq!(desk.refused("support_note", 2, at.clone())["code"], "account_not_found");
    let forfeit = json!({"forfeit": true});
    desk.raw.send(Producer::Telegram, "account_erase", "erase:1", person(1), forfeit);
    assert_eq!(desk.not_answered("support_of", at), "note_not_found");
    stage.until("the note to be deleted", || (desk.count("support_notes") == 0).then_some(()));
}
