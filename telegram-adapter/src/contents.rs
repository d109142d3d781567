//! The owner's texts and the pictures above them: what is built in is told to the ledger, whose tools edit it; what was changed there is
//! said from the next look on.

use std::sync::Arc;
use std::time::Duration;

use proto_events::Text;
use proto_events::commands::BuiltInText;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::pictures::Pictures;
use crate::texts::{Lang, Texts, beside};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The ledger takes no more at once.
const KNOWN_MAX: usize = 50;

/// Until told to stop.
pub async fn keep(desk: Desk, texts: Arc<Texts>, pictures: Pictures, shutdown: CancellationToken) {
    let (mut texts_seen, mut pictures_seen, mut told) = (0, 0, false);
    while !shutdown.is_cancelled() {
        if !told {
            told = tell(&desk).await;
        }
        texts_seen = words(&desk, &texts, texts_seen).await;
        pictures_seen = above(&desk, &pictures, pictures_seen).await;
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Up to the version that is answered.
async fn words(desk: &Desk, texts: &Texts, seen: i64) -> i64 {
    match desk.contents(seen).await {
        Ok(changed) => {
            for content in changed.texts {
                let text = content.text.as_deref();
                if let Err(error) = texts.put(Lang::of(Some(&content.language)), &content.key, text) {
                    tracing::error!(key = %content.key, %error, "a text of our own can't be read; the one before is said");
                }
            }
            changed.version
        }
        Err(error) => {
            tracing::debug!(%error, "the texts of our own can't be read yet");
            seen
        }
    }
}

async fn above(desk: &Desk, pictures: &Pictures, seen: i64) -> i64 {
    match desk.pictures(seen).await {
        Ok(changed) => {
            for view in changed.pictures {
                pictures.put(Lang::of(Some(&view.language)), &view.key, view.picture);
            }
            changed.version
        }
        Err(error) => {
            tracing::debug!(%error, "the pictures above texts can't be read yet");
            seen
        }
    }
}

async fn tell(desk: &Desk) -> bool {
    let all = Lang::ALL.into_iter().flat_map(|lang| {
        let language = Text::lossy(lang.code());
        let known = Texts::built_in(lang).into_iter();
        known.map(move |(key, text)| BuiltInText {
            beside: beside(&key).map(|names| names.iter().map(|name| Text::lossy(name)).collect()),
            key: Text::lossy(&key),
            language: language.clone(),
            text: Text::lossy(&text),
        })
    });
    for some in all.collect::<Vec<_>>().chunks(KNOWN_MAX) {
        if let Err(error) = desk.texts_known(some.to_vec()).await {
            tracing::debug!(%error, "the built-in texts are not told yet");
            return false;
        }
    }
    true
}
