//! `ledger serve`: stands by, leads, steps down, again and again until told to stop.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use proto_events::catalog::Catalog;
use proto_events::commands::CatalogPublish;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Credits, Position, Reply};
use secrecy::{ExposeSecret as _, SecretString};
use service::http::Health;
use sqlx::PgPool;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::console::{self, Console};
use crate::ear::Ear;
use crate::inbox::{Inbox, own_request};
use crate::leader::{keep_lease, wait_for_lead};
use crate::log::BadRow;
use crate::projections;
use crate::proofs::guard::{self, Restored};
use crate::proofs::keeper::Keeper;
use crate::proofs::{ProofsConfig, remote};
use crate::sequencer::{Clock, Ground, Lost, Queue, ReplyTo, Sequencer};
use crate::store::{self, Head, Outgrown};
use crate::tail::Tail;
use crate::{follow_ups, four_eyes, provision, relay, report, snapshots, timers};

/// Of the write path alone: sequencer 2, lease 1, timers 1.
const WRITERS_MAX: u32 = 4;
/// Of everything else: relay 1, provisioner 1, the tail 1, the rest for queries and operational
/// commands. Apart, so that slow questions never keep a leader from renewing its lease.
const READERS_MAX: u32 = 12;
/// Of the console: a page that reads much keeps no adapter waiting.
const PAGES_MAX: u32 = 4;
const AWAY: &str = "can't reach Postgres by DATABASE_URL, or it is not migrated (ledger migrate)";
/// How often the health page looks for Postgres.
const LOOK: Duration = Duration::from_secs(1);
/// How long a step-down waits for the tasks of the lead to end by themselves.
const STEP_DOWN: Duration = Duration::from_secs(3);
/// After a lead that failed: twice a standby's look.
const LEAD_AGAIN: Duration = Duration::from_millis(500);

#[derive(Clone)]
struct Service {
    pool: PgPool,
    readers: PgPool,
    /// The projections' own: their commits don't wait for the disk.
    folds: PgPool,
    /// For rebuilds and swaps of projections.
    patient: PgPool,
    nats: async_nats::Client,
    ear: Ear,
    media: async_nats::Client,
    first_catalog: Catalog,
    telling_lease_us: i64,
    admin_password: Option<SecretString>,
    four_eyes_above: Option<Credits>,
    overlap_from: usize,
    proofs: ProofsConfig,
    /// Why a restored database may be led: for the first lead of this process only.
    accept_restore: Arc<Mutex<Option<String>>>,
    write_path_only: bool,
    /// Set once this version can lead no more.
    outgrown: Arc<OnceLock<Outgrown>>,
}

