//! Streams, consumers and buckets: created, read back, and created again when they are gone.
//!
//! JetStream may be lost at any time. A new event stream begins where the consumers are done and
//! numbers its messages by position; a new consumer begins after what it has done. So nobody is
//! told old news, and an ack that was under way during the loss still means the same event.
//!
//! An operator may wish for a fresh stream (`ledger republish`). The wish's number is kept in the
//! stream that was made for it, so that it is carried out once, whenever this process dies.

mod done;
mod specs;

use std::error::Error as StdError;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{ConsumerInfoErrorKind, GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::{self, Context, ErrorCode, stream};
use proto_events::subjects::EVT_STREAM;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::store::{Republish, answered, incarnation, open_republish, republish_done, rewind_consumers};
pub use specs::incarnation_of;

use done::{Done, done_by_each, floor};
use specs::{Bucket, Kind};

/// How often everything is looked at; what is lost is back within this.
const LOOK: Duration = Duration::from_secs(1);
/// While something waits for something else.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

type Source = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("JetStream refuses or does not answer for {name}")]
    JetStream {
        name: &'static str,
        #[source]
        source: Source,
    },
    #[error("the server keeps another {what} of {name} than it was given; is it older than 2.15.1?")]
    Dropped { name: &'static str, what: &'static str },
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
}

fn refused<E: StdError + Send + Sync + 'static>(name: &'static str) -> impl FnOnce(E) -> ProvisionError {
    move |source| ProvisionError::JetStream { name, source: Box::new(source) }
}

