//! A text in both languages side by side: built in, as it is said now, and the editor of each.

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NEED;
use super::look::{self, LANGUAGES, Wrong};
use super::pictured::{self, Looked, Pictured};
use crate::console::Console;
use crate::console::act::Once;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::form::{Field, hidden};
use crate::console::lang::Lang;
use crate::console::view::{Read, Scene, View};
use crate::store;
use crate::texts;

pub(super) struct One;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    key: String,
    /// What is written and is not said yet.
    #[serde(skip)]
    pub(super) typed: Option<Typed>,
    /// A picture that is looked at.
    #[serde(skip)]
    looked: Option<Looked>,
}

pub(super) struct Typed {
    pub(super) lang: Lang,
    pub(super) text: String,
    pub(super) reason: String,
    pub(super) once: Once,
    /// The version that was seen; nothing: the one that is shown now.
    pub(super) seen: Option<i64>,
    pub(super) wrong: Option<Wrong>,
    /// Said with samples.
    pub(super) said: Vec<String>,
}

impl Asked {
    pub(super) fn of(key: &str, typed: Option<Typed>) -> Self {
        Self { key: key.to_owned(), typed, looked: None }
    }

    pub(super) fn with_picture(key: &str, looked: Looked) -> Self {
        Self { key: key.to_owned(), typed: None, looked: Some(looked) }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    key: String,
    /// None: the bot has no such text, or has not said yet which it has.
    languages: Vec<Words>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Words {
    language: String,
    builtin: String,
    /// In its place.
    own: Option<String>,
    /// Of what was changed last; 0: nothing was.
    version: i64,
    /// What it takes, without the `$`.
    takes: Vec<String>,
    /// As it is said now with sample values, in Telegram's HTML: each form.
    pub(super) said: Vec<String>,
    /// Where a picture may stand above it: the texts that may stand in the same message, each as often as it may.
    pub(super) beside: Option<Vec<String>>,
    /// That stands above it.
    pub(super) picture: Option<Pictured>,
}

impl Read for One {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/texts/{key}";
    const NEED: Need = NEED;
    const ABOUT: &'static str = "A text of the bot: built in, the owner's, and how it is said";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let found = store::bot_texts(&console.pool, Some(&asked.key), None).await?;
        let mut languages = Vec::new();
        for text in found {
            let Some(lang) = Lang::of(&text.language) else { continue };
            let picture = match text.picture {
                Some(sha256) => {
                    let kept = store::shop_picture(&console.pool, &sha256).await?;
                    Some(Pictured::of(sha256, kept))
                }
                None => None,
            };
            let now = text.own.as_deref().unwrap_or(&text.builtin);
            languages.push(Words {
                takes: texts::taken(&text.builtin).names.into_iter().collect(),
                said: look::said(console.texts.of(lang), now),
                language: text.language,
                builtin: text.builtin,
                own: text.own,
                version: text.version,
                beside: text.beside,
                picture,
            });
        }
        Ok(Shown { key: asked.key.clone(), languages })
    }
}

impl View for One {
    fn title(scene: &Scene<'_>, asked: &Asked, _: Option<&Shown>) -> String {
        format!("{}: {}", scene.t("text"), asked.key)
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        html! { p { a href="/texts" { "← " (scene.t("menu-texts")) } } }
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        if shown.languages.is_empty() {
            return html! { p class="lead" { (scene.t("text-nowhere")) } };
        }
        html! {
            p { (scene.t("text-more")) }
            div class="sides" {
                @for lang in LANGUAGES {
                    @if let Some(words) = shown.languages.iter().find(|words| words.language == lang.code()) {
                        (side(scene, asked, lang, words))
                    }
                }
            }
        }
    }
}

fn side(scene: &Scene<'_>, asked: &Asked, lang: Lang, words: &Words) -> Markup {
    let (key, code) = (asked.key.as_str(), lang.code());
    let t = |name: &str| scene.t(name);
    let typed = asked.typed.as_ref().filter(|typed| typed.lang == lang);
    let looked = asked.looked.as_ref().filter(|looked| looked.lang == lang);
    let picture = words.picture.as_ref().map(|picture| picture.sha256.as_str());
    // On a telephone it stands above the other.
    let is_looked_at = typed.is_some() || looked.is_some();
    html! {
        section class=[is_looked_at.then_some("first")] {
            h2 { (t(&format!("text-{code}"))) }
            @if let Some(typed) = typed {
                @match &typed.wrong {
                    Some(wrong) => p class="note bad" role="alert" { (look::wrong_words(scene.words, wrong)) },
                    None => {
                        h3 { (t("text-preview")) }
                        (pictured::above(scene, lang, picture, &typed.said))
                    }
                }
            }
            (pictured::looked(scene, key, lang, words, looked))
            h3 {
                (t("text-now")) " "
                span class="chip" { (t(if words.own.is_some() { "text-own" } else { "text-builtin" })) }
            }
            (pictured::above(scene, lang, picture, &words.said))
            (editor(scene, key, lang, words, typed))
            @if words.own.is_some() {
                h3 { (t("text-builtin")) }
                pre class="card words" tabindex="0" lang=(code) { (words.builtin) }
                (take_back(scene, key, lang, words.version))
            }
            (pictured::forms(scene, key, lang, words))
        }
    }
}

fn editor(scene: &Scene<'_>, key: &str, lang: Lang, words: &Words, typed: Option<&Typed>) -> Markup {
    let t = |name: &str| scene.t(name);
    let (code, once) = (lang.code(), typed.map_or_else(Once::new, |typed| typed.once));
    let text = typed.map(|typed| typed.text.as_str()).or(words.own.as_deref()).unwrap_or(&words.builtin);
    let (id, hint, why) =
        (format!("f-text-{code}"), format!("f-text-{code}-hint"), format!("f-reason-{code}"));
    let (reason, reason_hint) = (t("reason"), t("reason-hint"));
    let is_wrong = typed.is_some_and(|typed| typed.wrong.is_some());
    let takes = words.takes.iter().map(|name| format!("{{ ${name} }}")).collect::<Vec<_>>().join(", ");
    html! {
        form method="post" action={"/texts/" (key) "/put"} class="card" {
            (once.field())
            (hidden("language", code))
            (hidden("seen", &typed.and_then(|typed| typed.seen).unwrap_or(words.version).to_string()))
            div class="field" {
                label for=(id) { (t("text-edit")) }
                textarea id=(id) name="text" rows="10" required lang=(code) aria-invalid=[is_wrong.then_some("true")]
                    aria-describedby=(hint) { "\n" (text) }
                p class="hint" id=(hint) {
                    (t("text-hint")) " "
                    @if takes.is_empty() { (t("text-takes-nothing")) } @else { (t("text-takes")) " " code { (takes) } }
                }
            }
            (Field {
                id: &why, hint: Some(&reason_hint), required: false,
                value: typed.map(|typed| typed.reason.as_str()).unwrap_or_default(), ..Field::text("reason", &reason)
            }.show())
            button formaction={"/texts/" (key) "/look"} { (t("text-look")) } " "
            button { (t("text-put")) }
        }
    }
}

fn take_back(scene: &Scene<'_>, key: &str, lang: Lang, version: i64) -> Markup {
    let (reason, id) = (scene.t("reason"), format!("f-back-{}", lang.code()));
    html! {
        form method="post" action={"/texts/" (key) "/take-back"} class="card" {
            (Once::new().field())
            (hidden("language", lang.code()))
            (hidden("seen", &version.to_string()))
            (Field { id: &id, ..Field::text("reason", &reason) }.show())
            button { (scene.t("text-take-back")) }
        }
    }
}
