//! The chat page in a real browser, wide and on a telephone, everything by clicks and keys: people come, top up, get
//! pictures and answers, and are told when there are none. What was made of it is judged by the vendors' books. Run by
//! `cargo xtask test --test browser`; the folder of screenshots is printed, `PICTURES` names another.

mod gallery;
mod money;
mod people;
mod pictures;
mod seat;
mod talks;

use e2e::Stage;
use e2e::browser::{Browser, Screen};

use seat::Seat;

/// One person's way through all of it.
fn visit(seat: &Seat<'_>) {
    seat.comes();
    seat.shot("1-start");
    money::tops_up_by_yookassa(seat);
    money::tops_up_by_stars(seat);
    pictures::asks_for_a_picture(seat);
    pictures::asks_for_what_is_refused(seat);
    seat.page.assert_tidy();
}

#[test]
fn a_person_comes_pays_and_gets_a_picture_on_a_wide_screen_and_on_a_telephone() {
    let stage = Stage::whole().unwrap();
    let browser = Browser::start("chat").unwrap();
    visit(&Seat::take(&stage, &browser, Screen::Wide, 7401, "en"));
    visit(&Seat::take(&stage, &browser, Screen::Phone, 7402, "ru"));
    stage.judge_bot_requests();
}
