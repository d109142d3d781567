//! Answers: streamed, long ones in pieces, with what was said before until that is forgotten.

use e2e::Stage;
use e2e::browser::{Browser, Screen};
use serde_json::json;

use crate::seat::{BOTS, Seat};

/// A message holds 4 096 characters.
const SENTENCES: usize = 160;

fn long_answer() -> String {
    let sentence = |n: usize| {
        let end = if n % 8 == 7 { "\n\n" } else { " " };
        format!("Sentence **{n:03}** of a long and winding tale of the sea.{end}")
    };
    (0..SENTENCES).map(sentence).collect()
}

fn talks(seat: &Seat<'_>) {
    seat.comes();
    seat.page.writes("Which way is north?");
    seat.is_told("Which way is north?");
    seat.available(4);
    seat.page.writes("And what did I ask?");
    seat.available(3);
    seat.is_told("2 turns came before it");
    seat.shot("1-answers");

    // It grows while it comes, and is there as messages then.
    let slowly = json!({"text_instead": long_answer(), "drip_bytes": 1_000, "drip_ms": 250});
    seat.stage.fault("gemini", "*", slowly, 1);
    let before = seat.page.count(BOTS, "");
    seat.page.writes("Tell me of the sea");
    let drafted = || seat.page.texts(".draft .body").first().map_or(0, String::len);
    seat.page.until("the first words", || drafted() > 100);
    let first = drafted();
    seat.shot("2-draft");
    seat.page.until("more words", || drafted() > first);
    seat.is_told(&format!("Sentence {:03}", SENTENCES - 1));
    seat.available(2);
    seat.page.until("the draft to go", || seat.page.count(".draft", "") == 0);
    let told = seat.page.texts(&format!("{BOTS} .body"));
    let pieces = &told[usize::try_from(before).unwrap()..];
    assert_eq!(pieces.len(), 3, "10 000 characters are three messages");
    let whole = pieces.concat();
    let places: Vec<_> = (0..SENTENCES).map(|n| whole.find(&format!("Sentence {n:03} of"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "nothing is lost: {places:?}");
    assert!(pieces[..2].iter().all(|piece| !piece.contains(seat.word("осталось", "left:"))));
    seat.shot("3-long");

    seat.chooses_command("/clear");
    seat.is_told(seat.word("Забыл", "Forgotten"));
    let anew = format!("Who am I, {}?", seat.person.0);
    seat.page.writes(&anew);
    seat.is_told(&anew);
    seat.available(1);
    assert!(seat.call(&anew)["turns"].is_null(), "{:?}", seat.call(&anew));
    seat.page.assert_tidy();
}

#[test]
fn answers_are_streamed_and_go_on_until_cleared() {
    let stage = Stage::whole().unwrap();
    let browser = Browser::start("talks").unwrap();
    talks(&Seat::take(&stage, &browser, Screen::Wide, 7431, "ru"));
    talks(&Seat::take(&stage, &browser, Screen::Phone, 7432, "en"));
    stage.judge_bot_requests();
    stage.assert_verified();
}
