//! What was said and made in a request: texts from their side tables, words and pictures from the object store. For whoever has
//! looked, and for as long as it is kept.

use maud::{Markup, html};
use proto_events::GenerationId;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;

use super::media::{self, Missing, Object};
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::view::Scene;

/// One thing that was made, without where it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Made {
    ordinal: i16,
    /// jpeg, png, webp or text
    media_type: String,
    bytes: i64,
    width: Option<i64>,
    height: Option<i64>,
}

impl Made {
    pub(super) fn in_words(&self, scene: &Scene<'_>) -> String {
        let sides = self.width.zip(self.height).map(|(w, h)| format!(", {w} × {h}")).unwrap_or_default();
        let size =
            scene.words.with("kilobytes", [("n", grouped(self.bytes.saturating_add(1_023) / 1_024).into())]);
        format!("{}{sides}, {size}", self.media_type.to_uppercase())
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Content {
    /// Nothing: it is not kept any more.
    said: Option<Said>,
    /// As many as were made.
    made: Vec<Seen>,
    /// Where the look is in the log: what pictures are shown by.
    looked: i64,
}

#[derive(Debug, Serialize, JsonSchema, sqlx::FromRow)]
struct Said {
    prompt: String,
    /// What the model was told beside.
    system: Option<String>,
    /// Photos that came along.
    photos: i64,
}

/// What there is of a thing that was made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Seen {
    /// A picture that is there, by its ordinal.
    Picture(i16),
    Words(String),
    /// The store does not have it any more.
    Gone,
    /// The store can't be asked, or has something else.
    Unread,
}

/// Where the things are that a request made.
pub(super) async fn objects(pool: &PgPool, generation: GenerationId) -> Result<Vec<Object>, sqlx::Error> {
    let sql = "SELECT ordinal, object, sha256, media_type, bytes, width, height FROM generation_outputs \
               WHERE generation = $1 ORDER BY ordinal";
    sqlx::query_as(sql).bind(generation.to_string()).fetch_all(pool).await
}

pub(super) async fn made(pool: &PgPool, generation: GenerationId) -> Result<Vec<Made>, sqlx::Error> {
    let of = |object: Object| Made {
        ordinal: object.ordinal,
        media_type: object.media_type,
        bytes: object.bytes,
        width: object.width,
        height: object.height,
    };
    Ok(objects(pool, generation).await?.into_iter().map(of).collect())
}

pub(super) async fn content(
    console: &Console,
    generation: GenerationId,
    looked: i64,
) -> Result<Content, sqlx::Error> {
    let sql = "SELECT prompt, system, coalesce(cardinality(file_refs), 0)::bigint AS photos \
               FROM generation_contents WHERE generation = $1";
    let said = sqlx::query_as(sql).bind(generation.to_string()).fetch_optional(&console.pool).await?;
    let mut made = Vec::new();
    for object in objects(&console.pool, generation).await? {
        made.push(seen(console, &object).await);
    }
    Ok(Content { said, made, looked })
}

async fn seen(console: &Console, object: &Object) -> Seen {
    let found = if object.is_text() {
        let words = media::fetch(&console.media, object).await;
        words.map(|bytes| Seen::Words(String::from_utf8_lossy(&bytes).into_owned()))
    } else {
        media::is_there(&console.media, object).await.map(|()| Seen::Picture(object.ordinal))
    };
    match found {
        Ok(seen) => seen,
        Err(Missing::Gone) => Seen::Gone,
        Err(error) => {
            tracing::warn!(object = object.object, %error, "what was made can't be shown");
            Seen::Unread
        }
    }
}

impl Content {
    pub(super) fn show(&self, scene: &Scene<'_>, generation: &str) -> Markup {
        html! {
            @match &self.said {
                None => p class="dim" { (scene.t("said-gone")) },
                Some(said) => {
                    h3 { (scene.t("prompt")) }
                    pre class="card words" tabindex="0" { (said.prompt) }
                    @if let Some(system) = &said.system {
                        h3 { (scene.t("system")) }
                        pre class="card words" tabindex="0" { (system) }
                    }
                    @if said.photos > 0 { p { (scene.words.with("photos-along", [("n", said.photos.into())])) } }
                }
            }
            @if !self.made.is_empty() { h3 { (scene.t("was-made")) } }
            @for (n, seen) in self.made.iter().enumerate() {
                @match seen {
                    Seen::Picture(ordinal) => {
                        img class="made" alt={(scene.t("picture")) " " (n + 1)} loading="lazy"
                            src={"/requests/" (generation) "/pictures/" (ordinal) "?look=" (self.looked)};
                    }
                    Seen::Words(words) => pre class="card words" tabindex="0" { (words) },
                    Seen::Gone => p class="dim" { (scene.t("made-gone")) },
                    Seen::Unread => p class="dim" { (scene.t("made-unread")) },
                }
            }
        }
    }
}
