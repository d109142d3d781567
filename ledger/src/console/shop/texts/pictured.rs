//! A picture above a text as a page shows it, and the forms by which it is brought, put and taken back.

use std::collections::BTreeSet;

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;

use super::look;
use super::one::Words;
use crate::books::words::grouped;
use crate::console::act::Once;
use crate::console::form::{Field, hidden};
use crate::console::lang::Lang;
use crate::console::view::Scene;
use crate::store::ShopPicture;

/// What stands above a text.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Pictured {
    /// Its bytes are at `/pictures/{sha256}`.
    pub(super) sha256: String,
    /// Nothing: its bytes are lost.
    kept: Option<Kept>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Kept {
    /// png or jpeg
    media_type: String,
    width: i32,
    height: i32,
    bytes: i32,
}

impl Pictured {
    pub(super) fn of(sha256: String, kept: Option<ShopPicture>) -> Self {
        let kept = kept.map(|picture| {
            let ShopPicture { media_type, width, height, size: bytes, .. } = picture;
            Kept { media_type, width, height, bytes }
        });
        Self { sha256, kept }
    }
}

/// A picture that was brought and does not stand there yet.
pub(super) struct Looked {
    pub(super) lang: Lang,
    /// Of the form that puts it.
    pub(super) once: Once,
    /// What was seen there; empty: nothing. None: what is shown now.
    pub(super) seen: Option<String>,
    pub(super) reason: String,
    /// Or what is wrong with it, in words.
    pub(super) found: Result<ShopPicture, String>,
}

/// A text as Telegram shows it, below its picture.
pub(super) fn above(scene: &Scene<'_>, lang: Lang, picture: Option<&str>, said: &[String]) -> Markup {
    let words = look::shown(scene.words, said);
    html! {
        div lang=(lang.code()) {
            @match picture {
                Some(sha256) => div class="pictured" {
                    img src={"/pictures/" (sha256)} alt=(scene.t("picture-above"));
                    (words)
                },
                None => (words),
            }
        }
    }
}

/// The picture that is looked at, with the form that puts it; or why it can't be put.
pub(super) fn looked(
    scene: &Scene<'_>,
    key: &str,
    lang: Lang,
    words: &Words,
    looked: Option<&Looked>,
) -> Markup {
    let Some(looked) = looked else { return Markup::default() };
    let picture = match &looked.found {
        Ok(picture) => picture,
        Err(why) => return html! { p class="note bad" role="alert" { (why) } },
    };
    let (id, reason, hint) =
        (format!("f-picture-reason-{}", lang.code()), scene.t("reason"), scene.t("reason-hint"));
    let now = words.picture.as_ref().map(|now| now.sha256.as_str()).unwrap_or_default();
    html! {
        h3 { (scene.t("text-preview")) }
        (above(scene, lang, Some(&picture.sha256), &words.said))
        p class="dim" { (measures(scene, picture)) }
        form method="post" action={"/texts/" (key) "/picture/put"} class="card" {
            (looked.once.field())
            (hidden("language", lang.code()))
            (hidden("seen", looked.seen.as_deref().unwrap_or(now)))
            (hidden("sha256", &picture.sha256))
            (Field { id: &id, hint: Some(&hint), value: &looked.reason, ..Field::text("reason", &reason) }.show())
            button { (scene.t("picture-put")) }
        }
    }
}

fn measures(scene: &Scene<'_>, picture: &ShopPicture) -> String {
    let kilobytes = i64::from(picture.size).saturating_add(1_023) / 1_024;
    let size = scene.words.with("kilobytes", [("n", grouped(kilobytes).into())]);
    format!("{}, {} × {}, {size}", picture.media_type.to_uppercase(), picture.width, picture.height)
}

/// By which a picture is brought, where one may stand; and one that stands is taken back, wherever it does.
pub(super) fn forms(scene: &Scene<'_>, key: &str, lang: Lang, words: &Words) -> Markup {
    if words.beside.is_none() && words.picture.is_none() {
        return Markup::default();
    }
    let (t, code) = (|name: &str| scene.t(name), lang.code());
    let (why, reason) = (format!("f-picture-back-{code}"), t("reason"));
    html! {
        h3 { (t("picture-above")) }
        @if words.picture.as_ref().is_some_and(|now| now.kept.is_none()) {
            p class="note bad" { (t("picture-lost")) }
        }
        @match &words.beside {
            Some(beside) => (brings(scene, key, lang, words, beside)),
            None => p class="note" { (t("picture-not-here")) },
        }
        @if let Some(now) = &words.picture {
            form method="post" action={"/texts/" (key) "/picture/take-back"} class="card" {
                (Once::new().field())
                (hidden("language", code))
                (hidden("seen", &now.sha256))
                (Field { id: &why, ..Field::text("reason", &reason) }.show())
                button { (t("picture-take-back")) }
            }
        }
    }
}

fn brings(scene: &Scene<'_>, key: &str, lang: Lang, words: &Words, beside: &[String]) -> Markup {
    let (t, code) = (|name: &str| scene.t(name), lang.code());
    let id = format!("f-file-{code}");
    let about = format!("{id}-hint");
    let now = words.picture.as_ref().map(|now| now.sha256.as_str());
    let names: BTreeSet<&String> = beside.iter().collect();
    html! {
        form method="post" action={"/texts/" (key) "/picture/look"} enctype="multipart/form-data" class="card" {
            (hidden("language", code))
            (hidden("seen", now.unwrap_or_default()))
            div class="field" {
                label for=(id) { (t(if now.is_some() { "picture-other-one" } else { "picture-file" })) }
                input id=(id) name="file" type="file" accept="image/png,image/jpeg" required aria-describedby=(about);
                p class="hint" id=(about) {
                    (t("picture-hint"))
                    @if !names.is_empty() {
                        " " (t("picture-beside")) " "
                        @for (n, name) in names.into_iter().enumerate() {
                            @if n > 0 { ", " }
                            a href={"/texts/" (name)} { (name) }
                        }
                        "."
                    }
                }
            }
            button { (t("text-look")) }
        }
    }
}