/// Serves until told to stop.
///
/// # Errors
/// Postgres or NATS can't be reached at the start, the port is taken, an old database was restored
/// and nobody has accepted that, or a newer version has migrated the database so that this one can lead no more.
pub async fn run(
    config: Config,
    accept_restore: Option<String>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = SocketAddr::new(config.bind, config.port);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address} (PORT)"))?;
    let health = Health::new(&["postgres", "nats"]);
    let url = config.database_url.expose_secret();
    let connect =
        |connections_max| async move { store::connect_serving(url, connections_max).await.context(AWAY) };
    let (pool, readers) = (connect(WRITERS_MAX).await?, connect(READERS_MAX).await?);
    let folds = projections::connect(url).await.context("can't reach Postgres by DATABASE_URL")?;
    let patient = projections::connect_patient(url).await.context("can't reach Postgres by DATABASE_URL")?;
    store::head(&pool)
        .await
        .context("the database is not migrated: run `ledger migrate` or `serve --migrate`")?;
    tokio::spawn(watch_postgres(readers.clone(), health.clone(), stop.clone()));
    let nats = service::nats::connect(&config.nats, "ledger").await?;
    let media = service::nats::connect(&config.media, "media-ledger").await?;
    let bench = projections::Bench::new(patient.clone(), stop.clone());
    let pages = store::connect_pages(url, PAGES_MAX).await.context(AWAY)?;
    let (to_media, hops) = (media.clone(), config.hops);
    let means = console::Means { pool: pages, nats: nats.clone(), media: to_media, bench, hops };
    let pages = console::router(Console::new(means)?);
    let web = tokio::spawn(service::http::serve(listener, pages, health.clone(), stop.clone()));
    tokio::spawn({
        let (clients, health, stop) = ([nats.clone(), media.clone()], health.clone(), stop.clone());
        async move { service::nats::watch(&clients, &health, "nats", &stop).await }
    });
    let telling_lease_us = i64::from(config.telling_lease_ms) * 1_000;
    let ear = Ear::start(nats.clone(), stop.clone());
    let leads = Arc::new(AtomicBool::new(false));
    let telling =
        tokio::spawn(report::run(readers.clone(), health.clone(), Arc::clone(&leads), stop.clone()));
    let service = Service {
        pool,
        readers,
        folds,
        patient,
        nats,
        ear,
        media,
        first_catalog: config.first_catalog,
        telling_lease_us,
        admin_password: config.admin_password,
        four_eyes_above: config.four_eyes_above,
        overlap_from: config.overlap_from,
        proofs: config.proofs,
        accept_restore: Arc::new(Mutex::new(accept_restore)),
        write_path_only: config.write_path_only,
        outgrown: Arc::default(),
    };
    while let Some(head) = wait_for_lead(&service.pool, &service.ear, &stop).await {
        tracing::info!(epoch = head.epoch, position = head.position, "leading");
        metrics::gauge!("ledger_leading").set(1.0);
        leads.store(true, Ordering::Relaxed);
        let led = service.lead(head, &stop).await;
        leads.store(false, Ordering::Relaxed);
        if let Err(error) = led {
            if error.is::<Restored>() || is_newer(&error) {
                return Err(error);
            }
            tracing::error!(error = format!("{error:#}"), "the lead ended");
            // Another one goes first.
            stop.run_until_cancelled(tokio::time::sleep(LEAD_AGAIN)).await;
        }
        metrics::gauge!("ledger_leading").set(0.0);
        if let Some(outgrown) = service.outgrown.get() {
            return Err((*outgrown).into());
        }
    }
    web.await?.context("the web server failed")?;
    telling.await?;
    Ok(())
}

/// The log has what only a newer version understands: this one would fail again each time it leads.
fn is_newer(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<BadRow>(), Some(BadRow::Event { .. }))
}

/// Keeps the health page true about Postgres.
async fn watch_postgres(pool: PgPool, health: Health, stop: CancellationToken) {
    while !stop.is_cancelled() {
        health.set("postgres", store::answered(store::incarnation(&pool)).await.is_ok());
        stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
    }
}

impl Service {
    /// Everything a leader does, until it is told to stop or fenced.
    async fn lead(&self, head: Head, stop: &CancellationToken) -> anyhow::Result<()> {
        let leading = stop.child_token();
        let queue = Arc::new(Queue::default());
        let epoch = Arc::new(AtomicI64::new(head.epoch));
        let mut tasks = JoinSet::new();
        let begun = self.begin(head, &epoch, &mut tasks, &queue, &leading).await;
        if begun.is_ok() {
            until_over(&mut tasks, &leading).await;
        }
        leading.cancel();
        let in_time =
            tokio::time::timeout(STEP_DOWN, async { while tasks.join_next().await.is_some() {} }).await;
        if in_time.is_err() {
            tasks.abort_all();
        }
        for (_, to) in queue.drain() {
            to.send(&Reply::Busy { retry_after_ms: 500 }).await;
        }
        // Nothing happens if somebody else leads already.
        let epoch = epoch.load(Ordering::SeqCst);
        match store::answered(store::release(&self.pool, epoch)).await {
            Ok(()) => tracing::info!(epoch, "the lead was given back"),
            Err(error) => {
                tracing::warn!(%error, "the lead could not be given back; its lease ends by itself")
            }
        }
        begun
    }

