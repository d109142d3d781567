//! Starting, watching and stopping everything together.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use axum::Router;
use proto_events::Producer;
use service::consumer::{self, Verdict};
use service::http::Health;
use service::ledger::Ledger;
use service::nats::{self, ConnectError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broadcasts::Broadcaster;
use crate::checkout::Cashier;
use crate::config::{Config, Reach};
use crate::contents;
use crate::delivery::{IN_HAND_MAX, Shelf, Teller};
use crate::desk::Desk;
use crate::files::Files;
use crate::inbound::{self, Once, Us};
use crate::outbound::{Express, Telegram};
use crate::pictures::Pictures;
use crate::rates::Rates;
use crate::registration;
use crate::stars::{Book, Reconciler, Refunds};
use crate::status::Board;
use crate::statuses::Statuses;
use crate::talk::{Parts, Talk};
use crate::texts::{BadTexts, Texts};
use crate::till::Till;
use crate::turns::Turns;

/// At most, as in the configuration of the ledger's consumers.
const ACK_WAIT: Duration = Duration::from_secs(15);
/// What is in hand may take this long to end; a telling takes 25 s at most.
const STOP_MAX: Duration = Duration::from_secs(28);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("NATS can't be used")]
    Nats(#[from] ConnectError),
    #[error("the address {address} can't be listened on")]
    Listen {
        address: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the web side stopped")]
    Serve(#[source] std::io::Error),
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
    #[error(transparent)]
    Texts(#[from] BadTexts),
    #[error(transparent)]
    Registration(#[from] registration::Error),
}

/// Serves until told to stop, then finishes what is in hand.
///
/// # Errors
/// What keeps the adapter from starting or makes it useless.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    let texts = Arc::new(Texts::read()?);
    let telegram = Telegram::new(&config.token, &config.api_url, &config.calls).map_err(Error::Client)?;
    let client = nats::connect(&config.nats, "telegram").await?;
    let media = nats::connect(&config.media, "media-telegram").await?;
    let address = config.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    tracing::info!(%address, admins = config.admins.len(), "listening");
    if config.shop.support.is_none() && !config.is_at_home() {
        tracing::warn!("SUPPORT_CONTACT is not set: /paysupport can't tell people where to write");
    }

    let ledger = Ledger::new(client.clone(), Producer::Telegram);
    let desk = Desk::new(ledger.clone(), config.bot);
    let (statuses, turns) = (Statuses::default(), Turns::default());
    let express =
        Express::new(&config.token, &config.api_url, config.calls.proxy.as_ref()).map_err(Error::Client)?;
    let till = Till::new(desk.clone(), config.test_environment, config.shop.ways.provider_is_test());
    let us = Us::new(config.bot);
    let admins: Arc<[i64]> = config.admins.into();
    let shelf = Shelf::new(media.clone());
    let board = Board::new(
        telegram.clone(),
        desk.clone(),
        Arc::clone(&texts),
        statuses.clone(),
        turns.clone(),
        media.clone(),
        shutdown.clone(),
    );
    let pictures = Pictures::new(desk.clone(), telegram.clone());
    let talk = Talk::new(Parts {
        desk: desk.clone(),
        telegram: telegram.clone(),
        texts: Arc::clone(&texts),
        pictures: pictures.clone(),
        board: board.clone(),
        shelf: shelf.clone(),
        shop: Arc::new(config.shop),
        till: till.clone(),
        cashier: Cashier::new(&desk, express, Arc::clone(&texts)),
        us: us.clone(),
        admins: Arc::clone(&admins),
        rates: Rates::new(config.burst, config.per_minute),
        turns: turns.clone(),
    });
    let book = Book::new(telegram.clone());
    let refunds = Refunds::new(desk.clone(), telegram.clone(), book.clone());
    let reconciler = Reconciler::new(desk.clone(), till, book, config.stars_every);
    let flood_media = media.clone();
    let files = Files::new(media.clone(), telegram.clone());
    let broadcaster = Broadcaster::new(desk.clone(), telegram.clone());
    let teller =
        Teller::new(desk, telegram.clone(), Arc::clone(&texts), statuses, turns, shelf, Arc::clone(&admins));
    let health = Health::new(&["nats", "ledger", "telegram"]);

    let updates = TaskTracker::new();
    let router = match &config.reach {
        Reach::Webhook(webhook) => {
            inbound::router(webhook.secret.clone(), us.clone(), Once::new(talk.clone()), updates.clone())
        }
        Reach::Polling { .. } => Router::new(),
    };
    let mut tasks: JoinSet<Result<(), Error>> = JoinSet::new();
    let web = service::http::serve(listener, router, health.clone(), shutdown.clone());
    tasks.spawn(async move { web.await.map_err(Error::Serve) });
    tasks.spawn({
        let (clients, health, shutdown) = ([client.clone(), media], health.clone(), shutdown.clone());
        async move {
            service::nats::watch(&clients, &health, "nats", &shutdown).await;
            Ok(())
        }
    });
    tasks.spawn({
        let version = env!("CARGO_PKG_VERSION");
        let report = service::report::run(ledger.clone(), health.clone(), version, shutdown.clone());
        async move {
            report.await;
            Ok(())
        }
    });
    tasks.spawn({
        let (flood, media, shutdown) = (telegram.flood().clone(), flood_media, shutdown.clone());
        async move {
            flood.serve(media, shutdown).await;
            Ok(())
        }
    });
    tasks.spawn(listen_to_events(client, ledger, teller.clone(), refunds.clone(), shutdown.clone()));
    tasks.spawn({
        let shutdown = shutdown.clone();
        async move {
            tokio::join!(refunds.run(shutdown.clone()), reconciler.run(shutdown));
            Ok(())
        }
    });
    tasks.spawn({
        let (health, shutdown) = (health.clone(), shutdown.clone());
        async move {
            tokio::join!(
                teller.sweep(health, shutdown.clone()),
                teller.watch(shutdown.clone()),
                files.serve(shutdown)
            );
            Ok(())
        }
    });
    tasks.spawn({
        let (talk, shutdown) = (talk.clone(), shutdown.clone());
        async move {
            let (texts, pictures) = (Arc::clone(&talk.texts), talk.pictures.clone());
            let texts = contents::keep(talk.desk.clone(), texts, pictures, shutdown.clone());
            tokio::join!(talk.take_albums(shutdown.clone()), broadcaster.run(shutdown), texts);
            board.stop().await;
            Ok(())
        }
    });
    tasks.spawn(take_updates(talk, config.reach, health, shutdown.clone()));

    let failed = wait(&mut tasks, &shutdown).await;
    updates.close();
    let stopped = async {
        while let Some(ended) = tasks.join_next().await {
            note(&ended);
        }
        updates.wait().await;
        pictures.ended().await;
    };
    if tokio::time::timeout(STOP_MAX, stopped).await.is_err() {
        tracing::warn!("stopped before everything in hand was finished; it is taken up at the next start");
    }
    failed.map_or(Ok(()), Err)
}

/// Until the shutdown, or until a task ends in a way that makes the rest useless.
async fn wait(tasks: &mut JoinSet<Result<(), Error>>, shutdown: &CancellationToken) -> Option<Error> {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return None,
            ended = tasks.join_next() => match ended {
                Some(Ok(Err(error))) => {
                    shutdown.cancel();
                    return Some(error);
                }
                Some(ended) => {
                    note(&ended);
                    if !shutdown.is_cancelled() && ended.is_err() {
                        // A loop that panicked is a bug: better a restart than half a service.
                        shutdown.cancel();
                    }
                }
                None => return None,
            },
        }
    }
}

fn note(ended: &Result<Result<(), Error>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "a part of the service failed"),
        Err(error) => tracing::error!(%error, "a part of the service panicked"),
    }
}

