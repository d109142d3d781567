//! The buttons under a result.

use crate::outbound::{Button, Markup};
use crate::talk::{Press, Tail};
use crate::texts::{Lang, Say, Texts};

/// Each time with a new nonce: another tap is another picture.
pub fn result_buttons(texts: &Texts, lang: Lang, of: &Tail) -> Markup {
    let button =
        |say, press: Press| press.data().map(|data| Button::Tap { label: texts.label(lang, say), data });
    let row = [
        button(Say::ButtonAgain, Press::Again { nonce: Press::nonce(), of: of.clone() }),
        button(Say::ButtonEdit, Press::Change(of.clone())),
        button(Say::ButtonOriginal, Press::Original(of.clone())),
    ];
    Markup::Rows(vec![row.into_iter().flatten().collect()])
}