    /// Starts the tasks of a lead: the lease first, since the rest may hang on a dead connection.
    async fn begin(
        &self,
        head: Head,
        epoch: &Arc<AtomicI64>,
        tasks: &mut JoinSet<()>,
        queue: &Arc<Queue>,
        leading: &CancellationToken,
    ) -> anyhow::Result<()> {
        let clock = Clock::taken_over(&head);
        if !clock.is_trusted() {
            tracing::error!("Postgres' clock jumped, or nobody watched it; expiries pause for a minute");
            metrics::counter!("ledger_clock_jumps_total").increment(1);
        }
        let clock = Arc::new(Mutex::new(clock));
        let (committed, seen) = watch::channel(Position::ZERO);
        let lease = keep_lease(self.pool.clone(), Arc::clone(epoch), Arc::clone(&clock), leading.clone());
        tasks.spawn(ended("lease", leading.clone(), lease));
        let deaf = self.ear.clone().hears_no_more();
        let hearing = leading.clone().run_until_cancelled_owned(deaf).map(drop);
        tasks.spawn(ended("hearing", leading.clone(), hearing));
        let head = tokio::select! {
            vouched = self.vouch(head, epoch) => vouched?,
            () = leading.cancelled() => return Ok(()),
        };
        let ground = Ground {
            pool: self.pool.clone(),
            readers: self.readers.clone(),
            head,
            epoch: Arc::clone(epoch),
            clock: Arc::clone(&clock),
            overlap_from: self.overlap_from,
        };
        let sequencer = tokio::select! {
            started = Sequencer::start(ground, committed) => started?,
            () = leading.cancelled() => return Ok(()),
        };
        spawn_sequencer(tasks, sequencer, queue, leading, &self.outgrown);
        self.spawn_followers(tasks, self.keeper(&head, epoch), queue, &clock, &seen, leading);
        let publish = publish_first_catalog(Arc::clone(queue), self.first_catalog.clone());
        spawn_follower(tasks, leading, publish);
        let set = four_eyes::set(Arc::clone(queue), seen.clone(), self.four_eyes_above);
        spawn_follower(tasks, leading, set);
        if let Some(password) = self.admin_password.clone() {
            let let_in = console::let_first_in(self.readers.clone(), Arc::clone(queue), password);
            spawn_follower(tasks, leading, let_in);
        }
        Ok(())
    }

    /// Is this the log that was led last? If not, nothing is served, unless that was accepted.
    async fn vouch(&self, head: Head, epoch: &Arc<AtomicI64>) -> anyhow::Result<Head> {
        let mut head = head;
        let accepted = self.accept_restore.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Err(restored) = guard::check(&self.readers, &self.nats, &self.proofs, &head).await? {
            let Some(why) = accepted else { return Err(restored.into()) };
            let begun = guard::accept(&self.pool, &head, restored.next_incarnation).await?;
            head = begun.context("another ledger leads")?;
            let found = restored.found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            tracing::warn!(
                why,
                found,
                incarnation = head.incarnation,
                position = head.position,
                "an old database was accepted; the log goes on as a new incarnation"
            );
            // After the acceptance is kept: a log without its witness would go on unasked. What is left of it is
            // known by its incarnation, to the guard and to the relay.
            if let Err(error) = remote::delete_evt(&self.nats).await {
                tracing::warn!(%error, "the old event stream could not be deleted; the relay tries again");
            }
        }
        self.keeper(&head, epoch).begin_incarnation(&head).await?;
        Ok(head)
    }

    fn keeper(&self, head: &Head, epoch: &Arc<AtomicI64>) -> Keeper {
        Keeper {
            pool: self.readers.clone(),
            nats: self.nats.clone(),
            config: self.proofs.clone(),
            epoch: Arc::clone(epoch),
            incarnation: head.incarnation,
        }
    }