async fn listen_to_events(
    client: Client,
    ledger: Ledger,
    teller: Teller,
    refunds: Refunds,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let options = consumer::Options { in_flight_max: 2 * IN_HAND_MAX, ack_wait: ACK_WAIT };
    consumer::run(client, Producer::Telegram, ledger, options, shutdown, move |event| {
        let (teller, refunds) = (teller.clone(), refunds.clone());
        async move {
            if event.r#type == "RefundOpened" {
                refunds.hear();
                return Verdict::Done;
            }
            teller.heard(event).await
        }
    })
    .await;
    Ok(())
}

/// Registers at Telegram, then takes updates in the configured way.
async fn take_updates(
    talk: Talk,
    reach: Reach,
    health: Health,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let Parts { telegram, us, texts, admins, .. } = &*talk;
    if !registration::register(telegram, us, texts, &reach, admins, &shutdown).await? {
        return Ok(());
    }
    health.set("telegram", true);
    match reach {
        Reach::Webhook(webhook) => registration::watch(telegram, &webhook, &health, &shutdown).await,
        Reach::Polling { .. } => {
            let reached = |up| health.set("telegram", up);
            let intake = Once::new(talk.clone());
            let polled = inbound::poll(telegram, us, &intake, &shutdown, reached).await;
            polled.map_err(registration::Error::Token)?;
        }
    }
    Ok(())
}
