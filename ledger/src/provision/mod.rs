//! Streams, consumers and buckets: created, read back, and created again when they are gone.
//!
//! JetStream may be lost at any time. What is made anew starts where the consumers say they are
//! done, so that nobody is told old news.

mod specs;

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{self, Context, consumer, context, kv, object_store, stream};
use proto_events::subjects::{CONSUMERS, EVT_STREAM, IMAGES_BUCKET, SESSIONS_BUCKET};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// How often everything is looked at; a lost consumer is back within this.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("JetStream refuses the stream {name}")]
    Stream {
        name: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("JetStream refuses the consumer {name}")]
    Consumer {
        name: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the server keeps another configuration of {name} than it was given: {what}")]
    Dropped { name: &'static str, what: &'static str },
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
}

/// Looks after everything until told to stop.
pub async fn run(pool: PgPool, client: Client, media: Client, stop: CancellationToken) {
    let mut well = None;
    loop {
        match ensure(&pool, &client, &media).await {
            Ok(()) => {
                if well != Some(true) {
                    tracing::info!("streams, consumers and buckets are as they should be");
                }
                well = Some(true);
            }
            Err(error) => {
                if well != Some(false) {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, source, "JetStream is not as it should be; trying again");
                }
                well = Some(false);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Creates what is missing and reads back what is there.
///
/// # Errors
/// The server refuses a configuration, or keeps another one.
pub async fn ensure(pool: &PgPool, client: &Client, media: &Client) -> Result<(), ProvisionError> {
    let core = jetstream::new(client.clone());
    event_stream(&core).await?;
    let done: Vec<(String, i64)> =
        sqlx::query_as("SELECT consumer, done_through FROM consumers").fetch_all(pool).await?;
    for (producer, types) in CONSUMERS {
        let name = producer.as_str();
        let through = done.iter().find(|(consumer, _)| consumer == name).map_or(0, |(_, position)| *position);
        event_consumer(&core, name, types, through).await?;
    }
    let media = jetstream::new(media.clone());
    images(&media).await?;
    sessions(&media).await
}

async fn event_stream(core: &Context) -> Result<(), ProvisionError> {
    let wanted = specs::event_stream();
    let refused =
        |e: context::CreateStreamError| ProvisionError::Stream { name: EVT_STREAM, source: Box::new(e) };
    let mut stream = core.get_or_create_stream(wanted.clone()).await.map_err(refused)?;
    let kept = stream.cached_info().config.clone();
    if let Some(what) = specs::stream_differs(&wanted, &kept) {
        core.update_stream(&wanted)
            .await
            .map_err(|e| ProvisionError::Stream { name: EVT_STREAM, source: Box::new(e) })?;
        let info = stream
            .info()
            .await
            .map_err(|e| ProvisionError::Stream { name: EVT_STREAM, source: Box::new(e) })?;
        if specs::stream_differs(&wanted, &info.config).is_some() {
            return Err(ProvisionError::Dropped { name: EVT_STREAM, what });
        }
    }
    Ok(())
}

async fn event_consumer(
    core: &Context,
    name: &'static str,
    types: &[&str],
    done_through: i64,
) -> Result<(), ProvisionError> {
    let refused =
        |source: Box<dyn std::error::Error + Send + Sync>| ProvisionError::Consumer { name, source };
    let stream = core.get_stream_no_info(EVT_STREAM).await.map_err(|e| refused(Box::new(e)))?;
    match stream.consumer_info(name).await {
        Ok(info) => {
            let wanted = specs::event_consumer(name, types);
            if let Some(what) = specs::consumer_differs(&wanted, &info.config) {
                return Err(ProvisionError::Dropped { name, what });
            }
            Ok(())
        }
        Err(_) => {
            // Everything the stream still has: what is done is known by its position.
            tracing::info!(consumer = name, done_through, "creating the consumer");
            let wanted = specs::event_consumer(name, types);
            let made: Result<jetstream::consumer::Consumer<consumer::pull::Config>, _> =
                stream.create_consumer_strict(wanted.clone()).await;
            let made = made.map_err(|e| refused(Box::new(e)))?;
            match specs::consumer_differs(&wanted, &made.cached_info().config) {
                Some(what) => Err(ProvisionError::Dropped { name, what }),
                None => Ok(()),
            }
        }
    }
}

async fn images(media: &Context) -> Result<(), ProvisionError> {
    if media.get_object_store(IMAGES_BUCKET).await.is_ok() {
        return Ok(());
    }
    let config: object_store::Config = specs::images();
    media
        .create_object_store(config)
        .await
        .map(|_| ())
        .map_err(|e| ProvisionError::Stream { name: IMAGES_BUCKET, source: Box::new(e) })
}

async fn sessions(media: &Context) -> Result<(), ProvisionError> {
    if media.get_key_value(SESSIONS_BUCKET).await.is_ok() {
        return Ok(());
    }
    let config: kv::Config = specs::sessions();
    media
        .create_key_value(config)
        .await
        .map(|_| ())
        .map_err(|e| ProvisionError::Stream { name: SESSIONS_BUCKET, source: Box::new(e) })
}

/// The stream as the relay finds it. `None`: it is gone.
pub async fn event_stream_info(core: &Context) -> Option<stream::Info> {
    let mut stream = core.get_stream(EVT_STREAM).await.ok()?;
    stream.info().await.ok().cloned()
}