    fn spawn_followers(
        &self,
        tasks: &mut JoinSet<()>,
        keeper: Keeper,
        queue: &Arc<Queue>,
        clock: &Arc<Mutex<Clock>>,
        seen: &watch::Receiver<Position>,
        leading: &CancellationToken,
    ) {
        let inbox = Inbox {
            client: self.nats.clone(),
            pool: self.readers.clone(),
            queue: Arc::clone(queue),
            clock: Arc::clone(clock),
            committed: seen.clone(),
            incarnation: keeper.incarnation,
            telling_lease_us: self.telling_lease_us,
        };
        let stop = leading.clone();
        tasks.spawn(ended("inbox", leading.clone(), async move {
            if let Err(error) = inbox.run(stop).await {
                tracing::error!(%error, "commands can't be taken");
            }
        }));
        let (readers, nats, stop) = (|| self.readers.clone(), || self.nats.clone(), || leading.clone());
        let timers = timers::run(self.pool.clone(), Arc::clone(queue), Arc::clone(clock), stop());
        spawn_follower(tasks, leading, timers);
        spawn_follower(tasks, leading, provision::run(readers(), nats(), self.media.clone(), stop()));
        if self.write_path_only {
            return;
        }
        let books = timers::books::run(self.readers.clone(), Arc::clone(queue), stop());
        spawn_follower(tasks, leading, books);
        let housekeeping = timers::housekeeping::run(readers(), Arc::clone(clock));
        spawn_follower(tasks, leading, housekeeping);
        let tail = Tail::new(self.readers.clone(), seen.clone());
        for follower in projections::followers(&self.folds, &tail) {
            spawn_follower(tasks, leading, follower);
        }
        let swaps = projections::fulfil(self.patient.clone(), Arc::clone(queue));
        spawn_follower(tasks, leading, swaps);
        spawn_follower(tasks, leading, projections::keep(self.patient.clone()));
        spawn_follower(tasks, leading, snapshots::run(self.folds.clone(), tail.clone()));
        let follow = follow_ups::run(readers(), Arc::clone(queue), tail.clone());
        spawn_follower(tasks, leading, follow);
        spawn_follower(tasks, leading, follow_ups::media::run(readers(), self.media.clone()));
        let relay = relay::run(readers(), nats(), tail.clone(), keeper.incarnation, stop());
        spawn_follower(tasks, leading, relay);
        spawn_follower(tasks, leading, keeper.run(tail));
    }
}

/// A task that may be dropped anywhere: what it does half is done again by the next leader. So a lead
/// ends at once though NATS or Postgres do not answer.
fn spawn_follower(
    tasks: &mut JoinSet<()>,
    leading: &CancellationToken,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let leading = leading.clone();
    tasks.spawn(async move {
        leading.run_until_cancelled_owned(task).await;
    });
}

fn spawn_sequencer(
    tasks: &mut JoinSet<()>,
    sequencer: Sequencer,
    queue: &Arc<Queue>,
    leading: &CancellationToken,
    outgrown: &Arc<OnceLock<Outgrown>>,
) {
    let (queue, stop, outgrown) = (Arc::clone(queue), leading.clone(), Arc::clone(outgrown));
    tasks.spawn(ended("sequencer", leading.clone(), async move {
        match sequencer.run(&queue, stop).await {
            Ok(()) => {}
            Err(Lost::Outgrown(newer)) => {
                tracing::error!(error = %newer, "stepping down for good");
                outgrown.get_or_init(|| newer);
            }
            Err(lost) => tracing::warn!(%lost, "stepping down"),
        }
    }));
}

/// Waits for the end of the lead. A task that panics ends it: the next lead starts all of them anew.
async fn until_over(tasks: &mut JoinSet<()>, leading: &CancellationToken) {
    loop {
        tokio::select! {
            () = leading.cancelled() => return,
            Some(task) = tasks.join_next() => if let Err(error) = task {
                tracing::error!(%error, "a task of the lead failed; the lead ends");
                leading.cancel();
            },
        }
    }
}

/// A task without which there is no lead: when it ends, the lead ends.
async fn ended(name: &'static str, leading: CancellationToken, task: impl Future<Output = ()>) {
    task.await;
    if !leading.is_cancelled() {
        tracing::warn!(task = name, "ended; the lead ends");
        leading.cancel();
    }
}

/// The first catalog, once: version 1 of an empty catalog stream. Asked again while the
/// ledger is busy.
async fn publish_first_catalog(queue: Arc<Queue>, catalog: Catalog) {
    let Ok(id) = CommandId::new("catalog:1") else { return };
    loop {
        let (sender, receiver) = oneshot::channel();
        let command = CatalogPublish { version: 1, catalog: catalog.clone(), reason: None }.into();
        let request = own_request(id.clone(), AccountRef::Id(AccountId::CATALOG), command, None);
        if queue.push((request, ReplyTo::Here(sender))).is_err() {
            return;
        }
        match receiver.await {
            Ok(Reply::Busy { retry_after_ms }) => {
                tokio::time::sleep(Duration::from_millis(retry_after_ms.into())).await;
            }
            Ok(Reply::Refused { refusal })
                if !["version_not_next", "command_id_reused"].contains(&refusal.code.as_str()) =>
            {
                let (code, reason) = (refusal.code, refusal.message);
                return tracing::error!(%code, reason, "the default catalog was refused");
            }
            _ => return,
        }
    }
}