/// Looks after everything until told to stop.
pub async fn run(pool: PgPool, client: Client, media: Client, stop: CancellationToken) {
    let mut well = None;
    loop {
        let looked = ensure(&pool, &client, &media).await;
        let now = looked.is_ok();
        metrics::gauge!("ledger_provisioned").set(f64::from(u8::from(now)));
        match &looked {
            Ok(true) if well != Some(true) => {
                tracing::info!("streams, consumers and buckets are as they should be")
            }
            Err(error) if well != Some(false) => {
                let source = error.source().map(ToString::to_string);
                tracing::error!(%error, source, "JetStream is not as it should be; trying again");
            }
            _ => {}
        }
        well = if matches!(looked, Ok(false)) { well } else { Some(now) };
        tokio::select! {
            () = tokio::time::sleep(if matches!(looked, Ok(false)) { LOOK_AGAIN } else { LOOK }) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Creates what is missing, mends what differs and reads back what is there. False: a consumer is
/// still to be made, when the relay has reached the place where it begins.
///
/// # Errors
/// The server refuses a configuration, or keeps another one.
pub async fn ensure(pool: &PgPool, client: &Client, media: &Client) -> Result<bool, ProvisionError> {
    let core = jetstream::new(client.clone());
    if let Some(wish) = answered(open_republish(pool)).await? {
        republish(pool, &core, wish).await?;
    }
    let done = answered(done_by_each(pool)).await?;
    let evt = event_stream(pool, &core, &done).await?;
    let mut all = true;
    for consumer in &done {
        all &= event_consumer(&evt, consumer).await?;
    }
    let media = jetstream::new(media.clone());
    for bucket in &specs::BUCKETS {
        media_bucket(&media, bucket).await?;
    }
    Ok(all)
}

/// Deletes the stream and makes it again where the operator wants it, unless that was done already.
async fn republish(pool: &PgPool, core: &Context, wish: Republish) -> Result<(), ProvisionError> {
    let made = match core.get_stream(EVT_STREAM).await {
        Ok(stream) => specs::is_made_for(&stream.cached_info().config, wish.request),
        Err(error) if is_missing(&error) => false,
        Err(error) => return Err(refused(EVT_STREAM)(error)),
    };
    if !made {
        tracing::info!(
            request = wish.request,
            from = wish.from,
            again = wish.again,
            "republishing, as was asked"
        );
        if wish.again {
            answered(rewind_consumers(pool, wish.from)).await?;
        }
        if let Err(error) = core.delete_stream(EVT_STREAM).await
            && !is_missing(&error)
        {
            return Err(refused(EVT_STREAM)(error));
        }
        fail::fail_point!("ledger.republish.deleted");
        let incarnation = answered(incarnation(pool)).await?;
        core.create_stream(specs::wished_stream(wish, incarnation)).await.map_err(refused(EVT_STREAM))?;
        fail::fail_point!("ledger.republish.made");
    }
    Ok(answered(republish_done(pool, wish.request)).await?)
}

fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

async fn event_stream(
    pool: &PgPool,
    core: &Context,
    done: &[Done],
) -> Result<stream::Stream, ProvisionError> {
    let stream = match core.get_stream(EVT_STREAM).await {
        Ok(stream) => stream,
        Err(error) if is_missing(&error) => {
            let (after, incarnation) = (floor(pool, done).await?, answered(incarnation(pool)).await?);
            tracing::warn!(after, "the event stream is not there; creating it");
            core.create_stream(specs::event_stream(after, incarnation)).await.map_err(refused(EVT_STREAM))?
        }
        Err(error) => return Err(refused(EVT_STREAM)(error)),
    };
    let kept = &stream.cached_info().config;
    let mut wanted = specs::event_stream(0, 0);
    // Where it began, and why, is its history.
    wanted.first_sequence = kept.first_sequence;
    wanted.metadata.clone_from(&kept.metadata);
    if specs::stream_differs(&wanted, kept).is_none() {
        return Ok(stream);
    }
    core.update_stream(&wanted).await.map_err(refused(EVT_STREAM))?;
    let stream = core.get_stream(EVT_STREAM).await.map_err(refused(EVT_STREAM))?;
    match specs::stream_differs(&wanted, &stream.cached_info().config) {
        Some(what) => Err(ProvisionError::Dropped { name: EVT_STREAM, what }),
        None => Ok(stream),
    }
}

/// False: not made yet, since a consumer can't begin after the stream's end.
async fn event_consumer(evt: &stream::Stream, done: &Done) -> Result<bool, ProvisionError> {
    let Done { name, types, through } = *done;
    let mut wanted = specs::event_consumer(name, types, through);
    let mut kept = match evt.consumer_info(name).await {
        Ok(info) => info.config,
        Err(error) if error.kind() != ConsumerInfoErrorKind::NotFound => return Err(refused(name)(error)),
        Err(_) => {
            let last = i64::try_from(evt.cached_info().state.last_sequence).unwrap_or(i64::MAX);
            if last < through {
                return Ok(false);
            }
            tracing::info!(consumer = name, after = through, "creating the consumer");
            let made = evt.create_consumer_strict(wanted.clone()).await.map_err(refused(name))?;
            made.cached_info().config.clone()
        }
    };
    if specs::consumer_differs(&wanted, &kept).is_some() {
        // Where it began is its history.
        wanted.deliver_policy = kept.deliver_policy;
        evt.update_consumer(wanted.clone()).await.map_err(refused(name))?;
        kept = evt.consumer_info(name).await.map_err(refused(name))?.config;
    }
    match specs::consumer_differs(&wanted, &kept) {
        Some(what) => Err(ProvisionError::Dropped { name, what }),
        None => Ok(true),
    }
}

async fn media_bucket(media: &Context, bucket: &Bucket) -> Result<(), ProvisionError> {
    let name = bucket.stream;
    let found = match media.get_stream(name).await {
        Err(error) if is_missing(&error) => {
            tracing::info!(name, "creating the bucket");
            match bucket.kind {
                Kind::Objects => {
                    media.create_object_store(specs::images()).await.map(drop).map_err(refused(name))
                }
                Kind::Values => {
                    media.create_key_value(specs::sessions()).await.map(drop).map_err(refused(name))
                }
            }?;
            media.get_stream(name).await
        }
        found => found,
    };
    let kept = found.map_err(refused(name))?.cached_info().config.clone();
    if bucket.differs(&kept).is_none() {
        return Ok(());
    }
    let wanted = stream::Config {
        max_age: bucket.age_max,
        max_bytes: bucket.bytes_max,
        discard: specs::BUCKET_DISCARD,
        ..kept
    };
    media.update_stream(&wanted).await.map_err(refused(name))?;
    let now = media.get_stream(name).await.map_err(refused(name))?;
    match bucket.differs(&now.cached_info().config) {
        Some(what) => Err(ProvisionError::Dropped { name, what }),
        None => Ok(()),
    }
}
