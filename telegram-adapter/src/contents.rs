//! The owner's texts and the pictures above them: what is built in is told to the ledger, whose tools edit it; what was changed there is
//! said from the next look on.

use std::sync::Arc;
use std::time::Duration;

use proto_events::Text;
use proto_events::commands::BuiltInText;
use proto_events::queries::{ContentView, PictureView};
use service::ledger::SendError;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::pictures::Pictures;
use crate::texts::{Lang, Texts, beside};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The ledger takes no more at once.
const KNOWN_MAX: usize = 50;

/// How far changes were heard of: a version is a position, and means something in its own incarnation of the log only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    incarnation: i64,
    version: i64,
}

/// What was changed up to here; `anew`: all there is.
#[derive(Debug, PartialEq, Eq)]
struct Changed<T> {
    rows: Vec<T>,
    seen: Seen,
    anew: bool,
}

/// Until told to stop.
pub async fn keep(desk: Desk, texts: Arc<Texts>, pictures: Pictures, shutdown: CancellationToken) {
    let (mut texts_seen, mut pictures_seen, mut told) = (Seen::default(), Seen::default(), false);
    while !shutdown.is_cancelled() {
        if !told {
            told = tell(&desk).await;
        }
        words(&desk, &texts, &mut texts_seen).await;
        above(&desk, &pictures, &mut pictures_seen).await;
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// What was changed after what was seen; of another log than that, everything, at once.
async fn changed<T, E, F>(seen: Seen, ask: impl Fn(i64) -> F) -> Result<Changed<T>, E>
where
    F: Future<Output = Result<(Seen, Vec<T>), E>>,
{
    let (now, rows) = ask(seen.version).await?;
    if now.incarnation == seen.incarnation {
        return Ok(Changed { rows, seen: now, anew: false });
    }
    let mut all = Changed { rows: Vec::new(), seen: Seen { version: 0, ..now }, anew: true };
    loop {
        let (now, rows) = ask(all.seen.version).await?;
        if now.incarnation != all.seen.incarnation {
            // It was given up, too: what was heard is of no log that is; the next look begins anew.
            return Ok(Changed { rows: Vec::new(), seen, anew: false });
        }
        if rows.is_empty() {
            return Ok(all);
        }
        all.seen = now;
        all.rows.extend(rows);
    }
}

async fn words(desk: &Desk, texts: &Texts, seen: &mut Seen) {
    let ask = |after: i64| async move {
        let view = desk.contents(after).await?;
        Ok::<_, SendError>((Seen { incarnation: view.incarnation, version: view.version }, view.texts))
    };
    match changed(*seen, ask).await {
        Ok(changed) => {
            for (key, error) in texts.put(changed.rows.iter().map(put), changed.anew) {
                tracing::error!(key, %error, "a text of our own can't be read; the one before is said");
            }
            *seen = changed.seen;
        }
        Err(error) => tracing::debug!(%error, "the texts of our own can't be read yet"),
    }
}

fn put(content: &ContentView) -> (Lang, &str, Option<&str>) {
    (Lang::of(Some(&content.language)), content.key.as_str(), content.text.as_deref())
}

async fn above(desk: &Desk, pictures: &Pictures, seen: &mut Seen) {
    let ask = |after: i64| async move {
        let view = desk.pictures(after).await?;
        Ok::<_, SendError>((Seen { incarnation: view.incarnation, version: view.version }, view.pictures))
    };
    match changed(*seen, ask).await {
        Ok(changed) => {
            let put =
                |view: PictureView| (Lang::of(Some(&view.language)), view.key.to_string(), view.picture);
            pictures.put(changed.rows.into_iter().map(put), changed.anew);
            *seen = changed.seen;
        }
        Err(error) => tracing::debug!(%error, "the pictures above texts can't be read yet"),
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A log with changes at these positions, which gives two at once.
    async fn look(seen: Seen, incarnation: i64, log: &[i64]) -> Changed<i64> {
        let ask = |after: i64| async move {
            let rows: Vec<i64> = log.iter().copied().filter(|at| *at > after).take(2).collect();
            let version = rows.last().copied().unwrap_or(after);
            Ok::<_, Infallible>((Seen { incarnation, version }, rows))
        };
        let Ok(changed) = changed(seen, ask).await;
        changed
    }

    #[tokio::test]
    async fn of_one_log_what_is_new_is_heard_and_of_another_everything() {
        let first = look(Seen::default(), 1, &[3, 7, 9]).await;
        let seen = Seen { incarnation: 1, version: 9 };
        assert_eq!(first, Changed { rows: vec![3, 7, 9], seen, anew: true });
        let more = look(seen, 1, &[3, 7, 9, 12]).await;
        let later = Seen { incarnation: 1, version: 12 };
        assert_eq!(more, Changed { rows: vec![12], seen: later, anew: false });
        assert_eq!(look(later, 1, &[3, 12]).await, Changed { rows: vec![], seen: later, anew: false });
        // Restored to 5, it went on to 8: shorter than what was seen.
        let other = look(later, 2, &[3, 8]).await;
        let seen = Seen { incarnation: 2, version: 8 };
        assert_eq!(other, Changed { rows: vec![3, 8], seen, anew: true });
        let empty = look(seen, 3, &[]).await;
        assert_eq!(empty, Changed { rows: vec![], seen: Seen { incarnation: 3, version: 0 }, anew: true });
    }

    #[tokio::test]
    async fn what_changes_its_log_while_it_is_read_is_read_again() {
        let asked = std::cell::Cell::new(1);
        let ask = async |after: i64| {
            asked.set(asked.get() + 1);
            Ok::<_, Infallible>((Seen { incarnation: asked.get(), version: after + 1 }, vec![after + 1]))
        };
        let seen = Seen { incarnation: 1, version: 9 };
        let Ok(changed) = changed(seen, ask).await;
        assert_eq!(changed, Changed { rows: vec![], seen, anew: false });
    }
}
