//! All texts of the bot: how each begins, and whose words they are.

use std::collections::BTreeMap;

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NEED;
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::form::{Field, filters, tick};
use crate::console::table::{Column, table};
use crate::console::view::{Read, Scene, View};
use crate::store::{self, BotText};

/// Of each on the list.
const BEGIN_CHARS: usize = 90;

pub(super) struct All;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// In the name or the words.
    #[serde(default)]
    words: String,
    /// Only those with words of the owner's, or a picture.
    #[serde(default)]
    own: bool,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    texts: Vec<Row>,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    key: String,
    /// By language.
    said: BTreeMap<String, Said>,
}

#[derive(Serialize, JsonSchema)]
struct Said {
    text: String,
    own: bool,
    /// One stands above it.
    picture: bool,
}

impl Read for All {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/texts";
    const NEED: Need = NEED;
    const ABOUT: &'static str = "All texts of the bot, as it says them now";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let mut rows: Vec<Row> = Vec::new();
        for BotText { key, language, builtin, own, picture, .. } in
            store::bot_texts(&console.pool, None, None).await?
        {
            let said = Said { own: own.is_some(), text: own.unwrap_or(builtin), picture: picture.is_some() };
            match rows.last_mut().filter(|row| row.key == key) {
                Some(row) => drop(row.said.insert(language, said)),
                None => rows.push(Row { key, said: BTreeMap::from([(language, said)]) }),
            }
        }
        let wanted = asked.words.trim().to_lowercase();
        rows.retain(|row| {
            let has = |text: &str| text.to_lowercase().contains(&wanted);
            let of_words = has(&row.key) || row.said.values().any(|said| has(&said.text));
            of_words && (!asked.own || row.said.values().any(|said| said.own || said.picture))
        });
        Ok(Shown { texts: rows })
    }
}

impl View for All {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-texts")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let label = scene.t("texts-words");
        let fields = html! {
            (Field::wish("words", &label, &asked.words).show())
            (tick("own", &scene.t("texts-own-only"), asked.own))
        };
        html! { p { (scene.t("texts-more")) } (filters("/texts", &fields, &scene.t("texts-find"))) }
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        if shown.texts.is_empty() {
            return html! { p class="lead" { (scene.t("texts-none")) } };
        }
        let rows = html! {
            @for row in &shown.texts {
                tr {
                    th scope="row" class="id" { a href={"/texts/" (row.key)} { (row.key) } }
                    @for language in ["ru", "en"] {
                        td lang=(language) {
                            @if let Some(said) = row.said.get(language) {
                                @if said.own { span class="chip" { (scene.t("text-own")) } " " }
                                @if said.picture { span class="chip" { (scene.t("text-pictured")) } " " }
                                (begin(&said.text))
                            }
                        }
                    }
                }
            }
        };
        let columns = [Column::Text("text-key"), Column::Text("text-ru"), Column::Text("text-en")];
        table(scene.words, &scene.t("menu-texts"), &columns, &rows, None)
    }
}

fn begin(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let begin: String = line.chars().take(BEGIN_CHARS).collect();
    if begin.len() < text.trim().len() { format!("{begin}…") } else { begin }
}
