//! A picture above a text by hand: what is none is refused, what is one is looked at and put, another takes its place, and it is
//! taken back.

use image::ImageFormat;

use super::hand::{Act, Hand, by_hand};
use crate::desk::open;
use crate::pictures::{changes, drawn};
use crate::texts::knows;

pub const ACTS: &[Act] = &[
    ("/texts/{key}/picture/look", ""),
    ("/texts/{key}/picture/put", "picture-put"),
    ("/texts/{key}/picture/take-back", "picture-taken-back"),
];

/// Sends the form of this deed at the side of the window's language.
fn does(hand: &Hand<'_>, deed: &str, field: (&str, &str)) {
    let side = hand.word("[name=language][value=ru]", "[name=language][value=en]");
    hand.fills_by(&format!("/texts/welcome/picture/{deed}"), side, "button", &[field]);
}

/// Whole, and as wide as it was drawn.
fn sees(hand: &Hand<'_>, count: u64, width: u64) {
    let all = format!(
        "[...document.querySelectorAll('.pictured img')].filter(i => i.complete && i.naturalWidth === {width}).length"
    );
    hand.page.until(&format!("{count} pictures {width} wide"), || hand.page.eval(&all) == count);
}

#[test]
fn a_picture_is_put_replaced_and_taken_back_by_hand() {
    let stage = open();
    knows(&stage);
    let kept = |name: &str, bytes: &[u8]| {
        let file = stage.dir().join(name);
        std::fs::write(&file, bytes).unwrap();
        file.display().to_string()
    };
    let wide = kept("wide.png", &drawn(960, 540, 60, ImageFormat::Png));
    let tall = kept("tall.jpg", &drawn(480, 720, 180, ImageFormat::Jpeg));
    let words = kept("words.png", b"these are words");
    by_hand(&stage, "console-pictures", ACTS, |hand| {
        hand.page.prefer(hand.word("light", "dark"));
        hand.is_admin();
        hand.goes("/texts");
        hand.presses("th a[href='/texts/welcome']");
        hand.shot("without");

        does(hand, "look", ("file", &words));
        hand.sees(".bad", "Это не PNG и не JPEG", "neither a PNG nor a JPEG");
        hand.shot("wrong");

        does(hand, "look", ("file", &wide));
        hand.sees("h3", "Так будет выглядеть", "It will look like this");
        sees(hand, 1, 960);
        hand.shot("looked");
        does(hand, "put", ("reason", "a picture by hand"));
        hand.says("Картинка стоит", "The picture is there");
        sees(hand, 1, 960);
        hand.shot("put");

        does(hand, "look", ("file", &tall));
        sees(hand, 1, 480);
        sees(hand, 1, 960);
        hand.shot("other-looked");
        does(hand, "put", ("reason", "a taller one"));
        hand.says("Картинка стоит", "The picture is there");
        sees(hand, 1, 480);
        sees(hand, 0, 960);
        hand.shot("replaced");
        hand.goes("/texts");
        hand.sees("td .chip", "картинка", "picture");
        hand.shot("listed");

        hand.goes("/texts/welcome");
        does(hand, "take-back", ("reason", "enough of it"));
        hand.says("Картинка убрана", "The picture is taken back");
        sees(hand, 0, 480);
        hand.shot("taken-back");
    });
    assert_eq!(changes(&stage), 6);
    stage.assert_verified();
}
