//! How a message looks, and whom it is for, in words.

use maud::{Markup, html};
use proto_events::commands::{MessageContent, Segment};

use crate::console::page::note;
use crate::console::telegram_html;
use crate::console::view::Scene;

/// As a person gets it. The picture is known to Telegram alone: a trial shows it.
pub(super) fn looks(scene: &Scene<'_>, content: &MessageContent) -> Markup {
    html! {
        div class="message" {
            @if content.copy_of.is_some() { p class="dim" { (scene.t("broadcast-copies")) } }
            @if content.picture.is_some() { p class="dim" { (scene.t("broadcast-with-picture")) } }
            @if let Some(text) = &content.text {
                @match telegram_html::shown(text) {
                    Ok(looks) => (looks),
                    Err(why) => { pre class="words" { (text) } (note("bad", &why.say(scene.words))) },
                }
            }
            @if let Some(button) = &content.button {
                p { span class="chip" { (button.label) } " " code class="id" { (button.url) } }
            }
        }
    }
}

pub(super) fn segment(scene: &Scene<'_>, segment: &Segment) -> String {
    match segment {
        Segment::Everybody => scene.t("segment-everybody"),
        Segment::Payers => scene.t("segment-payers"),
        Segment::NeverPaid => scene.t("segment-never-paid"),
        Segment::Language(code) => scene.words.with("segment-language", [("language", code.as_str().into())]),
        Segment::Active { days } => scene.words.with("segment-active", [("n", (*days).into())]),
        Segment::Quiet { days } => scene.words.with("segment-quiet", [("n", (*days).into())]),
    }
}
