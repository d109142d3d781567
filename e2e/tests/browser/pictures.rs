//! Pictures: with references, and changed.

use e2e::Stage;
use e2e::browser::{Browser, Screen};
use serde_json::json;

use crate::seat::{BOTS, Seat, portrait};

pub fn asks_for_a_picture(seat: &Seat<'_>) {
    seat.gets_a_picture(|| seat.page.writes("/prompt a heron in the reeds"));
    seat.available(195);
    seat.shot("6-picture");
    seat.page.click(".shot", "");
    seat.page.until("the viewer", || seat.page.eval("eyes.drawn('#viewer img')") == 1);
    seat.page.presses("Escape");
    seat.page.until("the viewer to close", || seat.page.count("#viewer img", "") == 0);
}

pub fn asks_for_what_is_refused(seat: &Seat<'_>) {
    seat.stage.fault("gemini", "generateContent", json!("prompt_blocked"), 20);
    let before = seat.page.count(BOTS, "10");
    seat.page.writes("/prompt what may not be painted");
    seat.stage
        .until("the failure", || (seat.stage.count_of(seat.person, "GenerationFailed") == 1).then_some(()));
    seat.stage.heal();
    seat.page.until("the reason", || seat.page.count(BOTS, "10") > before);
    seat.shot("7-refused");
    seat.available(195);
}

/// Two photos are kept, shown, one is removed; the picture is made from the other, and the one after it too.
fn with_references(seat: &Seat<'_>) {
    let two = [portrait(seat.stage, 40), portrait(seat.stage, 220)];
    seat.uploads(&two, None);
    seat.is_told(seat.word("2 фото из 14", "2 photos of 14"));
    seat.chooses_command("/refs");
    seat.page.sees(&format!("{BOTS} .buttons button"), "✖️ 2");
    let shown = format!("eyes.drawn({})", json!(format!("{BOTS} .pictures.many .shot img")));
    seat.page.until("both to be shown", || seat.page.eval(&shown) == 2);
    seat.shot("1-refs");
    seat.page.click(".buttons button", "✖️ 1");
    seat.is_told(seat.word("1 фото из 14", "1 photo of 14"));
    seat.page.until("one button", || seat.page.count(".buttons button", "✖️ 2") == 0);

    let photos = seat.photos();
    assert_eq!(photos.len(), 2);
    seat.stage.fault("gemini", "generateContent", json!({"hold_ms": 60_000}), 1);
    let sits = format!("a diver number {}", seat.person.0);
    seat.gets_a_picture(|| {
        seat.page.writes(&format!("/prompt {sits}"));
        // It says that it looks at one.
        seat.is_told(seat.word("1 фото", "1 photo of yours"));
        seat.page.sees(".buttons button", "✖️");
        seat.shot("2-status");
        seat.stage.until("the call", || (!seat.stage.gemini_calls(&sits).is_empty()).then_some(()));
        seat.stage.heal();
    });
    seat.shot("3-picture");
    assert_eq!(seat.sent_along(&sits), photos[1..], "made from the photo that was kept");
    let next = format!("a pilot number {}", seat.person.0);
    seat.gets_a_picture(|| seat.page.writes(&format!("/prompt {next}")));
    assert_eq!(seat.sent_along(&next), photos[1..], "it stays");

    seat.chooses_command("/refs");
    let all = || seat.page.count(".buttons button", "🗑");
    seat.page.until("the photos once more", || all() == 2);
    seat.page.click(".buttons button", "🗑");
    seat.is_told(seat.word("больше не использу", "no photos of yours are used"));
    let last = format!("nobody number {}", seat.person.0);
    seat.gets_a_picture(|| seat.page.writes(&format!("/prompt {last}")));
    assert_eq!(seat.sent_along(&last), Vec::<String>::new(), "none is used any more");
}

/// In all three ways.
fn changed(seat: &Seat<'_>) {
    let n = seat.person.0;
    // The bot's own picture, answered with words.
    let heron = seat.gets_a_picture(|| seat.page.writes(&format!("/prompt a heron for {n}")));
    let heron = seat.digest(&heron);
    let stars = format!("stars above it, {n}");
    let picture = seat.gets_a_picture(|| seat.replies(&format!("{BOTS}:has(.shot)"), &stars));
    assert!(seat.sent_along(&stars).contains(&heron), "the picture goes along: {:?}", seat.call(&stars));
    seat.shot("4-reply");

    // Its button.
    let picture = seat.digest(&picture);
    let sunset = format!("a sunset behind it, {n}");
    seat.gets_a_picture(|| {
        seat.page.click(".buttons button", "✏️");
        seat.page.sees("#above .quote", seat.word("Что изменить", "What shall I change"));
        seat.shot("5-question");
        seat.page.writes(&sunset);
    });
    assert!(seat.sent_along(&sunset).contains(&picture), "{:?}", seat.call(&sunset));

    // A photo of the person's, with what to change.
    let paint = format!("in watercolour, {n}");
    seat.gets_a_picture(|| seat.uploads(&[portrait(seat.stage, 120)], Some(&paint)));
    assert_eq!(seat.sent_along(&paint), [seat.photos().pop().unwrap()], "the photo goes along");
    seat.shot("6-photo");
    let kept = "SELECT count(*) FROM reference_photos r JOIN telegram_identities i USING (account_id) \
                WHERE i.telegram_user_id = $1";
    let kept: i64 = seat.stage.sql(sqlx::query_scalar(kept).bind(n).fetch_one(&seat.stage.pool));
    assert_eq!(kept, 0, "a photo with a caption is not kept");
}

#[test]
fn pictures_are_made_from_references_and_changed() {
    let stage = Stage::whole().unwrap();
    let browser = Browser::start("pictures").unwrap();
    for (screen, user, lang) in [(Screen::Wide, 7421, "en"), (Screen::Phone, 7422, "ru")] {
        let seat = Seat::take(&stage, &browser, screen, user, lang);
        seat.comes();
        seat.tops_up();
        with_references(&seat);
        changed(&seat);
        seat.available(105 - 7 * 10);
        seat.page.assert_tidy();
    }
    stage.judge_bot_requests();
    stage.assert_verified();
}
