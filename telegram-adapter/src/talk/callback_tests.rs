//! Buttons: what they bring back, and what is not read of what a client sends.

use proto_events::catalog::Catalog;
use proto_events::commands::Setting;
use proto_events::{AccountId, CommandId, GenerationId, Micros, Position, Producer, Text};

use super::callback::{Choice, NONCE_LEN, Press, Seen, Step, Tail};
use crate::texts::Lang;
use crate::ways::Way;

fn generation() -> GenerationId {
    let command = CommandId::new("msg:1:2:3").unwrap();
    GenerationId::derive(AccountId::OPERATIONS, Producer::Telegram, &command)
}

fn all() -> Vec<Press> {
    let (tail, nonce) = (Tail::of(generation()), Press::nonce());
    let before = Some(Position::new(9_007_199_254_740_991).unwrap());
    let mut all = vec![
        Press::Menu,
        Press::Balance,
        Press::Topup,
        Press::Packages,
        Press::Settings,
        Press::References,
        Press::ClearReferences,
        Press::RemoveReference(Press::photo("AgADBAADq7cxG")),
        Press::History { before: None },
        Press::History { before },
        Press::Statement { before: None },
        Press::Statement { before },
        Press::Resend(tail.clone()),
        Press::Invite,
        Press::Help,
        Press::Again { nonce: nonce.clone(), of: tail.clone() },
        Press::Change(tail.clone()),
        Press::Original(tail.clone()),
        Press::Cancel(tail),
        Press::Wish { nonce: nonce.clone() },
        Press::Erase { nonce: nonce.clone(), told: 1_000_000_000 },
        Press::Keep,
        Press::Segment { message: i64::from(i32::MAX), segment: 'e' },
        Press::Set(Setting::Model(None)),
        Press::Set(Setting::Model(Some(Text::lossy("gemini-nano-banana-2.1")))),
        Press::Set(Setting::AspectRatio(Some(Text::lossy("16:9")))),
        Press::Set(Setting::Size(Some(Text::lossy("4K")))),
        Press::Set(Setting::AsFile(true)),
        Press::Set(Setting::AsFile(false)),
    ];
    all.extend(Lang::ALL.map(Press::Speak));
    all.extend(Choice::ALL.map(Press::Choose));
    let last = 9_007_199_254_740_991;
    let seen =
        [Seen::Draft(Micros::new(last).unwrap()), Seen::Since(Position::new(last).unwrap()), Seen::SomeDraft];
    all.extend(seen.into_iter().flat_map(|seen| {
        Step::ALL.map(|step| Press::Broadcast { step, broadcast: Text::lossy(&Press::nonce()), seen })
    }));
    for package in Catalog::default_catalog().unwrap().packages {
        let package = package.id;
        all.extend(Way::ALL.map(|way| Press::Pay { nonce: nonce.clone(), way, package: package.clone() }));
        all.extend([Press::Email { package: package.clone() }, Press::buy(package)]);
    }
    all
}

#[test]
fn every_press_reads_back_and_keeps_to_64_bytes() {
    for press in all() {
        let data = press.data().unwrap();
        assert!((1..=64).contains(&data.len()), "{data}");
        assert_eq!(Press::read(&data), Some(press));
    }
}

#[test]
fn a_generation_is_known_by_its_end_to_its_account_only() {
    let tail = Tail::of(generation());
    assert_eq!(tail.generation(AccountId::OPERATIONS), Some(generation()));
    assert_ne!(tail.generation(AccountId::CATALOG), Some(generation()));
}

#[test]
fn a_message_is_one_intent() {
    let nonce = Press::nonce_of(-7, 8);
    assert_eq!((nonce.len(), &nonce), (NONCE_LEN, &Press::nonce_of(-7, 8)));
    assert_ne!(nonce, Press::nonce_of(-7, 9));
    let press = Press::Buy { nonce, package: Text::new("rub-100").unwrap() };
    assert_eq!(Press::read(&press.data().unwrap()), Some(press));
}

#[test]
fn two_buttons_are_two_intents() {
    let package = Text::new("rub-100").unwrap();
    assert_ne!(Press::buy(package.clone()), Press::buy(package));
}

#[test]
fn a_broadcasts_button_from_before_it_named_a_draft_is_of_some_draft() {
    for old in ["qg:b1", "qg:b1:0"] {
        let (step, broadcast, seen) = (Step::Start, Text::lossy("b1"), Seen::SomeDraft);
        assert_eq!(Press::read(old), Some(Press::Broadcast { step, broadcast, seen }));
    }
}

#[test]
fn what_does_not_fit_is_not_made() {
    assert_eq!(Press::buy(Text::new("p".repeat(38)).unwrap()).data(), None);
    assert!(Press::buy(Text::new("p".repeat(37)).unwrap()).data().is_some());
    assert_eq!(Press::Set(Setting::Model(Some(Text::new("m".repeat(62)).unwrap()))).data(), None);
}

#[test]
fn what_we_did_not_write_is_not_read() {
    let nonce = "0123456789abcdef01234567";
    let data = |data: String| Press::read(&data);
    for bad in [
        String::new(),
        "d".to_owned(),
        "b".to_owned(),
        format!("b:{nonce}:"),
        format!("b:{}:rub-100", &nonce[1..]),
        format!("b:{}G:rub-100", &nonce[1..]),
        format!("w:{nonce}:?:rub-100"),
        format!("w:{nonce}:rub-100"),
        format!("b:{nonce}:{}", "p".repeat(64)),
        format!("a:{nonce}:0123"),
        "c:0123456789abcdeX".to_owned(),
        "y:".to_owned(),
        "y:-1".to_owned(),
        "sl:de".to_owned(),
        "sf:2".to_owned(),
        "s:q".to_owned(),
        "g:0:e".to_owned(),
        "g:7:ee".to_owned(),
        "qz:b1".to_owned(),
        "qg:".to_owned(),
        "qg:b1:".to_owned(),
        "qg:b1:-1".to_owned(),
        "qg:b1:d".to_owned(),
        "qg:b1:d-1".to_owned(),
        "e:".to_owned(),
        "sz:123456789".to_owned(),
    ] {
        assert_eq!(data(bad.clone()), None, "{bad:?}");
    }
}
