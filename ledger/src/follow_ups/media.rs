//! What erased accounts left in MEDIA: results, what the models said, files that were fetched, conversations.
//!
//! An erasure writes down what there may be (`erased_media`, with the deletion of the content in Postgres), this deletes
//! it there and then the line. Whoever dies or finds NATS away does it again: what is deleted is deleted.
//! Cost: a query every [`LOOK`]; for a generation three questions for each attempt, and one for each output.
//! A result that a worker puts there after the erasure stays as long as everything there: until the bucket's age.

use std::time::Duration;

use async_nats::jetstream::object_store::{DeleteErrorKind, ObjectStore};
use async_nats::jetstream::{self, Context};
use proto_events::media::{output_object, result_object, signatures_object, turn_object};
use proto_events::subjects::{IMAGES_BUCKET, SESSIONS_BUCKET};
use proto_events::{AccountId, GenerationId};
use sqlx::PgPool;

use crate::store::{self, ErasedMedia, MediaKind, answered};

/// Erasures are rare, and whoever waits for one has his answer already.
const LOOK: Duration = Duration::from_secs(2);
const LINES_MAX: i64 = 100;
/// Then all of MEDIA is away, as a rule: the next are tried after a pause.
const FAILURES_MAX: usize = 10;
/// More outputs than any attempt makes.
const OUTPUTS_MAX: usize = 64;

#[derive(Debug, thiserror::Error)]
#[error("the object store or the sessions do not do it: {0}")]
struct Trouble(Box<dyn std::error::Error + Send + Sync>);

fn away<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Trouble {
    Trouble(error.into())
}

/// Until it is dropped.
pub async fn run(pool: PgPool, media: async_nats::Client) {
    let media = jetstream::new(media);
    let mut after = None;
    loop {
        match erase_some(&pool, &media, &mut after).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "can't read what erased accounts left in MEDIA"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The lines that come next, from the first again once all were tried. A line that fails keeps its place and stops no
/// other. False: nothing is left, or something failed.
async fn erase_some(
    pool: &PgPool,
    media: &Context,
    after: &mut Option<ErasedMedia>,
) -> Result<bool, sqlx::Error> {
    let lines = answered(store::erased_media(pool, after.as_ref(), LINES_MAX)).await?;
    if lines.is_empty() {
        *after = None;
        return Ok(false);
    }
    let mut failed = 0;
    for line in lines {
        match erase(media, &line).await {
            Ok(()) => answered(store::media_is_erased(pool, &line)).await?,
            Err(error) => {
                failed += 1;
                metrics::counter!("ledger_erased_media_failures_total").increment(1);
                tracing::warn!(kind = ?line.kind, name = line.name, %error, "what an erased account left in MEDIA is not deleted yet");
            }
        }
        *after = Some(line);
        if failed == FAILURES_MAX {
            break;
        }
    }
    Ok(failed == 0)
}

async fn erase(media: &Context, line: &ErasedMedia) -> Result<(), Trouble> {
    match line.kind {
        MediaKind::Object => delete(&images(media).await?, &line.name).await.map(drop),
        MediaKind::Generation => {
            let Ok(generation) = line.name.parse::<GenerationId>() else { return Ok(()) };
            erase_generation(&images(media).await?, generation, line.attempts).await
        }
        MediaKind::Sessions => {
            let Ok(account) = line.name.parse::<AccountId>() else { return Ok(()) };
            let stream = media.get_stream(format!("KV_{SESSIONS_BUCKET}")).await.map_err(away)?;
            let theirs = format!("$KV.{SESSIONS_BUCKET}.chat.{account}.>");
            stream.purge().filter(theirs).await.map(drop).map_err(away)
        }
    }
}

async fn images(media: &Context) -> Result<ObjectStore, Trouble> {
    media.get_object_store(IMAGES_BUCKET).await.map_err(away)
}

async fn erase_generation(
    store: &ObjectStore,
    generation: GenerationId,
    attempts: i16,
) -> Result<(), Trouble> {
    delete(store, &turn_object(generation)).await?;
    for attempt in 1..=i64::from(attempts) {
        delete(store, &result_object(generation, attempt)).await?;
        delete(store, &signatures_object(generation, attempt)).await?;
        // They are put there in their order, so that none comes after one that is missing.
        for n in 0..OUTPUTS_MAX {
            if !delete(store, &output_object(generation, attempt, n)).await? {
                break;
            }
        }
    }
    Ok(())
}

/// False: there never was such a thing. One that is deleted is deleted once more, lest half of it is left.
async fn delete(store: &ObjectStore, name: &str) -> Result<bool, Trouble> {
    match store.delete(name).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == DeleteErrorKind::NotFound => Ok(false),
        Err(error) => Err(away(error)),
    }
}
